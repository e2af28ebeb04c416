"""Scores of a checkpoint, through the C program or the reference model in Python: molecules of held-out scaffolds, pictures in
held-out fonts, new signals.

    python evaluate.py --data DATA --model interns1-demo [--ins1 PATH] [--part test] [--card interns1-demo/README.md]

Greedy answers; right is an exact match of the text after </think>, but for a heart rate, which may be 3 beats per minute off the
measured one, and a frequency, which may be 0.75 Hz off. Every question is asked in its first wording.
"""

import argparse
import json
import os
import random
import subprocess
import tempfile
import time

import numpy as np
from PIL import Image

import pictures
import signals
from questions import GROUPS, answer, wording
from tokenizer import Tokenizer

MARKS = {"molecules": "scores", "senses": "senses"}


def load_part(data, part, limit):
    """Facts of each molecule with its strings: canonical, random order, Kekulé form."""
    tokenizer = Tokenizer.load(data + "/tokenizer")
    with open("%s/%s.jsonl" % (data, part), encoding="utf-8") as f:
        facts = [json.loads(line) for line in f]
    arrays = np.load("%s/%s.npz" % (data, part))
    start, pieces = arrays["start"], arrays["pieces"]
    for i, n in enumerate(arrays["molecule"].tolist()):
        text = tokenizer.decode(pieces[start[i]:start[i + 1]].tolist())
        facts[n].setdefault("strings", []).append(text)
    return facts[:limit] if limit else facts


def questions_for(facts):
    """List of (section, kind, molecule number, user's text, expected answer, thinking)."""
    rng = random.Random(11)
    asked = []

    def ask(section, kind, n, string, thinking):
        text = "<SMILES>%s</SMILES>\n%s" % (string, wording(kind))
        asked.append((section, kind, n, text, answer(kind, facts[n])[1], thinking))

    for n, fact in enumerate(facts):
        present = [g for g in GROUPS if fact["groups"][g]]
        absent = [g for g in GROUPS if not fact["groups"][g]]
        groups = [rng.choice(pool) for pool in (present, absent) if pool]
        for thinking in (True, False):
            for kind in ["formula", "heavy", "rings"] + groups:
                ask("canonical", kind, n, fact["strings"][0], thinking)
        for kind in ("formula", "heavy"):
            ask("random order", kind, n, fact["strings"][1], True)
            ask("Kekulé form", kind, n, fact["strings"][-1], True)
    return asked


def senses_for(folder, count, seed):
    """Files of pictures and signals in `folder`; list of (section, kind, measured value, question, expected answer)."""
    asked, rng = [], random.Random(seed)

    def ask(section, kind, value, expected, files):
        for thinking in (True, False):
            asked.append((section, kind, value, {"text": wording(kind), "thinking": thinking, **files}, expected))

    for section, families, share in (("held-out fonts", pictures.HELD_OUT, 1.0), ("training fonts", pictures.TRAINING, 0.5)):
        fonts = pictures.Fonts(families, print)
        for n in range(int(count * share)):
            pixels, text, family = pictures.random_picture(fonts, rng)
            path = os.path.join(folder, "%s-%d.png" % (section.replace(" ", "-"), n))
            Image.fromarray(pixels).save(path)
            ask(section, "number", family, text, {"images": [path]})
    numbers = np.random.default_rng(seed)
    for n in range(count):
        samples, kind, rate, frequency = signals.random_signal(numbers, 10 * signals.RATE)
        path = os.path.join(folder, "signal-%d.npy" % n)
        np.save(path, samples)
        files = {"series": [{"file": path, "rate": signals.RATE}]}
        ask("signals", "waveform", kind, kind, files)
        if rate is not None:
            ask("signals", "heart rate", rate, str(round(rate)), files)
        if frequency is not None:
            ask("signals", "frequency", frequency, str(round(frequency)), files)
    return asked


