"""Ctrl-C while the main thread is inside the library.

Python runs the handler of a signal only between two of its own instructions, and a call of the library is one. But
the interpreter writes the signal's number to a descriptor at once, from the real handler; a thread that sleeps
on the other end then asks the running call to stop. When it has returned, Python runs the handler as always. The
descriptor is lent for the time of a call; whoever had set one before is handed what came.
"""
from __future__ import annotations

import os
import signal
import socket
import threading
from typing import Any, Callable, Optional

from ._library import core


class Watch:
    """The thread, its descriptor and the token of the call that is running."""

    def __init__(self) -> None:
        self.main = threading.main_thread().ident
        self.token: Any = None
        self.requested: Any = None  # the token that was asked to stop its call
        self.is_ready = False  # a call of the main thread may begin: nothing runs, nothing was interrupted
        self.forward = -1
        self.outer = -1  # the host's descriptor, as of the last call
        self.settled = threading.Event()
        self._write: Optional[socket.socket] = None
        self.descriptor = -1

    def start(self) -> None:
        read, self._write = socket.socketpair()
        self._write.setblocking(False)
        self.descriptor = self._write.fileno()
        threading.Thread(target=self._run, args=(read,), name="interns1-interrupt", daemon=True).start()

    def _run(self, read: socket.socket) -> None:
        while True:
            numbers = read.recv(64)
            if not numbers:
                return
            marked, numbers = 0 in numbers, numbers.replace(b"\0", b"")
            token = self.token
            if token is not None and signal.SIGINT in numbers:
                self.requested = token
                self.is_ready = False
                core.ins1_cancel_request(token)
            if self.forward >= 0 and numbers:
                try:
                    os.write(self.forward, numbers)
                except OSError:
                    pass  # the other side is gone or full, as with any signal that comes too often
            if marked:
                self.settled.set()

    def settle(self) -> None:
        """After a call of the main thread in which a signal came: wait until the thread has heard of it. Otherwise it
        might hear of it in the middle of the next call, and stop that one too."""
        if self._write is None:
            return
        self.settled.clear()
        try:
            self._write.send(b"\0")
        except OSError:
            return
        self.settled.wait(10)  # on a machine with much else to do it may be long until that thread's turn


watch = Watch()


def _after_fork() -> None:
    global watch
    watch = Watch()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Deferred:
    """While callbacks may run, a handler that raises would raise inside of them, where nothing can be raised. It
    is put off until the call is back."""

    def __init__(self) -> None:
        handler = signal.getsignal(signal.SIGINT)
        self.handler: Optional[Callable[..., Any]] = handler if callable(handler) else None
        self.came = False

    def __enter__(self) -> Deferred:
        if self.handler is not None:
            signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: Any) -> None:
        self.came = True

    def __exit__(self, *_: object) -> None:
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
            if self.came:
                self.handler(signal.SIGINT, None)
