#include "model/private.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* A text that is measured first and then written; always NUL-terminated where there is room. */
typedef struct text {
    char *out;
    size_t size, capacity;
} text;

static void put(text *t, const char *from, size_t size)
{
    if (t->size < t->capacity && size < t->capacity - t->size) {
        memcpy(t->out + t->size, from, size);
        t->out[t->size + size] = 0;
    }
    t->size += size;
}

/* One more key of a JSON array, its escapes as they stand in the file. */
static void put_key(void *user, const char *where, s1_json key)
{
    text *t = user;
    put(t, t->size > 1 ? ", \"" : "\"", t->size > 1 ? 3 : 1);
    put(t, where, strlen(where));
    put(t, key.text + 1, key.size - 1);
}

static void put_unknown(text *t, s1_json root)
{
    put(t, "[", 1);
    s1_config_unknown(root, put_key, t);
    put(t, "]", 1);
}

char *s1_unknown_keys_text(const ins1_allocator *memory, s1_json root)
{
    text t = { 0 };
    put_unknown(&t, root);
    t = (text){ .capacity = t.size + 1 };
    t.out = s1_alloc(memory, t.capacity, INS1_MEM_OBJECT);
    if (t.out)
        put_unknown(&t, root);
    return t.out;
}

static void put_ids(text *t, const int32_t *ids, int32_t n)
{
    char number[16];
    put(t, "[", 1);
    for (int32_t i = 0; i < n; i++) {
        int size = snprintf(number, sizeof(number), "%s%d", i ? ", " : "", ids[i]);
        put(t, number, (size_t)size);
    }
    put(t, "]", 1);
}

char *s1_ids_text(const ins1_allocator *memory, const int32_t *ids, int32_t n)
{
    text t = { 0 };
    put_ids(&t, ids, n);
    t = (text){ .capacity = t.size + 1 };
    t.out = s1_alloc(memory, t.capacity, INS1_MEM_OBJECT);
    if (t.out)
        put_ids(&t, ids, n);
    return t.out;
}
