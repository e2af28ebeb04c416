"""Training rows: a molecule, then questions about it as branches that do not see each other."""

import json
import random

import numpy as np
import torch

from molecules import HEADS
from questions import GROUPS, WORDINGS, answer, question_first, wording

RELATED = {      # groups that are easily taken for one another: asked about more often where the other one is present
    "carboxylic acid": ["ester", "hydroxyl", "ketone"], "ester": ["carboxylic acid", "ketone", "amide"],
    "amide": ["ketone", "ester", "amine"], "amine": ["amide", "nitro", "nitrile"],
    "hydroxyl": ["carboxylic acid", "ester"], "ketone": ["ester", "amide", "carboxylic acid"],
    "nitro": ["amine"], "nitrile": ["amine"],
}
OFTEN = {"amine", "ketone", "ester", "amide", "hydroxyl", "carboxylic acid"}


class Strings:
    """What prepare.py wrote for one part of the data."""

    def __init__(self, stem, tokenizer):
        data = np.load(stem + ".npz")
        self.start, self.molecule = data["start"], data["molecule"]
        self.pieces, self.rows = data["pieces"].astype(np.int64), data["rows"]
        with open(stem + ".jsonl", encoding="utf-8") as f:
            self.facts = [json.loads(line) for line in f]
        self.first = np.unique(self.molecule, return_index=True)[1]        # the canonical string of each molecule
        self.tokenizer = tokenizer

    def rarity(self):
        """Of each molecule, the share of all molecules that have as many atoms as it has of the element where that is least."""
        counts = {e: np.array([f["elements"].get(e, 0) for f in self.facts]) for e in {e for f in self.facts for e in f["elements"]}}
        shares = [np.where(n > 0, 1.0 - np.searchsorted(np.sort(n), n) / len(n), 1.0) for n in counts.values()]
        return np.min(shares, axis=0)

    def epoch(self, rare=False):
        """Every string once, those of small molecules, which are rare in the sets, several times; with `rare` those too whose
        formula has a number that is rare, such as three chlorines or forty hydrogens."""
        heavy = np.array([sum(n for e, n in f["elements"].items() if e != "H") for f in self.facts])[self.molecule]
        times = np.where(heavy <= 8, 6, np.where(heavy <= 12, 3, np.where(heavy <= 16, 2, 1)))
        if rare:
            share = self.rarity()[self.molecule]
            times = np.maximum(times, np.where(share < 0.01, 6, np.where(share < 0.03, 4, np.where(share < 0.06, 2, 1))))
        return np.repeat(np.arange(len(self.molecule)), times).tolist()

    def string(self, n):
        span = slice(self.start[n], self.start[n + 1])
        return self.pieces[span], self.rows[span], self.facts[self.molecule[n]]


class Row:
    """Ids of one row, with the branch (0: the shared beginning) and position of each."""

    def __init__(self, tokenizer):
        self.t = tokenizer
        self.ids, self.pos, self.seg = [], [], []
        self.count_at, self.count_rows = [], np.zeros((0, len(HEADS)), dtype=np.int64)
        self.media = []                                      # places of the tokens of each picture, then of each signal
        self.target_at, self.target_weight, self.target_kind = [], [], []
        self.shared = 0

    def begin(self, pieces, rows, before="", tagged=True, newline=True):
        add = self.t.added
        ids = [add["<|im_start|>"]] + self.t.encode("user\n" + before)
        ids += [add["<SMILES>"]] if tagged else []
        at = len(ids)
        ids += pieces.tolist()
        end = [add["</SMILES>"]] if tagged else self.t.encode("\n") if newline else []
        ids += end
        self.count_at = list(range(at, len(ids)))
        self.count_rows = np.concatenate([rows, rows[-1:]]) if end else rows
        self.ids, self.pos, self.seg, self.shared = ids, list(range(len(ids))), [0] * len(ids), len(ids)
        return self

    def begin_senses(self, picture=0, series=0):
        """A picture and a signal of so many tokens, 0 for none, in the order in which a prompt has them."""
        add = self.t.added
        ids = [add["<|im_start|>"]] + self.t.encode("user\n")
        if picture:
            ids += self.t.encode("Picture 1: ") + [add["<|vision_start|>"]]
            self.media.append(range(len(ids), len(ids) + picture))
            ids += [add["<|image_pad|>"]] * picture + [add["<|vision_end|>"]]
        if series:
            ids.append(add["<|ts|>"])
            self.media.append(range(len(ids), len(ids) + series))
            ids += [add["<TS_CONTEXT>"]] * series + [add["<|/ts|>"]]
        self.ids, self.pos, self.seg, self.shared = ids, list(range(len(ids))), [0] * len(ids), len(ids)
        return self

    def branch(self, text, kind, facts, thinking):
        """One question (`text` follows the shared beginning) and the answer the model has to write."""
        trace, reply = answer(kind, facts)
        t, add = self.t, self.t.added
        asked = t.encode(text) + [add["<|im_end|>"]] + t.encode("\n") + [add["<|im_start|>"]] + t.encode("assistant\n")
        asked.append(add["<think>"])
        if thinking:
            said = t.encode(trace)
            weight = [1.0] * len(said)
            if trace.startswith(("found", "ring")):
                weight[-1] = 3.0
            said += [add["</think>"]] + t.encode("\n\n")
            weight += [0.3, 0.3]
        else:
            asked += [add["</think>"]] + t.encode("\n\n")
            said, weight = [], []
        body = t.encode(reply)
        said += body + [add["<|im_end|>"]]
        weight += [1.0] * len(body) + [0.5]
        start, n = len(self.ids), (max(self.seg) + 1)
        self.ids += asked + said
        self.seg += [n] * (len(asked) + len(said))
        self.pos += range(self.shared, self.shared + len(asked) + len(said))
        first = start + len(asked) - 1                       # the token before an answer token predicts it
        self.target_at += range(first, first + len(said))
        self.target_weight += weight
        self.target_kind += [(n, kind, thinking)] * len(said)


