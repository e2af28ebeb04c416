#!/usr/bin/env python3
"""Checkpoints of the released models' true shapes open and plan quickly, and the plan's bytes are right.

    shapes.py PROGRAM MAKE_SHAPES FOLDER

PROGRAM is shapes.c, MAKE_SHAPES tests/reference/shapes.py, FOLDER where the files of holes may lie. Times
above 2 s are printed, above 30 s they fail: a loaded machine is no mistake of ours.
"""
import json
import math
import pathlib
import shutil
import subprocess
import sys

MODELS = ["intern-s1", "intern-s1-fp8", "intern-s1-mini", "intern-s1-pro"]
N_CTX, N_SEQ, EXPECTED_S, LIMIT_S = 4096, 2, 2, 30


def headers(folder):
    """Yield (name, shape, bytes) from all safetensors files."""
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        header.pop("__metadata__", None)
        for name, tensor in header.items():
            begin, end = tensor["data_offsets"]
            yield name, tensor["shape"], end - begin


def expectation(folder):
    text = json.loads((folder / "config.json").read_text())["text_config"]
    out = {"disk": 0, "n_params": 0, "n_params_active": 0}
    for name, shape, size in headers(folder):
        if "language_model" not in name and not name.startswith("lm_head"):
            continue
        out["disk"] += size
        if name.endswith("_scale_inv") or "rotary_emb" in name:
            continue
        n = math.prod(shape)
        out["n_params"] += n
        share = text["num_experts_per_tok"] / text["num_experts"] if ".experts." in name else 1
        out["n_params_active"] += n * share
    out["kv_per_token"] = 2 * 2 * text["num_hidden_layers"] * text["num_key_value_heads"] * text["head_dim"]
    return out


def main():
    program, make_shapes, root = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    folders = [root / name for name in MODELS]
    for name, folder in zip(MODELS, folders):
        subprocess.run([sys.executable, make_shapes, name, folder], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([program, *folders], stdout=subprocess.PIPE, text=True, check=True)
    bad = []
    for name, folder, line in zip(MODELS, folders, done.stdout.splitlines(), strict=True):
        plan, expected = json.loads(line), expectation(folder)
        print(f"{name}: plan {plan['plan_s']:.2f} s, open {plan['open_s']:.2f} s, {plan['disk'] / 1e9:.1f} GB, "
              f"{plan['n_params'] / 1e9:.1f} G parameters, {plan['n_params_active'] / 1e9:.1f} G active")
        # All weights lie in the mapping; what the tables of half a million tensors take is less than 1 %.
        expected["host"] = expected["disk"]
        expected["total_host"] = expected["disk"] + N_CTX * N_SEQ * expected["kv_per_token"] + plan["scratch"]
        for key, value in expected.items():
            if abs(plan[key] - value) > value / 100:
                bad.append(f"{name}: {key} is {plan[key]}, the headers say {value:.0f}")
        for key in ("plan_s", "open_s"):
            if plan[key] > EXPECTED_S:
                print(f"{name}: {key} is {plan[key]:.2f}, expected below {EXPECTED_S}")
            if plan[key] > LIMIT_S:
                bad.append(f"{name}: {key} is {plan[key]:.2f}, the limit is {LIMIT_S}")
    # Terabytes by their names: nothing that walks the build folder should meet them.
    shutil.rmtree(root)
    sys.exit("\n".join(bad) or 0)


if __name__ == "__main__":
    main()
