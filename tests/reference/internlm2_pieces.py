"""Ids of the InternLM2 SentencePiece model for texts of our own.

    python3 internlm2_pieces.py path/to/tokenizer.model > tests/golden/tokenizer/internlm2.jsonl

Made with sentencepiece 0.2.3 (Python), which is the reference of the model's ids; a text that names a
control piece, and U+0000, are left out: there the programs that read the model differ.
"""
import json
import sys

import sentencepiece

TEXTS = [
    "", "a", " ", "  ", "   a", "a ", "\n", "\n\n\t x", "Hello, world!", "hello hello  hello",
    "The benzene ring has six carbon atoms.", "def area(r):\n    return 3.14159 * r ** 2\n",
    "{\"key\": [1, 2.5, null, true]}", "0123456789 10000000 3.14e-10", "CC(=O)Oc1ccccc1C(=O)O",
    "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ", "\u6c34\u7684\u5206\u5b50\u5f0f\u662f H\u2082O\u3002", "\u4f60\u597d\uff0c\u4e16\u754c\uff01",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440", "\u3053\u3093\u306b\u3061\u306f", "\uc548\ub155\ud558\uc138\uc694", "caf\u00e9 cafe\u0301",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2581lower\u2581block", "\ua66e\u0b95\u0bcd", "\uff21\uff22\uff43 wide",
    "x[UNUSED_TOKEN_10]y", "[UNUSED_TOKEN_", "<0x41>", "a" * 300, " " * 300, "-" * 129, "ab" * 100,
    "\r\n\r\n", "\u00a0\u3000\u2028", "\x01\x7f", "it's we'll THEY'RE", "https://example.org/a?b=c&d=%20#e",
    "\u222b\u2080^\u221e e^{-x\u00b2} dx = \u221a\u03c0/2", "\\frac{a}{b} \\alpha_{i}^{2}",
]

model = sentencepiece.SentencePieceProcessor(model_file=sys.argv[1])
for text in TEXTS:
    print(json.dumps({"text": text, "ids": model.encode(text)}, separators=(",", ":")))
