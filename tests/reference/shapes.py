#!/usr/bin/env python3
"""Checkpoints with the true shapes of the released models and no weights. Standard library only.

    python shapes.py MODEL OUT [--config FILE] [--shard-bytes N]

writes config.json, the index and safetensors files whose headers are complete and whose data is one hole, so
that hundreds of gigabytes take a few megabytes of disk. For tests that open and plan, never for ones that
compute. `--config` takes a released config.json in place of the built-in one. Prints a line of JSON: tensors,
parameters (scales not counted) and bytes of data.
"""
import argparse
import json
import math
import pathlib
import re

BLOCK = 128
SIZE = {"BF16": 2, "F32": 4, "F8_E4M3": 1}
QUANTISED = re.compile(r"language_model\.layers\.\d+\.(self_attn|mlp)\..*_proj\.weight$")


def qwen3(kind, **sizes):
    return {"architectures": [{"qwen3": "Qwen3ForCausalLM", "qwen3_moe": "Qwen3MoeForCausalLM"}[kind]],
            "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645,
            "head_dim": 128, "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
            "intermediate_size": 12288, "max_position_embeddings": 40960, "model_type": kind, "rms_norm_eps": 1e-6,
            "rope_scaling": None, "rope_theta": 1000000.0, "sliding_window": None, "tie_word_embeddings": False,
            "torch_dtype": "bfloat16", "use_cache": True, "use_sliding_window": False, "vocab_size": 153216} | sizes


def intern_vit(**sizes):
    return {"attention_bias": False, "hidden_act": "gelu", "image_size": [448, 448], "layer_norm_eps": 1e-6,
            "layer_scale_init_value": 0.1, "model_type": "interns1_vision", "num_channels": 3, "patch_size": [14, 14],
            "use_absolute_position_embeddings": True, "use_mask_token": False, "use_mean_pooling": True} | sizes


def intern_s1(text, vision):
    return {"architectures": ["InternS1ForConditionalGeneration"], "downsample_ratio": 0.5, "image_seq_length": 256,
            "image_token_id": 152957, "model_type": "interns1", "projector_hidden_act": "gelu", "text_config": text,
            "torch_dtype": "bfloat16", "vision_config": vision, "vision_feature_layer": -1,
            "vision_feature_select_strategy": "default"}


def s1_config():
    text = qwen3("qwen3_moe", decoder_sparse_step=1, mlp_only_layers=[], moe_intermediate_size=1536,
                 norm_topk_prob=True, num_attention_heads=64, num_experts=128, num_experts_per_tok=8,
                 num_hidden_layers=94, num_key_value_heads=4)
    vision = intern_vit(hidden_size=3200, intermediate_size=12800, norm_type="rms_norm", num_attention_heads=25,
                        num_hidden_layers=45, use_qk_norm=True)
    return intern_s1(text, vision)


def mini_config():
    text = qwen3("qwen3", num_attention_heads=32, num_hidden_layers=36, num_key_value_heads=8)
    vision = intern_vit(attention_bias=True, hidden_size=1024, intermediate_size=4096, norm_type="layer_norm",
                        num_attention_heads=16, num_hidden_layers=24, use_qk_norm=False)
    return intern_s1(text, vision)


def pro_config():
    text = {"attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 151643, "decoder_sparse_step": 1,
            "dtype": "bfloat16", "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu", "hidden_size": 4096,
            "initializer_range": 0.02, "intermediate_size": 12288, "max_position_embeddings": 262144,
            "mlp_only_layers": [], "model_type": "interns1_pro_text", "moe_intermediate_size": 1536,
            "norm_topk_prob": True, "num_attention_heads": 64, "num_experts": 512, "num_experts_per_tok": 8,
            "num_hidden_layers": 94, "num_key_value_heads": 4, "rms_norm_eps": 1e-6,
            "rope_scaling": {"rope_type": "default", "fope_init_factor": 0.5, "fope_sep_head": True,
                             "num_inv_freq": None}, "rope_theta": 5000000, "router_n_groups": 8, "use_cache": True,
            "vocab_size": 155008}
    vision = {"depth": 24, "hidden_act": "gelu_pytorch_tanh", "hidden_size": 1024, "in_channels": 3,
              "initializer_range": 0.02, "intermediate_size": 4096, "model_type": "interns1_pro_vision",
              "num_heads": 16, "num_position_embeddings": 2304, "out_hidden_size": 4096, "patch_size": 16,
              "spatial_merge_size": 2, "temporal_patch_size": 2}
    return {"architectures": ["InternS1ProForConditionalGeneration"], "image_token_id": 151655,
            "model_type": "interns1_pro", "text_config": text, "tie_word_embeddings": False, "video_token_id": 151656,
            "vision_config": vision, "vision_end_token_id": 151653, "vision_start_token_id": 151652}


