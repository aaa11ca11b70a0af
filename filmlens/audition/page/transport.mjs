// Hearing: one audio element with film and track as four channels; which is heard is a matter of gains, so that the
// place is never lost. Pieces are loaded as they are needed, the next one before the present one ends.

export const LEAD = 2; // seconds of film before and after a cue that are loaded with it
const PIECE = 12; // seconds of sound in one excerpt
export const AT_END = { stop: "Stop at end", loop: "Loop", go: "Go on" };

/** Gains of film and track for a side; a side that has no sound is not taken. */
export function chooseSide(side, wanted, hasTrack) {
  const next = wanted === "B" && !hasTrack ? side : wanted;
  const heard = next === "B" && !hasTrack ? "A" : next;
  return { side: next, film: heard === "A" ? 1 : 0, track: heard === "B" ? 1 : 0 };
}

/** The excerpt that holds a moment: pieces counted from a little before the cue, or from the film's start elsewhere. */
export function pieceAt(time, cue, duration, lead = LEAD, length = PIECE) {
  const inCue = cue && time >= cue.start - lead - 1e-6 && time < cue.end + lead;
  const origin = inCue ? Math.max(0, cue.start - lead) : 0;
  const last = inCue ? Math.min(duration, cue.end + lead) : duration;
  const k = Math.max(0, Math.floor((time - origin) / length + 1e-9));
  const start = origin + k * length;
  return { cue: inCue ? cue.id : null, start, end: Math.min(start + length, last) };
}

/** What happens when the head goes from `before` to `now`: null, or the time to stop or to loop from. */
export function atLimit(before, now, range, how) {
  if (!range || how === "go") return null;
  if (before < range.end - 1e-6 && now >= range.end) return how === "loop" ? { loop: range.start } : { stop: range.end };
  return null;
}

/** Where playing begins: at the end of what is heard once more from its start. */
export function playFrom(time, range, duration) {
  if (range && Math.abs(time - range.end) < 0.05) return range.start;
  return time >= duration - 0.05 ? range?.start ?? 0 : time;
}

