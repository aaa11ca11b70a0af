"""Dictionaries of arrays out of pickles: what numpy writes is read, and nothing else is ever called."""

import io
import os
import pickle
import struct
import subprocess
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

from filmlens.corpus.pickled import PickledError, read_dictionary

CUES = {
    "up": [np.random.default_rng(0).normal(size=(3, 4)), np.asfortranarray(np.arange(8.0).reshape(2, 4))],
    "jaws": [np.ones((1, 4), "u1"), np.full((2, 4), 7, ">f4"), np.zeros((0, 4))],
}


def written(content, protocol=4):
    """As numpy.save writes it, in any protocol of pickle."""
    box = np.empty((), dtype=object)
    box[()] = content
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|O", "fortran_order": False, "shape": ()})
    return head.getvalue() + pickle.dumps(box, protocol=protocol)


def raw(pickled: bytes):
    head = written({})
    return head[: len(head) - len(pickle.dumps(np.array({}, dtype=object), protocol=4))] + pickled


def read(content: bytes):
    @contextmanager
    def opened():
        yield io.BytesIO(content)

    return read_dictionary(opened)


@pytest.mark.parametrize("protocol", range(6))
def test_what_numpy_writes_is_read_as_numpy_reads_it(protocol):
    found = read(written(CUES, protocol))
    assert list(found) == list(CUES)
    for film, cues in CUES.items():
        for one, other in zip(found[film], cues, strict=True):
            np.testing.assert_array_equal(one, other)


def test_numpy_itself_and_other_ways_to_hold_cues():
    file = io.BytesIO()
    ragged = np.empty(2, dtype=object)
    ragged[:] = CUES["up"]
    np.save(file, {"a": ragged, np.str_("b"): np.ones((2, 3, 4)), "c": tuple(CUES["up"]), "d": []})
    found = read(file.getvalue())
    assert list(found) == ["a", "b", "c", "d"] and [len(v) for v in found.values()] == [2, 2, 2, 0]
    np.testing.assert_array_equal(found["a"][1], CUES["up"][1])
    assert found["b"][1].shape == (3, 4) and all(type(name) is str for name in found)


