// One tab's sitting.
/** What holds one tab's steps for undo together, over a reload of the page. */
export function sitting() {
  try {
    const known = sessionStorage.getItem("filmlens-sitting") ?? crypto.getRandomValues(new Uint32Array(3)).join("-");
    sessionStorage.setItem("filmlens-sitting", known);
    return known;
  } catch {
    return ""; // a browser that keeps nothing
  }
}