export function makePlayer({ audio, load, cue, range, duration, moved, changed, failed }) {
  const pieces = new Map();
  let graph = null;
  let piece = null; // what the element holds
  let time = 0;
  let turn = 0; // a newer wish overtakes an older one that still loads
  let stopAt = null; // where a stretch that was asked for ends
  const player = { playing: false, side: "A", atEnd: "stop", rate: 1, wanted: false, candidate: null };

  const asked = (at) => ({ ...pieceAt(at, cue(), duration()), candidate: player.candidate });
  const keyOf = (p) => `${p.cue ?? ""}|${p.candidate ?? ""}|${p.start.toFixed(3)}|${p.end.toFixed(3)}`;
  const fetched = (p) => {
    const key = keyOf(p);
    if (!pieces.has(key)) {
      const loading = load(p);
      loading.catch(() => pieces.delete(key));
      pieces.set(key, loading);
      if (pieces.size > 16) drop(pieces.keys().next().value);
    }
    return pieces.get(key);
  };
  const drop = (key) => {
    pieces.get(key)?.then((p) => p !== piece && URL.revokeObjectURL(p.url)).catch(() => {});
    pieces.delete(key);
  };
  const now = () => (piece && player.playing && !audio.seeking ? Math.min(piece.end, piece.start + audio.currentTime) : time);

  function connect() {
    if (graph) return graph;
    const context = new AudioContext();
    const split = context.createChannelSplitter(4);
    const merge = context.createChannelMerger(2);
    context.createMediaElementSource(audio).connect(split);
    const gains = [0, 1, 2, 3].map((channel) => {
      const gain = context.createGain();
      split.connect(gain, channel);
      gain.connect(merge, 0, channel % 2);
      return gain;
    });
    merge.connect(context.destination);
    graph = { context, gains };
    balance(0);
    return graph;
  }

  function balance(seconds = 0.012) {
    if (!graph) return;
    const choice = chooseSide(player.side, player.side, piece ? piece.track : true);
    graph.gains.forEach((gain, channel) => {
      gain.gain.cancelScheduledValues(graph.context.currentTime);
      gain.gain.setTargetAtTime(channel < 2 ? choice.film : choice.track, graph.context.currentTime, seconds / 3 + 1e-4);
    });
  }

  async function hold(at, wish) {
    const next = await fetched(asked(at));
    if (wish !== turn) return false;
    if (piece !== next) {
      piece = next;
      audio.src = next.url;
      await new Promise((resolve, reject) => {
        audio.addEventListener("loadedmetadata", resolve, { once: true });
        audio.addEventListener("error", () => reject(new Error("this browser cannot play Opus in WebM")), { once: true });
      });
      if (wish !== turn) return false;
    }
    audio.currentTime = Math.max(0, at - next.start);
    audio.playbackRate = player.rate;
    return true;
  }

  player.play = async () => {
    const wish = ++turn;
    player.wanted = true;
    time = playFrom(time, stopAt === null ? range() : null, duration());
    player.playing = false;
    changed();
    try {
      connect();
      const at = time;
      if (!(await hold(at, wish))) return;
      balance(0);
      if (graph.context.state === "suspended") await graph.context.resume();
      await audio.play();
      if (wish === turn) player.playing = true;
    } catch (error) {
      if (wish === turn && error.name !== "AbortError") failed(error.message);
    }
    changed();
  };

  function halt(at) {
    time = at;
    turn++;
    stopAt = null;
    player.playing = false;
    audio.pause();
    changed();
  }
  player.pause = () => {
    player.wanted = false;
    halt(now());
  };
  player.toggle = () => (player.playing ? player.pause() : player.play());
  /** Moves the head and is silent there; going on playing is the caller's wish. */
  player.seek = (to) => {
    time = to;
    turn++;
    stopAt = null;
    player.playing = false;
    audio.pause();
  };
  /** Plays a stretch and stops. */
  player.stretch = (from, to) => {
    player.seek(from);
    stopAt = to;
    player.play();
  };
  player.prepare = (next) => {
    fetched(next ? { ...pieceAt(next.start, next, duration()), candidate: null } : asked(time)).catch(() => {});
  };
  player.hear = (side) => {
    player.side = side;
    balance();
    changed();
  };
  player.setRate = (rate) => {
    player.rate = rate;
    audio.playbackRate = rate;
  };
  player.forget = () => {
    for (const key of [...pieces.keys()]) drop(key);
    if (player.playing) halt(now());
    piece = null;
  };
  player.stop = () => {
    halt(0);
    player.candidate = null;
    player.forget();
  };

  // Called while playing: stops or loops at the cue's end, loads ahead, goes on to the next piece.
  player.advance = () => {
    if (!player.playing) return;
    const before = time;
    time = now();
    const limit = stopAt === null ? atLimit(before, time, range(), player.atEnd) : time >= stopAt ? { stop: stopAt } : null;
    if (limit?.stop != null) halt(limit.stop);
    else if (limit) {
      time = limit.loop;
      audio.pause();
      audio.currentTime = 0; // the element must not run on into what follows
      player.play();
    } else if (audio.ended || time >= piece.end - 0.01) {
      time = piece.end;
      if (time >= duration() - 0.05) halt(time);
      else player.play();
    } else if (piece.end - time < 5 && piece.end < duration() - 0.05) {
      fetched(asked(piece.end + 0.001)).catch(() => {});
    }
    moved();
  };
  // A hidden tab draws nothing; sound goes on there, and stops where it should.
  audio.addEventListener("ended", player.advance);
  audio.addEventListener("timeupdate", player.advance);
  player.dispose = () => {
    audio.pause();
    for (const key of [...pieces.keys()]) drop(key);
    if (piece) URL.revokeObjectURL(piece.url);
    graph?.context.close();
  };
  Object.defineProperty(player, "time", { get: now });
  return player;
}
