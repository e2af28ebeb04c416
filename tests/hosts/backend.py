#!/usr/bin/env python3
"""examples/backend built outside the tree against the headers alone, checked, used, and lost.

    backend.py INS1 SOURCE_ROOT CC...
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ins1, root, cc = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), sys.argv[3:]


def run(*args, text="", **options):
    return subprocess.run([str(a) for a in args], input=text, capture_output=True, text=True, check=False, **options)


def build(folder, source):
    """A plugin of a source file and the headers, as an installation has them."""
    plugin = folder / (source.stem + ".so")
    made = run(*cc, "-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC",
               source, "-I", folder / "include", "-o", plugin)
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


def outlives(plugin):
    """`ins1 run` says that its device is lost, and the reply is what it is without a device."""
    demo = root / "examples" / "demo-model"
    molecule, display = "<SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>\n", "What number does the display show?"
    lines = "".join(json.dumps(line) + "\n" for line in (
        {"text": molecule + "What is the molecular formula?"}, {"text": molecule + "How many rings does it have?"}))
    asked = (
        ("-p", molecule + "What is the molecular formula?"),
        ("-p", molecule + "What is the molecular formula?", "--temperature", 1.5, "--seed", 7),
        ("-p", display, "--image", demo / "samples" / "display.png"),
        ("--json",),
    )

    def ask(args, runs=None):
        device = () if runs is None else ("--plugin", plugin, "--device", "example")
        done = run(ins1, "run", demo / "interns1-demo", "--precision", "f32", *device, *args, text=lines,
                   env={**os.environ, "FRAIL_RUNS": str(runs)})
        assert done.returncode == 0, done.stderr
        return done

    for args in asked:
        expected = ask(args)
        n = 0
        while True:
            found = ask(args, n)
            assert found.stdout == expected.stdout, f"{args}, {n} runs: {found.stdout!r}, not {expected.stdout!r}"
            if not found.stderr:
                break   # it ends before the device does
            assert "a device is lost, the CPU goes on: " in found.stderr and "frail" in found.stderr, found.stderr
            n += 1 + n // 2
        assert n > 100, f"{args}: {n} runs"


with tempfile.TemporaryDirectory() as name:
    here = pathlib.Path(name)
    shutil.copytree(root / "include" / "interns1", here / "include" / "interns1")
    for file in (root / "examples" / "backend" / "backend.c", root / "tests" / "hosts" / "frail.c"):
        shutil.copy(file, here)
    made = build(here, here / "backend.c")
    conforms(made)
    answers(made, here)
    outlives(build(here, here / "frail.c"))
