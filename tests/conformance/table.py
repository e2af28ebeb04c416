#!/usr/bin/env python3
"""The table of operations, types and backends in lib/backend/README.md, from what the tests last said.

    meson test -C BUILD --suite conformance --suite vulkan --suite opencl --suite cuda      (of a build for ARM64: --suite cores)
    table.py BUILD/meson-logs/testlog.json [--check]

Writes the table, or compares: an operation that a backend does, or not, otherwise than the table has it is a failure. Columns of
backends that did not run are left as they are, and not compared.
"""
import json
import pathlib
import re
import sys

README = pathlib.Path(__file__).resolve().parents[2] / "lib" / "backend" / "README.md"
BEGIN, END = "<!-- table.py: begin -->\n", "<!-- table.py: end -->\n"
#: test -> column; the test "devices" and those of single cores name their own
COLUMNS = ["scalar", "avx2", "avx512", "neon", "neon_dotprod", "neon_i8mm", "openblas", "vulkan", "opencl", "cuda, emulated"]
TESTS = {"vulkan_0": "vulkan", "opencl_0": "opencl", "cuda emulated": "cuda, emulated"}
LINE = re.compile(r"(?:(?P<device>[\w.]+): )?(?P<op>[A-Z][A-Z_]+) (?P<types>.*): (?P<n>\d+) cases, (?P<rest>.+)")


def cell(n, rest):
    """How much of it there is, and the worst error in parts of what is allowed."""
    assert "FAILED" not in rest, rest
    declined = re.search(r"(\d+) (?:of them )?not supported", rest)
    there = n - (int(declined[1]) if declined else 0)
    worst = re.search(r"worst error (\S+) of (\S+)", rest)
    share = f", {100 * float(worst[1]) / float(worst[2]):.0f} %" if there and worst and float(worst[2]) > 0 else ""
    return ("yes" if there == n else f"{there} of {n}") + share if there else "-"


def read(path):
    """{column: {(operation, types): cell}} of what ran."""
    found = {}
    for text in open(path, encoding="utf-8"):
        test = json.loads(text)
        name = test["name"].rsplit(" / ", 1)[-1]
        if test["result"] != "OK" or not (name == "devices" or name.startswith("conformance ") or name in TESTS):
            continue
        for line in (test.get("stdout") or "").splitlines():
            match = LINE.fullmatch(line)
            column = match and (TESTS.get(name) or match["device"].removeprefix("ins1_").removesuffix(".so"))
            if column in COLUMNS:
                found.setdefault(column, {})[match["op"], match["types"]] = cell(int(match["n"]), match["rest"])
    return found


def committed():
    """The same of the table that is there."""
    rows = [[c.strip() for c in line.strip("|\n").split("|")] for line in README.read_text(encoding="utf-8").split(BEGIN)[1]
            .split(END)[0].splitlines() if line.startswith(("| `", "| operation"))]
    return {column: {(row[0].strip("`"), row[1]): row[i + 2] for row in rows[1:] if row[i + 2]}
            for i, column in enumerate(rows[0][2:])} if rows else {}


def write(table):
    keys = list(dict.fromkeys(key for column in COLUMNS for key in table.get(column, {})))
    lines = ["| operation | types | " + " | ".join(COLUMNS) + " |", "| --- " * (2 + len(COLUMNS)) + "|"]
    for op, types in keys:
        lines.append(f"| `{op}` | {types} | " + " | ".join(table.get(c, {}).get((op, types), "") for c in COLUMNS) + " |")
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    README.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END)[1], encoding="utf-8")


def differences(found, there):
    """Shares of the bound differ from machine to machine; what is done does not. A column that the table has not is new."""
    for column, cells in found.items():
        if not there.get(column):
            continue
        for key, value in cells.items():
            expected = there.get(column, {}).get(key, "")
            if value.split(",")[0] != expected.split(",")[0]:
                yield f"{column}: {key[0]} {key[1]} is '{value}', the table has '{expected}'"


results = read(sys.argv[1])
if sys.argv[2:] == ["--check"]:
    wrong = list(differences(results, committed()))
    print("\n".join(wrong) or f"as the table has it: {', '.join(results) or 'nothing ran'}")
    sys.exit(bool(wrong))
write({**committed(), **results})