def choose_groups(facts, rng, each=2):
    """Some groups that the molecule has and some that it has not, the confusable ones more often."""
    present = [g for g in GROUPS if facts["groups"][g]]
    absent = [g for g in GROUPS if not facts["groups"][g]]
    near = {r for g in present for r in RELATED.get(g, [])}
    out = []
    for pool in (present, absent):
        keys = {g: rng.random() ** (1.0 / ((2.0 if g in OFTEN else 1.0) * (2.0 if g in near else 1.0))) for g in pool}
        out += sorted(pool, key=lambda g: -keys[g])[:each]
    return out


def question_row(data, n, rng):
    pieces, rows, facts = data.string(n)
    row, style = Row(data.tokenizer), rng.random()
    thinks = lambda: rng.random() < 0.75
    if style < 0.06:                                          # the question before the molecule
        kind = rng.choice(["formula", "heavy", "rings", "group"])
        kinds = choose_groups(facts, rng) if kind == "group" else [kind]
        before = question_first(kinds[0])[0]
        row.begin(pieces, rows, before, tagged=rng.random() < 0.5, newline=False)
        for k in kinds:
            row.branch(question_first(k)[1], k, facts, thinks())
        return row
    tagged = style > 0.14
    row.begin(pieces, rows, tagged=tagged)
    for kind in ["formula", "heavy", "rings"] + choose_groups(facts, rng):
        n = 0 if rng.random() < 0.5 else rng.randrange(len(WORDINGS["group"]))
        row.branch(("\n" if tagged else "") + wording(kind, n), kind, facts, thinks())
    return row


def count_row(data, n, rng):
    pieces, rows, _ = data.string(n)
    return Row(data.tokenizer).begin(pieces, rows, tagged=rng.random() > 0.08)


class Batch:
    def __init__(self, rows):
        length = (max(len(r.ids) for r in rows) + 15) // 16 * 16
        self.tokens = len(rows) * length
        ids = np.zeros((len(rows), length), dtype=np.int64)
        pos, seg = np.zeros_like(ids), np.full_like(ids, -1)
        for i, r in enumerate(rows):
            n = len(r.ids)
            ids[i, :n], pos[i, :n], seg[i, :n] = r.ids, r.pos, r.seg
        self.ids, self.pos = torch.from_numpy(ids), torch.from_numpy(pos)
        seg = torch.from_numpy(seg)
        sees = (seg[:, :, None] == seg[:, None, :]) | (seg[:, None, :] == 0)
        self.mask = torch.where(sees & torch.ones(length, length, dtype=torch.bool).tril(), 0.0, -1e9)
        self.count_at = torch.tensor([i * length + a for i, r in enumerate(rows) for a in r.count_at])
        self.count_rows = torch.from_numpy(np.concatenate([r.count_rows for r in rows])).long()
        last = [len(r.count_at) for r in rows]
        self.count_weight = torch.ones(sum(last))
        self.count_last = torch.from_numpy(np.cumsum(last) - 1)
        if sum(last):
            self.count_weight[self.count_last] = 4.0
        self.target_at = torch.tensor([i * length + a for i, r in enumerate(rows) for a in r.target_at], dtype=torch.long)
        self.targets = self.ids.view(-1)[self.target_at + 1]
        self.target_weight = torch.tensor([w for r in rows for w in r.target_weight])
        self.target_kind = [(i,) + k for i, r in enumerate(rows) for k in r.target_kind]


def stream(data, make, tokens, rng, pool=512, rare=False):
    """Endless batches of about `tokens` tokens; rows of similar length go together."""
    every, waiting = data.epoch(rare), []
    while True:
        rows = []
        while len(rows) < pool:
            if not waiting:
                waiting = list(every)
                rng.shuffle(waiting)
            rows.append(make(data, waiting.pop(), rng))
        rows.sort(key=lambda r: len(r.ids))
        batches, current = [], []
        for row in rows:
            length = (len(row.ids) + 15) // 16 * 16
            if current and (len(current) + 1) * length > tokens:
                batches.append(current)
                current = []
            current.append(row)
        batches.append(current)
        rng.shuffle(batches)
        yield from map(Batch, batches)
