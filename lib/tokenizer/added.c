#include "tokenizer/added.h"

#include <string.h>

/* Matching looks at so many bytes of every place in a text, at most. */
enum { MAX_TOKEN = 1024 };

ins1_status s1_added_put(s1_added *added, const s1_added_token *token, const void *text,
                         size_t size, const ins1_allocator *memory, ins1_error *error)
{
    if (!size)
        return s1_fail(error, INS1_E_FORMAT, "added token %d has no text", token->id);
    if (size > MAX_TOKEN)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "added token %d has %zu bytes, at most %d expected", token->id, size,
                       MAX_TOKEN);
    if (!s1_scratch_grow(memory, (void **)&added->tokens, &added->capacity, added->n + 1,
                         sizeof(*added->tokens), INS1_MEM_OBJECT) ||
        !s1_scratch_grow(memory, (void **)&added->bytes, &added->bytes_capacity,
                         added->n_bytes + size, 1, INS1_MEM_OBJECT))
        return s1_fail(error, INS1_E_MEMORY, "no memory for %zu added tokens", added->n + 1);
    memcpy(added->bytes + added->n_bytes, text, size);
    added->tokens[added->n] = *token;
    added->tokens[added->n].begin = (uint32_t)added->n_bytes;
    added->tokens[added->n].size = (uint32_t)size;
    added->firsts[*(const uint8_t *)text] = 1;
    added->n_bytes += size;
    added->n++;
    return INS1_OK;
}

static int compare_text(const s1_added *added, const s1_added_token *token, const void *text,
                        size_t size)
{
    size_t shorter = token->size < size ? token->size : size;
    int order = memcmp(s1_added_text(added, token), text, shorter);
    return order ? order : (token->size > size) - (token->size < size);
}

/* By text, and tokens of the same text in the order of their coming. */
static bool is_less(const s1_added *added, const s1_added_token *a, const s1_added_token *b)
{
    int order = compare_text(added, a, s1_added_text(added, b), b->size);
    return order ? order < 0 : a->begin < b->begin;
}

static void sift(s1_added *added, size_t at, size_t n)
{
    s1_added_token *tokens = added->tokens, moved = tokens[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && is_less(added, tokens + child, tokens + child + 1))
            child++;
        if (!is_less(added, &moved, tokens + child))
            break;
        tokens[at] = tokens[child];
    }
    tokens[at] = moved;
}

/* A heap sort, because the C library's may allocate. */
void s1_added_sort(s1_added *added)
{
    s1_added_token *tokens = added->tokens;
    for (size_t i = added->n / 2; i-- > 0;)
        sift(added, i, added->n);
    for (size_t end = added->n; end-- > 1;) {
        s1_added_token largest = tokens[0];
        tokens[0] = tokens[end];
        tokens[end] = largest;
        sift(added, 0, end);
    }
    size_t n = 0;
    for (size_t i = 0; i < added->n; i++)
        if (!n ||
            compare_text(added, tokens + n - 1, s1_added_text(added, tokens + i), tokens[i].size))
            tokens[n++] = tokens[i];
    added->n = n;
}

s1_added_token *s1_added_find(const s1_added *added, const void *text, size_t size)
{
    size_t low = 0, high = added->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_text(added, added->tokens + middle, text, size);
        if (!order)
            return added->tokens + middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The first of [low, high) whose byte at `depth` is not below `byte`; all are longer than `depth`.
 */
static size_t bound(const s1_added *added, size_t low, size_t high, uint32_t depth, unsigned byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s1_added_text(added, added->tokens + middle)[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const s1_added_token *s1_added_next(const s1_added *added, s1_added_walk *walk, const uint8_t *at,
                                    size_t left)
{
    if (!walk->depth)
        *walk = (s1_added_walk){ 0, added->n, 0 };
    while (walk->depth < left) {
        unsigned byte = at[walk->depth];
        walk->low = bound(added, walk->low, walk->high, walk->depth, byte);
        walk->high = bound(added, walk->low, walk->high, walk->depth, byte + 1);
        if (walk->low == walk->high)
            return NULL;
        walk->depth++;
        /* The shortest of those with this prefix comes first. */
        if (added->tokens[walk->low].size == walk->depth)
            return added->tokens + walk->low++;
    }
    return NULL;
}

void s1_added_finish(s1_added *added, const ins1_allocator *memory)
{
    s1_scratch_free(memory, added->tokens, added->capacity, sizeof(*added->tokens),
                    INS1_MEM_OBJECT);
    s1_scratch_free(memory, added->bytes, added->bytes_capacity, 1, INS1_MEM_OBJECT);
    *added = (s1_added){ 0 };
}
