"""Write lib/tokenizer/unicode_table.c from the categories of utf8proc 2.8 (Unicode 15.0).

    python3 unicode_table.py libutf8proc.so.2 > lib/tokenizer/unicode_table.c

A nibble per code point: the class in the lower three bits, in the upper one whether normalisation
form C has to look at the character (its combining class is not 0, or NFC_Quick_Check is not Yes).
"""
import ctypes
import sys

LIMIT = 0x32400  # above, only the tags and selectors of plane 14 are not of class 0
BLOCK = 128
STABLE, COMPOSE, DECOMPOSE = 1 << 1, 1 << 3, 1 << 4
SPACES = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}

lib = ctypes.CDLL(sys.argv[1])
lib.utf8proc_unicode_version.restype = ctypes.c_char_p
assert lib.utf8proc_unicode_version() == b"15.0.0"
lib.utf8proc_category_string.restype = ctypes.c_char_p


def points():
    return (c for c in range(0x110000) if not 0xD800 <= c < 0xE000)


def decomposed(c):
    out, last = (ctypes.c_int32 * 32)(), ctypes.c_int(0)
    n = lib.utf8proc_decompose_char(c, out, 32, DECOMPOSE | STABLE, ctypes.byref(last))
    return out[:n]


def composed(chars):
    buffer = (ctypes.c_int32 * 32)(*chars)
    return buffer[:lib.utf8proc_normalize_utf32(buffer, len(chars), COMPOSE | STABLE)]


class Property(ctypes.Structure):
    _fields_ = [("category", ctypes.c_int16), ("combining_class", ctypes.c_int16)]


lib.utf8proc_get_property.restype = ctypes.POINTER(Property)

watched = set()
for c in points():
    if lib.utf8proc_get_property(c).contents.combining_class:
        watched.add(c)
    parts = decomposed(c)
    if parts == [c]:
        continue
    if composed(parts) == [c]:
        watched.add(parts[-1])  # joins what stands before it
    else:
        watched.add(c)


def value(c):
    if c >= 0x110000 or 0xD800 <= c < 0xE000:
        return 0
    category = lib.utf8proc_category_string(c).decode()
    kind = 4 if c in SPACES else 3 if category == "Nd" else {"L": 1, "N": 2, "M": 5}.get(category[0], 0)
    return kind | (8 if c in watched else 0)


high = [c for c in range(LIMIT, 0x110000) if value(c)]
assert all(0xE0100 <= c <= 0xE01EF and value(c) == 5 for c in high), [hex(c) for c in high[:3]]

blocks, index = {}, []
for start in range(0, LIMIT, BLOCK):
    block = tuple(value(c) for c in range(start, start + BLOCK))
    index.append(blocks.setdefault(block, len(blocks)))
assert len(blocks) <= 256


def rows(numbers, form):
    line = "   "
    for number in numbers:
        item = form % number + ","
        if len(line) + len(item) > 99:
            yield line
            line = "   "
        line += " " + item
    yield line


print("/* Written by tests/reference/unicode_table.py from Unicode 15.0. */")
print("/* clang-format off */")
print('#include "tokenizer/unicode.h"\n')
print("const uint8_t s1_unicode_index[%d] = {" % len(index))
print("\n".join(rows(index, "%d")))
print("};\n")
packed = [b[i] | b[i + 1] << 4 for b in blocks for i in range(0, BLOCK, 2)]
print("const uint8_t s1_unicode_nibbles[%d] = {" % len(packed))
print("\n".join(rows(packed, "%d")))
print("};")
