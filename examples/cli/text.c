#include "text.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *reallocate(void *memory, size_t count, size_t item_size)
{
    void *moved = NULL;
    if (count <= SIZE_MAX / item_size)
        moved = realloc(memory, count ? count * item_size : 1);
    if (!moved) {
        fputs("ins1: out of memory\n", stderr);
        exit(1);
    }
    return moved;
}

void *allocate(size_t count, size_t item_size)
{
    void *memory = reallocate(NULL, count, item_size);
    memset(memory, 0, count * item_size);
    return memory;
}

char *text_room(buffer *to, size_t size)
{
    if (size > to->capacity - to->size) {
        if (size > SIZE_MAX / 2 - to->size)
            reallocate(NULL, SIZE_MAX, 2);
        size_t capacity = to->capacity < 64 ? 64 : to->capacity;
        while (capacity - to->size < size)
            capacity *= 2;
        to->at = reallocate(to->at, capacity, 1);
        to->capacity = capacity;
    }
    return to->at + to->size;
}

void text_add(buffer *to, const void *bytes, size_t size)
{
    if (!size)
        return;
    memcpy(text_room(to, size), bytes, size);
    to->size += size;
}

void text_puts(buffer *to, const char *string)
{
    text_add(to, string, strlen(string));
}

void text_printf(buffer *to, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    if (size > 0) {
        vsnprintf(text_room(to, (size_t)size + 1), (size_t)size + 1, format, again);
        to->size += (size_t)size;
    }
    va_end(again);
    va_end(args);
}

size_t text_character(const char *bytes, size_t left)
{
    const unsigned char *s = (const unsigned char *)bytes;
    static const unsigned char least_second[] = { [0xe0] = 0xa0, [0xf0] = 0x90, [0xff] = 0 };
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;
    if (n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if (n > 1 && s[1] < least_second[s[0]])
        return 0;
    if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

void text_json(buffer *to, const char *bytes, size_t size)
{
    const unsigned char *s = (const unsigned char *)bytes;
    text_puts(to, "\"");
    for (size_t i = 0, n; i < size; i += n ? n : 1) {
        n = text_character(bytes + i, size - i);
        if (!n)
            text_puts(to, "\xef\xbf\xbd");
        else if (s[i] == '"' || s[i] == '\\')
            text_printf(to, "\\%c", s[i]);
        else if (s[i] == '\n')
            text_puts(to, "\\n");
        else if (s[i] < 0x20 || s[i] == 0x7f)
            text_printf(to, "\\u%04x", s[i]);
        else
            text_add(to, s + i, n);
    }
    text_puts(to, "\"");
}

void text_real(buffer *to, double value)
{
    if (isfinite(value))
        text_printf(to, "%.9g", value);
    else
        text_puts(to, "null");
}

void text_ids(buffer *to, const int32_t *ids, size_t n)
{
    text_puts(to, "[");
    for (size_t i = 0; i < n; i++)
        text_printf(to, "%s%d", i ? ", " : "", ids[i]);
    text_puts(to, "]");
}

void text_free(buffer *from)
{
    free(from->at);
    from->at = NULL;
    from->size = from->capacity = 0;
}
