"""Trains the two encoders alone, each with a light head that is thrown away afterwards.

    python encoders.py image  --run RUN [--minutes 25]
    python encoders.py series --run RUN [--minutes 8]

Minutes are CPU minutes of one core. A second process draws the pictures and signals.
"""

import argparse
import math
import multiprocessing
import os
import random
import sys
import time

MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000",
          "MALLOC_TOP_PAD_": "268435456", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "8192", "OMP_NUM_THREADS": "1"}
if __name__ == "__main__" and any(k not in os.environ for k in MALLOC):
    os.environ.update(MALLOC)
    os.execv(sys.executable, [sys.executable] + sys.argv)

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import pictures
import signals
from towers import Series, Vision

RATES = {"image": {"muon": 0.02, "adam": 2e-3}, "series": {"muon": 0.02, "adam": 2e-3}}


class Muon:
    """Momentum, then the nearest orthogonal matrix (five Newton-Schulz steps) of all matrices of one shape at once.

    Packed projections (q, k and v in one tensor) are three matrices.
    """

    def __init__(self, params, momentum=0.95, decay=0.01):
        self.params, self.momentum, self.decay = params, momentum, decay
        self.buffers = [torch.zeros_like(p) for p in params]
        self.shapes = [self.shape(p) for p in params]
        self.sets = {}
        for i, shape in enumerate(self.shapes):
            self.sets.setdefault(shape, []).append(i)

    @staticmethod
    def shape(p):
        rows, cols = p.shape
        return (cols, cols) if rows == 3 * cols else (rows, cols)

    @staticmethod
    def orthogonal(x):
        flip = x.shape[1] > x.shape[2]
        x = x.transpose(1, 2) if flip else x
        x = x / (x.flatten(1).norm(dim=1) + 1e-12)[:, None, None]
        for _ in range(5):
            a = torch.bmm(x, x.transpose(1, 2))
            b = torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315)
            x = torch.baddbmm(x, b, x, beta=3.4445)
        return x.transpose(1, 2) if flip else x

    @torch.no_grad()
    def step(self, rate):
        for shape, members in self.sets.items():
            moved = []
            for i in members:
                grad, buffer = self.params[i].grad, self.buffers[i]
                buffer.lerp_(grad, 1 - self.momentum)
                moved.append(grad.lerp(buffer, self.momentum).reshape(-1, *shape))
            update = self.orthogonal(torch.cat(moved))
            size = rate * (0.5 + 0.5 * math.sqrt(max(shape) / min(shape)))
            at = 0
            for i, part in zip(members, moved):
                p = self.params[i]
                p.mul_(1 - rate * self.decay).add_(update[at:at + len(part)].view_as(p), alpha=-size)
                at += len(part)


def split_parameters(tower):
    """(matrices for Muon, everything else for AdamW)."""
    matrices, others = [], []
    for name, p in tower.named_parameters():
        plain = p.dim() == 2 and "pos_embed" not in name and "embed_positions" not in name
        (matrices if plain else others).append(p)
    return matrices, others


class DigitHead(nn.Module):
    """Three learned queries look at the tokens of a picture; each names one digit or none."""

    def __init__(self, width=192, heads=4):
        super().__init__()
        self.heads, self.norm = heads, nn.LayerNorm(width)
        self.queries = nn.Parameter(torch.randn(3, width) * width ** -0.5)
        self.key, self.value, self.out = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, 11)
        self.places = nn.Parameter(torch.randn(pictures.TOKENS, width) * 0.02)

    def forward(self, x):
        x = self.norm(x)
        split = lambda t: t.unflatten(-1, (self.heads, -1)).transpose(-2, -3)
        q, k, v = split(self.queries), split(self.key(x + self.places)), split(self.value(x))
        share = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
        return self.out((share @ v).transpose(1, 2).flatten(2))


def digit_labels(texts):
    return torch.tensor([[int(c) for c in t] + [10] * (3 - len(t)) for t in texts])


def image_loss(tower, head, made):
    pixels, texts = made
    labels = digit_labels(texts)
    logits = head(tower(torch.from_numpy(pixels)))
    right = (logits.argmax(-1) == labels).all(1).float().mean()
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten()), right


class SignalHead(nn.Module):
    """Class, heart rate and frequency from every token but the first two."""

    def __init__(self, width=192):
        super().__init__()
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, 7 + 71 + 24)

    def forward(self, x):
        return self.out(self.norm(x)).split([7, 71, 24], -1)


RATE_BINS = 40 + 2.0 * torch.arange(71)
FREQUENCY_BINS = 0.5 + 0.36 * torch.arange(24)


