"""What bindings/tests/trace.c does, through the Python package: prints the same."""
import array
import struct
import sys

import interns1

QUESTION = "How many rings does <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES> have?"
WIDTH, HEIGHT, SAMPLES = 64, 48, 2000


def show_ids(name, ids):
    print(f"{name} {len(ids)}:", *ids)


def show_floats(name, values):
    data = memoryview(values).cast("B").tobytes() if hasattr(values, "shape") else values
    bits = struct.unpack(f"={len(data) // 4}I", data)
    print(f"{name} {len(bits)}:", *(f"{word:08x}" for word in bits))


def show_embeds(name, embeds):
    print(f"{name} {embeds.shape[0]} x {embeds.shape[1]}")
    show_floats(name, embeds.read())


def trace_decoder(model):
    with interns1.Session(model.decoder) as session, interns1.Sampler(runtime=model.runtime) as sampler:
        session.prefill([1, 2, 3, 4, 5])
        chosen = []
        for _ in range(4):
            chosen.append(sampler.pick(session.logits(copy=False)).token)
            session.step(chosen[-1])
        show_ids("chosen", chosen)
        show_floats("logits", session.logits())
        show_embeds("hidden", session.embeds())


def image():
    return bytes((7 * x + 13 * y + 29 * c + x * y) % 256 for y in range(HEIGHT) for x in range(WIDTH) for c in range(3))


def signal():
    return array.array("f", ((37 * i % 201 - 100) / 64 for i in range(SAMPLES)))


def trace_vision(model):
    try:
        encoder = interns1.VisionEncoder(model)
    except interns1.Unsupported:
        print("vision: INS1_E_UNSUPPORTED")
        return
    pixels = memoryview(image()).cast("B", shape=[HEIGHT, WIDTH, 3])
    show_embeds("vision", encoder.encode(pixels))


def trace_timeseries(model):
    try:
        encoder = interns1.TimeSeriesEncoder(model)
    except interns1.Unsupported:
        print("timeseries: INS1_E_UNSUPPORTED")
        return
    show_embeds("timeseries", encoder.encode(interns1.Signal(signal(), sample_rate=100)))


def main(path, mask="0"):
    bits = {"tokenizer": 1, "vision": 2, "timeseries": 4, "decoder": 8}
    with interns1.Model(path, parts=[part for part in bits if bits[part] & int(mask)]) as model:
        parts = model.info.parts
        print("parts:", sum(bits[part] for part in parts))
        if "tokenizer" in parts:
            ids = model.tokenizer.encode(QUESTION, special=True)
            show_ids("ids", ids)
            print("text:", model.tokenizer.decode(ids))
        if "decoder" in parts:
            trace_decoder(model)
        trace_vision(model)
        trace_timeseries(model)


if __name__ == "__main__":
    main(*sys.argv[1:])
