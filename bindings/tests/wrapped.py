#!/usr/bin/env python3
"""Every function that the libraries export is used by each binding, or is in its README's list of what is not wrapped.

    wrapped.py SOURCE_ROOT

What generate.py writes names everything; it is the safe layer on top that is looked at, which Fortran has not.
"""
import fnmatch
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
bindings = root / "bindings"
exported = {name for script in ("lib/interns1.map", "lib/io/interns1_io.map")
            for name in re.findall(r"(ins1_\w+);", (root / script).read_text(encoding="utf-8"))}
BINDINGS = {
    "cpp": ["cpp/include/interns1/interns1.hpp"],
    "fortran": ["fortran/interns1.f90"],
    "python": sorted(str(path.relative_to(bindings)) for path in (bindings / "python/interns1").glob("*.py")
                     if path.name != "abi.py"),
    "rust": sorted(str(path.relative_to(bindings)) for path in (bindings / "rust/interns1/src").glob("*.rs")),
}
HEADING = "## Not wrapped"

bad = [] if exported else ["no function is exported"]
for folder, sources in BINDINGS.items():
    text = "\n".join((bindings / name).read_text(encoding="utf-8") for name in sources)
    missing = exported - set(re.findall(r"\bins1_\w+", text))
    readme = (bindings / folder / "README.md").read_text(encoding="utf-8")
    section = re.split(r"(?m)^## ", readme.split(HEADING, 1)[1])[0] if HEADING in readme else ""
    patterns = re.findall(r"`(ins1_[\w*]+)`", " ".join(re.findall(r"(?m)^\|([^|]*)\|", section)))
    for name in sorted(missing):
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            bad.append(f"bindings/{folder} does not wrap {name}, and its README does not say why")
    for pattern in patterns:
        if not fnmatch.filter(missing, pattern):
            bad.append(f"bindings/{folder}/README.md: {pattern} is wrapped, or no function")
sys.exit("\n".join(bad) or 0)
