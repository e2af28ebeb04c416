#!/usr/bin/env python3
"""Plugins give out their entry and nothing else, and are linked with the C library and what they are named after.

    plugins.py NM READELF PLUGIN...
"""
import pathlib
import re
import subprocess
import sys

nm, readelf, *plugins = sys.argv[1:]
PLAIN = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
bad = []


def lines(*command):
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout.splitlines()


for plugin in plugins:
    name = pathlib.Path(plugin).name
    given = {line.split()[-1] for line in lines(nm, "-D", "--defined-only", plugin)}
    needed = {match[1] for line in lines(readelf, "-dW", plugin) if (match := re.search(r"\(NEEDED\).*\[(.*)\]", line))}
    if given != {"ins1_backend_entry"}:
        bad.append(f"{name} gives out {sorted(given)}, ins1_backend_entry expected")
    if name == "ins1_openblas.so":
        needed.discard("libopenblas.so.0")
    if needed - PLAIN:
        bad.append(f"{name} is linked with {sorted(needed - PLAIN)}")
sys.exit("\n".join(bad) or (0 if plugins else "no plugin"))
