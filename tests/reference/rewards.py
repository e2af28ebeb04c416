#!/usr/bin/env python3
"""Make tests/golden/internlm2-reward again: `python tests/reference/rewards.py --out tests/golden`.

A tiny reward checkpoint of the InternLM2 layout with a tokenizer of its own, the lines of `ins1 score`, and the
rewards. The text of POLAR is put together here from its description (arXiv 2507.05197, reward_func.py of POLAR), the
ids are sentencepiece's (0.2.3), the hidden states those of plain.py in F32.
"""
import argparse
import io
import json
import pathlib
import shutil

import sentencepiece
import torch
import torch.nn.functional as F

import plain
import store
import tiny

NAME = "internlm2-reward"
SEPARATOR, END = "<|reward|>", "[UNUSED_TOKEN_130]"
RECIPE = tiny.DEFAULTS | dict(member="internlm2", stored="F32", eps=1e-5, vocab=340, hidden=40, heads=4, kv=2,
                              head_dim=10, inter=52, theta=1000000.0)
SENTENCES = ["What is the capital of the country?", "The benzene ring has six carbon atoms.", "Water boils at 100 degrees.",
             "It is not known.", "The melting point was measured twice.", "How many protons has carbon?", "Six, of course.",
             "The answer is six.", "The answer is seven.", "Is the sample pure? It is.", "line one\nline two"]


def train_tokenizer(folder):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 4), model_writer=model, model_type="bpe", vocab_size=RECIPE["vocab"] - 4,
        byte_fallback=True, add_dummy_prefix=False, remove_extra_whitespaces=False, normalization_rule_name="identity",
        character_coverage=1.0, user_defined_symbols=[END], split_by_whitespace=True, minloglevel=2)
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    separator = pieces.get_piece_size()
    added = {str(i): {"content": pieces.id_to_piece(i), "special": True} for i in range(3)}
    added[str(separator)] = {"content": SEPARATOR, "special": True}
    store.write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "InternLM2Tokenizer", "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>",
        "eos_token": "</s>", "unk_token": "<unk>", "added_tokens_decoder": added})
    return pieces, separator


class Polar:
    def __init__(self, model, pieces, separator, reward_token):
        self.model, self.pieces = model, pieces
        self.separator, self.reward_token = separator, reward_token

    def encode(self, text):
        """Added tokens first, the rest by sentencepiece; the begin-of-text token in front."""
        ids = [self.pieces.bos_id()]
        for i, part in enumerate(text.split(SEPARATOR)):
            ids += [self.separator] * (i > 0) + self.pieces.encode(part)
        return ids

    def text(self, line, candidate):
        p, r, c = (self.encode(t) for t in (line["prompt"], line["reference"], candidate))
        most = line.get("max_answer", 4096)
        cut = (lambda ids: ids[-most:]) if line.get("keep_tail") else (lambda ids: ids[:most])
        r, c = cut(r), cut(c)
        room = (line.get("max_tokens", 16384) - 4 - len(r) - len(c)) // 2
        if len(p) > room:
            p = p[-room:]
        p, r, c = (self.pieces.decode([i for i in ids if i > 2]) for ids in (p, r, c))
        gap = "" if line.get("pretrain") else "\n"
        return f"{p}{gap}{r}{SEPARATOR}{p}{gap}{c}{END}"

    def reward(self, ids):
        if not ids or ids[-1] != self.reward_token:
            ids = ids + [self.reward_token]
        hidden = self.model.run(self.model.embed(ids))["hidden"][-1]
        normed = self.model.norm(hidden, "norm.weight")
        return F.linear(normed[-1:], self.model.weights["v_head.weight"]).item()

    def answer(self, line):
        if "prompt" in line:
            rewards = [self.reward(self.encode(self.text(line, c))) for c in line["candidates"]]
        else:
            rewards = [self.reward(line["prefix"] + c) for c in line["candidates"]]
        return {"rewards": [round(r, 6) for r in rewards]}


def lines(reward_token):
    question = {"prompt": SENTENCES[5], "reference": SENTENCES[6]}
    answers = [SENTENCES[7], SENTENCES[8], SENTENCES[3], "", "Sechs, natürlich \U0001f600", SENTENCES[6]]
    return [
        {"prefix": [], "candidates": [[5, 300, 17], [5, 300, 18, reward_token], [9]]},
        {"prefix": [1, 290, 311, 40], "candidates": [[5], [6, 7, 8], []]},
        question | {"candidates": answers},
        question | {"candidates": answers[:3], "pretrain": True},
        {"prompt": " ".join(SENTENCES), "reference": SENTENCES[4], "candidates": [SENTENCES[1], SENTENCES[2] * 3],
         "max_tokens": 60, "max_answer": 9},
        {"prompt": SENTENCES[9], "reference": SENTENCES[4], "candidates": [SENTENCES[1], SENTENCES[2] * 3],
         "max_answer": 9, "keep_tail": True},
        {"prompt": "", "reference": "", "candidates": ["x"]},
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    folder = parser.parse_args().out / NAME
    torch.set_num_threads(1)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    pieces, separator = train_tokenizer(folder)
    reward_token = pieces.piece_to_id(END)
    weights = {k: v for k, v in tiny.tensors(RECIPE, NAME).items() if k != "output.weight"}
    weights["v_head.weight"] = tiny.Random(NAME + " head").linear(1, RECIPE["hidden"], 3.0)
    config = tiny.config(RECIPE) | {"architectures": ["InternLM2ForRewardModel"], "reward_token_id": reward_token,
                                    "bos_token_id": 1, "eos_token_id": 2}
    store.write_json(folder / "config.json", config)
    store.write_checkpoint(folder, weights)
    polar = Polar(plain.Reference(config, weights), pieces, separator, reward_token)
    asked = lines(reward_token)
    for name, rows in (("in.jsonl", asked), ("expect.jsonl", [polar.answer(line) for line in asked])):
        (folder / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    store.write_json(folder / "case.json", {"kind": "score", "model": ".", "lines": "in.jsonl", "expect": "expect.jsonl"})


if __name__ == "__main__":
    main()
