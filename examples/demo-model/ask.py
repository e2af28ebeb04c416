"""Asks the reference model in Python, in the format of `ins1 run --json`: {"text": ...} lines in, replies out.

    echo '{"text": "<SMILES>CCO</SMILES>\\nHow many rings does it have?"}' | python ask.py interns1-demo
    echo '{"text": "What number does the display show?", "images": ["display.png"]}' | python ask.py interns1-demo
    echo '{"text": "What is the heart rate?", "series": [{"file": "ecg.npy", "rate": 50}]}' | python ask.py interns1-demo

The C library also finds molecules without tags and reads more formats; this program does not.
"""

import argparse
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import pictures
import signals
import towers
from model import Reference
from tokenizer import Tokenizer


def smart_size(height, width, smallest, largest, factor=32):
    """Height and width as multiples of `factor`, with a number of pixels between the two limits."""
    h, w = round(height / factor) * factor, round(width / factor) * factor
    if h * w > largest:
        beta = math.sqrt(height * width / largest)
        h, w = (max(factor, math.floor(n / beta / factor) * factor) for n in (height, width))
    elif h * w < smallest:
        beta = math.sqrt(smallest / (height * width))
        h, w = (math.ceil(n * beta / factor) * factor for n in (height, width))
    return h, w


class Encoders:
    """Rows of the decoder for the files of a question."""

    def __init__(self, folder):
        from safetensors.torch import load_file
        tensors = load_file(os.path.join(folder, "model.safetensors"))
        with open(os.path.join(folder, "preprocessor_config.json"), encoding="utf-8") as f:
            size = json.load(f)["size"]
        self.limits = size["shortest_edge"], size["longest_edge"]
        self.vision = towers.load(towers.Vision(), tensors, "model.visual.")
        self.series = towers.load(towers.Series(), tensors, "model.time_series.")

    @torch.no_grad()
    def picture(self, path):
        pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None]
        size = smart_size(*pixels.shape[2:], *self.limits)
        if size != tuple(pixels.shape[2:]):
            pixels = F.interpolate(pixels, size, mode="bicubic", antialias=True)
        cut = pictures.patches(pixels[0].permute(1, 2, 0).numpy())
        return self.vision(torch.from_numpy(cut)[None], size[0] // 16, size[1] // 16)[0]

    @torch.no_grad()
    def signal(self, path, rate):
        samples = np.load(path) if path.endswith(".npy") else np.loadtxt(path, delimiter=",")
        rate = rate if rate and rate > 0 else max(len(samples) / 4, 1)
        return self.series(torch.from_numpy(signals.normalise(samples))[None], rate)[0]


def replies(model, questions, batch=96):
    """(trace, content) for each {"text", "thinking", "images", "series"}; greedy, F32 arithmetic."""
    torch.set_num_threads(1)
    tokenizer, reference = Tokenizer.load(model), Reference.load(model)
    encoders = Encoders(model) if reference.placeholders and os.path.exists(model + "/preprocessor_config.json") else None
    stop = {tokenizer.added["<|im_end|>"], tokenizer.added["<|endoftext|>"]}
    prompts, media = [], []
    for question in questions:
        before, rows = "", []
        for n, path in enumerate(question.get("images") or []):
            rows.append(encoders.picture(path))
            before += "Picture %d: <|vision_start|>%s<|vision_end|>" % (n + 1, "<|image_pad|>" * len(rows[-1]))
        for series in question.get("series") or []:
            rows.append(encoders.signal(series["file"], series.get("rate")))
            before += "<|ts|>%s<|/ts|>" % ("<TS_CONTEXT>" * len(rows[-1]))
        media.append(torch.cat(rows) if rows else None)
        text = "<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n<think>" % (before + question["text"])
        prompts.append(tokenizer.encode(text + ("" if question.get("thinking", True) else "</think>\n\n")))
    out = [None] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for at in range(0, len(order), batch):
        some = order[at:at + batch]
        for i, ids in zip(some, reference.generate([prompts[i] for i in some], stop, media=[media[i] for i in some])):
            trace, mark, content = tokenizer.decode(ids).partition("</think>")
            out[i] = (trace, content.strip()) if mark else ("", trace.strip())
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    args = parser.parse_args()
    lines = [json.loads(line) for line in sys.stdin if line.strip()]
    for trace, content in replies(args.model, lines):
        print(json.dumps({"reasoning": trace or None, "content": content or None}, ensure_ascii=False))


if __name__ == "__main__":
    main()
