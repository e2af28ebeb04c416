#!/usr/bin/env python3
"""Makes a checkpoint of a released model's true shapes, a hole of its true size, and runs a program on it."""
import pathlib, subprocess, sys, tempfile

maker, program, model = sys.argv[1:4]
with tempfile.TemporaryDirectory() as folder:
    out = pathlib.Path(folder) / model
    subprocess.run([sys.executable, maker, model, str(out)], check=True, stdout=subprocess.DEVNULL)
    sys.exit(subprocess.run([program, str(out), model]).returncode)