def senses_score(asked, given):
    table = {}

    def note(name, ok):
        entry = table.setdefault(name, [0, 0])
        entry[0] += ok
        entry[1] += 1

    for (section, kind, value, question, expected), (_, content) in zip(asked, given):
        how = "thinking" if question["thinking"] else "direct"
        ok = content == expected
        if kind in ("heart rate", "frequency"):
            near = 3 if kind == "heart rate" else 0.75
            try:
                ok = abs(float(content) - value) <= near
            except ValueError:
                ok = False
        if kind == "number":
            note("number, %s, %s" % (section, how), ok)
            if section == "held-out fonts":
                note("number, %s" % value, ok)
                note("number, %d digits" % len(expected), ok)
        elif kind == "waveform" and expected == "heartbeat":
            note("heartbeat, " + how, ok)
        else:
            note("%s, %s" % (kind, how), ok)
    return table


def senses_markdown(table, program):
    percent = lambda name: "%.1f" % (100.0 * table[name][0] / table[name][1]) if name in table else "-"
    out = ["| question | thinking | direct | n each |", "|---|---|---|---|"]
    for name, title in [("number, held-out fonts", "number on a display, fonts never seen"),
                        ("number, training fonts", "number on a display, fonts of the training"),
                        ("heart rate", "heart rate within 3 beats per minute"), ("waveform", "waveform, one of six"),
                        ("heartbeat", "waveform of a heartbeat: \"heartbeat\""),
                        ("frequency", "frequency within 0.75 Hz")]:
        out.append("| %s | **%s** | %s | %d |" % (title, percent(name + ", thinking"), percent(name + ", direct"),
                                                  table.get(name + ", thinking", [0, 0])[1]))
    out += ["", "Numbers in fonts never seen, thinking and direct together, in %: " + ", ".join(
        "%s %s" % (name.split(", ")[1], percent(name)) for name in sorted(table) if name.count(", ") == 1 and
        name.startswith("number, ")) + "."]
    out += ["", "Measured through %s." % program]
    return "\n".join(out)


def run_ins1(program, model, questions, extra):
    lines = "".join(json.dumps(q) + "\n" for q in questions)
    done = subprocess.run([program, "run", model, "--json"] + extra, input=lines, capture_output=True, text=True)
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    if len(replies) != len(questions):
        raise SystemExit("%s gave %d lines for %d questions: %s" % (program, len(replies), len(questions),
                                                                    done.stderr[-500:]))
    failed = [r for r in replies if "error" in r]
    if failed:
        raise SystemExit("%s: %d of %d questions failed: %s" % (program, len(failed), len(questions), failed[0]))
    return [(r.get("reasoning"), (r.get("content") or "").strip()) for r in replies]


def run_python(model, questions):
    from ask import replies

    return replies(model, questions)


def score(facts, asked, replies):
    """Name of a line of the table -> [right, asked]."""
    table = {}

    def note(name, ok):
        entry = table.setdefault(name, [0, 0])
        entry[0] += ok
        entry[1] += 1

    for (section, kind, n, _, expected, thinking), (trace, content) in zip(asked, replies):
        ok = content == expected
        name = "group" if kind in GROUPS else kind
        if section != "canonical":
            note("%s, %s" % (name, section), ok)
            continue
        note("%s, %s" % (name, "thinking" if thinking else "direct"), ok)
        if kind in GROUPS:
            note("%s, both" % kind, ok)
        if kind == "formula" and thinking:
            heavy = sum(c for e, c in facts[n]["elements"].items() if e != "H")
            size = "up to 15" if heavy <= 15 else "16 to 24" if heavy <= 24 else "25 to 32"
            note("formula, %s heavy atoms" % size, ok)
        if kind == "rings" and thinking:
            note("ring closures in the trace", trace == answer(kind, facts[n])[0])
        if kind == "rings":
            closures = facts[n]["closures"] == facts[n]["rings"]
            note("rings, %s, %s" % ("thinking" if thinking else "direct", "no cage" if closures else "cages"), ok)
    return table


