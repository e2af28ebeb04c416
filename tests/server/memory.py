#!/usr/bin/env python3
"""Every allocation of ins1-server and of its libraries fails once: it answers rightly, refuses, or hangs up, and lives.

    memory.py SERVER MODEL FAILING

FAILING is the library that lets them fail, to be preloaded.
"""
import http.client
import json
import math
import mmap
import pathlib
import struct
import sys
import tempfile

from service import Server, data_url, png, wav

PROGRAM, MODEL, FAILING = sys.argv[1:4]
CHAT, TEXT, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
WAVE = data_url("audio/wav", wav([int(9000 * math.sin(i / 3)) for i in range(100)]))
IMAGE = data_url("image/png", png(32, 32))


def user(*parts):
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "What is the molecular formula of <SMILES>CCO</SMILES>?"}]}]


REQUESTS = [
    (CHAT, {"messages": user(), "max_tokens": 20, "logprobs": True, "top_logprobs": 2, "stop": ["zz"], "logit_bias": {"3": 1}}),
    (CHAT, {"messages": user(), "max_tokens": 6, "n": 2, "temperature": 1, "stream": True}),
    (CHAT, {"messages": user({"type": "image_url", "image_url": {"url": IMAGE}}), "max_tokens": 2}),
    (CHAT, {"messages": user({"type": "time_series_url", "time_series_url": {"url": WAVE, "sampling_rate": 50}}), "max_tokens": 2}),
    (TEXT, {"prompt": ["CC", "hello"], "max_tokens": 4, "logprobs": 2, "ignore_eos": True}),
    (EMBEDDINGS, {"input": ["CCO", "CCN"]}),
    (CHAT, {"messages": [{"role": "wizard", "content": "x"}]}),
]


def choice_of(body):
    """Where a piece of a stream belongs; what belongs to no choice comes last."""
    return body["choices"][0]["index"] if isinstance(body, dict) and body.get("choices") else math.inf


def plain(text):
    """An answer without what differs each time; of a stream that is also which choice comes first."""
    found = []
    for line in text.split("\n"):
        line = line.removeprefix("data: ")
        if line in ("", "[DONE]") or line.startswith(":"):
            found += [line] * (line == "[DONE]")
            continue
        body = json.loads(line)
        for name in ("id", "created", "usage"):
            body.pop(name, None)
        found.append(body)
    return sorted(found, key=choice_of)


def ask(server, path, fields):
    """Status and answer; None: the connection was closed before all of it came."""
    connection = server.connect(30)
    try:
        connection.request("POST", path, json.dumps(fields))
        response = connection.getresponse()
        return response.status, plain(response.read().decode())
    except (http.client.HTTPException, ConnectionError):
        return None
    finally:
        connection.close()


def check(expected, found, why):
    if found is None or found == expected or (found[0] == 503 and found[1][0]["error"]["code"] == "out_of_memory"):
        return found is None
    # A stream may have begun; it then ends with the error.
    assert found[0] == expected[0] == 200 and "error" in found[1][-1], (why, expected, found)
    assert all(piece in expected[1] for piece in found[1][:-1]), (why, expected, found)
    return False


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "countdown"
        path.write_bytes(bytes(4096))
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 4096) as page:
            environment = {"LD_PRELOAD": str(pathlib.Path(FAILING).resolve()), "FAILING": str(path)}
            with Server(PROGRAM, MODEL, "--slots", "3", "--ctx", "512", "--threads", "1", environment=environment) as server:
                total = closed = 0
                for number, (where, fields) in enumerate(REQUESTS):
                    expected, n = ask(server, where, fields), 1
                    assert expected is not None
                    while True:
                        page[:8] = struct.pack("<q", n)
                        found = ask(server, where, fields)
                        has_failed = struct.unpack("<q", page[:8])[0] == -1
                        page[:8] = bytes(8)
                        assert server.process.poll() is None, f"request {number} ended the server at allocation {n}"
                        closed += check(expected, found, f"request {number}, allocation {n}")
                        if not has_failed:
                            break
                        total, n = total + 1, n + 1
                    assert ask(server, where, fields) == expected, f"request {number} is answered otherwise after {n} failures"
                load = server.get("/health")[2]
                assert load["busy"] == load["requests"] == 0, load
    assert server.process.returncode == 0
    print(f"{total} allocations failed, {closed} times the connection was closed; every other answer was right or a refusal")


main()
