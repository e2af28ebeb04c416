"""The interface for ctypes."""

SCALARS = {
    "char": "c_char", "double": "c_double", "float": "c_float", "int32_t": "c_int32", "int64_t": "c_int64",
    "ptrdiff_t": "c_ssize_t", "size_t": "c_size_t", "uint32_t": "c_uint32", "uint64_t": "c_uint64",
}
HEAD = '''"""The C interface as it is, for ctypes. Written by bindings/generate.py from the public headers.

Every struct and constant has its C name; `declare` gives the functions of a loaded library their types. A class of
a handle is a pointer that releases what it points to, once, when the last reference to it is gone.
"""
from __future__ import annotations

from ctypes import (CDLL, CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int32, c_int64,
                    c_size_t, c_ssize_t, c_uint32, c_uint64, c_void_p, cast, sizeof)
from functools import partial
from operator import attrgetter
from typing import Any, Callable, Dict, List, Optional, Tuple


class Sized(Structure):
    """A struct that begins with its own size."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(sizeof(type(self)), **fields)


def ending(function: Callable[..., object]) -> Any:
    """A destructor that calls `function(self)` without a line of Python: a Ctrl-C that comes in one of Python's is lost,
    because nothing can be raised out of it, and what it should have released stays."""
    return property(partial(partial, function))


class Handle(c_void_p):
    """A pointer with one owner, which it gives back."""

    is_ours = False  # of tokens: made here and not by who calls
    _end: Any = bool  # of a class: what ends it, once there is a library; until then nothing
    __del__ = property(attrgetter("_end"))

'''
TAIL = '''

def address_of_text(text: Optional[bytes]) -> Optional[int]:
    """Where bytes lie, for a field; whoever calls keeps them."""
    return None if text is None else cast(c_char_p(text), c_void_p).value


def declare(library: CDLL, io: bool = False) -> None:
    """Tell ctypes the types of what `library` exports: libinterns1, or with `io` libinterns1_io."""
    for name, (result, parameters) in (IO_FUNCTIONS if io else FUNCTIONS).items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = parameters
    for handle in HANDLES:
        name = handle.__name__ + "_release"
        if name in (IO_FUNCTIONS if io else FUNCTIONS):
            # A function object of its own: it takes every handle as the pointer it is.
            handle._end = ending(CFUNCTYPE(None, c_void_p)((name, library)))
'''


def write(interface):
    handles = sorted(f.name[:-len("_release")] for f in interface.functions if f.name.endswith("_release"))
    out = [HEAD]
    out += [f"{name} = {value}" for name, value, _ in interface.constants]
    for name in handles:
        out += ["", "", f"class {name}(Handle):", '    """A handle, see Handle."""']
    out += ["", ""]
    early = {name: kind for name, kind in interface.callbacks.items()
             if not any(p.type.base in interface.structs for p in kind.parameters)}
    late = {name: kind for name, kind in interface.callbacks.items() if name not in early}
    out += [f"{name} = {callback(kind, interface)}" for name, kind in early.items()]
    for name, fields in order(interface.structs):
        named = [f"{name}_{f.name} = {callback(f.type.callback, interface)}" for f in fields if f.type.callback]
        out += (["", ""] if named else []) + named
        sized = fields[0].name == "struct_size"
        out += ["", "", f"class {name}({'Sized' if sized else 'Structure'}):", "    _fields_ = ["]
        out += [f'        ("{field.name}", {f"{name}_{field.name}" if field.type.callback else member(field.type, interface)}),' for field in fields]
        out += ["    ]"]
    out += ["", ""]
    out += [f"{name} = {callback(kind, interface)}" for name, kind in late.items()]
    out += ["", "", f"HANDLES = [{', '.join(handles[:6])},", *wrap(handles[6:], 11), "]"]
    for table, is_io in (("FUNCTIONS", False), ("IO_FUNCTIONS", True)):
        out += [f"{table}: Dict[str, Tuple[Any, List[Any]]] = {{"]
        for function in interface.functions:
            if (function.header == "io") == is_io:
                parameters = ", ".join(parameter(p.type, interface, handles) for p in function.parameters)
                out += [f'    "{function.name}": ({parameter(function.result, interface, handles)}, [{parameters}]),']
        out += ["}"]
    return "\n".join(out) + "\n" + TAIL


def wrap(names, indent):
    return [" " * indent + ", ".join(names[i:i + 4]) + "," for i in range(0, len(names), 4)]


def order(structs):
    """Structs that hold others by value come after them."""
    done = set()

    def visit(name):
        if name in done:
            return
        done.add(name)
        for field in structs[name]:
            if field.type.base in structs:
                yield from visit(field.type.base)
        yield name, structs[name]

    for name in structs:
        yield from visit(name)


def scalar(name):
    return "None" if name == "void" else SCALARS[name]


def callback(kind, interface):
    types = [member(kind.result, interface)] + [member(p.type, interface) for p in kind.parameters]
    # Callbacks see pointers as numbers: most of them point to what has no end of its own.
    return f"CFUNCTYPE({', '.join(types)})"


def member(kind, interface):
    """The type of a field or of a callback's parameter: handles are plain pointers there, nobody's to release."""
    if kind.callback:
        return callback(kind.callback, interface)
    if kind.pointers == 0:
        base = kind.base if kind.base in interface.structs else None
        base = base or ("c_void_p" if kind.base in interface.callbacks and kind.base == "ins1_task_fn" else None)
        base = base or (kind.base if kind.base in interface.callbacks else scalar(kind.base))
        return f"{base} * {kind.array}" if kind.array else base
    if kind.base == "char" and kind.pointers == 1:
        return "c_void_p"
    if kind.pointers == 1 and kind.base in interface.structs:
        return f"POINTER({kind.base})"
    if kind.pointers == 1 and kind.base in SCALARS:
        return f"POINTER({SCALARS[kind.base]})"
    return "c_void_p"


def parameter(kind, interface, handles):
    if kind.base in handles:
        return kind.base if kind.pointers == 1 else "POINTER(c_void_p)"
    if kind.base == "char" and kind.pointers == 1:
        return "c_char_p" if kind.const else "c_void_p"
    if kind.base == "char" or (kind.pointers == 2 and kind.base in SCALARS):
        return "POINTER(c_void_p)"
    if kind.pointers == 2:
        return f"POINTER(POINTER({kind.base}))" if kind.base in interface.structs else "POINTER(c_void_p)"
    if kind.pointers == 1 and kind.base in SCALARS:
        # Also addresses of the host's own arrays.
        return "c_void_p" if kind.const or kind.base in ("float", "int32_t") else f"POINTER({SCALARS[kind.base]})"
    return member(kind, interface)
