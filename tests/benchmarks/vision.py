#!/usr/bin/env python3
"""The vision tower and projector of Intern-S1-mini beside PyTorch and ONNX Runtime, on the same weights and pixels.

    vision.py CHECKPOINT PROGRAM [--threads 2] [--tiles 1,12] [--repeat 5] [--engines interns1,torch-bf16,...]

PROGRAM is `vision` of this folder. All engines live in one run and take turns, so that what else happens on the machine
meets them alike. Prints rows of RESULTS.md: medians, what was reached of the probe that PROGRAM measures at each
of its turns, the slowest turn over the fastest, and the cosine of the rows with those of interns1. Needs torch,
safetensors and numpy, for ONNX Runtime also onnx and onnxruntime.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open

TOWER, PROJECTOR = "model.vision_tower.", "model.multi_modal_projector."
SIDE, PATCH = 448, 14
GRID = SIDE // PATCH


def read_weights(folder):
    weights = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for name in file.keys():
                if name.startswith(TOWER):
                    weights[name[len(TOWER):]] = file.get_tensor(name)
                elif name.startswith(PROJECTOR):
                    weights["projector." + name[len(PROJECTOR):]] = file.get_tensor(name)
    return weights


def make_pixels(tiles):
    one = (np.arange(3 * SIDE * SIDE, dtype=np.uint64) * 2654435761 % 2**32 >> 8).astype(np.float32) / 8388608 - 1
    return np.tile(one.reshape(1, 3, SIDE, SIDE), (tiles, 1, 1, 1))


class Shape:
    def __init__(self, config):
        vision = config["vision_config"]
        self.layers, self.heads = vision["num_hidden_layers"], vision["num_attention_heads"]
        self.width, self.wide = vision["hidden_size"], vision["intermediate_size"]
        self.out, self.eps = config["text_config"]["hidden_size"], vision["layer_norm_eps"]

    def operations(self):
        """Of one tile, two for a multiplication and its addition."""
        rows, d = GRID * GRID + 1, self.width
        layer = 2 * rows * (4 * d * d + 2 * d * self.wide) + 4 * rows * rows * d
        tokens = GRID * GRID // 4
        return (2 * (rows - 1) * 3 * PATCH * PATCH * d + self.layers * layer
                + 2 * tokens * (4 * d * self.out + self.out * self.out))


class Torch:
    def __init__(self, weights, shape, dtype):
        self.w = {name: tensor.to(dtype) for name, tensor in weights.items()}
        self.shape, self.dtype = shape, dtype

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def norm(self, x, name, eps):
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"], eps)

    def layer(self, x, at):
        n, t, d = x.shape
        h = self.norm(x, at + "layernorm_before", self.shape.eps)
        q, k, v = (self.linear(h, at + f"attention.{p}_proj").view(n, t, self.shape.heads, -1).transpose(1, 2)
                   for p in "qkv")
        h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d)
        x = x + self.w[at + "lambda_1"] * self.linear(h, at + "attention.projection_layer")
        h = self.norm(x, at + "layernorm_after", self.shape.eps)
        h = self.linear(F.gelu(self.linear(h, at + "mlp.fc1")), at + "mlp.fc2")
        return x + self.w[at + "lambda_2"] * h

    @torch.inference_mode()
    def __call__(self, pixels):
        projection = "embeddings.patch_embeddings.projection"
        x = F.conv2d(torch.from_numpy(pixels).to(self.dtype), self.w[projection + ".weight"],
                     self.w[projection + ".bias"], stride=PATCH).flatten(2).transpose(1, 2)
        n, _, d = x.shape
        x = torch.cat([self.w["embeddings.cls_token"].expand(n, 1, d), x], 1) + self.w["embeddings.position_embeddings"]
        for i in range(self.shape.layers):
            x = self.layer(x, f"encoder.layer.{i}.")
        x = x[:, 1:].reshape(n, GRID, GRID // 2, 2 * d).permute(0, 2, 1, 3)
        x = x.reshape(n, GRID // 2, GRID // 2, 4 * d).permute(0, 2, 1, 3).reshape(n, -1, 4 * d)
        x = self.norm(x, "projector.layer_norm", 1e-5)
        x = self.linear(F.gelu(self.linear(x, "projector.linear_1")), "projector.linear_2")
        return x.float().numpy()


class Graph:
    """An ONNX model of nodes one after the other."""

    def __init__(self, weights):
        import onnx
        self.onnx, self.nodes, self.values, self.weights = onnx, [], {}, weights

    def constant(self, name, array):
        self.values[name] = self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def weight(self, name, transposed=False):
        array = self.weights[name].float().numpy()
        return self.constant(name, array.T if transposed else array)

    def add(self, kind, *inputs, domain="", **attributes):
        out = f"{kind}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [out], domain=domain, **attributes))
        return out

    def linear(self, x, name):
        return self.add("Add", self.add("MatMul", x, self.weight(name + ".weight", True)), self.weight(name + ".bias"))

    def norm(self, x, name, eps):
        return self.add("LayerNormalization", x, self.weight(name + ".weight"), self.weight(name + ".bias"),
                        axis=-1, epsilon=eps)

    def scaled(self, x, y, name):
        return self.add("Add", x, self.add("Mul", y, self.weight(name)))

    def shuffled(self, x, *dims):
        x = self.add("Reshape", x, self.constant("shape" + "_".join(map(str, dims)), np.array(dims, np.int64)))
        return self.add("Transpose", x, perm=[0, 2, 1, 3])

    def save(self, path, out):
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        self.nodes.append(helper.make_node("Identity", [out], ["rows"]))
        graph = helper.make_graph(self.nodes, "tower",
                                  [helper.make_tensor_value_info("pixels", kind, ["n", 3, SIDE, SIDE])],
                                  [helper.make_tensor_value_info("rows", kind, None)], list(self.values.values()))
        model = helper.make_model(graph, ir_version=9, opset_imports=[
            helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)])
        self.onnx.save(model, path, save_as_external_data=True, location="weights.bin")


def build_graph(path, weights, shape):
    g = Graph(weights)
    projection, d = "embeddings.patch_embeddings.projection", shape.width
    x = g.add("Conv", "pixels", g.weight(projection + ".weight"), g.weight(projection + ".bias"),
              strides=[PATCH, PATCH])
    x = g.add("Reshape", x, g.constant("patches", np.array([0, d, GRID * GRID], np.int64)))
    x = g.add("Transpose", x, perm=[0, 2, 1])
    n = g.add("Slice", g.add("Shape", "pixels"), g.constant("zero", np.array([0])), g.constant("one", np.array([1])))
    first = g.add("Concat", n, g.constant("row", np.array([1, d], np.int64)), axis=0)
    x = g.add("Concat", g.add("Expand", g.weight("embeddings.cls_token"), first), x, axis=1)
    x = g.add("Add", x, g.weight("embeddings.position_embeddings"))
    for i in range(shape.layers):
        at = f"encoder.layer.{i}."
        h = g.norm(x, at + "layernorm_before", shape.eps)
        q, k, v = (g.linear(h, at + f"attention.{p}_proj") for p in "qkv")
        h = g.add("MultiHeadAttention", q, k, v, domain="com.microsoft", num_heads=shape.heads)
        x = g.scaled(x, g.linear(h, at + "attention.projection_layer"), at + "lambda_1")
        h = g.add("Gelu", g.linear(g.norm(x, at + "layernorm_after", shape.eps), at + "mlp.fc1"))
        x = g.scaled(x, g.linear(h, at + "mlp.fc2"), at + "lambda_2")
    x = g.add("Slice", x, "one", g.constant("end", np.array([GRID * GRID + 1])), "one")
    x = g.shuffled(x, 0, GRID, GRID // 2, 2 * d)
    x = g.shuffled(x, 0, GRID // 2, GRID // 2, 4 * d)
    x = g.add("Reshape", x, g.constant("tokens", np.array([0, GRID * GRID // 4, 4 * d], np.int64)))
    x = g.norm(x, "projector.layer_norm", 1e-5)
    g.save(path, g.linear(g.add("Gelu", g.linear(x, "projector.linear_1")), "projector.linear_2"))


class OnnxRuntime:
    def __init__(self, weights, shape, threads, folder):
        import onnxruntime
        build_graph(folder / "tower.onnx", weights, shape)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin between its turns would take the CPU from the others.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(folder / "tower.onnx", options, ["CPUExecutionProvider"])

    def __call__(self, pixels):
        return self.session.run(["rows"], {"pixels": pixels})[0]


class Program:
    """The library, in a process of its own that waits for its turn."""

    def __init__(self, program, checkpoint, threads, folder):
        self.path = folder / "rows.bin"
        self.process = subprocess.Popen([program, checkpoint, str(threads)], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.peaks, self.digests = [], set()

    def __call__(self, tiles, save=False):
        self.process.stdin.write(f"{tiles} {self.path if save else ''}\n")
        answer = json.loads(self.process.stdout.readline())
        self.peaks.append(answer["bf16_GFLOPs"] or answer["fp32_GFLOPs"])
        self.digests |= set(answer["digests"])
        return answer["seconds"]

    def rows(self):
        return np.fromfile(self.path, np.float32)


def cosine(a, b):
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tiles", default="1")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--engines", default="interns1,torch-bf16,torch-f32,onnxruntime-f32")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    shape = Shape(json.loads((args.checkpoint / "config.json").read_text()))
    weights = read_weights(args.checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make = {"torch-bf16": lambda: Torch(weights, shape, torch.bfloat16),
                "torch-f32": lambda: Torch(weights, shape, torch.float32),
                "onnxruntime-f32": lambda: OnnxRuntime(weights, shape, args.threads, folder)}
        program = Program(args.program, args.checkpoint, args.threads, folder)
        engines = {name: make[name]() for name in args.engines.split(",") if name != "interns1"}
        for tiles in map(int, args.tiles.split(",")):
            compare(program, engines, shape, tiles, args)
        print(f"digests of interns1: {len(program.digests)}")
        program.process.stdin.close()
        program.process.wait()


def compare(program, engines, shape, tiles, args):
    pixels = make_pixels(tiles)
    program(tiles, save=True)
    alike = {"interns1": 1} | {name: cosine(run(pixels), program.rows()) for name, run in engines.items()}
    seconds, program.peaks = {name: [] for name in alike}, []
    for _ in range(args.repeat):
        seconds["interns1"].append(program(tiles))
        for name, run in engines.items():
            start = time.perf_counter()
            run(pixels)
            seconds[name].append(time.perf_counter() - start)
    peak = statistics.median(program.peaks)
    for name, times in seconds.items():
        speed = tiles * shape.operations() / statistics.median(times) * 1e-9
        print(f"| {name} | {tiles} | {args.threads} | {statistics.median(times) * 1e3:.0f} ms | {speed:.1f} GFLOP/s "
              f"| {100 * speed / peak:.0f} % | {max(times) / min(times):.2f} | {alike[name]:.6f} |")


if __name__ == "__main__":
    main()
