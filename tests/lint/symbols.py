#!/usr/bin/env python3
"""The release library calls nothing that ends, prints or looks around, and needs libc and libm alone.

    symbols.py NM READELF LIBRARY [ALSO_NEEDED...]
"""
import re
import subprocess
import sys

BANNED = set("""
    abort exit _exit _Exit quick_exit atexit on_exit raise kill longjmp __longjmp_chk siglongjmp
    __assert_fail __assert __chk_fail_local
    printf vprintf fprintf vfprintf dprintf vdprintf puts putchar putc fputs fputc fwrite perror
    __printf_chk __vprintf_chk __fprintf_chk __vfprintf_chk __dprintf_chk stdout stderr
    getenv secure_getenv setenv putenv environ __environ setlocale uselocale
    signal sigaction system popen pthread_atfork __register_atfork fesetround fesetenv
""".split())
NEEDED = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


def run(*command):
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout


nm, readelf, library, *more = sys.argv[1:]
bad = []
for line in run(nm, "-D", "--undefined-only", library).splitlines():
    name = line.split()[-1].split("@")[0]
    if name in BANNED:
        bad.append(f"calls {name}")

dynamic = run(readelf, "-d", "-W", library)
for name in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
    if name not in NEEDED | set(more):
        bad.append(f"needs {name}")
if "TEXTREL" in dynamic:
    bad.append("has text relocations")
if "BIND_NOW" not in dynamic and "NOW" not in dynamic:
    bad.append("binds lazily")

if re.search(r"GNU_STACK.*\bRWE\b", run(readelf, "-l", "-W", library)):
    bad.append("has an executable stack")
# The compiler's own start file brings one entry; a second one would be a constructor of ours.
pointer = 4 if "ELF32" in run(readelf, "-h", library) else 8
for section in ("init_array", "fini_array"):
    if found := re.search(rf"\.{section}\s+\w+\s+\w+\s+\w+\s+(\w+)", run(readelf, "-S", "-W", library)):
        if int(found[1], 16) > pointer:
            bad.append(f"has {int(found[1], 16) // pointer - 1} entries of its own in .{section}")
sys.exit("\n".join(f"{library}: {what}" for what in bad) or 0)
