"""Pixels and samples to embeddings."""
from __future__ import annotations

import ctypes
from ctypes import byref, c_double, c_size_t, c_void_p, cast
from typing import Any, Callable, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import abi
from ._call import BUFFER, Call, Handle, create, run
from ._library import core, io
from ._memory import FloatArray, View, floats, shaped
from .decoder import Observation, observer_of
from .embeds import Embeds
from .model import PRECISIONS, Model, Path, Reader, Source
from .runtime import Runtime, default_runtime, text_at

CHANNELS = {("u1", 3): abi.INS1_PIXEL_RGB8, ("u1", 4): abi.INS1_PIXEL_RGBA8, ("u1", 1): abi.INS1_PIXEL_GRAY8,
            ("u2", 3): abi.INS1_PIXEL_RGB16, ("u2", 4): abi.INS1_PIXEL_RGBA16, ("u2", 1): abi.INS1_PIXEL_GRAY16,
            ("f4", 3): abi.INS1_PIXEL_RGB_F32}
BGR = {abi.INS1_PIXEL_RGB8: abi.INS1_PIXEL_BGR8, abi.INS1_PIXEL_RGBA8: abi.INS1_PIXEL_BGRA8}
SAMPLES = {"i2": abi.INS1_SAMPLE_I16, "i4": abi.INS1_SAMPLE_I32, "f4": abi.INS1_SAMPLE_F32, "f8": abi.INS1_SAMPLE_F64}


def file_of(runtime: Runtime, what: Union[Path, bytes, Reader], name: str, keep: List[Any]) -> Any:
    source = Source(runtime, None, None, None, None, (), "mmap", False, 0)
    keep.append(source)
    return source.files(runtime, {name: what})


class Image(Handle):
    """A decoded image file, PNG or JPEG: a path, bytes or a Reader. Needs libinterns1_io."""

    def __init__(self, file: Union[Path, bytes, Reader], *, max_bytes: int = 0, max_pixels: int = 0,
                 runtime: Optional[Runtime] = None) -> None:
        self._runtime = runtime or default_runtime()
        keep: List[Any] = []
        files = file_of(self._runtime, file, "image", keep)
        options = abi.ins1_io_options(max_bytes=max_bytes, max_pixels=max_pixels)
        self._ref: Optional[abi.Handle] = create(self._runtime, None, abi.ins1_io_image, io().ins1_io_image_open,
                                                 self._runtime._pointer, files, byref(options))
        self._image = abi.ins1_image()
        run(self._runtime, None, io().ins1_io_image_get, self._ref, byref(self._image))
        self.width: int = self._image.width
        self.height: int = self._image.height


class Channel(NamedTuple):
    """Name and unit, "" where the file says nothing."""

    name: str
    unit: str


class Series(Handle):
    """Decoded signals: NPY, CSV, WAV, EDF, BDF, WFDB, miniSEED 2. Needs libinterns1_io.

    `file` is a path, bytes or a Reader; of several files (a WFDB header and what it names) a mapping of names to these.
    """

    def __init__(self, file: Any, *, max_bytes: int = 0, max_samples: int = 0,
                 runtime: Optional[Runtime] = None) -> None:
        self._runtime = runtime or default_runtime()
        keep: List[Any] = []
        if isinstance(file, dict):
            source = Source(self._runtime, None, None, None, None, (), "mmap", False, 0)
            keep.append(source)
            files = source.files(self._runtime, file)
        else:
            files = file_of(self._runtime, file, str(file) if not isinstance(file, (bytes, Reader)) else "series", keep)
        options = abi.ins1_io_options(max_bytes=max_bytes, max_samples=max_samples)
        self._ref: Optional[abi.Handle] = create(self._runtime, None, abi.ins1_io_series, io().ins1_io_series_open,
                                                 self._runtime._pointer, files, len(files), byref(options))
        self._series = abi.ins1_timeseries()
        run(self._runtime, None, io().ins1_io_series_get, self._ref, byref(self._series))
        self.n_samples: int = self._series.n_samples
        self.n_channels: int = self._series.n_channels
        self.sample_rate: float = self._series.sample_rate_hz

    @property
    def channels(self) -> List[Channel]:
        out = []
        for index in range(self.n_channels):
            name, unit = c_void_p(), c_void_p()
            run(self._runtime, None, io().ins1_io_series_channel, self._pointer, index, byref(name), byref(unit))
            out.append(Channel(text_at(name.value), text_at(unit.value)))
        return out


