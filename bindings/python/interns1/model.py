"""A checkpoint: opened once, immutable, shared between threads and sessions."""
from __future__ import annotations

import ctypes
import json
import os
from ctypes import byref, c_size_t, c_void_p, pointer, string_at
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple, Union

from . import abi
from ._call import Call, Handle, create, run
from ._library import core
from ._memory import bytes_view
from .runtime import Runtime, default_runtime, text_at

if TYPE_CHECKING:
    from .chat import Message, Reply
    from .decoder import Decoder
    from .tokenizer import Tokenizer

Path = Union[str, "os.PathLike[str]"]
PARTS: Dict[str, int] = {"tokenizer": abi.INS1_PART_TOKENIZER, "vision": abi.INS1_PART_VISION,
                         "timeseries": abi.INS1_PART_TIMESERIES, "decoder": abi.INS1_PART_DECODER}
LOAD: Dict[str, int] = {"mmap": abi.INS1_LOAD_MMAP, "read": abi.INS1_LOAD_READ,
                        "experts-on-demand": abi.INS1_LOAD_EXPERTS_ON_DEMAND}
PRECISIONS: Dict[str, int] = {"default": abi.INS1_PRECISION_DEFAULT, "f32": abi.INS1_PRECISION_F32,
                              "bf16": abi.INS1_PRECISION_BF16, "int8": abi.INS1_PRECISION_INT8}


class ModelInfo(NamedTuple):
    """What a checkpoint is; see ins1_model_info in model.h."""

    parts: Tuple[str, ...]
    arch: str
    name: str
    quant: str
    n_vocab: int
    n_embd: int
    n_layer: int
    n_head: int
    n_head_kv: int
    n_expert: int
    n_expert_used: int
    n_ctx_train: int
    n_params: int
    n_params_active: int


class PartBytes(NamedTuple):
    """Where the bytes of one part are."""

    disk: int
    host: int
    device: int


class Reader:
    """Bytes from anywhere: `read_at(offset, size)` gives that many, on any thread. Fewer is a failure."""

    def __init__(self, size: int, read_at: Callable[[int, int], bytes]) -> None:
        self.size = size
        self.read_at = read_at


def names_of(mask: int) -> Tuple[str, ...]:
    return tuple(name for name, bit in PARTS.items() if mask & bit)


def reader_struct(runtime: Runtime, reader: Reader, keep: List[Any]) -> abi.ins1_reader:
    """A reader for C; `keep` holds what has to live as long as it is used."""

    def read_at(_: object, offset: int, to: int, n: int) -> int:
        data = reader.read_at(offset, n)
        ctypes.memmove(to, data, min(len(data), n))
        return min(len(data), n)

    callback = abi.ins1_reader_read_at(runtime._failures.guard(read_at, -1))
    keep.append(callback)
    return abi.ins1_reader(size=reader.size, read_at=callback)


class Source:
    """What to open, as C takes it, with everything that it points to."""

    def __init__(self, runtime: Runtime, path: Optional[Path], data: Any, reader: Optional[Reader],
                 files: Optional[Mapping[str, Any]], parts: Iterable[str], load: str, verify: bool,
                 expert_cache: int) -> None:
        self.keep: List[Any] = []
        options = abi.ins1_model_options(load_mode=LOAD[load], verify=int(verify), expert_cache=expert_cache)
        for part in parts:
            options.parts |= PARTS[part]
        if path is not None:
            options.path = self._text(os.fsencode(path))
        if data is not None:
            kept, options.data, options.size = bytes_view(data)
            self.keep.append(kept)
        if reader is not None:
            options.reader = pointer(reader_struct(runtime, reader, self.keep))
        if files is not None:
            options.files, options.n_files = self.files(runtime, files), len(files)
        self.options = options

    def _text(self, text: bytes) -> Optional[int]:
        self.keep.append(text)
        return abi.address_of_text(text)

    def files(self, runtime: Runtime, files: Mapping[str, Any]) -> Any:
        """Name inside the folder to path, bytes or Reader."""
        array = (abi.ins1_file * len(files))()
        for entry, (name, what) in zip(array, files.items()):
            entry.struct_size = ctypes.sizeof(entry)
            entry.name = self._text(name.encode())
            if isinstance(what, Reader):
                entry.reader = pointer(reader_struct(runtime, what, self.keep))
            elif isinstance(what, (str, os.PathLike)):
                entry.path = self._text(os.fsencode(what))
            else:
                kept, entry.data, entry.size = bytes_view(what)
                self.keep.append(kept)
        self.keep.append(array)
        return array


