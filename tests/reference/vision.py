#!/usr/bin/env python3
"""Make the golden folders of the vision towers: `python tests/reference/vision.py --out tests/golden [NAME...]`.

Each is a tiny checkpoint with a tower and a decoder, pixels as the reference's processors give them, images, and
what transformers' own classes compute from them: InternVLVisionModel with InternVLMultiModalProjector, and
Qwen3VLVisionModel without deepstack. README.md says what is in the folders.
"""
import argparse
import json
import pathlib
import shutil

import numpy as np
import torch
from PIL import Image
from transformers import (GotOcr2ImageProcessor, InternVLConfig, InternVLVisionConfig, InternVLVisionModel,
                          Qwen2VLImageProcessor, Qwen3VLVideoProcessor)
from transformers.models.internvl.modeling_internvl import InternVLModel, InternVLMultiModalProjector
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLVisionConfig
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLVisionModel

import store
import tiny
from make import rms

MINI = dict(member="mini", vocab=41, hidden=24, heads=2, kv=1, head_dim=12, inter=28)
PRO = dict(member="pro", vocab=41, hidden=28, heads=2, kv=1, head_dim=16, experts=4, top=2, groups=2, expert_inter=12,
           rope={"rope_type": "default", "fope_init_factor": 0.5, "fope_sep_head": True, "num_inv_freq": None})
TILES = dict(kind="interns1_vision", patch=6, side=4, layers=2)
FOLDERS = {
    # Grids of patches: the trained one, an odd number of tokens a side, one that is not square.
    "vit-layer-norm": TILES | dict(text=MINI, stored="BF16", width=36, heads=3, inter=52, norm="layer_norm",
                                   bias=True, qk_norm=False, grids=[(4, 4), (6, 6), (2, 8)], tiles=3, image=(50, 37)),
    "vit-rms-qk": TILES | dict(text=MINI, stored="F32", width=40, heads=5, inter=44, norm="rms_norm", bias=False,
                               qk_norm=True, grids=[(4, 4), (10, 2)], tiles=2, image=(31, 64), prefix=False),
    "pro-vision": dict(kind="interns1_pro_vision", text=PRO, stored="BF16", width=40, heads=2, inter=52, layers=2,
                       patch=4, side=5, grids=[(1, 2, 2), (1, 6, 10), (3, 4, 6), (1, 8, 10)], image=(50, 37),
                       video=(7, 33, 24)),
    "vit-epsilon": TILES | dict(text=MINI, stored="BF16", width=36, heads=3, inter=28, norm="layer_norm", bias=True,
                                qk_norm=False, grids=[(4, 4)], tiles=1, small=True),
    "vit-rms-epsilon": TILES | dict(text=MINI, stored="BF16", width=36, heads=3, inter=28, norm="rms_norm", bias=False,
                                    qk_norm=True, grids=[(4, 4)], tiles=1, small=True),
    "pro-vision-epsilon": dict(kind="interns1_pro_vision", text=PRO, stored="BF16", width=40, heads=2, inter=28,
                               layers=2, patch=4, side=5, grids=[(1, 4, 4)], small=True),
}
MERGE = 2


# --- checkpoints ---

def intern_config(r):
    return {"attention_bias": r["bias"], "attention_dropout": 0.0, "hidden_act": "gelu", "hidden_size": r["width"],
            "image_size": [r["side"] * r["patch"]] * 2, "intermediate_size": r["inter"], "layer_norm_eps": 1e-6,
            "layer_scale_init_value": 0.1, "model_type": r["kind"], "norm_type": r["norm"],
            "num_attention_heads": r["heads"], "num_channels": 3, "num_hidden_layers": r["layers"],
            "patch_size": [r["patch"]] * 2, "use_absolute_position_embeddings": True, "use_mask_token": False,
            "use_mean_pooling": True, "use_qk_norm": r["qk_norm"]}


def pro_config(r):
    return {"depth": r["layers"], "hidden_act": "gelu_pytorch_tanh", "hidden_size": r["width"], "in_channels": 3,
            "initializer_range": 0.02, "intermediate_size": r["inter"], "model_type": r["kind"],
            "num_heads": r["heads"], "num_position_embeddings": r["side"] ** 2,
            "out_hidden_size": r["text"]["hidden"], "patch_size": r["patch"], "spatial_merge_size": MERGE,
            "temporal_patch_size": 2}


def is_pro(r):
    return r["kind"] == "interns1_pro_vision"


def put_linear(out, rnd, name, rows, columns, gain=1.0, bias=True):
    out[name + ".weight"] = rnd.linear(rows, columns, gain)
    if bias:
        out[name + ".bias"] = rnd.normal(rows, std=0.2)