class Signal(NamedTuple):
    """Samples with what they mean: `data` is [samples] or [samples][channels] of int16, int32, float32 or float64, in
    any strides; a value is data * scale + offset."""

    data: Any
    sample_rate: float = 0.0
    scale: float = 0.0
    offset: float = 0.0
    fill_gaps: bool = False


def image_struct(image: Any, bgr: bool, keep: List[Any]) -> abi.ins1_image:
    """[height][width] or [height][width][channels], as C takes it; nothing is copied."""
    if isinstance(image, Image):
        keep.append(image._pointer)
        return image._image
    view = View(image)
    keep.append(view)
    if len(view.shape) == 2:
        view.shape, view.strides = (*view.shape, 1), (*view.strides, int(view.kind[1:]))
    if len(view.shape) != 3 or (view.kind, view.shape[2]) not in CHANNELS or view.strides[2] != int(view.kind[1:]):
        raise TypeError(f"an image of shape {view.shape} and type {view.kind} is none: expected [height][width] or "
                        "[height][width][channels] of uint8, uint16 or float32 with 1, 3 or 4 dense channels")
    kind = CHANNELS[view.kind, view.shape[2]]
    out = abi.ins1_image(format=BGR[kind] if bgr else kind, width=view.shape[1], height=view.shape[0])
    out.pixels, out.row_stride, out.pixel_stride = view.address, view.strides[0], view.strides[1]
    return out


class PixelsInfo(NamedTuple):
    """The shape of pixels as an encoder takes them; see ins1_pixels_info in inspect.h."""

    n_tiles: int
    grid: Tuple[int, int, int]
    shape: Tuple[int, ...]
    n_tokens: int