def pro_series_config():
    """With the encoder of time series that later releases of the checkpoint have."""
    return pro_config() | {"ts_token_id": 151685, "ts_config": series_config()}


# Name -> config, FP8?, scale_fmt.
MODELS = {"intern-s1": (s1_config, False, None), "intern-s1-fp8": (s1_config, True, None),
          "intern-s1-mini": (mini_config, False, None), "intern-s1-mini-fp8": (mini_config, True, None),
          "intern-s1-pro": (pro_config, True, "ue8m0"), "intern-s1-pro-bf16": (pro_config, False, None),
          "intern-s1-pro-series": (pro_series_config, True, "ue8m0")}


def kept_frequencies(text):
    half, longest = text["head_dim"] // 2, text["max_position_embeddings"]
    return sum(text["rope_theta"] ** (-i / half) > 2 * math.pi / longest for i in range(half))


def decoder(text):
    """Yield (name, shape) in the order of the layers."""
    root, h, d = "model.language_model.", text["hidden_size"], text["head_dim"]
    q, kv = text["num_attention_heads"] * d, text["num_key_value_heads"] * d
    yield root + "embed_tokens.weight", [text["vocab_size"], h]
    for layer in range(text["num_hidden_layers"]):
        at = f"{root}layers.{layer}."
        yield at + "input_layernorm.weight", [h]
        for name, shape in (("q_proj", [q, h]), ("k_proj", [kv, h]), ("v_proj", [kv, h]), ("o_proj", [h, q]),
                            ("q_norm", [d]), ("k_norm", [d])):
            yield f"{at}self_attn.{name}.weight", shape
        yield at + "post_attention_layernorm.weight", [h]
        if "num_experts" in text:
            yield at + "mlp.gate.weight", [text["num_experts"], h]
            for e in range(text["num_experts"]):
                yield from swiglu(f"{at}mlp.experts.{e}.", h, text["moe_intermediate_size"])
        else:
            yield from swiglu(at + "mlp.", h, text["intermediate_size"])
    yield root + "norm.weight", [h]
    if text["model_type"] == "interns1_pro_text":
        kept = kept_frequencies(text)
        yield root + "rotary_emb.sin_coef", [text["num_key_value_heads"], kept, kept]
        yield root + "rotary_emb.cos_coef", [text["num_key_value_heads"], kept, kept]
    if not text.get("tie_word_embeddings"):
        yield "lm_head.weight", [text["vocab_size"], h]


def swiglu(at, h, inter):
    yield at + "gate_proj.weight", [inter, h]
    yield at + "up_proj.weight", [inter, h]
    yield at + "down_proj.weight", [h, inter]


def maybe_bias(name, shape, has_bias):
    yield name + ".weight", shape
    if has_bias:
        yield name + ".bias", shape[:1]


def with_bias(name, shape):
    return maybe_bias(name, shape, True)


