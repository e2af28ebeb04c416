#!/usr/bin/env python3
"""What the shipped checkpoint answers about a molecule, a picture, a signal, both together and a video, and that the
answers are the same on every level, with every number of threads, and however the prompt is cut.

    alike.py INS1 SOURCE_FOLDER
"""
import json
import pathlib
import subprocess
import sys
import tempfile

ins1, source = sys.argv[1], pathlib.Path(sys.argv[2])
demo = source / "examples" / "demo-model"
model, samples = demo / "interns1-demo", demo / "samples"
PICTURE, SIGNAL = str(samples / "display.png"), {"file": str(samples / "heartbeat.csv"), "rate": 50}
WAVE = {"file": str(samples / "square.csv"), "rate": 50}
ASPIRIN = "<SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>\n"
DISPLAY, PULSE = "What number does the display show?", "What is the heart rate?"
QUESTIONS = [       # and what the answer has to be; None: anything, as long as it is the same
    ({"text": ASPIRIN + "What is the molecular formula?"}, "C9H8O4"),
    ({"text": ASPIRIN + "How many rings does it have?", "thinking": False}, "1"),
    ({"text": DISPLAY, "images": [PICTURE]}, "407"),
    ({"text": PULSE, "series": [SIGNAL]}, "66"),
    ({"text": "What waveform is this?", "series": [WAVE], "thinking": False}, "square"),
    ({"text": DISPLAY, "images": [PICTURE], "series": [SIGNAL]}, None),
    ({"text": PULSE, "images": [PICTURE], "series": [SIGNAL]}, None),
    ({"text": DISPLAY, "videos": [{"folder": None, "fps": 24}]}, None),
]
failures = []


def run(*args, text=""):
    p = subprocess.run([ins1, *map(str, args)], input=text, text=True, capture_output=True, timeout=300)
    if p.returncode:
        raise SystemExit(f"{args}: exit {p.returncode}: {p.stderr}")
    return [json.loads(line) for line in p.stdout.splitlines()]


def levels():
    """Those that this machine has."""
    for level in ("scalar", "avx2", "avx512", "neon", "neon_dotprod", "neon_bf16", "neon_i8mm"):
        p = subprocess.run([ins1, "run", model, "--level", level, "-p", "hi", "--max-tokens", "1"], capture_output=True, text=True)
        if p.returncode == 0:
            yield level
        elif "level" not in p.stderr and "machine" not in p.stderr:
            raise SystemExit(f"--level {level}: {p.stderr}")


def expect(said, what):
    if not said:
        failures.append(what)


def answers_are_alike(folder):
    lines = ""
    for question, _ in QUESTIONS:
        for video in question.get("videos", []):
            video["folder"] = str(folder)
        lines += json.dumps(question) + "\n"
    first = None
    for level in levels():
        for threads in (1, 2, 3):
            given = run("run", model, "--json", "--level", level, "--threads", threads, text=lines)
            first = first or given
            print(level, threads, [reply.get("content") for reply in given])
            expect(given == first, f"{level}, {threads} threads: {given}, first {first}")
    for (question, answer), reply in zip(QUESTIONS, first):
        expect(answer is None or reply["content"] == answer, f"{question}: {reply}, expected {answer}")
        expect(reply.get("end") in ("eos", "length"), f"{question}: {reply}")


def ids_of(text):
    return run("tokenize", model, text=json.dumps(text) + "\n")[0]


def pieces_do_not_matter(folder):
    """The mixed prompt in pieces: the logits' bits are the same, and so is what follows."""
    rows = {}
    for name, args in (("picture", ("--image", PICTURE)), ("signal", ("--series", SIGNAL["file"], "--rate", 50))):
        rows[name] = folder.parent / (name + ".npy")
        rows[name + " tokens"] = run("embed", model, rows[name], *args)[0]["tokens"]
    ids = ids_of("<|im_start|>user\nPicture 1: <|vision_start|>" + "<|image_pad|>" * rows["picture tokens"] + "<|vision_end|><|ts|>"
                 + "<TS_CONTEXT>" * rows["signal tokens"] + f"<|/ts|>{DISPLAY}<|im_end|>\n<|im_start|>assistant\n<think></think>\n\n")
    line = json.dumps({"ids": ids, "embeds": [str(rows["picture"]), str(rows["signal"])]}) + "\n"
    outputs = {}
    for chunk in (0, 1, 7, 16):
        out = folder.parent / f"chunk-{chunk}"
        out.mkdir()
        run("logits", model, out, "--generate", 6, *(("--chunk", chunk) if chunk else ()), text=line)
        outputs[chunk] = {p.name: p.read_bytes() for p in out.iterdir()}
        expect(outputs[chunk] == outputs[0], f"in pieces of {chunk} tokens the logits are others")


with tempfile.TemporaryDirectory() as scratch:
    frames = pathlib.Path(scratch) / "frames"
    frames.mkdir()
    for n in range(5):
        (frames / f"{n}.png").write_bytes(pathlib.Path(PICTURE).read_bytes())
    answers_are_alike(frames)
    pieces_do_not_matter(frames)
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
