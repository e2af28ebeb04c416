#!/usr/bin/env python3
"""Makes ../modules.inc of the shaders of this folder: for maintainers, after a change of one.

    make.py             write it
    make.py --check     compare instead: exit status 1 where it is not what the shaders give, 77 where that
                        cannot be told here (no glslc, or not the version it was made with)

Needs glslc and spirv-val.
"""
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).parent
RESULT = FOLDER.parent / "modules.inc"
# In which forms each is made; PLAIN first.
FORMS = {
    "PLAIN": [],
    "HALVES": ["-DHALVES"],
    "SUBGROUPS": ["-DSUBGROUPS"],
    "BOTH": ["-DHALVES", "-DSUBGROUPS"],
}
SHADERS = {
    "attention": ["PLAIN", "HALVES"],
    "experts": ["PLAIN"],
    "kv_put": ["PLAIN", "HALVES"],
    "matmul": ["PLAIN", "HALVES"],
    "matvec": ["PLAIN", "HALVES", "SUBGROUPS", "BOTH"],
    "merge": ["PLAIN"],
    "norm": ["PLAIN", "SUBGROUPS"],
    "rope": ["PLAIN"],
    "route": ["PLAIN"],
    "rows": ["PLAIN"],
}


def compiled(name, form):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.spv"
        subprocess.run(["glslc", "--target-env=vulkan1.2", "-Os", "-Werror", *FORMS[form],
                        str(FOLDER / f"{name}.comp"), "-o", str(out)], check=True)
        subprocess.run(["spirv-val", "--target-env", "vulkan1.2", str(out)], check=True)
        data = out.read_bytes()
    return struct.unpack(f"<{len(data) // 4}I", data)


def text_of(version):
    text = [f"/* Made by shaders/make.py with {version}. */\n"]
    for name, forms in SHADERS.items():
        for form in forms:
            text.append(f"\nstatic const uint32_t {name}_{form.lower()}[] = {{\n")
            line = ""
            for word in compiled(name, form):
                item = f"{word}," if word < 100000 else f"{word:#x},"
                if len(line) + len(item) > 118:
                    text.append(line + "\n")
                    line = ""
                line += item
            text.append(line + "\n};\n")
    return "".join(text)


def main():
    checks = "--check" in sys.argv[1:]
    if not shutil.which("glslc") or not shutil.which("spirv-val"):
        print("skipped: glslc or spirv-val is not here")
        return 77
    version = subprocess.run(["glslc", "--version"], capture_output=True, text=True, check=True)
    version = "glslc " + ", ".join(version.stdout.splitlines()[:3])
    text = text_of(version)
    if not checks:
        RESULT.write_text(text, encoding="utf-8")
        return 0
    here = RESULT.read_text(encoding="utf-8")
    if here.splitlines()[0] != text.splitlines()[0]:
        print("skipped: the shaders compile, but the modules were made with another glslc")
        return 77
    if here != text:
        print(f"{RESULT.name} is not what the shaders give: run make.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
