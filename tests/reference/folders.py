"""The golden folders: recipes for tiny.py, in the order in which they are made."""
import torch

ROOT = "model.language_model.layers."


def zero_block(tensors, recipe):
    """A block of zeros has the scale 0."""
    tensors[ROOT + "0.self_attn.q_proj.weight"][:128, 128:] = 0


SILENT = 7  # a token


def rows_of_8_bits(tensors, recipe):
    """A row of a matrix is 0, whose scale compressed-tensors makes an epsilon. Channels that stand out, as they do in
    trained models, make the largest activation of a row positive: a negative one is -128 or -127 steps by a coin toss of
    its last bit, and tests would compare tosses."""
    first = {"v_proj.weight": 1.5, "gate_proj.weight": 0.4, "up_proj.weight": 0.35}
    for name, tensor in tensors.items():
        if name.endswith("embed_tokens.weight"):
            tensor[:, 0] = 12
        elif tensor.ndim == 2:
            tensor[:, ::recipe["head_dim"] if name.endswith("o_proj.weight") else len(tensor.T)] = 0
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            tensor[0] = 0
        for end, size in first.items():
            if name.endswith(end):
                tensor[0, 0], tensor[3] = size, 0
    if "experts" not in recipe:  # a router would have nothing to choose by
        tensors["model.language_model.embed_tokens.weight"][SILENT] = 0


def near_epsilon(tensors, recipe):
    """Mean squares around rms_norm_eps in every norm: of the layers, of the heads, at the end."""
    for name, tensor in tensors.items():
        if "embed_tokens" in name or "o_proj" in name or "down_proj" in name:
            tensor *= 5e-4
        elif "q_proj" in name or "k_proj" in name:
            tensor *= 5e-3


def twin_experts(tensors, recipe):
    """Pairs of router rows that differ in one small element; with an odd top, every token must tell twins apart."""
    for name, tensor in tensors.items():
        if name.endswith("post_attention_layernorm.weight"):
            tensor[0] = 3
        elif name.endswith("mlp.gate.weight"):
            tensor[1::2] = tensor[::2]
            tensor[::2, 0], tensor[1::2, 0] = 0, 4e-6


def sharp_attention(tensors, recipe):
    """Scores so large that the rounding of the angles to F32 is seen in the logits."""
    for name, tensor in tensors.items():
        if "q_norm" in name or "k_norm" in name:
            tensor *= 2.5


def mixed_scale_types(name):
    """Scales that are powers of two in every type they may be stored in."""
    if "self_attn" in name:
        return torch.bfloat16
    return torch.uint8 if "down_proj" in name else torch.float8_e8m0fnu


PRO_ROPE = {"rope_type": "default", "fope_init_factor": 0.5, "fope_sep_head": True, "num_inv_freq": None}

