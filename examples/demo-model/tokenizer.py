"""The tokenizer of interns1-demo: made here, written in the layout of Intern-S1-Pro.

Ids:  0..767     byte-level BPE: 256 bytes, then 512 merges, trained on the questions and answers
      768..818   the 51 added tokens of Intern-S1-Pro, in their order
      819..      SMILES pieces, then protein pieces, then nucleic-acid pieces (SentencePiece BPE models built by hand)
      ..1023     unused rows
"""

import json
import os
import struct
from collections import Counter

import regex

BASE_SIZE = 768
VOCAB_ROWS = 1024

ADDED = """<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|>
<|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|> <tool_call>
</tool_call> <|fim_prefix|> <|fim_middle|> <|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|> <tool_response>
</tool_response> <think> </think> <IMG_CONTEXT> <img> </img> <quad> </quad> <ref> </ref> <box> </box> <|action_start|>
<|action_end|> <|interpreter|> <|plugin|> <video> <|ts|> <|/ts|> <TS_CONTEXT> <SMILES> </SMILES> <protein> </protein>
<dna> </dna> <rna> </rna>""".split()
NOT_SPECIAL = set(ADDED[14:26] + ADDED[43:])

WORDS = regex.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

# Atoms that get one piece each; everything else is spelled letter by letter, so that every piece counts one thing.
ATOM_PIECES = """Cl Br [nH] [N+] [O-] [n+] [C@H] [C@@H] [C@] [C@@] [N-] [Si] [PH] [SiH] [c-] [C-] [S+] [s+] [P+] [o+] [B-]
[S@] [S@@]""".split()
SMILES_LETTERS = "Cc()[]1O2H=N:3n@4F5+Sl678-90.so/Br#\\PaIKidLbAMgue;%Z*tTRphYGWVmUEDyf"
PROT_LETTERS = "LAGSVERTIDKPNFQYMHCWXUBZOJ"
XNA_LETTERS = "ATGCUN"


def byte_letters():
    """Byte -> the printable letter that stands for it in vocab.json, in the order of the ids."""
    printable = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    table = {b: chr(b) for b in printable}
    for n, b in enumerate(b for b in range(256) if b not in table):
        table[b] = chr(256 + n)
    return table


BYTES = byte_letters()


def train_merges(texts, count):
    """Plain byte-pair encoding. `texts` maps text -> weight."""
    words = Counter()
    for text, weight in texts.items():
        for word in WORDS.findall(text):
            words[tuple(BYTES[b] for b in word.encode())] += weight
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for word, n in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += n
        if not pairs:
            raise ValueError("the corpus is too small for %d merges" % count)
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        words = Counter({tuple(merge_word(list(w), best)): n for w, n in words.items()})
    return merges


def merge_word(word, pair):
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out


def smiles_pieces():
    prefixes = sorted({p[:n] for p in ATOM_PIECES for n in range(2, len(p) + 1)}, key=lambda p: (len(p), p))
    return ["<unk>"] + prefixes + list(SMILES_LETTERS)


