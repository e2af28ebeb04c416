#!/usr/bin/env python3
"""The checks of the ABI find what they are there for: each way to break a caller is tried on a copy of the headers.

    breaks.py SOURCE_ROOT DUMP ABIDIFF CC...
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

root, dump, abidiff, cc = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
here = root / "tests" / "abi"


def run(*args):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, check=False)


def replaced(folder, header, pattern, by):
    file = folder / "include" / "interns1" / header
    text, count = re.subn(pattern, by, file.read_text(encoding="utf-8"), count=1, flags=re.S)
    assert count == 1, f"{header} has no {pattern}"
    file.write_text(text, encoding="utf-8")


def pins_hold(folder):
    return run(*cc, "-std=c11", "-fsyntax-only", "-DBUILD_VERSION_NUMBER=INS1_VERSION_NUMBER", "-I", folder / "include", here / "pins.c")


def surface(folder):
    headers = [h for h in sorted((folder / "include" / "interns1").rglob("*.h")) if h.name != "interns1.h"]
    source = folder / "surface.c"
    source.write_text(run(sys.executable, here / "surface.py", *headers).stdout, encoding="utf-8")
    made = run(*cc, "-std=c11", "-O0", "-g", "-shared", "-fPIC", "-w", "-DINS1_BUILD", "-Wl,-soname,libabi_surface.so",
               "-I", folder / "include", source, "-o", folder / "libabi_surface.so")
    assert made.returncode == 0, made.stderr
    return run(abidiff, "--no-added-syms", dump, folder / "libabi_surface.so")


BREAKS = {
    "two fields change places": ("session.h", r"(int32_t n_ctx;[^\n]*\n)(\s*int32_t n_seq;[^\n]*\n)", r"\2\1", True, False),
    "a field becomes wider": ("session.h", r"int32_t n_batch;", "int64_t n_batch;", True, True),
    "a constant changes": ("session.h", r"INS1_KV_BF16 = 2", "INS1_KV_BF16 = 7", True, False),
    "a status changes": ("status.h", r"INS1_E_MEMORY = (-\d+)", "INS1_E_MEMORY = -99", True, False),
    "a function is gone": ("session.h", r"INS1_API ins1_status ins1_session_fork\([^;]*;", "", False, True),
    "a parameter changes": ("session.h", r"int32_t seq, size_t keep,", "int64_t seq, size_t keep,", False, True),
}


def check(name, header, pattern, by, pins_see, types_see):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        shutil.copytree(root / "include", folder / "include")
        if pattern:
            replaced(folder, header, pattern, by)
        pins, types = pins_hold(folder), surface(folder)
        print(f"{name}: pins {'hold' if pins.returncode == 0 else 'break'}, types {'hold' if types.returncode == 0 else 'break'}")
        if not pattern:
            assert pins.returncode == 0 and types.returncode == 0, pins.stderr + types.stdout
        assert not pins_see or (pins.returncode != 0 and re.search("static.assert(ion)? failed", pins.stderr)), f"{name}: {pins.stderr}"
        assert not types_see or types.returncode != 0, f"{name}: {types.stdout}"


check("nothing changes", "", "", "", False, False)
for change, how in BREAKS.items():
    check(change, *how)
