"""Trains interns1-demo: first running counts inside the SMILES string, then questions.

    python train.py --data DATA --run RUN [--resume] [--count-minutes 18] [--question-minutes 62] [--stop-at HH:MM]

Minutes are CPU minutes of one core; the rates follow that clock, or the wall clock where that is further on.
"""

import argparse
import math
import os
import random
import sys
import time

MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000",
          "MALLOC_TOP_PAD_": "268435456", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "8192"}
if __name__ == "__main__" and any(k not in os.environ for k in MALLOC):
    os.environ.update(MALLOC)               # read when the process starts: halves the time spent in the kernel
    os.execv(sys.executable, [sys.executable] + sys.argv)

import torch
import torch.nn.functional as F

from batches import Batch, Row, Strings, choose_groups, count_row, question_row, stream
from model import FAST, HEAD_LAYERS, Decoder
from molecules import HEADS, UNKNOWN
from questions import GROUPS, wording
from tokenizer import Tokenizer

STAGES = {       # tokens of count rows and of question rows per step; peak rates; share of the rate at the end
    "count": {"count": 4096, "question": 0, "muon": 0.02, "adam": 3e-3, "end": 0.10, "warm": 60},
    "question": {"count": 2048, "question": 3584, "muon": 0.012, "adam": 2.5e-3, "end": 0.0, "warm": 60},
}


class Muon:
    """Momentum, then the nearest orthogonal matrix (five Newton-Schulz steps, in BF16 where the processor has it)."""

    def __init__(self, params, momentum=0.95, decay=0.01):
        self.params, self.momentum, self.decay = params, momentum, decay
        self.buffers = [torch.zeros_like(p) for p in params]

    @staticmethod
    def orthogonal(g):
        flip = g.shape[1] > g.shape[2]
        x = g.to(FAST)
        x = x.transpose(1, 2) if flip else x
        x = x / (x.float().flatten(1).norm(dim=1) + 1e-12)[:, None, None].to(FAST)
        for _ in range(5):
            a = torch.bmm(x, x.transpose(1, 2))
            b = torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315)
            x = torch.baddbmm(x, b, x, beta=3.4445)
        return (x.transpose(1, 2) if flip else x).float()

    @torch.no_grad()
    def step(self, rate):
        for p, buffer in zip(self.params, self.buffers):
            buffer.lerp_(p.grad, 1 - self.momentum)
            g = p.grad.lerp(buffer, self.momentum)
            shape = matrix_shape(p)
            update = self.orthogonal(g.reshape(-1, *shape)).view_as(p)
            ratio = max(shape) / min(shape)
            p.mul_(1 - rate * self.decay).add_(update, alpha=-rate * (0.5 + 0.5 * math.sqrt(ratio)))