class VisionEncoder(Handle):
    """A checkpoint's vision part. One thread at a time.

    Images are numpy arrays, Pillow images, anything with the buffer protocol, or Image.
    """

    def __init__(self, model: Model, *, device: int = 0, precision: str = "default", max_tokens: int = 0,
                 weights: bool = True, scratch_budget: int = 0, call: Optional[Call] = None) -> None:
        self._runtime = model._runtime
        self._keep = model._source
        options = abi.ins1_vision_encoder_options(device=device, precision=PRECISIONS[precision],
                                                  max_tokens=max_tokens, scratch_budget=scratch_budget)
        options.flags = 0 if weights else abi.INS1_VISION_ENCODER_NO_WEIGHTS
        self._ref: Optional[abi.Handle] = create(self._runtime, call, abi.ins1_vision_encoder,
                                                 core.ins1_vision_encoder_create, model._pointer, byref(options))

    def tokens(self, width: int, height: int) -> int:
        """How many tokens an image of this size becomes."""
        n = c_size_t()
        run(self._runtime, None, core.ins1_vision_encoder_tokens, self._pointer, width, height, byref(n))
        return n.value

    def encode(self, image: Any, *, bgr: bool = False, call: Optional[Call] = None) -> Embeds:
        """Encode one image."""
        return self.encode_many([image], bgr=bgr, call=call)[0]

    def encode_many(self, images: Sequence[Any], *, bgr: bool = False, call: Optional[Call] = None) -> List[Embeds]:
        """Encode images; the bits of one do not depend on its neighbours."""
        keep: List[Any] = []
        array = (abi.ins1_image * len(images))(*(image_struct(image, bgr, keep) for image in images))
        out = (c_void_p * len(images))()
        run(self._runtime, call, core.ins1_vision_encoder_encode, out, self._pointer, array, len(images))
        return embeds_of(self._runtime, out)

    def video_tokens(self, frames: Sequence[Any], *, fps: float = 0.0, timestamps: Optional[Sequence[float]] = None,
                     all_frames: bool = False) -> int:
        """How many tokens a video becomes."""
        video, _keep = self._video(frames, fps, timestamps, all_frames, False)
        n = c_size_t()
        run(self._runtime, None, core.ins1_vision_encoder_video_tokens, self._pointer, byref(video), byref(n))
        return n.value

    def encode_video(self, frames: Sequence[Any], *, fps: float = 0.0, timestamps: Optional[Sequence[float]] = None,
                     all_frames: bool = False, bgr: bool = False, call: Optional[Call] = None) -> Embeds:
        """Encode frames of one size; `all_frames` uses them as given, else they are sampled as the processor does."""
        video, _keep = self._video(frames, fps, timestamps, all_frames, bgr)
        ref = create(self._runtime, call, abi.ins1_embeds, core.ins1_vision_encoder_encode_video, self._pointer,
                     byref(video))
        return Embeds(self._runtime, ref)

    @staticmethod
    def _video(frames: Sequence[Any], fps: float, timestamps: Optional[Sequence[float]], all_frames: bool,
               bgr: bool) -> Tuple[abi.ins1_video, List[Any]]:
        keep: List[Any] = []
        array = (abi.ins1_image * len(frames))(*(image_struct(frame, bgr, keep) for frame in frames))
        video = abi.ins1_video(flags=abi.INS1_VIDEO_ALL_FRAMES if all_frames else 0, fps=fps, n_frames=len(frames))
        video.frames = array
        if timestamps is not None:
            if len(timestamps) != len(frames):
                raise ValueError(f"there are {len(timestamps)} timestamps for {len(frames)} frames")
            seconds = (c_double * len(timestamps))(*timestamps)
            video.timestamps = cast(seconds, ctypes.POINTER(c_double))
            keep.append(seconds)
        return video, keep + [array]

    def preprocess(self, image: Any, *, raw: bool = False, bgr: bool = False,
                   call: Optional[Call] = None) -> Tuple[FloatArray, PixelsInfo]:
        """What the reference's image processor gives its model (inspect.h)."""
        keep: List[Any] = []
        struct = image_struct(image, bgr, keep)
        return self._preprocess(core.ins1_vision_encoder_preprocess, byref(struct), raw, call)

    def preprocess_video(self, frames: Sequence[Any], *, fps: float = 0.0,
                         timestamps: Optional[Sequence[float]] = None, all_frames: bool = False, raw: bool = False,
                         bgr: bool = False, call: Optional[Call] = None) -> Tuple[FloatArray, PixelsInfo]:
        """The same for a video (inspect.h)."""
        video, _keep = self._video(frames, fps, timestamps, all_frames, bgr)
        return self._preprocess(core.ins1_vision_encoder_preprocess_video, byref(video), raw, call)

    def _preprocess(self, function: Callable[..., int], struct: Any, raw: bool,
                    call: Optional[Call]) -> Tuple[FloatArray, PixelsInfo]:
        info, count = abi.ins1_pixels_info(), c_size_t()
        flags = abi.INS1_PREPROCESS_RAW if raw else 0
        array, address = floats(0)
        while run(self._runtime, call, function, self._pointer, struct, flags,
                  address if count.value else None, count.value, byref(count), byref(info)) == BUFFER:
            array, address = floats(count.value)
        shape = tuple(info.dim[i] for i in range(info.n_dim))
        return shaped(array, *shape), PixelsInfo(info.n_tiles, (info.grid_t, info.grid_h, info.grid_w), shape,
                                                 info.n_tokens)

    def encode_pixels(self, pixels: Any, info: PixelsInfo, *, tower: bool = False,
                      call: Optional[Call] = None) -> Embeds:
        """Encode pixels that were preprocessed elsewhere; `tower` stops before projector or merger (inspect.h)."""
        view = View(pixels)
        if view.kind != "f4":
            raise TypeError(f"pixels are {view.kind}, expected float32")
        struct = abi.ins1_pixels_info(n_tiles=info.n_tiles, n_dim=len(info.shape), n_tokens=info.n_tokens)
        struct.grid_t, struct.grid_h, struct.grid_w = info.grid
        for axis, n in enumerate(info.shape):
            struct.dim[axis] = n
        function = core.ins1_vision_encoder_tower if tower else core.ins1_vision_encoder_encode_pixels
        return Embeds(self._runtime, create(self._runtime, call, abi.ins1_embeds, function, self._pointer,
                                            view.address, byref(struct)))

    def observe(self, what: Iterable[str], callback: Optional[Callable[[Observation], object]] = None) -> None:
        """Show the tower's "hidden" states from the next encoding on; none is off (inspect.h)."""
        mask, observer = observer_of(self._runtime, what, callback)
        run(self._runtime, None, core.ins1_vision_encoder_observe, self._pointer, mask, observer, None)
        self._observer = observer


def embeds_of(runtime: Runtime, handles: Any) -> List[Embeds]:
    return [Embeds(runtime, ref) for ref in [abi.ins1_embeds(value) for value in handles]]


