"""The last stage: the decoder that knows molecules and the two encoders learn to work together.

    python joint.py --data DATA --run RUN [--from interns1-demo] [--minutes 35] [--stop-at HH:MM] [--resume [--again 0.6]]
                    [--tokens 1536] [--formulas 1]

The decoder is `after-question.pt` of the run, or the published weights of `--from`; the encoders are what encoders.py left in
the run, or else published weights too. Each step has questions about molecules, so that nothing is forgotten, about pictures, and
about signals.
"""

import argparse
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
from safetensors.torch import load_file

import encoders
import pictures
import signals
import towers
import train
from batches import Batch, Row, Strings, choose_groups, question_row, stream
from model import Decoder
from questions import SENSES, wording
from tokenizer import Tokenizer

STEP = {"molecules": 1536, "pictures": 48, "signals": 10}        # tokens, rows, rows
RATES = {"muon": 0.004, "adam": 1e-3, "towers": 0.003, "towers adam": 5e-4}
SHARES = {"molecules": 4.0, "pictures": 3.0, "signals": 0.4, "light head": 0.2}     # of the loss
POLISH = {"molecules": 10.0, "pictures": 2.0, "signals": 0.4, "light head": 0.0}    # where all comes from a checkpoint
LENGTHS = (300, 400, 450, 500, 500, 600)


def signal_facts(kind, rate, frequency):
    """Answers to the questions that make sense for a signal."""
    facts = {"waveform": kind}
    if rate is not None:
        facts["heart rate"] = str(round(rate))
    if frequency is not None:
        facts["frequency"] = str(round(frequency))
    return facts


class Senses:
    """Rows about pictures and signals, with what the encoders make of them."""

    def __init__(self, tokenizer, vision, series, rng):
        self.tokenizer, self.vision, self.series, self.rng = tokenizer, vision, series, rng

    def row(self, picture=None, facts=None, tokens=0, fixed=False):
        rng, row = self.rng, Row(self.tokenizer)
        row.begin_senses(pictures.TOKENS if picture is not None else 0, tokens if facts is not None else 0)
        kinds = []
        if facts is not None:
            kinds = [k for k in ("heart rate", "frequency") if k in facts]
            if not kinds or fixed or rng.random() < (0.25 if "heart rate" in facts else 0.7):
                kinds.append("waveform")
        if picture is not None:
            kinds.append("number")
        known = {**(facts or {}), "number": picture}
        for kind in kinds:
            n = 0 if fixed or rng.random() < 0.6 else rng.randrange(3)
            row.branch(wording(kind, n), kind, known, fixed or rng.random() < 0.5)
        return row

    def batch(self, pixels=None, texts=None, samples=None, facts=None, fixed=False):
        """(batch, places, rows for these places, rows of the pictures alone)."""
        count = len(texts if texts is not None else facts)
        tokens = towers.token_count(samples.shape[1], signals.RATE) if samples is not None else 0
        rows = [self.row(texts[i] if texts is not None else None, signal_facts(*facts[i]) if facts is not None else None,
                         tokens, fixed) for i in range(count)]
        batch = Batch(rows)
        shown = []
        if texts is not None:
            shown.append(self.vision(torch.from_numpy(pixels)))
        if facts is not None:
            shown.append(self.series(torch.from_numpy(samples), signals.RATE))
        length = batch.ids.shape[1]
        places = torch.tensor([i * length + at for n in range(len(shown)) for i, r in enumerate(rows) for at in r.media[n]])
        return batch, places, torch.cat([s.flatten(0, 1) for s in shown]), shown


def right_rows(model, x, batch):
    """Whether all that each branch has to say is the likeliest: equal to what greedy decoding gets right."""
    best = model.logits(x.view(-1, x.shape[-1])[batch.target_at]).argmax(-1) == batch.targets
    by_branch = {}
    for (row, branch, kind, thinking), ok in zip(batch.target_kind, best.tolist()):
        key = (row, branch, kind, thinking)
        by_branch[key] = by_branch.get(key, True) and ok
    return by_branch