def matrix_shape(p):
    """Matrices are the last two axes; gate and up of an expert lie in one tensor but are two matrices."""
    rows, cols = p.shape[-2:]
    return (rows // 2, cols) if p.dim() == 4 and cols > rows else (rows, cols)


def count_loss(model, middle, batch):
    """Sum over the heads of the mean cross-entropy of the running counts."""
    logits = model.counts(middle.view(-1, middle.shape[-1]).index_select(0, batch.count_at))
    total, at = 0.0, 0
    for i, (_, classes) in enumerate(HEADS):
        label = batch.count_rows[:, i]
        weight = batch.count_weight * (label != UNKNOWN)
        loss = F.cross_entropy(logits[:, at:at + classes], label.clamp_max(classes - 1), reduction="none")
        total = total + (loss * weight).sum() / weight.sum()
        at += classes
    return total


def answer_loss(model, x, batch):
    logits = model.logits(x.view(-1, x.shape[-1]).index_select(0, batch.target_at))
    loss = F.cross_entropy(logits, batch.targets, reduction="none")
    return (loss * batch.target_weight).sum() / batch.target_weight.sum()


@torch.no_grad()
def check(model, data, questions, count=240):
    """Accuracy on validation molecules: counts at the end of the string; answers with the trace given (not generated)."""
    rng = random.Random(5)
    chosen = rng.sample(list(data.first), min(count, len(data.first)))
    right, asked = {}, {}

    def note(name, ok):
        asked[name] = asked.get(name, 0) + 1
        right[name] = right.get(name, 0) + bool(ok)

    for at in range(0, len(chosen), 24):
        rows = []
        for n in chosen[at:at + 24]:
            pieces, labels, facts = data.string(n)
            row = Row(data.tokenizer).begin(pieces, labels)
            if questions:
                for kind in ["formula", "heavy", "rings"] + choose_groups(facts, rng, 3):
                    row.branch("\n" + wording(kind), kind, facts, True)
                row.branch("\n" + wording("formula"), "formula", facts, False)
            rows.append(row)
        batch = Batch(rows)
        x, middle, _ = model(batch.ids, batch.pos, batch.mask, None if questions else HEAD_LAYERS)
        last = batch.count_at[batch.count_last]
        logits = model.counts(middle.view(-1, middle.shape[-1])[last])
        labels = batch.count_rows[batch.count_last]
        column = 0
        for i, (name, classes) in enumerate(HEADS):
            best = logits[:, column:column + classes].argmax(-1)
            for a, b in zip(best.tolist(), labels[:, i].tolist()):
                if name in GROUPS:
                    note("end:groups", (a > 0) == (b > 0))
                    note("end:group counts", a == b)
                else:
                    note("end:" + name, a == b)
            column += classes
        if questions:
            best = model.logits(x.view(-1, x.shape[-1])[batch.target_at]).argmax(-1)
            ok = {}
            for key, a, b in zip(batch.target_kind, best.tolist(), batch.targets.tolist()):
                ok[key] = ok.get(key, True) and a == b
            for (_, _, kind, thinking), good in ok.items():
                note(("groups" if kind in GROUPS else kind) + ("" if thinking else " direct"), good)
    return " ".join("%s %.1f" % (k, 100.0 * right[k] / asked[k]) for k in right
                    if k in ("end:heavy", "end:C", "end:H", "end:N", "end:rings") or not k.startswith("end:")
                    or "group" in k)


class Clock:
    """CPU and wall seconds of one stage, kept over interruptions."""

    def __init__(self, cpu_limit, wall_limit, cpu=0.0, wall=0.0):
        self.limits, self.before = (cpu_limit, wall_limit), (cpu, wall)
        self.start = (time.process_time(), time.time())

    def spent(self):
        return (self.before[0] + time.process_time() - self.start[0], self.before[1] + time.time() - self.start[1])

    def progress(self):
        return min(1.0, max(s / max(limit, 1e-9) for s, limit in zip(self.spent(), self.limits)))


def seconds_until(text):
    """Seconds to the next time of day HH:MM."""
    now = time.localtime()
    hour, minute = map(int, text.split(":"))
    return ((hour - now.tm_hour) * 3600 + (minute - now.tm_min) * 60 - now.tm_sec) % 86400


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--count-minutes", type=float, default=18)
    parser.add_argument("--question-minutes", type=float, default=62)
    parser.add_argument("--stop-at", help="time of day HH:MM at which the last stage has to be over")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    os.makedirs(args.run, exist_ok=True)

    tokenizer = Tokenizer.load(os.path.join(args.data, "tokenizer"))
    train = Strings(os.path.join(args.data, "train"), tokenizer)
    valid = Strings(os.path.join(args.data, "valid"), tokenizer)
    model = Decoder(seed=args.seed, heads=[n for _, n in HEADS])
    matrices = model.matrices()
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    muon = Muon(matrices)
    adam = torch.optim.AdamW(others, lr=1e-3, betas=(0.9, 0.97), eps=1e-10, weight_decay=0.0)
    state_path = os.path.join(args.run, "state.pt")
    state = {"stage": 0, "cpu": 0.0, "wall": 0.0, "step": 0, "total_cpu": 0.0, "total_tokens": 0}
    if args.resume and os.path.exists(state_path):
        saved = torch.load(state_path, weights_only=True)
        model.load_state_dict(saved["model"])
        adam.load_state_dict(saved["adam"])
        for buffer, old in zip(muon.buffers, saved["muon"]):
            buffer.copy_(old)
        state = saved["state"]

    log = open(os.path.join(args.run, "train.log"), "a", buffering=1)

    def say(text):
        line = time.strftime("%H:%M:%S ") + text
        print(line, flush=True)
        log.write(line + "\n")

    say("%d strings of %d molecules; %d parameters" % (len(train.molecule), len(train.facts),
                                                       sum(p.numel() for p in model.parameters())))
    stages = [("count", args.count_minutes), ("question", args.question_minutes)]
    for number, (name, minutes) in enumerate(stages):
        if number < state["stage"]:
            continue
        stage = STAGES[name]
        rng = random.Random(args.seed * 1000 + number * 100 + state["step"])
        counting = stream(train, count_row, stage["count"], rng, 768)
        asking = stream(train, question_row, stage["question"], rng, 256) if stage["question"] else None
        wall = minutes * 60 * 1.15
        if name == "question" and args.stop_at:
            wall = seconds_until(args.stop_at) + state["wall"]
        clock = Clock(minutes * 60, wall, state["cpu"], state["wall"])
        base_cpu = state["total_cpu"] - state["cpu"]
        last_save = last_check = time.time()
        seen, sums = 0, {}
        say("stage %s: %.1f CPU minutes, %.1f wall" % (name, minutes, wall / 60))
        while True:
            done = clock.progress()
            if done >= 1.0:
                break
            step = state["step"]
            factor = (1 + (stage["end"] - 1) * done) * min(1.0, (step + 1) / stage["warm"])
            parts = {}
            batch = next(counting)
            x, middle, balance = model(batch.ids, batch.pos, batch.mask, HEAD_LAYERS)
            parts["counts"] = count_loss(model, middle, batch)
            (0.25 * parts["counts"] + 0.02 * balance).backward()
            seen += batch.tokens
            state["total_tokens"] += batch.tokens
            if asking:
                batch = next(asking)
                x, middle, balance = model(batch.ids, batch.pos, batch.mask)
                parts["answers"] = answer_loss(model, x, batch)
                parts["counts of questions"] = count_loss(model, middle, batch)
                (parts["answers"] + 0.1 * parts["counts of questions"] + 0.02 * balance).backward()
                seen += batch.tokens
                state["total_tokens"] += batch.tokens
            parts["balance"] = balance
            norm = torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], 1.0)
            if torch.isfinite(norm):
                for p in matrices:
                    if p.grad is None:
                        p.grad = torch.zeros_like(p)
                muon.step(stage["muon"] * factor)
                for group in adam.param_groups:
                    group["lr"] = stage["adam"] * factor
                adam.step()
            else:
                say("step %d skipped" % step)
            model.zero_grad(set_to_none=True)
            state["step"] += 1
            state["cpu"], state["wall"] = clock.spent()
            state["total_cpu"] = base_cpu + state["cpu"]
            for k, v in parts.items():
                sums[k] = sums.get(k, 0.0) + float(v.detach())
            if state["step"] % 50 == 0:
                say("%s %5d  %4.1f %%  cpu %.0f wall %.0f  %s  %.0f tokens/s" % (
                    name, state["step"], 100 * done, state["cpu"], state["wall"],
                    " ".join("%s %.4f" % (k, v / 50) for k, v in sums.items()),
                    seen / max(clock.spent()[0] - clock.before[0], 1e-9)))
                sums = {}
            if time.time() - last_check > 600:
                say("valid: " + check(model, valid, name == "question"))
                last_check = time.time()
            if time.time() - last_save > 180:
                save(state_path, model, adam, muon, state)
                last_save = time.time()
        say("valid: " + check(model, valid, name == "question", 480))
        state["stage"], state["step"], state["cpu"], state["wall"] = number + 1, 0, 0.0, 0.0
        save(state_path, model, adam, muon, state)
        save(os.path.join(args.run, "after-%s.pt" % name), model, adam, muon, state)
    say("done: %.1f CPU minutes, %d tokens" % (state["total_cpu"] / 60, state["total_tokens"]))


def save(path, model, adam, muon, state):
    torch.save({"model": model.state_dict(), "adam": adam.state_dict(), "muon": muon.buffers, "state": state},
               path + ".new")
    os.replace(path + ".new", path)


if __name__ == "__main__":
    main()
