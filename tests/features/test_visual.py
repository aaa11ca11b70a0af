"""Brightness and contrast: the definitions against a literal loop, the crop, the spans."""

import numpy as np
import pytest

from filmlens.features.visual import COLUMNS, find_crop, measure, picture_features
from filmlens.media.container import MediaError
from filmlens.media.pictures import sample_luma
from filmlens.media.write import write_audio, write_film


def literal(luma):
    """The definitions, pixel by pixel, for pictures of at most 320 columns."""
    values = [float(v) for row in luma for v in row]
    mean = sum(values) / len(values)
    low, high = min(values), max(values)
    ordered = sorted(values)

    def percentile(q):
        place = q / 100 * (len(ordered) - 1)
        i = int(place)
        return ordered[i] + (ordered[min(i + 1, len(ordered) - 1)] - ordered[i]) * (place - i)

    rms = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
    return [mean, high - low, (high - low) / (high + low), percentile(95) - percentile(5), rms]


def test_the_measures_equal_a_literal_loop():
    luma = np.random.default_rng(0).uniform(0.1, 0.9, (45, 80)).astype(np.float32)
    assert list(measure(luma).values()) == pytest.approx(literal(luma), abs=1e-6)
    assert tuple(measure(luma)) == COLUMNS


def test_one_pixel_decides_nothing_in_a_large_picture():
    luma = np.full((720, 1280), 0.5, np.float32)
    luma[100, 100] = 1.0
    assert measure(luma)["contrast"] == pytest.approx(0.5 / 16, abs=1e-3)


def test_black_has_no_contrast_and_no_warning():
    assert list(measure(np.zeros((9, 16), np.float32)).values()) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("top, left", [(0, 0), (12, 0), (0, 20), (7, 9)])
def test_the_letterbox_is_found_exactly(top, left):
    rng = np.random.default_rng(1)
    pictures = []
    for _ in range(5):
        picture = np.zeros((90, 160), np.float32)
        inner = rng.uniform(0, 0.6, (90 - 2 * top, 160 - 2 * left))
        picture[top : 90 - top, left : 160 - left] = inner
        pictures.append(picture)
    rows, columns = find_crop(pictures)
    assert pictures[0][rows, columns].shape == (90 - 2 * top, 160 - 2 * left)
    assert (rows.start or 0, columns.start or 0) == (top, left)


def test_all_black_pictures_are_left_whole():
    picture = np.zeros((9, 16), np.float32)
    assert picture[find_crop([picture])].shape == (9, 16)


