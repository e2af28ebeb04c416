"""Finds and loads libinterns1, and libinterns1_io when it is asked for.

In this order: the file that the environment variable INTERNS1_LIBRARY names (INTERNS1_IO_LIBRARY for the second
library), the file inside this package, and what the system's loader knows by its soname.
"""
from __future__ import annotations

import ctypes
import os
import pathlib
from typing import Optional

from . import abi


def _load(soname: str, variable: str) -> ctypes.CDLL:
    named = os.environ.get(variable)
    if named:
        return ctypes.CDLL(os.path.abspath(named))
    inside = pathlib.Path(__file__).resolve().parent / "lib" / soname
    if inside.exists():
        return ctypes.CDLL(str(inside))
    try:
        return ctypes.CDLL(soname)
    except OSError as error:
        raise ImportError(
            f"{soname} is not in this package and not on the system: {error}; "
            f"install the wheel that has it, or name the file in {variable}") from None


def _open_core() -> ctypes.CDLL:
    library = _load("libinterns1.so.0", "INTERNS1_LIBRARY")
    library.ins1_version_number.restype = ctypes.c_uint32
    number = library.ins1_version_number()
    wanted = abi.INS1_VERSION_MAJOR * 1000 + abi.INS1_VERSION_MINOR
    if number // 1000 != wanted:
        raise ImportError(
            f"libinterns1 is version {number // 1000000}.{number // 1000 % 1000}, this package is made for "
            f"{wanted // 1000}.{wanted % 1000}")
    abi.declare(library)
    return library


core = _open_core()
_io: Optional[ctypes.CDLL] = None


def io() -> ctypes.CDLL:
    """The library that reads files; loaded when it is first asked for."""
    global _io
    if _io is None:
        library = _load("libinterns1_io.so.0", "INTERNS1_IO_LIBRARY")
        abi.declare(library, io=True)
        _io = library
    return _io


def version() -> str:
    """The version of the loaded library and how it was built."""
    return str(core.ins1_version_string().decode())


def has_feature(name: str) -> bool:
    """Was the library built with a feature, such as "level.avx2" or "part.vision"?"""
    return bool(core.ins1_has_feature(name.encode()))
