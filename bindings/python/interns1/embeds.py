"""Embeddings: what encoders make and the decoder takes."""
from __future__ import annotations

import ctypes
from ctypes import byref, c_double, c_size_t, cast
from typing import Any, Dict, List, Optional, Tuple

from . import _dlpack, abi
from ._call import Handle, create, run
from ._library import core
from ._memory import FloatArray, floats, shaped
from .errors import VersionError
from .runtime import Runtime, default_runtime

MODALITIES: Dict[str, int] = {"text": abi.INS1_MODALITY_TEXT, "image": abi.INS1_MODALITY_IMAGE,
                              "video": abi.INS1_MODALITY_VIDEO, "timeseries": abi.INS1_MODALITY_TIMESERIES}
NAMES = {value: name for name, value in MODALITIES.items()}
POOLING: Dict[str, int] = {"last": abi.INS1_POOL_LAST, "mean": abi.INS1_POOL_MEAN, "none": abi.INS1_POOL_NONE}
TYPES = {abi.INS1_DTYPE_F32: "<f4", abi.INS1_DTYPE_F16: "<f2"}


class Embeds(Handle):
    """Rows of numbers, one in the place of one token. Immutable, shared between threads.

    `numpy.asarray(embeds)` and `from_dlpack` of any framework show them without a copy; do not write to them there.
    """

    def __init__(self, runtime: Runtime, ref: abi.Handle) -> None:
        self._runtime = runtime
        self._ref: Optional[abi.Handle] = ref
        info = abi.ins1_embeds_info()
        run(runtime, None, core.ins1_embeds_info_get, ref, byref(info))
        self.shape: Tuple[int, int] = (info.n_tokens, info.dim)
        self.modality: str = NAMES.get(info.modality, str(info.modality))
        #: steps in time, rows and columns; zeros where there is no grid
        self.grid: Tuple[int, int, int] = (info.grid_t, info.grid_h, info.grid_w)
        self.dtype: int = info.dtype
        #: seconds of each step in time, of a video
        self.times: List[float] = [info.times[i] for i in range(info.n_times)]

    def __len__(self) -> int:
        return self.shape[0]

    @classmethod
    def from_array(cls, array: Any, *, modality: str = "text", grid: Tuple[int, int, int] = (0, 0, 0),
                   times: Optional[List[float]] = None, runtime: Optional[Runtime] = None) -> Embeds:
        """From [rows][width] of floats: an array or anything that speaks DLPack. Copied, whatever its strides."""
        runtime = runtime or default_runtime()
        info = abi.ins1_embeds_info(modality=MODALITIES[modality])
        info.grid_t, info.grid_h, info.grid_w = grid
        seconds = (c_double * len(times or ()))(*(times or ()))
        info.times, info.n_times = cast(seconds, ctypes.POINTER(c_double)), len(seconds)
        tensor = _dlpack.take(array)
        try:
            ref = create(runtime, None, abi.ins1_embeds, core.ins1_embeds_from_dlpack, runtime._pointer, tensor,
                         byref(info))
        except VersionError:
            raise  # the library has deleted what it cannot read
        except BaseException:
            _dlpack.delete(tensor)
            raise
        return cls(runtime, ref)

    def read(self, first: int = 0, count: Optional[int] = None) -> FloatArray:
        """A copy of rows, as floats."""
        rows = self.shape[0] - first if count is None else count
        array, address = floats(max(rows, 0) * self.shape[1])
        n = c_size_t()
        run(self._runtime, None, core.ins1_embeds_read_f32, self._pointer, first, rows, address,
            rows * self.shape[1], byref(n))
        return shaped(array, rows, self.shape[1])

    def pool(self, pooling: str = "mean", *, unit: bool = False) -> Embeds:
        """One row for all of them, "mean" or "last"; with `unit` of length 1, so that products are cosines."""
        ref = create(self._runtime, None, abi.ins1_embeds, core.ins1_embeds_pool, self._pointer, POOLING[pooling],
                     abi.INS1_POOL_UNIT if unit else 0)
        return Embeds(self._runtime, ref)

    @property
    def __array_interface__(self) -> Dict[str, Any]:
        if self.dtype not in TYPES:
            raise AttributeError("numpy has no such type: take read(), or DLPack")
        shown = _dlpack.Shown(self)
        tensor = shown.tensor
        size = int(TYPES[self.dtype][2])
        return {"version": 3, "shape": self.shape, "typestr": TYPES[self.dtype],
                "data": (tensor.data + tensor.byte_offset, True),
                "strides": tuple(tensor.strides[i] * size for i in range(2)) if tensor.strides else None,
                "keep": shown}

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> Any:
        import numpy

        shown = self.read() if self.dtype not in TYPES else numpy.asarray(_Interface(self.__array_interface__))
        return numpy.array(shown, dtype, copy=True) if copy or dtype is not None else shown

    def __dlpack__(self, *, stream: Any = None, max_version: Optional[Tuple[int, int]] = None, dl_device: Any = None,
                   copy: Optional[bool] = None) -> Any:
        if copy or (dl_device is not None and tuple(dl_device) != (1, 0)):
            raise BufferError("these embeddings are shown in host memory, without a copy")
        return _dlpack.show(self, versioned=max_version is not None and max_version[0] >= 1)

    def __dlpack_device__(self) -> Tuple[int, int]:
        return (1, 0)


class _Interface:
    """Holds what numpy looks at for as long as numpy does."""

    def __init__(self, interface: Dict[str, Any]) -> None:
        self.__array_interface__ = interface