class Tokenizer:
    """Encodes and decodes as the library does, without detection of untagged molecules."""

    def __init__(self, merges):
        self.merges = merges
        self.base = {BYTES[b]: i for i, b in enumerate(BYTES)}
        for a, b in merges:
            self.base[a + b] = len(self.base)
        assert len(self.base) == BASE_SIZE
        self.rank = {pair: i for i, pair in enumerate(merges)}
        self.added = {t: BASE_SIZE + i for i, t in enumerate(ADDED)}
        self.domains = {"SMILES": smiles_pieces(), "PROT": ["<unk>"] + list(PROT_LETTERS),
                        "XNA": ["<unk>"] + list(XNA_LETTERS)}
        self.offsets, at = {}, BASE_SIZE + len(ADDED)
        for name, pieces in self.domains.items():
            self.offsets[name] = at
            at += len(pieces)
        assert at <= VOCAB_ROWS
        self.piece_rank = {p: i for i, p in enumerate(self.domains["SMILES"])}
        self.split = regex.compile("(" + "|".join(map(regex.escape, ADDED)) + ")")
        self.text_of = {i: t for t, i in self.base.items()}
        self.cache = {}

    @classmethod
    def load(cls, folder):
        with open(os.path.join(folder, "merges.txt"), encoding="utf-8") as f:
            lines = f.read().split("\n")[1:]
        return cls([tuple(line.split(" ")) for line in lines if line])

    def word(self, word):
        if word not in self.cache:
            parts = [BYTES[b] for b in word.encode()]
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda p: self.rank.get(p, 1 << 30))
                if best not in self.rank:
                    break
                parts = merge_word(parts, best)
            self.cache[word] = [self.base[p] for p in parts]
        return self.cache[word]

    def smiles(self, text):
        """Ids of a SMILES string; letters that no piece has raise KeyError."""
        parts = list(text)
        while len(parts) > 1:
            rank, at = min((self.piece_rank.get(a + b, 1 << 30), i) for i, (a, b) in enumerate(zip(parts, parts[1:])))
            if rank == 1 << 30:
                break
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        return [self.piece_rank[p] + self.offsets["SMILES"] for p in parts]

    def encode(self, text):
        ids, inside = [], False
        for chunk in self.split.split(text):
            if chunk in self.added:
                ids.append(self.added[chunk])
                inside = chunk == "<SMILES>" or (inside and chunk != "</SMILES>")
            elif inside:
                ids += self.smiles(chunk)
            else:
                for word in WORDS.findall(chunk):
                    ids += self.word(word)
        return ids

    def decode(self, ids):
        letters = {letter: b for b, letter in BYTES.items()}
        out = bytearray()
        for i in ids:
            if i in self.text_of:
                out += bytes(letters[c] for c in self.text_of[i])
            elif i < BASE_SIZE + len(ADDED):
                out += ADDED[i - BASE_SIZE].encode()
            else:
                name = max((n for n in self.offsets if self.offsets[n] <= i), key=lambda n: self.offsets[n])
                if i - self.offsets[name] < len(self.domains[name]):
                    out += self.domains[name][i - self.offsets[name]].encode()
        return out.decode("utf-8", "replace")

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        vocab = dict(self.base)
        for name, pieces in self.domains.items():      # as upstream does: fillers that no text encodes to
            vocab.update({"<|%s_%s|>" % (name, p): self.offsets[name] + i for i, p in enumerate(pieces)})
        write_json(folder, "vocab.json", vocab, indent=None)
        with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
            f.write("#version: 0.2\n" + "".join("%s %s\n" % m for m in self.merges))
        write_json(folder, "added_tokens.json", dict(sorted(self.added.items())))
        flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
        write_json(folder, "special_tokens_map.json", {
            "additional_special_tokens": ADDED[1:14],
            "bos_token": {"content": "<|im_start|>", **flags},
            "eos_token": {"content": "<|im_end|>", **flags},
            "pad_token": {"content": "<|endoftext|>", **flags}})
        write_json(folder, "tokenizer_config.json", {
            "add_bos_token": False,
            "add_prefix_space": False,
            "added_tokens_decoder": {str(i): {"content": t, **flags, "special": t not in NOT_SPECIAL}
                                     for t, i in self.added.items()},
            "additional_special_tokens": ADDED[1:14],
            "bos_token": "<|im_start|>",
            "clean_up_tokenization_spaces": False,
            "eos_token": "<|im_end|>",
            "errors": "replace",
            "model_max_length": 4096,
            **{"offset_" + name: at for name, at in self.offsets.items()},
            "pad_token": "<|endoftext|>",
            "split_special_tokens": False,
            "tokenizer_class": "InternS1Tokenizer",
            "unk_token": None,
            "auto_map": {"AutoTokenizer": ["tokenization_interns1.InternS1Tokenizer",
                                           "tokenization_interns1.InternS1Tokenizer"]}})
        for name, pieces in self.domains.items():
            write_sentencepiece(os.path.join(folder, "tokenizer_%s.model" % name), pieces)


def write_sentencepiece(path, pieces):
    """A SentencePiece BPE model with exactly these pieces; the first is <unk>, an earlier piece merges first.

    The file is a protocol buffer; the field numbers are those of sentencepiece_model.proto.
    """
    def varint(value):
        value &= (1 << 64) - 1
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        return bytes(out) + bytes([value])

    def number(field, value):
        return varint(field << 3) + varint(value)

    def real(field, value):
        return varint(field << 3 | 5) + struct.pack("<f", value)

    def data(field, value):
        return varint(field << 3 | 2) + varint(len(value)) + value

    normal, unknown, bpe = 1, 2, 2
    out = b""
    for i, piece in enumerate(pieces):
        out += data(1, data(1, piece.encode()) + real(2, -float(max(i - 1, 0))) + number(3, normal if i else unknown))
    out += data(2, number(3, bpe) + number(4, len(pieces)) + real(10, 1.0) + number(35, 0) + number(40, 0) +
                number(41, -1) + number(42, -1) + number(43, -1))
    out += data(3, data(1, b"identity") + number(3, 0) + number(4, 0) + number(5, 1))
    with open(path, "wb") as f:
        f.write(out)


def write_json(folder, name, value, indent=2):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        json.dump(value, f, indent=indent, ensure_ascii=False)
        f.write("\n")
