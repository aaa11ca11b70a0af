"""Agreement of annotators: kappa as scikit-learn has it, alpha by its definition, what is missing or too little."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

from filmlens import verdicts
from filmlens.cli import app
from filmlens.corpus import Corpus, annotators
from filmlens.stats import agreement as stats
from filmlens.verdicts import agreement
from filmlens.verdicts.table import COLUMNS

FIELDS = agreement.MEASURES[2:]


def stamped(seed, cues=50, length=1300):
    """Cues at whole seconds, some over each other."""
    rng = np.random.default_rng(seed)
    start = np.sort(rng.integers(0, length - 40, cues)).astype(float)
    table = pd.DataFrame({"track": [f"T{k}" for k in rng.integers(0, 5, cues)], "start": start})
    table["end"] = np.minimum(length, start + rng.integers(3, 30, cues))
    table = table.drop_duplicates(["track", "start"], ignore_index=True)
    return table.assign(track_start=0.0, speed=1.0, score=50.0), float(length)


def judged_by(cues, seed, seconds, *, complete):
    """Rows of an annotator who errs, by whole seconds."""
    rng, rows = np.random.default_rng(seed), []
    for cue in cues.itertuples():
        row = {"track": cue.track, "start": cue.start, "end": cue.end, "verdict": "corrected"}
        kind = rng.choice(["accept", "accept", "reject", "start", "end", "track", "name", "nothing"])
        if kind == "nothing":
            continue
        row |= {"verdict": kind} if kind in ("accept", "reject") else {}
        row |= {f"new_{kind}": getattr(cue, kind) + rng.integers(-1, 2)} if kind in ("start", "end") else {}
        row |= {"new_track": f"T{rng.integers(0, 5)}"} if kind == "track" else {}
        row |= {"name": "a song"} if kind == "name" else {}
        if rng.random() < 0.7:
            row |= {"origin": rng.choice(["score", "song", ""]), "diegesis": rng.choice(["diegetic", "non-diegetic"])}
            row |= {"function": rng.choice(["stinger", "bridge|stinger", "", "stinger|bridge"])}
        rows.append(row)
    for start in rng.integers(0, int(seconds) - 30, 5):
        rows.append({"track": f"T{rng.integers(0, 5)}", "start": start, "end": start + 12, "verdict": "added"})
    for start in (11, seconds - 60):
        rows.append({"start": start, "end": start + 5, "verdict": rng.choice(["music", "no music"])})
    rows += [{"start": 0, "end": seconds, "verdict": "complete"}] * complete
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.fixture
def film(two_films):
    return Corpus.open(two_films)["one"]


def put(film, who, table):
    path = annotators.verdicts_of(film, who)
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)
    return verdicts.read(path)


def literal(cues, table, seconds):
    """What an annotator calls each second, read off the rows one by one."""
    rows, spans, said = verdicts.judged(cues, table).to_dict("records"), table.to_dict("records"), []
    for moment in np.arange(seconds) + 0.5:
        true = [r for r in rows if r["verdict"] in ("accept", "corrected", "added") and r["start"] <= moment < r["end"]]
        here = {"track": {r["track"] or "no track" for r in true}}
        here |= {f: {p for r in true for p in (r[f].split("|") if f == "function" else [r[f]]) if p} for f in FIELDS}
        heard = [r["verdict"] for r in spans if r["start"] <= moment < r["end"]]
        over = [r for r in rows if r["stamped_start"] <= moment < r["stamped_end"] and r["verdict"] != "added"]
        open_ = [r for r in rows if r["verdict"] == "" and r["start"] <= moment < r["end"]]
        music = None
        if true or "music" in heard:
            music = "music"
        elif any(r["verdict"] for r in over) or "no music" in heard or ("complete" in heard and not open_):
            music = "none"
        said.append({"music": music} | {k: " + ".join(sorted(v)) or None for k, v in here.items()})
    return said


def literal_alpha(units):
    """Krippendorff's definition: pairs inside units over pairs of all values."""
    units = [u for u in ([v for v in unit if v is not None] for unit in units) if len(u) > 1]
    values = [v for u in units for v in u]
    observed = sum(sum(a != b for a, b in itertools.permutations(u, 2)) / (len(u) - 1) for u in units) / len(values)
    counts = pd.Series(values).value_counts()
    same = (counts * (counts - 1)).sum() / (len(values) * (len(values) - 1))
    return 1 - observed / (1 - same)


