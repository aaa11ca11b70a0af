// The pure parts of the page: seconds, keys, what is heard and judged, the queue, colours. Run by test_page.py.
import assert from "node:assert/strict";
import test from "node:test";
import * as color from "./page/color.mjs";
import * as keys from "./page/keys.mjs";
import * as matters from "./page/matters.mjs";
import * as picture from "./page/picture.mjs";
import * as queue from "./page/queue.mjs";
import * as state from "./page/state.mjs";
import * as time from "./page/time.mjs";
import * as transport from "./page/transport.mjs";

const page = { ...color, ...keys, ...matters, ...picture, ...queue, ...state, ...time, ...transport };

test("pixels and seconds are each other's inverse", () => {
  const view = { start: 12.5, end: 37.25 };
  for (const px of [0, 1, 333.3, 899]) assert.ok(Math.abs(page.pixelAt(page.secondsAt(px, view, 900), view, 900) - px) < 1e-9);
  assert.equal(page.secondsAt(0, view, 900), 12.5);
  assert.equal(page.pixelAt(37.25, view, 900), 900);
});

test("clock", () => {
  assert.equal(page.clock(3725.4), "1:02:05");
  assert.equal(page.clock(59.999, 2), "1:00.00");
  assert.equal(page.clock(0.05, 2), "0:00.05");
  assert.equal(page.clock(-3), "0:00");
});

test("keys do what the help says", () => {
  const does = (key, more = {}) => page.keyAction({ key, ...more });
  assert.deepEqual(does(" "), { do: "play" });
  assert.deepEqual(does("["), { do: "nudge", by: -0.05 });
  assert.deepEqual(does("]"), { do: "nudge", by: 0.05 });
  assert.deepEqual(does("{", { shiftKey: true }), { do: "nudge", by: -0.5 });
  assert.deepEqual(does("]", { shiftKey: true }), { do: "nudge", by: 0.5 });
  assert.deepEqual(does("]", { altGraph: true, ctrlKey: true, altKey: true }), { do: "nudge", by: 0.05 });
  assert.deepEqual(does("Y"), { do: "judge", verdict: "accept" });
  assert.deepEqual(does("n"), { do: "judge", verdict: "reject" });
  assert.deepEqual(does("Delete"), { do: "judge", verdict: "reject" });
  assert.deepEqual(does("z", { ctrlKey: true }), { do: "undo" });
  assert.deepEqual(does("z"), { do: "nextDisputed" });
  assert.deepEqual(does("3"), { do: "take", number: 0 });
  assert.deepEqual(does("9"), { do: "take", number: 6 });
  assert.deepEqual(does("z", { metaKey: true }), { do: "undo" });
  assert.deepEqual(does("ArrowLeft", { shiftKey: true }), { do: "seek", by: -5 });
  for (const key of ["'", "Tab", "Shift", "F5"]) assert.equal(does(key), null);
  for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }]) assert.equal(does("y", more), null);
});

test("no key stands twice in the table, and each is in the help", () => {
  for (const how of ["on", "shift", "ctrl"]) {
    const all = page.KEYS.flatMap((row) => Object.keys(row[how] ?? {}));
    assert.equal(new Set(all).size, all.length, how);
  }
  assert.equal(page.helpGroups().flatMap(([, rows]) => rows).length, page.KEYS.length);
  for (const row of page.KEYS) assert.ok(row.show && row.help && row.on, row.show);
});

test("what is judged is what is heard", () => {
  const cues = [{ id: "a", start: 0, end: 10 }, { id: "b", start: 8, end: 20 }, { id: "c", start: 30, end: 40, verdict: "reject" }];
  assert.equal(page.heardAt(cues, "a", 9).id, "a", "the selected one of two that overlap");
  assert.equal(page.heardAt(cues, "b", 9).id, "b");
  assert.equal(page.heardAt(cues, "a", 15).id, "b", "the selection follows the head");
  assert.equal(page.heardAt(cues, "a", 10).id, "a", "its end belongs to it");
  assert.equal(page.heardAt(cues, "a", 25), null, "in no cue nothing is judged");
  assert.equal(page.heardAt(cues, "a", 35).id, "c");
});

