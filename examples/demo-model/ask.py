"""Asks the reference model in Python, in the format of `ins1 run --json`: {"text": ...} lines in, replies out.

    echo '{"text": "<SMILES>CCO</SMILES>\\nHow many rings does it have?"}' | python ask.py interns1-demo

The C library also finds molecules without tags; this program does not.
"""

import argparse
import json
import sys

import torch

from model import Reference
from tokenizer import Tokenizer


def replies(model, questions, batch=96):
    """(trace, content) for each (text, thinking); greedy, F32 arithmetic."""
    torch.set_num_threads(1)
    tokenizer, reference = Tokenizer.load(model), Reference.load(model)
    stop = {tokenizer.added["<|im_end|>"], tokenizer.added["<|endoftext|>"]}
    prompts = []
    for text, thinking in questions:
        text = "<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n<think>" % text
        prompts.append(tokenizer.encode(text + ("" if thinking else "</think>\n\n")))
    out = [None] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for at in range(0, len(order), batch):
        some = order[at:at + batch]
        for i, ids in zip(some, reference.generate([prompts[i] for i in some], stop)):
            trace, mark, content = tokenizer.decode(ids).partition("</think>")
            out[i] = (trace, content.strip()) if mark else ("", trace.strip())
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    args = parser.parse_args()
    lines = [json.loads(line) for line in sys.stdin if line.strip()]
    for trace, content in replies(args.model, [(q["text"], q.get("thinking", True)) for q in lines]):
        print(json.dumps({"reasoning": trace or None, "content": content or None}, ensure_ascii=False))


if __name__ == "__main__":
    main()
