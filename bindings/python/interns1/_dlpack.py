"""DLPack, both forms: tensors of others for the library, and the library's for others."""
from __future__ import annotations

import ctypes
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int32, c_int64, c_uint8, c_uint16, c_uint32,
                    c_uint64, c_void_p, cast, py_object)
from typing import TYPE_CHECKING, Any, Dict, Tuple

from ._call import run
from ._library import core
from ._memory import View, dense

if TYPE_CHECKING:
    from .embeds import Embeds


class Tensor(Structure):
    _fields_ = [("data", c_void_p), ("device_type", c_int32), ("device_id", c_int32), ("ndim", c_int32),
                ("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16), ("shape", POINTER(c_int64)),
                ("strides", POINTER(c_int64)), ("byte_offset", c_uint64)]


class Versioned(Structure):
    _fields_ = [("major", c_uint32), ("minor", c_uint32), ("context", c_void_p), ("deleter", c_void_p),
                ("flags", c_uint64), ("tensor", Tensor)]


class Plain(Structure):
    _fields_ = [("tensor", Tensor), ("context", c_void_p), ("deleter", c_void_p)]


DELETER = CFUNCTYPE(None, c_void_p)
_kept: Dict[int, Any] = {}  # address of a tensor of ours: what it needs


def _forget(address: int) -> None:
    _kept.pop(address, None)


_forget_callback = DELETER(_forget)
FORGET = cast(_forget_callback, c_void_p).value
_python = ctypes.pythonapi
_python.PyCapsule_New.restype = py_object
_python.PyCapsule_New.argtypes = [c_void_p, c_char_p, c_void_p]
_python.PyCapsule_GetPointer.restype = c_void_p
_python.PyCapsule_GetPointer.argtypes = [c_void_p, c_char_p]
_python.PyCapsule_IsValid.argtypes = [c_void_p, c_char_p]
_python.PyCapsule_SetName.argtypes = [py_object, c_char_p]
NAME, VERSIONED_NAME = b"dltensor", b"dltensor_versioned"


def delete(tensor: c_void_p) -> None:
    """Call a versioned tensor's own deleter."""
    managed = Versioned.from_address(tensor.value or 0)
    if managed.deleter:
        DELETER(managed.deleter)(tensor.value)


class Shown:
    """A tensor of the library's, given back when nobody looks any more."""

    def __init__(self, embeds: Embeds) -> None:
        self.pointer = c_void_p()
        run(embeds._runtime, None, core.ins1_embeds_to_dlpack, byref(self.pointer), embeds._pointer)
        self.tensor = Versioned.from_address(self.pointer.value or 0).tensor

    def __del__(self) -> None:
        if self.pointer.value:
            delete(self.pointer)
            self.pointer.value = None


def _end_capsule(capsule: int) -> None:
    """Of a capsule that nobody took; one that was taken has another name, and its taker calls the deleter."""
    for name, kind in ((VERSIONED_NAME, Versioned), (NAME, Plain)):
        if _python.PyCapsule_IsValid(capsule, name):
            address = _python.PyCapsule_GetPointer(capsule, name)
            DELETER(kind.from_address(address).deleter)(address)


_end_callback = DELETER(_end_capsule)


def show(embeds: Embeds, versioned: bool) -> Any:
    """A capsule with the embeddings."""
    end = cast(_end_callback, c_void_p)
    shown = Shown(embeds)
    if versioned:
        address, shown.pointer.value = shown.pointer.value, None
        return _python.PyCapsule_New(address, VERSIONED_NAME, end)
    plain = Plain(shown.tensor, None, FORGET)
    _kept[ctypes.addressof(plain)] = (plain, shown)
    return _python.PyCapsule_New(ctypes.addressof(plain), NAME, end)


def managed(data: int, kind: Tuple[int, int], shape: Tuple[int, ...], strides: Tuple[int, ...], device: int,
            owner: Any) -> c_void_p:
    """A versioned tensor over memory that `owner` keeps; strides in elements."""
    shapes, steps = (c_int64 * len(shape))(*shape), (c_int64 * len(shape))(*strides)
    tensor = Tensor(data, device, 0, len(shape), kind[0], kind[1], 1, shapes, steps, 0)
    made = Versioned(1, 0, None, FORGET, 1, tensor)
    _kept[ctypes.addressof(made)] = (made, shapes, steps, owner)
    return c_void_p(ctypes.addressof(made))


class _Taken:
    """A plain tensor that was taken out of its capsule."""

    def __init__(self, address: int) -> None:
        self.address = address

    def __del__(self) -> None:
        deleter = Plain.from_address(self.address).deleter
        if deleter:
            DELETER(deleter)(self.address)


def take(array: Any) -> c_void_p:
    """A tensor for the library, which then owns it."""
    if not hasattr(array, "__dlpack__") or hasattr(array, "__array_interface__"):
        view = View(array)
        if view.kind[0] not in "f" or any(step % int(view.kind[1:]) for step in view.strides):
            raise TypeError(f"elements are {view.kind}, expected floats that lie at whole steps")
        size = int(view.kind[1:])
        return managed(view.address, (2, 8 * size), view.shape, tuple(s // size for s in view.strides), 1, view)
    try:
        capsule = array.__dlpack__(max_version=(1, 0))
    except TypeError:
        capsule = array.__dlpack__()
    if _python.PyCapsule_IsValid(id(capsule), VERSIONED_NAME):
        address = _python.PyCapsule_GetPointer(id(capsule), VERSIONED_NAME)
        _python.PyCapsule_SetName(capsule, b"used_dltensor_versioned")
        return c_void_p(address)
    address = _python.PyCapsule_GetPointer(id(capsule), NAME)
    _python.PyCapsule_SetName(capsule, b"used_dltensor")
    taken, tensor = _Taken(address), Plain.from_address(address).tensor
    shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
    strides = tuple(tensor.strides[i] for i in range(tensor.ndim)) if tensor.strides else dense(shape, 1)
    return managed(tensor.data + tensor.byte_offset, (tensor.code, tensor.bits), shape, strides, tensor.device_type,
                   taken)
