#!/usr/bin/env python3
"""Make tests/golden again: `python tests/reference/make.py --out tests/golden [NAME...]`.

Each folder is a tiny checkpoint, the lines that are fed to it, and what the reference gives. `folders.py`
lists them; README.md says which reference computes which member.
"""
import argparse
import json
import pathlib
import shutil

import numpy as np
import torch

import exact
import hf
import plain
import store
import tiny
import w8a8
from folders import FOLDERS

CHUNKS = {"step": ["--chunk", "1"], "chunk": ["--chunk", "7"], "together": ["--together"]}


def reference_class(recipe):
    if "w8a8" in recipe:
        return w8a8.Reference
    return hf.Reference if recipe["member"] in ("mini", "moe") else plain.Reference


def stored_tensors(recipe, name):
    out = tiny.tensors(recipe, recipe.get("weights_of", name))
    if "edit" in recipe:
        recipe["edit"](out, recipe)
    kind = tiny.DTYPES[recipe["stored"]]
    in_f32 = recipe.get("coef", "F32") == "F32"
    out = {k: v if in_f32 and "rotary_emb" in k else v.to(kind) for k, v in out.items()}
    if "fp8" in recipe:
        out = store.with_fp8(out, is_quantised, **recipe["fp8"])
    if "w8a8" in recipe:
        out = w8a8.stored(out, **recipe["w8a8"])
    return out


def is_quantised(name):
    return name.endswith("_proj.weight")


def quantization_config(tensors, recipe):
    plain_modules = sorted({n.removesuffix(".weight").removesuffix("_coef").removesuffix(".cos").removesuffix(".sin")
                            for n in tensors if not n.endswith("_scale_inv") and n + "_scale_inv" not in tensors})
    out = {"activation_scheme": "dynamic", "fmt": "e4m3", "modules_to_not_convert": plain_modules,
           "quant_method": "fp8"}
    if recipe["fp8"].get("power_of_two"):
        out["scale_fmt"] = "ue8m0"
    return out | {"weight_block_size": [store.BLOCK, store.BLOCK]}


def placeholder(recipe):
    return recipe["vocab"] - 3


def random_line(recipe, rnd, n):
    """Ids below the special ones."""
    return rnd.rng.integers(3, recipe["vocab"] - 5, n).tolist()


def with_embeddings(folder, recipe, rnd, ids, spans):
    """Placeholders at the spans (begin, length), one file for each."""
    for i, (begin, length) in enumerate(spans):
        ids[begin:begin + length] = [placeholder(recipe)] * length
        rows = rnd.normal(length, recipe["hidden"]).numpy()
        store.save_array(folder / f"embeds{i}.npy", rows)
    return {"ids": ids, "embeds": [f"embeds{i}.npy" for i in range(len(spans))]}


def make_lines(folder, recipe, name):
    rnd = tiny.Random(name + str(recipe.get("line_seed", " lines")))
    lines = [random_line(recipe, rnd, n) for n in recipe["lines"]]
    if "first" in recipe:
        lines[0][0] = recipe["first"]
    if "embeds" in recipe:
        ids = random_line(recipe, rnd, recipe["embeds"]["n"])
        lines.append(with_embeddings(folder, recipe, rnd, ids, recipe["embeds"]["spans"]))
    return lines


def embedded(model, folder, recipe, line):
    if isinstance(line, list):
        return model.embed(line)
    x = model.embed(line["ids"]).clone()
    rows = np.concatenate([np.load(folder / f) for f in line["embeds"]])
    x[torch.tensor(line["ids"]) == placeholder(recipe)] = torch.from_numpy(rows).to(x.dtype)
    return x


def greedy(model, folder, recipe, line, count):
    x, out = embedded(model, folder, recipe, line), []
    for _ in range(count):
        out.append(int(model.run(x)["logits"][-1].argmax()))
        x = torch.cat([x, model.embed(out[-1:])])
    return np.array(out, np.int32)


def until_end(ids, ends):
    for i, token in enumerate(ids):
        if token in ends:
            return ids[:i]
    return ids


def save_result(expect, number, result, what):
    for key in ("logits", "hidden"):
        if key in what:
            store.save_array(expect / f"{number}.{key}.npy", result[key].numpy())
    if "experts" in what:
        n = len(result["logits"])
        for key, kind in (("experts", np.int32), ("gates", np.float32)):
            parts = [p.numpy() for p in result[key]] or np.zeros((0, n, 0))
            store.save_array(expect / f"{number}.{key}.npy", np.array(parts).astype(kind))


def write_case(folder, suffix, lines, expect, options):
    case = {"kind": "logits", "model": ".", "lines": lines, "expect": expect, "options": options,
            "tolerance": {"logits": 2e-5, "hidden": 2e-5, "gates": 2e-5}}
    store.write_json(folder / f"case{suffix}.json", case)


def rms(a, b):
    return float((a.double() - b.double()).pow(2).mean().sqrt())


def range_of(x):
    return float(x.max() - x.min())


def bf16_figures(results, rough):
    """How far the reference's own BF16 run is from its F32 run, line by line."""
    return [{"logits_rms": rms(a["logits"], b["logits"]), "logits_range": range_of(a["logits"]),
             "hidden_rms": [rms(x, y) for x, y in zip(a["hidden"], b["hidden"])],
             "hidden_range": [range_of(x) for x in a["hidden"]]} for a, b in zip(results, rough)]


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def choose_ends(texts):
    """End-of-text ids: one that the first line writes after some others, one that ends the last line at once."""
    first, last = texts[0].tolist(), texts[-1].tolist()
    later = [i for i in range(3, len(first)) if first[i] not in first[:i]]
    if not later:
        raise SystemExit("the first text repeats itself; choose another line_seed")
    cut = first[later[0]]
    return [cut, last[0]] if last[0] not in first[:later[0]] else [cut]


