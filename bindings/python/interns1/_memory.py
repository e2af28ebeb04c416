"""Arrays of whoever calls, without a copy: buffers, `__array_interface__`, DLPack; and arrays of ours for them."""
from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, byref, c_char, c_char_p, c_float, c_int, c_int32, c_ssize_t, c_void_p, py_object
from typing import Any, Optional, Protocol, Tuple, cast

from .abi import ending

try:
    import numpy
except ImportError:  # everything works without
    numpy = None  # type: ignore[assignment]


class FloatArray(Protocol):
    """What arrays come back as: a numpy.ndarray where numpy is there, else a memoryview. Both are these."""

    @property
    def shape(self) -> Optional[Tuple[int, ...]]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any) -> Any: ...

    def tolist(self) -> Any: ...


_get = ctypes.pythonapi.PyObject_GetBuffer
_release = ctypes.pythonapi.PyBuffer_Release


class PyBuffer(Structure):
    _fields_ = [("buf", c_void_p), ("obj", py_object), ("len", c_ssize_t), ("itemsize", c_ssize_t),
                ("readonly", c_int), ("ndim", c_int), ("format", c_char_p), ("shape", POINTER(c_ssize_t)),
                ("strides", POINTER(c_ssize_t)), ("suboffsets", POINTER(c_ssize_t)), ("internal", c_void_p)]
    __del__ = ending(_release)  # of one that holds nothing, too


_get.argtypes = [py_object, POINTER(PyBuffer), c_int]
_release.argtypes = [POINTER(PyBuffer)]
RECORDS_RO = 0x0018 | 0x0004  # strides and format, read-only is enough


class View:
    """The memory of an array: where it is, what is in it, and how it lies. Keeps the array as it is meanwhile."""

    address: int
    kind: str  # "u1", "i2", "i4", "f4", "f8", "u2", "f2", ...
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]  # bytes

    def __init__(self, array: Any) -> None:
        self._buffer: Optional[PyBuffer] = None
        self.keep: Any = array
        interface = getattr(array, "__array_interface__", None)
        if interface is not None:
            self._from_interface(interface)
        elif _is_buffer(array):
            self._from_buffer(array)
        elif hasattr(array, "__dlpack__") and numpy is not None:
            self.keep = numpy.from_dlpack(array)
            self._from_interface(self.keep.__array_interface__)
        else:
            raise TypeError(f"a {type(array).__name__} is no array: expected numpy, a buffer such as bytes or "
                            "array.array, or something that speaks DLPack")

    def _from_interface(self, interface: Any) -> None:
        order, kind = interface["typestr"][0], interface["typestr"][1:]
        if order == ">":
            raise TypeError("the array is in another byte order than this machine")
        self.kind = kind
        self.shape = tuple(interface["shape"])
        data = interface.get("data")
        if isinstance(data, bytes):  # what Pillow gives
            self.keep = (self.keep, data)
            self.address = ctypes.cast(c_char_p(data), c_void_p).value or 0
        else:
            self.address = data[0]
        self.strides = tuple(interface.get("strides") or dense(self.shape, int(kind[1:])))

    def _from_buffer(self, array: Any) -> None:
        view = PyBuffer()
        _get(array, byref(view), RECORDS_RO)
        self._buffer = view
        self.address = view.buf or 0
        self.kind = kind_of((view.format or b"B").decode(), view.itemsize)
        self.shape = tuple(view.shape[i] for i in range(view.ndim))
        self.strides = tuple(view.strides[i] for i in range(view.ndim))


def _is_buffer(array: Any) -> bool:
    try:
        memoryview(array)
    except TypeError:
        return False
    return True


def kind_of(format: str, size: int) -> str:
    """The letter and size that numpy would use."""
    if format[:1] in ">!" and size > 1:
        raise TypeError("the array is in another byte order than this machine")
    letter = format.lstrip("@=<>!")
    kinds = {"bhilqn": "i", "BHILQNc": "u", "efd": "f", "?": "b"}
    for letters, kind in kinds.items():
        if len(letter) == 1 and letter in letters:
            return f"{kind}{size}"
    raise TypeError(f"elements of format {format!r} are no numbers")


def dense(shape: Tuple[int, ...], size: int) -> Tuple[int, ...]:
    out = []
    for n in reversed(shape):
        out.append(size)
        size *= n
    return tuple(reversed(out))


def floats(n: int) -> Tuple[Any, int]:
    """Room for `n` floats and its address."""
    if numpy is not None:
        array = numpy.empty(n, numpy.float32)
        return array, array.ctypes.data
    block = (c_float * n)()
    return block, ctypes.addressof(block)


def shaped(array: Any, *shape: int) -> FloatArray:
    """What `floats` made, as it is handed out."""
    if numpy is not None:
        return cast(FloatArray, array.reshape(shape))
    flat = memoryview(array).cast("B")
    return cast(FloatArray, flat.cast("f", shape=list(shape)) if 0 not in shape else flat.cast("f"))


def borrowed(address: int, n: int, owner: object) -> FloatArray:
    """`n` floats that lie in the library, which `owner` keeps there."""
    block = (c_float * n).from_address(address)
    block._owner = owner  # type: ignore[attr-defined]
    if numpy is not None:
        array = numpy.frombuffer(cast(Any, block), numpy.float32)
        array.flags.writeable = False
        return cast(FloatArray, array)
    return cast(FloatArray, memoryview(block).cast("B").cast("f").toreadonly())


def int32s(values: Any) -> Tuple[Any, int, int]:
    """Ids as C takes them: what keeps them, their address and number. An int32 array is not copied."""
    if not isinstance(values, (list, tuple)):
        try:
            view = View(values)
        except TypeError:
            values = list(values)
        else:
            if view.kind == "i4" and len(view.shape) == 1 and view.strides == (4,):
                return view, view.address, view.shape[0]
            values = values.tolist() if hasattr(values, "tolist") else list(values)
    block = (c_int32 * len(values))(*values)
    return block, ctypes.addressof(block), len(values)


def bytes_view(data: Any) -> Tuple[Any, int, int]:
    """Bytes as C takes them, without a copy."""
    if isinstance(data, bytes):
        return data, ctypes.cast(c_char_p(data), c_void_p).value or 0, len(data)
    view = View(memoryview(data).cast("B"))
    return view, view.address, view.shape[0]


__all__ = ["FloatArray", "View", "borrowed", "bytes_view", "c_char", "dense", "floats", "int32s", "numpy", "shaped"]
