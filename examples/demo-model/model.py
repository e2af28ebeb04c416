"""The text decoder of Intern-S1-Pro in PyTorch: FoPE, grouped-query attention with q/k norm, grouped router.

`Decoder.forward` is the training form (BF16 products, many branches in a row); `Reference` computes the same in F32 with a
key/value cache, straight from the published files, and is what the C library can be compared with.
"""

import json
import math
import os

import torch
import torch.nn.functional as F
from torch import nn

CONFIG = {"hidden_size": 192, "num_hidden_layers": 6, "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 32,
          "num_experts": 16, "num_experts_per_tok": 4, "router_n_groups": 4, "moe_intermediate_size": 64,
          "vocab_size": 1024, "rms_norm_eps": 1e-6, "rope_theta": 10000, "max_position_embeddings": 4096,
          "fope_init_factor": 0.5}
FAST = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32      # products of the training
HEAD_LAYERS = 4          # the running counts are read off the residual stream after this many layers


def frequencies(cfg):
    d = cfg["head_dim"]
    inv = 1.0 / cfg["rope_theta"] ** (torch.arange(0, d, 2, dtype=torch.float32) / d)
    return inv[inv > 2 * math.pi / cfg["max_position_embeddings"]]


def make_coefficients(cfg, seed):
    """Identity plus a fixed random draw, rounded to BF16 so that either reading of the file gives the same numbers."""
    n = len(frequencies(cfg))
    gen = torch.Generator().manual_seed(seed)
    out = []
    for _ in range(2):
        draw = torch.empty(cfg["num_key_value_heads"], n, n)
        nn.init.xavier_normal_(draw, gain=cfg["fope_init_factor"], generator=gen)
        out.append((draw + torch.eye(n)).bfloat16().float())
    return out


def fope_table(cfg, cos_coef, sin_coef, length):
    """[length, kv heads, head_dim / 2] factors; frequencies that were cut off give 1 in both tables."""
    angle = torch.arange(length, dtype=torch.float32)[:, None] * frequencies(cfg)[None]
    cos = torch.einsum("pd,gdj->pgj", angle.cos(), cos_coef)
    sin = torch.einsum("pd,gdj->pgj", angle.sin(), sin_coef)
    pad = cfg["head_dim"] // 2 - cos.shape[-1]
    return F.pad(cos, (0, pad), value=1.0), F.pad(sin, (0, pad), value=1.0)


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, eps, dtype):
        x = x.float()
        scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
        normed = x * scale
        ctx.save_for_backward(normed, scale, weight)
        return (normed * weight).to(dtype)

    @staticmethod
    def backward(ctx, grad):
        normed, scale, weight = ctx.saved_tensors
        grad = grad.float()
        inner = grad * weight
        dx = scale * (inner - normed * (inner * normed).mean(-1, keepdim=True))
        return dx, (grad * normed).flatten(0, -2).sum(0), None, None


