"""A million samples reach the encoder without a copy, which memory shows: what Python allocates, what the library
allocates, and the pages of the whole process, each at its highest while the signal is encoded.

    no_copy.py MODEL           the encoder is stopped where it begins to compute: it has read all samples by then
    no_copy.py MODEL --whole   it is not
"""
import array
import ctypes
import os
import sys
import tracemalloc

import interns1

try:
    import numpy
except ImportError:
    print("skipped: there is no numpy")
    sys.exit(77)

if not os.access("/proc/self/clear_refs", os.W_OK):
    print("skipped: this system does not tell how much memory a process takes at most")
    sys.exit(77)

N = 1000000
WHOLE = "--whole" in sys.argv
M_MMAP_THRESHOLD = -3  # of malloc.h: whatever is larger comes from the system and goes back there, or pages are reused


def pages():
    """Bytes of this process in memory: now, and the most since `forget`."""
    with open("/proc/self/status", encoding="ascii") as file:
        rows = dict(line.split(":", 1) for line in file)
    return tuple(1024 * int(rows[name].split()[0]) for name in ("VmRSS", "VmHWM"))


def forget():
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


class OnlyDLPack:
    """As a framework's tensor: no buffer, no numpy interface."""

    def __init__(self, samples):
        self.samples = samples

    def __dlpack__(self, **_):
        return self.samples.__dlpack__()

    def __dlpack_device__(self):
        return (1, 0)


def encode(encoder, samples):
    if WHOLE:
        return encoder.encode(interns1.Signal(samples, 1000))
    try:
        encoder.encode(interns1.Signal(samples, 1000), call=interns1.Call(progress=lambda *_: True))
    except interns1.Canceled:
        return None
    raise SystemExit("the encoder was not stopped")


def costs(path, samples, work=encode):
    """The most bytes that Python, the library and the process took while `work` ran."""
    runtime = interns1.Runtime(threads=2)
    encoder = interns1.TimeSeriesEncoder(interns1.Model(path, parts=["timeseries"], runtime=runtime))
    tracemalloc.start()
    encoder.encode(interns1.Signal(numpy.ones(20000, numpy.float32), 1000))  # makes what any signal needs
    forget()
    tracemalloc.reset_peak()
    python, peak, (resident, _) = tracemalloc.get_traced_memory()[0], runtime.memory().peak, pages()
    work(encoder, samples)
    out = (tracemalloc.get_traced_memory()[1] - python, runtime.memory().peak - peak, pages()[1] - resident)
    tracemalloc.stop()
    return out


def main(path):
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 16)
    wave = 1000 * numpy.sin(numpy.arange(2 * N) / 9)
    single, short = wave.astype(numpy.float32), wave.astype(numpy.int16)
    cases = [("float32", single[:N]), ("int16", short[:N]), ("float32, each second", single[::2]),
             ("int16, each second backwards", short[::-2])]
    if not WHOLE:
        cases += [("float64", wave[:N]), ("int32", wave[:N].astype(numpy.int32)),
                  ("float32, two channels apart", single.reshape(2, N).T), ("array.array", array.array("f", single[:N])),
                  ("DLPack alone", OnlyDLPack(single[:N]))]
    failures = 0
    for name, samples in cases:
        n_bytes = N * (2 if name.startswith("int16") else 8 if name == "float64" else 4)
        python, library, resident = costs(path, samples)
        # What grows with a signal and is no copy of it: the library's own scratch, and the rows that come out.
        good = python < 50000 and library < n_bytes and resident - library < n_bytes // 2
        print(f"{name}: {n_bytes} bytes, Python took {python}, the library {library}, the process {resident}"
              f"{'' if good else ': a copy'}")
        failures += not good

    def copies(encoder, samples):
        encode(encoder, numpy.ascontiguousarray(samples))

    # What makes a copy is seen as one, by Python's and the process's memory.
    python, library, resident = costs(path, single[::2], copies)
    print(f"a copy: {4 * N} bytes, Python took {python}, the library {library}, the process {resident}")
    failures += not (python > 4 * N and resident - library > 3 * N)
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
