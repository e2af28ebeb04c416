#include "session/rendering.h"

#include "base/memory.h"
#include "tokenizer/scratch.h"

#include <string.h>

static void add(s1_rendering *r, const char *text, size_t size, uint32_t flags)
{
    void *to = r->text, *segments = r->segments;
    if (!size || r->is_out_of_memory)
        return;
    if (size > SIZE_MAX - r->size ||
        !s1_scratch_grow(r->memory, &to, &r->capacity, r->size + size, 1, INS1_MEM_OBJECT)) {
        r->is_out_of_memory = true;
        return;
    }
    r->text = to;
    if (!s1_scratch_grow(r->memory, &segments, &r->segments_capacity, r->n_segments + 1,
                         sizeof(*r->segments), INS1_MEM_OBJECT)) {
        r->is_out_of_memory = true;
        return;
    }
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
}