test("segments of a cue meet where they begin", () => {
  const segments = [[5, 9, 40, 1], [9.5, 15, 10, 1], [15, 20, 3, 1]];
  assert.deepEqual(page.seamsOf({ start: 5, end: 20, segments }), [9.5, 15]);
  assert.deepEqual(page.seamsOf({ start: 5, end: 20, segments: [] }), []);
});

test("playing stops at the cue's end, or loops, or goes on", () => {
  const range = { start: 5, end: 10 };
  assert.deepEqual(page.atLimit(9.99, 10.01, range, "stop"), { stop: 10 });
  assert.deepEqual(page.atLimit(9.99, 10.01, range, "loop"), { loop: 5 });
  assert.equal(page.atLimit(9.99, 10.01, range, "go"), null);
  assert.equal(page.atLimit(10.5, 11, range, "stop"), null, "what begins behind it goes on");
  assert.equal(page.atLimit(1, 2, null, "stop"), null);
  assert.equal(page.playFrom(10, range, 60), 5);
  assert.equal(page.playFrom(7, range, 60), 7);
  assert.equal(page.playFrom(60, null, 60), 0);
});

test("a typed time", () => {
  for (const [text, seconds] of [["62.35", 62.35], ["1:02.35", 62.35], ["0:06,48", 6.48], ["1:00:00", 3600], ["+3.2", 13.2], ["-0.5", 9.5], ["-1:00", -50]])
    assert.ok(Math.abs(page.typedTime(text, 10) - seconds) < 1e-9, text);
  for (const text of ["", "+", "a", "1:2:3:4", "1..2", "--1"]) assert.equal(page.typedTime(text, 10), null, text);
});

const CUES = [
  { film_id: "a", id: "1", title: "Étretat", genres: "Action", track: "Theme", start: 0, probability: 0.9, score: 10, verdict: "" },
  { film_id: "a", id: "2", title: "Étretat", genres: "Action", track: "Chase", start: 9, probability: 0.6, score: 99, verdict: "accept" },
  { film_id: "b", id: "1", title: "Last", genres: "Horror", track: "Theme", start: 2, probability: null, score: 4, verdict: "" },
  { film_id: "b", id: "2", title: "Last", genres: "Horror", track: "", name: "radio", unmatched: true, start: 7, score: null, verdict: "added", usage: "song" },
];
const names = (rows) => rows.map((r) => r.film_id + r.id).join(" ");

test("the queue's orders and filters", () => {
  assert.equal(names(page.ordered(CUES, "film")), "a1 a2 b1 b2");
  assert.equal(names(page.ordered(CUES, "certain")), "a2 a1 b1 b2", "by probability where present, else by score");
  assert.equal(names(page.ordered(CUES.map((r, i) => ({ ...r, given: 3 - i })), "given")), "b2 b1 a2 a1");
  assert.equal(names(page.ordered(CUES.map((r, i) => ({ ...r, excess: i === 2 ? 0.4 : undefined })), "transplanted")), "b1 a1 a2 b2");
  assert.equal(names(page.kept(CUES, {})), "a1 b1");
  assert.equal(names(page.kept(CUES, { which: "all", words: "etretat" })), "a1 a2", "accents do not matter");
  assert.equal(names(page.kept(CUES, { which: "all", words: "horror theme" })), "b1");
  assert.equal(names(page.kept(CUES, { which: "all", words: "song" })), "b2");
  assert.equal(names(page.kept(CUES, { which: "all", low: 0.7, high: 5 })), "a1 b1");
  assert.equal(names(page.kept(CUES, { which: "unmatched" })), "b2");
});

