#!/usr/bin/env python3
"""Write tests/unit/sampler_cases.h: what the sampler must pick, computed the slow and plain way.

The order of the steps is that of include/interns1/sampler.h. Everything is sorted in full and summed in
F64; only bias and penalties round to F32, as the logits they change are. Standard library only."""
import math
import struct

N, PICKS = 70, 12
GOLDEN, MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def logits(case):
    """Sixteenths between -8 and 8, so that many are equal; the C test makes the same."""
    x, out = 1000 + case, []
    for _ in range(N):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(((x >> 16 & 255) - 128) / 16)
    return out


def draw(seed, n):
    z = (seed + n * GOLDEN) & MASK
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
    return ((z ^ z >> 31) >> 11) / 2**53


def changed(values, o, history):
    for token, bias in o["bias"]:
        values[token] = f32(values[token] + bias)
    window = history[-o["repeat_last"]:] if o["repeat_last"] else history
    repeat, frequency, presence = (f32(o[k]) for k in ("repeat_penalty", "frequency_penalty", "presence_penalty"))
    for token in set(window):
        if repeat:
            values[token] = f32(values[token] / repeat if values[token] > 0 else values[token] * repeat)
        values[token] = f32(f32(values[token] - f32(window.count(token) * frequency)) - presence)
    return values


def pick(values, o, allowed, u):
    ids = sorted(allowed, key=lambda i: (-values[i], i))
    t = f32(o["temperature"])
    if t == 0:
        return ids[0]
    if o["top_k"]:
        ids = ids[:o["top_k"]]
    w = [math.exp((values[i] - values[ids[0]]) / t) for i in ids]
    if o["top_p"]:
        total, running = sum(w), 0.0
        for n, x in enumerate(w, 1):
            running += x
            if running >= f32(o["top_p"]) * total:
                break
        ids, w = ids[:n], w[:n]
    if o["min_p"]:
        w = [x for x in w if x >= f32(o["min_p"])]
    running = 0.0
    for i, x in zip(ids, w):
        running += x / sum(w)
        if running > u:
            return i
    return ids[len(w) - 1]


OFF = dict(temperature=0.0, top_p=0.0, min_p=0.0, repeat_penalty=0.0, frequency_penalty=0.0, presence_penalty=0.0,
           top_k=0, repeat_last=0, n_history=0, seed=0, bias=[], odd_only=0)
CASES = [
    ("greedy", {}),
    ("greedy with a bias", dict(bias=[(3, 20.0), (3, -20.0), (41, 9.5)])),
    ("greedy with repetition penalty", dict(repeat_penalty=1.7)),
    ("greedy with frequency penalty", dict(frequency_penalty=0.3)),
    ("greedy with presence penalty", dict(presence_penalty=2.1)),
    ("all penalties, short window", dict(repeat_penalty=1.3, frequency_penalty=0.5, presence_penalty=0.25, repeat_last=3)),
    ("short history", dict(repeat_penalty=2.0, n_history=2)),
    ("greedy among odd ids", dict(odd_only=1)),
    ("plain draw", dict(temperature=1.0, seed=1)),
    ("hot draw", dict(temperature=50.0, seed=2)),
    ("cold draw", dict(temperature=0.05, seed=3)),
    ("largest seed", dict(temperature=2.0, seed=MASK)),
    ("top 1", dict(temperature=1.0, top_k=1, seed=4)),
    ("top 5", dict(temperature=3.0, top_k=5, seed=5)),
    ("top more than there are", dict(temperature=3.0, top_k=1000, seed=5)),
    ("top-p", dict(temperature=1.0, top_p=0.8, seed=6)),
    ("tiny top-p", dict(temperature=1.0, top_p=1e-6, seed=6)),
    ("top-p 1 cuts nothing", dict(temperature=2.0, top_p=1.0, seed=6)),
    ("min-p", dict(temperature=2.0, min_p=0.2, seed=7)),
    ("min-p 1 keeps the ties of the best", dict(temperature=2.0, min_p=1.0, seed=7)),
    ("everything", dict(temperature=1.5, top_k=20, top_p=0.9, min_p=0.05, repeat_penalty=1.2, frequency_penalty=0.1,
                        presence_penalty=0.2, repeat_last=5, seed=0xDEADBEEF, bias=[(7, 3.25), (8, -4.0)], odd_only=1)),
    ("checkpoint defaults", dict(temperature=0.8, top_k=50, top_p=0.95, seed=0)),
]


def main():
    print("/* Written by tests/reference/sampler.py. */")
    print(f"enum {{ N_LOGITS = {N}, N_PICKS = {PICKS} }};")
    for i, (_, given) in enumerate(CASES):
        if given.get("bias"):
            rows = ", ".join(f"{{ {t}, {b}f }}" for t, b in given["bias"])
            print(f"static const ins1_logprob bias_{i}[] = {{ {rows} }};")
    print("static const struct { const char *what; ins1_sampler_options options; int odd_only; int32_t picks[N_PICKS]; } cases[] = {")
    for i, (what, given) in enumerate(CASES):
        o = OFF | given
        history, picks = [], []
        for n in range(PICKS):
            kept = history[-o["n_history"]:] if o["n_history"] else history
            allowed = [t for t in range(N) if not o["odd_only"] or t % 2]
            values = changed(logits(n // 6), o, kept)
            picks.append(pick(values, o, allowed, draw(o["seed"], n + 1)))
            history.append(picks[-1])
        fields = [f".{k} = {v}{'f' if isinstance(v, float) else 'u' if k == 'seed' else ''}" for k, v in given.items()
                  if k not in ("bias", "odd_only")]
        if o["bias"]:
            fields += [f".bias = bias_{i}", f".n_bias = {len(o['bias'])}"]
        print(f'{{ "{what}", {{ {", ".join([".struct_size = sizeof(ins1_sampler_options)", *fields])} }}, {o["odd_only"]}, '
              f'{{ {", ".join(map(str, picks))} }} }},')
    print("};")


main()
