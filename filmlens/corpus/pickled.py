"""Dictionaries of arrays out of a pickled .npy file, without ever unpickling freely.

A pickle is a program that may call anything. Here its instructions are first held against a list of those that arrays,
dictionaries, lists and text need, and against bounds; then the standard unpickler runs with stand-ins for the few names
that numpy's arrays ask for. An array is made at the end, of bytes that stand in the file: no claimed shape takes
memory.
"""

import math
import pickle
import pickletools
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

import numpy as np

#: Instructions that a pickle may hold: constants, containers, the memo, and the calls that `_Unpickler` stands in for.
_INSTRUCTIONS = frozenset(
    "PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 "
    "STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 "
    "EMPTY_DICT DICT SETITEM SETITEMS EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 "
    "PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE BUILD".split()
)
_MOST_INSTRUCTIONS = 5_000_000
_MOST_BYTES = 1 << 30
_MOST_DIMENSIONS = 3
_NUMBERS = re.compile(r"[iu][1248]|f[248]|b1")
_TEXT = re.compile(r"U[1-9]\d{0,3}")

Opened = Callable[[], AbstractContextManager[BinaryIO]]


class PickledError(ValueError):
    """A file that holds no such dictionary, or asks for more than one needs; says what was met."""


def read_dictionary(opened: Opened) -> dict[str, list[np.ndarray]]:
    """What ``numpy.save`` wrote of a dictionary: name -> list of arrays (rows, width) of numbers.

    `opened`, called twice, gives the file as a stream from its beginning. PickledError for anything else.
    """
    try:
        with opened() as file:
            _skip_header(file)
            _look_through(file)
        with opened() as file:
            _skip_header(file)
            content = _Unpickler(file, fix_imports=False, encoding="latin1").load()
        return _dictionary(content)
    except PickledError:
        raise
    except Exception as error:  # whatever a stranger's bytes make the reader meet, it is a fault of the file
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise PickledError(f"is damaged or no dictionary of arrays ({said})") from error


def _skip_header(file: BinaryIO) -> None:
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = read(file)
    except (ValueError, KeyError, SyntaxError) as error:
        raise PickledError("is no .npy file that numpy.save wrote") from error
    if dtype.kind != "O" or shape != ():
        raise PickledError(f"holds an array of {dtype} and shape {shape}, no dictionary")


def _look_through(file: BinaryIO) -> None:
    """Refuse a pickle by its instructions, before any is carried out."""
    size = 0
    for number, (code, argument, _) in enumerate(pickletools.genops(file), start=1):
        if code.name not in _INSTRUCTIONS:
            raise PickledError(f"asks for the instruction {code.name}, which no array, dictionary, list or text needs")
        if number > _MOST_INSTRUCTIONS:
            raise PickledError(f"has more than {_MOST_INSTRUCTIONS:,} instructions")
        if code.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > number:
            raise PickledError(f"keeps something under the number {argument}, for which memory would be made")
        size += len(argument) if isinstance(argument, (bytes, bytearray, str)) else 0
        if size > _MOST_BYTES:
            raise PickledError(f"holds more than {_MOST_BYTES >> 20} MB")


