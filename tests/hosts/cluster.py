#!/usr/bin/env python3
"""examples/cluster: the same bits for one rank and for several, right answers before wrong ones, and no rank left waiting.

    cluster.py MPIRUN CLUSTER MODEL TEXTS
"""
import pathlib
import re
import subprocess
import sys
import tempfile

mpirun, cluster, model, texts = sys.argv[1:]
if "Open MPI" not in subprocess.run([mpirun, "--version"], capture_output=True, text=True, check=False).stdout:
    print("skipped: the options of this mpirun are not those of Open MPI")
    sys.exit(77)
LINES = pathlib.Path(texts).read_text(encoding="utf-8").splitlines()


def run(ranks, *arguments):
    return subprocess.run([mpirun, "-np", str(ranks), "--oversubscribe", "--allow-run-as-root", cluster, *map(str, arguments)],
                          capture_output=True, text=True, check=False, timeout=120)


def told(done):
    """How many ranks there were, and kB of weights in memory and shared."""
    found = re.search(r"(\d+) ranks; weights in memory of each: (\d+) kB and more, of these shared: (\d+) kB", done.stderr)
    assert found, done.stderr
    return tuple(map(int, found.groups()))


one, two = run(1, model, texts), run(2, model, texts)
assert one.returncode == 0 and two.returncode == 0, one.stderr + two.stderr
scored = [line.split("\t", 2) for line in one.stdout.splitlines()]
assert [fields[2] for fields in scored] == LINES, one.stdout
assert one.stdout == two.stdout, one.stdout + two.stdout
assert told(one)[0] == 1 and told(two)[0] == 2
_, resident, shared = told(two)
assert resident == 0 or shared > resident // 2, two.stderr  # 0: a system that does not say

# The first answer of each question is the right one.
best = {}
for bits, number, line in scored:
    score = float.fromhex(bits)
    assert score <= 0 and abs(score - float(number)) < 1e-4, line
    question = line.split("\t")[0]
    assert score <= best.setdefault(question, score), f"better than the right answer: {line}"
assert len(best) == 6

with tempfile.TemporaryDirectory() as name:
    # More ranks than lines, more threads, no line end at the end, a line that cannot be scored.
    few = pathlib.Path(name) / "few.tsv"
    few.write_text(LINES[0] + "\nno tab\n" + LINES[1], encoding="utf-8")
    done = run(4, model, few, 2)
    expected = one.stdout.splitlines()
    assert done.returncode == 1 and "line 2: no tab" in done.stderr, done.stderr
    assert done.stdout.splitlines() == [expected[0], "-\tno tab", expected[1]], done.stdout
    (pathlib.Path(name) / "none.tsv").write_text("", encoding="utf-8")
    done = run(2, model, pathlib.Path(name) / "none.tsv")
    assert done.returncode == 0 and done.stdout == "", done.stderr

for arguments, said in ((("no-such-model", texts), "no-such-model"), ((model, "no-such-texts"), "cannot read no-such-texts"),
                        ((model,), "usage")):
    done = run(2, *arguments)
    assert done.returncode != 0 and said in done.stderr and done.stdout == "", done.stderr
