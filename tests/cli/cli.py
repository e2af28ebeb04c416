#!/usr/bin/env python3
"""What a shell sees of ins1: exit status, sentences on stderr, a line out for each line in.

    cli.py INS1 GOLDEN_FOLDER [TOKENIZER_FOLDER]
"""
import ast
import json
import math
import os
import pathlib
import pty
import random
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

ins1, golden = sys.argv[1], pathlib.Path(sys.argv[2])
tokenizer = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
model = golden / "mini-f32"
failures = []


def run(*args, text=""):
    p = subprocess.run([ins1, *map(str, args)], input=text, text=True, capture_output=True, timeout=120)
    return p.returncode, p.stdout, p.stderr


def check(holds, what):
    if not holds:
        failures.append(what)


def check_status(status, *args, text="", said=""):
    code, out, err = run(*args, text=text)
    check(code == status, f"{args}: exit {code}, expected {status}: {err}")
    check(said in err, f"{args}: '{said}' is not in '{err}'")
    check(status == 0 or err.startswith("ins1"), f"{args}: no sentence on stderr: '{err}'")
    return out


def answers(*args, lines, status):
    out = run(*args, text="".join(line + "\n" for line in lines))
    check(out[0] == status, f"{args}: exit {out[0]}, expected {status}: {out[2]}")
    return [json.loads(line) for line in out[1].splitlines()]


def usage():
    check_status(2)
    check_status(2, "frobnicate", said="frobnicate")
    check_status(2, "run", said="0 of 1 arguments")
    check_status(2, "info", model, "more", said="more")
    check_status(2, "info", model, "--nonsense", said="--nonsense")
    check_status(2, "info", "--threads", model, said="--threads")
    check_status(2, "info", model, "--threads", said="needs a value")
    check_status(2, "info", model, "--quiet=1", said="takes no value")
    check_status(2, "info", model, "--pool", "swimming", said="swimming")
    check_status(2, "plan", model, "--precision", "f64", said="f64")
    check_status(2, "embed", model, "out.npy", said="nothing to encode")
    check_status(2, "embed", model, "out.npy", "--series", "a.csv", "--samples", "b.npy", said="both")
    check_status(2, "info", model, "--plugin", "here.so", said="absolute")
    check_status(2, "bench", model, "--repeat", "0", said="--repeat")
    check_status(2, "run", model, "--temperature", "nan", said="'nan', a number is expected")
    check_status(2, "run", model, "--rate", "1e-300", said="'1e-300', a number is expected")
    check_status(2, "run", model, "--rate", "50", said="--rate is given without --series")
    check_status(2, "run", model, "--fps", "2", said="--fps is given without --video")
    check_status(2, "embed", model, "out.npy", "--image", "x.png", "--rate", "50", said="--rate is given with --image")
    check_status(2, "embed", model, "out.npy", "--series", "x.csv", "--fps", "2", said="--fps is given with --series")
    check_status(2, "info", model, "--threads", "-1", said="'-1', a whole number from 0")
    check_status(2, "bench", model, "--prompt", "1,a", said="'1,a', a list of whole numbers")
    check("ins1 0." in check_status(0, "--version"), "--version")


