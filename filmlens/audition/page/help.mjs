// The help: every key, from the table that the keys are made of, and what the bench is for.
import { button, h } from "./dom.mjs";
import { helpGroups } from "./keys.mjs";

const ABOUT = [
  "Hear each cue beside its track and say whether it is right. Every verdict is on disk at once, in verdicts/ of the corpus; U takes it back.",
  "What is judged is what is heard: playing stops at the cue's end, the selection follows the play head, and Y outside every cue does nothing.",
  "Several annotators judge under a name each and see nothing of each other. The bench without a name shows their verdicts beside each other and decides; what it writes is what all else reads.",
  "Film and track are brought to one loudness, and the track runs as fast as the film's transfer. Recall is only known from films marked complete, or from the recall check.",
];

export function makeHelp(closed) {
  const groups = helpGroups().map(([group, rows]) =>
    h(
      "section",
      {},
      h("h4", { text: group }),
      h("dl", {}, ...rows.flatMap(([keys, text]) => [h("dt", {}, h("kbd", { text: keys })), h("dd", { text })])),
    ),
  );
  const close = button("Close help", "Close", () => toggle(false));
  const card = h("div", { class: "fl-help-card", tabindex: 0 }, h("div", { class: "fl-header" }, h("h3", { text: "Keys" }), close), ...ABOUT.map((text) => h("p", { text })), h("div", { class: "fl-help-groups" }, ...groups));
  const box = h("div", { class: "fl-help", role: "dialog", "aria-modal": "true", "aria-label": "Keys", hidden: true }, card);

  function toggle(on = box.hidden) {
    box.hidden = !on;
    if (on) close.focus();
    else closed();
  }

  return {
    box,
    toggle,
    get open() {
      return !box.hidden;
    },
  };
}
