"""How every call is made: the call block, errors, exceptions of callbacks, Ctrl-C."""
from __future__ import annotations

import signal
import threading
from ctypes import byref, pointer
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Tuple, Type, TypeVar

from . import _interrupt, abi
from ._library import core
from .errors import BY_STATUS, Error

if TYPE_CHECKING:
    from .runtime import Cancel, Runtime

OK = abi.INS1_OK
BUFFER = abi.INS1_E_BUFFER
MAY_BE_OURS = (abi.INS1_E_CALLBACK, abi.INS1_E_CANCELED, abi.INS1_E_IO)


class Call:
    """How calls are made: what may stop them, how long they may take, who hears how far they are.

    `timeout` is in seconds from the beginning of each call. `progress(phase, done, total)` is called between tiles of
    work; a true answer stops the call, an exception comes out of it. One Call may serve any number of calls.
    """

    def __init__(self, *, cancel: Optional[Cancel] = None, timeout: Optional[float] = None,
                 progress: Optional[Callable[[int, int, int], object]] = None) -> None:
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout is {timeout}, expected a positive number of seconds")
        self.cancel = cancel
        self.budget_ns = 0 if timeout is None else max(1, int(timeout * 1e9))
        self.progress = progress


class Failures:
    """What was raised inside callbacks and has yet to come out of the call that ran them."""

    def __init__(self) -> None:
        self.raised: List[Tuple[int, BaseException]] = []
        self.has_callbacks = False

    def guard(self, function: Callable[..., Any], failed: Any) -> Callable[..., Any]:
        """The function for C: what it raises is kept, and C hears `failed`."""
        self.has_callbacks = True

        def guarded(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except BaseException as error:  # nothing can be raised through C
                self.raised.append((threading.get_ident(), error))
                return failed

        return guarded

    def take(self, status: int) -> Optional[BaseException]:
        """This thread's own first; another thread's when the status says that a callback failed."""
        here = threading.get_ident()
        for entry in self.raised:
            if entry[0] == here or status in MAY_BE_OURS:
                self.raised.remove(entry)
                return entry[1]
        return None


class Block:
    """A call block and its error record, used again and again by one thread."""

    def __init__(self, token: Any = None) -> None:
        self.error = abi.ins1_error()
        self.call = abi.ins1_call(error=pointer(self.error), cancel=None if token is None else token.value)
        self.argument = byref(self.call)


class Local(threading.local):
    def __init__(self) -> None:
        self.block = Block()


local = Local()
set_wakeup_fd, get_ident = signal.set_wakeup_fd, threading.get_ident


def fail(status: int, error: abi.ins1_error) -> Error:
    """The exception for a status and its record."""
    text = error.text.decode("utf-8", "replace") if error.status == status else ""
    kind = BY_STATUS.get(status, Error)
    return kind(text or core.ins1_status_name(status).decode(), status, error.os_errno, error.backend_code)


def run(runtime: Runtime, call: Optional[Call], function: Callable[..., int], *arguments: Any) -> int:
    """Call `function` with `arguments` and a call block. Returns OK or BUFFER, raises everything else.

    What comes first is the way of nearly every call of the main thread, and made to be short.
    """
    watch, failures = _interrupt.watch, runtime._failures
    if call is None and watch.is_ready and watch.main == get_ident() and not failures.has_callbacks:
        block = runtime._block
        old = watch.outer  # what to set should an interrupt come out of the first call below, with what it returned
        watch.is_ready = False
        watch.token = runtime._token
        try:
            try:
                old = set_wakeup_fd(watch.descriptor)
                watch.forward = watch.outer = old
                status = function(*arguments, block.argument)
            finally:
                # An interrupt can come out of a call, here the last one; the plain stores before it are safe.
                watch.token = None
                watch.is_ready = watch.requested is None
                set_wakeup_fd(old)
        except BaseException:
            watch.settle()
            raise
        if status == OK:
            return status
        error = block.error
        if status == abi.INS1_E_CANCELED:
            watch.settle()
            _interrupted()
    elif call is None and watch.main != get_ident() and not failures.has_callbacks:
        block = local.block
        status, error = function(*arguments, block.argument), block.error
    else:
        status, error = _run_slowly(runtime, call, function, arguments)
    return _judge(status, error, failures)


def _judge(status: int, error: abi.ins1_error, failures: Failures) -> int:
    if failures.raised:
        raised = failures.take(status)
        if raised is not None:
            raise raised
    if status not in (OK, BUFFER):
        raise fail(status, error)
    return status


def _prepare() -> None:
    """Before a call of the main thread: the watch runs, and nothing of an earlier Ctrl-C is left."""
    watch = _interrupt.watch
    if watch.descriptor < 0:
        watch.start()
    if watch.requested is not None:
        if watch.requested.is_ours:
            core.ins1_cancel_reset(watch.requested)
        watch.requested = None
    watch.is_ready = True


def _interrupted() -> None:
    """A call was stopped. By Ctrl-C, and Python's own handler is in charge: it has raised, or this does."""
    if _interrupt.watch.requested is not None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        raise KeyboardInterrupt


def _run_slowly(runtime: Runtime, call: Optional[Call], function: Callable[..., int],
                arguments: Tuple[Any, ...]) -> Tuple[int, abi.ins1_error]:
    """The same with everything that a call may have: a block of its own, a token, callbacks."""
    error = abi.ins1_error()
    block = abi.ins1_call(error=pointer(error))
    token: Any = None
    if call is not None:
        block.budget_ns = call.budget_ns
        if call.cancel is not None:
            token = call.cancel._pointer
        if call.progress is not None:
            progress = call.progress
            kept = abi.ins1_call_progress(runtime._failures.guard(
                lambda _, phase, done, total: 1 if progress(phase, done, total) else 0, 1))
            block.progress = kept
    watch = _interrupt.watch
    if watch.main != threading.get_ident() or watch.token is not None:
        block.cancel = None if token is None else token.value
        return function(*arguments, byref(block)), error
    if token is None:
        token = runtime._token
    _prepare()
    block.cancel = token.value
    with _interrupt.Deferred() as deferred:
        old = set_wakeup_fd(watch.descriptor)
        watch.forward = watch.outer = old
        watch.is_ready = False
        watch.token = token
        try:
            status = function(*arguments, byref(block))
        finally:
            watch.token = None
            watch.is_ready = watch.requested is None
            set_wakeup_fd(old)
            if deferred.came:
                watch.settle()
    if status == abi.INS1_E_CANCELED:
        _interrupted()
    return status, error


T = TypeVar("T", bound="Handle")
H = TypeVar("H", bound=abi.Handle)


class Handle:
    """Something of the library's. Ends with `close()`, with its `with` block, or when nothing refers to it; in
    any order, because what was made from it keeps what it needs."""

    _ref: Optional[abi.Handle]
    _runtime: Runtime

    def close(self) -> None:
        """Let go. Calls that are running finish first; later ones raise ValueError."""
        self._ref = None

    @property
    def closed(self) -> bool:
        return self._ref is None

    @property
    def _pointer(self) -> abi.Handle:
        ref = self._ref
        if ref is None:
            raise ValueError(f"the {type(self).__name__} is closed")
        return ref

    def __enter__(self: T) -> T:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<interns1.{type(self).__name__}{' closed' if self._ref is None else ''}>"


def create(runtime: Runtime, call: Optional[Call], kind: Type[H], function: Callable[..., int],
           *arguments: Any) -> H:
    """A new handle, made by `function`."""
    ref = kind()
    run(runtime, call, function, byref(ref), *arguments)
    return ref