def markdown(table, program):
    percent = lambda name: "%.1f" % (100.0 * table[name][0] / table[name][1]) if name in table else "-"
    count = lambda name: table[name][1] if name in table else 0
    out = ["| question | thinking | direct | n each |", "|---|---|---|---|"]
    for name, title in [("formula", "molecular formula"), ("heavy", "number of heavy atoms"), ("rings", "number of rings"),
                        ("group", "contains a group (chance about 50)")]:
        out.append("| %s | **%s** | %s | %d |" % (title, percent(name + ", thinking"), percent(name + ", direct"),
                                                  count(name + ", thinking")))
    out += ["", "| thinking | right in % | n |", "|---|---|---|"]
    for name in ["formula, up to 15 heavy atoms", "formula, 16 to 24 heavy atoms", "formula, 25 to 32 heavy atoms",
                 "formula, random order", "formula, Kekulé form", "heavy, random order", "heavy, Kekulé form",
                 "rings, thinking, no cage", "rings, thinking, cages", "ring closures in the trace"]:
        title = name.replace(", thinking", "").replace("heavy,", "heavy atoms,")
        out.append("| %s | %s | %d |" % (title, percent(name), count(name)))
    out += ["", "Groups, thinking and direct together, right of asked: " + ", ".join(
        "%s %d/%d" % (g, *table[g + ", both"]) for g in GROUPS if g + ", both" in table) + "."]
    out += ["", "Measured through %s." % program]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder that prepare.py wrote; without it no molecules")
    parser.add_argument("--senses", type=int, default=1000, help="pictures in held-out fonts, and signals (0: none)")
    parser.add_argument("--seed", type=int, default=20261126, help="of the pictures and signals")
    parser.add_argument("--model", required=True)
    parser.add_argument("--part", default="test", choices=["test", "valid", "train"])
    parser.add_argument("--limit", type=int, default=0, help="only the first N molecules")
    parser.add_argument("--ins1", help="the C program; without it the reference model in Python answers")
    parser.add_argument("--ins1-option", action="append", default=[], help="passed on to `ins1 run`")
    parser.add_argument("--out", help="every question and answer, JSON lines (added to the file)")
    parser.add_argument("--card", help="model card whose tables of scores are replaced")
    args = parser.parse_args()

    program = "`ins1 run`" if args.ins1 else "the reference model in Python (F32 arithmetic on the published BF16 weights)"

    def answers(questions):
        if args.ins1:
            return run_ins1(args.ins1, args.model, questions, args.ins1_option)
        return run_python(args.model, questions)

    def report(part, title, text, records):
        print("%s\n\n%s\n" % (title, text), flush=True)
        if args.out:
            with open(args.out, "a", encoding="utf-8") as f:
                f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
        if args.card:
            begin, end = ("<!-- %s %s -->" % (MARKS[part], edge) for edge in ("begin", "end"))
            with open(args.card, encoding="utf-8") as f:
                before, rest = f.read().split(begin)
            with open(args.card, "w", encoding="utf-8") as f:
                f.write(before + begin + "\n" + text + "\n" + end + rest.split(end)[1])

    began = time.time()
    if args.senses:
        with tempfile.TemporaryDirectory() as folder:
            asked = senses_for(folder, args.senses, args.seed)
            given = answers([q for _, _, _, q, _ in asked])
        records = [{"section": section, "kind": kind, "value": value, **question, "expected": expected, "content": content}
                   for (section, kind, value, question, expected), (_, content) in zip(asked, given)]
        report("senses", "%d questions about pictures and signals, %.0f s" % (len(asked), time.time() - began),
               senses_markdown(senses_score(asked, given), program), records)
    if args.data:
        began = time.time()
        facts = load_part(args.data, args.part, args.limit)
        asked = questions_for(facts)
        given = answers([{"text": q[3], "thinking": q[5]} for q in asked])
        records = [{"section": section, "kind": kind, "text": question, "thinking": thinking, "expected": expected,
                    "trace": trace, "content": content}
                   for (section, kind, n, question, expected, thinking), (trace, content) in zip(asked, given)]
        report("molecules", "%d molecules, %d questions, %.0f s" % (len(facts), len(asked), time.time() - began),
               markdown(score(facts, asked, given), program), records)


if __name__ == "__main__":
    main()
