#ifndef S1_TOKENIZER_UNICODE_H
#define S1_TOKENIZER_UNICODE_H

#include "tokenizer/scratch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everything here is Unicode 15.0, whatever the host's libraries know. */

enum { S1_CHAR_OTHER, S1_CHAR_LETTER, S1_CHAR_NUMBER, S1_CHAR_DIGIT, S1_CHAR_SPACE, S1_CHAR_MARK };

/* Not characters: a byte that belongs to none, and the beginning of one at the end of the text. */
#define S1_UTF8_BAD UINT32_C(0xFFFFFFFF)
#define S1_UTF8_CUT UINT32_C(0xFFFFFFFE)

extern const uint8_t s1_unicode_index[1608];
extern const uint8_t s1_unicode_nibbles[13760];

/* Three bits of class, one bit: normalisation has to look at it. */
static inline unsigned s1_unicode_nibble(uint32_t c)
{
    if (c >= 0x32400)
        return c - 0xE0100 <= 0xEF ? S1_CHAR_MARK : S1_CHAR_OTHER;
    return s1_unicode_nibbles[s1_unicode_index[c >> 7] * 64u + (c >> 1 & 63)] >> (c & 1) * 4 & 15;
}

/* S1_CHAR_*: general category L*, N* (Nd is DIGIT), M*, or the property White_Space. */
static inline unsigned s1_char_class(uint32_t c)
{
    return s1_unicode_nibble(c) & 7;
}

/* Read what stands at `at` (left > 0) and return its length: a character, S1_UTF8_BAD with the
 * longest prefix of a character that was cut short by the next byte, or S1_UTF8_CUT with all of
 * `left`, when more bytes could still complete it. */
size_t s1_utf8_read(const uint8_t *at, size_t left, uint32_t *c);

/* For text to be encoded: a byte that belongs to no character is an item of its own. */
static inline size_t s1_utf8_item(const uint8_t *at, size_t left, uint32_t *c)
{
    if (*at < 0x80) {
        *c = *at;
        return 1;
    }
    size_t n = s1_utf8_read(at, left, c);
    if (*c < 0x110000)
        return n;
    *c = S1_UTF8_BAD;
    return 1;
}

/* Returns the number of bytes, at most 4. */
size_t s1_utf8_write(uint8_t *out, uint32_t c);

/* A character on its way through normalisation, and the bytes it came from. */
typedef struct s1_nfc_char {
    uint32_t c, order, begin, end;
} s1_nfc_char;

/* Two buffers of that kind; zero to begin with. */
typedef struct s1_nfc {
    s1_nfc_char *chars, *spare;
    size_t n, capacity, spare_capacity;
} s1_nfc;

/* Bring the stretch [begin, end) of `text`, well-formed UTF-8 without anything before or behind
 * that takes part, into form C: nfc->chars[0..n). False without memory. */
bool s1_nfc_run(s1_nfc *nfc, const uint8_t *text, uint32_t begin, uint32_t end,
                const ins1_allocator *memory);
void s1_nfc_finish(s1_nfc *nfc, const ins1_allocator *memory);

#endif
