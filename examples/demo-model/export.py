"""Writes a trained state as a checkpoint folder in the layout of Intern-S1-Pro.

    python export.py --data DATA --run RUN --out interns1-demo

With `joint.pt` in the run both encoders are part of it; with `state.pt` of the earlier stages alone it is the decoder.
"""

import argparse
import os
import shutil

import torch
from safetensors.torch import save_file

from model import CONFIG, Decoder
from molecules import HEADS
from tokenizer import BASE_SIZE, Tokenizer, write_json
from towers import SERIES, VISION, Series, Vision

SIZE = {"shortest_edge": 8192, "longest_edge": 10240}          # pixels: about 128 x 64, 8 tokens
PIXELS = {"patch_size": VISION["patch_size"], "temporal_patch_size": VISION["temporal_patch_size"],
          "merge_size": VISION["spatial_merge_size"], "image_mean": [0.5] * 3, "image_std": [0.5] * 3}


def config(encoders=True):
    """config.json with the keys of Intern-S1-Pro."""
    cfg = dict(CONFIG)
    factor = cfg.pop("fope_init_factor")
    ids = {name: BASE_SIZE + at for name, at in [("bos", 0), ("eos", 2), ("vision_start", 9), ("vision_end", 10),
                                                 ("image", 12), ("video", 13), ("ts", 42)]}
    senses = {} if not encoders else {
        "ts_config": dict(sorted({**SERIES, "dtype": "bfloat16", "model_type": "interns1_pro_time_series"}.items())),
        "ts_token_id": ids["ts"],
        "vision_config": dict(sorted({**VISION, "dtype": "bfloat16", "initializer_range": 0.02,
                                      "model_type": "interns1_pro_vision"}.items())),
    }
    return dict(sorted({
        **senses,
        "architectures": ["InternS1ProForConditionalGeneration"],
        "image_token_id": ids["image"],
        "model_type": "interns1_pro",
        "text_config": dict(sorted({
            **cfg, "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": ids["bos"],
            "decoder_sparse_step": 1, "dtype": "bfloat16", "eos_token_id": ids["eos"], "hidden_act": "silu",
            "initializer_range": 0.02, "intermediate_size": 256, "mlp_only_layers": [],
            "model_type": "interns1_pro_text", "norm_topk_prob": True,
            "rope_scaling": {"rope_type": "default", "fope_init_factor": factor, "fope_sep_head": True,
                             "num_inv_freq": None},
            "use_cache": True}.items())),
        "tie_word_embeddings": False,
        "transformers_version": "4.57.0.dev0",
        "video_token_id": ids["video"],
        "vision_end_token_id": ids["vision_end"],
        "vision_start_token_id": ids["vision_start"],
    }.items()))


def published(prefix, tower):
    """An encoder's tensors in BF16; the table of positions inside a patch stays F32, as the reference stores it."""
    return {prefix + name: (t if name.endswith(".pe") else t.bfloat16()).contiguous()
            for name, t in tower.state_dict().items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()

    joint = os.path.join(args.run, "joint.pt")
    encoders = os.path.exists(joint)
    tensors = {}
    if encoders:
        parts = torch.load(joint, weights_only=True)["parts"]
        model, vision, series = Decoder(), Vision(), Series()
        for name, part in (("decoder", model), ("visual", vision), ("time_series", series)):
            part.load_state_dict({k[len(name) + 1:]: t for k, t in parts.items() if k.startswith(name + ".")})
        tensors = {**published("model.visual.", vision), **published("model.time_series.", series)}
    else:
        model = Decoder(heads=[n for _, n in HEADS])
        model.load_state_dict(torch.load(os.path.join(args.run, "state.pt"), weights_only=True)["model"])
    tokenizer = Tokenizer.load(os.path.join(args.data, "tokenizer"))
    tokenizer.write(args.out)
    weights = os.path.join(args.out, "model.safetensors")
    save_file({**model.published(), **tensors}, weights, metadata={"format": "pt"})
    os.chmod(weights, 0o644)
    write_json(args.out, "config.json", config(encoders))
    if encoders:
        write_json(args.out, "preprocessor_config.json", {"size": SIZE, **PIXELS,
                                                          "image_processor_type": "Qwen2VLImageProcessorFast"})
        write_json(args.out, "video_preprocessor_config.json", {"size": {"shortest_edge": 4096, "longest_edge": 163840},
                                                                **PIXELS})
    write_json(args.out, "generation_config.json", {
        "bos_token_id": BASE_SIZE, "do_sample": False, "eos_token_id": [BASE_SIZE + 2, BASE_SIZE],
        "pad_token_id": BASE_SIZE, "transformers_version": "4.57.0.dev0"})
    here = os.path.dirname(os.path.abspath(__file__))
    shutil.copy(os.path.join(here, "chat_template.jinja"), os.path.join(args.out, "chat_template.jinja"))
    print("%s: %d bytes" % (weights, os.path.getsize(weights)))


if __name__ == "__main__":
    main()
