"""INT8 weights and activations (W8A8) as compressed-tensors stores and computes them, on top of plain.py.

A matrix has a scale for each row, stored; a token's row gets one when it is multiplied. Both are max |x| / 127.5, the
quotient is rounded to nearest even and held to -128 .. 127: `calculate_qparams` and `fake_quantize` of
compressed_tensors.quantization, with which crosscheck.py compares. Products are of what comes back, in F32.
"""
import torch
import torch.nn.functional as F

import plain

STEPS = 127.5
QUANTISED = "_proj"


def is_quantised(name):
    return name.removesuffix(".weight").endswith(QUANTISED)


def scale_of(x):
    """For each row; compressed-tensors leaves no 0."""
    scale = x.abs().amax(-1, keepdim=True) / STEPS
    return torch.where(scale == 0, torch.finfo(x.dtype).eps, scale)


def codes_of(x, scale):
    return torch.round(torch.clamp(x / scale, -128, 127))


def fake_quantised(x):
    scale = scale_of(x)
    return codes_of(x, scale) * scale


def quantise(weight, scale_type):
    """Codes of a matrix and its scales, both as they are stored."""
    scale = scale_of(weight).to(scale_type)
    return codes_of(weight, scale.float()).to(torch.int8), scale


def stored(tensors, scale_type=lambda name: torch.float32):
    """The checkpoint with its projections in I8."""
    out = {}
    for name, tensor in tensors.items():
        out[name] = tensor
        if is_quantised(name):
            out[name], out[name + "_scale"] = quantise(tensor.float(), scale_type(name))
    return out


def config(tensors):
    """As llm-compressor writes it."""
    common = {"actorder": None, "block_structure": None, "group_size": None, "num_bits": 8, "observer_kwargs": {},
              "symmetric": True, "type": "int"}
    group = {"input_activations": common | {"dynamic": True, "observer": None, "strategy": "token"},
             "output_activations": None, "targets": ["Linear"],
             "weights": common | {"dynamic": False, "observer": "minmax", "strategy": "channel"}}
    ignore = sorted(n.removesuffix(".weight") for n in tensors if n == "lm_head.weight" or n.endswith("mlp.gate.weight"))
    return {"config_groups": {"group_0": group}, "format": "int-quantized", "global_compression_ratio": None,
            "ignore": ignore, "kv_cache_scheme": None, "quant_method": "compressed-tensors",
            "quantization_status": "compressed"}


class Reference(plain.Reference):
    """The library's precision INT8: activations of the head, whose matrix is BF16, are rounded to BF16 besides."""
    rounds_head = True

    def linear(self, x, name):
        return super().linear(fake_quantised(x) if is_quantised(name) else x, name)

    def multiply_head(self, x):
        return super().multiply_head(x.bfloat16().float() if self.rounds_head else x)