def intern_vit_tensors(v, out):
    at, d, patch = "model.vision_tower.", v["hidden_size"], v["patch_size"]
    grid = [v["image_size"][i] // patch[i] for i in (0, 1)]
    yield at + "embeddings.cls_token", [1, 1, d]
    yield at + "embeddings.position_embeddings", [1, 1 + grid[0] * grid[1], d]
    yield from with_bias(at + "embeddings.patch_embeddings.projection", [d, v["num_channels"], *patch])
    for layer in range(v["num_hidden_layers"]):
        block = f"{at}encoder.layer.{layer}."
        for norm in ("layernorm_before", "layernorm_after"):
            yield from maybe_bias(block + norm, [d], v["norm_type"] == "layer_norm")
        for p in ("q_proj", "k_proj", "v_proj"):
            yield from maybe_bias(f"{block}attention.{p}", [d, d], v["attention_bias"])
        if v["use_qk_norm"]:
            yield from [(f"{block}attention.{p}_norm.weight", [d]) for p in "qk"]
        yield from with_bias(block + "attention.projection_layer", [d, d])
        yield from [(f"{block}lambda_{i}", [d]) for i in (1, 2)]
        yield from with_bias(block + "mlp.fc1", [v["intermediate_size"], d])
        yield from with_bias(block + "mlp.fc2", [d, v["intermediate_size"]])
    at, wide = "model.multi_modal_projector.", 4 * d
    yield from with_bias(at + "layer_norm", [wide])
    yield from with_bias(at + "linear_1", [out, wide])
    yield from with_bias(at + "linear_2", [out, out])


def pro_vit_tensors(v):
    at, d, inter = "model.visual.", v["hidden_size"], v["intermediate_size"]
    yield from with_bias(at + "patch_embed.proj", [d, v["in_channels"], v["temporal_patch_size"], v["patch_size"],
                                                   v["patch_size"]])
    yield at + "pos_embed.weight", [v["num_position_embeddings"], d]
    for layer in range(v["depth"]):
        block = f"{at}blocks.{layer}."
        for norm in ("norm1", "norm2"):
            yield from with_bias(block + norm, [d])
        yield from with_bias(block + "attn.qkv", [3 * d, d])
        yield from with_bias(block + "attn.proj", [d, d])
        yield from with_bias(block + "mlp.linear_fc1", [inter, d])
        yield from with_bias(block + "mlp.linear_fc2", [d, inter])
    wide = d * v["spatial_merge_size"] ** 2
    yield from with_bias(at + "merger.norm", [d])
    yield from with_bias(at + "merger.linear_fc1", [wide, wide])
    yield from with_bias(at + "merger.linear_fc2", [v["out_hidden_size"], wide])


def series_config(**sizes):
    """The adaptive time-series encoder as it was released."""
    return {"activation_function": "gelu", "d_model": 768, "encoder_attention_heads": 8, "encoder_ffn_dim": 3072,
            "encoder_layers": 17, "max_source_positions": 1500, "num_mel_bins": 80, "out_hidden_size": 4096,
            "ts_adapt_in_dim": 256, "ts_adapt_out_dim": 1024, "ts_hidden_dim": 1024} | sizes


def series_tensors(ts):
    at, n, d, mel = "model.time_series.", ts["ts_adapt_in_dim"] // 2, ts["d_model"], ts["num_mel_bins"]
    tower, out = ts["ts_adapt_out_dim"], ts["out_hidden_size"]
    yield from with_bias(at + "encoder_embed.conv", [n, 1, 5])
    yield at + "encoder_embed.pos_encoder.pe", [20000, 1, n]
    layer = at + "encoder_embed.transformer_encoder.layers.0."
    yield layer + "self_attn.in_proj_weight", [3 * n, n]
    yield layer + "self_attn.in_proj_bias", [3 * n]
    for name, shape in (("self_attn.out_proj", [n, n]), ("linear1", [2048, n]), ("linear2", [n, 2048]), ("norm1", [n]),
                        ("norm2", [n])):
        yield from with_bias(layer + name, shape)
    at += "encoder."
    yield from with_bias(at + "adapt_in", [mel, 2 * n])
    yield from with_bias(at + "conv1", [d, mel, 3])
    yield from with_bias(at + "conv2", [d, d, 3])
    yield at + "embed_positions.weight", [ts["max_source_positions"], d]
    for i in range(ts["encoder_layers"]):
        layer = f"{at}layers.{i}."
        for p in "qkv":
            yield from maybe_bias(f"{layer}self_attn.{p}_proj", [d, d], p != "k")
        yield from with_bias(layer + "self_attn.out_proj", [d, d])
        yield from with_bias(layer + "self_attn_layer_norm", [d])
        yield from with_bias(layer + "fc1", [ts["encoder_ffn_dim"], d])
        yield from with_bias(layer + "fc2", [d, ts["encoder_ffn_dim"]])
        yield from with_bias(layer + "final_layer_norm", [d])
    yield from with_bias(at + "layer_norm", [d])
    yield from with_bias(at + "adapt_out", [tower, d])
    at = "model.time_series.projector."
    yield from with_bias(at + "layer_norm", [tower])
    yield from with_bias(at + "linear_1", [out, tower])
    yield from with_bias(at + "linear_2", [out, out])


def stored(parts, fp8):
    """Yield (name, dtype, shape), scales too."""
    for name, shape in parts:
        if fp8 and QUANTISED.search(name):
            yield name, "F8_E4M3", shape
            yield name + "_scale_inv", "F32", [-(-n // BLOCK) for n in shape]
        else:
            yield name, "F32" if "rotary_emb" in name else "BF16", shape


def model_tensors(config, fp8):
    text, vision = config["text_config"], config["vision_config"]
    towers = pro_vit_tensors(vision) if "depth" in vision else intern_vit_tensors(vision, text["hidden_size"])
    series = series_tensors(config["ts_config"]) if "ts_config" in config else []
    return [*stored(towers, fp8), *stored(series, fp8), *stored(decoder(text), fp8)]


def quantization_config(tensors, scale_fmt):
    quantised = {name for name, kind, _ in tensors if kind == "F8_E4M3"}
    modules = {re.sub(r"\.(weight|bias|sin_coef|cos_coef|cls_token|position_embeddings|lambda_\d)$", "", name)
               for name, _, _ in tensors if name not in quantised and not name.endswith("_scale_inv")}
    out = {"activation_scheme": "dynamic", "fmt": "e4m3", "modules_to_not_convert": sorted(modules),
           "quant_method": "fp8"}
    return out | ({"scale_fmt": scale_fmt} if scale_fmt else {}) | {"weight_block_size": [BLOCK, BLOCK]}


def bytes_of(kind, shape):
    return SIZE[kind] * math.prod(shape)


def shards_of(tensors, limit):
    shard, filled = [], 0
    for tensor in tensors:
        size = bytes_of(*tensor[1:])
        if shard and filled + size > limit:
            yield shard
            shard, filled = [], 0
        shard.append(tensor)
        filled += size
    yield shard


def header_of(shard):
    """The first bytes of a file, padded to 8, and the number of bytes that follow."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, kind, shape in shard:
        end = at + bytes_of(kind, shape)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, at


def write_hole(file, shard, size):
    file.truncate(file.tell() + size)


def write_model(out, config, tensors, limit, write_data=write_hole):
    """All files of a folder; `write_data` fills one open file with the data of one shard."""
    out.mkdir(parents=True, exist_ok=True)
    shards = list(shards_of(tensors, limit))
    weight_map = {}
    for i, shard in enumerate(shards):
        name = f"model-{i + 1:05}-of-{len(shards):05}.safetensors"
        with (out / name).open("wb") as file:
            header, size = header_of(shard)
            file.write(header)
            write_data(file, shard, size)
        weight_map |= {tensor: name for tensor, _, _ in shard}
    total = sum(bytes_of(kind, shape) for _, kind, shape in tensors)
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (out / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))
    (out / "config.json").write_text(json.dumps(config, indent=1))
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--config", type=pathlib.Path)
    parser.add_argument("--shard-bytes", type=int, default=5_000_000_000)
    args = parser.parse_args()
    make_config, fp8, scale_fmt = MODELS[args.model]
    config = json.loads(args.config.read_text()) if args.config else make_config()
    tensors = model_tensors(config, fp8)
    if fp8 and not args.config:
        config["quantization_config"] = quantization_config(tensors, scale_fmt)
    total = write_model(args.out, config, tensors, args.shard_bytes)
    parameters = sum(math.prod(shape) for name, _, shape in tensors if not name.endswith("_scale_inv"))
    print(json.dumps({"tensors": len(tensors), "parameters": parameters, "bytes": total}))


if __name__ == "__main__":
    main()
