#!/usr/bin/env python3
"""What transformers' image and video processors make of images that are computed here.

    pixels.py GOLDEN UNIT

writes the case folders GOLDEN/pixels-* (configs, PNG files, expected arrays) and the header UNIT/pixels_cases.h
(sizes, grids, checksums of all bytes and floats, times, numbers of tokens). Needs torch, torchvision and
transformers. CPU; the same bytes at every capability of torch.
"""
import json
import math
import pathlib
import struct
import sys
import zlib

import numpy as np
import torch
from transformers.models.got_ocr2.image_processing_got_ocr2 import GotOcr2ImageProcessor, get_optimal_tiled_canvas
from transformers.models.internvl.video_processing_internvl import InternVLVideoProcessor
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize as image_size
from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor
from transformers.models.qwen3_vl.video_processing_qwen3_vl import smart_resize as video_size
from transformers.video_utils import VideoMetadata

MEAN, STD, HALF = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225], [0.5, 0.5, 0.5]
NOISE, WAVES, EDGES = 0, 1, 2  # kinds of images
RATES = [0.0, 1.0, 2.0, 12.5, 24.0, 25.0, 29.97, 30.0, 60.0]  # frames per second; 0: not known

# --- images that the C test computes too ---


def mix(x):
    """A hash of 32 bits, of numbers or arrays."""
    x = np.asarray(x, dtype=np.uint64) * 2654435761 & 0xFFFFFFFF
    x = (x ^ x >> 15) * 2246822519 & 0xFFFFFFFF
    return x ^ x >> 13


