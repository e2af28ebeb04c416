#!/usr/bin/env python3
"""Checkpoints to measure speed with: true shapes, random weights, no tokenizer. Standard library only.

    python make_checkpoint.py dense OUT    Qwen3-1.7B's shape in the layout of Intern-S1-mini, BF16, tied head, 3.4 GB
    python make_checkpoint.py series OUT   Intern-S1-Pro's time-series encoder, BF16, 0.3 GB
    python make_checkpoint.py moe OUT      a slice of Intern-S1-FP8: 4096 wide, 4 layers, 128 experts, 10 GB
    python make_checkpoint.py vision OUT   Intern-S1-mini's vision tower and projector, BF16, 0.7 GB

The values are random, of the size that trained weights have, without denormals and NaN. They come out of one
random block that is read again and again from other places, so that no two tensors and no two pages are alike.
"""
import argparse
import pathlib
import random
import statistics
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
import shapes

PERIOD = 64 * 1024 * 1024
STEP = 4097 * 1024 + 2
SPREAD = 112.0  # Standard deviation of the FP8 codes' values; 448, the largest, is four of them.


def dense_config(args):
    text = shapes.qwen3("qwen3", hidden_size=2048, intermediate_size=6144, num_attention_heads=16,
                        num_hidden_layers=args.layers or 28, num_key_value_heads=8, tie_word_embeddings=True,
                        vocab_size=args.vocab or 151936)
    return text, False


def moe_config(args):
    # A small vocabulary, because the head would otherwise weigh more than the four layers.
    text = shapes.qwen3("qwen3_moe", decoder_sparse_step=1, mlp_only_layers=[], moe_intermediate_size=1536,
                        norm_topk_prob=True, num_attention_heads=64, num_experts=args.experts or 128,
                        num_experts_per_tok=8, num_hidden_layers=args.layers or 4, num_key_value_heads=4,
                        vocab_size=args.vocab or 8192)
    return text, True


def series_config():
    """The encoder alone; the config of a decoder says its width."""
    config = shapes.pro_config() | {"ts_token_id": 151685, "ts_config": shapes.series_config()}
    del config["vision_config"]
    return config


def towers():
    """Name -> config and tensors of an encoder alone."""
    mini, pro = shapes.mini_config(), series_config()
    return {"series": (pro, shapes.series_tensors(pro["ts_config"])),
            "vision": (mini, shapes.intern_vit_tensors(mini["vision_config"], mini["text_config"]["hidden_size"]))}


def top_config(text):
    """Without a vision tower; the special ids are the last ones of the vocabulary."""
    last = text["vocab_size"] - 1
    text |= {"bos_token_id": last - 2, "eos_token_id": last - 1}
    config = shapes.intern_s1(text, None) | {"image_token_id": last}
    del config["vision_config"]
    return config


def bf16_block(source):
    """Magnitudes 2^-11 to 2^-5, most of them above 2^-7: the high byte has the sign and seven bits of the exponent."""
    high = bytes(b & 128 | (60 if b & 127 < 96 else 59 if b & 127 < 120 else 58) for b in range(256))
    block = bytearray(source.randbytes(PERIOD))
    block[1::2] = block[1::2].translate(high)
    return bytes(block)


def e4m3_code(value):
    """The nearest code; the values asked for are normal ones."""
    magnitudes = [(8 + (c & 7)) * 2.0 ** ((c >> 3) - 10) for c in range(8, 127)]
    best = min(range(len(magnitudes)), key=lambda i: abs(magnitudes[i] - abs(value)))
    return 8 + best | (128 if value < 0 else 0)


def fp8_block(source):
    normal = statistics.NormalDist(0, SPREAD)
    codes = bytes(e4m3_code(normal.inv_cdf((b + 0.5) / 256)) for b in range(256))
    return source.randbytes(PERIOD).translate(codes)


class Writer:
    """Fills a file with the data of one shard."""

    def __init__(self):
        source = random.Random(1)
        self.blocks = {"BF16": bf16_block(source), "F8_E4M3": fp8_block(source)}
        self.at = 0

    def random_bytes(self, file, kind, size):
        block = memoryview(self.blocks[kind])
        self.at = (self.at + STEP) % PERIOD
        at = self.at
        while size:
            piece = min(size, PERIOD - at)
            file.write(block[at:at + piece])
            size, at = size - piece, 0
            # Another start each time round, or a long tensor repeats itself.
            if size:
                self.at = at = (self.at + STEP) % PERIOD

    def __call__(self, file, shard, size):
        for name, kind, shape in shard:
            count = shapes.bytes_of(kind, shape)
            if kind == "F32":
                file.write(struct.pack("<f", 0.02 / SPREAD) * (count // 4))
            elif len(shape) == 1 and not name.endswith(".bias"):
                # Norms multiply by 1, layers of a vision tower by their first value, 0.1.
                file.write(struct.pack("<H", 0x3DCD if ".lambda_" in name else 0x3F80) * shape[0])
            else:
                self.random_bytes(file, kind, count)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=("dense", "moe", "series", "vision"))
    parser.add_argument("out", type=pathlib.Path)
    for name in ("layers", "experts", "vocab"):
        parser.add_argument("--" + name, type=int, help="in place of the default")
    args = parser.parse_args()
    if args.model in towers():
        config, tensors = towers()[args.model]
        tensors = list(shapes.stored(tensors, False))
        print(shapes.write_model(args.out, config, tensors, 5_000_000_000, Writer()), "bytes")
        return
    text, fp8 = (dense_config if args.model == "dense" else moe_config)(args)
    config = top_config(text)
    tensors = list(shapes.stored(shapes.decoder(text), fp8))
    if fp8:
        config["quantization_config"] = shapes.quantization_config(tensors, None)
    print(shapes.write_model(args.out, config, tensors, 5_000_000_000, Writer()), "bytes")


if __name__ == "__main__":
    main()