def make_text(folder, recipe, lines, model, options):
    """The greedy texts, with and without an end; gives the ids of the end and one that is none."""
    count = recipe["generate"]
    texts = [greedy(model, folder, recipe, line, count) for line in lines]
    special = range(placeholder(recipe), recipe["vocab"])
    if recipe["member"] != "internlm2" and np.isin(np.concatenate(texts), special).any():
        raise SystemExit(f"{folder.name}: a text holds a placeholder; choose another line_seed")
    ends = choose_ends(texts)
    endless = folder / "expect-ignore-eos"
    endless.mkdir()
    for i, text in enumerate(texts):
        store.save_array(folder / "expect" / f"{i}.greedy.npy", until_end(text, ends))
        store.save_array(endless / f"{i}.greedy.npy", text)
    write_case(folder, "-ignore-eos", "in.jsonl", endless.name, [*options, "--generate", str(count), "--ignore-eos"])
    return ends, int(texts[0][1])


def make_long(folder, recipe, name, model, options):
    """A long line, of which only the logits are kept."""
    lines = [random_line(recipe, tiny.Random(name + " long"), recipe["long"])]
    write_lines(folder / "long.jsonl", lines)
    (folder / "expect-long").mkdir()
    result = model.run(model.embed(lines[0]))
    save_result(folder / "expect-long", 0, result, ["logits"])
    write_case(folder, "-long", "long.jsonl", "expect-long", options)


def make_checkpoint(folder, recipe, name):
    """Its config, not yet written because the end of text is chosen later, and its widened weights."""
    config, tensors = tiny.config(recipe), stored_tensors(recipe, name)
    if "fp8" in recipe:
        config["quantization_config"] = quantization_config(tensors, recipe)
    if "w8a8" in recipe:
        config["quantization_config"] = w8a8.config(tensors)
    store.write_checkpoint(folder, tensors, recipe.get("shards", 1), recipe.get("aligned", True))
    return config, store.widened(tensors)


def make_folder(folder, recipe, name):
    if folder.exists():
        shutil.rmtree(folder)
    (folder / "expect").mkdir(parents=True)
    recipe, make = tiny.DEFAULTS | recipe, reference_class(recipe)
    config, weights = make_checkpoint(folder, recipe, name)
    lines = make_lines(folder, recipe, name)
    write_lines(folder / "in.jsonl", lines)
    model = make(config, weights, context=recipe.get("ctx"))
    results = [model.run(embedded(model, folder, recipe, line)) for line in lines]
    what = ["logits", "hidden"] + (["experts"] if "experts" in recipe or recipe.get("routers") else [])
    for i, result in enumerate(results):
        save_result(folder / "expect", i, result, what)
    placing = ["--ctx", str(recipe["ctx"])] if "ctx" in recipe else []
    options = ["--layers", *(["--routers"] if "experts" in what else []), *placing]
    if "generate" in recipe:
        ends, decoy = make_text(folder, recipe, lines, model, placing)
        options += ["--generate", str(recipe["generate"])]
        write_ends(folder, config, ends, decoy, recipe.get("ends", "generation_config"))
    if "long" in recipe:
        make_long(folder, recipe, name, model, placing)
    store.write_json(folder / "config.json", config)
    write_case(folder, "", "in.jsonl", "expect", options)
    for suffix, more in CHUNKS.items():
        write_case(folder, "-" + suffix, "in.jsonl", "expect", options + more)
    if "w8a8" in recipe:  # which is rounded as it is
        return
    rough = make(config, weights, dtype=torch.bfloat16, context=recipe.get("ctx"))
    roughly = [rough.run(embedded(rough, folder, recipe, line)) for line in lines]
    store.write_json(folder / "bf16.json", bf16_figures(results, roughly))


def write_ends(folder, config, ends, decoy, where):
    """generation_config.json wins over config.json, whose id the first text holds early then."""
    text = config.get("text_config", config)
    if where == "config":
        text["eos_token_id"] = ends if len(ends) > 1 else ends[0]
        return
    text["eos_token_id"] = decoy
    sampling = {"do_sample": True, "temperature": 0.8, "top_k": 50, "top_p": 0.95}
    store.write_json(folder / "generation_config.json", {"bos_token_id": 0, "eos_token_id": ends} | sampling)


def check(folder):
    """The F64 check must agree well inside the tolerance of the tests, and no choice may be a coin toss."""
    worst = exact.check_folder(folder)
    print(f"{folder.name:22} {sum(f.stat().st_size for f in folder.rglob('*') if f.is_file()) // 1024:4} KB ",
          " ".join(f"{k} {v:.1e}" for k, v in worst.items()), flush=True)
    ok = max(worst["logits"], worst["hidden"], worst["gates"]) < 5e-6 and worst["greedy margin"] > 2e-4
    ok = ok and worst["step margin"] > 2e-6
    return ok and worst["router margin"] > FOLDERS[folder.name].get("router_margin", 1e-4)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("names", nargs="*", default=[], help="these folders only")
    args = parser.parse_args()
    torch.set_num_threads(1)
    bad = []
    for name in args.names or FOLDERS:
        make_folder(args.out / name, FOLDERS[name], name)
        if not check(args.out / name):
            bad.append(name)
    if bad:
        raise SystemExit(f"too close to call or too far from F64: {', '.join(bad)}")


if __name__ == "__main__":
    main()