def put_norm(out, rnd, name, size, bias=True):
    out[name + ".weight"] = rnd.norm(size)
    if bias:
        out[name + ".bias"] = rnd.normal(size, std=0.2)


def intern_tensors(r, rnd):
    d, p, wide, to = r["width"], r["patch"], MERGE ** 2 * r["width"], r["text"]["hidden"]
    root, out = "model.vision_tower.", {}
    out[root + "embeddings.cls_token"] = rnd.normal(1, 1, d)
    out[root + "embeddings.position_embeddings"] = rnd.normal(1, 1 + r["side"] ** 2, d)
    out[root + "embeddings.patch_embeddings.projection.weight"] = rnd.linear(d, 3 * p * p).view(d, 3, p, p)
    out[root + "embeddings.patch_embeddings.projection.bias"] = rnd.normal(d, std=0.2)
    for i in range(r["layers"]):
        at = f"{root}encoder.layer.{i}."
        for name in ("layernorm_before", "layernorm_after"):
            put_norm(out, rnd, at + name, d, r["norm"] == "layer_norm")
        for name in ("q_proj", "k_proj", "v_proj"):
            put_linear(out, rnd, at + "attention." + name, d, d, 1.5, r["bias"])
        if r["qk_norm"]:
            for name in ("q_norm", "k_norm"):
                put_norm(out, rnd, at + "attention." + name, d, False)
        put_linear(out, rnd, at + "attention.projection_layer", d, d)
        put_linear(out, rnd, at + "mlp.fc1", r["inter"], d)
        put_linear(out, rnd, at + "mlp.fc2", d, r["inter"], 2.0)
        out |= {at + "lambda_1": rnd.normal(d, std=0.3, mean=0.7), at + "lambda_2": rnd.normal(d, std=0.3, mean=0.7)}
    root = "model.multi_modal_projector."
    put_norm(out, rnd, root + "layer_norm", wide)
    put_linear(out, rnd, root + "linear_1", to, wide)
    put_linear(out, rnd, root + "linear_2", to, to)
    return out


def pro_tensors(r, rnd):
    d, p, wide, to = r["width"], r["patch"], MERGE ** 2 * r["width"], r["text"]["hidden"]
    root, out = "model.visual.", {}
    out[root + "patch_embed.proj.weight"] = rnd.linear(d, 6 * p * p).view(d, 3, 2, p, p)
    out[root + "patch_embed.proj.bias"] = rnd.normal(d, std=0.2)
    out[root + "pos_embed.weight"] = rnd.normal(r["side"] ** 2, d)
    for i in range(r["layers"]):
        at = f"{root}blocks.{i}."
        put_norm(out, rnd, at + "norm1", d)
        put_norm(out, rnd, at + "norm2", d)
        put_linear(out, rnd, at + "attn.qkv", 3 * d, d, 1.5)
        put_linear(out, rnd, at + "attn.proj", d, d)
        put_linear(out, rnd, at + "mlp.linear_fc1", r["inter"], d)
        put_linear(out, rnd, at + "mlp.linear_fc2", d, r["inter"], 2.0)
    put_norm(out, rnd, root + "merger.norm", d)
    put_linear(out, rnd, root + "merger.linear_fc1", wide, wide)
    put_linear(out, rnd, root + "merger.linear_fc2", to, wide)
    return out


def shrink(tensors):
    """What enters every norm has a mean square around the epsilon: another epsilon gives other numbers."""
    for name, tensor in tensors.items():
        adds = ("embeddings", "pos_embed", "patch_embed", "projection_layer", "attn.proj", "fc2")
        if any(part in name for part in adds):
            tensor *= 1e-3
        elif "q_proj" in name or "k_proj" in name:
            tensor *= 2e-3


def make_checkpoint(folder, r, name):
    rnd = tiny.Random(name)
    text = tiny.DEFAULTS | r["text"] | {"stored": r["stored"]}
    tensors = (pro_tensors if is_pro(r) else intern_tensors)(r, rnd)
    if r.get("small"):
        shrink(tensors)
    stored = tensors | tiny.language_tensors(text, rnd)
    if r.get("prefix", True) is False:
        # As transformers 5 saves it again.
        stored = {n.removeprefix("model.") if "language_model" not in n else n: t for n, t in stored.items()}
    kind = tiny.DTYPES[r["stored"]]
    stored = {n: t if "rotary_emb" in n else t.to(kind) for n, t in stored.items()}
    store.write_checkpoint(folder, stored)
    config = tiny.config(text) | {"vision_config": (pro_config if is_pro(r) else intern_config)(r)}
    store.write_json(folder / "config.json", config)
    return {n: t.to(kind).float() for n, t in tensors.items()}


