#!/usr/bin/env python3
"""Tokens a second that ins1-server makes for one client and for several at once; a row of RESULTS.md.

    server.py SERVER MODEL [--clients 8] [--tokens 32] [--threads 2] [--repeat 3]

Every client sends a prompt of its own and asks for the same number of tokens, whatever they are. Only the time in
which replies are made counts: from the moment at which the last client has its first token to the one at which the
first client has its last.
"""
import argparse
import pathlib
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "server"))
from service import Server  # noqa: E402


def measure(server, n_clients, n_tokens):
    """Tokens a second of all clients together, and of the whole time with prompts."""
    times = [[] for _ in range(n_clients)]
    fields = {"max_tokens": n_tokens, "ignore_eos": True, "temperature": 0, "logprobs": 0}

    def ask(i):
        prompt = [1000 + 97 * i + k for k in range(16)]
        for event in server.stream("/v1/completions", {"prompt": prompt, **fields}):
            for choice in event["choices"]:
                times[i] += [time.monotonic()] * len((choice["logprobs"] or {"tokens": []})["tokens"])

    begin = time.monotonic()
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = max(t[-1] for t in times) - begin
    first, last = max(t[0] for t in times), min(t[-1] for t in times)
    made = sum(first < t <= last for one in times for t in one)
    return made / (last - first), sum(map(len, times)) / whole


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("model")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with Server(given.server, given.model, "--slots", str(given.clients), "--ctx", "512", "--threads", str(given.threads)) as server:
        measure(server, given.clients, 4)
        rows = [(measure(server, 1, given.tokens), measure(server, given.clients, given.tokens)) for _ in range(given.repeat)]
    one, many = (statistics.median(row[i][0] for row in rows) for i in range(2))
    one_whole, many_whole = (statistics.median(row[i][1] for row in rows) for i in range(2))
    spread = max(max(r[i][0] for r in rows) / min(r[i][0] for r in rows) for i in range(2))
    print(f"| {given.clients} | {given.threads} | {one:.2f} | {many:.2f} | {many / one:.2f} | {many_whole / one_whole:.2f} | {spread:.2f} |")


if __name__ == "__main__":
    main()
