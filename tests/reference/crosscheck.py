#!/usr/bin/env python3
"""Hold plain.py, our own reference of Pro and InternLM2, against transformers where transformers has the function, and
w8a8.py against transformers with compressed-tensors.

Qwen3 and Qwen3-MoE are what Pro is without FoPE and groups; InternLM2 is Llama with other names and fused
projections, dynamic NTK included when the prompt is as long as the context. The W8A8 checkpoint is loaded as it is
stored, under the names of Qwen3ForCausalLM; its experts' counterpart transformers does not load. Prints the differences
and fails above 2e-6 of the range. `python tests/reference/crosscheck.py tests/golden`
"""
import json
import pathlib
import sys
import tempfile

import numpy as np
import torch
from compressed_tensors.quantization import QuantizationArgs, fake_quantize
from compressed_tensors.quantization.utils import compute_dynamic_scales_and_zp
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

import exact
import hf
import plain
import store
import w8a8

QWEN = ("mini-f32", "mini-bf16", "mini-tied", "mini-linear", "moe-bf16", "moe-mixed", "moe-fp8")
INTERNLM2 = ("internlm2-f32", "internlm2-bf16", "internlm2-ntk")


def read(folder):
    config = json.loads((folder / "config.json").read_text())
    stored = {name: w for name, w in exact.read_weights(folder).items() if "_scale_inv" not in name}
    weights = {name: torch.from_numpy(w.astype(np.float32)) for name, w in stored.items()}
    return config, weights


def llama(config, weights):
    """The same function as InternLM2, in transformers' Llama classes."""
    left_out = ("architectures", "model_type", "torch_dtype", "attn_implementation")
    text = {k: v for k, v in config.items() if k not in left_out}
    made = LlamaConfig(**text, attention_bias=config["bias"])
    made._attn_implementation = "eager"
    model, groups, d = LlamaForCausalLM(made).eval(), config["num_key_value_heads"], made.head_dim
    names = {"tok_embeddings": "embed_tokens", "attention.wo": "self_attn.o_proj", "feed_forward.w1": "mlp.gate_proj",
             "feed_forward.w3": "mlp.up_proj", "feed_forward.w2": "mlp.down_proj", "attention_norm": "input_layernorm",
             "ffn_norm": "post_attention_layernorm", "output.weight": "lm_head.weight"}
    state = {}
    for name, w in weights.items():
        if "wqkv" in name:
            parts = w.view(groups, -1, d, *w.shape[1:])
            for p, part in (("q", parts[:, :-2]), ("k", parts[:, -2]), ("v", parts[:, -1])):
                state[name.replace("attention.wqkv", f"self_attn.{p}_proj")] = part.reshape(-1, *w.shape[1:])
            continue
        for old, new in names.items():
            name = name.replace(old, new)
        state[name] = w
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and not missing, (missing, unexpected)
    return lambda ids: model(torch.tensor([ids])).logits[0]


def of_qwen(config, weights):
    model = hf.Reference(config, weights)
    return lambda ids: model.run(model.embed(ids))["logits"]


@torch.no_grad()
def difference(folder, other):
    config, weights = read(folder)
    ids = json.loads((folder / "in.jsonl").read_text().splitlines()[0])
    ours = plain.Reference(config, weights, context=len(ids))
    got, want = ours.run(ours.embed(ids))["logits"], other(config, weights)(ids)
    return exact.distance(got.numpy(), want.numpy())


class Unrounded(w8a8.Reference):
    """As transformers computes in F32."""
    rounds_head = False


@torch.no_grad()
def w8a8_difference(folder):
    config, tensors = json.loads((folder / "config.json").read_text()), {}
    for file in folder.glob("*.safetensors"):
        tensors |= load_file(file)
    with tempfile.TemporaryDirectory() as made:
        text = config["text_config"] | {"quantization_config": config["quantization_config"]}
        store.write_json(pathlib.Path(made) / "config.json", text)
        names = {name.replace(hf.PREFIX, "model.", 1): tensor for name, tensor in tensors.items()}
        store.write_checkpoint(pathlib.Path(made), names)
        model = AutoModelForCausalLM.from_pretrained(made, dtype=torch.float32, attn_implementation="eager")
    assert model.model.layers[0].self_attn.q_proj.weight.dtype == torch.int8
    ids = json.loads((folder / "in.jsonl").read_text().splitlines()[0])
    ours = Unrounded(config, store.widened(tensors))
    got, want = ours.run(ours.embed(ids))["logits"], model(torch.tensor([ids])).logits[0]
    return exact.distance(got.numpy(), want.numpy())


def tokens_differ():
    """Rows of every size with either sign in front, and one of zeros: bit by bit as compressed-tensors has them."""
    args = QuantizationArgs(num_bits=8, type="int", symmetric=True, strategy="token", dynamic=True)
    x = torch.randn(1, 4000, 37, generator=torch.Generator().manual_seed(1)) * torch.logspace(-20, 20, 4000)[None, :, None]
    x[0, 7] = 0
    scale, zero = compute_dynamic_scales_and_zp(x, args, None)
    return not torch.equal(w8a8.fake_quantised(x), fake_quantize(x, scale, zero, args))


def main():
    torch.set_num_threads(1)
    worst = w8a8_difference(pathlib.Path(sys.argv[1]) / "mini-w8a8")
    print(f"mini-w8a8        {worst:.1e}, tokens {'differ' if tokens_differ() else 'equal'}")
    for names, other in ((QWEN, of_qwen), (INTERNLM2, llama)):
        for name in names:
            found = difference(pathlib.Path(sys.argv[1]) / name, other)
            worst = max(worst, found)
            print(f"{name:16} {found:.1e}")
    return worst > 2e-6 or tokens_differ()


if __name__ == "__main__":
    sys.exit(main())
