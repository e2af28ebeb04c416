"""Tiny random checkpoints: the configs and tensor names of each family member at odd sizes.

A recipe is a dict of sizes and switches; `tensors(recipe)` gives the F32 tensors under the names of the
checkpoint, `config(recipe)` the config.json. Sizes are no multiples of any vector length on purpose.
"""
import math
import zlib

import numpy as np
import torch

TOP = {"mini": ("InternS1ForConditionalGeneration", "interns1", "Qwen3ForCausalLM", "qwen3"),
       "moe": ("InternS1ForConditionalGeneration", "interns1", "Qwen3MoeForCausalLM", "qwen3_moe"),
       "pro": ("InternS1ProForConditionalGeneration", "interns1_pro", None, "interns1_pro_text"),
       "internlm2": ("InternLM2ForCausalLM", "internlm2", None, "internlm2")}
SIZES = {"vocab": "vocab_size", "hidden": "hidden_size", "layers": "num_hidden_layers",
         "heads": "num_attention_heads", "kv": "num_key_value_heads", "inter": "intermediate_size",
         "head_dim": "head_dim", "experts": "num_experts", "top": "num_experts_per_tok",
         "expert_inter": "moe_intermediate_size", "groups": "router_n_groups", "theta": "rope_theta",
         "max_position": "max_position_embeddings"}
DEFAULTS = {"layers": 2, "theta": 10000.0, "max_position": 4096, "eps": 1e-6, "tied": False, "mlp_only": []}
DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


def text_config(r):
    top = TOP[r["member"]]
    out = {"architectures": [top[2]]} if top[2] else {}
    out |= {"attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 0, "eos_token_id": 0,
            "hidden_act": "silu", "initializer_range": 0.02, "model_type": top[3]}
    out |= {SIZES[k]: r[k] for k in SIZES if k in r}
    out |= {"rms_norm_eps": r["eps"], "tie_word_embeddings": r["tied"], "use_cache": True}
    if r["member"] in ("mini", "moe"):
        # The window is off, so its number says nothing; a reader that believes it fails on long lines.
        out |= {"max_window_layers": 1, "sliding_window": 4, "use_sliding_window": False}
    if "experts" in r:
        out |= {"decoder_sparse_step": 1, "mlp_only_layers": r["mlp_only"], "norm_topk_prob": r.get("norm_top", True)}
        out.setdefault("intermediate_size", 4 * r["expert_inter"])
    if r.get("style") == 5:
        # As transformers 5 writes it.
        out["rope_parameters"] = {"rope_theta": out.pop("rope_theta"), "rope_type": "default"} | (r.get("rope") or {})
        out["dtype"] = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}[r["stored"]]
    else:
        out["rope_scaling"] = r.get("rope")
        out["torch_dtype"] = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}[r["stored"]]
    return out


def config(r):
    architecture, kind, _, _ = TOP[r["member"]]
    text = text_config(r)
    if r["member"] == "internlm2":
        for key in ("attention_bias", "attention_dropout", "head_dim"):
            text.pop(key, None)
        return {"architectures": [architecture], "attn_implementation": "eager", "bias": r.get("bias", False),
                "pad_token_id": 2} | text
    special = {"image_token_id": r["vocab"] - 3}
    if r["member"] == "pro":
        special |= {"video_token_id": r["vocab"] - 2, "vision_start_token_id": r["vocab"] - 5,
                    "vision_end_token_id": r["vocab"] - 4, "tie_word_embeddings": r["tied"]}
    else:
        # The outer flag is the base class's default and says nothing.
        special |= {"downsample_ratio": 0.5, "image_seq_length": 256, "projector_hidden_act": "gelu",
                    "tie_word_embeddings": True, "vision_feature_layer": -1,
                    "vision_feature_select_strategy": "default"}
    return {"architectures": [architecture], "model_type": kind} | special | {"text_config": text}


def kept_frequencies(r):
    """How many rotary frequencies FoPE keeps."""
    fixed = r["rope"].get("num_inv_freq")
    exponent = torch.arange(0, r["head_dim"], 2, dtype=torch.float32) / r["head_dim"]
    return fixed or int((1.0 / r["theta"] ** exponent > 2 * math.pi / r["max_position"]).sum())


class Random:
    def __init__(self, name):
        self.rng = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))

    def normal(self, *shape, std=1.0, mean=0.0):
        return torch.from_numpy((mean + std * self.rng.standard_normal(shape)).astype(np.float32))

    def linear(self, out, into, gain=1.0):
        return self.normal(out, into, std=gain * into ** -0.5)

    def norm(self, size, mean=1.0):
        return self.normal(size, std=0.2, mean=mean)