def picture(width, height, channels, kind, seed):
    i = np.arange(height * width * channels, dtype=np.uint64)
    y, x, c = i // (width * channels), i // channels % width, i % channels
    if kind == NOISE:
        values = mix(i + seed * 7919) >> 24
    elif kind == WAVES:
        values = x * 3 + y * 5 + c * 85 + seed & 255
    else:
        values = (x // 3 + y // 2 + c + seed) % 2 * 255
    return values.astype(np.uint8).reshape(height, width, channels)


# --- processors ---


class Tiles:
    def __init__(self, side, low, high, video=None):
        self.side, self.low, self.high = side, low, high
        common = {"size": {"height": side, "width": side}, "image_mean": MEAN, "image_std": STD}
        self.images = GotOcr2ImageProcessor(**common, crop_to_patches=True, min_patches=low, max_patches=high)
        self.videos = InternVLVideoProcessor(**common, **(video or {}))
        self.samples = bool(video)

    def image(self, array, **kwargs):
        out = self.images([tensor(array)], input_data_format="channels_first", return_tensors="np", **kwargs)["pixel_values"]
        rows, columns = self.grid(array.shape[1], array.shape[0])
        return out, len(out), (1, rows, columns)

    def grid(self, width, height):
        return get_optimal_tiled_canvas((height, width), (self.side, self.side), self.low, self.high)[::-1]

    def tiles(self, width, height):
        rows, columns = self.grid(width, height)
        return rows * columns + (rows * columns > 1)

    def video(self, frames, rate, **kwargs):
        indices = range(len(frames))
        if self.samples:
            meta = VideoMetadata(total_num_frames=len(frames), fps=rate or 24)
            indices = self.videos.sample_frames(meta, num_frames=self.videos.num_frames, fps=self.videos.fps).tolist()
        frames = np.stack([frames[i] for i in indices])
        out = self.videos([torch.from_numpy(frames.transpose(0, 3, 1, 2).copy())], do_sample_frames=False,
                          return_tensors="np", **kwargs)["pixel_values_videos"][0]
        return out, len(out), (len(out), 1, 1), [i / (rate or 24) for i in indices]


class Patches:
    def __init__(self, patch, low, high, video_low, video_high):
        self.patch, self.low, self.high, self.video_limits = patch, low, high, (video_low, video_high)
        common = {"image_mean": HALF, "image_std": HALF, "patch_size": patch, "temporal_patch_size": 2, "merge_size": 2}
        self.images = Qwen2VLImageProcessor(size={"shortest_edge": low, "longest_edge": high}, **common)
        self.videos = Qwen3VLVideoProcessor(size={"shortest_edge": video_low, "longest_edge": video_high}, fps=2, **common)

    def image(self, array, **kwargs):
        out = self.images([tensor(array)], input_data_format="channels_first", return_tensors="np", **kwargs)
        return out["pixel_values"], 0, tuple(out["image_grid_thw"][0].tolist())

    def tokens(self, width, height):
        try:
            h, w = image_size(height, width, 2 * self.patch, self.low, self.high)
        except ValueError:
            return 0
        return h * w // (2 * self.patch) ** 2

    def indices(self, total, rate):
        return self.videos.sample_frames(VideoMetadata(total_num_frames=total, fps=rate or None), fps=2).tolist()

    def video_tokens(self, total, rate, width, height):
        """The model's own file refuses sides below a token, where transformers' Qwen3-VL enlarges."""
        n = len(self.indices(total, rate))
        if n < 2 or min(width, height) < 2 * self.patch:
            return 0
        try:
            h, w = video_size(n, height, width, 2, 2 * self.patch, *self.video_limits)
        except ValueError:
            return 0
        return math.ceil(n / 2) * h * w // (2 * self.patch) ** 2

    def video(self, frames, rate, **kwargs):
        indices = self.indices(len(frames), rate)
        stack = np.stack([frames[i] for i in indices])
        out = self.videos([torch.from_numpy(stack.transpose(0, 3, 1, 2).copy())], do_sample_frames=False,
                          return_tensors="np", **kwargs)
        indices += indices[-1:] * (len(indices) % 2)
        times = [i / (rate or 24) for i in indices]
        return (out["pixel_values_videos"], 0, tuple(out["video_grid_thw"][0].tolist()),
                [(a + b) / 2 for a, b in zip(times[::2], times[1::2])])


def tensor(array):
    """As load_image and RGB conversion leave it: grey is repeated, alpha dropped."""
    if array.shape[2] < 3:
        array = array[:, :, :1].repeat(3, axis=2)
    return torch.from_numpy(array[:, :, :3].transpose(2, 0, 1).copy())


MODELS = {
    "S1": Tiles(448, 1, 12),
    "S1_SMALL": Tiles(28, 2, 6, video={"num_frames": 3}),
    "PRO": Patches(16, 65536, 16777216, 4096, 25165824),
    "PRO_SMALL": Patches(4, 256, 2048, 512, 4096),
}
RAW = {"do_rescale": False, "do_normalize": False}

# --- the header ---

IMAGES = [(448, 448), (896, 448), (449, 447), (640, 480), (1, 1), (2, 1), (1, 200), (200, 1), (7, 900), (900, 7), (333, 77), (1000, 1000),
          (634, 634), (633, 633), (1920, 1080), (300, 4000), (12, 2300), (31, 33), (5000, 26), (64, 64)]
GREYS = [(57, 91), (500, 1000)]
VIDEOS = [("S1", 3, 0.0, 50, 40), ("S1_SMALL", 10, 5.0, 31, 17), ("S1_SMALL", 3, 0.0, 28, 28), ("PRO", 5, 0.0, 64, 48),
          ("PRO", 30, 24.0, 100, 60), ("PRO", 9, 3.0, 320, 200), ("PRO", 2, 1.0, 33, 500), ("PRO", 100, 29.97, 40, 40),
          ("PRO_SMALL", 7, 1.0, 20, 44), ("PRO_SMALL", 61, 12.5, 9, 9), ("PRO_SMALL", 16, 1.0, 60, 60)]
N_SIZES, N_CLIPS = 4000, 1000
SIDES = [40, 700, 5000, 60000]


def crc(array):
    return zlib.crc32(np.ascontiguousarray(array).tobytes())


def image_case(model, width, height, channels, kind, seed):
    array = picture(width, height, channels, kind, seed)
    pixels, tiles, grid = MODELS[model].image(array)
    raw, _, _ = MODELS[model].image(array, **RAW)
    assert raw.dtype == np.uint8 and pixels.dtype == np.float32
    return (f"{{ {model}, {width}, {height}, {channels}, {kind}, {seed}, {tiles}, {{ {grid[0]}, {grid[1]}, {grid[2]} }}, "
            f"0x{crc(raw):08x}, 0x{crc(pixels):08x} }},")


def video_case(model, n, rate, width, height, seed):
    frames = [picture(width, height, 3, NOISE, seed + i) for i in range(n)]
    pixels, tiles, grid, times = MODELS[model].video(frames, rate)
    raw, _, _, _ = MODELS[model].video(frames, rate, **RAW)
    assert raw.dtype == np.uint8 and pixels.dtype == np.float32 and len(times) == grid[0]
    return (f"{{ {model}, {n}, {rate!r}, {width}, {height}, {seed}, {tiles}, {{ {grid[0]}, {grid[1]}, {grid[2]} }}, "
            f"0x{crc(raw):08x}, 0x{crc(pixels):08x}, {times[0]!r}, {times[-1]!r} }},")


def side(i, salt):
    x = int(mix(i * 4 + salt))
    return 1 + (x >> 4) % SIDES[x & 3]


def clip(i):
    x, y = int(mix(i * 4 + 2)), int(mix(i * 4 + 3))
    return 1 + x % 2000, RATES[(x >> 16) % len(RATES)], 1 + y % 1500, 1 + (y >> 16) % 1500


def packed(numbers):
    lines, line = [], "   "
    for n in numbers:
        if len(line) + len(str(n)) + 2 > 110:
            lines.append(line)
            line = "   "
        line += f" {n},"
    return "\n".join(lines + [line])


def header():
    images = [(m, w, h, 3, (i + j) % 3, i) for i, (w, h) in enumerate(IMAGES) for j, m in enumerate(MODELS)
              if m.startswith("S1") or max(w, h) <= 200 * min(w, h)]
    images += [(m, w, h, 1, WAVES, 50) for w, h in GREYS for m in MODELS]
    sizes = [(side(i, 0), side(i, 1)) for i in range(N_SIZES)]
    clips = [clip(i) for i in range(N_CLIPS)]
    return f"""/* Written by tests/reference/pixels.py. */
/* clang-format off */
enum {{ {", ".join(MODELS)}, N_MODELS }};
enum {{ N_SIZES = {N_SIZES}, N_CLIPS = {N_CLIPS} }};
static const uint32_t sides[] = {{ {", ".join(map(str, SIDES))} }};
static const double rates[] = {{ {", ".join(map(repr, RATES))} }};
static const struct {{
    int model, width, height, channels, kind;
    uint32_t seed;
    int tiles, grid[3];
    uint32_t bytes, floats; /* checksums */
}} images[] = {{
    {chr(10).join("    " + image_case(*c) for c in images).strip()}
}};
static const struct {{
    int model, n;
    double rate;
    int width, height;
    uint32_t seed;
    int tiles, grid[3];
    uint32_t bytes, floats; /* checksums */
    double first_time, last_time;
}} videos[] = {{
    {chr(10).join("    " + video_case(*c, 100 + i) for i, c in enumerate(VIDEOS)).strip()}
}};
static const uint8_t tiles_of_size[N_SIZES] = {{
{packed(MODELS["S1"].tiles(*s) for s in sizes)}
}};
/* 0: refused. */
static const int32_t tokens_of_size[N_SIZES] = {{
{packed(MODELS["PRO"].tokens(*s) for s in sizes)}
}};
static const int32_t tokens_of_clip[N_CLIPS] = {{
{packed(MODELS["PRO"].video_tokens(*c) for c in clips)}
}};
"""


# --- case folders ---


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(path, array):
    """8 bits; grey, grey and alpha, RGB, RGBA by the number of channels."""
    height, width, channels = array.shape
    rows = b"".join(b"\0" + array[y].tobytes() for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def text_config(model_type):
    return {"model_type": model_type, "vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "num_key_value_heads": 1, "head_dim": 8, "intermediate_size": 32, "rms_norm_eps": 1e-6, "max_position_embeddings": 64}


FOLDERS = {
    "pixels-s1": ("S1_SMALL", {
        "architectures": ["InternS1ForConditionalGeneration"], "model_type": "interns1", "image_token_id": 60, "downsample_ratio": 0.5,
        "text_config": text_config("qwen3"), "vision_config": {"model_type": "interns1_vision", "image_size": [28, 28], "patch_size": [14, 14]},
    }, {
        "image_processor_type": "GotOcr2ImageProcessorFast", "size": {"height": 28, "width": 28}, "resample": 3, "do_resize": True, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": MEAN, "image_std": STD, "do_convert_rgb": True, "crop_to_patches": False,
        "min_patches": 2, "max_patches": 6,
    }),
    "pixels-pro": ("PRO_SMALL", {
        "architectures": ["InternS1ProForConditionalGeneration"], "model_type": "interns1_pro", "image_token_id": 60, "video_token_id": 61,
        "text_config": text_config("interns1_pro_text") | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 8, "rope_theta": 5000000.0},
        "vision_config": {"model_type": "interns1_pro_vision", "depth": 1, "patch_size": 4, "temporal_patch_size": 2, "spatial_merge_size": 2},
    }, {
        "image_processor_type": "Qwen2VLImageProcessorFast", "size": {"shortest_edge": 256, "longest_edge": 2048}, "resample": 3, "do_resize": True,
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": HALF, "image_std": HALF, "do_convert_rgb": True,
        "patch_size": 4, "temporal_patch_size": 2, "merge_size": 2,
    }),
}
FILES = {"wide": (90, 21, 3, WAVES), "tall": (10, 95, 3, NOISE), "dot": (1, 1, 3, NOISE), "grey": (33, 40, 1, WAVES), "alpha": (40, 25, 4, EDGES)}


def write_folder(folder, model, config, processor):
    (folder / "expect").mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config)
    write_json(folder / "preprocessor_config.json", processor)
    for name, (width, height, channels, kind) in FILES.items():
        array = picture(width, height, channels, kind, 7)
        write_png(folder / f"{name}.png", array)
        for suffix, kwargs in [("-uint8", RAW)] + [("", {})] * (name == "wide"):
            pixels, tiles, grid = MODELS[model].image(array, **kwargs)
            np.save(folder / "expect" / f"{name}{suffix}.npy", pixels)
            tokens = tiles if tiles else grid[0] * grid[1] * grid[2] // 4
            prints = {"tiles": tiles, "grid": [grid[2], grid[1]], "tokens": tokens} if tiles else {"grid": list(grid), "tokens": tokens}
            write_json(folder / f"case-{name}{suffix}.json", {
                "kind": "preprocess", "args": ["--image", f"{name}.png", *(["--uint8"] if suffix else [])],
                "expect": f"expect/{name}{suffix}.npy", "tolerance": 1e-7, "prints": prints})


def main():
    golden, unit = map(pathlib.Path, sys.argv[1:])
    for name, contents in FOLDERS.items():
        write_folder(golden / name, *contents)
    (unit / "pixels_cases.h").write_text(header())


main()
