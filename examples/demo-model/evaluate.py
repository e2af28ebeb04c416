"""Scores of a checkpoint on molecules of held-out scaffolds, through the C program or the reference model in Python.

    python evaluate.py --data DATA --model interns1-demo [--ins1 PATH] [--part test] [--card interns1-demo/README.md]

Greedy answers; right is an exact match of the text after </think>. Every question is asked in its first wording.
"""

import argparse
import json
import random
import subprocess
import time

from questions import GROUPS, answer, wording
from tokenizer import Tokenizer

MARKS = ("<!-- scores begin -->", "<!-- scores end -->")


def load_part(data, part, limit):
    """Facts of each molecule with its strings: canonical, random order, Kekulé form."""
    import numpy as np

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


def run_ins1(program, model, asked, extra):
    lines = "".join(json.dumps({"text": q[3], "thinking": q[5]}) + "\n" for q in asked)
    done = subprocess.run([program, "run", model, "--json"] + extra, input=lines, capture_output=True, text=True)
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    if len(replies) != len(asked):
        raise SystemExit("%s gave %d lines for %d questions: %s" % (program, len(replies), len(asked), done.stderr[-500:]))
    return [(r.get("reasoning"), (r.get("content") or "").strip()) for r in replies]


def run_python(model, asked):
    from ask import replies

    return replies(model, [(q[3], q[5]) for q in asked])


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
    parser.add_argument("--data", required=True, help="folder that prepare.py wrote")
    parser.add_argument("--model", required=True)
    parser.add_argument("--part", default="test", choices=["test", "valid", "train"])
    parser.add_argument("--limit", type=int, default=0, help="only the first N molecules")
    parser.add_argument("--ins1", help="the C program; without it the reference model in Python answers")
    parser.add_argument("--ins1-option", action="append", default=[], help="passed on to `ins1 run`")
    parser.add_argument("--out", help="every question and answer, JSON lines")
    parser.add_argument("--card", help="model card whose table of scores is replaced")
    args = parser.parse_args()

    facts = load_part(args.data, args.part, args.limit)
    asked = questions_for(facts)
    began = time.time()
    if args.ins1:
        given = run_ins1(args.ins1, args.model, asked, args.ins1_option)
    else:
        given = run_python(args.model, asked)
    table = score(facts, asked, given)
    program = "`ins1 run`" if args.ins1 else "the reference model in Python (F32 arithmetic on the published BF16 weights)"
    text = markdown(table, program)
    print("%d molecules, %d questions, %.0f s\n\n%s" % (len(facts), len(asked), time.time() - began, text))
    if args.out:
        with open(args.out, "w", encoding="utf-8") as f:
            for (section, kind, n, question, expected, thinking), (trace, content) in zip(asked, given):
                f.write(json.dumps({"section": section, "kind": kind, "text": question, "thinking": thinking,
                                    "expected": expected, "trace": trace, "content": content}, ensure_ascii=False) + "\n")
    if args.card:
        with open(args.card, encoding="utf-8") as f:
            card = f.read()
        before, rest = card.split(MARKS[0])
        with open(args.card, "w", encoding="utf-8") as f:
            f.write(before + MARKS[0] + "\n" + text + "\n" + MARKS[1] + rest.split(MARKS[1])[1])


if __name__ == "__main__":
    main()
