"""Arrays of a TensorFlow checkpoint, read without TensorFlow and without running anything.

A checkpoint is two files. ``.index`` is a table in LevelDB's format: blocks of entries whose keys share prefixes, an
index block that names the other blocks, and a footer that names the index block. Its keys are the variables' names,
its values say in protobuf where in ``.data`` an array lies (``BundleEntryProto``: 1 dtype, 2 shape, 4 offset, 5 size).
"""

from collections.abc import Iterator

import numpy as np

_FOOTER = 48
_MAGIC = 0xDB4775248B80FB57
_FLOAT = 1  # TensorFlow's DT_FLOAT
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE = 1, 2, 3, 4, 5
_DIM, _LENGTH = 2, 1  # TensorShapeProto.dim, TensorShapeProto.Dim.size
_VARINT, _BYTES, _FIXED = 0, 2, {1: 8, 5: 4}  # kinds of fields; bytes of the fixed ones


def read(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """Every float32 array by its variable's name, of what a checkpoint's ``.index`` and ``.data-00000-of-00001`` hold.

    Raises ValueError when the bytes are no such checkpoint, or end early.
    """
    if len(index) < _FOOTER or int.from_bytes(index[-8:], "little") != _MAGIC:
        raise ValueError("no footer of a table: is the index complete?")
    (_, _, *place), _ = _numbers(index[-_FOOTER:], 0, 4)  # of the meta index, which is empty, and of the index block
    arrays = {}
    for _, value in _entries(_block(index, *place)):
        place, _ = _numbers(value, 0, 2)
        for name, entry in _entries(_block(index, *place)):
            fields = dict(_fields(entry))
            if not name or fields.get(_DTYPE) != _FLOAT:
                continue  # the header, whose key is empty; counters
            shape = [dict(_fields(dim)).get(_LENGTH, 0) for n, dim in _fields(fields.get(_SHAPE, b"")) if n == _DIM]
            start, length = fields.get(_OFFSET, 0), fields.get(_SIZE, 0)
            if fields.get(_SHARD, 0) or start + length > len(data) or length != 4 * int(np.prod(shape)):
                raise ValueError(f"{name.decode()} lies outside the data, or its size is not that of its shape")
            array = np.frombuffer(data, "<f4", length // 4, start).reshape(shape)
            arrays[name.decode()] = array.astype(np.float32)
    return arrays


def _block(index: bytes, offset: int, size: int) -> bytes:
    """The content of a block; the byte behind it says how it is packed."""
    if offset + size >= len(index):
        raise ValueError("a block lies outside the index")
    if index[offset + size]:
        raise ValueError("a packed block, which is not read here")
    return index[offset : offset + size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; a key is given by what it shares with the one before, and the rest."""
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")  # behind it: where whole keys stand, their number
    at, key = 0, b""
    while at < end:
        (shared, rest, length), at = _numbers(block, at, 3)
        key = key[:shared] + block[at : at + rest]
        yield key, block[at + rest : at + rest + length]
        at += rest + length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of the fields of a protobuf message."""
    at = 0
    while at < len(message):
        [tag], at = _numbers(message, at)
        number, kind = tag >> 3, tag & 7
        if kind not in (_VARINT, _BYTES, *_FIXED):
            raise ValueError(f"a protobuf field of kind {kind}")
        [value], at = ([_FIXED[kind]], at) if kind in _FIXED else _numbers(message, at)
        if kind != _VARINT:  # the value that was read is the length of the bytes that follow
            value, at = message[at : at + value], at + value
        yield number, value


def _numbers(content: bytes, at: int, count: int = 1) -> tuple[list[int], int]:
    """Numbers of seven bits a byte, lowest first, and where what follows begins.

    >>> _numbers(bytes([0b10101100, 0b10, 7]), 0, 2)
    ([300, 7], 3)
    """
    values = []
    for _ in range(count):
        value, shift, byte = 0, 0, 128
        while byte > 127:
            if at >= len(content) or shift > 63:
                raise ValueError("a number without end: is the file complete?")
            byte = content[at]
            value |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
        values.append(value)
    return values, at
