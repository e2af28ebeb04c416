"""Installs the build elsewhere, moves it, and lets an outside CMake project find and use it:

    outside.py CMAKE BUILD_FOLDER SOURCE_ROOT MODEL
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

cmake, build, source, model = sys.argv[1:]
here = pathlib.Path(__file__).resolve().parent
QUESTION = "How many rings does <SMILES>C1CCCCC1</SMILES> have?"


def run(*command, **more):
    print(*command, flush=True)
    return subprocess.run(command, check=True, **more)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", folder / "staged", stdout=subprocess.DEVNULL)
    found, = (folder / "staged").rglob("interns1-config.cmake")
    config = found.read_text(encoding="utf-8")
    up = config.split('CMAKE_CURRENT_LIST_DIR}/', 1)[1].split('"', 1)[0]
    (found.parent / up).resolve().rename(folder / "moved")
    project = folder / "project"
    shutil.copytree(here / "outside", project)
    shutil.copy(here / "behaviour.cpp", project)
    shutil.copy(pathlib.Path(source, "examples", "ask.c"), project)
    run(cmake, "-S", project, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={folder / 'moved'}", "-Wno-dev",
        stdout=subprocess.DEVNULL)
    run(cmake, "--build", folder / "build", stdout=subprocess.DEVNULL)
    for program in ("ask", "ask_static"):
        if (folder / "build" / program).exists():
            said = run(folder / "build" / program, model, QUESTION, capture_output=True, text=True).stdout
            assert said == "1\n", (program, said)
    run(folder / "build" / "behaviour", model)
    (project / "CMakeLists.txt").write_text(
        (project / "CMakeLists.txt").read_text(encoding="utf-8").replace("interns1 0.1", "interns1 0.2"),
        encoding="utf-8")
    newer = subprocess.run([cmake, "-S", project, "-B", folder / "newer", "-Wno-dev",
                            f"-DCMAKE_PREFIX_PATH={folder / 'moved'}"], capture_output=True, text=True)
    assert newer.returncode and "0.1.0" in newer.stderr, newer.stderr
