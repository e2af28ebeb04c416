/* Checked JSON, printed again as Python's json module prints what it read. */

#include "session/rendering.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(s1_rendering *r, const char *text, size_t size)
{
    s1_render_untrusted(r, (ins1_text){ text, size });
}

/* --- strings --- */

/* The size of the escape at `at`: of a surrogate with what follows, as far as it can be its half.
 */
static size_t escape_size(const char *at, const char *end)
{
    bool is_high = at[1] == 'u' && (at[2] == 'd' || at[2] == 'D') && strchr("89abAB", at[3]);
    if (at[1] != 'u')
        return 2;
    return is_high && end - at >= 12 && at[6] == '\\' && at[7] == 'u' ? 12 : 6;
}

static void put_escaped(s1_rendering *r, char c)
{
    static const char codes[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    char text[8] = { '\\' };
    const char *code = c ? strchr(codes, c) : NULL;

    if (code)
        text[1] = names[code - codes];
    else
        snprintf(text, sizeof(text), "\\u%04x", (unsigned)(unsigned char)c);
    put(r, text, strlen(text));
}

/* The text between the quotes; escaped again, or as what it says. */
static void put_string(s1_rendering *r, s1_json string, bool escapes)
{
    const char *at = string.text + 1, *end = string.text + string.size - 1;
    while (at < end) {
        const char *next = memchr(at, '\\', (size_t)(end - at));
        put(r, at, (size_t)((next ? next : end) - at));
        if (!next)
            return;

        /* A string's first and last byte are its quotes, which are skipped unread. */
        size_t size, n = escape_size(next, end);
        char bytes[8];
        const s1_json one = { S1_JSON_STRING, next - 1, n + 2 };
        if (!s1_json_string(one, bytes, sizeof(bytes), &size)) {
            r->has_lone_surrogate = true;
            return;
        }
        bool is_special = (unsigned char)*bytes < 0x20 || *bytes == '"' || *bytes == '\\';
        if (escapes && is_special)
            put_escaped(r, *bytes);
        else
            put(r, bytes, size);
        at = next + n;
    }
}

void s1_render_json_string(s1_rendering *r, s1_json string)
{
    put_string(r, string, false);
}

/* --- numbers --- */

enum { MAX_DIGITS = 40, EXACT_DIGITS = 15 };

/* 0.d1d2d3... times ten to the power of `point`. */
typedef struct decimal {
    char digits[MAX_DIGITS + 1];
    int n;
    long point;
} decimal;

/* Digits without zeros around them; those beyond the room are far beyond a double's. */
static void read_decimal(decimal *d, const char *at, const char *end)
{
    bool is_fraction = false;
    long power = 0;

    *d = (decimal){ .n = 0 };
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at < '0' || *at > '9') {
            is_fraction = is_fraction || *at != '-';
            continue;
        }
        bool leads = !d->n && *at == '0';
        d->point += is_fraction ? -leads : !leads;
        if (!leads && d->n < MAX_DIGITS)
            d->digits[d->n++] = *at;
    }
    if (at < end) {
        bool is_negative = *++at == '-';
        for (at += is_negative || *at == '+'; at < end; at++)
            power = power < 100000 ? power * 10 + (*at - '0') : power;
        d->point += is_negative ? -power : power;
    }
    while (d->n && d->digits[d->n - 1] == '0')
        d->n--;
    d->digits[d->n] = '\0';
}

/* Without a point, so that the host's locale has no say. */
static double value_of(const decimal *d)
{
    char text[MAX_DIGITS + 32];
    snprintf(text, sizeof(text), "%se%ld", d->n ? d->digits : "0", d->point - d->n);
    return strtod(text, NULL);
}

/* The fewest digits that read as the same double. */
static void shorten(decimal *d)
{
    const double value = value_of(d);
    for (int precision = 0; precision < 17; precision++) {
        char text[64];
        decimal tried;
        snprintf(text, sizeof(text), "%.*e", precision, value);
        /* Whatever the locale has for a point stands between the first two digits. */
        read_decimal(&tried, text, text + strlen(text));
        if (value_of(&tried) == value) {
            *d = tried;
            return;
        }
    }
}

static void put_zeros(s1_rendering *r, long n)
{
    for (; n > 0; n--)
        put(r, "0", 1);
}