def attention_tensors(r, rnd, at):
    h, d = r["hidden"], r["head_dim"]
    return {at + "q_proj.weight": rnd.linear(r["heads"] * d, h), at + "k_proj.weight": rnd.linear(r["kv"] * d, h),
            at + "v_proj.weight": rnd.linear(r["kv"] * d, h), at + "o_proj.weight": rnd.linear(h, r["heads"] * d),
            at + "q_norm.weight": rnd.norm(d, 1.3), at + "k_norm.weight": rnd.norm(d, 1.3)}


def expert_tensors(r, rnd, at):
    h, i, n = r["hidden"], r["expert_inter"], r["experts"]
    out = {at + "gate.weight": rnd.linear(n, h, 2.0)}
    each = [(rnd.linear(i, h), rnd.linear(i, h), rnd.linear(h, i, 2.0)) for _ in range(n)]
    if r.get("fused"):
        # [expert][in][out], gate columns before up columns.
        out[at + "experts.gate_up_proj"] = torch.stack([torch.cat([g, u]).T for g, u, _ in each]).contiguous()
        out[at + "experts.down_proj"] = torch.stack([d.T for _, _, d in each]).contiguous()
        return out
    for e, three in enumerate(each):
        out |= {f"{at}experts.{e}.{p}_proj.weight": w for p, w in zip(("gate", "up", "down"), three)}
    return out


def mlp_tensors(r, rnd, at):
    h, i = r["hidden"], r.get("inter") or 4 * r["expert_inter"]
    return {at + "gate_proj.weight": rnd.linear(i, h), at + "up_proj.weight": rnd.linear(i, h),
            at + "down_proj.weight": rnd.linear(h, i, 2.0)}


def language_tensors(r, rnd):
    root, h = "model.language_model.", r["hidden"]
    out = {root + "embed_tokens.weight": rnd.normal(r["vocab"], h)}
    for layer in range(r["layers"]):
        at = f"{root}layers.{layer}."
        out[at + "input_layernorm.weight"] = rnd.norm(h)
        out |= attention_tensors(r, rnd, at + "self_attn.")
        out[at + "post_attention_layernorm.weight"] = rnd.norm(h)
        routed = "experts" in r and layer not in r["mlp_only"]
        out |= (expert_tensors if routed else mlp_tensors)(r, rnd, at + "mlp.")
    out[root + "norm.weight"] = rnd.norm(h)
    if r["member"] == "pro":
        count = kept_frequencies(r)
        shape = (r["kv"], count, count) if r["rope"].get("fope_sep_head") else (count, count)
        for which in ("cos", "sin"):
            # Xavier normal with gain fope_init_factor, plus the identity, as before training.
            std = (r["rope"].get("fope_init_factor") or 0.5) / count ** 0.5
            out[f"{root}rotary_emb.{which}_coef"] = rnd.normal(*shape, std=std) + torch.eye(count)
    if not r["tied"]:
        out["lm_head.weight"] = rnd.linear(r["vocab"], h, 3.0)
    return out


def internlm2_tensors(r, rnd):
    h, d = r["hidden"], r["head_dim"]
    rows = (r["heads"] + 2 * r["kv"]) * d
    out = {"model.tok_embeddings.weight": rnd.normal(r["vocab"], h)}
    for layer in range(r["layers"]):
        at = f"model.layers.{layer}."
        out |= {at + "attention.wqkv.weight": rnd.linear(rows, h, 1.5), at + "attention.wo.weight": rnd.linear(h, h)}
        if r.get("bias"):
            out |= {at + "attention.wqkv.bias": rnd.normal(rows, std=0.3),
                    at + "attention.wo.bias": rnd.normal(h, std=0.3)}
        out |= {at + "feed_forward.w1.weight": rnd.linear(r["inter"], h),
                at + "feed_forward.w3.weight": rnd.linear(r["inter"], h),
                at + "feed_forward.w2.weight": rnd.linear(h, r["inter"], 2.0)}
        out |= {at + "attention_norm.weight": rnd.norm(h), at + "ffn_norm.weight": rnd.norm(h)}
    out |= {"model.norm.weight": rnd.norm(h), "output.weight": rnd.linear(r["vocab"], h, 3.0)}
    return out


def tensors(r, name):
    """The F32 tensors of a recipe; the same name gives the same numbers."""
    make = internlm2_tensors if r["member"] == "internlm2" else language_tensors
    return make(r, Random(name))