test("the next of the queue", () => {
  const next = (current, filter = {}, by = 1) => page.nextOf(CUES, page.kept(CUES, filter), current, by);
  assert.equal(names([next({ film_id: "a", id: "1" })]), "b1", "judged ones are passed over, films are no border");
  assert.equal(names([next({ film_id: "a", id: "2" })]), "b1");
  assert.equal(names([next({ film_id: "b", id: "1" })]), "a1", "from the start again");
  assert.equal(names([next({ film_id: "a", id: "1" }, { which: "all" })]), "a2");
  assert.equal(names([next({ film_id: "x", id: "9" })]), "a1");
  assert.equal(page.nextOf(CUES.slice(0, 1), CUES.slice(0, 1), { film_id: "a", id: "1" }), null, "the last one");
  assert.equal(page.nextOf([], [], {}), null);
});

test("a film's cues as they stand now replace the old ones, and what the library knew stays", () => {
  const rows = page.withFilm([...CUES.slice(0, 3), { film_id: "a", id: "span|1", span: "heard", unmatched: true, start: 20, end: 25 }, { film_id: "a", id: "span|2", span: "detected", unmatched: true, start: 31, end: 39 }].map((r) => ({ ...r, excess: 0.1 })), { film_id: "a", title: "A" }, [{ id: "2", track: "X", verdict: "reject", start: 10, end: 30 }, { id: "3", track: "", verdict: "added", start: 30, end: 36 }]);
  assert.equal(names(rows), "a2 aspan|1 a3 b1", "a cue over half of a span has taken its place");
  const spans = [{ id: "span|1", span: "heard", unmatched: true }, { id: "span|2", span: "detected", unmatched: true }];
  assert.deepEqual(["open", "all", "unmatched"].map((which) => page.kept(spans, { which }).length), [1, 1, 2]);
  assert.deepEqual([rows[0].excess, rows[0].verdict, rows[1].unmatched, rows[0].unmatched], [0.1, "reject", true, false]);
});

test("cues an hour leave breaks out", () => {
  assert.equal(page.pace([0, 1000], 5), null);
  const { perHour, hoursLeft } = page.pace([0, 10_000, 20_000, 2_000_000, 2_010_000], 720);
  assert.ok(Math.abs(perHour - 360) < 1e-6 && Math.abs(hoursLeft - 2) < 1e-6);
  assert.deepEqual([page.spoken(0.5), page.spoken(2), page.spoken(30)], ["30 min", "2.0 h", "30 h"]);
});

test("colours that can be read", () => {
  assert.ok(Math.abs(page.contrast("#000000", "#ffffff") - 21) < 1e-9);
  assert.equal(page.inkOn("#C3A500"), "#000000");
  for (const ground of ["#ffffff", "#17181a"]) for (const c of ["#404040", "#C3A578", "#6900FF", "#000"]) assert.ok(page.contrast(page.standingOut(c, ground), ground) >= 3);
  assert.equal(page.standingOut("#0072B2", "#ffffff").toUpperCase(), "#0072B2", "what stands out is left alone");
});

test("one of film and track is heard, never both, never neither", () => {
  for (const side of ["A", "B"])
    for (const wanted of ["A", "B"])
      for (const has of [true, false]) {
        const state = page.chooseSide(side, wanted, has);
        assert.equal(state.film + state.track, 1);
        if (!has) assert.equal(state.film, 1);
        else assert.equal(state.side, wanted);
      }
});

test("every moment of the film lies in one excerpt", () => {
  const cue = { id: "c", start: 31.4, end: 77.7 };
  for (let time = 0; time < 100; time += 0.37) {
    const piece = page.pieceAt(time, cue, 100);
    assert.ok(piece.start <= time + 1e-9 && time < piece.end, `${time} in ${piece.start}-${piece.end}`);
    assert.ok(piece.end - piece.start <= 12 + 1e-9 && piece.end <= 100);
    assert.equal(piece.cue, time >= 29.4 - 1e-6 && time < 79.7 ? "c" : null);
    const again = page.pieceAt(piece.start, cue, 100);
    if (piece.cue) assert.deepEqual(again, piece);
  }
  assert.equal(page.pieceAt(31.4, cue, 100).start, 29.4);
  assert.equal(page.pieceAt(5, null, 100).cue, null);
});