class Experts(torch.autograd.Function):
    """y[t] = sum over the chosen experts e of gate[t, e] * down_e(silu(gate_e x) * up_e x).

    (token, expert) pairs are sorted by expert, each expert's share padded so that few different sizes occur.
    """

    @staticmethod
    def forward(ctx, x, gates, w1, w2, chosen):
        tokens, k = chosen.shape
        experts, width = w1.shape[0], w2.shape[2]
        step = 64 if tokens >= 512 else 16
        flat = chosen.reshape(-1)
        order = torch.argsort(flat, stable=True)
        counts = torch.bincount(flat, minlength=experts)
        padded = (counts + step - 1) // step * step
        first = torch.cumsum(padded, 0) - padded
        shift = first - (torch.cumsum(counts, 0) - counts)
        slots = torch.arange(len(flat)) + shift[flat[order]]
        total = int(padded.sum())
        rows = torch.zeros(total, dtype=torch.long)
        rows[slots] = order // k
        slot_gate = torch.zeros(total)
        slot_gate[slots] = gates.detach().reshape(-1)[order]
        slot_of = torch.empty_like(slots)
        slot_of[order] = slots

        spans = [(e, b, b + n) for e, (b, n) in enumerate(zip(first.tolist(), padded.tolist())) if n]
        xs = x.index_select(0, rows)
        hidden = x.new_empty(total, 2 * width)
        for e, b, end in spans:
            torch.mm(xs[b:end], w1[e].t(), out=hidden[b:end])
        gate, up = hidden.chunk(2, 1)
        act = F.silu(gate) * up
        y = x.new_empty(total, x.shape[1])
        for e, b, end in spans:
            torch.mm(act[b:end], w2[e].t(), out=y[b:end])
        picked = y.index_select(0, slot_of).view(tokens, k, -1)
        out = (picked * gates[..., None]).sum(1)
        ctx.save_for_backward(rows, slot_gate, slot_of, xs, hidden, act, picked, w1, w2)
        ctx.spans = spans
        return out

    @staticmethod
    def backward(ctx, grad):
        rows, slot_gate, slot_of, xs, hidden, act, picked, w1, w2 = ctx.saved_tensors
        tokens, k, dim = picked.shape
        dgates = torch.bmm(picked, grad.to(picked.dtype)[:, :, None])[..., 0].float()
        dy = (grad.index_select(0, rows) * slot_gate[:, None]).to(xs.dtype)
        dact = torch.empty_like(act)
        dw2 = torch.zeros_like(w2)
        for e, b, end in ctx.spans:
            torch.mm(dy[b:end], w2[e], out=dact[b:end])
            torch.mm(dy[b:end].t(), act[b:end], out=dw2[e])
        gate, up = hidden.chunk(2, 1)
        sig = torch.sigmoid(gate)
        dhidden = torch.cat([dact * up * (sig * (1 + gate * (1 - sig))), dact * gate * sig], 1)
        dxs = torch.empty_like(xs)
        dw1 = torch.zeros_like(w1)
        for e, b, end in ctx.spans:
            torch.mm(dhidden[b:end], w1[e], out=dxs[b:end])
            torch.mm(dhidden[b:end].t(), xs[b:end], out=dw1[e])
        dx = dxs.index_select(0, slot_of).view(tokens, k, dim).sum(1)
        return dx, dgates, dw1, dw2, None


