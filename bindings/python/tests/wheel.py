"""A wheel of the libraries in a build folder, installed in an empty environment and used from elsewhere:

    wheel.py BUILD_FOLDER MODEL
"""
import os
import pathlib
import subprocess
import sys
import tempfile

build, model = map(os.path.abspath, sys.argv[1:3])
source = pathlib.Path(__file__).resolve().parents[1]
ASK = "What is the molecular formula of <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>?"
USE = f"import interns1; print(interns1.__file__); print(interns1.Model({model!r}).chat({ASK!r}))"
for module in ("pip", "venv", "ensurepip"):
    if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode:
        print(f"skipped: this Python has no {module}")
        sys.exit(77)
env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "INTERNS1", "PIP"))}
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-index", "--no-deps", "--config-settings",
                    f"build-dir={build}", "-w", folder, source], check=True, env=env)
    wheel, = pathlib.Path(folder).glob("*.whl")
    print(wheel.name)
    assert wheel.name.startswith("interns1-0.1.0-py3-none-"), wheel.name
    subprocess.run([sys.executable, "-m", "venv", f"{folder}/env"], check=True, env=env)
    subprocess.run([f"{folder}/env/bin/pip", "install", "-q", "--no-index", wheel], check=True, env=env)
    said = subprocess.run([f"{folder}/env/bin/python", "-c", USE], check=True, env=env, cwd=folder, text=True,
                          capture_output=True).stdout.splitlines()
    print(said)
    assert said[0].startswith(os.path.realpath(folder)) or said[0].startswith(folder), said
    assert said[1] == "C9H8O4", said
