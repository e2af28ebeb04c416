"""Reads the public headers into plain data: structs, constants, callbacks and functions.

The headers are regular enough for this: no macros in declarations, no nested structs, one enum form.
"""
import dataclasses
import pathlib
import re

# In an order in which every type is known before it is used.
HEADERS = ["version", "status", "call", "runtime", "device", "embeds", "model", "decoder", "session", "tokenizer",
           "reward", "vision", "timeseries", "sampler", "stream", "chat", "inspect", "io"]
NOT_BOUND = {"interns1", "backend"}  # what includes the others, and what is for plugins written in C
SCALARS = {"char", "double", "float", "int32_t", "int64_t", "ptrdiff_t", "size_t", "uint32_t", "uint64_t", "void"}


@dataclasses.dataclass
class Type:
    base: str            # int32_t, ins1_model, callback, ...
    pointers: int = 0    # how many stars
    const: bool = False  # what the innermost pointer points to
    array: int = 0       # entries of an array in a struct
    callback: object = None  # Callback, when base is "callback"


@dataclasses.dataclass
class Field:
    name: str
    type: Type


@dataclasses.dataclass
class Callback:
    result: Type
    parameters: list


@dataclasses.dataclass
class Function:
    name: str
    result: Type
    parameters: list
    header: str
    summary: str


@dataclasses.dataclass
class Interface:
    constants: list = dataclasses.field(default_factory=list)  # (name, value, unsigned)
    structs: dict = dataclasses.field(default_factory=dict)    # name: [Field]
    callbacks: dict = dataclasses.field(default_factory=dict)  # name: Callback
    functions: list = dataclasses.field(default_factory=list)
    opaque: list = dataclasses.field(default_factory=list)     # handles and foreign structs


def parse_type(text):
    const = bool(re.search(r"\bconst\b", text))
    text = re.sub(r"\b(const|struct)\b", " ", text)
    pointers = text.count("*")
    base = text.replace("*", " ").strip()
    return Type({"ins1_status": "int32_t"}.get(base, base), pointers, const)


def split_parameters(text):
    """At the commas outside parentheses."""
    depth, start, out = 0, 0, []
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            out.append(text[start:at])
            start = at + 1
    out.append(text[start:])
    return [part.strip() for part in out if part.strip() not in ("", "void")]


def parse_member(text):
    text = " ".join(text.split())
    if found := re.match(r"(.*?)\(\s*\*\s*(\w+)\s*\)\s*\((.*)\)$", text):
        return Field(found[2], Type("callback", callback=parse_callback(found[1], found[3])))
    found = re.match(r"(.*?[\s*])(\w+)\s*(?:\[(\d+)\])?$", text)
    kind = parse_type(found[1])
    kind.array = int(found[3] or 0)
    return Field(found[2], kind)


def parse_callback(result, parameters):
    return Callback(parse_type(result), [parse_member(part) for part in split_parameters(parameters)])


def summary_before(text, place):
    """The first sentence of the comment that ends right before `place`."""
    found = re.search(r"/\*\*((?:(?!/\*\*).)*?)\*/\s*$", text[:place], flags=re.S)
    if not found:
        return ""
    words = " ".join(line.strip().lstrip("*").strip() for line in found[1].splitlines())
    return re.split(r"(?<=[.?!])\s+(?=[A-Z@])|\s*@", words.strip(), maxsplit=1)[0].strip()


def read(include):
    found = Interface()
    unknown = {path.stem for path in pathlib.Path(include).rglob("*.h")} - set(HEADERS) - NOT_BOUND
    if unknown:
        raise SystemExit(f"bindings/headers.py does not know the headers {sorted(unknown)}")
    for header in HEADERS:
        raw = pathlib.Path(include, "interns1", header + ".h").read_text(encoding="utf-8")
        read_header(found, header, raw)
    named = {name for kind in types_of(found) for name in [kind.base]}
    known = SCALARS | set(found.structs) | set(found.callbacks) | {"callback"}
    found.opaque = sorted(named - known)
    return found


def read_header(found, header, raw):
    for function in re.finditer(r"^INS1_API\s+([^;(]*?)(\bins1_\w+)\s*\(([^;]*)\);", raw, flags=re.M):
        found.functions.append(Function(
            function[2], parse_type(function[1]), [parse_member(p) for p in split_parameters(function[3])],
            header, summary_before(raw, function.start())))
    text = re.sub(r"/\*.*?\*/", " ", raw, flags=re.S)
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", " ", text, flags=re.M)
    for name in ("MAJOR", "MINOR", "PATCH"):
        if value := re.search(rf"#define INS1_VERSION_{name} (\d+)", raw):
            found.constants.append((f"INS1_VERSION_{name}", int(value[1]), False))
    for body in re.findall(r"\benum\s*\{(.*?)\}", text, flags=re.S):
        for name, value, unsigned in re.findall(r"\b(INS1_\w+)\s*=\s*(-?\w+?)(u?)\s*(?:,|$)", body):
            found.constants.append((name, int(value, 0), bool(unsigned)))
    for name, body in re.findall(r"struct (ins1_\w+)\s*\{(.*?)\}", text, flags=re.S):
        found.structs[name] = [parse_member(part) for part in body.split(";") if part.strip()]
    for result, name, parameters in re.findall(r"typedef ([^;{]*?)\(\s*\*\s*(ins1_\w+)\s*\)\s*\(([^;]*)\);", text):
        found.callbacks[name] = parse_callback(result, parameters)


def types_of(found):
    """Every type that is named anywhere, those of callbacks' parameters included."""
    waiting = [field.type for fields in found.structs.values() for field in fields]
    for thing in [*found.callbacks.values(), *found.functions]:
        waiting += [thing.result] + [parameter.type for parameter in thing.parameters]
    while waiting:
        kind = waiting.pop()
        yield kind
        if kind.callback:
            waiting += [kind.callback.result] + [parameter.type for parameter in kind.callback.parameters]
