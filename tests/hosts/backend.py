#!/usr/bin/env python3
"""examples/backend built outside the tree against the headers alone, checked and used.

    backend.py INS1 SOURCE_ROOT CC...
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ins1, root, cc = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), sys.argv[3:]


def run(*args, text="", cwd=None):
    return subprocess.run([str(a) for a in args], input=text, capture_output=True, text=True, check=False, cwd=cwd)


def build(folder):
    """The sources and the headers, as an installation has them."""
    shutil.copytree(root / "include" / "interns1", folder / "include" / "interns1")
    shutil.copy(root / "examples" / "backend" / "backend.c", folder)
    plugin = folder / "example.so"
    made = run(*cc, "-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC",
               folder / "backend.c", "-I", folder / "include", "-o", plugin)
    assert made.returncode == 0, made.stderr
    return plugin


def conforms(plugin):
    done = run(ins1, "check-backend", plugin)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and all(line["failures"] == 0 for line in lines), done.stderr + done.stdout
    products = [line for line in lines if line["op"] == "MATMUL" and line["cases"] > line["unsupported"]]
    assert {line["types"] for line in products} == {"w F32, scale none, x F32", "w BF16, scale none, x F32"}, products


def answers(plugin, folder):
    """The greedy text of a checkpoint is that of the reference."""
    case = root / "tests" / "golden" / "mini-bf16"
    expected = sorted((case / "expect").glob("*.greedy.npy"))
    (folder / "out").mkdir()
    done = run(ins1, "logits", case, folder / "out", "--plugin", plugin, "--device", "example", "--generate", "10",
               text=(case / "in.jsonl").read_text(encoding="utf-8"), cwd=case)
    assert expected and done.returncode == 0, done.stdout + done.stderr
    for file in expected:
        assert (folder / "out" / file.name).read_bytes() == file.read_bytes(), f"{file.name} differs: {done.stderr}"


with tempfile.TemporaryDirectory() as name:
    here = pathlib.Path(name)
    made = build(here)
    conforms(made)
    answers(made, here)