class Calls:
    """An object that calls something when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_nothing_that_a_pickle_names_is_called(tmp_path):
    mark = tmp_path / "called"
    command = f"touch {mark}"
    hostile = [
        Calls(os.system, command),
        Calls(eval, f"open({str(mark)!r}, 'w')"),
        Calls(subprocess.check_output, ["touch", str(mark)]),
        Calls(partial, os.system, command),
        Calls(np.fromfile, str(mark)),
        Calls(np.load, str(mark)),
        Calls(np.memmap, str(mark), "u1", "w+", 0, (10,)),
        Calls(__import__, "os"),
        Calls(getattr, "text", "format"),
        Calls(np.ndarray, (1 << 40,), "u1"),
        Calls(np.frombuffer, b"1234"),
    ]
    for thing in hostile:
        for content in (thing, {"up": [thing]}, {"up": thing}, {"up": [*CUES["up"], thing]}):
            for protocol in range(6):
                with pytest.raises(PickledError):
                    read(written(content, protocol))
    holds = np.empty(1, dtype=object)
    holds[0] = Calls(os.system, command)
    for content in ({"up": holds}, {"up": [holds]}, holds):
        with pytest.raises(PickledError, match="asks for"):
            read(written(content))
    assert not mark.exists()


def array_of(
    shape, kind=b"\x8c\x02f8", content=b"C\x00", order=b"K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"
):
    """A pickled array with any claims."""
    dtype = b"\x8c\x05numpy\x8c\x05dtype\x93" + kind + b"\x89\x88\x87R(" + order + b"tb"
    made = b"\x8c\x15numpy.core.multiarray\x8c\x0c_reconstruct\x93\x8c\x05numpy\x8c\x07ndarray\x93K\x00\x85C\x01b\x87R"
    return made + b"(K\x01" + shape + dtype + b"\x89" + content + b"tb"


def film_with(cue):
    return raw(b"\x80\x04}\x8c\x02up](" + cue + b"es.")


LARGE = b"\x8a\x06" + (1 << 40).to_bytes(6, "little")


@pytest.mark.parametrize(
    ("pickled", "said"),
    {
        "huge shape": (film_with(array_of(LARGE + b"K\x04\x86")), "claims an array of shape"),
        "many dimensions": (film_with(array_of(b"(" + b"K\x01" * 40 + b"t")), "40 dimensions"),
        "below zero": (film_with(array_of(b"J\xff\xff\xff\xffK\x04\x86")), "below zero"),
        "records": (film_with(array_of(b"K\x01K\x01\x86", kind=b"\x8c\x03V99")), "not of numbers"),
        "no order": (film_with(array_of(b"K\x01K\x01\x86", order=b"K\x03\x8c\x01?NNNK\x00K\x00K\x00")), "records"),
        "numpy's name changed": (raw(b"\x80\x04\x8c\x05numpy\x8c\x05dtype\x93}\x8c\x01aK\x01sb."), "changes a name"),
        "numpy's name called": (raw(b"\x80\x04\x8c\x05numpy\x8c\x07ndarray\x93)R."), "may only be named"),
        "another subtype": (
            raw(
                b"\x80\x04\x8c\x15numpy.core.multiarray\x8c\x0c_reconstruct\x93"
                b"\x8c\x05numpy\x8c\x05dtype\x93K\x00\x85C\x01b\x87R."
            ),
            "something else than an array",
        ),
        "huge memo": (raw(b"\x80\x04}r\xff\xff\xff\xff."), "memory would be made"),
        "instance": (raw(b"(iposix\nsystem\n."), "instruction INST"),
        "new object": (raw(b"\x80\x04\x8c\x05numpy\x8c\x05dtype\x93)\x81."), "instruction NEWOBJ"),
        "outside": (raw(b"Pfile\n."), "instruction PERSID"),
        "extension": (raw(b"\x80\x02\x82\x01."), "instruction EXT1"),
        "huge text": (raw(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"x."), "is damaged"),
        "huge bytes": (raw(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x."), "is damaged"),
        "nothing": (raw(b""), "is damaged"),
        "no dictionary": (raw(b"\x80\x04]."), "holds a list"),
        "itself": (raw(b"\x80\x04}\x94\x8c\x02uph\x00s."), "has a dict for film 'up'"),
        "a list in itself": (raw(b"\x80\x04}\x8c\x02up]\x94h\x00as."), "has a list among the cues"),
        "deep": (raw(b"\x80\x04}\x8c\x02up" + b"]" * 200_000 + b"a" * 199_999 + b"s."), "has a list among the cues"),
        "numbers for names": (raw(b"\x80\x04}K\x01]s."), "by a int"),
        "numbers for cues": (raw(b"\x80\x04}\x8c\x02up](K\x01es."), "has a int among"),
    }.values(),
)
def test_hostile_instructions_are_refused(pickled, said):
    with pytest.raises(PickledError, match=said):
        read(pickled)


def test_too_many_instructions_are_refused_before_any_is_carried_out(monkeypatch):
    monkeypatch.setattr("filmlens.corpus.pickled._MOST_INSTRUCTIONS", 1000)
    with pytest.raises(PickledError, match="more than 1,000 instructions"):
        read(raw(b"\x80\x04" + b"]" * 2000 + b"."))
    monkeypatch.setattr("filmlens.corpus.pickled._MOST_BYTES", 1000)
    with pytest.raises(PickledError, match="more than"):
        read(written({"up": [np.zeros((200, 4))]}))


def test_every_byte_of_a_good_file_may_be_another():
    """A damaged file gives arrays or an error of ours, never anything else."""
    good, rng = written({"up": [np.ones((2, 3))]}), np.random.default_rng(1)
    for _ in range(3000):
        bad = bytearray(good)
        for place in rng.integers(0, len(bad), rng.integers(1, 4)):
            bad[place] = rng.integers(0, 256)
        try:
            found = read(bytes(bad))
        except PickledError:
            continue
        assert all(isinstance(c, np.ndarray) for cues in found.values() for c in cues)
    for length in range(len(good)):
        with pytest.raises(PickledError):
            read(good[:length])


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"version https://git-lfs", pickle.dumps(CUES), b"\x93NUMPY\x09\x00"]
)
def test_other_files_are_no_dictionary(content):
    with pytest.raises(PickledError):
        read(content)


def test_an_array_of_numbers_is_no_dictionary():
    file = io.BytesIO()
    np.save(file, np.ones((3, 140)))
    with pytest.raises(PickledError, match="float64 and shape"):
        read(file.getvalue())
