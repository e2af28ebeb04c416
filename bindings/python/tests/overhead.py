"""How long a step takes from Python and from C, the fastest tenth of 400, in microseconds; and what a cancel takes.

    overhead.py MODEL STEPS_PROGRAM
"""
import statistics
import subprocess
import sys
import threading
import time

import interns1


def steps(model):
    session = interns1.Session(model)
    took = []
    for i in range(400):
        if i % 100 == 0:
            session.truncate(0)
        start = time.perf_counter()
        session.step(7)
        took.append(1e6 * (time.perf_counter() - start))
    return sorted(took)[len(took) // 10]


def cancels(model):
    """From the request in another thread to the exception, in milliseconds."""
    token, took = interns1.Cancel(model.runtime), []
    for _ in range(30):
        session, at = interns1.Session(model, n_ctx=4096), []

        def soon():
            time.sleep(0.02)
            at.append(time.perf_counter())
            token.request()

        thread = threading.Thread(target=soon)
        thread.start()
        try:
            session.prefill([1] * 4000, call=interns1.Call(cancel=token))
        except interns1.Canceled:
            took.append(1e3 * (time.perf_counter() - at[0]))
        thread.join()
        token.reset()
    return took


if __name__ == "__main__":
    model = interns1.Model(sys.argv[1], runtime=interns1.Runtime(threads=1))
    ratios = []
    for _ in range(9):
        c = float(subprocess.run(sys.argv[2:] + [sys.argv[1]], check=True, text=True, capture_output=True).stdout)
        python = steps(model)
        ratios.append(python - c)
        print(f"a step: {c:.1f} us from C, {python:.1f} us from Python")
    print(f"a step costs {statistics.median(ratios):.1f} us more from Python")
    took = cancels(model)
    print(f"a cancel comes back in {statistics.median(took):.2f} ms, at most {max(took):.2f} ms, of {len(took)}")
