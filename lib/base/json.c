#include "base/json.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

typedef struct scanner {
    const char *start, *at, *end;
    const char *wrong; /* what is wrong at `at`, a fixed sentence */
} scanner;

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static void skip_space(scanner *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

static bool refuse(scanner *s, const char *wrong)
{
    s->wrong = wrong;
    return false;
}

/* One character of UTF-8 at `at`: its length, 0 when it is not well formed. */
static size_t utf8_length(const char *at, const char *end)
{
    const unsigned char *b = (const unsigned char *)at;
    size_t left = (size_t)(end - at);
    if (b[0] < 0x80)
        return 1;
    if (b[0] < 0xC2 || b[0] > 0xF4)
        return 0;
    size_t n = b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
    if (left < n)
        return 0;
    unsigned char low = b[0] == 0xE0 ? 0xA0 : b[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = b[0] == 0xED ? 0x9F : b[0] == 0xF4 ? 0x8F : 0xBF;
    if (b[1] < low || b[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (b[i] < 0x80 || b[i] > 0xBF)
            return 0;
    return n;
}

static bool scan_string(scanner *s)
{
    s->at++; /* the opening quote */
    while (s->at < s->end) {
        char c = *s->at;
        if (c == '"') {
            s->at++;
            return true;
        }
        if ((unsigned char)c < 0x20)
            return refuse(s, "a control character inside a string");
        if (c != '\\') {
            size_t n = utf8_length(s->at, s->end);
            if (!n)
                return refuse(s, "bytes that are not UTF-8");
            s->at += n;
            continue;
        }
        if (s->end - s->at < 2)
            break;
        char escape = s->at[1];
        if (escape == 'u') {
            if (s->end - s->at < 6)
                break;
            for (int i = 2; i < 6; i++)
                if (hex_digit(s->at[i]) < 0)
                    return refuse(s, "a \\u escape without four hexadecimal digits");
            s->at += 6;
        } else if (escape && strchr("\"\\/bfnrt", escape)) {
            s->at += 2;
        } else {
            return refuse(s, "an unknown escape");
        }
    }
    s->at = s->end;
    return refuse(s, "a string without an end");
}

static bool scan_digits(scanner *s)
{
    if (s->at == s->end || !is_digit(*s->at))
        return refuse(s, "a number without a digit");
    while (s->at < s->end && is_digit(*s->at))
        s->at++;
    return true;
}

static bool scan_number(scanner *s)
{
    if (*s->at == '-')
        s->at++;
    if (s->at < s->end && *s->at == '0')
        s->at++;
    else if (!scan_digits(s))
        return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!scan_digits(s))
            return false;
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        if (!scan_digits(s))
            return false;
    }
    return true;
}

static bool scan_word(scanner *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n))
        return refuse(s, "a word that is none of true, false, null");
    s->at += n;
    return true;
}

static bool scan_scalar(scanner *s)
{
    switch (*s->at) {
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        if (*s->at == '-' || is_digit(*s->at))
            return scan_number(s);
        return refuse(s, "no value");
    }
}

/* The key and the colon before a member's value. */
static bool scan_key(scanner *s)
{
    skip_space(s);
    if (s->at == s->end || *s->at != '"')
        return refuse(s, "a member without a quoted name");
    if (!scan_string(s))
        return false;
    skip_space(s);
    if (s->at == s->end || *s->at != ':')
        return refuse(s, "a name without a colon");
    s->at++;
    return true;
}

/* One value. The stack of open brackets is a bit each: 1 is an object. */
static bool scan_value(scanner *s)
{
    uint64_t is_object = 0;
    int depth = 0;

    for (;;) {
        skip_space(s);
        if (s->at == s->end)
            return refuse(s, "an end where a value should be");
        if (*s->at == '{' || *s->at == '[') {
            bool object = *s->at == '{';
            if (depth == S1_JSON_MAX_DEPTH)
                return refuse(s, "values nested deeper than 64");
            s->at++;
            skip_space(s);
            if (s->at < s->end && *s->at == (object ? '}' : ']')) {
                s->at++;
            } else {
                is_object = is_object << 1 | object;
                depth++;
                if (object && !scan_key(s))
                    return false;
                continue;
            }
        } else if (!scan_scalar(s)) {
            return false;
        }
        /* A value has ended: close brackets until one goes on. */
        for (;;) {
            if (!depth)
                return true;
            bool object = is_object & 1;
            skip_space(s);
            if (s->at == s->end)
                return refuse(s, "a bracket without an end");
            char c = *s->at;
            if (c == ',') {
                s->at++;
                if (object && !scan_key(s))
                    return false;
                break;
            }
            if (c != (object ? '}' : ']'))
                return refuse(s, "neither a comma nor the closing bracket");
            s->at++;
            is_object >>= 1;
            depth--;
        }
    }
}

