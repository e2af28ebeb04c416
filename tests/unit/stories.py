#!/usr/bin/env python3
"""Make an HF folder of the model stories260K, then let the program write its story.

    stories.py PROGRAM MAKE_FOLDER TEST_DATA FOLDER

PROGRAM is stories.c, MAKE_FOLDER tests/reference/stories260k.py.
"""
import pathlib
import subprocess
import sys

program, make_folder, data, folder = sys.argv[1:]
weights = pathlib.Path(data) / "weights" / "stories260K"
if not data or not weights.is_dir():
    print("skipped: the build option test_data names no folder with weights/stories260K")
    sys.exit(77)
subprocess.run([sys.executable, make_folder, weights, folder], check=True)
sys.exit(subprocess.run([program, folder, weights / "stories260K.expected.txt"]).returncode)
