#!/usr/bin/env python3
"""Where there is a CUDA device: the conformance suite and whole models on it, with what nvcc made.

    device.py PLUGIN CONFORMANCE GOLDEN VISION SERIES FOLDER...

A folder is GOLDEN:PATH, VISION:PATH or SERIES:PATH. Skipped without a device, which the plugin explains.
"""
import subprocess
import sys

plugin, conformance, golden, vision, series, *folders = sys.argv[1:]
programs = {"GOLDEN": golden, "VISION": vision, "SERIES": series}
done = subprocess.run([conformance, plugin, "0"], text=True, capture_output=True)
print(done.stdout[-4000:])
if done.returncode:
    sys.exit(done.returncode)
failed = 0
for folder in folders:
    kind, path = folder.split(":", 1)
    failed += subprocess.run([programs[kind], path, plugin + "@cuda:0"]).returncode != 0
sys.exit(failed)
