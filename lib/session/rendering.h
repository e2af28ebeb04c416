#ifndef S1_SESSION_RENDERING_H
#define S1_SESSION_RENDERING_H

#include "interns1/chat.h"
#include "interns1/runtime.h"

#include <stdbool.h>

/* The text of a prompt, and which stretches of it the template wrote: only those may act as special
 * tokens. */
typedef struct s1_rendering {
    const ins1_allocator *memory;
    char *text;
    size_t size, capacity;
    ins1_segment *segments; /* their text is set by s1_rendering_end */
    size_t n_segments, segments_capacity;
    bool is_out_of_memory;
} s1_rendering;

/* A message after every claim in it was checked. `content` is the text of its parts. */
typedef struct s1_turn {
    const char *role;
    ins1_text content;
    ins1_text reasoning; /* text NULL: none was given */
} s1_turn;

typedef struct s1_conversation {
    const s1_turn *turns;
    size_t n;
    bool thinks;    /* reasoning is wanted */
    bool generates; /* the prompt ends where the assistant begins */
} s1_conversation;

void s1_render_template(s1_rendering *r, const char *text);
void s1_render_untrusted(s1_rendering *r, ins1_text text);

/* Point the segments to the finished text. */
void s1_rendering_end(s1_rendering *r);
void s1_rendering_finish(s1_rendering *r);

/* --- dialects.c --- */

typedef struct s1_dialect {
    const char *name;
    const char *glue; /* stands between the parts of a message */
    void (*render)(s1_rendering *r, const s1_conversation *c);
    bool opens_reasoning; /* the generation prompt does, when reasoning is wanted */
} s1_dialect;

/* NULL when there is none of that name. */
const s1_dialect *s1_dialect_find(const char *name);

#endif