@pytest.mark.parametrize("complete", [True, False])
def test_kappa_is_scikit_learns_and_alpha_krippendorffs_on_the_same_seconds(film, complete):
    cues, seconds = stamped(3)
    whos = ("ann", "bob", "cy")
    made = {w: put(film, w, judged_by(cues, 100 + k, seconds, complete=complete)) for k, w in enumerate(whos)}
    said = {who: literal(cues, table, int(seconds)) for who, table in made.items()}
    units = agreement.rated(cues, made, seconds)
    assert units["start"][0] == 0 and units["end"][-1] == seconds and (units["start"][1:] == units["end"][:-1]).all()
    corpus = Corpus.open(film.folder)
    found, edges = agreement.agreement(corpus, cues.assign(film_id="one"), lambda film_id: seconds, n_boot=50)
    table = found[found["film_id"] == "one"].set_index(["of", "who"])
    assert len(table) == 5 * 4 and len(found) == 2 * len(table)
    for of in agreement.MEASURES:
        for a, b in itertools.combinations(said, 2):
            row = table.loc[(of, f"{a} and {b}")]
            both = [(x[of], y[of]) for x, y in zip(said[a], said[b], strict=True)]
            pairs = [pair for pair in both if None not in pair]
            assert row["seconds"] == len(pairs) and row["one_only"] == sum((x is None) != (y is None) for x, y in both)
            assert row["kappa"] == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)), abs=1e-12)
            assert row["alpha"] == pytest.approx(literal_alpha(pairs), abs=1e-12)
            assert row["same"] == pytest.approx(np.mean([x == y for x, y in pairs]))
            words = pd.Series([word for pair in pairs for word in pair]).value_counts(normalize=True)
            assert row["prevalence"] == pytest.approx(words.max()) and words[row["commonest"]] == words.max()
            assert row["low"] < row["kappa"] < row["high"] or "too little for an interval" in row["note"]
            assert of != "music" or "of this film alone" in row["note"]
        every = [[said[who][s][of] for who in said] for s in range(int(seconds))]
        row = table.loc[(of, "ann and bob and cy")]
        assert row["alpha"] == pytest.approx(literal_alpha(every), abs=1e-12) and np.isnan(row["kappa"])
        # one film alone is all films
        assert (
            found[found["film_id"] == "all films"].set_index(["of", "who"]).loc[(of, "ann and bob"), "kappa"]
            == (table.loc[(of, "ann and bob"), "kappa"])
        )
    assert set(edges["film_id"]) == {"one", "all films"} and (edges["median"].notna() | edges["note"].ne("")).all()


def test_weights_are_seconds_and_the_intervals_of_blocks_hold_what_they_should():
    rng = np.random.default_rng(0)
    a, b, weights = rng.integers(-1, 4, 400), rng.integers(-1, 4, 400), rng.integers(0, 5, 400).astype(float)
    b = np.where(rng.random(400) < 0.5, a, b)
    kept = (a >= 0) & (b >= 0)
    expected = cohen_kappa_score(a[kept], b[kept], sample_weight=weights[kept])
    assert stats.coefficient(*stats.of_two(a, b, weights)) == pytest.approx(expected)
    draws = rng.integers(0, 3, (7, 400)) * weights
    many = stats.coefficient(*stats.of_two(a, b, draws))
    assert many == pytest.approx([float(stats.coefficient(*stats.of_two(a, b, w))) for w in draws])
    several = np.stack([a, b, rng.integers(-1, 4, 400)])
    many = stats.coefficient(*stats.of_several(several, draws))
    assert many == pytest.approx([float(stats.coefficient(*stats.of_several(several, w))) for w in draws])
    assert np.isnan(stats.coefficient(*stats.of_two(np.zeros(3, int), np.zeros(3, int), np.ones(3))))
    assert np.isnan(stats.coefficient(*stats.of_two(np.full(3, -1), np.zeros(3, int), np.ones(3))))


