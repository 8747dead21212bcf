"""The smallest ONNX files: one convolution, written field by field (onnx.proto3), so that no exporter is needed."""

from __future__ import annotations

import numpy as np

_FLOAT = 1


def make_convolution(weight: np.ndarray, shape: tuple[int | str, ...], inputs: int = 1) -> bytes:
    """A model whose output are the maps of a convolution over its (last) input.

    Args:
        weight: (maps, channels, k, k), float32.
        shape: of each input; a word stands for any size.
        inputs: how many; all but the last are not looked at.
    """
    names = [f"x{number}" for number in range(inputs)]
    tensor = b"".join(_number(1, size) for size in weight.shape) + _number(2, _FLOAT) + _text(8, "w") + _bytes(9, weight.tobytes())
    node = _text(1, names[-1]) + _text(1, "w") + _text(2, "y") + _text(4, "Conv")
    graph = _bytes(1, node) + _text(2, "convolution") + _bytes(5, tensor)
    graph += b"".join(_bytes(11, _describe(name, shape)) for name in names)
    graph += _bytes(12, _describe("y", ("n", weight.shape[0], "h", "w")))
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, 13))


def _describe(name: str, shape: tuple[int | str, ...]) -> bytes:
    sizes = b"".join(_bytes(1, _text(2, size) if isinstance(size, str) else _number(1, size)) for size in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, _FLOAT) + _bytes(2, sizes)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    told = b""
    while value > 127:
        told += bytes([value & 127 | 128])
        value >>= 7
    return told + bytes([value])
