#include "series.h"

#include <math.h>

/* Digits of a number: value = mantissa * 10^exponent. */
typedef struct digits {
    uint64_t mantissa; /* the first 19 digits that count */
    int64_t exponent;
    int n;     /* how many of them */
    bool seen; /* any digit at all */
} digits;

static void take_digit(digits *d, char c, bool fraction)
{
    d->seen = true;
    if (d->n < 19) {
        d->mantissa = d->mantissa * 10 + (uint64_t)(c - '0');
        d->n += d->mantissa != 0;
        d->exponent -= fraction;
    } else {
        d->exponent += !fraction;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The exponent behind an 'e', when there is one. */
static size_t take_exponent(digits *d, const char *text, size_t size, size_t at)
{
    size_t i = at;
    if (i >= size || (text[i] != 'e' && text[i] != 'E'))
        return at;
    bool negative = i + 1 < size && text[i + 1] == '-';
    i += 1 + (i + 1 < size && (text[i + 1] == '-' || text[i + 1] == '+'));
    if (i >= size || !is_digit(text[i]))
        return at;
    int64_t value = 0;
    for (; i < size && is_digit(text[i]); i++)
        value = value < 100000000 ? value * 10 + (text[i] - '0') : value;
    d->exponent += negative ? -value : value;
    return i;
}

/* Powers of ten up to 22 are exact, so that one rounding is left for numbers of 15 digits. */
static double compose(const digits *d)
{
    static const double power[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    if (d->mantissa == 0)
        return 0.0;
    if (d->mantissa <= (uint64_t)1 << 53 && d->exponent >= -22 && d->exponent <= 22) {
        double whole = (double)d->mantissa;
        return d->exponent < 0 ? whole / power[-d->exponent] : whole * power[d->exponent];
    }
    if (d->exponent < -400)
        return 0.0;
    if (d->exponent > 400)
        return INFINITY;
    return (double)((long double)d->mantissa * powl(10.0L, (long double)d->exponent));
}

static bool is_nan(const char *text, size_t size)
{
    return size >= 3 && (text[0] | 32) == 'n' && (text[1] | 32) == 'a' && (text[2] | 32) == 'n';
}

size_t s1_io_number(const char *text, size_t size, bool comma, double *out)
{
    digits d = { 0 };
    bool negative = size && text[0] == '-';
    size_t i = size && (text[0] == '-' || text[0] == '+');

    if (is_nan(text + i, size - i)) {
        *out = NAN;
        return i + 3;
    }
    for (; i < size && is_digit(text[i]); i++)
        take_digit(&d, text[i], false);
    if (i < size && (text[i] == '.' || (comma && text[i] == ',')))
        for (i++; i < size && is_digit(text[i]); i++)
            take_digit(&d, text[i], true);
    if (!d.seen)
        return 0;
    i = take_exponent(&d, text, size, i);
    double value = compose(&d);
    if (!isfinite(value))
        return 0;
    *out = negative ? -value : value;
    return i;
}
