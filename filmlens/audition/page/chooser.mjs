// One way to choose and to type: nothing happens before Enter, and Escape leaves all as it was.
import { button, h, unique } from "./dom.mjs";
import { folded, search } from "./state.mjs";

/**
 * A dialog over the page. `choose` gives the value (or, with `many`, the values) that Enter took, `type` the text;
 * both give null after Escape.
 */
export function makeChooser(root, closed) {
  const name = unique("choose");
  const title = h("h3", { id: `${name}-title` });
  const field = h("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": `${name}-list`, autocomplete: "off", dir: "auto" });
  const list = h("ul", { id: `${name}-list`, role: "listbox", "aria-label": "Choices", class: "fl-choose-list" });
  const hint = h("p", { class: "fl-about", role: "status" });
  const take = button("Take it", "Take (Enter)", () => finish(true));
  const leave = button("Leave as it was", "Leave (Esc)", () => finish(false));
  const card = h("div", { class: "fl-choose-card" }, title, field, list, hint, h("div", { class: "fl-row" }, take, leave));
  const box = h("div", { class: "fl-choose", role: "dialog", "aria-modal": "true", "aria-labelledby": `${name}-title`, hidden: true }, card);
  let wish = null; // what is asked for now
  let shown = [];
  let active = 0;

  function open(content) {
    if (wish) finish(false);
    return new Promise((resolve) => {
      wish = { ...content, resolve, chosen: new Set(content.many ? content.current : []) };
      title.textContent = content.title;
      field.setAttribute("aria-label", content.title);
      hint.textContent = content.hint ?? "";
      list.hidden = !content.rows;
      field.value = content.rows ? "" : content.value ?? "";
      box.hidden = false;
      active = -1;
      if (content.rows) draw(Math.max(0, content.rows.findIndex((r) => r.value === content.current)));
      field.focus({ preventScroll: true });
      field.select();
    });
  }

  function draw(at) {
    const typed = field.value.trim();
    shown = search(typed, wish.rows, ["text", "about"]);
    const same = wish.rows.some((r) => folded(r.text) === folded(typed));
    if (wish.free && typed && !same) shown = [...shown, { value: { name: typed }, text: `“${typed}”`, about: wish.free }];
    active = Math.min(shown.length - 1, Math.max(0, at));
    list.replaceChildren(
      ...shown.map((row, i) =>
        h(
          "li",
          { role: "option", id: `${name}-${i}`, "aria-selected": wish.many ? wish.chosen.has(row.value) : i === active, class: i === active ? "fl-active" : "", onclick: () => pick(i) },
          row.color ? h("i", { class: "fl-swatch", style: `background:${row.color}` }) : null,
          wish.many ? h("span", { class: "fl-tick", "aria-hidden": "true", text: wish.chosen.has(row.value) ? "☑" : "☐" }) : null,
          h("bdi", { text: row.text }),
          row.about ? h("span", { class: "fl-about", text: row.about }) : null,
        ),
      ),
    );
    field.setAttribute("aria-activedescendant", active >= 0 ? `${name}-${active}` : "");
    list.children[active]?.scrollIntoView({ block: "nearest" });
    if (!shown.length) hint.textContent = "nothing of that name";
    else if (wish.hint) hint.textContent = wish.hint;
  }

  function pick(i) {
    if (wish.many) {
      toggle(i);
      field.focus();
    } else {
      active = i;
      finish(true);
    }
  }

  function toggle(i) {
    const value = shown[i]?.value;
    if (value === undefined) return;
    if (!wish.chosen.delete(value)) wish.chosen.add(value);
    wish.touched = true;
    draw(i);
  }

  function finish(taken) {
    if (!wish) return;
    let value = null;
    if (taken && wish.rows && wish.many) {
      if (!wish.touched || field.value.trim()) toggle(active); // Enter alone takes the one that is marked
      value = wish.rows.map((r) => r.value).filter((v) => wish.chosen.has(v));
    } else if (taken && wish.rows) {
      if (!shown[active]) return;
      value = shown[active].value;
    } else if (taken) {
      const problem = wish.check?.(field.value);
      if (problem) {
        hint.textContent = problem;
        return;
      }
      value = field.value.trim();
    }
    const { resolve } = wish;
    wish = null;
    box.hidden = true;
    closed();
    resolve(value);
  }

  field.addEventListener("input", () => {
    if (wish?.rows) draw(0);
    else hint.textContent = wish?.hint ?? "";
  });
  box.addEventListener("pointerdown", (event) => event.target === box && finish(false));
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const inField = event.target === field;
    const atEnd = field.selectionStart === field.value.length;
    if (event.key === "Escape") finish(false);
    else if (event.key === "Enter" && inField) finish(true);
    else if (wish?.rows && event.key === "ArrowDown") draw(active + 1);
    else if (wish?.rows && event.key === "ArrowUp") draw(active - 1);
    else if (wish?.many && event.key === " " && inField) toggle(active);
    else if (wish?.hear && event.key === "ArrowRight" && atEnd && shown[active]) wish.hear(shown[active].value);
    else if (event.key === "Tab") {
      const stops = [field, take, leave];
      stops[(stops.indexOf(event.target) + (event.shiftKey ? 2 : 1)) % 3].focus();
    } else return;
    event.preventDefault();
  });
  root.append(box);
  return {
    choose: (content) => open(content),
    type: (content) => open({ ...content, rows: null }),
    get open() {
      return wish !== null;
    },
  };
}
