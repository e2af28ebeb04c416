#include "tokenizer/split.h"

#include "tokenizer/unicode.h"

enum { LONG_S = 0x17F };

/* What one character is to the splitter. */
enum { LETTER, NUMBER, SPACE, NEWLINE, OTHER, BAD };

typedef struct item {
    int kind;
    uint32_t c, end;
} item;

typedef struct window {
    const uint8_t *text;
    uint32_t end;
    bool marks;
} window;

static item look(const window *chunk, uint32_t at)
{
    uint32_t c;
    uint32_t end = at + (uint32_t)s1_utf8_item(chunk->text + at, chunk->end - at, &c);
    if (c >= 0x110000)
        return (item){ BAD, c, end };
    switch (s1_char_class(c)) {
    case S1_CHAR_LETTER:
        return (item){ LETTER, c, end };
    case S1_CHAR_NUMBER:
    case S1_CHAR_DIGIT:
        return (item){ NUMBER, c, end };
    case S1_CHAR_SPACE:
        return (item){ c == '\r' || c == '\n' ? NEWLINE : SPACE, c, end };
    case S1_CHAR_MARK:
        return (item){ chunk->marks ? LETTER : OTHER, c, end };
    default:
        return (item){ OTHER, c, end };
    }
}

static uint32_t run_of(const window *chunk, uint32_t at, int kind)
{
    while (at < chunk->end) {
        item next = look(chunk, at);
        if (next.kind != kind)
            break;
        at = next.end;
    }
    return at;
}

static uint32_t lower(const window *chunk, uint32_t at)
{
    uint8_t c = at < chunk->end ? chunk->text[at] : 0;
    return c >= 'A' && c <= 'Z' ? c + 32u : c;
}

/* The end of an English contraction after the apostrophe at `at`, or 0. */
static uint32_t contraction(const window *chunk, uint32_t at)
{
    uint32_t first = lower(chunk, at + 1), second = lower(chunk, at + 2);

    if (first == 's' || first == 't' || first == 'm' || first == 'd')
        return at + 2;
    if (((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l'))
        return at + 3;
    if (at + 1 < chunk->end) {
        item next = look(chunk, at + 1);
        if (next.c == LONG_S)
            return next.end;
    }
    return 0;
}

/* White space at `at`: up to the last line break in it; else all but its last character, which the
 * next word may take, unless it is alone or nothing follows. */
static uint32_t white_space(const window *chunk, uint32_t at)
{
    uint32_t end = at, last = at, after_newline = 0;

    while (end < chunk->end) {
        item next = look(chunk, end);
        if (next.kind != SPACE && next.kind != NEWLINE)
            break;
        last = end;
        end = next.end;
        if (next.kind == NEWLINE)
            after_newline = end;
    }
    if (after_newline)
        return after_newline;
    return end == chunk->end || last == at ? end : last;
}

uint32_t s1_split_next(const uint8_t *text, uint32_t at, uint32_t end, bool marks)
{
    const window chunk = { text, end, marks };
    item first = look(&chunk, at);

    if (first.kind == BAD)
        return first.end;
    if (first.kind == LETTER)
        return run_of(&chunk, first.end, LETTER);
    if (first.kind == NUMBER)
        return first.end;
    if (first.c == '\'') {
        uint32_t past = contraction(&chunk, at);
        if (past)
            return past;
    }
    if (first.end < end && first.kind != NEWLINE) {
        item second = look(&chunk, first.end);
        if (second.kind == LETTER)
            return run_of(&chunk, second.end, LETTER);
        if (first.c == ' ' && second.kind == OTHER)
            first = second;
    }
    if (first.kind == OTHER)
        return run_of(&chunk, run_of(&chunk, first.end, OTHER), NEWLINE);
    return white_space(&chunk, at);
}
