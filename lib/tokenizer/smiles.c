/* The reference's rules of what reads as SMILES, quirks included: the model was trained on them. */
#include "tokenizer/encode.h"
#include "tokenizer/strings.h"
#include "tokenizer/unicode.h"

#include <string.h>

/* A walk over a candidate. */
typedef struct rules {
    const uint8_t *text;
    uint32_t size, at;
    const uint8_t *first_close, *last_close; /* NULL: there is none */
    uint32_t open, closed, opened_round, closed_round, digits;
    bool capital;
    uint8_t rings[110]; /* open ring labels: 0 to 9, then 00 to 99 */
    uint64_t
        other_rings; /* labels in other scripts: zero when each stands an even number of times */
} rules;

static bool is_in(const char *set, uint8_t c)
{
    return c && strchr(set, c);
}

static bool is_bond(uint8_t c)
{
    return is_in("-=#:/\\.$", c);
}

/* The length of the decimal digit at `at`, or 0. */
static uint32_t digit_at(const rules *r, uint32_t at)
{
    uint32_t c;
    if (at >= r->size)
        return 0;
    uint32_t n = (uint32_t)s1_utf8_item(r->text + at, r->size - at, &c);
    return c < 0x110000 && s1_char_class(c) == S1_CHAR_DIGIT ? n : 0;
}

static void toggle(rules *r, uint32_t at, uint32_t size, uint32_t digits)
{
    const uint8_t *label = r->text + at;
    if (digits == 1 && size == 1)
        r->rings[label[0] - '0'] ^= 1;
    else if (digits == 2 && size == 2)
        r->rings[10 + (label[0] - '0') * 10 + (label[1] - '0')] ^= 1;
    else
        r->other_rings ^= s1_hash(label, size) + digits;
}

/* Too many letters or digits for one atom. Looked at once: for brackets after the first, the
 * reference's span is empty. */
static bool is_banned_span(const rules *r, uint32_t begin, uint32_t end)
{
    uint32_t letters = 0, digits = 0, groups = 0;

    while (begin < end) {
        uint8_t c = r->text[begin];
        uint32_t digit = digit_at(r, begin), n = digit, code;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z' && c != 'H');
        letters = letter ? letters + 1 : 0;
        groups += digit && !digits;
        digits = digit ? digits + 1 : 0;
        if (letters == 3 || digits == 4 || groups > 2)
            return true;
        begin += n ? n : (uint32_t)s1_utf8_item(r->text + begin, end - begin, &code);
    }
    return false;
}

static bool open_bracket(rules *r)
{
    const uint8_t *at = r->text + r->at;
    r->open++;
    if (r->open > r->closed + 1 || !r->last_close || r->last_close < at)
        return false;
    return r->first_close < at ||
           !is_banned_span(r, r->at + 1, (uint32_t)(r->first_close - r->text));
}

/* What stands at r->at outside of brackets. False: no SMILES. */
static bool outside(rules *r)
{
    uint8_t c = r->text[r->at];
    uint32_t digit = digit_at(r, r->at);

    if (digit) {
        bool labels =
            !(r->at > 0 && r->text[r->at - 1] == '%') && !(r->at > 1 && r->text[r->at - 2] == '%');
        r->digits++;
        if (labels)
            toggle(r, r->at, digit, 1);
        r->at += digit;
        return true;
    }
    if (c == '%') {
        uint32_t first = digit_at(r, r->at + 1);
        uint32_t second = first ? digit_at(r, r->at + 1 + first) : 0;
        if (!second)
            return false;
        r->digits++;
        toggle(r, r->at + 1, first + second, 2);
        r->at += 1 + first + second;
        return true;
    }
    if (r->at + 1 < r->size &&
        (!memcmp(r->text + r->at, "Cl", 2) || !memcmp(r->text + r->at, "Br", 2)))
        r->at += 2;
    else if (is_in("BCNOPSFIbcnosp;[]()", c) || is_bond(c))
        r->at++;
    else
        return false;
    return true;
}

static bool step(rules *r)
{
    uint8_t c = r->text[r->at];
    uint32_t code;

    r->capital = r->capital || (c >= 'A' && c <= 'Z');
    if (is_bond(c) && (!r->at || r->at + 1 == r->size || is_bond(r->text[r->at - 1])))
        return false;
    if (c == '[' && !open_bracket(r))
        return false;
    r->closed += c == ']';
    r->opened_round += c == '(';
    r->closed_round += c == ')';
    if (r->closed > r->open || r->closed_round > r->opened_round)
        return false;
    if (r->open == r->closed)
        return outside(r);
    r->at += (uint32_t)s1_utf8_item(r->text + r->at, r->size - r->at, &code);
    return true;
}

/* Innermost brackets: neither empty nor with parentheses, up to the first that names an element. */
static bool has_good_brackets(const rules *r)
{
    const uint8_t *end = r->text + r->size, *open = NULL;

    for (const uint8_t *at = r->text; at < end; at++) {
        if (*at == '[')
            open = at + 1;
        if (*at != ']' || !open)
            continue;
        size_t size = (size_t)(at - open);
        if (!size || memchr(open, '(', size) || memchr(open, ')', size))
            return false;
        if (is_in("BCFHIKNOPSUVWYbcnosp", *open) || s1_smiles_is_element(open, size))
            return true;
        open = NULL;
    }
    return true;
}

bool s1_smiles_is_legitimate(const uint8_t *text, uint32_t size)
{
    rules r = { .text = text, .size = size, .first_close = memchr(text, ']', size) };

    for (uint32_t i = size; r.first_close && !r.last_close && i-- > 0;)
        if (text[i] == ']')
            r.last_close = text + i;
    while (r.at < size)
        if (!step(&r))
            return false;
    for (size_t i = 0; i < sizeof(r.rings); i++)
        if (r.rings[i])
            return false;
    if (r.open != r.closed || r.other_rings || (!r.capital && r.digits < 2))
        return false;
    return has_good_brackets(&r);
}
