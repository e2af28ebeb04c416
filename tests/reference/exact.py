#!/usr/bin/env python3
"""An independent check of a golden folder: the formulas of the specification in F64 numpy, from the files.

It shares no code with the makers: it reads config.json and the safetensors files itself, widens BF16 and
FP8 by their definitions, and computes token by token and head by head. The angles of the rotary embedding
are the one thing rounded to F32, because the models are defined so. `python exact.py FOLDER...` prints how far
the committed F32 arrays are from it, and the smallest margins of the choices that were made.
"""
import json
import math
import pathlib
import sys

import numpy as np


def e4m3_table():
    codes = np.arange(256)
    exponent, mantissa = codes >> 3 & 15, codes & 7
    value = np.where(exponent == 0, mantissa * 2.0 ** -9, (8 + mantissa) * 2.0 ** (exponent - 10.0))
    value[(codes & 127) == 127] = np.nan
    return np.where(codes > 127, -value, value)


def decoded(kind, raw):
    if kind == "BF16":
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    if kind == "F8_E4M3":
        return e4m3_table()[np.frombuffer(raw, np.uint8)]
    if kind in ("U8", "F8_E8M0"):
        return 2.0 ** (np.frombuffer(raw, np.uint8).astype(np.float64) - 127)
    return np.frombuffer(raw, {"F32": "<f4", "F16": "<f2", "I8": "<i1"}[kind]).astype(np.float64)


def read_weights(folder):
    stored = {}
    for file in sorted(folder.glob("*.safetensors")):
        raw = file.read_bytes()
        start = 8 + int.from_bytes(raw[:8], "little")
        for name, entry in json.loads(raw[8:start]).items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                stored[name] = decoded(entry["dtype"], raw[start + begin:start + end]).reshape(entry["shape"])
    weights = {}
    for name, tensor in stored.items():
        scale = stored.get(name + "_scale_inv")
        if scale is not None:
            rows, columns = np.indices(tensor.shape) // 128
            tensor = tensor * scale[rows, columns]
        weights[name] = tensor * stored.get(name + "_scale", 1.0)
    return weights


def bf16(x):
    """F32 numbers rounded to nearest even."""
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000).astype(np.uint32).view(np.float32)


def leeway(x, distance):
    """The least of the distances to where another number is rounded to, of the size of what is rounded: roundings before
    leave behind a share of it, and of its neighbours."""
    size = np.abs(x) + np.median(np.abs(x), axis=-1, keepdims=True)
    return np.divide(distance, size, out=np.full_like(x, np.inf), where=x != 0).min()


def tie_distance(x):
    """How far the nearest border between two bfloat16 numbers is."""
    step = np.exp2(np.floor(np.log2(np.where(x == 0, 1, np.abs(x)))) - 7)
    return np.abs(x / step - np.floor(x / step) - 0.5) * step


def flips(most):
    """The fewest steps of F32 from `most` to a number that is another multiple of its own scale; at most 32."""
    near = (np.float32(most).view(np.int32) + np.arange(-32, 33, dtype=np.int32)).view(np.float32)
    is_less = near / (near / np.float32(127.5)) < np.float32(127.5)
    other = np.abs(np.arange(-32, 33))[is_less != is_less[32]]
    return other.min() if len(other) else 32


def tokens(x):
    """What stands for rows of 8 bits, and the leeway. The largest number of a row is 127.5 scales or one rounding less;
    where it is negative, that is -128 or -127."""
    x32 = x.astype(np.float32)
    scale = np.abs(x32).max(-1, keepdims=True) / np.float32(127.5)
    steps = np.divide(x32, scale, out=np.zeros_like(x32), where=scale > 0)
    codes = np.clip(np.rint(steps), -128, 127)
    is_end = (steps > 127) | (steps < -127.49)
    margin = leeway(x, np.where(is_end, np.inf, np.abs(steps - np.floor(steps) - 0.5) * scale))
    for row in x32.reshape(-1, x.shape[-1]):
        if row.min() == -np.abs(row).max() < 0:
            margin = min(margin, flips(-row.min()) * 2.0 ** -24)
    return codes * scale.astype(np.float64), margin


def silu(x):
    return x / (1 + np.exp(-x))


