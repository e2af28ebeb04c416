#!/usr/bin/env python3
"""Files of the tree name no machine, keep no lists of things to do, and end as text files do."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
SUFFIXES = {".c", ".h", ".in", ".py", ".md", ".build", ".txt", ".map", ".wrap", ".sh", ".ini", ".1", ".s1"}
SKIPPED = re.compile(r"(\.git|build[^/]*|packagecache|subprojects/[^/.]+|__pycache__|corpus)(/|$)")
MACHINE = re.compile(r"(?<![\w.:])/(work|home|Users|root)/")
TO_DO = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")

bad = []
for path in sorted(root.rglob("*")):
    name = path.relative_to(root).as_posix()
    if SKIPPED.match(name) or "/corpus/" in name or not path.is_file():
        continue
    if path.suffix not in SUFFIXES and name != ".ci/run":
        continue
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        bad.append(f"{name}: not UTF-8")
        continue
    if name == "tests/lint/tree.py":
        continue
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE.search(line):
            bad.append(f"{name}:{number}: a path of one machine")
        if TO_DO.search(line):
            bad.append(f"{name}:{number}: a matter to do; an issue is the place for it")
        if line != line.rstrip() and path.suffix in {".c", ".h", ".py", ".build"}:
            bad.append(f"{name}:{number}: white space at the end")
    if text and not text.endswith("\n"):
        bad.append(f"{name}: no line end at the end")
sys.exit("\n".join(bad) or 0)
