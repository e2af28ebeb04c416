#!/usr/bin/env python3
"""Print the man page of ins1, made from what its --help options say."""
import re
import subprocess
import sys


def help_of(*args):
    return subprocess.run([sys.argv[1], *args, "--help"], text=True, capture_output=True, check=True).stdout.strip("\n")


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def options(lines):
    """Lines of "  --flag VALUE   what it does"."""
    out = []
    for line in lines:
        flag, about = re.split(r"\s{2,}", line.strip(), maxsplit=1)
        out += [".TP", f"\\fB{escaped(flag)}\\fR", escaped(about)]
    return out


def blocks_of(text):
    """Paragraphs, each as its title (None for prose) and its lines."""
    for block in text.split("\n\n"):
        first, *rest = block.split("\n")
        if first.endswith(":") and rest and all(line.startswith("  ") for line in rest):
            yield first[:-1], rest
        else:
            yield None, [first, *rest]


def section(text, heading):
    """One help text: usage, prose, options, an example."""
    out = []
    for title, lines in blocks_of(text):
        if title is None and lines[0].startswith("Usage: "):
            out += [heading, f"\\fB{escaped(lines[0][7:])}\\fR"]
        elif title == "Example":
            out += [".PP", "Example:", ".PP", ".RS", ".nf", escaped("\n".join(line.strip() for line in lines)), ".fi", ".RE"]
        elif title == "Common options":
            continue
        elif title is not None:
            out += options(lines)
        else:
            out += [".PP", escaped("\n".join(line.strip() for line in lines))]
    return out


def main():
    top = help_of()
    version = subprocess.run([sys.argv[1], "--version"], text=True, capture_output=True, check=True).stdout.split()[1]
    blocks = list(blocks_of(top))
    commands = [line.split()[0] for title, lines in blocks if title == "Commands" for line in lines]
    prose = [" ".join(line.strip() for line in lines) for title, lines in blocks if title is None]
    texts = {name: help_of(name) for name in commands}
    common = {line: None for text in texts.values() for title, lines in blocks_of(text) if title == "Common options" for line in lines}

    out = [f'.TH INS1 1 "" "libinterns1 {version}" "User Commands"', ".SH NAME",
           "ins1 \\- run the Intern\\-S1 family of scientific multimodal models", ".SH SYNOPSIS",
           "\\fBins1\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR]... [\\fIOPTION\\fR]...", ".SH DESCRIPTION"]
    for text in prose:
        if not text.startswith(("Usage", "Exit", "ins1 ")):
            out += [".PP", escaped(text)]
    out += [".SH COMMANDS"]
    for name in commands:
        out += section(texts[name], f".SS {escaped(name)}")
    out += [".SH COMMON OPTIONS", *options(common), ".SH EXIT STATUS"]
    out += [escaped(text[len("Exit status: "):]) for text in prose if text.startswith("Exit status: ")]
    print("\n".join(out))


main()
