"""The golden folders: recipes for tiny.py, in the order in which they are made."""

PRO_ROPE = {"rope_type": "default", "fope_init_factor": 0.5, "fope_sep_head": True, "num_inv_freq": None}

FOLDERS = {
    "mini-f32": dict(member="mini", stored="F32", vocab=131, hidden=36, heads=3, kv=1, head_dim=20, inter=52,
                     routers=True, lines=[9, 2, 17, 1], generate=12),
    "mini-bf16": dict(member="mini", stored="BF16", shards=3, vocab=331, hidden=52, heads=6, kv=2, head_dim=20, inter=92,
                      theta=1000000.0, lines=[7, 15, 1], embeds=dict(n=13, spans=[(2, 3), (7, 4)]), generate=10),
    "mini-f16": dict(member="mini", stored="F16", style=5, layers=3, vocab=97, hidden=44, heads=4, kv=4, head_dim=14, inter=68,
                     lines=[11, 5], generate=8),
    "mini-tied": dict(member="mini", stored="BF16", tied=True, vocab=211, hidden=72, heads=2, kv=1, head_dim=36, inter=76,
                      lines=[8, 13], generate=10, ends="config"),
    "moe-bf16": dict(member="moe", stored="BF16", vocab=61, hidden=52, heads=4, kv=2, head_dim=20, experts=10, top=3, expert_inter=20,
                     theta=1000000.0, lines=[12, 5, 1], long=300, generate=8),
    "moe-mixed": dict(member="moe", stored="F32", layers=3, vocab=61, hidden=36, heads=2, kv=1, head_dim=18, inter=44,
                      experts=7, top=2, expert_inter=12, mlp_only=[1], norm_top=False, lines=[9, 4], generate=8),
    "pro-bf16": dict(member="pro", stored="BF16", vocab=61, hidden=52, heads=4, kv=2, head_dim=20, experts=12, top=4, groups=4,
                     expert_inter=20, theta=5000000.0, rope=PRO_ROPE, lines=[12, 5, 1], long=300, generate=8),
}