def film(path, bars=0):
    """Six seconds whose second k has grey level 40 + 30 k, between black bars."""
    pictures = []
    for i in range(6 * 8):
        picture = np.zeros((64, 96), np.uint8)
        picture[bars : 64 - bars] = 40 + 30 * (i // 8)
        pictures.append(picture)
    write_film(path, pictures, None, fps=8, options={"crf": "1"})


@pytest.mark.parametrize("bars", [0, 8])
def test_a_films_brightness_second_by_second(tmp_path, bars):
    film(tmp_path / "film.mp4", bars)
    table = picture_features(tmp_path / "film.mp4")
    assert table["time"].tolist() == [0, 1, 2, 3, 4, 5]
    expected = [(40 + 30 * k) / 255 for k in range(6)]
    assert table["brightness"].tolist() == pytest.approx(expected, abs=0.02)
    assert (table["contrast"] < 0.06).all(), "the bars are cut"
    inside = picture_features(tmp_path / "film.mp4", spans=[(1.5, 3.2), (5, 6)])
    assert inside["time"].tolist() == [2, 3, 5]
    assert inside["brightness"].tolist() == pytest.approx([expected[k] for k in (2, 3, 5)], abs=0.02)


def test_key_frames_are_cut_by_the_letterbox_of_the_whole_film(tmp_path):
    """The first pictures are black, then one is lit in its middle only: their rows too stand on the final crop."""
    rng, pictures = np.random.default_rng(2), []
    for i, lit in enumerate([0, 10, 24, 24, 24, 10, 0, 24]):
        picture = np.zeros((64, 96), np.uint8)
        picture[32 - lit : 32 + lit] = rng.integers(60, 200, (2 * lit, 96))
        picture[32 - lit : 32 + lit, :48] |= 8 * i
        pictures += [picture] * 4
    write_film(tmp_path / "film.mkv", pictures, None, fps=4, options={"crf": "1", "g": "4", "sc_threshold": "0"})
    keys = list(sample_luma(tmp_path / "film.mkv", sampling="keyframes"))
    crop = find_crop(luma for _, luma in keys)
    assert (crop[0].start, crop[0].stop) == (8, 56) and len(keys) == 8
    table = picture_features(tmp_path / "film.mkv", sampling="keyframes")
    assert table["time"].tolist() == [time for time, _ in keys]
    expected = [list(measure(luma[crop]).values()) for _, luma in keys]
    np.testing.assert_array_equal(table[list(COLUMNS)].to_numpy(), expected)


def test_no_span_no_rows_and_no_picture_an_error(tmp_path):
    film(tmp_path / "film.mp4")
    assert picture_features(tmp_path / "film.mp4", spans=[]).empty
    write_audio(tmp_path / "film.m4a", np.zeros(4410, np.float32), 44_100)
    with pytest.raises(MediaError, match="no moving picture"):
        picture_features(tmp_path / "film.m4a")


def letterboxed(kind, count=24):
    """A letterboxed film as it is, with line 21, with subtitles in the lower bar, with the noise of a tape's edge."""
    rng = np.random.default_rng(0)
    for i in range(count):
        picture = np.zeros((288, 480), np.float32)
        picture[40:248] = 0.5
        picture[60:100, 100:200], picture[150:200, 300:400] = 0.75, 0.25
        if kind == "line21":
            picture[0, (np.arange(480) // 4) % 2 == 0] = 0.8
        elif kind == "subtitle" and 8 <= i < 14:
            picture[258:270, 150:330] = (np.arange(180) % 6 < 3).astype(np.float32)
        elif kind == "tape":
            picture[284:] = rng.random((4, 480))
        yield picture


@pytest.mark.parametrize("kind", ["clean", "line21", "subtitle", "tape"])
def test_marks_in_a_bar_do_not_make_it_picture(kind):
    assert find_crop(letterboxed(kind)) == (slice(40, 248), slice(0, 480))


def test_a_dark_top_is_picture_where_it_is_lit_now_and_then():
    def night():
        for i in range(40):
            picture = np.zeros((90, 160), np.float32)
            picture[30:] = 0.4
            picture[:30] = 0.3 if i % 3 == 0 else 0.0
            yield picture

    assert find_crop(night()) == (slice(0, 90), slice(0, 160))


def test_a_split_screen_keeps_both_halves():
    def split():
        for _ in range(8):
            picture = np.full((90, 160), 0.4, np.float32)
            picture[:, 70:90] = 0
            picture[:10] = 0
            yield picture

    assert find_crop(split()) == (slice(10, 90), slice(0, 160))


def test_each_size_of_picture_has_its_own_bars(tmp_path):
    """A recording whose picture changes its size: wide with bars, then full."""
    parts = []
    for name, (height, width, bar) in {"a": (96, 160, 20), "b": (120, 160, 0)}.items():
        picture = np.full((height, width), 140, np.uint8)
        picture[:bar], picture[height - bar :] = 0, 0
        options = {"qmin": "2", "qmax": "2", "g": "12"}
        write_film(tmp_path / f"{name}.ts", [picture] * 150, None, fps=25, codec="mpeg2video", options=options)
        parts.append((tmp_path / f"{name}.ts").read_bytes())
    (tmp_path / "film.ts").write_bytes(b"".join(parts))
    table = picture_features(tmp_path / "film.ts")
    assert len(table) >= 11 and np.ptp(table["brightness"]) < 0.02 and table["brightness"].min() > 0.5
    assert table["contrast"].max() < 0.1
