#!/usr/bin/env python3
"""clang-format has nothing to change. Skipped where clang-format 14 is not there.

    format.py CLANG_FORMAT FOLDER...
"""
import pathlib
import subprocess
import sys

tool, *folders = sys.argv[1:]
if "version 14." not in subprocess.run([tool, "--version"], text=True, capture_output=True).stdout:
    print("skipped: this is not clang-format 14")
    sys.exit(77)
files = [path for folder in folders for path in sorted(pathlib.Path(folder).rglob("*.[ch]"))]
done = subprocess.run([tool, "--dry-run", "-Werror", *files], text=True, capture_output=True)
wrong = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "error:" in line})
sys.exit("\n".join(f"not formatted: {name}" for name in wrong) or done.returncode)
