"""The reference of the decoders that transformers lacks, written from the specification in plain torch.

Intern-S1-Pro (FoPE, grouped router) and InternLM2 (fused wqkv, dynamic NTK). The same code can compute
Qwen3 and Qwen3-MoE too, so that crosscheck.py can hold it against transformers where both exist.
"""
import math

import torch
import torch.nn.functional as F


def rms_norm(x, weight, eps):
    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return weight * wide.to(x.dtype)


class Rotary:
    """cos and sin [kv heads or 1][n][head_dim], from angles that are rounded to F32."""

    def __init__(self, text, weights, dtype, context):
        self.text, self.dtype, self.context = text, dtype, context
        self.scaling = text.get("rope_scaling") or text.get("rope_parameters") or {}
        self.theta = text.get("rope_theta") or self.scaling["rope_theta"]
        self.dim = text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"]
        self.fope = any(self.scaling.get(k) is not None for k in ("fope_init_factor", "fope_sep_head", "num_inv_freq"))
        if self.fope:
            # The official class, loaded with dtype bf16, rounds both to bf16 and computes in F32.
            self.coef = [weights[f"model.language_model.rotary_emb.{k}_coef"].to(dtype).float() for k in ("cos", "sin")]

    def frequencies(self):
        kind = self.scaling.get("rope_type") or self.scaling.get("type") or "default"
        exponent = torch.arange(0, self.dim, 2, dtype=torch.float32) / self.dim
        theta, longest = self.theta, self.text["max_position_embeddings"]
        if kind == "dynamic" and self.context > longest:
            s = self.scaling["factor"]
            theta = theta * (s * self.context / longest - (s - 1)) ** (self.dim / (self.dim - 2))
        inverse = 1.0 / theta ** exponent
        if kind == "linear":
            inverse = inverse / self.scaling["factor"]
        elif kind not in ("default", "dynamic"):
            raise ValueError(f"rope type {kind} is not in this module")
        return inverse

    def __call__(self, n):
        inverse = self.frequencies()
        if self.fope:
            kept = self.scaling.get("num_inv_freq")
            if kept is None:
                kept = int((inverse > 2 * math.pi / self.text["max_position_embeddings"]).sum())
            inverse = inverse[:kept]
        angles = torch.arange(n, dtype=torch.float32)[:, None] * inverse
        pair = [angles.cos()[None], angles.sin()[None]]
        if self.fope:
            # Channels without a frequency get 1 in both tables; models were trained with it.
            pair = [F.pad(p @ coef, (0, self.dim // 2 - kept), value=1.0) for p, coef in zip(pair, self.coef)]
        return [torch.cat([p, p], dim=-1).to(self.dtype) for p in pair]


def rotate(x, cos, sin):
    """x [heads][n][d]; cos and sin for each group of heads that shares a K head, or one for all."""
    heads = x.shape[0] // cos.shape[0]
    cos, sin = cos.repeat_interleave(heads, 0), sin.repeat_interleave(heads, 0)
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * cos + turned * sin


def attend(q, k, v):
    repeat = q.shape[0] // k.shape[0]
    k, v = k.repeat_interleave(repeat, 0), v.repeat_interleave(repeat, 0)
    n = q.shape[1]
    scores = q @ k.transpose(1, 2) * q.shape[-1] ** -0.5
    scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -torch.inf)
    mixed = torch.softmax(scores, dim=-1, dtype=torch.float32).to(q.dtype) @ v
    return mixed.transpose(0, 1).reshape(n, -1)


def route(logits, text):
    """Chosen experts, ascending, and their weights."""
    weights = torch.softmax(logits, dim=-1, dtype=torch.float32)
    groups, top = text.get("router_n_groups") or 0, text["num_experts_per_tok"]
    if groups > 1:
        size = text["num_experts"] // groups
        _, inside = weights.view(-1, groups, size).topk(top // groups, dim=-1)
        chosen = (inside + torch.arange(groups)[:, None] * size).flatten(1)
    else:
        _, chosen = weights.topk(top, dim=-1)
    chosen, _ = chosen.sort(dim=-1)
    gates = weights.gather(-1, chosen)
    if text.get("norm_topk_prob", text["model_type"] == "interns1_pro_text"):
        gates = gates / (gates.sum(-1, keepdim=True) + 1e-20)
    return chosen, gates.to(logits.dtype)


class Reference:
    def __init__(self, config, weights, dtype=torch.float32, context=None):
        self.text = config.get("text_config", config)
        self.weights = {name: t.to(dtype) for name, t in weights.items()}
        self.rotary = Rotary(self.text, weights, dtype, context)
        self.internlm2 = self.text["model_type"] == "internlm2"
        self.prefix = "model." if self.internlm2 else "model.language_model."
        self.dim = self.rotary.dim

    def tensor(self, name):
        return self.weights[self.prefix + name]

    def head(self):
        name = "output.weight" if self.internlm2 else "lm_head.weight"
        return self.weights.get(name, self.embedding())

    def multiply_head(self, x):
        return F.linear(x, self.head())

    def embedding(self):
        return self.tensor("tok_embeddings.weight" if self.internlm2 else "embed_tokens.weight")

    def embed(self, ids):
        return self.embedding()[torch.tensor(ids)]

    def norm(self, x, name):
        return rms_norm(x, self.tensor(name), self.text["rms_norm_eps"])

    def heads(self, x):
        return x.view(len(x), -1, self.dim).transpose(0, 1)

    def linear(self, x, name):
        return F.linear(x, self.tensor(name + ".weight"), self.weights.get(f"{self.prefix}{name}.bias"))

    def internlm2_attention(self, x, layer, cos, sin):
        at = f"layers.{layer}.attention."
        h = self.norm(x, f"layers.{layer}.attention_norm.weight")
        qkv = self.linear(h, at + "wqkv")
        groups = self.text["num_key_value_heads"]
        each = self.text["num_attention_heads"] // groups
        qkv = qkv.view(len(x), groups, each + 2, self.dim)
        q = qkv[:, :, :each].reshape(len(x), -1, self.dim).transpose(0, 1)
        k, v = qkv[:, :, each].transpose(0, 1), qkv[:, :, each + 1].transpose(0, 1)
        mixed = attend(rotate(q, cos, sin), rotate(k, cos, sin), v)
        return x + self.linear(mixed, at + "wo")

    def attention(self, x, layer, cos, sin):
        if self.internlm2:
            return self.internlm2_attention(x, layer, cos, sin)
        at = f"layers.{layer}.self_attn."
        h = self.norm(x, f"layers.{layer}.input_layernorm.weight")
        q, k, v = (self.heads(self.linear(h, f"{at}{p}_proj")) for p in "qkv")
        q, k = self.norm(q, at + "q_norm.weight"), self.norm(k, at + "k_norm.weight")
        mixed = attend(rotate(q, cos, sin), rotate(k, cos, sin), v)
        return x + self.linear(mixed, at + "o_proj")

    def expert(self, h, layer, e):
        at = f"layers.{layer}.mlp.experts."
        if self.prefix + at + "gate_up_proj" in self.weights:
            gate, up = (h @ self.tensor(at + "gate_up_proj")[e]).chunk(2, dim=-1)
            return F.silu(gate) * up @ self.tensor(at + "down_proj")[e]
        return self.swiglu(h, *(f"{at}{e}.{p}_proj" for p in ("gate", "up", "down")))

    def swiglu(self, h, gate, up, down):
        return self.linear(F.silu(self.linear(h, gate)) * self.linear(h, up), down)

    def experts(self, h, layer, routed):
        chosen, gates = route(self.linear(h, f"layers.{layer}.mlp.gate"), self.text)
        routed.append((chosen, gates))
        out = torch.zeros_like(h)
        for e in chosen.unique().tolist():
            token, slot = (chosen == e).nonzero(as_tuple=True)
            out.index_add_(0, token, self.expert(h[token], layer, e) * gates[token, slot, None])
        return out

    def mlp(self, x, layer, routed):
        at = f"layers.{layer}."
        if self.internlm2:
            h = self.norm(x, at + "ffn_norm.weight")
            return x + self.swiglu(h, *(f"{at}feed_forward.{w}" for w in ("w1", "w3", "w2")))
        h = self.norm(x, at + "post_attention_layernorm.weight")
        if self.prefix + at + "mlp.gate.weight" in self.weights:
            return x + self.experts(h, layer, routed)
        return x + self.swiglu(h, *(f"{at}mlp.{p}_proj" for p in ("gate", "up", "down")))

    @torch.no_grad()
    def run(self, embeddings):
        """Give logits [n][vocab], hidden [layers + 1][n][hidden], experts and gates of each MoE layer."""
        x, routed = embeddings, []
        hidden = [x]
        cos, sin = self.rotary(len(x))
        for layer in range(self.text["num_hidden_layers"]):
            x = self.mlp(self.attention(x, layer, cos, sin), layer, routed)
            hidden.append(x)
        logits = self.multiply_head(self.norm(x, "norm.weight"))
        return {"logits": logits.float(), "hidden": torch.stack(hidden).float(),
                "experts": [experts for experts, _ in routed], "gates": [gates.float() for _, gates in routed]}
