"""Two programs print the same for every checkpoint:

    same.py MODEL[@PARTS]... -- PROGRAM ARGUMENT... -- PROGRAM ARGUMENT...
"""
import subprocess
import sys

first = sys.argv.index("--")
second = sys.argv.index("--", first + 1)
models, ours, theirs = sys.argv[1:first], sys.argv[first + 1:second], sys.argv[second + 1:]
different = []
for model in models:
    expected, found = (subprocess.run([*program, *model.split("@")], text=True, capture_output=True) for program in (ours, theirs))
    if expected.returncode or found.returncode:
        sys.exit(f"{model}: {expected.stderr}{found.stderr}")
    lines = list(zip(expected.stdout.splitlines(), found.stdout.splitlines()))
    print(f"{model}: {len(lines)} lines, {len(expected.stdout.split())} words")
    different += [f"{model}: {a[:100]} ... is {b[:100]} ..." for a, b in lines if a != b]
    if expected.stdout != found.stdout and not different:
        different.append(f"{model}: {len(expected.stdout)} bytes are {len(found.stdout)}")
sys.exit("\n".join(different) or 0)
