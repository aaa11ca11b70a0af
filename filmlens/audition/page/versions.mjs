// Annotators beside each other: the panel of the cue in view, and the keys that decide between them.
import { button, h } from "./dom.mjs";
import { differing, matterInView, saidBy } from "./matters.mjs";
import { nameOf } from "./state.mjs";
import { clock, cueView } from "./time.mjs";

const FIRST_KEY = 3; // the digit of the first annotator; 1 and 2 play

export function makeVersions(bench) {
  const chip = h("span", { class: "fl-chip", hidden: true });
  const why = h("p", { class: "fl-question" });
  const rows = h("tbody");
  const heads = ["Annotator", "Verdict", "Music", "Start", "End", "Fields"].map((text) => h("th", { scope: "col", text }));
  const table = h("table", { class: "fl-versions-table", "aria-label": "Verdicts of the annotators" }, h("thead", {}, h("tr", {}, ...heads)), rows);
  const next = button("Next cue on which annotators differ", "Next disagreement", () => onward());
  const all = button("Take over all that annotators agree on", "Take over what agrees…", () => agreed());
  const none = button("Leave this cue out", "Leave out", () => leaveOut());
  const box = h("section", { class: "fl-versions", "aria-label": "Annotators", hidden: true }, why, table, h("div", { class: "fl-row" }, next, none, all));

  const matters = () => bench.state.matters ?? [];
  const inView = () => matterInView(matters(), bench.matter, bench.selected);

  /** The matter that was gone to, as long as no cue of the film stands for it and the head is in it. */
  function held() {
    const m = bench.matter && matters().find((one) => one.id === bench.matter);
    if (m && !m.cue && bench.player.time >= m.start - 0.021 && bench.player.time <= m.end + 0.021) return m;
    bench.matter = null;
    return null;
  }

  function show(id) {
    const m = matters().find((one) => one.id === id);
    if (!m) return;
    if (m.cue) return bench.select(m.cue);
    Object.assign(bench, { selected: null, matter: id, shown: cueView(m, bench.film.duration) });
    bench.moveTo(m.start);
    bench.drawAll();
  }

  const onward = () => bench.onward({ disputed: true });

  // The matter is settled before it is told, so that the next key is about the next one.
  function decide(m, who) {
    m.open = false;
    bench.side.settle(m.cue ?? m.id);
    const sent = bench.act("take", { matter: m.id, who });
    sent.then((done) => done ?? bench.act("state"));
    onward();
    return sent;
  }

  function take(number) {
    const m = inView();
    const version = m?.versions[number];
    if (!version) return bench.say(m ? "there is no such annotator" : "no annotator has judged what is in view");
    if (version.verdict === "") return bench.say(`nothing was decided: ${version.who} has not judged this cue`);
    return decide(m, version.who);
  }

  function leaveOut() {
    const m = held();
    if (m) return decide(m, null);
    return bench.say("nothing was left out: reject the cue with N");
  }

  async function agreed() {
    const told = await bench.act("agreed", { sure: false });
    if (!told) return;
    const rowsOf = [{ value: false, text: "Leave them" }, { value: true, text: `Take over ${told.content.count} verdicts` }];
    if (!(await bench.chooser.choose({ title: told.content.text, current: false, rows: rowsOf }))) return;
    await bench.act("agreed", { sure: true });
    bench.askLibrary();
  }

  function draw() {
    const { who } = bench.state;
    const whos = matters()[0]?.versions.map((v) => v.who) ?? [];
    chip.hidden = !who && !whos.length;
    chip.textContent = who ? `annotator ${who}` : `deciding between ${whos.join(", ")}`;
    const m = bench.spanMode ? null : inView();
    box.hidden = !whos.length || bench.spanMode;
    table.hidden = !m;
    none.disabled = !held();
    const place = m ? `${nameOf(m)}, ${clock(m.start, 2)} – ${clock(m.end, 2)}: ` : "";
    why.textContent = m ? `${place}${m.why || "annotators agree"}${m.why && !m.open ? " · decided" : ""}` : "No annotator has judged what is in view.";
    const marks = m ? differing(m.versions) : [];
    rows.replaceChildren(
      ...(m?.versions ?? []).map((version, k) => {
        const key = k + FIRST_KEY <= 9 ? `${k + FIRST_KEY} ` : "";
        const choose = button(`Decide as ${version.who} has it`, `${key}${version.who}`, () => take(k), { disabled: version.verdict === "" });
        return h("tr", {}, h("th", { scope: "row" }, choose), ...saidBy(version).map((text, i) => h("td", { text, dir: "auto", class: marks[i] ? "fl-differs" : "" })));
      }),
    );
  }

  return { box, chip, draw, held, show, take, leaveOut, agreed, onward };
}
