"""What calls raise: one class a status, all of them Error."""
from __future__ import annotations

from typing import Dict, Type

from . import abi
from ._library import core


class Error(Exception):
    """A call failed; the text is the library's own sentence."""

    def __init__(self, text: str, status: int = abi.INS1_E_INTERNAL, os_errno: int = 0, backend_code: int = 0) -> None:
        super().__init__(text)
        #: INS1_E_*
        self.status = status
        #: errno of the failed system call, else 0
        self.os_errno = os_errno
        #: what a device's driver said, else 0
        self.backend_code = backend_code

    @property
    def name(self) -> str:
        """The name of the status, "INS1_E_FORMAT"."""
        return str(core.ins1_status_name(self.status).decode())


class ArgumentError(Error, ValueError):
    """The call broke a documented precondition."""


class OutOfMemory(Error, MemoryError):
    """The allocator had nothing left."""


class BudgetExceeded(Error):
    """A byte budget would be exceeded; nothing was touched."""


class FileError(Error, OSError):
    """The operating system or a reader refused."""


class FormatError(Error):
    """The bytes are not what their format promises."""


class Unsupported(Error):
    """Valid, but not in this build, checkpoint or device."""


class VersionError(Error):
    """Made for a newer library."""


class Canceled(Error):
    """The cancel token or the progress callback said stop."""


class DeadlineExceeded(Error):
    """The call's time budget ran out."""


class DeviceError(Error):
    """The device failed; what lives on it is no longer usable."""


class StateError(Error):
    """The right call at the wrong moment."""


class ContextFull(Error):
    """The sequence's context is full."""


class CallbackError(Error):
    """A callback reported failure without raising."""


class Busy(Error):
    """A handle that belongs to one thread was entered by two."""


BY_STATUS: Dict[int, Type[Error]] = {
    abi.INS1_E_ARGUMENT: ArgumentError,
    abi.INS1_E_MEMORY: OutOfMemory,
    abi.INS1_E_BUDGET: BudgetExceeded,
    abi.INS1_E_IO: FileError,
    abi.INS1_E_FORMAT: FormatError,
    abi.INS1_E_UNSUPPORTED: Unsupported,
    abi.INS1_E_VERSION: VersionError,
    abi.INS1_E_CANCELED: Canceled,
    abi.INS1_E_DEADLINE: DeadlineExceeded,
    abi.INS1_E_DEVICE: DeviceError,
    abi.INS1_E_STATE: StateError,
    abi.INS1_E_FULL: ContextFull,
    abi.INS1_E_CALLBACK: CallbackError,
    abi.INS1_E_BUSY: Busy,
}
