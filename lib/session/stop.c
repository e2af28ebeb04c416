#include "session/stop.h"

#include "base/checked.h"
#include "base/memory.h"
#include "base/meter.h"
#include "tokenizer/scratch.h"

#include <string.h>

static ins1_status copy_stops(s1_stop *stop, const ins1_text *given, size_t n, ins1_error *error)
{
    uint64_t total = 0;
    bool fits = s1_mul(n, sizeof(*given), &total);
    for (size_t i = 0; i < n; i++) {
        if (!given[i].text || !given[i].size)
            return s1_fail(error, INS1_E_ARGUMENT, "stop string %zu is empty", i);
        fits = fits && s1_add(total, given[i].size, &total);
    }
    stop->stops =
        fits && total <= SIZE_MAX ? s1_alloc(stop->memory, (size_t)total, INS1_MEM_OBJECT) : NULL;
    if (!stop->stops)
        return s1_out_of_memory(stop->memory, total, "stop strings", error);
    stop->stops_size = (size_t)total;
    stop->n_stops = n;

    char *at = (char *)(stop->stops + n);
    for (size_t i = 0; i < n; i++, at += given[i - 1].size) {
        memcpy(at, given[i].text, given[i].size);
        stop->stops[i] = (ins1_text){ at, given[i].size };
    }
    return INS1_OK;
}

ins1_status s1_stop_init(s1_stop *stop, const ins1_allocator *memory, const ins1_text *stops,
                         size_t n_stops, ins1_error *error)
{
    *stop = (s1_stop){ .memory = memory };
    if (n_stops && !stops)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu stop strings at NULL", n_stops);
    return n_stops ? copy_stops(stop, stops, n_stops, error) : INS1_OK;
}

void s1_stop_finish(s1_stop *stop)
{
    s1_free(stop->memory, stop->stops, stop->stops_size, INS1_MEM_OBJECT);
    s1_scratch_free(stop->memory, stop->held, stop->capacity, 1, INS1_MEM_OBJECT);
}

ins1_status s1_stop_reserve(s1_stop *stop, size_t size, ins1_error *error)
{
    void *held = stop->held;
    if (size > SIZE_MAX - stop->n_held || !s1_scratch_grow(stop->memory, &held, &stop->capacity,
                                                           stop->n_held + size, 1, INS1_MEM_OBJECT))
        return s1_out_of_memory(stop->memory, size, "the text of a reply", error);
    stop->held = held;
    return INS1_OK;
}

size_t s1_stop_free_bytes(const s1_stop *stop, bool is_last, bool *is_found)
{
    size_t waits_from = stop->n_held;

    *is_found = false;
    for (size_t at = 0; at < stop->n_held; at++)
        for (size_t i = 0; i < stop->n_stops; i++) {
            const ins1_text *s = &stop->stops[i];
            size_t left = stop->n_held - at, n = s->size < left ? s->size : left;
            if (memcmp(stop->held + at, s->text, n) != 0)
                continue;
            if (s->size <= left) {
                *is_found = true;
                return at;
            }
            if (!is_last && at < waits_from)
                waits_from = at;
        }
    return waits_from;
}

void s1_stop_take(s1_stop *stop, size_t size)
{
    memmove(stop->held, stop->held + size, stop->n_held - size);
    stop->n_held -= size;
}