/* As Python's repr: plain from 1e-4 up to 1e16. */
static void put_decimal(s1_rendering *r, const decimal *d)
{
    char text[32];
    if (!d->n) {
        put(r, "0.0", 3);
    } else if (d->point > 16 || d->point < -3) {
        put(r, d->digits, 1);
        if (d->n > 1) {
            put(r, ".", 1);
            put(r, d->digits + 1, (size_t)d->n - 1);
        }
        long power = d->point - 1;
        snprintf(text, sizeof(text), "e%c%02ld", power < 0 ? '-' : '+', power < 0 ? -power : power);
        put(r, text, strlen(text));
    } else if (d->point <= 0) {
        put(r, "0.", 2);
        put_zeros(r, -d->point);
        put(r, d->digits, (size_t)d->n);
    } else {
        size_t whole = d->n < d->point ? (size_t)d->n : (size_t)d->point;
        put(r, d->digits, whole);
        put_zeros(r, d->point - d->n);
        put(r, ".", 1);
        if ((size_t)d->n > whole)
            put(r, d->digits + whole, (size_t)d->n - whole);
        else
            put(r, "0", 1);
    }
}

/* Whole numbers as they are. Others as Python prints the double; what is no double, as it is. */
static void put_number(s1_rendering *r, const char *at, const char *end)
{
    bool is_whole = true;
    decimal d;

    for (const char *c = at; c < end; c++)
        is_whole = is_whole && *c != '.' && *c != 'e' && *c != 'E';
    if (is_whole) {
        bool is_minus_zero = end - at == 2 && at[0] == '-' && at[1] == '0';
        put(r, at + is_minus_zero, (size_t)(end - at) - is_minus_zero);
        return;
    }
    read_decimal(&d, at, end);
    if (d.n && d.point > 308 && value_of(&d) > 1.7976931348623157e308) {
        put(r, at, (size_t)(end - at));
        return;
    }
    if (d.n > EXACT_DIGITS || d.point > 300 || d.point < -290)
        shorten(&d);
    if (*at == '-')
        put(r, "-", 1);
    put_decimal(r, &d);
}

/* --- values --- */

static const char *past_string(const char *at)
{
    for (at++; *at != '"'; at++)
        at += *at == '\\';
    return at + 1;
}

static void new_line(s1_rendering *r, size_t n)
{
    put(r, "\n", 1);
    for (; n; n--)
        put(r, " ", 1);
}

/* One mark of punctuation, and the white space that follows it. */
static void put_mark(s1_rendering *r, char c, bool is_empty, size_t indent, size_t *depth)
{
    bool opens = c == '[' || c == '{', closes = c == ']' || c == '}';
    *depth += opens;
    *depth -= closes;
    if (closes && indent && !is_empty)
        new_line(r, *depth * indent);
    put(r, &c, 1);
    if (c == ':' || (c == ',' && !indent))
        put(r, " ", 1);
    else if (indent && (c == ',' || (opens && !is_empty)))
        new_line(r, *depth * indent);
}

void s1_render_json(s1_rendering *r, s1_json value, size_t indent)
{
    const char *at = value.text, *end = value.text + value.size;
    bool is_empty = false;
    size_t depth = 0;

    while (at < end && !r->is_out_of_memory) {
        const char *next = at + 1;
        if (*at == '"') {
            next = past_string(at);
            put(r, "\"", 1);
            put_string(r, (s1_json){ S1_JSON_STRING, at, (size_t)(next - at) }, true);
            put(r, "\"", 1);
        } else if (strchr("[]{},:", *at)) {
            if (*at == '[' || *at == '{') {
                while (next < end && strchr(" \t\n\r", *next))
                    next++;
                is_empty = *next == ']' || *next == '}';
            }
            put_mark(r, *at, is_empty, indent, &depth);
            is_empty = is_empty && (*at == '[' || *at == '{');
        } else if (!strchr(" \t\n\r", *at)) {
            while (next < end && !strchr(" \t\n\r,]}", *next))
                next++;
            if (*at == '-' || (*at >= '0' && *at <= '9'))
                put_number(r, at, next);
            else
                put(r, at, (size_t)(next - at));
        }
        at = next;
    }
}
