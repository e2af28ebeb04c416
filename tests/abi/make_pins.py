#!/usr/bin/env python3
"""Write pins.h: where every public field lies and what every public constant is, as assertions.

    python3 make_pins.py CC INCLUDE_FOLDER > pins.h

Run once for a release. What was released never changes: a struct that starts with struct_size may grow at
its end, all others are frozen, and a constant keeps its value. With --check PINS the script only says which
fields and constants of the headers are not pinned yet.
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def structs_and_constants(include):
    structs, constants = {}, []
    for path in sorted(include.rglob("*.h")):
        text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"//[^\n]*", " ", text)
        for name, body in re.findall(r"struct (ins1_\w+)\s*\{(.*?)\}", text, flags=re.S):
            structs[name] = [field for part in body.split(";") for field in fields(part)]
        for body in re.findall(r"\benum\s*\{(.*?)\}", text, flags=re.S):
            constants += re.findall(r"\b(INS1_\w+)\s*=", body)
        constants += re.findall(r"#define (INS1_BACKEND_ABI_\w+) ", text)
    return structs, constants


def fields(declaration):
    """The names that one member declaration declares."""
    if found := re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(", declaration):
        return [found[1]]
    return [found[1] for item in declaration.split(",")
            if (found := re.search(r"(\w+)\s*(\[[^\]]*\]\s*)*$", item.strip()))]


def measure(cc, include, structs, constants):
    lines = ["#include <stdio.h>", "#include <interns1/interns1.h>", "#include <interns1/inspect.h>",
             "#include <interns1/io.h>", "#include <interns1/sys/backend.h>", "int main(void) {"]
    for name, members in structs.items():
        lines += [f'printf("%zu\\n", sizeof(struct {name}));']
        lines += [f'printf("%zu\\n", offsetof(struct {name}, {member}));' for member in members]
    lines += [f'printf("%lld\\n", (long long){name});' for name in constants]
    lines += ["return 0; }"]
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder, "a.c"), pathlib.Path(folder, "a")
        source.write_text("\n".join(lines), encoding="utf-8")
        subprocess.run([cc, "-std=c11", f"-I{include}", source, "-o", program], check=True)
        out = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return iter(out.split())


def pins(cc, include):
    structs, constants = structs_and_constants(include)
    value = measure(cc, include, structs, constants)
    yield "/* Written by make_pins.py for INTERNS1_0.1: 64-bit pointers, the same on every such machine. */"
    for name, members in structs.items():
        relation = ">=" if members[0] == "struct_size" else "=="
        yield ""
        yield f'_Static_assert(sizeof(struct {name}) {relation} {next(value)}, "{name}");'
        for member in members:
            yield (f'_Static_assert(offsetof(struct {name}, {member}) == {next(value)}, '
                   f'"{name}.{member}");')
    yield ""
    for name in constants:
        yield f'_Static_assert({name} == {next(value)}, "{name}");'


def unpinned(include, pinned):
    structs, constants = structs_and_constants(include)
    text = pinned.read_text(encoding="utf-8")
    wanted = [f"struct {name}, {member})" for name, members in structs.items() for member in members]
    wanted += [f"({name} ==" for name in constants]
    return [name for name in wanted if name not in text]


if __name__ == "__main__":
    if sys.argv[1] == "--check":
        missing = unpinned(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
        sys.exit("\n".join("not pinned: " + name for name in missing) or 0)
    print("\n".join(pins(sys.argv[1], pathlib.Path(sys.argv[2]))))
