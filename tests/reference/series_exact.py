"""An independent computation of the time-series encoder in F64 numpy, from the files and the formulas alone."""
import json
import math

import numpy as np

from exact import read_weights

TAPS = 5


def norm(x, w, b):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5) * w + b


def gelu(x):
    return np.vectorize(lambda v: v * (1 + math.erf(v / math.sqrt(2))) / 2)(x)


def attention(q, k, v, heads, causal):
    out, d = np.zeros_like(q), q.shape[1] // heads
    for h in range(heads):
        s = slice(h * d, (h + 1) * d)
        for t in range(len(q)):
            seen = t + 1 if causal else len(q)
            score = k[:seen, s] @ q[t, s] / math.sqrt(d)
            p = np.exp(score - score.max())
            out[t, s] = p @ v[:seen, s] / p.sum()
    return out


class Model:
    def __init__(self, folder, encoder, projector):
        self.ts = json.loads((folder / "config.json").read_text())["ts_config"]
        weights = read_weights(folder)
        self.w = {k.removeprefix(encoder): v for k, v in weights.items() if k.startswith(encoder)}
        self.p = {k.removeprefix(projector): v for k, v in weights.items() if k.startswith(projector)}

    def affine(self, x, name, of=None):
        of = self.w if of is None else of
        return x @ of[name + ".weight"].T + of.get(name + ".bias", 0)

    def norm(self, x, name, of=None):
        of = self.w if of is None else of
        return norm(x, of[name + ".weight"], of[name + ".bias"])

    def patch(self, u):
        """The samples of one sequence to one vector."""
        at, w = "encoder_embed.transformer_encoder.layers.0.", self.w
        kernel, padded = w["encoder_embed.conv.weight"][:, 0], np.pad(u, TAPS // 2)
        x = np.stack([kernel @ padded[t:t + TAPS] for t in range(len(u))]) + w["encoder_embed.conv.bias"]
        x = np.maximum(x, 0) + w["encoder_embed.pos_encoder.pe"][:len(u), 0]
        q, k, v = np.split(x @ w[at + "self_attn.in_proj_weight"].T + w[at + "self_attn.in_proj_bias"], 3, axis=1)
        x = self.norm(x + self.affine(attention(q, k, v, 8, False), at + "self_attn.out_proj"), at + "norm1")
        ff = self.affine(np.maximum(self.affine(x, at + "linear1"), 0), at + "linear2")
        return self.norm(x + ff, at + "norm2").mean(0)

    def pairs(self, x, rate):
        n, channels = x.shape
        rate = np.float32(rate if rate else max(n / 4, 1))
        stride = int(np.float32(160) / (np.float32(1) + np.exp(-rate / np.float32(100))) ** np.float32(6))
        out = []
        for first in range(0, n - 2 * stride + stride, stride):
            samples = x[first:first + 2 * stride]
            samples = np.pad(samples, ((0, 2 * stride - len(samples)), (0, 0))).ravel().astype(np.float64)
            out.append(np.mean([self.patch(samples[c * 2 * stride:(c + 1) * 2 * stride]) for c in range(channels)], 0))
        return [np.concatenate(out[i:i + 2]) for i in range(0, len(out) - 1, 2)]

    def convolve(self, rows, name, step):
        """Three rows to one, zeros around."""
        w, b = self.w[name + ".weight"], self.w[name + ".bias"]
        zero = np.zeros_like(rows[0])
        at = lambda i: rows[i] if 0 <= i < len(rows) else zero
        return gelu(np.stack([sum(w[:, :, k] @ at(t + k - 1) for k in range(3)) + b
                              for t in range(0, len(rows), step)]))

    def tower(self, x, rate):
        x = self.affine(np.stack(self.pairs(x, rate)), "encoder.adapt_in")
        x = self.convolve(self.convolve(x, "encoder.conv1", 1), "encoder.conv2", 2)
        table = self.w["encoder.embed_positions.weight"]
        for t in range(min(len(x), len(table))):
            x[t] += table[t]
        for i in range(self.ts["encoder_layers"]):
            at = f"encoder.layers.{i}."
            n = self.norm(x, at + "self_attn_layer_norm")
            q, k, v = (self.affine(n, f"{at}self_attn.{r}_proj") for r in "qkv")
            seen = attention(q, k, v, self.ts["encoder_attention_heads"], True)
            x = x + self.affine(seen, at + "self_attn.out_proj")
            n = self.norm(x, at + "final_layer_norm")
            x = x + self.affine(gelu(self.affine(n, at + "fc1")), at + "fc2")
        return self.affine(self.norm(x, "encoder.layer_norm"), "encoder.adapt_out")

    def embed(self, x, rate):
        x = self.norm(self.tower(x, rate), "layer_norm", self.p)
        return self.affine(gelu(self.affine(x, "linear_1", self.p)), "linear_2", self.p)
