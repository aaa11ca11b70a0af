// Small helpers for the page. What comes from the user's files is only ever set as text.

export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else if (name.startsWith("aria-")) node.setAttribute(name, String(value));
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((c) => c != null));
  return node;
}

let made = 0;
/** An id that no other element of the document has, however many benches stand in it. */
export function unique(name) {
  return `fl-${name}-${++made}`;
}

export function button(name, text, action, attributes = {}) {
  return h("button", { type: "button", "aria-label": name, title: name, onclick: action, ...attributes }, text);
}

export function bytesOf(buffer) {
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer)
    : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** A file as it is on disk, to travel in a message. */
export async function base64Of(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const parts = [];
  for (let at = 0; at < bytes.length; at += 8192) parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  return btoa(parts.join(""));
}

/** A toolbar is one tab stop; arrows, Home and End move inside it. */
export function toolbar(label, ...children) {
  const bar = h("div", { class: "fl-row", role: "toolbar", "aria-label": label }, ...children);
  const stops = () => [...bar.querySelectorAll("button, select")].filter((b) => !b.hidden);
  const rove = (to) => stops().forEach((b) => (b.tabIndex = b === to ? 0 : -1));
  rove(stops()[0]);
  bar.addEventListener("focusin", (event) => rove(event.target));
  bar.addEventListener("keydown", (event) => {
    const all = stops();
    const at = all.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    all[(to + all.length) % all.length].focus();
  });
  return bar;
}

/** A list of options that is one tab stop: arrows move, Enter opens; `active` is told to screen readers. */
export function listbox(label, open) {
  const box = h("div", { role: "listbox", tabindex: 0, "aria-label": label });
  let active = -1;
  box.show = (rows, current) => {
    const kept = new Set(rows);
    for (const old of [...box.children]) if (!kept.has(old)) old.remove();
    rows.forEach((row, i) => {
      row.id ||= unique("row");
      if (box.children[i] !== row) box.insertBefore(row, box.children[i] ?? null);
    });
    active = current;
    mark(false);
  };
  function mark(scroll = true) {
    [...box.children].forEach((row, i) => row.classList.toggle("fl-active", i === active));
    const row = box.children[active];
    if (row?.id) box.setAttribute("aria-activedescendant", row.id);
    else box.removeAttribute("aria-activedescendant");
    if (scroll) row?.scrollIntoView({ block: "nearest" });
  }
  box.addEventListener("keydown", (event) => {
    const last = box.children.length - 1;
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: last }[event.key];
    if (event.key === "Enter" && active >= 0) open(active);
    else if (to !== undefined) {
      active = Math.min(last, Math.max(0, to));
      mark();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  box.addEventListener("click", (event) => {
    const at = [...box.children].indexOf(event.target.closest('[role="option"]'));
    if (at >= 0) open(at);
  });
  return box;
}
