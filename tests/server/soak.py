#!/usr/bin/env python3
"""Many clients at once for a while: every reply is what a client alone gets, and memory stays where it is.

    soak.py SERVER MODEL SECONDS [CLIENTS [TASKS]]

TASKS is how many of the 80 requests are asked, the first ones; five in a row have all kinds of settings. Fewer are for a
sanitizer, which makes the server slow.
"""
import http.client
import json
import random
import sys
import threading
import time

from service import Server, joined

PROGRAM, MODEL, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
CLIENTS = int(sys.argv[4]) if len(sys.argv) > 4 else 32
TASKS = int(sys.argv[5]) if len(sys.argv) > 5 else 80
MOLECULES = ["CCO", "c1ccccc1", "CC(=O)O", "CCN(CC)CC", "O=C(O)c1ccccc1", "C1CCCCC1", "Clc1ccccc1", "CC(=O)Oc1ccccc1C(=O)O"]
QUESTIONS = ["What is the molecular formula of <SMILES>{}</SMILES>?", "How many rings does <SMILES>{}</SMILES> have?"]
SETTINGS = [{}, {"thinking": False}, {"temperature": 2, "top_k": 0, "seed": 11, "max_tokens": 24},
            {"n": 2, "temperature": 1.5, "top_k": 0, "max_tokens": 12}, {"stop": ["H"]}]


def said(body):
    return [(c["message"].get("reasoning_content", ""), c["message"]["content"], c["finish_reason"]) for c in body["choices"]]


class Client(threading.Thread):
    def __init__(self, server, tasks, expected, until, seed):
        super().__init__(daemon=True)
        self.server, self.tasks, self.expected, self.until = server, tasks, expected, until
        self.random = random.Random(seed)
        self.wrong, self.n, self.n_busy, self.n_left, self.failure = [], 0, 0, 0, None

    def run(self):
        try:
            while time.monotonic() < self.until:
                self.ask(self.random.randrange(len(self.tasks)))
        except Exception as error:  # told by the main thread
            self.failure = repr(error)

    def ask(self, i):
        kind = self.random.random()
        if kind < 0.1:
            return self.leave(i)
        if kind < 0.4 and "n" not in self.tasks[i]:
            found = [joined(self.server.stream("/v1/chat/completions", self.tasks[i]))]
            wanted = [one[:2] for one in self.expected[i]]
        else:
            status, _, body = self.server.post("/v1/chat/completions", self.tasks[i])
            if status == 429:
                self.n_busy += 1
                return time.sleep(0.05)
            found, wanted = said(body), self.expected[i]
        self.n += 1
        if found != wanted:
            self.wrong.append((i, found, wanted))

    def leave(self, i):
        """Hang up after the first bytes."""
        connection = self.server.connect()
        connection.request("POST", "/v1/chat/completions", json.dumps({**self.tasks[i], "stream": True}))
        try:
            connection.getresponse().read(10)
        except http.client.HTTPException:
            pass
        connection.close()
        self.n_left += 1


def main():
    tasks = [{"messages": [{"role": "user", "content": q.format(m)}], **s} for m in MOLECULES for q in QUESTIONS for s in SETTINGS]
    tasks = tasks[:TASKS]
    with Server(PROGRAM, MODEL, "--slots", "16", "--queue", "64") as server:
        expected = []
        for task in tasks:
            status, _, body = server.post("/v1/chat/completions", task)
            assert status == 200, body
            expected.append(said(body))
        until = time.monotonic() + SECONDS
        clients = [Client(server, tasks, expected, until, seed) for seed in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(min(2, SECONDS / 3))
        early = server.memory()
        for client in clients:
            client.join()
        late = server.memory()
        load = server.get("/health")[2]
    wrong = [w for client in clients for w in client.wrong]
    failures = [client.failure for client in clients if client.failure]
    n = sum(client.n for client in clients)
    print(f"{CLIENTS} clients, {SECONDS:g} s: {n} replies, {len(wrong)} wrong, {len(failures)} failures, "
          f"{sum(c.n_left for c in clients)} hung up, {sum(c.n_busy for c in clients)} told to come again; "
          f"memory {early / 2**20:.1f} MiB, then {late / 2**20:.1f} MiB; {load['tokens'] / max(load['steps'], 1):.1f} tokens a step")
    assert not wrong, wrong[:3]
    assert not failures, failures[:3]
    assert n > 0 and server.process.returncode == 0
    assert late < early + 32 * 2**20, "memory grows"


main()
