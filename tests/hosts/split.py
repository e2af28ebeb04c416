#!/usr/bin/env python3
"""A model whose layers lie on two devices of a plugin and on the CPU answers as on the CPU alone.

    split.py INS1 MODEL PLUGIN FIRST SECOND
"""
import re
import subprocess
import sys

ins1, model, plugin, first, second = sys.argv[1:]
QUESTION = "<SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>\nWhat is the molecular formula?"


def answer(*options):
    done = subprocess.run([ins1, "run", model, "-p", QUESTION, "--stats", *options], capture_output=True, text=True, check=False)
    if "there is no device" in done.stderr:
        print(f"skipped: {done.stderr.strip()}")
        sys.exit(77)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


expected, _ = answer()
found, told = answer("--plugin", plugin, "--device", f"{first},layers=2", "--device", f"{second},bytes=3M")
assert "C9H8O4" in expected and found == expected, f"{found!r}, expected {expected!r}"
runs = re.findall(r"layers (\d+) to (\d+): ([^,]+), ([\d.]+) MB", told)
assert [r[2] for r in runs] == [first, second, "cpu"], told
assert runs[0][:2] == ("0", "1") and runs[1][0] == "2" and float(runs[1][3]) <= 3 * 1.048576, told
assert runs[2][1] == "5", told
