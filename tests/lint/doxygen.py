#!/usr/bin/env python3
"""Write a header with its plain comments marked for Doxygen: behind a field or constant, and before anything."""
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
# Behind something on the same line.
text = re.sub(r"(?m)^([ \t]*[^/\s*][^\n]*?[;,{0-9a-z][ \t]+)/\* ", r"\1/**< ", text)
# On lines of its own.
text = re.sub(r"(?m)^([ \t]*)/\* ", r"\1/** ", text)
sys.stdout.write(text)