class Model(Handle):
    """An opened checkpoint: `path` is a folder as Hugging Face publishes it.

    Instead of a path: `data` (one file in memory), `reader` (one file from anywhere) or `files` (a folder that is
    none on disk: names to paths, bytes or readers). `parts` are some of "tokenizer", "vision", "timeseries" and
    "decoder"; none named is all there are.
    """

    def __init__(self, path: Optional[Path] = None, *, runtime: Optional[Runtime] = None, data: Any = None,
                 reader: Optional[Reader] = None, files: Optional[Mapping[str, Any]] = None,
                 parts: Iterable[str] = (), load: str = "mmap", verify: bool = False, expert_cache: int = 0,
                 call: Optional[Call] = None) -> None:
        self._runtime = runtime = runtime or default_runtime()
        source = Source(runtime, path, data, reader, files, parts, load, verify, expert_cache)
        ref = create(runtime, call, abi.ins1_model, core.ins1_model_open, runtime._pointer, byref(source.options))
        self._source = source  # its bytes are borrowed; whatever is made from this model keeps this object
        self._ref: Optional[abi.Handle] = ref
        self._tokenizer: Optional[Tokenizer] = None
        self._decoder: Optional[Decoder] = None

    @property
    def runtime(self) -> Runtime:
        return self._runtime

    @property
    def info(self) -> ModelInfo:
        """What the checkpoint is."""
        out = abi.ins1_model_info()
        run(self._runtime, None, core.ins1_model_info_get, self._pointer, byref(out))
        return ModelInfo(names_of(out.parts), text_at(out.arch), text_at(out.name), text_at(out.quant),
                         out.n_vocab, out.n_embd, out.n_layer, out.n_head, out.n_head_kv, out.n_expert, out.n_expert_used, out.n_ctx_train,
                         out.n_params, out.n_params_active)

    def meta(self, key: str) -> Optional[str]:
        """A value of the checkpoint's JSON files by its path, "config.json/architectures"; None when it is not there.
        """
        value, size = c_void_p(), c_size_t()
        run(self._runtime, None, core.ins1_model_meta, self._pointer, key.encode(), byref(value), byref(size))
        return None if value.value is None else string_at(value.value, size.value).decode("utf-8", "replace")

    def meta_json(self, key: str) -> Any:
        """The same as a Python value; text that is no JSON is a string."""
        text = self.meta(key)
        if text is None:
            return None
        try:
            return json.loads(text)
        except ValueError:
            return text

    @property
    def tokenizer(self) -> Tokenizer:
        """The checkpoint's tokenizer with all defaults; made once."""
        if self._tokenizer is None:
            from .tokenizer import Tokenizer

            self._tokenizer = Tokenizer(self)
        return self._tokenizer

    @property
    def decoder(self) -> Decoder:
        """The checkpoint's decoder with all defaults; made once."""
        if self._decoder is None:
            from .decoder import Decoder

            self._decoder = Decoder(self)
        return self._decoder

    def close(self) -> None:
        """Let go of the model and of the tokenizer and decoder made with it."""
        self._tokenizer = self._decoder = None
        super().close()

    def chat(self, message: Union[str, Iterable[Message]], **options: Any) -> Reply:
        """Answer one message, or the last of several: see Chat for the options. `print` shows the reply's text.

        For a conversation make a Chat, which keeps what it has computed.
        """
        from .chat import Chat

        with Chat(self, **Chat._pick(options)) as chat:
            return chat.send(message, **options)


class Plan(NamedTuple):
    """What opening and running a checkpoint takes, in bytes; see ins1_plan in model.h."""

    parts: Tuple[str, ...]
    tokenizer: PartBytes
    vision: PartBytes
    timeseries: PartBytes
    decoder: PartBytes
    numbers: Dict[str, int]


def plan(path: Optional[Path] = None, *, runtime: Optional[Runtime] = None, data: Any = None,
         reader: Optional[Reader] = None, files: Optional[Mapping[str, Any]] = None, parts: Iterable[str] = (),
         load: str = "mmap", expert_cache: int = 0, precision: str = "default", n_ctx: int = 0, n_seq: int = 0,
         n_batch: int = 0, call: Optional[Call] = None) -> Plan:
    """What would opening and running a checkpoint take? Reads headers alone."""
    runtime = runtime or default_runtime()
    source = Source(runtime, path, data, reader, files, parts, load, False, expert_cache)
    decoder = abi.ins1_decoder_options(precision=PRECISIONS[precision])
    session = abi.ins1_session_options(n_ctx=n_ctx, n_seq=n_seq, n_batch=n_batch)
    out = abi.ins1_plan()
    run(runtime, call, core.ins1_model_plan, runtime._pointer, byref(source.options), byref(decoder), byref(session),
        byref(out))
    of = {name: PartBytes(part.disk, part.host, part.device) for name in PARTS for part in [getattr(out, name)]}
    numbers = {name: getattr(out, name) for name, *_ in abi.ins1_plan._fields_
               if name not in of and name not in ("struct_size", "parts")}
    return Plan(names_of(out.parts), numbers=numbers, **of)