def test_edges_are_those_of_the_cues_that_both_have(film):
    cues = pd.DataFrame({"track": "T", "start": 40.0 * np.arange(12), "end": 40.0 * np.arange(12) + 20})
    cues = cues.assign(track_start=0.0, speed=1.0, score=1.0)
    rows = cues[["track", "start", "end"]].assign(verdict="accept").reindex(columns=COLUMNS, fill_value="")
    moved = rows.assign(verdict="corrected", new_start=rows["start"] + 0.1 * np.arange(12))
    added = {"ann": (20.0, 25.0), "bob": (470.0, 480.0)}
    made = {}
    for who, table in (("ann", rows), ("bob", moved)):
        one = pd.DataFrame([dict(zip(("track", "start", "end", "verdict"), ("T", *added[who], "added"), strict=True))])
        made[who] = put(film, who, pd.concat([table, one]))
    found = agreement.edge_differences(cues, made["ann"], made["bob"])
    assert found["start"][:12] == pytest.approx(0.1 * np.arange(12)) and (found["end"][:12] == 0).all()
    assert len(found["start"]) == 14 and np.isnan(found["start"][12:]).all()
    edges = agreement.agreement(Corpus.open(film.folder), cues.assign(film_id="one"), lambda film_id: 500.0)[1]
    row = edges[edges["film_id"] == "one"].iloc[0]
    assert (row["cues"], row["unpaired"], row["note"]) == (12, 2, "") and row["median"] == pytest.approx(0.55)
    assert row["p90"] == pytest.approx(np.percentile(0.1 * np.arange(12), 90))


def test_too_little_is_said_and_never_a_number(two_films, tmp_path):
    corpus = Corpus.open(two_films)
    run = lambda *words: CliRunner().invoke(app, ["agreement", str(corpus.folder), *words])  # noqa: E731
    done = run()
    assert done.exit_code == 1 and "no film was judged by two annotators" in str(done.exception)
    cue = pd.DataFrame({"track": ["T1"], "start": [5.0], "end": [25.0]})
    cue = cue.assign(track_start=0.0, speed=1.0, score=1.0, film_id="one")
    row = cue[["track", "start", "end"]].assign(verdict="accept").reindex(columns=COLUMNS, fill_value="")
    for who in ("ann", "bob"):
        put(corpus["one"], who, row)
    found, edges = agreement.agreement(corpus, cue, lambda film_id: 40.0)
    assert found["kappa"].isna().all() and found["note"].str.contains("too little").all()
    assert edges["median"].isna().all() and edges["note"].str.contains("too few").all()
    # a minute of one word: agreement beyond chance is not known
    for who in ("ann", "bob"):
        put(corpus["one"], who, pd.concat([row, row.assign(start=100.0, end=200.0, verdict="added")]))
    found = agreement.agreement(corpus, cue, lambda film_id: 400.0)[0]
    music = found[(found["film_id"] == "one") & (found["of"] == "music")].iloc[0]
    assert np.isnan(music["kappa"]) and music["note"].startswith("all call it music") and music["same"] == 1
    done = run("--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "ann and bob" in done.output and "too few cues" in done.output
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"agreement.csv", "edges.csv", "disagreements.csv"}
    assert not corpus["one"].verdicts.exists() and not corpus.derived.exists()
