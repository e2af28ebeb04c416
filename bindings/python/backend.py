"""Builds wheels and source archives (PEP 517) with Python alone; the library itself is built by meson.

A wheel holds the package and both libraries. It serves every Python 3 on one platform, and says how new a C library
it needs. Settings, as `pip install . --config-settings KEY=VALUE`:

    build-dir    a folder where meson has built the libraries already
    meson-args   further arguments of `meson setup`, such as -Dlevels=avx2
"""
from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAME = "interns1"
LIBRARIES = {"libinterns1.so.0": "lib/libinterns1.so", "libinterns1_io.so.0": "lib/io/libinterns1_io.so"}
METADATA = """Metadata-Version: 2.1
Name: {name}
Version: {version}
Summary: Runs the Intern-S1 family of scientific multimodal models inside Python
License: Apache-2.0
Requires-Python: >=3.9
Classifier: Typing :: Typed
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3
Description-Content-Type: text/markdown

{readme}"""
NOT_SHIPPED = ("examples/demo-model/", "tests/golden/", "tests/fuzz/", ".ci/")


def version():
    text = (ROOT / "include" / "interns1" / "version.h").read_text(encoding="utf-8")
    return ".".join(re.search(rf"#define INS1_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH"))


def metadata():
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    return METADATA.format(name=NAME, version=version(), readme=readme)


def built(settings, folder):
    """The folder with both libraries."""
    if "build-dir" in settings:
        return pathlib.Path(settings["build-dir"])
    setup = ["meson", "setup", folder, str(ROOT), "-Ddefault_library=shared", "-Dtests=disabled", "-Dcli=false",
             "-Dopenblas=disabled", "-Dbuildtype=release", "-Ddebug=false"]
    env = meson_env()
    subprocess.run(setup + str(settings.get("meson-args", "")).split(), check=True, env=env)
    # The files behind the names, as ninja knows them.
    subprocess.run(["ninja", "-C", folder, *(f"{path}.{version()}" for path in LIBRARIES.values())],
                   check=True, env=env)
    return pathlib.Path(folder)


def meson_env():
    """An environment that meson runs in. pip hides the system's modules from what it builds; a meson of the system is
    among them, and is found again without pip's PYTHONPATH."""
    if subprocess.run(["meson", "--version"], capture_output=True).returncode == 0:
        return None
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def platform(libraries):
    """manylinux of the newest version of the C library that is asked for; without any, the machine's own name."""
    machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    asked = {(int(a), int(b)) for data in libraries.values() for a, b in re.findall(rb"GLIBC_(\d+)\.(\d+)", data)}
    if machine.startswith("linux_") and asked:
        major, minor = max(asked)
        return f"manylinux_{major}_{minor}_{machine[len('linux_'):]}"
    return machine


def files_of_package():
    return {f"{NAME}/{path.name}": path.read_bytes() for path in sorted((HERE / NAME).iterdir())
            if path.suffix in (".py", ".typed")}


def information(tag):
    wheel = f"Wheel-Version: 1.0\nGenerator: {NAME}\nRoot-Is-Purelib: false\nTag: {tag}\n"
    inside = {"METADATA": metadata().encode(), "WHEEL": wheel.encode()}
    inside.update({name: (ROOT / name).read_bytes() for name in ("LICENSE", "NOTICE")})
    return {f"{NAME}-{version()}.dist-info/{name}": data for name, data in inside.items()}


def write_wheel(path, files):
    """Written the same every time: sorted by the caller, without times."""
    record = f"{NAME}-{version()}.dist-info/RECORD"
    lines = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(data)}\n")
            archive.writestr(entry(name), data)
        archive.writestr(entry(record), "".join(lines) + f"{record},,\n")


def entry(name):
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = (0o755 if ".so" in name else 0o644) << 16
    return info


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    """What pip wants to know before the libraries are built."""
    folder = pathlib.Path(metadata_directory, f"{NAME}-{version()}.dist-info")
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(metadata(), encoding="utf-8")
    return folder.name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    settings = config_settings or {}
    with tempfile.TemporaryDirectory() as folder:
        where = built(settings, folder)
        libraries = {f"{NAME}/lib/{name}": (where / path).read_bytes() for name, path in LIBRARIES.items()}
    tag = f"py3-none-{platform(libraries)}"
    name = f"{NAME}-{version()}-{tag}.whl"
    write_wheel(os.path.join(wheel_directory, name), {**files_of_package(), **libraries, **information(tag)})
    return name


def build_sdist(sdist_directory, config_settings=None):
    """Everything that is tracked and that building needs, under a pyproject.toml that finds this file."""
    tracked = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], check=True, capture_output=True).stdout
    base = f"{NAME}-{version()}"
    files = {name: (ROOT / name).read_bytes() for name in sorted(tracked.decode().split("\0"))
             if name and not name.startswith(NOT_SHIPPED) and (ROOT / name).is_file()}
    files["pyproject.toml"] = (HERE / "pyproject.toml").read_bytes().replace(b'"."', b'"bindings/python"')
    files["PKG-INFO"] = metadata().encode()
    path = os.path.join(sdist_directory, base + ".tar.gz")
    with open(path, "wb") as out, gzip.GzipFile("", "wb", 9, out, 0) as packed, \
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{base}/{name}")
            info.size = len(data)
            info.mode = 0o755 if os.access(ROOT / name, os.X_OK) else 0o644
            archive.addfile(info, io.BytesIO(data))
    return os.path.basename(path)


def get_requires_for_build_wheel(config_settings=None):
    missing = [tool for tool in ("meson", "ninja") if shutil.which(tool) is None]
    return [] if (config_settings or {}).get("build-dir") else missing


def get_requires_for_build_sdist(config_settings=None):
    return []
