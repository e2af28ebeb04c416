#!/usr/bin/env python3
"""What `ins1 bench` measured as a part of what the machine can do. Standard library only.

    ins1 bench MODEL ... | python ratios.py MODEL

Reads the lines of one run and the headers of the checkpoint, prints a row of Markdown for each line. Decode is
compared with the read probe: bytes of the weights that one token needs, plus its keys and values, per second.
Prefill is compared with the probe of its precision, where the machine has no instruction for that with the F32 probe:
two operations for each weight of a product that one token needs, without the head, which only the last token sees, and
without attention.
"""
import json
import math
import pathlib
import re
import sys

EMBEDDING = re.compile(r"(embed_tokens|tok_embeddings)\.weight$")
HEAD = re.compile(r"^(lm_head|output)\.")
EXPERT = re.compile(r"\.experts\.")
OTHER_PARTS = re.compile(r"^model\.(visual|vision_tower|multi_modal_projector|time_series)")
PEAK = {"f32": "fp32_GFLOPs", "bf16": "bf16_GFLOPs", "int8": "int8_Gops"}
KV_BYTES = {"f32": 4, "bf16": 2, "int8": 2}


def tensors(folder):
    """Yield (name, shape, bytes) of the decoder."""
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        for name, tensor in header.items():
            if name != "__metadata__" and not OTHER_PARTS.match(name):
                begin, end = tensor["data_offsets"]
                yield name, tensor["shape"], end - begin


def needs(folder):
    """Bytes of weights that a token reads, operations that it takes, numbers that are cached for a position."""
    config = json.loads((folder / "config.json").read_text())
    text = config.get("text_config", config)
    used = text.get("num_experts_per_tok", 0) / text.get("num_experts", 1)
    found = list(tensors(folder))
    is_tied = not any(HEAD.match(name) for name, _, _ in found)
    size = operations = 0
    for name, shape, n_bytes in found:
        share = used if EXPERT.search(name) else 1
        if not EMBEDDING.search(name) or is_tied:
            size += share * n_bytes
        if len(shape) == 2 and name.endswith("weight") and not EMBEDDING.search(name) and not HEAD.match(name):
            operations += share * 2 * math.prod(shape)
    head_dim = text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"]
    cached = 2 * text["num_hidden_layers"] * text["num_key_value_heads"] * head_dim
    return size, operations, cached


def row(line, probe, size, operations, cached):
    best, rate = min(line["seconds"]), line["tokens_per_s"]
    spread = max(line["seconds"]) / best
    if line["test"] == "prefill":
        peak = probe[PEAK[line["precision"]]] or probe[PEAK["f32"]]
        reached, limit, unit = rate * operations / 1e9, peak, "Gop/s"
    else:
        # A step reads the weights once for all its sequences, and each sequence's own keys and values.
        kept = cached * KV_BYTES[line["precision"]] * (line["depth"] + line["tokens"] / 2)
        reached, limit, unit = rate * (size / line["batch"] + kept) / 1e9, probe["read_GBps"], "GB/s"
    share = f"{100 * reached / limit:.0f} %" if limit else "-"
    return (f"| {line['test']} | {line['tokens']} | {line['depth']} | {line['batch']} | {line['threads']} | "
            f"{line['precision']} | {rate:.2f} | {reached:.1f} {unit} | {share} | {spread:.2f} |")


def main():
    size, operations, cached = needs(pathlib.Path(sys.argv[1]))
    lines = [json.loads(line) for line in sys.stdin if line.strip()]
    probe = next(line for line in lines if line["test"] == "probe")
    memory = next(line for line in lines if line["test"] == "memory")
    print("| test | tokens | depth | batch | threads | precision | tokens/s | reached | of the probe | slowest / fastest |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for line in lines:
        if line["test"] in ("prefill", "decode"):
            print(row(line, probe, size, operations, cached))
    limits = ", ".join(f"{name} {probe[name]}" for name in ("read_GBps", *PEAK.values()))
    print(f"\nProbes: {limits}. A token reads {size / 1e9:.3f} GB and takes {operations / 1e9:.3f} Gop. "
          f"Resident {memory['resident'] / 1e9:.3f} GB, mapped {memory['mapped'] / 1e9:.3f} GB.")


if __name__ == "__main__":
    main()
