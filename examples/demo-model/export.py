"""Writes a trained state as a checkpoint folder in the layout of Intern-S1-Pro.

    python export.py --data DATA --run RUN --out interns1-demo
"""

import argparse
import os
import shutil

import torch
from safetensors.torch import save_file

from model import CONFIG, Decoder
from molecules import HEADS
from tokenizer import BASE_SIZE, Tokenizer, write_json


def config():
    """config.json with the keys of Intern-S1-Pro; there are no towers for pictures and signals yet."""
    cfg = dict(CONFIG)
    factor = cfg.pop("fope_init_factor")
    ids = {name: BASE_SIZE + at for name, at in [("bos", 0), ("eos", 2), ("vision_start", 9), ("vision_end", 10),
                                                 ("image", 12), ("video", 13)]}
    return {
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
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()

    model = Decoder(heads=[n for _, n in HEADS])
    model.load_state_dict(torch.load(os.path.join(args.run, "state.pt"), weights_only=True)["model"])
    tokenizer = Tokenizer.load(os.path.join(args.data, "tokenizer"))
    tokenizer.write(args.out)
    weights = os.path.join(args.out, "model.safetensors")
    save_file(model.published(), weights, metadata={"format": "pt"})
    os.chmod(weights, 0o644)
    write_json(args.out, "config.json", config())
    write_json(args.out, "generation_config.json", {
        "bos_token_id": BASE_SIZE, "do_sample": False, "eos_token_id": [BASE_SIZE + 2, BASE_SIZE],
        "pad_token_id": BASE_SIZE, "transformers_version": "4.57.0.dev0"})
    here = os.path.dirname(os.path.abspath(__file__))
    shutil.copy(os.path.join(here, "chat_template.jinja"), os.path.join(args.out, "chat_template.jinja"))
    print("%s: %d bytes" % (weights, os.path.getsize(weights)))


if __name__ == "__main__":
    main()
