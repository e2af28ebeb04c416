"""Checkpoints and arrays on disk: safetensors in any stored type, shards with an index, FP8 blocks.

A checkpoint is a dict: tensor name -> torch tensor in its stored type. Nothing here knows a model.
"""
import json

import numpy as np
import torch

# In the order in which the safetensors library writes the types of a file, so that every tensor is aligned.
NAMES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.float8_e8m0fnu: "F8_E8M0",
         torch.float8_e4m3fn: "F8_E4M3", torch.int8: "I8", torch.uint8: "U8"}
BLOCK = 128
E4M3_MAX = 448.0


def raw_bytes(tensor):
    return tensor.contiguous().view(torch.uint8).numpy().tobytes()


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def as_the_library(item):
    name, tensor = item
    return list(NAMES).index(tensor.dtype), name


def write_safetensors(path, tensors, aligned=True):
    """Unaligned: the tensors in the order given, and the data at an odd place; the format allows both."""
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in sorted(tensors.items(), key=as_the_library) if aligned else tensors.items():
        blob = raw_bytes(tensor)
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8 + (not aligned))
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def write_checkpoint(folder, tensors, shards=1, aligned=True):
    """One file, or shards cut where the bytes are equal, with the index that goes with them."""
    if shards == 1:
        return write_safetensors(folder / "model.safetensors", tensors, aligned)
    total = sum(len(raw_bytes(t)) for t in tensors.values())
    parts, before = [{} for _ in range(shards)], 0
    for name, tensor in tensors.items():
        parts[min(before * shards // total, shards - 1)][name] = tensor
        before += len(raw_bytes(tensor))
    weight_map = {}
    for i, part in enumerate(parts):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        write_safetensors(folder / file, part)
        weight_map |= {name: file for name in part}
    write_json(folder / "model.safetensors.index.json",
               {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))})


def blocks_of(scale, shape):
    """Each scale repeated over its block; blocks at the edges are cut."""
    rows, columns = shape
    wide = scale.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
    return wide[:rows, :columns]


def quantise(weight, power_of_two=False):
    """e4m3 codes and one scale for each 128 x 128 block, as the family's own converter does it."""
    rows, columns = weight.shape
    high, wide = -(-rows // BLOCK), -(-columns // BLOCK)
    padded = torch.zeros(high * BLOCK, wide * BLOCK, dtype=torch.float64)
    padded[:rows, :columns] = weight
    amax = padded.view(high, BLOCK, wide, BLOCK).abs().amax(dim=(1, 3))
    scale = amax / E4M3_MAX
    if power_of_two:
        scale = torch.exp2(torch.ceil(torch.log2(scale)))
    scale = scale.float()
    divisor = torch.where(scale > 0, scale, torch.ones_like(scale))
    codes = (weight / blocks_of(divisor, weight.shape)).clamp(-E4M3_MAX, E4M3_MAX)
    return codes.to(torch.float8_e4m3fn), scale


def as_stored(scale, kind):
    """Scales that are powers of two may be stored as their exponents, also under the plain type U8."""
    return scale.to(torch.float8_e8m0fnu).view(torch.uint8) if kind == torch.uint8 else scale.to(kind)


def as_numbers(scale):
    return (scale.view(torch.float8_e8m0fnu) if scale.dtype == torch.uint8 else scale).float()


def with_fp8(tensors, chosen, power_of_two=False, scale_type=lambda name: torch.float32):
    """The checkpoint with the tensors whose names satisfy `chosen` stored as FP8."""
    out = {}
    for name, tensor in tensors.items():
        if not chosen(name):
            out[name] = tensor
            continue
        out[name], scale = quantise(tensor.float(), power_of_two)
        out[name + "_scale_inv"] = as_stored(scale, scale_type(name))
    return out


def widened(tensors):
    """Every tensor as F32, FP8 and I8 multiplied by their scales; what the reference computes with."""
    out = {}
    for name, tensor in tensors.items():
        if name.endswith(("_scale_inv", "_scale")):
            continue
        out[name] = tensor.float()
        if name + "_scale" in tensors:
            out[name] *= tensors[name + "_scale"].float()
        if name + "_scale_inv" in tensors:
            out[name] *= blocks_of(as_numbers(tensors[name + "_scale_inv"]), tensor.shape)
    return out


def save_array(path, array):
    np.save(path, np.ascontiguousarray(array))
