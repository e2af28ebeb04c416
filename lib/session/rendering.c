#include "session/rendering.h"

#include "base/memory.h"
#include "tokenizer/scratch.h"

#include <stdio.h>
#include <string.h>

static bool grow(s1_rendering *r, void **data, size_t *capacity, size_t need, size_t item)
{
    if (!s1_scratch_grow(r->memory, data, capacity, need, item, INS1_MEM_OBJECT))
        r->is_out_of_memory = true;
    return !r->is_out_of_memory;
}

static void add(s1_rendering *r, const char *text, size_t size, uint32_t flags)
{
    void *to = r->text, *segments = r->segments;
    if (!size || r->is_out_of_memory)
        return;
    if (size > SIZE_MAX - r->size) {
        r->is_out_of_memory = true;
        return;
    }
    if (!grow(r, &to, &r->capacity, r->size + size, 1))
        return;
    r->text = to;
    if (!grow(r, &segments, &r->segments_capacity, r->n_segments + 1, sizeof(*r->segments)))
        return;
    r->segments = segments;

    memcpy(r->text + r->size, text, size);
    r->size += size;
    if (r->n_segments && r->segments[r->n_segments - 1].flags == flags) {
        r->segments[r->n_segments - 1].size += size;
        return;
    }
    r->segments[r->n_segments++] = (ins1_segment){
        .struct_size = sizeof(ins1_segment),
        .kind = INS1_SEGMENT_AUTO,
        .flags = flags,
        .size = size,
    };
}

void s1_render_template(s1_rendering *r, const char *text)
{
    add(r, text, strlen(text), INS1_SEGMENT_SPECIAL);
}

void s1_render_untrusted(s1_rendering *r, ins1_text text)
{
    add(r, text.text, text.size, 0);
}

/* --- media --- */

/* The seconds with one digit behind the point, whatever the host's locale has for a point. */
static void announce_seconds(s1_rendering *r, double seconds)
{
    char digits[400], text[400];
    size_t n = 0;

    snprintf(digits, sizeof(digits), "%.1f", seconds);
    for (const char *at = digits; *at; at++)
        if ((*at >= '0' && *at <= '9') || *at == '-')
            text[n++] = *at;
    if (!n)
        return;
    text[n] = text[n - 1];
    text[n - 1] = '.';
    text[n + 1] = '\0';
    s1_render_template(r, "<");
    s1_render_template(r, text);
    s1_render_template(r, " seconds>");
}

static void announce_frame(s1_rendering *r, size_t step)
{
    char text[48];
    snprintf(text, sizeof(text), "%sFrame%zu: ", step ? "\n" : "", step + 1);
    s1_render_template(r, text);
}

static void render_step(s1_rendering *r, const s1_mark *mark, size_t step)
{
    size_t count = mark->n_rows / mark->n_steps;
    void *slots = r->slots;

    if (!grow(r, &slots, &r->slots_capacity, r->n_slots + 1, sizeof(*r->slots)))
        return;
    r->slots = slots;
    r->slots[r->n_slots++] = (s1_slot){ mark, step * count, count };

    if (mark->form->steps == S1_STEPS_SECONDS)
        announce_seconds(r, mark->times[step]);
    if (mark->form->steps == S1_STEPS_FRAMES)
        announce_frame(r, step);
    s1_render_template(r, mark->form->before);
    s1_render_template(r, mark->form->placeholder);
    s1_render_template(r, mark->form->behind);
}

void s1_render_content(s1_rendering *r, const s1_turn *turn, ins1_text text)
{
    const char *at = text.text, *end = text.text + text.size;

    for (size_t i = 0; i < turn->n_marks; i++) {
        const s1_mark *mark = &turn->marks[i];
        if (mark->at < at || mark->at >= end)
            continue;
        add(r, at, (size_t)(mark->at - at), 0);
        for (size_t step = 0; r->expands && step < mark->n_steps && !r->is_out_of_memory; step++)
            render_step(r, mark, step);
        if (!r->expands)
            s1_render_template(r, mark->form->text);
        at = mark->at + strlen(mark->form->text);
    }
    add(r, at, (size_t)(end - at), 0);
}

void s1_rendering_end(s1_rendering *r)
{
    const char *at = r->text;
    for (size_t i = 0; i < r->n_segments; at += r->segments[i++].size)
        r->segments[i].text = at;
}

void s1_rendering_finish(s1_rendering *r)
{
    s1_scratch_free(r->memory, r->text, r->capacity, 1, INS1_MEM_OBJECT);
    s1_scratch_free(r->memory, r->segments, r->segments_capacity, sizeof(*r->segments),
                    INS1_MEM_OBJECT);
    s1_scratch_free(r->memory, r->slots, r->slots_capacity, sizeof(*r->slots), INS1_MEM_OBJECT);
}