FOLDERS = {
    "mini-f32": dict(member="mini", stored="F32", vocab=131, hidden=36, heads=3, kv=1, head_dim=20, inter=52,
                     routers=True, lines=[9, 2, 17, 1], generate=12),
    "mini-bf16": dict(member="mini", stored="BF16", shards=3, vocab=331, hidden=52, heads=6, kv=2, head_dim=20,
                      inter=92, theta=1000000.0, lines=[7, 15, 1], embeds=dict(n=13, spans=[(2, 3), (7, 4)]),
                      generate=10),
    "mini-f16": dict(member="mini", stored="F16", style=5, layers=3, vocab=97, hidden=44, heads=4, kv=4, head_dim=14,
                     inter=68, lines=[11, 5], generate=8),
    "mini-tied": dict(member="mini", stored="BF16", tied=True, vocab=211, hidden=72, heads=2, kv=1, head_dim=36,
                      inter=76, lines=[8, 13], generate=10, ends="config"),
    "moe-bf16": dict(member="moe", stored="BF16", vocab=61, hidden=52, heads=4, kv=2, head_dim=20, experts=10, top=3,
                     expert_inter=20, theta=1000000.0, line_seed=1, lines=[12, 5, 1], long=300, generate=8),
    "moe-mixed": dict(member="moe", stored="F32", layers=3, vocab=61, hidden=36, heads=2, kv=1, head_dim=18, inter=44,
                      experts=7, top=2, expert_inter=12, mlp_only=[1], norm_top=False, line_seed=1, lines=[9, 4],
                      generate=8),
    "pro-bf16": dict(member="pro", stored="BF16", vocab=61, hidden=52, heads=4, kv=2, head_dim=20, experts=12, top=4,
                     groups=4, expert_inter=20, theta=5000000.0, rope=PRO_ROPE, line_seed=2, lines=[12, 5, 1], long=300,
                     generate=8),
    "pro-fused": dict(member="pro", stored="BF16", style=5, coef="BF16", fused=True, vocab=61, hidden=36, heads=6, kv=3,
                      head_dim=14, experts=8, top=4, groups=2, expert_inter=12, theta=10000.0, line_seed=9,
                      lines=[10, 6], generate=8,
                      rope={"rope_type": "default", "fope_init_factor": 0.5, "fope_sep_head": False, "num_inv_freq": 5}),
    "mini-fp8": dict(member="mini", stored="BF16", fp8={}, edit=zero_block, vocab=61, hidden=136, heads=2, kv=1,
                     head_dim=66, inter=20, lines=[9, 5], generate=8),
    "moe-fp8": dict(member="moe", stored="BF16", fp8={}, shards=2, vocab=61, hidden=136, heads=2, kv=1, head_dim=34,
                    experts=5, top=2, expert_inter=18, line_seed=3, lines=[9, 5], generate=8),
    "pro-fp8": dict(member="pro", stored="BF16", fp8={"power_of_two": True}, vocab=61, hidden=132, heads=4, kv=2,
                    head_dim=20, experts=6, top=3, groups=3, expert_inter=14, rope=PRO_ROPE, line_seed=2, lines=[9, 5],
                    generate=8),
    "pro-fp8-scales": dict(member="pro", stored="BF16", fp8={"power_of_two": True, "scale_type": mixed_scale_types},
                           vocab=61, hidden=136, heads=2, kv=1, head_dim=18, experts=4, top=2, groups=2,
                           expert_inter=10, rope=PRO_ROPE, line_seed=1, lines=[7], generate=6),
    "mini-w8a8": dict(member="mini", stored="BF16", w8a8={"scale_type": lambda name: torch.bfloat16}, edit=rows_of_8_bits,
                      first=SILENT, vocab=61, hidden=44, heads=3, kv=1, head_dim=18, inter=70, lines=[7, 4],
                      line_seed=28, generate=4),
    "moe-w8a8": dict(member="moe", stored="BF16", w8a8={}, edit=rows_of_8_bits, vocab=61, hidden=36, heads=2,
                     kv=1, head_dim=22, experts=5, top=2, expert_inter=20, shards=2, line_seed=140, lines=[7, 4],
                     generate=4),
    "internlm2-f32": dict(member="internlm2", stored="F32", eps=1e-5, vocab=131, hidden=40, heads=4, kv=2, head_dim=10,
                          inter=52, lines=[11, 4, 1], generate=10),
    "internlm2-bf16": dict(member="internlm2", stored="BF16", shards=2, eps=1e-5, bias=True, vocab=61, hidden=72,
                           heads=6, kv=3, head_dim=12, inter=68, theta=1000000.0,
                           rope={"type": "linear", "factor": 4.0}, lines=[11, 4], generate=8, ends="config"),
    # As long as the context, so that the base is also the one of the reference's own prefill.
    "internlm2-ntk": dict(member="internlm2", stored="F32", eps=1e-5, vocab=61, hidden=36, heads=3, kv=1, head_dim=12,
                          inter=44, max_position=16, rope={"type": "dynamic", "factor": 2.0}, ctx=40,
                          lines=[40, 17, 9]),
    # Shorter than the context: the base still is the one of the context, while the text grows past the trained length.
    "internlm2-ntk-text": dict(member="internlm2", weights_of="internlm2-ntk", stored="F32", eps=1e-5, vocab=61,
                               hidden=36, heads=3, kv=1, head_dim=12, inter=44, max_position=16,
                               rope={"type": "dynamic", "factor": 2.0}, ctx=48, line_seed=1, lines=[12, 5],
                               generate=12),
    "mini-yarn": dict(member="mini", stored="BF16", vocab=61, hidden=36, heads=4, kv=2, head_dim=20, inter=52,
                      max_position=256, line_seed=2, lines=[9], long=200, generate=8,
                      rope={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}),
    "mini-linear": dict(member="mini", stored="BF16", style=5, vocab=61, hidden=36, heads=2, kv=1, head_dim=20,
                        inter=52, rope={"rope_type": "linear", "factor": 2.5}, lines=[21, 3], generate=6),
    "mini-epsilon": dict(member="mini", stored="F32", edit=near_epsilon, vocab=61, hidden=36, heads=3, kv=1,
                         head_dim=20, inter=28, lines=[9, 1]),
    "moe-twins": dict(member="moe", stored="F32", edit=twin_experts, router_margin=1e-6, vocab=61, hidden=28, heads=2,
                      kv=1, head_dim=18, experts=6, top=3, expert_inter=10, line_seed=7, lines=[9, 4]),
    "mini-long": dict(member="mini", stored="F32", edit=sharp_attention, vocab=17, hidden=28, heads=2, kv=1,
                      head_dim=20, inter=36, lines=[3], long=2100),
    "pro-long": dict(member="pro", stored="F32", edit=sharp_attention, vocab=13, hidden=28, heads=2, kv=2, head_dim=14,
                     experts=4, top=2, groups=2, expert_inter=10, rope=PRO_ROPE, line_seed=1, lines=[3], long=2100),
    # Legal, but not how the library of the format writes it: no tensor is aligned to its type.
    "mini-unaligned": dict(member="mini", stored="BF16", aligned=False, fp8={}, vocab=61, hidden=28, heads=2, kv=1,
                           head_dim=18, inter=26, lines=[9]),
}