# --- processors ---

def processors(folder, r):
    """The files, and the reference's classes with the same numbers."""
    if is_pro(r):
        shared = {"patch_size": r["patch"], "temporal_patch_size": 2, "merge_size": MERGE,
                  "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
        image = {"size": {"shortest_edge": 1024, "longest_edge": 2048}} | shared
        video = {"size": {"shortest_edge": 1024, "longest_edge": 4096}, "fps": 2, "min_frames": 2, "max_frames": 8,
                 "do_sample_frames": True} | shared
        store.write_json(folder / "preprocessor_config.json", {"image_processor_type": "Qwen2VLImageProcessorFast"} | image)
        store.write_json(folder / "video_preprocessor_config.json", {"video_processor_type": "Qwen3VLVideoProcessor"} | video)
        return Qwen2VLImageProcessor(**image), Qwen3VLVideoProcessor(**video)
    side = r["side"] * r["patch"]
    image = {"size": {"height": side, "width": side}, "crop_to_patches": True, "min_patches": 1, "max_patches": 4,
             "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    store.write_json(folder / "preprocessor_config.json", {"image_processor_type": "GotOcr2ImageProcessorFast"} | image)
    return GotOcr2ImageProcessor(**image), None


def picture(rnd, width, height):
    """Waves, so that a resize keeps something, and noise."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (3.0 + c) + y / (5.0 - c) + c) for c in range(3)]
    noise = rnd.normal(height, width, 3).numpy() * 0.2
    return np.clip(127.5 + 100 * (np.stack(waves, -1) + noise), 0, 255).astype(np.uint8)


# --- towers ---

class InternTower:
    def __init__(self, r, weights, dtype):
        config = InternVLVisionConfig(**{k: v for k, v in intern_config(r).items() if k != "model_type"})
        config._attn_implementation = "eager"
        self.tower = InternVLVisionModel(config).eval()
        whole = InternVLConfig(vision_config=config, text_config={"model_type": "qwen3", "hidden_size": r["text"]["hidden"]})
        self.projector = InternVLMultiModalProjector(whole).eval()
        take = lambda root: {n.removeprefix(root): t for n, t in weights.items() if n.startswith(root)}
        self.tower.load_state_dict(take("model.vision_tower."), strict=True)
        self.projector.load_state_dict(take("model.multi_modal_projector."), strict=True)
        self.tower.to(dtype)
        self.projector.to(dtype)
        self.patch, self.dtype = r["patch"], dtype

    @torch.no_grad()
    def run(self, pixels, grid=None):
        hidden = []
        hooks = [m.register_forward_hook(lambda _m, _i, o: hidden.append(o)) for m in
                 (self.tower.embeddings, *self.tower.encoder.layer)]
        last = self.tower(pixel_values=pixels.to(self.dtype)).last_hidden_state
        for hook in hooks:
            hook.remove()
        rows, columns = (n // self.patch for n in pixels.shape[2:])
        patches = last[:, 1:].reshape(len(last), rows, columns, -1)
        shuffled = InternVLModel.pixel_shuffle(None, patches, 1 / MERGE)
        tokens = self.projector(shuffled.reshape(-1, shuffled.shape[-1]))
        return torch.stack(hidden), tokens


class ProTower:
    def __init__(self, r, weights, dtype):
        keys = {k: v for k, v in pro_config(r).items() if k != "model_type"}
        config = Qwen3VLVisionConfig(**keys, deepstack_visual_indexes=[])
        config._attn_implementation = "eager"
        self.tower = Qwen3VLVisionModel(config).eval()
        self.tower.load_state_dict({n.removeprefix("model.visual."): t for n, t in weights.items()}, strict=True)
        self.tower.to(dtype)
        self.tower.rotary_pos_emb = type(self.tower.rotary_pos_emb)(config)  # its frequencies stay F32
        self.dtype = dtype

    @torch.no_grad()
    def run(self, pixels, grid):
        hidden = []
        first = self.tower.blocks[0].register_forward_pre_hook(lambda _m, a, k: hidden.append(a[0] if a else k["hidden_states"]),
                                                               with_kwargs=True)
        hooks = [first, *(b.register_forward_hook(lambda _m, _i, o: hidden.append(o)) for b in self.tower.blocks)]
        out = self.tower(pixels.to(self.dtype), torch.tensor([grid]))
        for hook in hooks:
            hook.remove()
        return torch.stack(hidden), out.pooler_output


# --- folders ---

def inputs_of(folder, r, rnd):
    """Yield (name, pixels, grid or None, further keys of the case)."""
    small = 0.5 if r.get("small") else 1.0
    for i, grid in enumerate(r["grids"]):
        if is_pro(r):
            pixels = rnd.normal(grid[0] * grid[1] * grid[2], 6 * r["patch"] ** 2, std=small)
        else:
            pixels = rnd.normal(r["tiles"] if i == 0 else 1, 3, grid[0] * r["patch"], grid[1] * r["patch"], std=small)
        store.save_array(folder / f"pixels{i}.npy", pixels.numpy())
        args = ["--pixels", f"pixels{i}.npy"]
        yield f"pixels{i}", pixels, grid if is_pro(r) else None, args + (["--grid", ",".join(map(str, grid))] if is_pro(r) else [])


def image_inputs(folder, r, rnd):
    image_processor, video_processor = processors(folder, r)
    if "image" in r:
        image = picture(rnd, *r["image"])
        Image.fromarray(image).save(folder / "image.png")
        batch = image_processor(images=[torch.from_numpy(image).permute(2, 0, 1)], return_tensors="pt")
        grid = batch["image_grid_thw"][0].tolist() if is_pro(r) else None
        yield "image", batch["pixel_values"], grid, ["--image", "image.png"]
    if "video" in r:
        n, width, height = r["video"]
        (folder / "video").mkdir()
        frames = [picture(rnd, width, height) for _ in range(n)]
        for i, frame in enumerate(frames):
            Image.fromarray(frame).save(folder / "video" / f"{i:02}.png")
        stacked = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
        batch = video_processor(videos=[stacked], return_tensors="pt", do_sample_frames=True,
                                video_metadata=[{"fps": 4.0, "total_num_frames": n, "height": height, "width": width,
                                                 "duration": n / 4.0, "frames_indices": list(range(n))}])
        yield "video", batch["pixel_values_videos"], batch["video_grid_thw"][0].tolist(), ["--video", "video", "--fps", "4"]


def write_case(folder, name, args, expect, prints=None):
    case = {"kind": "embed", "model": ".", "args": args, "expect": expect, "tolerance": 2e-5}
    store.write_json(folder / f"case-{name}.json", case | ({"prints": prints} if prints else {}))


def distance(a, b):
    return float((a.double() - b.double()).abs().max()) / float(b.max() - b.min())


def make_folder(folder, name):
    r = FOLDERS[name]
    if folder.exists():
        shutil.rmtree(folder)
    (folder / "expect").mkdir(parents=True)
    weights = make_checkpoint(folder, r, name)
    tower = ProTower if is_pro(r) else InternTower
    plain, exact, rough = (tower(r, weights, kind) for kind in (torch.float32, torch.float64, torch.bfloat16))
    rnd, listed, worst = tiny.Random(name + " pixels"), [], 0.0
    sources = [(*i, True) for i in inputs_of(folder, r, rnd)] + [(*i, False) for i in image_inputs(folder, r, rnd)]
    for what, pixels, grid, args, keeps_layers in sources:
        hidden, tokens = plain.run(pixels, grid)
        for got, sure in zip((hidden, tokens), exact.run(pixels, grid)):
            worst = max(worst, distance(got, sure))
        store.save_array(folder / "expect" / f"{what}.embeds.npy", tokens.numpy())
        prints = {"tokens": len(tokens), "dim": tokens.shape[1]} | ({"grid": list(grid)} if grid else {})
        write_case(folder, what, args, f"expect/{what}.embeds.npy", prints)
        if not keeps_layers:
            continue
        store.save_array(folder / "expect" / f"{what}.hidden.npy", hidden.numpy())
        if not listed:
            store.save_array(folder / "expect" / f"{what}.tower.npy", hidden[-1].numpy())
            write_case(folder, what + "-tower", args + ["--tower"], f"expect/{what}.tower.npy")
        entry = {"name": what, "embeds_rms": rms(rough.run(pixels, grid)[1], tokens)}
        listed.append(entry | ({"grid": list(grid)} if grid else {}))
    store.write_json(folder / "vision.json", listed)
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) // 1024
    print(f"{name:20} {size:4} KB, at most {worst:.1e} of the range from F64", flush=True)
    return worst < 5e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("names", nargs="*", default=[], help="these folders only")
    args = parser.parse_args()
    torch.set_num_threads(1)
    bad = [name for name in args.names or FOLDERS if not make_folder(args.out / name, name)]
    if bad:
        raise SystemExit(f"too far from F64: {', '.join(bad)}")


if __name__ == "__main__":
    main()
