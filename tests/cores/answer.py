#!/usr/bin/env python3
"""What the shipped checkpoint answers about a molecule and about a picture, on an emulated core.

    answer.py DEMO_FOLDER EMULATOR... INS1
"""
import json
import pathlib
import subprocess
import sys

demo, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
QUESTIONS = [
    ({"text": "<SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>\nWhat is the molecular formula?", "thinking": False}, "C9H8O4"),
    ({"text": "What number does the display show?", "images": [str(demo / "samples" / "display.png")], "thinking": False}, "407"),
]

lines = "".join(json.dumps(question) + "\n" for question, _ in QUESTIONS)
done = subprocess.run([*command, "run", demo / "interns1-demo", "--json"], input=lines, capture_output=True, text=True, check=False)
print(done.stdout, done.stderr, sep="")
answers = [json.loads(line)["content"] for line in done.stdout.splitlines()]
sys.exit(done.returncode != 0 or answers != [answer for _, answer in QUESTIONS])
