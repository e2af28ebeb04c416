#include "backend/gpu/gpu.h"

#include <string.h>

enum { ALIGN = 256 };

unsigned char *s1_tables_room(s1_tables *t, size_t bytes)
{
    bool has_room = t->n < S1_TABLES_MOST && bytes <= t->size - t->used;
    return has_room ? t->host + t->used : NULL;
}

bool s1_tables_find(const s1_tables *t, size_t bytes, size_t *at)
{
    for (int32_t i = 0; i < t->n; i++) {
        *at = t->entries[i].at;
        if (t->entries[i].bytes == bytes && memcmp(t->host + *at, t->host + t->used, bytes) == 0)
            return true;
    }
    *at = t->used;
    return false;
}

void s1_tables_keep(s1_tables *t, size_t bytes)
{
    size_t end = (t->used + bytes + ALIGN - 1) / ALIGN * ALIGN;

    t->entries[t->n].at = (uint32_t)t->used;
    t->entries[t->n].bytes = (uint32_t)bytes;
    t->n++;
    t->used = end < t->size ? end : t->size;
}

void s1_tables_forget(s1_tables *t)
{
    t->used = 0;
    t->n = 0;
}
