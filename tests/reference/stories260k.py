#!/usr/bin/env python3
"""Turn the llama2.c checkpoint stories260K into an HF folder in the layout of InternLM2. Standard library only.

    python stories260k.py DATA OUT     DATA holds stories260K.bin and tok512.bin

A Llama without q/k norms is an InternLM2 when its projections are fused and the rows of q and k, which
llama2.c rotates in neighbouring pairs, are put in the order of the half-split rotation. The tokenizer becomes
a SentencePiece model. Fed the id 1 alone, the greedy text is the one that llama2.c writes without a prompt.
"""
import json
import pathlib
import struct
import sys

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
BPE = 2


class Matrices:
    """Reads F32 matrices one after the other; a matrix is a list of rows, a row is bytes."""

    def __init__(self, raw, at):
        self.raw, self.at = raw, at

    def read(self, rows, columns):
        size = 4 * columns
        out = [self.raw[self.at + r * size:self.at + (r + 1) * size] for r in range(rows)]
        if len(out[-1]) != size:
            raise SystemExit("the checkpoint is too short")
        self.at += rows * size
        return out

    def layers(self, count, rows, columns):
        return [self.read(rows, columns) for _ in range(count)]


def half_split(head):
    """Rows 0 2 4 .. 1 3 5 .. : pair j becomes the rows j and j + half."""
    return head[::2] + head[1::2]


def fused(q, k, v, kv_heads, dim):
    """For each K head: its query heads, the K head, the V head."""
    cut = lambda rows: [rows[i:i + dim] for i in range(0, len(rows), dim)]
    queries, keys, values = [half_split(h) for h in cut(q)], [half_split(h) for h in cut(k)], cut(v)
    each = len(queries) // kv_heads
    out = []
    for g in range(kv_heads):
        for head in queries[g * each:(g + 1) * each] + [keys[g], values[g]]:
            out += head
    return out


def read_checkpoint(path):
    """The header's numbers and the tensors under InternLM2's names."""
    raw = path.read_bytes()
    names = ("hidden", "inter", "layers", "heads", "kv", "vocab", "context")
    h = dict(zip(names, struct.unpack_from("<7i", raw)))
    tied, h["vocab"] = h["vocab"] > 0, abs(h["vocab"])
    file, dim = Matrices(raw, 28), h["hidden"] // h["heads"]
    square = (h["layers"], h["hidden"], h["hidden"])
    narrow = (h["layers"], h["kv"] * dim, h["hidden"])
    vector = (h["layers"], 1, h["hidden"])
    embedding = file.read(h["vocab"], h["hidden"])
    attention_norm, wq, wk, wv, wo = (file.layers(*s) for s in (vector, square, narrow, narrow, square))
    ffn_norm = file.layers(*vector)
    w1, w2, w3 = (file.layers(h["layers"], *s) for s in ((h["inter"], h["hidden"]), (h["hidden"], h["inter"]),
                                                         (h["inter"], h["hidden"])))
    norm = file.read(1, h["hidden"])
    file.read(2 * h["context"], dim // 2)  # Tables of cos and sin, not needed.
    output = embedding if tied else file.read(h["vocab"], h["hidden"])
    tensors = {"model.tok_embeddings.weight": embedding}
    for i in range(h["layers"]):
        parts = {"attention.wqkv": fused(wq[i], wk[i], wv[i], h["kv"], dim), "attention.wo": wo[i],
                 "feed_forward.w1": w1[i], "feed_forward.w3": w3[i], "feed_forward.w2": w2[i],
                 "attention_norm": attention_norm[i], "ffn_norm": ffn_norm[i]}
        tensors |= {f"model.layers.{i}.{name}.weight": rows for name, rows in parts.items()}
    return h, tensors | {"model.norm.weight": norm, "output.weight": output}


def write_safetensors(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, rows in tensors.items():
        blob = b"".join(rows)
        shape = [len(rows), len(rows[0]) // 4]
        header[name] = {"dtype": "F32", "shape": shape[1:] if "norm" in name else shape,
                        "data_offsets": [len(data), len(data) + len(blob)]}
        data += blob
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


# The SentencePiece model: a protocol buffer of pieces, trainer_spec and normalizer_spec.

def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def integer(field, value):
    return varint(field << 3) + varint(value)


def real(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def message(field, body):
    return varint(field << 3 | 2) + varint(len(body)) + body


def piece_kind(i):
    return {0: UNKNOWN, 1: CONTROL, 2: CONTROL}.get(i, BYTE if i < 259 else NORMAL)


def read_pieces(path):
    raw, at, out = path.read_bytes(), 4, []
    while at < len(raw):
        score, size = struct.unpack_from("<fi", raw, at)
        out.append((raw[at + 8:at + 8 + size].decode(), score))
        at += 8 + size
    return out


def sentencepiece_model(pieces):
    out = b""
    for i, (text, score) in enumerate(pieces):
        text = text.strip("\n") if i in (1, 2) else text.replace(" ", "\u2581")
        out += message(1, message(1, text.encode()) + real(2, score) + integer(3, piece_kind(i)))
    # model_type, vocab_size, byte_fallback; the ids of unknown, begin and end.
    trainer = b"".join(integer(*pair) for pair in ((3, BPE), (4, len(pieces)), (35, 1), (40, 0), (41, 1), (42, 2)))
    normalizer = message(1, b"identity") + integer(3, 1) + integer(4, 0) + integer(5, 1)
    return out + message(2, trainer) + message(3, normalizer)


def configs(h):
    config = {"architectures": ["InternLM2ForCausalLM"], "model_type": "internlm2", "bias": False, "bos_token_id": 1,
              "eos_token_id": 2, "hidden_act": "silu", "hidden_size": h["hidden"], "intermediate_size": h["inter"],
              "max_position_embeddings": h["context"], "num_attention_heads": h["heads"],
              "num_hidden_layers": h["layers"], "num_key_value_heads": h["kv"], "pad_token_id": 2, "rms_norm_eps": 1e-5,
              "rope_scaling": None, "rope_theta": 10000, "tie_word_embeddings": False, "torch_dtype": "float32",
              "vocab_size": h["vocab"]}
    # A story ends where the next one would begin.
    generation = {"bos_token_id": 1, "do_sample": False, "eos_token_id": [1, 2], "pad_token_id": 2}
    tokenizer = {"add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>",
                 "pad_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "InternLM2Tokenizer"}
    return {"config.json": config, "generation_config.json": generation, "tokenizer_config.json": tokenizer}


def main():
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    sizes, tensors = read_checkpoint(data / "stories260K.bin")
    write_safetensors(out / "model.safetensors", tensors)
    (out / "tokenizer.model").write_bytes(sentencepiece_model(read_pieces(data / "tok512.bin")))
    for name, value in configs(sizes).items():
        (out / name).write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
