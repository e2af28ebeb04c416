"""What the host brings: threads, a log, a budget; and the devices there are."""
from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_int32, pointer, string_at
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Union

from . import abi
from ._call import Block, Failures, Handle, create, fail, run
from ._library import core

LOG_LEVELS: Dict[str, int] = {"error": abi.INS1_LOG_ERROR, "warn": abi.INS1_LOG_WARN, "info": abi.INS1_LOG_INFO,
                              "debug": abi.INS1_LOG_DEBUG}
_kept: List[object] = []  # callbacks of runtimes: the library may use them longer than any object here lives


class Memory(NamedTuple):
    """Bytes, at one moment."""

    now: int
    peak: int
    budget: int
    mapped: int
    device: int


class Device(NamedTuple):
    """Something that can compute; `number` is how options name it."""

    number: int
    kind: int
    backend: str
    name: str
    hardware: str
    level: str
    mem_total: int
    mem_free: int
    max_buffer: int
    caps: int
    score: int


def cpus() -> int:
    """How many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def text_at(address: Optional[int]) -> str:
    """A text that ends with NUL."""
    return string_at(address).decode("utf-8", "replace") if address else ""


class Runtime(Handle):
    """What every other object is made from. Shared between threads.

    `threads` is how many compute, the caller included; 0 is one for each CPU this process may use. The number never
    changes a result. `log(level, component, text)` gets one call a record, up to `log_level`. `host_budget` is the most
    bytes of memory, `cpu_level` one of "scalar", "avx2", "avx512", "neon", "neon_dotprod", "neon_bf16", "neon_i8mm" and so on.
    """

    def __init__(self, *, threads: int = 0, log: Optional[Callable[[int, str, str], object]] = None,
                 log_level: str = "warn", host_budget: int = 0, cpu_level: Optional[str] = None,
                 files: bool = True, plugins: bool = True) -> None:
        self._failures = Failures()
        self._runtime = self
        threads = threads or cpus()
        options = abi.ins1_runtime_options(host_budget=host_budget, log_level=LOG_LEVELS[log_level])
        options.flags = ((0 if files else abi.INS1_RUNTIME_NO_FILES) | (0 if plugins else abi.INS1_RUNTIME_NO_DLOPEN))
        if threads != 1:
            options.threading = pointer(abi.ins1_threading(mode=abi.INS1_THREADS_OWN, n_threads=threads))
        if log is not None:
            options.log = self._log(log)
        level = None if cpu_level is None else cpu_level.encode()
        options.cpu_level = abi.address_of_text(level)
        error = abi.ins1_error()
        ref = abi.ins1_runtime()
        status = core.ins1_runtime_create(byref(ref), byref(options), byref(abi.ins1_call(error=pointer(error))))
        if status != abi.INS1_OK:
            raise fail(status, error)
        self._ref: Optional[abi.Handle] = ref
        self._token = new_token(ref)
        self._token.is_ours = True
        self._block = Block(self._token)

    def _log(self, log: Callable[[int, str, str], object]) -> object:
        def record(_: object, level: int, component: int, text: int) -> None:
            log(level, text_at(component), text_at(text))

        callback = abi.ins1_log_fn(self._failures.guard(record, None))
        _kept.append(callback)
        return callback

    def memory(self) -> Memory:
        """How much memory is in use."""
        out = abi.ins1_mem_stats()
        run(self, None, core.ins1_runtime_mem, self._pointer, byref(out))
        return Memory(out.now, out.peak, out.budget, out.mapped, out.device)

    def load_backend(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Add the backend of a plugin, by its absolute path, before the first model is opened."""
        run(self, None, core.ins1_backend_load, self._pointer, os.fsencode(path))

    def register_backend(self, entry: Any) -> None:
        """Add the backend of a library that the program has loaded itself, before the first model is opened: its
        entry point, `ctypes.CDLL(path).ins1_backend_entry`. The library must stay loaded as long as the runtime lives,
        which holds on to what is given here."""
        address = ctypes.cast(entry, ctypes.c_void_p).value
        kind: Any = core.ins1_backend_register.argtypes[1]
        run(self, None, core.ins1_backend_register, self._pointer, kind(address or 0))
        _kept.append(entry)

    @property
    def devices(self) -> List[Device]:
        """What can compute; the CPU is always the first."""
        out = []
        for index in range(core.ins1_device_count(self._pointer)):
            d = abi.ins1_device_info()
            run(self, None, core.ins1_device_get, self._pointer, index, byref(d))
            out.append(Device(index, d.kind, text_at(d.backend), text_at(d.name), text_at(d.hardware),
                              text_at(d.level), d.mem_total, d.mem_free, d.max_buffer, d.caps, d.score))
        return out

    def find_device(self, name: str) -> int:
        """The index of a device by its name."""
        index = c_int32()
        run(self, None, core.ins1_device_find, self._pointer, name.encode(), byref(index))
        return index.value


def new_token(runtime: abi.Handle) -> abi.ins1_cancel:
    error = abi.ins1_error()
    token = abi.ins1_cancel()
    status = core.ins1_cancel_create(byref(token), runtime, byref(abi.ins1_call(error=pointer(error))))
    if status != abi.INS1_OK:
        raise fail(status, error)
    return token


class Cancel(Handle):
    """A request to stop. Any thread may make it; calls that carry the token end with Canceled."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ref: Optional[abi.Handle] = create(runtime, None, abi.ins1_cancel, core.ins1_cancel_create,
                                                 runtime._pointer)

    def request(self) -> None:
        """Ask every call that carries this token to stop, now and until it is reset."""
        core.ins1_cancel_request(self._pointer)

    @property
    def requested(self) -> bool:
        """Was it requested, and not reset since?"""
        return bool(core.ins1_cancel_is_requested(self._pointer))

    def reset(self) -> None:
        """Make the token usable again. No call that carries it may be running."""
        core.ins1_cancel_reset(self._pointer)


_default: Optional[Runtime] = None


def default_runtime() -> Runtime:
    """The runtime of whoever brings none: all CPUs of this process, silent."""
    global _default
    if _default is None or _default.closed:
        _default = Runtime()
    return _default


def _after_fork() -> None:
    global _default
    _kept.append(_default)  # its threads stayed in the parent: the child must not end it
    _default = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
