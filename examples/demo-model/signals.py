"""Signals of a heart and plain waves, made at random, and what can be asked about them."""

import numpy as np

RATE = 50
WAVES = ["sine", "square", "triangle", "sawtooth", "chirp", "noise"]
CLASSES = ["heartbeat"] + WAVES


def heartbeat(rng, count):
    """(samples, beats per minute measured on the beats inside)."""
    seconds = count / RATE
    rate, spread = rng.uniform(40, 180), rng.uniform(0, 0.04)
    k = min(1.0, 60 / rate) ** 0.5
    beats, drift = [rng.uniform(-1.0, 60 / rate)], 0.0
    while beats[-1] < seconds + 1:
        drift = 0.6 * drift + 0.8 * rng.standard_normal()
        beats.append(beats[-1] + 60 / rate * max(0.7, 1 + spread * drift))
    waves = [(-0.17 * k, rng.uniform(0.05, 0.2), 0.025), (-0.03, -rng.uniform(0.02, 0.2), 0.011),
             (0.0, 1.0, rng.uniform(0.014, 0.024)), (0.03, -rng.uniform(0.05, 0.3), 0.012),
             (0.27 * k, rng.uniform(0.08, 0.4), rng.uniform(0.04, 0.06) * k)]
    t = np.arange(count) / RATE
    at = np.array(beats)
    x = np.zeros(count)
    for offset, height, width in waves:
        heights = height * (1 + 0.05 * rng.standard_normal(len(at)))
        x += (heights[:, None] * np.exp(-0.5 * ((t - at[:, None] - offset) / width) ** 2)).sum(0)
    x += rng.uniform(0, 0.4) * np.sin(2 * np.pi * (rng.uniform(0.05, 0.4) * t + rng.uniform()))
    x += rng.uniform(0.005, 0.12) * rng.standard_normal(count)
    if rng.random() < 0.1:
        x = -x
    inside = at[(at >= 0) & (at <= t[-1])]
    return x * rng.uniform(0.3, 3), 60 * (len(inside) - 1) / (inside[-1] - inside[0])


def wave(rng, count, kind):
    """(samples, frequency in Hz or None)."""
    t, phase = np.arange(count) / RATE, rng.uniform()
    frequency = None
    if kind == "noise":
        x = rng.standard_normal(count)
    elif kind == "chirp":
        low, high = rng.uniform(0.5, 2), rng.uniform(6, 15)
        if rng.random() < 0.5:
            low, high = high, low
        x = np.sin(2 * np.pi * (phase + low * t + (high - low) * t * t / (2 * t[-1])))
    else:
        frequency = rng.uniform(0.6, 8.4)
        turn = (frequency * t + phase) % 1.0
        x = {"sine": lambda: np.sin(2 * np.pi * turn), "square": lambda: np.where(turn < 0.5, 1.0, -1.0),
             "triangle": lambda: 4 * np.abs(turn - 0.5) - 1, "sawtooth": lambda: 2 * turn - 1}[kind]()
    x = x + rng.uniform(0, 0.2) * x.std() * rng.standard_normal(count)
    return x * rng.uniform(0.3, 3) + rng.uniform(-1, 1), frequency


def random_signal(rng, count):
    """(raw samples, class, beats per minute or None, frequency or None)."""
    if rng.random() < 0.6:
        x, rate = heartbeat(rng, count)
        return x, "heartbeat", rate, None
    kind = WAVES[rng.integers(len(WAVES))]
    x, frequency = wave(rng, count, kind)
    return x, kind, None, frequency


def normalise(x):
    """As the processor does it: over the whole signal, population deviation."""
    x = np.asarray(x, dtype=np.float64)
    return ((x - x.mean()) / (x.std() + 1e-8)).astype(np.float32)


def batch(rng, count, samples):
    made = [random_signal(rng, samples) for _ in range(count)]
    return np.stack([normalise(m[0]) for m in made]), [m[1:] for m in made]
