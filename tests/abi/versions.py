#!/usr/bin/env python3
"""Programs of other versions with this library: their structs are shorter, or longer.

    versions.py SOURCE_ROOT LIBRARY IO_LIBRARY MODEL MODEL_WITH_REWARDS CC...

versions.c, which hands over every struct of the public headers, is compiled with headers that end where the program's
own knowledge does, and with headers in which each struct goes on. Both print what it prints with the headers as they are. A
longer struct that is not zero where it goes on is refused with INS1_E_VERSION, one by one, if it is one that the
library reads; what the library writes goes on with zeros and is none of its business.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

root, *libraries = map(pathlib.Path, sys.argv[1:4])
models, cc = sys.argv[4:6], sys.argv[6:]
source = root / "tests" / "abi" / "versions.c"
WRITTEN = {"ins1_device_info", "ins1_error", "ins1_event", "ins1_mem_stats", "ins1_model_info", "ins1_plan", "ins1_prompt_info",
           "ins1_session_info"}
STRUCT = re.compile(r"struct (ins1_\w+) \{\n(.*?)\n\}", flags=re.S)
COMMENT = re.compile(r"/\*.*?\*/", flags=re.S)
used = set(re.findall(r"[.>](\w+)", source.read_text(encoding="utf-8"))) | {"struct_size", "status", "text"}


def members(body):
    return [part.strip() for part in COMMENT.sub(" ", body).split(";") if part.strip()]


def name_of(member):
    return re.search(r"\(\s*\*\s*(\w+)\s*\)|(\w+)\s*(?:\[\d+\])?$", member).group(1, 2)


def shorter(name, fields):
    """Up to the last field that the program names."""
    while not any(word in used for word in name_of(fields[-1])):
        fields = fields[:-1]
    return fields


def longer(name, fields):
    return fields + ["uint64_t later[3]"]


def headers(folder, change):
    """The public headers with every sized struct changed; the names of these."""
    shutil.copytree(root / "include", folder / "include")
    changed = {}
    for path in (folder / "include" / "interns1").glob("*.h"):
        if path.name == "inspect.h":  # which is for one minor version alone
            continue

        def replace(found):
            fields = members(found[2])
            if name_of(fields[0])[1] != "struct_size":
                return found[0]
            changed[found[1]] = len(change(found[1], fields)) - len(fields)
            return "struct " + found[1] + " {\n" + "".join(f"    {f};\n" for f in change(found[1], fields)) + "}"

        path.write_text(STRUCT.sub(replace, path.read_text(encoding="utf-8")), encoding="utf-8")
    return changed


def compiled(folder, include, *arguments):
    program = folder / "versions"
    subprocess.run([*cc, "-std=c11", "-w", *arguments, "-I", include, source, *libraries,
                    *(f"-Wl,-rpath,{library.parent}" for library in libraries), "-o", program], check=True)
    return program


def said(program, *arguments):
    done = subprocess.run([program, *models, *arguments], text=True, capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


failures = []
with tempfile.TemporaryDirectory() as temporary:
    now, old, new = (pathlib.Path(temporary, name) for name in ("now", "old", "new"))
    now.mkdir()
    expected = said(compiled(now, root / "include"))
    print(expected[1], end="")
    assert expected[0] == 0, expected
    cut = headers(old, shorter)
    assert sum(n < 0 for n in cut.values()) > 15, cut
    print(f"{sum(n < 0 for n in cut.values())} of {len(cut)} structs are shorter, by {-sum(cut.values())} fields")
    found = said(compiled(old, old / "include"))
    if found != expected:
        failures.append(f"an older program: {found}")
    grown = headers(new, longer)
    version = new / "include" / "interns1" / "version.h"
    text = version.read_text(encoding="utf-8")
    plain = re.search(r"\.struct_size = \(uint32_t\)sizeof\(T\) *\\", text)
    assert plain, "INS1_INIT is written otherwise"
    text = text.replace(plain[0], ".struct_size = (uint32_t)sizeof(T), .later = { 0, 0, versions_tail(#T) } \\")
    version.write_text(text.replace("/* Initialises", "uint64_t versions_tail(const char *name);\n\n/* Initialises", 1),
                       encoding="utf-8")
    program = compiled(new, new / "include", "-DVERSIONS_NEWER")
    found = said(program)
    if found != expected:
        failures.append(f"a newer program: {found}")
    for name in sorted(grown):
        code, text = found = said(program, name)
        if name in WRITTEN and found != expected:
            failures.append(f"{name} goes on and is written: {found}")
        if name not in WRITTEN and (code == 0 or "INS1_E_VERSION: " not in text):
            failures.append(f"{name} goes on with a choice and is not refused: {found}")
    print(f"{len(grown)} structs are longer, {len(set(grown) - WRITTEN)} are refused when they ask for more")
sys.exit("\n".join(failures) or 0)