class _Name:
    """What a pickle gets for one of the names it may know: something to call, and nothing to change."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable | None = None):
        self._call = call

    def __call__(self, *arguments):
        if self._call is None:
            raise PickledError("calls what may only be named")
        return self._call(*arguments)

    def __setstate__(self, state):
        raise PickledError("changes a name of numpy")


class _Dtype:
    """The kind of numbers of an array: kind and size, and the order of bytes."""

    __slots__ = ("kind", "order")

    def __init__(self, kind, align=False, copy=False):
        if not isinstance(kind, str) or not (_NUMBERS.fullmatch(kind) or _TEXT.fullmatch(kind) or kind in ("O", "O8")):
            raise PickledError(f"has an array of {str(kind)[:40]!r}, not of numbers")
        self.kind, self.order = kind, "|"

    def __setstate__(self, state):
        if state[1] not in tuple("<>|=") or any(part is not None for part in state[2:5]):
            raise PickledError("has an array of records, not of numbers")
        self.order = state[1]

    @property
    def holds_objects(self) -> bool:
        return self.kind.startswith("O")

    def numpy(self) -> np.dtype:
        return np.dtype(self.order.replace("|", "=") + self.kind)


class _Array:
    """An array as the pickle describes it."""

    __slots__ = ("state",)

    def __init__(self, state=None):
        self.state = state

    def __setstate__(self, state):
        _, shape, kind, fortran, content = state
        self.state = (shape, kind, "F" if fortran else "C", content)


_NDARRAY = _Name()


def _reconstruct(subtype, shape, kind) -> _Array:
    if subtype is not _NDARRAY or shape != (0,):
        raise PickledError("makes something else than an array")
    return _Array()


def _scalar(kind, content) -> str:
    if not isinstance(kind, _Dtype) or not _TEXT.fullmatch(kind.kind) or not isinstance(content, (bytes, str)):
        raise PickledError("has a single number where an array should be")
    content = content.encode("latin1") if isinstance(content, str) else content
    return str(np.frombuffer(content, kind.numpy(), count=1)[0])


def _encode(text, coding) -> bytes:
    if not isinstance(text, str) or coding not in ("latin1", "latin-1"):
        raise PickledError("encodes text otherwise than numpy does")
    return text.encode("latin1")


_CORE = ("numpy.core.multiarray", "numpy._core.multiarray")
_NAMES = {("numpy", "ndarray"): _NDARRAY, ("numpy", "dtype"): _Name(_Dtype), ("_codecs", "encode"): _Name(_encode)}
_NAMES |= {(module, "_reconstruct"): _Name(_reconstruct) for module in _CORE}
_NAMES |= {(module, "scalar"): _Name(_scalar) for module in _CORE}
_NAMES |= {(module, "bytes"): _Name(lambda: b"") for module in ("__builtin__", "builtins")}  # b"" in old protocols
_FROM_BUFFER = _Name(lambda content, kind, shape, order: _Array((shape, kind, order, content)))
_NAMES |= {(f"numpy.{core}.numeric", "_frombuffer"): _FROM_BUFFER for core in ("core", "_core")}


class _Unpickler(pickle.Unpickler):
    """The standard one, for which no module is ever imported."""

    def find_class(self, module: str, name: str) -> _Name:
        if (module, name) not in _NAMES:
            raise PickledError(f"asks for {str(module)[:60]}.{str(name)[:60]}; do not trust this file")
        return _NAMES[module, name]

    def persistent_load(self, pid):
        raise PickledError("refers to something outside the file")


def _dictionary(content: Any) -> dict[str, list[np.ndarray]]:
    content = _elements(content)[0] if isinstance(content, _Array) else content
    if not isinstance(content, dict):
        raise PickledError(f"holds a {_kind(content)}, no dictionary of films")
    found = {}
    for name, cues in content.items():
        if not isinstance(name, str):
            raise PickledError(f"names a film by a {_kind(name)}, not by text")
        found[name] = _cues(name, cues)
    return found


def _cues(name: str, cues: Any) -> list[np.ndarray]:
    where = f"film {name[:60]!r}"
    if isinstance(cues, _Array):
        shape, kind, _, _ = _stated(cues)
        cues = _elements(cues) if kind.holds_objects else list(_numbers(cues, where)) if len(shape) == 3 else cues
    if not isinstance(cues, (list, tuple)):
        raise PickledError(f"has a {_kind(cues)} for {where}, no list of cues")
    plain = [_numbers(c, where) if isinstance(c, _Array) else c for c in cues]
    for cue in plain:
        if not isinstance(cue, np.ndarray) or cue.ndim != 2:
            got = f"array of shape {cue.shape}" if isinstance(cue, np.ndarray) else _kind(cue)
            raise PickledError(f"has a {got} among the cues of {where}, no array of frames x columns")
    return plain


def _stated(array: _Array) -> tuple:
    """Shape, kind, order and content of an array, each of the type that it must be."""
    if array.state is None:
        raise PickledError("has an array without content")
    shape, kind, order, content = array.state
    if not isinstance(kind, _Dtype) or order not in ("C", "F") or not isinstance(shape, tuple):
        raise PickledError("describes an array as numpy does not")
    if len(shape) > _MOST_DIMENSIONS or not all(type(n) is int and n >= 0 for n in shape):
        raise PickledError(f"has an array of {len(shape)} dimensions or a length below zero")
    return shape, kind, order, content


def _elements(array: _Array) -> list:
    shape, kind, _, content = _stated(array)
    if not kind.holds_objects or len(shape) > 1 or not isinstance(content, list) or len(content) != math.prod(shape):
        raise PickledError(f"has an array of shape {shape} whose content is another")
    return content


def _numbers(array: _Array, where: str) -> np.ndarray:
    """An array of numbers, made of the bytes that the file holds for it."""
    shape, kind, order, content = _stated(array)
    if not _NUMBERS.fullmatch(kind.kind):
        raise PickledError(f"has no numbers for a cue of {where}")
    content = content.encode("latin1") if isinstance(content, str) else content
    size = math.prod(shape) * kind.numpy().itemsize
    if not isinstance(content, (bytes, bytearray)) or len(content) != size:
        got = f"{len(content):,} bytes" if isinstance(content, (bytes, bytearray)) else f"a {_kind(content)}"
        raise PickledError(f"claims an array of shape {shape} for a cue of {where}, and has {got} for it")
    return np.frombuffer(content, kind.numpy()).reshape(shape, order=order)


def _kind(thing: Any) -> str:
    return {_Array: "array", _Name: "name of numpy", _Dtype: "kind of number"}.get(type(thing), type(thing).__name__)
