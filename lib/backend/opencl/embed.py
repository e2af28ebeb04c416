"""embed.py OUT FILE...: the files as bytes of a C source, in an array `sources`."""
import pathlib
import sys

out, *files = sys.argv[1:]
text = ["/* Made by embed.py. */\n"]
for i, name in enumerate(files):
    data = pathlib.Path(name).read_bytes()
    text.append(f"static const unsigned char source_{i}[] = {{ /* {pathlib.Path(name).name} */\n")
    for at in range(0, len(data), 24):
        text.append("".join(f"{byte}," for byte in data[at:at + 24]) + "\n")
    text.append("};\n")
text.append("static const struct {\n    const unsigned char *text;\n    size_t size;\n} sources[] = {\n")
text += [f"    {{ source_{i}, sizeof(source_{i}) }},\n" for i in range(len(files))]
text.append("};\n")
pathlib.Path(out).write_text("".join(text))
