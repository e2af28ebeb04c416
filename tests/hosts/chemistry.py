#!/usr/bin/env python3
"""examples/chemistry beside RDKit: answers, order, the validator, and nothing that RDKit refuses passes for a molecule.

    chemistry.py MOLECULES MODEL SMI SDF
"""
import subprocess
import sys

program, model, smi, sdf = sys.argv[1:]


def run(*arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def lines(*arguments):
    done = run(*arguments)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    out = {}
    for line in done.stdout.splitlines():
        kind, *fields = line.split("\t")
        out.setdefault(kind, []).append(fields)
    return out, done.stdout


found, text = lines(model, smi)
assert found["read"] == [["8"]], text
assert found["refused"] == [["C1CC(C", "by the tokenizer's rules text", "with RDKit text"],
                            ["IC=C[N+](=O)[O-]C=C", "by the tokenizer's rules a molecule", "with RDKit text"]], text
assert ["aspirin", "C9H8O4", "right"] in found["formula"] and len(found["formula"]) == len(found["rings"]) == 8, text
right, asked = found["right"][0][0].split(" of ")
assert int(asked) == 16 and int(right) >= 14, text
for name, answer, verdict in found["formula"] + found["rings"]:
    assert verdict == "right" or (verdict.startswith("RDKit says ") and verdict != f"RDKit says {answer}"), name

# The likeness of all the others to the first, best first.
cosines = [float(fields[1]) for fields in found["similar"]]
assert len(cosines) == 7 and cosines == sorted(cosines, reverse=True) and max(cosines) <= 1.0001, text

# Free writing is caught, guided writing is always a new molecule that begins as it should.
free_valid = sum(fields[1] != "no molecule" for fields in found["free"])
assert found["free valid"] == [[f"{free_valid} of 8"]] and len(found["free"]) == 8, text
assert found["guided valid"] == [["8 of 8"]] and all("no molecule" not in fields for fields in found["guided"]), text
assert all("c1ccccc1" in fields[0] for fields in found["guided"]), text

# The same bytes with more threads.
assert lines(model, smi, "2")[1] == text

found, text = lines(model, sdf)
assert found["read"] == [["3"]] and len(found["refused"]) == 1, text
assert ["lidocaine", "C14H22N2O", "right"] in found["formula"], text
assert [fields[0] for fields in found["similar"]] == ["procaine", "vanillin"], text

for arguments, said in (((model, "no-such-file.sdf"), "no-such-file.sdf"), (("no-such-model", smi), "no-such-model")):
    done = run(*arguments)
    assert done.returncode == 1 and said in done.stderr, done.stderr