class Model:
    def __init__(self, folder):
        config = json.loads((folder / "config.json").read_text())
        self.c = config.get("text_config", config)
        self.w = read_weights(folder)
        self.kind = self.c["model_type"]
        self.root = "model." if self.kind == "internlm2" else "model.language_model."
        self.rope = self.c.get("rope_scaling") or self.c.get("rope_parameters") or {}
        self.theta = self.c.get("rope_theta", self.rope.get("rope_theta"))
        self.eps = self.c["rms_norm_eps"]
        self.nq, self.nkv = self.c["num_attention_heads"], self.c["num_key_value_heads"]
        self.d = self.c.get("head_dim") or self.c["hidden_size"] // self.nq
        self.is_int8 = config.get("quantization_config", {}).get("format") == "int-quantized"
        self.step_margin = np.inf

    def __getitem__(self, name):
        return self.w[self.root + name]

    def rounded(self, x):
        """What a projection multiplies."""
        if not self.is_int8:
            return x
        x, margin = tokens(x)
        self.step_margin = min(self.step_margin, margin)
        return x

    def norm(self, x, weight):
        return weight * x / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps)

    # Rotary tables: one (cos, sin) pair of [n][d/2] for each K head.

    def frequencies(self, context):
        d, f32 = self.d, np.float32
        kind = self.rope.get("rope_type", self.rope.get("type", "default"))
        theta, longest = float(self.theta), self.c["max_position_embeddings"]
        if kind == "dynamic" and context > longest:
            s = self.rope["factor"]
            theta *= (s * context / longest - s + 1) ** (d / (d - 2))
        power = [f32(math.pow(theta, float(f32(2 * i) / f32(d)))) for i in range(d // 2)]
        inverse = np.array([f32(1) / p for p in power])
        if kind == "linear":
            inverse = inverse / f32(self.rope["factor"])
        if kind != "yarn":
            return inverse, 1.0
        factor, original = self.rope["factor"], self.rope["original_max_position_embeddings"]
        turns = [self.rope.get(k) or default for k, default in (("beta_fast", 32), ("beta_slow", 1))]
        low, high = (d * math.log(original / (2 * math.pi * t)) / (2 * math.log(self.theta)) for t in turns)
        low, high = max(math.floor(low), 0), min(math.ceil(high), d - 1)
        ramp = np.clip((np.arange(d // 2) - low) / ((high - low) or 0.001), 0, 1)
        inverse = (inverse * (1 - ramp) + inverse / factor * ramp).astype(f32)
        return inverse, self.rope.get("attention_factor") or 0.1 * math.log(factor) + 1

    def tables(self, n, context, rounded=True):
        inverse, scale = self.frequencies(context)
        angles = np.arange(n, dtype=np.float32)[:, None] * inverse
        if not rounded:
            angles = np.arange(n)[:, None] * inverse.astype(np.float64)
        angles = angles.astype(np.float64)
        if not any(self.rope.get(k) is not None for k in ("fope_init_factor", "fope_sep_head", "num_inv_freq")):
            return [(np.cos(angles) * scale, np.sin(angles) * scale)] * self.nkv
        cos_coef, sin_coef = self["rotary_emb.cos_coef"], self["rotary_emb.sin_coef"]
        kept = cos_coef.shape[-1]
        threshold = np.float32(2 * math.pi / self.c["max_position_embeddings"])
        assert kept == (self.rope.get("num_inv_freq") or (inverse > threshold).sum())
        out = []
        for g in range(self.nkv):
            mix = (cos_coef, sin_coef) if cos_coef.ndim == 2 else (cos_coef[g], sin_coef[g])
            pair = []
            for wave, m in zip((np.cos, np.sin), mix):
                table = np.ones((n, self.d // 2))
                for j in range(kept):
                    table[:, j] = sum(wave(angles[:, D]) * m[D, j] for D in range(kept))
                pair.append(table)
            out.append(tuple(pair))
        return out

    # One layer.

    def projections(self, h, i):
        """q, k, v of one layer as lists of heads, [n][d] each; output weight; bias of the output or 0."""
        d = self.d
        if self.kind != "internlm2":
            at, h = f"layers.{i}.self_attn.", self.rounded(h)
            cut = lambda p, count: [h @ self[f"{at}{p}_proj.weight"][x * d:(x + 1) * d].T for x in range(count)]
            q = [self.norm(x, self[at + "q_norm.weight"]) for x in cut("q", self.nq)]
            k = [self.norm(x, self[at + "k_norm.weight"]) for x in cut("k", self.nkv)]
            return q, k, cut("v", self.nkv), self[at + "o_proj.weight"], 0.0
        at, r = f"layers.{i}.attention.", self.nq // self.nkv
        bias = self.w.get(self.root + at + "wqkv.bias", np.zeros((self.nq + 2 * self.nkv) * d))
        rows = lambda start: h @ self[at + "wqkv.weight"][start * d:(start + 1) * d].T + bias[start * d:(start + 1) * d]
        q = [rows(n // r * (r + 2) + n % r) for n in range(self.nq)]
        k = [rows(g * (r + 2) + r) for g in range(self.nkv)]
        v = [rows(g * (r + 2) + r + 1) for g in range(self.nkv)]
        return q, k, v, self[at + "wo.weight"], self.w.get(self.root + at + "wo.bias", 0.0)

    def turn(self, x, cos, sin):
        half = self.d // 2
        a, b = x[:, :half], x[:, half:]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=1)

    def attention(self, h, i, tables):
        q, k, v, out, bias = self.projections(h, i)
        k = [self.turn(x, *tables[g]) for g, x in enumerate(k)]
        n, heads = len(h), []
        for head, x in enumerate(q):
            g = head * self.nkv // self.nq
            scores = self.turn(x, *tables[g]) @ k[g].T / math.sqrt(self.d)
            scores[np.triu_indices(n, 1)] = -np.inf
            p = np.exp(scores - scores.max(1, keepdims=True))
            heads.append(p / p.sum(1, keepdims=True) @ v[g])
        return self.rounded(np.concatenate(heads, axis=1)) @ out.T + bias

    def choose(self, logits):
        """Experts ascending, gates, and by how much the last chosen beats the first refused (in logits)."""
        p = np.exp(logits - logits.max())
        p /= p.sum()
        groups = max(self.c.get("router_n_groups") or 1, 1)
        size, each = len(p) // groups, self.c["num_experts_per_tok"] // groups
        chosen, margin = [], np.inf
        for g in range(groups):
            order = sorted(range(g * size, (g + 1) * size), key=lambda e: (-p[e], e))
            chosen += order[:each]
            if each < size:
                margin = min(margin, logits[order[each - 1]] - logits[order[each]])
        chosen = sorted(chosen)
        gates = p[chosen]
        if self.c.get("norm_topk_prob", self.kind == "interns1_pro_text"):
            gates = gates / gates.sum()
        return chosen, gates, margin

    def expert(self, x, at, e):
        if self.root + at + "experts.gate_up_proj" in self.w:
            both = x @ self[at + "experts.gate_up_proj"][e]
            half = len(both) // 2
            return silu(both[:half]) * both[half:] @ self[at + "experts.down_proj"][e]
        gate, up, down = (self[f"{at}experts.{e}.{p}_proj.weight"] for p in ("gate", "up", "down"))
        x = self.rounded(x)
        return down @ self.rounded(silu(gate @ x) * (up @ x))

    def mlp(self, h, i, result):
        at = f"layers.{i}.mlp."
        if self.kind == "internlm2":
            at = f"layers.{i}.feed_forward."
            return (silu(h @ self[at + "w1.weight"].T) * (h @ self[at + "w3.weight"].T)) @ self[at + "w2.weight"].T
        if self.root + at + "gate.weight" not in self.w:
            gate, up, down = (self[f"{at}{p}_proj.weight"].T for p in ("gate", "up", "down"))
            h = self.rounded(h)
            return self.rounded(silu(h @ gate) * (h @ up)) @ down
        experts, gates, out = [], [], []
        for x in h:
            chosen, weight, margin = self.choose(self[at + "gate.weight"] @ x)
            experts.append(chosen)
            gates.append(weight)
            result["margin"] = min(result["margin"], margin)
            out.append(sum(g * self.expert(x, at, e) for g, e in zip(weight, chosen)))
        result["experts"].append(np.array(experts))
        result["gates"].append(np.array(gates))
        return np.array(out)

    def embed(self, ids):
        return self["tok_embeddings.weight" if self.kind == "internlm2" else "embed_tokens.weight"][ids]

    def run(self, x, context=0, rounded=True):
        names = ("input_layernorm", "post_attention_layernorm")
        if self.kind == "internlm2":
            names = ("attention_norm", "ffn_norm")
        tables = self.tables(len(x), context or len(x), rounded)
        result = {"hidden": [x], "experts": [], "gates": [], "margin": np.inf}
        for i in range(self.c["num_hidden_layers"]):
            x = x + self.attention(self.norm(x, self[f"layers.{i}.{names[0]}.weight"]), i, tables)
            x = x + self.mlp(self.norm(x, self[f"layers.{i}.{names[1]}.weight"]), i, result)
            result["hidden"].append(x)
        head = self.w.get("output.weight", self.w.get("lm_head.weight"))
        tied = self.embed(slice(None))
        last = self.norm(x, self["norm.weight"])
        if self.is_int8:
            self.step_margin = min(self.step_margin, leeway(last, tie_distance(last)))
            last = bf16(last).astype(np.float64)
        result["logits"] = last @ (tied if head is None else head).T
        return result


def line_input(model, folder, line):
    """Embeddings of a line of in.jsonl, placeholders replaced."""
    if isinstance(line, list):
        return model.embed(line)
    x = model.embed(line["ids"]).copy()
    config = json.loads((folder / "config.json").read_text())
    x[np.array(line["ids"]) == config["image_token_id"]] = np.concatenate([np.load(folder / f) for f in line["embeds"]])
    return x


def distance(got, want):
    span = float(want.max() - want.min()) or 1.0
    return float(np.abs(got - want).max()) / span


def check_line(model, folder, expect, number, line, context, worst):
    load = lambda what: np.load(expect / f"{number}.{what}.npy")
    have = lambda what: (expect / f"{number}.{what}.npy").exists()
    ids = line if isinstance(line, list) else line["ids"]
    greedy = load("greedy") if have("greedy") else np.zeros(0, np.int32)
    x = np.concatenate([line_input(model, folder, line), model.embed(greedy)])
    exact, n = model.run(x, context or len(ids)), len(ids)
    if have("logits"):
        worst["logits"] = max(worst["logits"], distance(load("logits"), exact["logits"][:n]))
    if have("hidden"):
        pairs = zip(load("hidden"), exact["hidden"])
        worst["hidden"] = max([worst["hidden"]] + [distance(got, want[:n]) for got, want in pairs])
    if have("experts") and exact["experts"]:
        assert (load("experts") == np.array(exact["experts"])[:, :n]).all(), f"experts of line {number}"
        worst["gates"] = max(worst["gates"], distance(load("gates"), np.array(exact["gates"])[:, :n]))
    worst["router margin"] = min(worst["router margin"], exact["margin"])
    steps = exact["logits"][n - 1:n - 1 + len(greedy)]
    assert (steps.argmax(-1) == greedy).all(), f"greedy of line {number}"
    if len(greedy):
        top, span = np.sort(steps, axis=-1), exact["logits"].max() - exact["logits"].min()
        worst["greedy margin"] = min(worst["greedy margin"], float((top[:, -1] - top[:, -2]).min() / span))


def check_folder(folder):
    model = Model(folder)
    worst = {"logits": 0.0, "hidden": 0.0, "gates": 0.0, "router margin": np.inf, "greedy margin": np.inf}
    seen = set()
    for file in sorted(folder.glob("case*.json")):
        case = json.loads(file.read_text())
        options = case["options"]
        context = int(options[options.index("--ctx") + 1]) if "--ctx" in options else 0
        if case["expect"] in seen:
            continue
        seen.add(case["expect"])
        lines = [json.loads(l) for l in (folder / case["lines"]).read_text().splitlines()]
        longest = max(len(l if isinstance(l, list) else l["ids"]) for l in lines)
        for number, line in enumerate(lines):
            check_line(model, folder, folder / case["expect"], number, line, context or longest, worst)
    worst["step margin"] = model.step_margin
    return worst


def main():
    for path in sys.argv[1:]:
        folder = pathlib.Path(path)
        print(f"{folder.name:24}", " ".join(f"{k} {v:.1e}" for k, v in check_folder(folder).items()))


if __name__ == "__main__":
    main()