class Decoder(nn.Module):
    def __init__(self, cfg=CONFIG, seed=7, heads=None):
        super().__init__()
        self.cfg = cfg
        d, n = cfg["hidden_size"], cfg["num_hidden_layers"]
        q, kv = (cfg[k] * cfg["head_dim"] for k in ("num_attention_heads", "num_key_value_heads"))
        experts, width, hd = cfg["num_experts"], cfg["moe_intermediate_size"], cfg["head_dim"]
        gen = torch.Generator().manual_seed(seed)

        def normal(scale, *shape):
            return nn.Parameter(torch.randn(*shape, generator=gen) * scale)

        self.embed = normal(0.5, cfg["vocab_size"], d)
        self.head = normal(d ** -0.5, cfg["vocab_size"], d)
        self.wq, self.wk, self.wv = normal(d ** -0.5, n, q, d), normal(d ** -0.5, n, kv, d), normal(d ** -0.5, n, kv, d)
        self.wo = normal(0.5 * q ** -0.5, n, d, q)
        self.router = normal(0.02, n, experts, d)
        self.w1 = normal(0.7 * d ** -0.5, n, experts, 2 * width, d)
        self.w2 = normal(0.35 * width ** -0.5, n, experts, d, width)
        self.norm1, self.norm2 = nn.Parameter(torch.ones(n, d)), nn.Parameter(torch.ones(n, d))
        self.qnorm, self.knorm = nn.Parameter(torch.ones(n, hd)), nn.Parameter(torch.ones(n, hd))
        self.norm = nn.Parameter(torch.ones(d))
        cos_coef, sin_coef = make_coefficients(cfg, seed)
        self.register_buffer("cos_coef", cos_coef)
        self.register_buffer("sin_coef", sin_coef)
        cos, sin = fope_table(cfg, cos_coef, sin_coef, 1024)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        if heads:
            self.count_norm = nn.Parameter(torch.ones(d))
            self.count_head = normal(0.02, sum(heads), d)

    def matrices(self):
        """Parameters that Muon trains."""
        return [self.wq, self.wk, self.wv, self.wo, self.w1, self.w2]

    def attention(self, x, cos, sin, mask, wqkv, wo, qnorm, knorm):
        cfg, (rows, length, _) = self.cfg, x.shape
        heads, groups, d = cfg["num_attention_heads"], cfg["num_key_value_heads"], cfg["head_dim"]
        eps, per = cfg["rms_norm_eps"], cfg["num_attention_heads"] // cfg["num_key_value_heads"]
        q, k, v = F.linear(x, wqkv).split([heads * d, groups * d, groups * d], -1)
        q = RMSNorm.apply(q.reshape(rows, length, groups, per, d), qnorm * d ** -0.5, eps, torch.float32)
        k = RMSNorm.apply(k.reshape(rows, length, groups, d), knorm, eps, torch.float32)
        q = rotate(q, cos[:, :, :, None], sin[:, :, :, None]).to(x.dtype)
        k = rotate(k, cos, sin).to(x.dtype)
        q = q.permute(0, 2, 3, 1, 4).reshape(rows * groups, per * length, d)
        k = k.transpose(1, 2).reshape(rows * groups, length, d)
        v = v.reshape(rows, length, groups, d).transpose(1, 2).reshape(rows * groups, length, d)
        score = torch.bmm(q, k.transpose(1, 2)).view(rows, groups * per, length, length) + mask[:, None]
        share = score.softmax(-1).view(rows * groups, per * length, length)
        out = torch.bmm(share, v).view(rows, groups, per, length, d).permute(0, 3, 1, 2, 4)
        return F.linear(out.reshape(rows, length, heads * d), wo)

    def route(self, x, router):
        """Best expert of each group, their weights, and the balance loss."""
        cfg = self.cfg
        groups, per = cfg["router_n_groups"], cfg["num_experts"] // cfg["router_n_groups"]
        logits = F.linear(x.float(), router).view(-1, groups, per)
        best, where = logits.max(-1)
        gates = best.softmax(-1)
        share = F.one_hot(where, per).float().mean(0)
        balance = per * (share * logits.softmax(-1).mean(0)).sum(-1).mean()
        return gates, where + torch.arange(groups) * per, balance

    def forward(self, ids, pos, mask, layers=None, dtype=FAST, media=None):
        """Residual stream after `layers` layers (default all), the one after HEAD_LAYERS, mean balance loss.

        `media`: (places among all tokens of the batch, rows that stand there instead of embeddings).
        """
        cfg = self.cfg
        layers = layers or cfg["num_hidden_layers"]
        eps = cfg["rms_norm_eps"]
        cos, sin = self.cos[pos], self.sin[pos]
        wqkv = torch.cat([self.wq, self.wk, self.wv], 1).to(dtype).unbind(0)
        wo, w1, w2 = (w.to(dtype).unbind(0) for w in (self.wo, self.w1, self.w2))
        norm1, norm2, qn, kn, router = (w.unbind(0) for w in (self.norm1, self.norm2, self.qnorm, self.knorm, self.router))
        mask = mask.to(dtype)
        x, balance, middle = F.embedding(ids, self.embed), 0.0, None
        if media is not None:
            x = x.flatten(0, 1).index_copy(0, *media).view_as(x)
        for i in range(layers):
            h = RMSNorm.apply(x, norm1[i], eps, dtype)
            x = x + self.attention(h, cos, sin, mask, wqkv[i], wo[i], qn[i], kn[i])
            h = RMSNorm.apply(x, norm2[i], eps, dtype)
            h = h.view(-1, h.shape[-1])
            gates, chosen, loss = self.route(h, router[i])
            balance = balance + loss / layers
            x = x + Experts.apply(h, gates, w1[i], w2[i], chosen).view_as(x)
            if i + 1 == HEAD_LAYERS:
                middle = x
        return x, middle, balance

    def logits(self, x, dtype=FAST):
        return F.linear(RMSNorm.apply(x, self.norm, self.cfg["rms_norm_eps"], dtype), self.head.to(dtype)).float()

    def counts(self, middle):
        x = RMSNorm.apply(middle, self.count_norm, self.cfg["rms_norm_eps"], torch.float32)
        return F.linear(x, self.count_head)

    # ------------------------------------------------------------------------------------------------- published names

    def in_layers(self):
        return [("input_layernorm", self.norm1), ("post_attention_layernorm", self.norm2),
                ("self_attn.q_norm", self.qnorm), ("self_attn.k_norm", self.knorm),
                ("self_attn.q_proj", self.wq), ("self_attn.k_proj", self.wk), ("self_attn.v_proj", self.wv),
                ("self_attn.o_proj", self.wo), ("mlp.gate", self.router)]

    def published(self):
        """Name -> tensor as the checkpoint stores it: BF16, FoPE coefficients F32."""
        top = "model.language_model."
        out = {top + "embed_tokens.weight": self.embed, top + "norm.weight": self.norm, "lm_head.weight": self.head}
        for i in range(self.cfg["num_hidden_layers"]):
            at = "%slayers.%d." % (top, i)
            for name, stack in self.in_layers():
                out[at + name + ".weight"] = stack[i]
            width = self.cfg["moe_intermediate_size"]
            for e in range(self.cfg["num_experts"]):
                here = "%smlp.experts.%d." % (at, e)
                out[here + "gate_proj.weight"] = self.w1[i, e, :width]
                out[here + "up_proj.weight"] = self.w1[i, e, width:]
                out[here + "down_proj.weight"] = self.w2[i, e]
        out = {name: t.detach().bfloat16().contiguous() for name, t in out.items()}
        out[top + "rotary_emb.cos_coef"] = self.cos_coef.clone()
        out[top + "rotary_emb.sin_coef"] = self.sin_coef.clone()
        return out


    @torch.no_grad()
    def load_published(self, tensors):
        """The reverse of `published`."""
        top = "model.language_model."
        of = lambda name: tensors[name].float()
        self.embed.copy_(of(top + "embed_tokens.weight"))
        self.norm.copy_(of(top + "norm.weight"))
        self.head.copy_(of("lm_head.weight"))
        for i in range(self.cfg["num_hidden_layers"]):
            at = "%slayers.%d." % (top, i)
            for name, stack in self.in_layers():
                stack[i].copy_(of(at + name + ".weight"))
            for e in range(self.cfg["num_experts"]):
                gate, up, down = (of("%smlp.experts.%d.%s_proj.weight" % (at, e, k)) for k in ("gate", "up", "down"))
                self.w1[i, e].copy_(torch.cat([gate, up]))
                self.w2[i, e].copy_(down)
        self.cos_coef.copy_(of(top + "rotary_emb.cos_coef"))
        self.sin_coef.copy_(of(top + "rotary_emb.sin_coef"))
        self.cos, self.sin = fope_table(self.cfg, self.cos_coef, self.sin_coef, 1024)