static s1_json_kind kind_of(char c)
{
    switch (c) {
    case '{':
        return S1_JSON_OBJECT;
    case '[':
        return S1_JSON_ARRAY;
    case '"':
        return S1_JSON_STRING;
    case 't':
        return S1_JSON_TRUE;
    case 'f':
        return S1_JSON_FALSE;
    case 'n':
        return S1_JSON_NULL;
    default:
        return S1_JSON_NUMBER;
    }
}

ins1_status s1_json_parse(s1_json *out, const char *text, size_t size, ins1_error *error)
{
    scanner s = { text, text, text + size, NULL };

    *out = (s1_json){ 0 };
    skip_space(&s);
    const char *begin = s.at;
    if (!scan_value(&s))
        return s1_fail(error, INS1_E_FORMAT, "JSON has %s at byte %zu", s.wrong,
                       (size_t)(s.at - s.start));
    const char *end = s.at;
    skip_space(&s);
    if (s.at != s.end)
        return s1_fail(error, INS1_E_FORMAT, "JSON has more than one value, at byte %zu",
                       (size_t)(s.at - s.start));
    *out = (s1_json){ kind_of(*begin), begin, (size_t)(end - begin) };
    return INS1_OK;
}

/* Past a checked string that starts at `at`. */
static const char *past_string(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

/* Past a checked value that starts at `at` and ends before `end`. */
static const char *past_value(const char *at, const char *end)
{
    if (*at == '"')
        return past_string(at);
    if (*at == '{' || *at == '[') {
        int depth = 0;
        do {
            if (*at == '"') {
                at = past_string(at);
                continue;
            }
            if (*at == '{' || *at == '[')
                depth++;
            else if (*at == '}' || *at == ']')
                depth--;
            at++;
        } while (depth);
        return at;
    }
    while (at < end && !is_space(*at) && *at != ',' && *at != '}' && *at != ']')
        at++;
    return at;
}

static const char *past_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

s1_json_walk s1_json_begin(s1_json value)
{
    if (value.kind != S1_JSON_ARRAY && value.kind != S1_JSON_OBJECT)
        return (s1_json_walk){ 0 };
    /* Between the brackets. */
    return (s1_json_walk){ value.text + 1, value.text + value.size - 1,
                           value.kind == S1_JSON_OBJECT };
}

bool s1_json_next(s1_json_walk *walk, s1_json *key, s1_json *value)
{
    const char *at = past_space(walk->at, walk->end);
    if (at == walk->end)
        return false;
    if (*at == ',')
        at = past_space(at + 1, walk->end);
    *key = (s1_json){ 0 };
    if (walk->is_object) {
        const char *end = past_string(at);
        *key = (s1_json){ S1_JSON_STRING, at, (size_t)(end - at) };
        at = past_space(end, walk->end);
        at = past_space(at + 1, walk->end); /* the colon */
    }
    const char *end = past_value(at, walk->end);
    *value = (s1_json){ kind_of(*at), at, (size_t)(end - at) };
    walk->at = end;
    return true;
}

s1_json s1_json_get(s1_json object, const char *name)
{
    s1_json found = { 0 }, key, value;
    if (object.kind != S1_JSON_OBJECT)
        return found;
    s1_json_walk walk = s1_json_begin(object);
    while (s1_json_next(&walk, &key, &value))
        if (s1_json_is(key, name))
            found = value;
    return found;
}

size_t s1_json_count(s1_json value)
{
    s1_json key, element;
    size_t n = 0;
    s1_json_walk walk = s1_json_begin(value);
    while (s1_json_next(&walk, &key, &element))
        n++;
    return n;
}

static uint32_t four_digits(const char *at)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++)
        code = code << 4 | (uint32_t)hex_digit(at[i]);
    return code;
}

