#!/usr/bin/env python3
"""Write a C file that defines every public function with an empty body: the interface without its insides.

    surface.py HEADER...

abidw then sees the types of the headers alone; what an opaque handle points to is no part of the ABI.
"""
import pathlib
import re
import sys

headers = [pathlib.Path(name) for name in sys.argv[1:]]
for header in headers:
    print(f'#include "interns1/{header.as_posix().split("/interns1/")[-1]}"')
print("\n/* The table of a backend is reached through a pointer that is declared only. */")
print("extern const ins1_backend_api ins1_surface_backend;")
print("const ins1_backend_api ins1_surface_backend;")
for header in headers:
    text = re.sub(r"/\*.*?\*/", " ", header.read_text(encoding="utf-8"), flags=re.S)
    for signature in re.findall(r"(?m)^INS1_API\s+([^;{}]+);", text):
        flat = " ".join(signature.split())
        body = "" if re.match(r"void \w", flat) else "return 0;"
        print(f"\n{flat}\n{{\n    {body}\n}}")