class Reference:
    """F32 inference from published tensors, several sequences at once, greedy."""

    def __init__(self, tensors, cfg, placeholders=()):
        self.cfg, self.placeholders = cfg, list(placeholders)
        self.w = {name: t.float() for name, t in tensors.items()}
        top = "model.language_model."
        self.layers = [{name[len("%slayers.%d." % (top, i)):]: t for name, t in self.w.items()
                        if name.startswith("%slayers.%d." % (top, i))} for i in range(cfg["num_hidden_layers"])]
        for layer in self.layers:
            n = range(cfg["num_experts"])
            layer["gate"] = torch.stack([layer.pop("mlp.experts.%d.gate_proj.weight" % e) for e in n])
            layer["up"] = torch.stack([layer.pop("mlp.experts.%d.up_proj.weight" % e) for e in n])
            layer["down"] = torch.stack([layer.pop("mlp.experts.%d.down_proj.weight" % e) for e in n])
        self.cos, self.sin = fope_table(cfg, self.w[top + "rotary_emb.cos_coef"], self.w[top + "rotary_emb.sin_coef"], 1024)

    @classmethod
    def load(cls, folder):
        from safetensors.torch import load_file
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
            config = json.load(f)
        ids = [config[k] for k in ("image_token_id", "video_token_id", "ts_token_id") if k in config]
        return cls(load_file(os.path.join(folder, "model.safetensors")), config["text_config"], ids)

    def norm(self, x, weight):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.cfg["rms_norm_eps"]) * weight

    def moe(self, x, layer):
        cfg = self.cfg
        weights = F.linear(x, layer["mlp.gate.weight"]).softmax(-1)
        groups, per = cfg["router_n_groups"], cfg["num_experts"] // cfg["router_n_groups"]
        top, where = weights.view(-1, groups, per).topk(cfg["num_experts_per_tok"] // groups, -1)
        chosen = (where + torch.arange(groups)[:, None] * per).flatten(1)
        top = top.flatten(1)
        top = top / (top.sum(-1, keepdim=True) + 1e-20)
        out = torch.zeros_like(x)
        for e in range(cfg["num_experts"]):
            row, slot = (chosen == e).nonzero(as_tuple=True)
            h = x[row]
            y = F.linear(F.silu(F.linear(h, layer["gate"][e])) * F.linear(h, layer["up"][e]), layer["down"][e])
            out.index_add_(0, row, y * top[row, slot, None])
        return out

    def step(self, ids, pos, cache, valid, media=None):
        """ids, pos [B, n]; `media` as in `Decoder.forward`; cache holds keys and values by position; valid [B, n, P] says what each query may see."""
        cfg, (rows, n) = self.cfg, ids.shape
        heads, groups, d = cfg["num_attention_heads"], cfg["num_key_value_heads"], cfg["head_dim"]
        x = self.w["model.language_model.embed_tokens.weight"][ids]
        if media is not None:
            x = x.flatten(0, 1).index_copy(0, *media).view_as(x)
        cos, sin = self.cos[pos], self.sin[pos]
        at = torch.arange(rows)[:, None]
        for i, layer in enumerate(self.layers):
            h = self.norm(x, layer["input_layernorm.weight"])
            q = F.linear(h, layer["self_attn.q_proj.weight"]).view(rows, n, groups, heads // groups, d)
            k = F.linear(h, layer["self_attn.k_proj.weight"]).view(rows, n, groups, d)
            v = F.linear(h, layer["self_attn.v_proj.weight"]).view(rows, n, groups, d)
            q = rotate(self.norm(q, layer["self_attn.q_norm.weight"]), cos[:, :, :, None], sin[:, :, :, None])
            cache[i][0][at, pos] = rotate(self.norm(k, layer["self_attn.k_norm.weight"]), cos, sin)
            cache[i][1][at, pos] = v
            score = torch.einsum("bngpd,bmgd->bgpnm", q, cache[i][0]) * d ** -0.5
            score = score.masked_fill(~valid[:, None, None], -float("inf")).softmax(-1)
            out = torch.einsum("bgpnm,bmgd->bngpd", score, cache[i][1]).reshape(rows, n, heads * d)
            x = x + F.linear(out, layer["self_attn.o_proj.weight"])
            h = self.norm(x, layer["post_attention_layernorm.weight"])
            x = x + self.moe(h.view(rows * n, -1), layer).view_as(x)
        return F.linear(self.norm(x, self.w["model.language_model.norm.weight"]), self.w["lm_head.weight"])

    @torch.no_grad()
    def generate(self, prompts, stop, limit=48, media=None):
        """Greedy continuation of each list of ids, without the stop id.

        `media`: for each prompt the rows that stand in order for its placeholders, or None.
        """
        rows, longest = len(prompts), max(map(len, prompts))
        room = longest + limit
        cfg = self.cfg
        shape = (rows, room, cfg["num_key_value_heads"], cfg["head_dim"])
        cache = [(torch.zeros(shape), torch.zeros(shape)) for _ in self.layers]
        ids = torch.tensor([p + [0] * (longest - len(p)) for p in prompts])
        size = torch.tensor([len(p) for p in prompts])
        pos = torch.arange(longest).expand(rows, -1)
        span = torch.arange(room)
        valid = span[None, None] <= pos[:, :, None]
        shown = None
        if media and any(m is not None for m in media):
            places = torch.isin(ids, torch.tensor(self.placeholders)).flatten().nonzero().flatten()
            shown = places, torch.cat([m for m in media if m is not None])
        logits = self.step(ids, pos, cache, valid, shown)[torch.arange(rows), size - 1]
        out, live = [[] for _ in prompts], torch.ones(rows, dtype=torch.bool)
        for _ in range(limit):
            token = logits.argmax(-1)
            for r in range(rows):
                if live[r]:
                    if int(token[r]) in stop:
                        live[r] = False
                    else:
                        out[r].append(int(token[r]))
            if not live.any():
                break
            pos = size[:, None]
            logits = self.step(token[:, None], pos, cache, span[None, None] <= pos[:, :, None])[:, 0]
            size = size + 1
        return out