def signal_loss(scores, facts):
    """Loss of a SignalHead's scores [signals][tokens], and for each signal whether the last token is right."""
    kind, rate, frequency = scores
    labels = torch.tensor([signals.CLASSES.index(f[0]) for f in facts])
    loss = F.cross_entropy(kind.flatten(0, 1), labels.repeat_interleave(kind.shape[1]))
    right = (kind[:, -1].argmax(-1) == labels).float()
    for column, scores, bins, sigma, near, share in ((1, rate, RATE_BINS, 3.0, 3.0, 1.0),
                                                     (2, frequency, FREQUENCY_BINS, 0.36, 0.5, 0.5)):
        rows = [i for i, f in enumerate(facts) if f[column] is not None]
        if rows:
            value = torch.tensor([facts[i][column] for i in rows])
            soft = (-0.5 * ((value[:, None] - bins) / sigma) ** 2).softmax(1)
            loss = loss - share * (soft[:, None] * scores[rows].log_softmax(-1)).sum(-1).mean()
            guess = (scores[rows, -1].detach().softmax(-1) * bins).sum(-1)
            right[rows] *= (guess - value).abs() <= near
    return loss, right


def series_loss(tower, head, made):
    samples, facts = made
    loss, right = signal_loss(head(tower(torch.from_numpy(samples), signals.RATE)[:, 2:]), facts)
    return loss, right.mean()


def draw(what, seed, count, families, queue, samples):
    """The second process: batches without end."""
    os.nice(2)
    if what == "image":
        album = pictures.Album(pictures.Fonts(families), random.Random(seed))
        while True:
            queue.put(album.batch(count))
    rng = np.random.default_rng(seed)
    while True:
        queue.put(signals.batch(rng, count, int(rng.choice(samples))))


def background(what, seed, count, families=pictures.TRAINING, samples=(400, 450, 500)):
    queue = multiprocessing.Queue(8)
    multiprocessing.Process(target=draw, args=(what, seed, count, families, queue, samples), daemon=True).start()
    return queue


def held_out(what, count, seed=990):
    """Fixed batches for a look during the training; image fonts are those of training, decisions see no others."""
    if what == "image":
        fonts, rng = pictures.Fonts(pictures.TRAINING), random.Random(seed)
        return [pictures.batch(fonts, rng, 64) for _ in range(count // 64)]
    rng = np.random.default_rng(seed)
    return [signals.batch(rng, 64, 500) for _ in range(count // 64)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["image", "series"])
    parser.add_argument("--run", required=True)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    minutes = args.minutes or {"image": 25, "series": 8}[args.what]
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    os.makedirs(args.run, exist_ok=True)
    log = open(os.path.join(args.run, args.what + ".log"), "a", buffering=1)

    def say(text):
        line = time.strftime("%H:%M:%S ") + text
        print(line, flush=True)
        log.write(line + "\n")

    tower, head = (Vision(), DigitHead()) if args.what == "image" else (Series(), SignalHead())
    tower.start(gen)
    loss_of = image_loss if args.what == "image" else series_loss
    matrices, others = split_parameters(tower)
    muon = Muon(matrices)
    adam = torch.optim.AdamW(others + list(head.parameters()), lr=1e-3, betas=(0.9, 0.97), eps=1e-10, weight_decay=0.0)
    every = list(tower.parameters()) + list(head.parameters())
    rates, queue = RATES[args.what], background(args.what, args.seed * 100 + 1, args.batch)
    if args.what == "image":
        pictures.Fonts(pictures.TRAINING, say)
    fixed = held_out(args.what, 512)
    say("%d parameters, %.1f CPU minutes" % (sum(p.numel() for p in tower.parameters()), minutes))
    start, wall, step, sums, saved = time.process_time(), time.time(), 0, [0.0, 0.0], time.time()
    looked = time.process_time()
    while True:
        done = (time.process_time() - start) / (60 * minutes)
        if done >= 1:
            break
        factor = (1 - done) * min(1.0, (step + 1) / 60)
        loss, right = loss_of(tower, head, queue.get())
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(every, 1.0)
        if torch.isfinite(norm):
            for p in matrices:
                p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            muon.step(rates["muon"] * factor)
            for group in adam.param_groups:
                group["lr"] = rates["adam"] * factor
            adam.step()
        for p in every:
            p.grad = None
        step += 1
        sums[0] += float(loss.detach())
        sums[1] += float(right)
        if step % 100 == 0:
            spent = time.process_time() - start
            say("%5d %5.1f %%  cpu %.0f wall %.0f  loss %.4f right %.1f %%  %.0f/s" % (
                step, 100 * done, spent, time.time() - wall, sums[0] / 100, sums[1], step * args.batch / spent))
            sums = [0.0, 0.0]
        if time.process_time() - looked > 120 or (time.process_time() - start) / (60 * minutes) >= 1:
            looked = time.process_time()
            with torch.no_grad():
                say("fixed set: %.1f %%" % (100 * np.mean([float(loss_of(tower, head, b)[1]) for b in fixed])))
        if time.time() - saved > 120:
            save(args, tower, head, step)
            saved = time.time()
    save(args, tower, head, step)
    with torch.no_grad():
        say("fixed set: %.1f %% after %d steps" % (100 * np.mean([float(loss_of(tower, head, b)[1]) for b in fixed]), step))


def save(args, tower, head, step):
    path = os.path.join(args.run, args.what + ".pt")
    torch.save({"tower": tower.state_dict(), "head": head.state_dict(), "step": step}, path + ".new")
    os.replace(path + ".new", path)


if __name__ == "__main__":
    main()
