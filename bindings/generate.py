#!/usr/bin/env python3
"""Write the pieces of the bindings that say what the public headers say.

    generate.py            writes them
    generate.py --check    only says which of them are not what would be written
"""
import pathlib
import sys

import c_layout
import fortran_module
import headers
import python_abi
import rust_sys

here = pathlib.Path(__file__).resolve().parent
WRITERS = {
    "tests/layout.c": c_layout.write,
    "python/interns1/abi.py": python_abi.write,
    "rust/interns1-sys/src/lib.rs": rust_sys.write,
    "rust/interns1-sys/tests/layout.rs": rust_sys.layout,
    "fortran/interns1.f90": fortran_module.write,
    "fortran/tests/layout.f90": fortran_module.layout,
}

if __name__ == "__main__":
    interface = headers.read(here.parent / "include")
    stale = []
    for name, write in WRITERS.items():
        path, text = here / name, write(interface)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if sys.argv[1:] != ["--check"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if sys.argv[1:] == ["--check"] and stale:
        sys.exit("run bindings/generate.py, these are not what the headers say: " + " ".join(stale))