test("zoom keeps the play head where it is and stays inside the film", () => {
  const view = { start: 20, end: 40 };
  const near = page.zoomed(view, 2, 25, 100);
  assert.deepEqual(near, { start: 22.5, end: 32.5 });
  assert.deepEqual(page.zoomed(view, 0.01, 25, 100), { start: 0, end: 100 });
  const least = page.zoomed(view, 1000, 25, 100);
  assert.ok(Math.abs(least.end - least.start - 1) < 1e-9);
});

test("an edge stays inside the film and its cue", () => {
  const cue = { start: 1, end: 2 };
  assert.equal(page.movedEdge(cue, "start", -0.05, 60), 0.95);
  assert.equal(page.movedEdge(cue, "start", -5, 60), 0);
  assert.equal(page.movedEdge(cue, "start", 5, 60), 1.95);
  assert.equal(page.movedEdge(cue, "end", -5, 60), 1.05);
  assert.equal(page.movedEdge(cue, "end", 500, 60), 60);
});

test("next and previous stop at the ends", () => {
  const cues = [{ id: "a" }, { id: "b" }];
  assert.equal(page.neighbour(cues, "a", 1), "b");
  assert.equal(page.neighbour(cues, "b", 1), "b");
  assert.equal(page.neighbour(cues, "a", -1), "a");
  assert.equal(page.neighbour([], null, 1), null);
});

test("ticks are round and not too near", () => {
  const { step, times } = page.ticks({ start: 3, end: 7203 }, 900);
  assert.equal(step, 900);
  assert.deepEqual(times.slice(0, 2), [900, 1800]);
});

test("cues that overlap are drawn in rows of their own", () => {
  assert.deepEqual(page.stacked([{ start: 0, end: 9 }, { start: 5, end: 8 }, { start: 9, end: 12 }]), [0, 1, 0]);
});

test("search takes every word, names as they are, and no accents", () => {
  const rows = [{ title: "<img onerror=x>", track: "Über" }, { title: "Étretat", track: "Theme" }];
  assert.equal(page.search("über", rows, ["title", "track"]).length, 1);
  assert.equal(page.search("etretat THEME", rows, ["title", "track"]).length, 1);
  assert.equal(page.search("Étre", rows, ["title", "track"]).length, 1);
  assert.equal(page.search("", rows, ["title"]).length, 2);
  assert.equal(page.search("<img", rows, ["title"]).length, 1);
});