def series_struct(signal: Any, keep: List[Any]) -> abi.ins1_timeseries:
    """[samples] or [samples][channels], as C takes it; nothing is copied."""
    if isinstance(signal, Series):
        keep.append(signal._pointer)
        return signal._series
    if not isinstance(signal, Signal):
        signal = Signal(signal)
    view = View(signal.data)
    keep.append(view)
    if view.kind not in SAMPLES or len(view.shape) not in (1, 2):
        raise TypeError(f"a signal of shape {view.shape} and type {view.kind} is none: expected [samples] or "
                        "[samples][channels] of int16, int32, float32 or float64")
    out = abi.ins1_timeseries(dtype=SAMPLES[view.kind], data=view.address, n_samples=view.shape[0])
    out.n_channels = view.shape[1] if len(view.shape) == 2 else 1
    out.sample_stride = view.strides[0]
    out.channel_stride = view.strides[1] if len(view.shape) == 2 else 0
    out.sample_rate_hz, out.scale, out.offset = signal.sample_rate, signal.scale, signal.offset
    out.flags = abi.INS1_TIMESERIES_FILL_GAPS if signal.fill_gaps else 0
    return out


class TimeSeriesEncoder(Handle):
    """A checkpoint's time-series part. One thread at a time.

    A signal is an array, a Signal (an array with its rate and scale) or a Series.
    """

    def __init__(self, model: Model, *, device: int = 0, precision: str = "default", max_samples: int = 0,
                 unbiased: bool = False, scratch_budget: int = 0, call: Optional[Call] = None) -> None:
        self._runtime = model._runtime
        self._keep = model._source
        options = abi.ins1_timeseries_encoder_options(device=device, precision=PRECISIONS[precision],
                                                      max_samples=max_samples, scratch_budget=scratch_budget)
        options.flags = abi.INS1_TIMESERIES_ENCODER_UNBIASED if unbiased else 0
        self._ref: Optional[abi.Handle] = create(self._runtime, call, abi.ins1_timeseries_encoder,
                                                 core.ins1_timeseries_encoder_create, model._pointer, byref(options))

    def tokens(self, n_samples: int, n_channels: int = 1, sample_rate: float = 0.0) -> int:
        """How many tokens a signal becomes."""
        n = c_size_t()
        run(self._runtime, None, core.ins1_timeseries_encoder_tokens, self._pointer, n_samples, n_channels,
            sample_rate, byref(n))
        return n.value

    def encode(self, signal: Any, *, call: Optional[Call] = None) -> Embeds:
        """Encode one signal; the library normalises it."""
        return self.encode_many([signal], call=call)[0]

    def encode_many(self, signals: Sequence[Any], *, call: Optional[Call] = None) -> List[Embeds]:
        """Encode several signals."""
        keep: List[Any] = []
        array = (abi.ins1_timeseries * len(signals))(*(series_struct(signal, keep) for signal in signals))
        out = (c_void_p * len(signals))()
        run(self._runtime, call, core.ins1_timeseries_encoder_encode, out, self._pointer, array, len(signals))
        return embeds_of(self._runtime, out)

    def preprocess(self, signal: Any, *, call: Optional[Call] = None) -> FloatArray:
        """What the reference's processor makes of a signal, [samples][channels] (inspect.h)."""
        keep: List[Any] = []
        struct = series_struct(signal, keep)
        count = c_size_t()
        array, address = floats(0)
        while run(self._runtime, call, core.ins1_timeseries_encoder_preprocess, self._pointer, byref(struct),
                  address if count.value else None, count.value, byref(count)) == BUFFER:
            array, address = floats(count.value)
        return shaped(array, count.value // struct.n_channels, struct.n_channels)

    def encode_samples(self, samples: Any, sample_rate: float = 0.0, *, tower: bool = False,
                       call: Optional[Call] = None) -> Embeds:
        """Encode samples that were preprocessed elsewhere, dense float32; `tower` stops before the projector."""
        view = View(samples)
        shape = view.shape if len(view.shape) == 2 else (*view.shape, 1)
        if view.kind != "f4":
            raise TypeError(f"samples are {view.kind}, expected float32")
        function = core.ins1_timeseries_encoder_tower if tower else core.ins1_timeseries_encoder_encode_samples
        return Embeds(self._runtime, create(self._runtime, call, abi.ins1_embeds, function, self._pointer,
                                            view.address, shape[0], shape[1], sample_rate))
