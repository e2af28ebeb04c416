#!/usr/bin/env python3
"""A plugin whose driver is not there, or does not open, has no device and says why, and the CPU answers.

    driverless.py INS1 MODEL PLUGIN vulkan|opencl
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ins1, model, plugin, kind = sys.argv[1:]
QUESTION = "<SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>\nWhat is the molecular formula?"


def check(what, **variables):
    done = subprocess.run([ins1, "run", model, "--plugin", plugin, "--no-think", "-p", QUESTION], capture_output=True, text=True,
                          check=False, env={**os.environ, **variables})
    print(what, done.stdout, done.stderr)
    assert done.returncode == 0 and done.stdout == "C9H8O4\n", what
    assert "no device: " in done.stderr and f"warning: {kind}: no device can run here" in done.stderr, what
    asked = subprocess.run([ins1, "run", model, "--plugin", plugin, "--device", f"{kind}:0", "-p", QUESTION], capture_output=True,
                           text=True, check=False, env={**os.environ, **variables})
    assert asked.returncode == 1 and f"{kind}:0" in asked.stderr, asked


with tempfile.TemporaryDirectory() as name:
    here = pathlib.Path(name)
    nothing, wrong = here / "nothing.so", here / "wrong"
    nothing.write_text("no driver\n", encoding="utf-8")
    wrong.mkdir()
    if kind == "vulkan":
        manifest = wrong / "wrong.json"
        manifest.write_text('{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.2.0"}}' % nothing, encoding="utf-8")
        check("no driver", VK_ICD_FILENAMES=str(here / "none.json"))
        check("a driver that does not open", VK_ICD_FILENAMES=str(manifest))
    else:
        (wrong / "wrong.icd").write_text(f"{nothing}\n", encoding="utf-8")
        check("no driver", OCL_ICD_VENDORS=str(here / "none"), OPENCL_VENDOR_PATH=str(here / "none"))
        check("a driver that does not open", OCL_ICD_VENDORS=str(wrong), OPENCL_VENDOR_PATH=str(wrong))