@torch.no_grad()
def check(model, senses, molecules, count=240):
    """Percent of whole answers (traces too) that are right: molecules held out for decisions, new pictures in fonts of the
    training, new signals (a heart rate counts only when exact to the beat)."""
    seen = {}

    def note(found):
        for (_, _, kind, thinking), ok in found.items():
            kind = kind if kind in SENSES or kind in ("formula", "heavy", "rings") else "group"
            name = kind if thinking else kind + ", direct"
            entry = seen.setdefault(name, [0, 0])
            entry[0] += ok
            entry[1] += 1

    rng = random.Random(5)
    chosen = rng.sample(list(molecules.first), min(count, len(molecules.first)))
    for at in range(0, len(chosen), 12):
        rows = []
        for n in chosen[at:at + 12]:
            pieces, labels, facts = molecules.string(n)
            row = Row(molecules.tokenizer).begin(pieces, labels)
            for kind in ["formula", "heavy", "rings"] + choose_groups(facts, rng, 2):
                row.branch("\n" + wording(kind), kind, facts, True)
            row.branch("\n" + wording("formula"), "formula", facts, False)
            rows.append(row)
        batch = Batch(rows)
        note(right_rows(model, model(batch.ids, batch.pos, batch.mask)[0], batch))
    for pixels, texts in encoders.held_out("image", max(count // 64, 1) * 128):
        batch, places, rows, _ = senses.batch(pixels, texts, fixed=True)
        note(right_rows(model, model(batch.ids, batch.pos, batch.mask, media=(places, rows))[0], batch))
    for samples, facts in encoders.held_out("series", max(count // 64, 1) * 64):
        batch, places, rows, _ = senses.batch(samples=samples, facts=facts, fixed=True)
        note(right_rows(model, model(batch.ids, batch.pos, batch.mask, media=(places, rows))[0], batch))
    return "  ".join("%s %.1f" % (k, 100.0 * a / b) for k, (a, b) in seen.items())


def mixed(made, signal):
    """The last pictures of a batch go with the signals of another."""
    (pixels, texts), (samples, facts) = made, signal
    n = len(facts)
    return (pixels[:-n], texts[:-n]), (pixels[-n:], texts[-n:], samples, facts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--from", dest="start", help="checkpoint folder whose decoder, and encoders if the run has none, are taken")
    parser.add_argument("--tokens", type=int, default=STEP["molecules"], help="of questions about molecules in a step")
    parser.add_argument("--formulas", type=float, default=1.0, help="weight of a formula's answer among the others")
    parser.add_argument("--minutes", type=float, default=35)
    parser.add_argument("--stop-at", help="time of day HH:MM at which the stage has to be over")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--again", type=float, metavar="SHARE",
                        help="of the first rates to begin with; with --resume the schedule starts once more")
    parser.add_argument("--seed", type=int, default=8)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    log = open(os.path.join(args.run, "joint.log"), "a", buffering=1)

    def say(text):
        line = time.strftime("%H:%M:%S ") + text
        print(line, flush=True)
        log.write(line + "\n")

    tokenizer = Tokenizer.load(os.path.join(args.data, "tokenizer"))
    molecules = Strings(os.path.join(args.data, "train"), tokenizer)
    valid = Strings(os.path.join(args.data, "valid"), tokenizer)
    model, vision, series = Decoder(), towers.Vision(), towers.Series()
    digits, waves = encoders.DigitHead(), encoders.SignalHead()
    published = load_file(os.path.join(args.start, "model.safetensors")) if args.start else {}
    if args.start:
        model.load_published(published)
    else:
        old = torch.load(os.path.join(args.run, "after-question.pt"), weights_only=True)["model"]
        model.load_state_dict(old, strict=False)
    shares = SHARES
    for tower, head, name, prefix in ((vision, digits, "image", "model.visual."), (series, waves, "series", "model.time_series.")):
        path = os.path.join(args.run, name + ".pt")
        if args.start and not os.path.exists(path):         # it has no light head
            shares = POLISH
            tower.load_state_dict({k[len(prefix):]: t.float() for k, t in published.items() if k.startswith(prefix)})
            continue
        old = torch.load(path, weights_only=True)
        tower.load_state_dict(old["tower"])
        head.load_state_dict(old["head"])

    decoder_matrices = model.matrices()
    decoder_others = [p for p in model.parameters() if not any(p is m for m in decoder_matrices)]
    split = [encoders.split_parameters(t) for t in (vision, series)]
    tower_matrices = [p for matrices, _ in split for p in matrices]
    tower_others = [p for _, others in split for p in others] + list(digits.parameters()) + list(waves.parameters())
    muon, tower_muon = train.Muon(decoder_matrices), encoders.Muon(tower_matrices)
    adam = torch.optim.AdamW([{"params": decoder_others, "peak": RATES["adam"]},
                              {"params": tower_others, "peak": RATES["towers adam"]}],
                             lr=1e-3, betas=(0.9, 0.97), eps=1e-10, weight_decay=0.0)
    parts = torch.nn.ModuleDict({"decoder": model, "visual": vision, "time_series": series, "digits": digits, "waves": waves})
    every = list(parts.parameters())
    state = {"cpu": 0.0, "wall": 0.0, "step": 0}
    path = os.path.join(args.run, "joint.pt")
    if args.resume and os.path.exists(path):
        saved = torch.load(path, weights_only=True)
        parts.load_state_dict(saved["parts"])
        adam.load_state_dict(saved["adam"])
        for buffer, old in zip(muon.buffers + tower_muon.buffers, saved["muon"]):
            buffer.copy_(old)
        state = saved["state"]
        if args.again:
            state.update(cpu=0.0, wall=0.0)

    def save(path):
        torch.save({"parts": parts.state_dict(), "adam": adam.state_dict(), "muon": muon.buffers + tower_muon.buffers,
                    "state": state}, path + ".new")
        os.replace(path + ".new", path)

    rng = random.Random(args.seed * 1000 + state["step"])
    senses = Senses(tokenizer, vision, series, rng)
    asking = stream(molecules, question_row, args.tokens, rng, 256, rare=True)
    seed = args.seed * 100 + state["step"]
    new_pictures = encoders.background("image", seed + 1, STEP["pictures"])
    new_signals = encoders.background("series", seed + 2, STEP["signals"], samples=LENGTHS)
    say("%d parameters: decoder %d, vision %d, time series %d" % (
        (sum(p.numel() for m in (model, vision, series) for p in m.parameters()),)
        + tuple(sum(p.numel() for p in m.parameters()) for m in (model, vision, series))))
    wall = train.seconds_until(args.stop_at) + state["wall"] if args.stop_at else args.minutes * 60 * 1.3
    clock = train.Clock(args.minutes * 60, wall, state["cpu"], state["wall"])
    last_save = last_check = time.time()
    sums, counted = {}, 0
    while True:
        done = clock.progress()
        if done >= 1.0:
            break
        factor = (args.again or 1.0) * (1 - done) * min(1.0, (state["step"] + 1) / 60)
        batch = next(asking)
        batch.target_weight[[kind == "formula" for _, _, kind, _ in batch.target_kind]] *= args.formulas
        x, _, balance = model(batch.ids, batch.pos, batch.mask)
        losses = {"molecules": train.answer_loss(model, x, batch)}
        (shares["molecules"] * losses["molecules"] + 0.02 * balance).backward()
        tokens = batch.tokens

        made, signal = new_pictures.get(), new_signals.get()
        jobs = [("pictures", made + (None, None)), ("signals", (None, None) + signal)]
        if state["step"] % 4 == 3:
            rest, both = mixed(made, signal)
            jobs = [("pictures", rest + (None, None)), ("both", both)]
        for name, job in jobs:
            batch, places, rows, shown = senses.batch(*job)
            x, _, balance = model(batch.ids, batch.pos, batch.mask, media=(places, rows))
            loss = losses[name] = train.answer_loss(model, x, batch)
            light = 0.0
            if job[1] is not None:
                labels = encoders.digit_labels(job[1])
                light = light + F.cross_entropy(digits(shown[0]).flatten(0, 1), labels.flatten())
            if job[3] is not None:
                light = light + encoders.signal_loss(waves(shown[-1][:, 2:]), job[3])[0]
            share = shares["pictures"] if name == "pictures" else shares["signals"]
            (share * loss + shares["light head"] * light + 0.01 * balance).backward()
            tokens += batch.tokens

        norm = torch.nn.utils.clip_grad_norm_(every, 1.0)
        if torch.isfinite(norm):
            for p in decoder_matrices + tower_matrices:
                p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            muon.step(RATES["muon"] * factor)
            tower_muon.step(RATES["towers"] * factor)
            for group in adam.param_groups:
                group["lr"] = group["peak"] * factor
            adam.step()
        else:
            say("step %d skipped" % state["step"])
        for p in every:
            p.grad = None
        state["step"] += 1
        state["cpu"], state["wall"] = clock.spent()
        for k, v in losses.items():
            entry = sums.setdefault(k, [0.0, 0])
            entry[0] += float(v.detach())
            entry[1] += 1
        counted += tokens
        if state["step"] % 20 == 0:
            say("%5d %5.1f %%  cpu %.0f wall %.0f  %s  norm %.2f  %.0f tokens a step" % (
                state["step"], 100 * done, state["cpu"], state["wall"],
                " ".join("%s %.4f" % (k, a / n) for k, (a, n) in sums.items()), float(norm), counted / 20))
            sums, counted = {}, 0
        if time.time() - last_check > 600:
            say("valid: " + check(model, senses, valid, 96))
            last_check = time.time()
        if time.time() - last_save > 150:
            save(path)
            last_save = time.time()
    save(path)
    say("valid: " + check(model, senses, valid, 240))
    say("done: %.1f CPU minutes, %d steps" % (state["cpu"] / 60, state["step"]))


if __name__ == "__main__":
    main()