test("what annotators differ on is in the queue, and what is decided is not", () => {
  const cue = { verdict: "accept", track: "T", name: "", start: 1, end: 9, origin: "", heard: "" };
  const matters = [
    { id: "stamped|1", cue: "stamped|1", start: 1, end: 9, why: "rejected by bob", open: true, versions: [{ who: "ann", ...cue }, { who: "bob", ...cue, verdict: "reject" }] },
    { id: "stamped|2", cue: "stamped|2", start: 20, end: 29, why: "", open: false, versions: [{ who: "ann", ...cue }, { who: "bob", ...cue }] },
    { id: "matter|12", cue: null, start: 12, end: 14, track: "", name: "radio", why: "no cue of ann", open: true, versions: [{ who: "ann" }, { who: "bob", ...cue, name: "radio", track: "" }] },
  ];
  const rows = [{ film_id: "a", id: "x" }, { film_id: "b", id: "stamped|1", start: 1 }, { film_id: "b", id: "stamped|2", start: 20 }, { film_id: "c", id: "stamped|1" }];
  const about = { film_id: "b", title: "B", genres: "" };
  const now = page.withMatters(rows, about, matters);
  assert.deepEqual(now.map((r) => [r.film_id, r.id, r.disputed]), [
    ["a", "x", undefined], ["b", "stamped|1", "rejected by bob"], ["b", "matter|12", "no cue of ann"], ["b", "stamped|2", ""], ["c", "stamped|1", undefined],
  ]);
  assert.deepEqual(page.kept(now, { which: "disputed" }).map((r) => r.id), ["stamped|1", "matter|12"]);
  assert.deepEqual(page.withMatters(now, about, matters), now, "told again, nothing stands twice");
  matters[2].open = false;
  assert.equal(page.withMatters(now, about, matters).length, 4);
  assert.equal(page.matterInView(matters, null, "stamped|2").id, "stamped|2");
  assert.equal(page.matterInView(matters, "matter|12", "stamped|2").id, "matter|12", "what was gone to is in view");
  assert.equal(page.matterInView(matters, null, null), null, "a matter without a cue is not that of no cue");
  assert.deepEqual(page.saidBy({ who: "ann" })[0], "no cue");
  assert.deepEqual(page.saidBy({ who: "ann", ...cue, verdict: "" })[0], "not judged");
  assert.deepEqual(page.saidBy({ ...cue, function: "a|b", note: "loud" }), ["accepted", "T", "0:01.00", "0:09.00", "a, b · loud"]);
  assert.deepEqual(page.differing(matters[0].versions), [true, true, true, true, false]);
  assert.deepEqual(page.differing([]), []);
  assert.deepEqual(page.lanesOf(matters).map((l) => [l.who, l.cues.length]), [["ann", 2], ["bob", 3]]);
  assert.deepEqual(page.lanesOf([]), []);
});

test("the pieces of picture around a cue, from the head on", () => {
  const cue = { start: 34, end: 47 };
  assert.deepEqual(page.piecesAround(34, cue, 100, 10), [3, 4, 5, 2]);
  assert.deepEqual(page.piecesAround(44.9, cue, 100, 10), [4, 5, 3, 2]);
  assert.deepEqual(page.piecesAround(80, cue, 100, 10), [8, 9], "outside the cue what is next");
  assert.deepEqual(page.piecesAround(100, null, 100, 10), [9], "the film's end belongs to its last piece");
  assert.deepEqual(page.piecesAround(2, { start: 1, end: 5 }, 7, 10), [0]);
  for (const at of [24, 34, 40, 57]) assert.equal(new Set(page.piecesAround(at, cue, 100, 10)).size, page.piecesAround(at, cue, 100, 10).length);
});

test("what the picture holds, and how it follows the sound", () => {
  assert.ok(page.holds([[0, 9.98], [30, 40]], 30, 39.7) && !page.holds([[0, 9.98], [30, 40]], 9, 12) && !page.holds([], 0, 0));
  assert.deepEqual(page.following(0.2, true), { jump: true, speed: 1 });
  assert.deepEqual(page.following(-0.01, true), { jump: false, speed: 1 });
  assert.ok(page.following(0.05, true).speed < 1 && page.following(-0.05, true).speed > 1, "ahead it waits, behind it hurries");
  assert.deepEqual([page.following(0.02, false).jump, page.following(0, false).jump], [true, false], "at rest it stands where the sound stands");
});

test("the least certain first is a queue of all cues, not a list of some", () => {
  const rows = Array.from({ length: 500 }, (_, i) => ({ film_id: `f${i % 7}`, id: `c${i}`, probability: ((i * 37) % 500) / 500, verdict: "" }));
  const heard = [];
  for (let at = {}; at; ) {
    const inOrder = page.ordered(rows, "certain");
    at = page.nextOf(inOrder, page.kept(rows, {}), at);
    if (at) [heard[heard.length], rows[rows.indexOf(at)].verdict] = [at.probability, "accept"];
  }
  assert.deepEqual(heard, heard.toSorted((a, b) => a - b));
  assert.equal(heard.length, 500);
});