/* The character of the escape at `*at`, which moves past it; -1 for a lone surrogate. */
static int32_t unescape(const char **at, const char *end)
{
    static const char names[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
    char escape = (*at)[1];
    if (escape != 'u') {
        *at += 2;
        return codes[strchr(names, escape) - names];
    }
    uint32_t code = four_digits(*at + 2);
    *at += 6;
    if (code < 0xD800 || code > 0xDFFF)
        return (int32_t)code;
    if (code > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return -1;
    uint32_t low = four_digits(*at + 2);
    if (low < 0xDC00 || low > 0xDFFF)
        return -1;
    *at += 6;
    return (int32_t)(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
}

static size_t put_utf8(char out[4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((0xF00u >> n & 0xFF) | code);
    return n;
}

bool s1_json_string(s1_json value, char *out, size_t capacity, size_t *size)
{
    *size = 0;
    if (value.kind != S1_JSON_STRING)
        return false;
    const char *at = value.text + 1, *end = value.text + value.size - 1;
    while (at < end) {
        char bytes[4] = { *at };
        size_t n = 1;
        if (*at == '\\') {
            int32_t code = unescape(&at, end);
            if (code < 0)
                return false;
            n = put_utf8(bytes, (uint32_t)code);
        } else {
            at++;
        }
        for (size_t i = 0; i < n; i++, ++*size)
            if (*size < capacity)
                out[*size] = bytes[i];
    }
    return true;
}

bool s1_json_is(s1_json value, const char *text)
{
    size_t length = strlen(text), size;
    if (value.kind != S1_JSON_STRING)
        return false;
    if (!memchr(value.text, '\\', value.size))
        return value.size == length + 2 && !memcmp(value.text + 1, text, length);
    char buffer[256];
    return s1_json_string(value, buffer, sizeof(buffer), &size) && size == length &&
           size <= sizeof(buffer) && !memcmp(buffer, text, length);
}

bool s1_json_bool(s1_json value, bool *out)
{
    *out = value.kind == S1_JSON_TRUE;
    return value.kind == S1_JSON_TRUE || value.kind == S1_JSON_FALSE;
}

bool s1_json_int(s1_json value, int64_t *out)
{
    *out = 0;
    if (value.kind != S1_JSON_NUMBER)
        return false;
    const char *at = value.text, *end = at + value.size;
    bool negative = *at == '-';
    uint64_t limit = (uint64_t)INT64_MAX + negative, sum = 0;
    for (at += negative; at < end && is_digit(*at); at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (sum > (limit - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    if (at < end) {
        /* 1.0 and 1e3 are whole numbers too, as long as a double holds them exactly. */
        double whole;
        if (!s1_json_double(value, &whole) || whole != floor(whole) || fabs(whole) > 0x1p53)
            return false;
        *out = (int64_t)whole;
        return true;
    }
    *out = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

/* Ten to the n, exactly rounded for n <= 27 on machines with an 80-bit long double. */
static long double power_of_ten(int n)
{
    long double power = 1, base = 10;
    for (; n; n >>= 1, base *= base)
        if (n & 1)
            power *= base;
    return power;
}

/* Not strtod, whose answer depends on the host's locale. Correctly rounded for at most 15 digits
 * with an exponent of at most 22, within one unit in the last place otherwise. */
bool s1_json_double(s1_json value, double *out)
{
    *out = 0;
    if (value.kind != S1_JSON_NUMBER)
        return false;
    const char *at = value.text, *end = at + value.size;
    bool negative = *at == '-', fraction = false;
    uint64_t digits = 0;
    int64_t exponent = 0;

    for (at += negative; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            fraction = true;
        } else if (digits < (UINT64_MAX - 9) / 10) {
            digits = digits * 10 + (uint64_t)(*at - '0');
            exponent -= fraction;
        } else {
            exponent += !fraction; /* beyond 19 digits only the magnitude counts */
        }
    }
    if (at < end) {
        bool down = *++at == '-';
        int64_t given = 0;
        for (at += down || *at == '+'; at < end; at++)
            if (given < 100000)
                given = given * 10 + (*at - '0');
        exponent += down ? -given : given;
    }
    double whole;
    if (!digits || exponent < -400)
        whole = 0;
    else if (exponent > 400)
        return false;
    else if (digits < UINT64_C(1) << 53 && exponent >= -22 && exponent <= 22)
        whole = exponent < 0 ? (double)digits / (double)power_of_ten((int)-exponent)
                             : (double)digits * (double)power_of_ten((int)exponent);
    else
        whole = (double)(exponent < 0 ? (long double)digits / power_of_ten((int)-exponent)
                                      : (long double)digits * power_of_ten((int)exponent));
    *out = negative ? -whole : whole;
    return isfinite(whole);
}