def help_texts():
    top = check_status(0, "--help")
    commands = [line.split()[0] for line in top.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    check(len(commands) > 10, f"commands {commands}")
    for name in commands:
        text = check_status(0, name, "--help")
        check("\nExample:\n  " in text and "--threads" in text, f"help of {name}: {text}")


def failures_are_told():
    check_status(1, "info", "/nowhere", said="/nowhere")
    check_status(1, "info", model, "--level", "avx9000", said="avx9000")
    check_status(1, "info", model, "--device", "abacus", said="abacus")
    check_status(1, "info", model, "--device", ",", said="','")
    for part in ("layers=0", "layers=-1", "layers=2x", "layers=99999999999", "bytes=", "bytes=0", "bytes=1Q", "bytes=1MB",
                 "bytes=99999999T", "bytes=99999999999999999999", "size=3", "layers"):
        check_status(1, "info", model, "--device", "cpu," + part, said=f"'{part}' in --device cpu,{part}")
    check_status(1, "plan", model, "--device", "cpu,layers=99", said="99 layers")
    check_status(0, "plan", model, "--device", "cpu,bytes=1T")
    check_status(1, "info", model, "--plugin", "/nowhere.so", said="/nowhere.so")
    check_status(2, "embed", model, "out.npy", said="nothing to encode")
    check_status(1, "embed", model, "out.npy", "--series", "x.csv", said="INS1_E_UNSUPPORTED")
    check_status(1, "embed", model, "out.npy", "--pixels", "x.npy", said="INS1_E_UNSUPPORTED")
    check_status(1, "check-backend", "/nowhere.so", said="/nowhere.so")
    check_status(1, "tokenize", model, said="INS1_E_UNSUPPORTED")
    said = answers("score", model, lines=['{"prefix": [], "candidates": [[1]]}'], status=1)[0]["error"]
    check("\"prefix\" is empty" in said, f"score: {said}")


def what_is_neither_true_nor_false_is_refused():
    hi = '"messages": [{"role": "user", "content": "hi"}]'
    for command, line in (("render", '{%s, "enable_thinking": "no"}' % hi), ("render", '{%s, "add_generation_prompt": 1}' % hi),
                          ("parse", '{"text": "a", "thinking": "yes"}')):
        out = answers(command, tokenizer, lines=[line], status=1)[0]
        check("true or false is expected" in out.get("error", ""), f"{command} {line}: {out}")
    out = answers("render", tokenizer, lines=['{%s, "enable_thinking": null}' % hi], status=0)[0]
    check("text" in out, f"null is not given: {out}")


LINES = ["[1, 2, 3]", "", "[1,", '"\\ud800"', "[99999999]", "[99999999999]", "[1.5]", '{"ids": 3}', '{"ids": [1], "embeds": ["/nowhere.npy"]}',
         "[4, 5]"]
STATUS = [None, "INS1_E_FORMAT", "INS1_E_FORMAT", "INS1_E_ARGUMENT", "INS1_E_ARGUMENT", "INS1_E_FORMAT", "INS1_E_FORMAT", "INS1_E_IO", None]


def output_that_cannot_be_written_is_a_failure():
    for args in (["--version"], ["info", model]):
        with open("/dev/full", "w") as full:
            p = subprocess.run([ins1, *map(str, args)], stdout=full, stderr=subprocess.PIPE, text=True)
        check(p.returncode == 1, f"{args} > /dev/full: exit {p.returncode}, expected 1")
        check("could be written" in p.stderr, f"{args} > /dev/full: {p.stderr}")


def interrupts():
    demo = golden.parent.parent / "examples" / "demo-model" / "interns1-demo"
    if not (demo / "model.safetensors").exists():
        print("skipped: Ctrl-C needs the demo model")
        return
    check_status(1, "run", demo, "-p", "hi", "--max-tokens", 2**64 - 1, said="INS1_E_ARGUMENT")
    lines = 200
    p = subprocess.Popen([ins1, "run", demo, "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    p.stdin.write(b'{"text": "hi"}\n' * lines)
    p.stdin.close()
    p.stdout.read(1)
    p.send_signal(signal.SIGINT)
    out = p.stdout.read()
    check(p.wait(60) == 1, "run --json after Ctrl-C: exit status")
    check(out.count(b"\n") == lines and b"INS1_E_CANCELED" in out, "run --json after Ctrl-C: answers")


def input_that_never_ends_can_be_interrupted():
    demo = golden.parent.parent / "examples" / "demo-model" / "interns1-demo"
    if not (demo / "model.safetensors").exists():
        return
    p = subprocess.Popen([ins1, "run", demo], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    time.sleep(1)
    p.send_signal(signal.SIGINT)
    try:
        p.wait(30)
    except subprocess.TimeoutExpired:
        p.kill()
        check(False, "run: Ctrl-C while it reads stdin does nothing")
    p.stdin.close()


def read_until(terminal, what, seconds=60):
    """What a terminal shows until `what` is among it."""
    shown, end = b"", time.monotonic() + seconds
    while what not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 4096)
            except OSError:  # the program has gone
                break
    return shown


def a_conversation_on_a_terminal():
    demo = golden.parent.parent / "examples" / "demo-model" / "interns1-demo"
    if not (demo / "model.safetensors").exists():
        return
    prompt, question = b"\x1b[K> ", b"How many rings does <SMILES>c1ccccc1</SMILES> have?"
    try:
        child, terminal = pty.fork()
    except OSError as error:
        print(f"skipped: a conversation on a terminal: {error}")
        return
    if child == 0:
        os.execv(ins1, [ins1, "run", str(demo), "--quiet", "--threads", "1", "--level", "scalar"])
    check(prompt in read_until(terminal, prompt), "run on a terminal: no prompt")
    for typed in (question + b"\r", b"\x1b[A\r"):  # typed, and recalled with the arrow up
        os.write(terminal, typed)
        shown = read_until(terminal, question + b"\r\n")
        shown += read_until(terminal, prompt)
        check(b"\r\n1\r\n" in shown, f"run on a terminal: {typed} is answered {shown}")
    os.write(terminal, b"\x1b[A\r")
    read_until(terminal, b"<think>")
    os.write(terminal, b"\x03")
    shown = read_until(terminal, prompt)
    check(prompt in shown, f"run on a terminal: Ctrl-C ends more than the reply: {shown}")
    os.write(terminal, b"never mind\x03")  # empties the line
    read_until(terminal, b"mind\r" + prompt)
    os.write(terminal, b"\x04")
    read_until(terminal, b"there is no more", 5)
    check(os.waitpid(child, 0)[1] == 0, "run on a terminal: Ctrl-D is no good end")
    os.close(terminal)


def a_line_for_each_line():
    for options in ([], ["--together"], ["--chunk", "1"], ["--pool", "host", "--threads", "3"], ["--level", "scalar"]):
        with tempfile.TemporaryDirectory() as folder:
            out = answers("logits", model, folder, "--layers", "--routers", "--generate", 2, *options, lines=LINES, status=1)
            check([line.get("status") for line in out] == STATUS, f"logits {options}: {out}")
            check(all(line["error"] for line in out if "status" in line), f"sentences: {out}")
            names = {p.name.split(".")[0] for p in pathlib.Path(folder).iterdir()}
            check(names == {"0", "8"}, f"files of lines {names}")
            kinds = {p.name.split(".")[1] for p in pathlib.Path(folder).iterdir()}
            check(kinds == {"logits", "hidden", "experts", "gates", "greedy"}, f"files {kinds}")


def series_become_rows():
    folder = golden / "series-f32"
    with tempfile.TemporaryDirectory() as out:
        rows = pathlib.Path(out) / "rows.npy"
        said = check_status(0, "embed", folder, rows, "--samples", folder / "positions.npy", "--rate", 20)
        check(json.loads(said) == {"tokens": 25, "dim": 18}, f"embed --samples: {said}")
        check(rows.read_bytes()[:6] == b"\x93NUMPY" and b"(25, 18)" in rows.read_bytes()[:128], "embed: the file")
        csv = pathlib.Path(out) / "beat.csv"
        csv.write_text("time,lead (mV)\n" + "".join(f"{i / 36},{i * i % 17}\n" for i in range(147)))
        said = check_status(0, "embed", folder, rows, "--series", csv)
        check(json.loads(said)["tokens"] == 6, f"embed --series with the file's rate: {said}")
        said = check_status(0, "embed", folder, rows, "--series", csv, "--rate", 1, "--max-samples", 60)
        check(json.loads(said)["tokens"] == 7, f"embed --series --rate --max-samples: {said}")
        said = check_status(0, "embed", folder, rows, "--series", csv, "--tower", "--precision", "bf16")
        check(json.loads(said)["dim"] == 22, f"embed --tower: {said}")
        check_status(1, "embed", folder, rows, "--series", csv, "--rate", 1e6, said="at least 321")
        check_status(1, "embed", folder, rows, "--series", csv, "--rate", -3, said="-3")
        check_status(1, "embed", folder, rows, "--series", "/nowhere.wav", said="/nowhere.wav")
        check_status(1, "embed", folder, "/nowhere/rows.npy", "--series", csv, said="/nowhere/rows.npy")
        check_status(1, "run", model, "-p", "x", "--series", csv, said="ins1 run")


def add_encoder(folder):
    """The demo model with an encoder of random weights beside its own."""
    demo = golden.parent.parent / "examples" / "demo-model" / "interns1-demo"
    for file in demo.iterdir():
        if file.is_file() and file.name not in ("config.json", "README.md", "model.safetensors"):
            (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((demo / "config.json").read_text())
    width = config["text_config"]["hidden_size"]
    config["ts_token_id"] = json.loads((demo / "added_tokens.json").read_text())["<TS_CONTEXT>"]
    config["ts_config"] = {"d_model": 8, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 8,
                           "num_mel_bins": 4, "max_source_positions": 9, "ts_adapt_in_dim": 16, "ts_adapt_out_dim": 8,
                           "ts_hidden_dim": 8}
    (folder / "config.json").write_text(json.dumps(config))
    shapes, local = {}, "encoder_embed.transformer_encoder.layers.0."

    def add(name, *shape):
        shapes["model.time_series." + name] = shape

    def linear(name, rows, *columns):
        add(name + ".weight", rows, *columns)
        add(name + ".bias", rows)

    linear("encoder_embed.conv", 8, 1, 5)
    add("encoder_embed.pos_encoder.pe", 40, 1, 8)
    add(local + "self_attn.in_proj_weight", 24, 8)
    add(local + "self_attn.in_proj_bias", 24)
    for name in ("self_attn.out_proj", "linear1", "linear2"):
        linear(local + name, 8, 8)
    linear(local + "norm1", 8)
    linear(local + "norm2", 8)
    linear("encoder.adapt_in", 4, 16)
    linear("encoder.conv1", 8, 4, 3)
    linear("encoder.conv2", 8, 8, 3)
    add("encoder.embed_positions.weight", 9, 8)
    add("encoder.layers.0.self_attn.k_proj.weight", 8, 8)
    for name in ("self_attn.q_proj", "self_attn.v_proj", "self_attn.out_proj", "fc1", "fc2"):
        linear("encoder.layers.0." + name, 8, 8)
    for name in ("layers.0.self_attn_layer_norm", "layers.0.final_layer_norm", "layer_norm"):
        linear("encoder." + name, 8)
    linear("encoder.adapt_out", 8, 8)
    linear("projector.layer_norm", 8)
    linear("projector.linear_1", width, 8)
    linear("projector.linear_2", width, width)
    own = (demo / "model.safetensors").read_bytes()
    end = 8 + int.from_bytes(own[:8], "little")
    header = {k: v for k, v in json.loads(own[8:end]).items() if "time_series" not in k}
    at, data = len(own) - end, [own[end:]]
    source = random.Random(1)
    for name, shape in shapes.items():
        values = b"".join(struct.pack("<f", source.gauss(0, 0.3)) for _ in range(math.prod(shape)))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(values)]}
        at += len(values)
        data.append(values)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b"".join(data))


def series_stand_in_conversations():
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        add_encoder(folder)
        csv = folder / "beat.csv"
        csv.write_text("".join(f"{i * i % 17}\n" for i in range(147)))
        one, two = {"file": str(csv), "rate": 36}, {"file": str(csv)}
        lines = [{"text": "What is this?"}, {"text": "What is this?", "series": [one]},
                 {"text": "What is this?", "series": [one, two]}, {"text": "x", "series": [{"file": "/nowhere.csv"}]},
                 {"text": "x", "series": [{"rate": 1}]}, {"text": "x", "series": {}},
                 {"text": "x", "series": [{"file": str(csv), "rate": 100}]}, {"text": "What is this?", "series": [one]}]
        out = answers("run", folder, "--json", "--max-tokens", 4, lines=map(json.dumps, lines), status=1)
        tokens = [line.get("prompt_tokens") for line in out]
        # 6 tokens at 36 Hz and their two marks; a quarter of the length is 36.75 Hz, the same stride.
        check(tokens[1] == tokens[0] + 8 and tokens[2] == tokens[0] + 16, f"run with series: {tokens}")
        check([line.get("status") for line in out[3:7]] == ["INS1_E_IO", "INS1_E_FORMAT", "INS1_E_FORMAT",
                                                           "INS1_E_UNSUPPORTED"], f"run with bad series: {out}")
        check(out[7] == out[1], f"the same again: {out[1]}, {out[7]}")
        for options in ([], ["--rate", "20"]):
            check_status(0, "run", folder, "-p", "What is this?", "--max-tokens", 4, "--series", csv, *options)
        check_status(1, "run", folder, "-p", "x", "--series", "/nowhere.csv", said="/nowhere.csv")
        plan = json.loads(check_status(0, "plan", folder))
        check(plan["parts"]["timeseries"]["disk"] > 1000, f"plan: {plan}")
        check("timeseries" in check_status(0, "info", folder), "info names the part")


def scores():
    line = {"prefix": [1, 2], "candidates": [[3], [4, 5], []]}
    out = answers("score", model, lines=[json.dumps(line), "{}", '{"prefix": [], "candidates": [[1]]}'], status=1)
    check([len(t) for t in out[0]["tokens"]] == [1, 2, 0], f"score {out[0]}")
    check(all(abs(sum(t) - s) < 1e-6 for t, s in zip(out[0]["tokens"], out[0]["logprobs"])), f"sums {out[0]}")
    check([line.get("status") for line in out[1:]] == ["INS1_E_FORMAT", "INS1_E_STATE"], f"score {out[1:]}")
    check(answers("score", model, lines=['{"prompt": "a", "reference": "b", "candidates": ["c"]}'], status=1)[0]["status"] ==
          "INS1_E_UNSUPPORTED", "a reference for a model without rewards")


def weights_of_8_bits():
    """They take int8 and nothing else, which is not asked for; keys and values are BF16 here, F32 in the expectation."""
    folder = golden / "moe-w8a8"
    check("int8" in check_status(0, "info", folder), "info names the type")
    plans = [json.loads(check_status(0, "plan", folder, *options)) for options in ([], ["--precision", "int8"])]
    check(plans[0] == plans[1], f"plans {plans}")
    for command, status in (("plan", 1), ("score", 1)):
        check_status(status, command, folder, "--precision", "bf16", said="int8 is expected")
    check_status(1, "score", model, "--precision", "int8", said="weights in I8")
    line, places = (folder / "in.jsonl").read_text(encoding="utf-8").splitlines()[0], []
    for level in json.loads(check_status(0, "devices"))["level"], "scalar":
        with tempfile.TemporaryDirectory() as out:
            answers("logits", folder, out, "--level", level, "--generate", 4, lines=[line], status=0)
            places.append([array(pathlib.Path(out) / f"0.{what}.npy") for what in ("logits", "greedy")])
    check(places[0][1] == array(folder / "expect" / "0.greedy.npy"), f"greedy {places[0][1]}")
    check(places[0][1] == places[1][1] and places[0][0][:2] == places[1][0][:2], f"levels {places}")
    candidates = json.dumps({"prefix": [1, 2], "candidates": [[3], [4, 5]]})
    check(len(answers("score", folder, lines=[candidates], status=0)[0]["logprobs"]) == 2, "score")


def rewards():
    """Those of the reference, of ids and of texts."""
    folder = golden / "internlm2-reward"
    lines, wanted = ((folder / name).read_text(encoding="utf-8").splitlines() for name in ("in.jsonl", "expect.jsonl"))
    out = answers("score", folder, lines=lines, status=0)
    for got, want in zip(out, map(json.loads, wanted)):
        check(len(got["rewards"]) == len(want["rewards"]) and
              all(abs(a - b) < 1e-4 for a, b in zip(got["rewards"], want["rewards"])), f"rewards {got}, expected {want}")
    out = answers("score", folder, lines=['{"prompt": "a", "reference": 1, "candidates": ["c"]}',
                                          '{"prompt": "a", "reference": "b", "candidates": [1]}',
                                          '{"prompt": "a", "reference": "b", "candidates": ["c"], "max_tokens": "x"}'], status=1)
    check([line["status"] for line in out] == ["INS1_E_FORMAT"] * 3, f"score {out}")


def numbers():
    plan = json.loads(check_status(0, "plan", model, "--sequences", "3", "--ctx", "100"))
    check(plan["total"] >= plan["parts"]["decoder"]["memory"] + 300 * plan["kv_per_token"] and plan["scratch"] > 0, f"plan {plan}")
    devices = [json.loads(line) for line in check_status(0, "devices").splitlines()]
    check(devices[0]["name"] == "cpu" and devices[0]["index"] == 0 and devices[0]["memory"] > 0, f"devices {devices}")
    check(json.loads(check_status(0, "devices", "--level", "scalar"))["level"] == "scalar", "forced level")
    bench = check_status(0, "bench", model, "--prompt", "5", "--generate", "2", "--depth", "0,7", "--batch", "1,2", "--repeat", "2")
    lines = [json.loads(line) for line in bench.splitlines()]
    check([line["test"] for line in lines] == ["prefill", "decode"] * 4 + ["probe", "memory"], f"bench {lines}")
    check(all(len(line["seconds"]) == 2 and line["tokens_per_s"] > 0 for line in lines[:8]), f"bench {lines}")
    check(lines[8]["read_GBps"] > 0 and lines[9]["resident"] > 0, f"bench {lines[8:]}")
    check("decode" in check_status(0, "bench", model, "--prompt", "5", "--depth", "0", "--batch", "1", "--table"), "table")


def array(path):
    """Type, shape and bytes of a NumPy file."""
    data = path.read_bytes()
    end = 10 + int.from_bytes(data[8:10], "little")
    head = ast.literal_eval(data[10:end].decode())
    return head["descr"], head["shape"], data[end:]


def images():
    cases = sorted(golden.glob("pixels-*/case*.json"))
    check(len(cases) > 10, f"{len(cases)} cases of preprocess")
    for path in cases:
        case = json.loads(path.read_text())
        args = [path.parent / a if a.endswith(".png") else a for a in case["args"]]
        with tempfile.TemporaryDirectory() as folder:
            got, want = pathlib.Path(folder) / "out.npy", path.parent / case["expect"]
            code, out, err = run("preprocess", path.parent, got, *args)
            if code and "built without" in err:
                return print("skipped: preprocess, this ins1 reads no images")
            check(code == 0 and json.loads(out) == case["prints"], f"{path}: {code} {out} {err}")
            check(code == 0 and array(got) == array(want), f"{path}: the array is another")
    check_status(2, "preprocess", model, "out.npy", said="--image")
    check_status(1, "preprocess", golden / "pixels-s1", "/nowhere/out.npy", "--image", golden / "pixels-s1/dot.png", said="/nowhere/out.npy")
    check_status(1, "preprocess", golden / "pixels-s1", "out.npy", "--image", "/nowhere.png", said="/nowhere.png")
    check_status(1, "preprocess", golden / "pixels-s1", "out.npy", "--image", path, said="neither PNG nor JPEG")
    check_status(1, "preprocess", "/nowhere", "out.npy", "--image", path, said="/nowhere")
    check_status(1, "preprocess", model, "out.npy", "--image", golden / "pixels-s1/dot.png", said="vision_config")


def images_are_asked_about():
    """`run` gives the text that `embed`, `render` and `logits` give step by step."""
    demo, picture = golden.parent.parent / "examples/demo-model/interns1-demo", golden / "pro-vision/image.png"
    if not (demo / "model.safetensors").exists():
        return print("skipped: no demo model")
    folder, config = demo.resolve(), json.loads((demo / "config.json").read_text())
    with tempfile.TemporaryDirectory() as out:
        rows = pathlib.Path(out) / "rows.npy"
        said = json.loads(check_status(0, "embed", folder, rows, "--image", picture))
        n = said["tokens"]
        check(said["grid"][0] == 1 and said["grid"][1] * said["grid"][2] == 4 * n, f"embed --image: {said}")
        ask = [{"text": "What is this?", "images": [str(picture)] * 2, "thinking": False}, {"text": "What is this?", "thinking": False},
               {"text": "x", "images": ["/nowhere.png"]}, {"text": "x", "images": "a.png"}]
        replies = answers("run", folder, "--json", "--max-tokens", 12, lines=map(json.dumps, ask), status=1)
        check([r.get("status") for r in replies] == [None, None, "INS1_E_IO", "INS1_E_FORMAT"], f"run --json: {replies}")
        said = check_status(0, "run", folder, "--image", picture, "--image", picture, "-p", "What is this?", "--no-think", "--max-tokens", 12)
        check(said.strip() == (replies[0]["content"] or "").strip(), f"run --image: {said}, {replies[0]}")

        messages = [{"role": "user", "content": [{"type": "image"}] * 2 + [{"type": "text", "text": "What is this?"}]}]
        ids = answers("render", folder, status=0, lines=[
            json.dumps({"messages": messages, "add_generation_prompt": True, "enable_thinking": False})])[0]["ids"]
        long = [i for id in ids for i in [id] * (n if id == config["image_token_id"] else 1)]
        check(replies[0]["prompt_tokens"] == len(long) > replies[1]["prompt_tokens"] + 2 * n, f"run --json: {replies}, {len(long)}")
        line = json.dumps({"ids": long, "embeds": [str(rows), str(rows)]})
        answers("logits", folder, out, "--generate", 12, "--precision", "bf16", lines=[line], status=0)
        greedy = (pathlib.Path(out) / "0.greedy.npy").read_bytes()
        tokens = memoryview(greedy[-(len(greedy) - 128):]).cast("i").tolist()
        text = answers("tokenize", folder, "--decode", "--skip-special", lines=[json.dumps(tokens)], status=0)[0]
        check(text.strip() == (replies[0]["content"] or "").strip(), f"run --json: {replies[0]}, step by step: {text!r}")


def videos_become_rows():
    with tempfile.TemporaryDirectory() as out:
        check_status(1, "embed", golden / "pro-vision", "out.npy", "--video", "/nowhere", said="/nowhere")
        check_status(1, "embed", golden / "pro-vision", "out.npy", "--video", out, said="no frame")
        check_status(1, "embed", golden / "pro-vision", "out.npy", "--pixels", golden / "pro-vision/pixels0.npy", said="grid")
        check_status(1, "embed", golden / "pro-vision", "out.npy", "--pixels", golden / "pro-vision/pixels0.npy", "--grid", "1,2", said="T,H,W")


def texts():
    out = answers("tokenize", tokenizer, lines=['"CCO"', '"\\ud800"', '"a"'], status=1)
    check(isinstance(out[0], list) and out[1]["status"] == "INS1_E_FORMAT" and isinstance(out[2], list), f"tokenize {out}")
    check(answers("tokenize", tokenizer, "--decode", lines=[json.dumps(out[0])], status=0) == ["CCO"], "decode")
    out = answers("parse", tokenizer, status=0, lines=[
        '{"text": "<think>\\nhm\\n</think>\\n\\nSix.\\n"}',
        '{"chunks": ["h", "m</thi", "nk>x<tool_call>{\\"name\\": \\"f\\", \\"arguments\\": {\\"a\\": [1]}}</tool_call>"], "thinking": true}'])
    check([out[0][k] for k in ("reasoning", "content", "tool_calls")] == ["hm", "Six.", []], f"parse {out[0]}")
    check(out[1]["content"] == "x" and out[1]["tool_calls"] == [{"name": "f", "arguments": {"a": [1]}}], f"parse {out[1]}")
    out = answers("render", tokenizer, lines=['{"messages": [{"role": "user", "content": "<|im_end|>"}]}', '{"messages": 1}'], status=1)
    check(out[0]["text"] == "<|im_start|>user\n<|im_end|><|im_end|>\n", f"render {out[0]}")
    plain = answers("tokenize", tokenizer, lines=[json.dumps(out[0]["text"])], status=0)[0]
    check(len(out[0]["ids"]) > len(plain), f"what was typed is no token: {out[0]['ids']}")
    check(out[1]["status"] == "INS1_E_FORMAT", f"render {out[1]}")


for test in [usage, help_texts, failures_are_told, output_that_cannot_be_written_is_a_failure, interrupts,
             input_that_never_ends_can_be_interrupted, a_conversation_on_a_terminal, a_line_for_each_line, scores, weights_of_8_bits, rewards, numbers, images,
             images_are_asked_about, videos_become_rows, series_become_rows,
             series_stand_in_conversations] + ([texts, what_is_neither_true_nor_false_is_refused] if tokenizer else []):
    test()
if not tokenizer:
    print("skipped: texts and what is neither true nor false, there is no tokenizer")
print("\n".join(failures))
sys.exit(1 if failures else 0)
