// The pure parts of the page: pixels and seconds, keys, A/B, excerpts, zoom. Run by test_page.py with node --test.
import assert from "node:assert/strict";
import test from "node:test";
import * as page from "./audition.mjs";

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
  assert.deepEqual(does("j"), { do: "step", by: 1 });
  assert.deepEqual(does("k"), { do: "step", by: -1 });
  assert.deepEqual(does("ArrowLeft", { shiftKey: true }), { do: "seek", by: -5 });
  for (const [key, action] of [["u", "undo"], ["r", "relabel"], ["+", "add"], ["?", "help"], ["a", "side"], ["b", "side"]]) assert.equal(does(key).do, action);
  for (const key of ["d", "c", "v", "z", "Enter", "Tab", "Shift"]) assert.equal(does(key), null);
  for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }]) assert.equal(does("y", more), null);
  const listed = page.HELP.map(([keys]) => keys).join(" ");
  for (const key of ["Space", "A", "B", "J", "K", "[", "]", "Y", "N", "U", "R", "+", "?"]) assert.ok(listed.includes(key));
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

test("search takes every word, and names as they are", () => {
  const rows = [{ title: "<img onerror=x>", track: "Über" }, { title: "Amber Machine", track: "Theme" }];
  assert.equal(page.search("über", rows, ["title", "track"]).length, 1);
  assert.equal(page.search("amber THEME", rows, ["title", "track"]).length, 1);
  assert.equal(page.search("", rows, ["title"]).length, 2);
  assert.equal(page.search("<img", rows, ["title"]).length, 1);
});
