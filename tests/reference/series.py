#!/usr/bin/env python3
"""Make the time-series folders of tests/golden again: `python tests/reference/series.py --out tests/golden`.

Tiny random checkpoints of the adaptive encoder, signals, and what the reference gives for them. The patch encoder
is torch's TransformerEncoderLayer, the frame encoder transformers' WhisperEncoderLayer in eager attention; what
stands between them is written here from the specification. `series_exact.py` computes the same in F64 numpy.
"""
import argparse
import json
import math
import pathlib
import shutil

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoderLayer

import series_exact
import store
import tiny

EPS, HEADS = 1e-5, 8


class Encoder:
    """One signal at a time, in F32 or, to see what that costs, in BF16."""

    def __init__(self, config, tensors, encoder, projector, dtype=torch.float32):
        ts, self.dtype = config["ts_config"], dtype
        tensors = {k: v.to(dtype) for k, v in tensors.items()}
        self.w = {k.removeprefix(encoder): v for k, v in tensors.items() if k.startswith(encoder)}
        self.p = {k.removeprefix(projector): v for k, v in tensors.items() if k.startswith(projector)}
        width = ts["ts_adapt_in_dim"] // 2
        at = "encoder_embed.transformer_encoder.layers.0."
        self.patch = nn.TransformerEncoderLayer(width, HEADS, len(self.w[at + "linear1.bias"])).eval().to(dtype)
        self.patch.load_state_dict({k.removeprefix(at): v for k, v in self.w.items() if k.startswith(at)})
        whisper = WhisperConfig(d_model=ts["d_model"], encoder_attention_heads=ts["encoder_attention_heads"],
                                encoder_ffn_dim=ts["encoder_ffn_dim"], activation_function="gelu", dropout=0.0,
                                attn_implementation="eager")
        self.layers = []
        for i in range(ts["encoder_layers"]):
            layer, at = WhisperEncoderLayer(whisper).eval().to(dtype), f"encoder.layers.{i}."
            layer.load_state_dict({k.removeprefix(at): v for k, v in self.w.items() if k.startswith(at)})
            self.layers.append(layer)

    def linear(self, x, name, of=None):
        of = self.w if of is None else of
        return F.linear(x, of[name + ".weight"], of[name + ".bias"])

    def conv(self, x, name, **how):
        return F.conv1d(x, self.w[name + ".weight"], self.w[name + ".bias"], **how)

    def patches(self, x, rate):
        stride, length, n = cut(len(x), rate)
        x = F.pad(x.to(self.dtype), (0, 0, 0, (n - 1) * stride + length - len(x)))
        x = torch.stack([x[i * stride:i * stride + length] for i in range(n)])
        channels = x.shape[2]
        x = x.reshape(n * channels, 1, length)
        x = F.relu(self.conv(x, "encoder_embed.conv", padding=2)).permute(2, 0, 1)
        x = self.patch(x + self.w["encoder_embed.pos_encoder.pe"][:length])
        return x.mean(0).reshape(n, channels, -1).mean(1)

    def tower(self, x, rate):
        frames = self.patches(x, rate)
        frames = frames[:len(frames) // 2 * 2]
        x = self.linear(torch.cat((frames[0::2], frames[1::2]), 1), "encoder.adapt_in").T[None]
        x = F.gelu(self.conv(x, "encoder.conv1", padding=1))
        x = F.gelu(self.conv(x, "encoder.conv2", padding=1, stride=2)).permute(0, 2, 1)
        table = self.w["encoder.embed_positions.weight"]
        n = min(len(table), x.shape[1])
        x = x + F.pad(table[:n], (0, 0, 0, x.shape[1] - n))
        mask = torch.full((x.shape[1], x.shape[1]), torch.finfo(x.dtype).min, dtype=x.dtype).triu(1)[None, None]
        for layer in self.layers:
            x = layer(x, mask)
        x = F.layer_norm(x, x.shape[-1:], self.w["encoder.layer_norm.weight"], self.w["encoder.layer_norm.bias"], EPS)
        return self.linear(x, "encoder.adapt_out")[0]

    def embed(self, x, rate):
        x = self.tower(x, rate)
        x = F.layer_norm(x, x.shape[-1:], self.p["layer_norm.weight"], self.p["layer_norm.bias"], EPS)
        return self.linear(F.gelu(self.linear(x, "linear_1", self.p)), "linear_2", self.p)


def cut(length, rate):
    """Stride, length of a patch and number of patches, as the model computes them: in F32."""
    rate = torch.as_tensor(rate if rate else max(length / 4, 1), dtype=torch.float32)
    stride = int(torch.floor(160 / (1 + torch.exp(-rate / 100)) ** 6).item())
    return stride, 2 * stride, int(torch.ceil(torch.as_tensor((length - 2 * stride) / stride)).item()) + 1


def tokens(length, rate):
    return (cut(length, rate)[2] // 2 + 1) // 2


def normalised(x, ddof=0):
    x = np.asarray(x, np.float64)
    x = x[:, None] if x.ndim == 1 else x
    return torch.from_numpy(((x - x.mean(0)) / (x.std(0, ddof=ddof) + 1e-8)).astype(np.float32))


# --- checkpoints ---

def places(rows, width):
    place = torch.arange(rows, dtype=torch.float)[:, None]
    step = torch.exp(torch.arange(0, width, 2, dtype=torch.float) * (-math.log(10000.0) / width))
    out = torch.zeros(rows, 1, width)
    out[:, 0, 0::2], out[:, 0, 1::2] = torch.sin(place * step), torch.cos(place * step)
    return out


def make_tensors(r, rnd):
    n, h, mel, out = r["patch"], r["hidden"], r["mel"], r["out"]

    def linear(name, rows, columns, gain=1.0, bias=True):
        w = {name + ".weight": rnd.linear(rows, columns, gain)}
        return w | {name + ".bias": rnd.normal(rows, std=0.2)} if bias else w

    def norm(name, size):
        return {name + ".weight": rnd.norm(size), name + ".bias": rnd.normal(size, std=0.2)}

    def conv(name, rows, columns, taps):
        return {name + ".weight": rnd.normal(rows, columns, taps, std=(columns * taps) ** -0.5),
                name + ".bias": rnd.normal(rows, std=0.2)}

    at = "encoder_embed.transformer_encoder.layers.0."
    w = conv("encoder_embed.conv", n, 1, 5) | {"encoder_embed.pos_encoder.pe": places(r["places"], n)}
    w |= {at + "self_attn.in_proj_weight": rnd.linear(3 * n, n, 2.0),
          at + "self_attn.in_proj_bias": rnd.normal(3 * n, std=0.2)}
    w |= linear(at + "self_attn.out_proj", n, n) | linear(at + "linear1", r["patch_ff"], n)
    w |= linear(at + "linear2", n, r["patch_ff"]) | norm(at + "norm1", n) | norm(at + "norm2", n)
    w |= linear("encoder.adapt_in", mel, 2 * n) | conv("encoder.conv1", h, mel, 3) | conv("encoder.conv2", h, h, 3)
    w |= {"encoder.embed_positions.weight": rnd.normal(r["positions"], h, std=0.3)}
    for i in range(r["layers"]):
        at = f"encoder.layers.{i}."
        w |= linear(at + "self_attn.q_proj", h, h, 2.0) | linear(at + "self_attn.k_proj", h, h, 2.0, bias=False)
        w |= linear(at + "self_attn.v_proj", h, h) | linear(at + "self_attn.out_proj", h, h)
        w |= norm(at + "self_attn_layer_norm", h) | norm(at + "final_layer_norm", h)
        w |= linear(at + "fc1", r["ff"], h) | linear(at + "fc2", h, r["ff"])
    w |= norm("encoder.layer_norm", h) | linear("encoder.adapt_out", r["tower"], h)
    w = {r["encoder"] + k: v for k, v in w.items()}
    p = norm("layer_norm", r["tower"]) | linear("linear_1", out, r["tower"]) | linear("linear_2", out, out)
    return w | {r["projector"] + k: v for k, v in p.items()}


def make_config(r):
    text = tiny.config(tiny.DEFAULTS | dict(member="pro", stored=r["stored"], vocab=61, hidden=r["out"], heads=2, kv=1,
                                            head_dim=10, experts=4, top=2, groups=2, expert_inter=6,
                                            rope={"rope_type": "default", "fope_sep_head": True}))
    ts = {"d_model": r["hidden"], "encoder_layers": r["layers"], "encoder_attention_heads": r["heads"],
          "encoder_ffn_dim": r["ff"], "activation_function": "gelu", "num_mel_bins": r["mel"],
          "max_source_positions": r["positions"], "scale_embedding": False, "ts_adapt_in_dim": 2 * r["patch"],
          "ts_adapt_out_dim": r["tower"], "ts_hidden_dim": r["tower"], "out_hidden_size": r["out"]}
    return text | {"ts_token_id": 60, "ts_config": ts}


PRO = dict(encoder="model.time_series.", projector="model.time_series.projector.")
MINI = dict(encoder="model.ts_tower.", projector="model.time_series_projector.")
FOLDERS = {
    "series-f32": PRO | dict(stored="F32", patch=16, patch_ff=28, places=320, mel=10, hidden=20, heads=4, ff=36,
                             layers=2, positions=9, tower=22, out=18),
    "series-bf16": MINI | dict(stored="BF16", shards=2, patch=24, patch_ff=40, places=60, mel=7, hidden=36, heads=3,
                               ff=44, layers=3, positions=12, tower=26, out=14),
}

# name: samples, channels, rate (None: not given), type, and further arguments of `ins1 embed`.
SIGNALS = {
    "series-f32": {
        "least": (49, 1, 100, "<f4", []),           # one sample more than a patch: one token
        "channels": (2000, 3, 1000, "<i2", []),     # the channels of a patch are reshaped, not transposed
        "positions": (403, 2, 20, "<f8", []),       # 25 tokens, 9 positions; an odd number of patches
        "no-rate": (1001, 1, None, "<i4", []),      # a quarter of the length
        "fast": (3333, 1, 2000, "<f4", []),         # the stride is 160 in F32, 159 in F64
        "slow": (600, 1, 5, "<f4", []),             # 75 tokens
        "unbiased": (60, 2, 100, "<f4", ["--unbiased"]),
        "tower": (403, 2, 20, "<f8", ["--tower"]),
        "one": (97, 1, 100, "<f4", ["--tower"]),    # three patches, of which the last is dropped
    },
    "series-bf16": {
        "odd": (700, 1, 50, "<f4", []),
        "channels": (311, 5, 36, "<i2", []),
        "tower": (147, 1, 36, "<f4", ["--tower"]),
    },
}


def signal(rnd, n, channels, kind):
    t = np.arange(n)[:, None]
    x = np.sin(t * rnd.rng.uniform(0.01, 0.5, channels)) + 0.3 * rnd.rng.standard_normal((n, channels))
    x = 40 + 1000 * x if kind[1] == "i" else 3 + x
    x = np.round(x).astype(kind) if kind[1] == "i" else x.astype(kind)
    return x[:, 0] if channels == 1 else x


def make_folder(folder, recipe, signals):
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    rnd = tiny.Random(folder.name)
    stored = {k: v.to(tiny.DTYPES[recipe["stored"]]) for k, v in make_tensors(recipe, rnd).items()}
    store.write_json(folder / "config.json", make_config(recipe))
    store.write_checkpoint(folder, stored, recipe.get("shards", 1))
    tensors = {k: v.float() for k, v in stored.items()}
    model = Encoder(make_config(recipe), tensors, recipe["encoder"], recipe["projector"])
    rough = Encoder(make_config(recipe), tensors, recipe["encoder"], recipe["projector"], torch.bfloat16)
    exact = series_exact.Model(folder, recipe["encoder"], recipe["projector"])
    worst = 0.0
    for name, (n, channels, rate, kind, options) in signals.items():
        x = signal(rnd, n, channels, kind)
        store.save_array(folder / f"{name}.npy", x)
        ddof = 1 if "--unbiased" in options else 0
        run = "tower" if "--tower" in options else "embed"
        with torch.no_grad():
            out = getattr(model, run)(normalised(x, ddof), rate).numpy()
            bf16 = getattr(rough, run)(normalised(x, ddof), rate).float().numpy()
        assert len(out) == tokens(n, rate), (name, len(out))
        double = getattr(exact, run)(normalised(x, ddof).numpy(), rate)
        worst = max(worst, np.abs(out - double).max() / (out.max() - out.min()))
        store.save_array(folder / f"{name}.expect.npy", out)
        args = ["--samples", f"{name}.npy", *(["--rate", str(rate)] if rate else []), *options]
        store.write_json(folder / f"case-{name}.json",
                         {"kind": "embed", "model": ".", "args": args, "expect": f"{name}.expect.npy",
                          "tolerance": 2e-5, "prints": {"tokens": len(out), "dim": out.shape[1]},
                          "bf16_rms": float(np.sqrt(((bf16.astype(np.float64) - out) ** 2).mean()))})
    print(f"{folder.name:22} {sum(f.stat().st_size for f in folder.iterdir()) // 1024:4} KB  {worst:.1e} from F64")
    return worst


def write_counts(path):
    """Lengths, rates (0: not given) and tokens, many of them where F32 and F64 strides differ."""
    rng = np.random.Generator(np.random.PCG64(7))
    rates = [0, 0.01, 0.5, 1, 5, 7, 10, 20, 36, 50, 99.5, 100, 128, 200, 250, 360, 500, 700, 1000, 1600, 16000, 44100, 1e6]
    rates += [1660 + i / 4 for i in range(20)] + [float(r) for r in np.linspace(1663, 3675, 150).round(2)]
    rates += [float(r) for r in np.exp(rng.uniform(np.log(0.1), np.log(1e5), 150)).round(3)]
    lines = []
    for rate in rates:
        least = 5
        while least <= cut(least, rate)[1]:
            least += 1
        for length in [least, least + 1, *np.exp(rng.uniform(np.log(least), np.log(1e6), 6)).astype(int).tolist()]:
            lines.append(f"{length} {rate:g} {tokens(length, rate)}\n")
    path.write_text("".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    worst = max(make_folder(args.out / name, FOLDERS[name], SIGNALS[name]) for name in FOLDERS)
    write_counts(args.out / "series-counts.txt")
    if worst > 5e-6:
        raise SystemExit("too far from F64")


if __name__ == "__main__":
    main()
