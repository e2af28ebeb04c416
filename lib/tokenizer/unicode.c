/* The only file that knows utf8proc, of which it uses the calls that allocate nothing. A newer
 * utf8proc gives the same answers: what Unicode 15.0 does not watch never reaches it, and the rest
 * is stable. */
#include "tokenizer/unicode.h"

#include <string.h>
#include <utf8proc.h>

enum { MAX_DECOMPOSED = 32, SHORT_RUN = 16 };

_Static_assert(UTF8PROC_VERSION_MAJOR > 2 ||
                   (UTF8PROC_VERSION_MAJOR == 2 && UTF8PROC_VERSION_MINOR >= 8),
               "utf8proc 2.8 is the first that knows Unicode 15.0");

size_t s1_utf8_read(const uint8_t *at, size_t left, uint32_t *c)
{
    *c = at[0];
    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xC2 || at[0] > 0xF4) {
        *c = S1_UTF8_BAD;
        return 1;
    }
    size_t n = at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    uint8_t low = at[0] == 0xE0 ? 0xA0 : at[0] == 0xF0 ? 0x90 : 0x80;
    uint8_t high = at[0] == 0xED ? 0x9F : at[0] == 0xF4 ? 0x8F : 0xBF;
    uint32_t code = at[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++, low = 0x80, high = 0xBF) {
        if (i == left) {
            *c = S1_UTF8_CUT;
            return i;
        }
        if (at[i] < low || at[i] > high) {
            *c = S1_UTF8_BAD;
            return i;
        }
        code = code << 6 | (at[i] & 0x3F);
    }
    *c = code;
    return n;
}

size_t s1_utf8_write(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3F));
    out[0] = (uint8_t)((0xF00u >> n & 0xFF) | c);
    return n;
}

static bool decompose(s1_nfc *nfc, const uint8_t *text, uint32_t begin, uint32_t end,
                      const ins1_allocator *memory)
{
    nfc->n = 0;
    for (uint32_t at = begin; at < end;) {
        utf8proc_int32_t parts[MAX_DECOMPOSED];
        uint32_t c;
        int boundary = 0;
        uint32_t next = at + (uint32_t)s1_utf8_read(text + at, end - at, &c);
        utf8proc_ssize_t n =
            utf8proc_decompose_char((utf8proc_int32_t)c, parts, MAX_DECOMPOSED,
                                    UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &boundary);
        if (n < 1 || n > MAX_DECOMPOSED) {
            parts[0] = (utf8proc_int32_t)c;
            n = 1;
        }
        if (!s1_scratch_grow(memory, (void **)&nfc->chars, &nfc->capacity, nfc->n + (size_t)n,
                             sizeof(*nfc->chars), INS1_MEM_SCRATCH))
            return false;
        for (utf8proc_ssize_t i = 0; i < n; i++) {
            int order = utf8proc_get_property(parts[i])->combining_class;
            nfc->chars[nfc->n++] = (s1_nfc_char){ (uint32_t)parts[i], (uint32_t)order, at, next };
        }
        at = next;
    }
    return true;
}

/* Stable, and linear for long runs: a text may be one letter and a million marks. */
static bool sort_run(s1_nfc *nfc, s1_nfc_char *run, size_t n, const ins1_allocator *memory)
{
    if (n <= SHORT_RUN) {
        for (size_t i = 1; i < n; i++) {
            s1_nfc_char moved = run[i];
            size_t to = i;
            for (; to > 0 && run[to - 1].order > moved.order; to--)
                run[to] = run[to - 1];
            run[to] = moved;
        }
        return true;
    }
    size_t starts[257] = { 0 };
    if (!s1_scratch_grow(memory, (void **)&nfc->spare, &nfc->spare_capacity, n, sizeof(*nfc->spare),
                         INS1_MEM_SCRATCH))
        return false;
    for (size_t i = 0; i < n; i++)
        starts[(run[i].order & 255) + 1]++;
    for (size_t i = 1; i < 257; i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < n; i++)
        nfc->spare[starts[run[i].order & 255]++] = run[i];
    memcpy(run, nfc->spare, n * sizeof(*run));
    return true;
}

static bool reorder(s1_nfc *nfc, const ins1_allocator *memory)
{
    for (size_t i = 0; i < nfc->n;) {
        size_t end = i + 1;
        if (nfc->chars[i].order) {
            while (end < nfc->n && nfc->chars[end].order)
                end++;
            if (!sort_run(nfc, nfc->chars + i, end - i, memory))
                return false;
        }
        i = end;
    }
    return true;
}

/* The one character that two make, or 0. */
static uint32_t joined(const s1_nfc_char *first, const s1_nfc_char *second)
{
    utf8proc_int32_t pair[2] = { (utf8proc_int32_t)first->c, (utf8proc_int32_t)second->c };
    return utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) == 1
               ? (uint32_t)pair[0]
               : 0;
}

static void compose(s1_nfc *nfc)
{
    s1_nfc_char *starter = NULL;
    uint32_t last_order = 0;
    size_t n = 0;

    for (size_t i = 0; i < nfc->n; i++) {
        s1_nfc_char next = nfc->chars[i];
        /* Blocked when something of the same or a higher class stands between. */
        bool adjacent = starter && starter == nfc->chars + n - 1;
        uint32_t made = 0;
        if (starter && (adjacent || (last_order && last_order < next.order)))
            made = joined(starter, &next);
        if (made) {
            starter->c = made;
            if (next.begin < starter->begin)
                starter->begin = next.begin;
            if (next.end > starter->end)
                starter->end = next.end;
            continue;
        }
        nfc->chars[n] = next;
        last_order = next.order;
        if (!next.order)
            starter = nfc->chars + n;
        n++;
    }
    nfc->n = n;
}

bool s1_nfc_run(s1_nfc *nfc, const uint8_t *text, uint32_t begin, uint32_t end,
                const ins1_allocator *memory)
{
    if (!decompose(nfc, text, begin, end, memory) || !reorder(nfc, memory))
        return false;
    compose(nfc);
    return true;
}

void s1_nfc_finish(s1_nfc *nfc, const ins1_allocator *memory)
{
    s1_scratch_free(memory, nfc->chars, nfc->capacity, sizeof(*nfc->chars), INS1_MEM_SCRATCH);
    s1_scratch_free(memory, nfc->spare, nfc->spare_capacity, sizeof(*nfc->spare), INS1_MEM_SCRATCH);
    *nfc = (s1_nfc){ 0 };
}
