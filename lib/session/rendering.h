#ifndef S1_SESSION_RENDERING_H
#define S1_SESSION_RENDERING_H

#include "base/json.h"
#include "interns1/chat.h"
#include "interns1/runtime.h"

#include <stdbool.h>

/* How a dialect writes an image, a video or a time series. */
typedef struct s1_medium_form {
    const char *label; /* stands before it with its number; NULL: nothing does */
    const char *text;  /* as the template writes it */
    /* As the model reads it: every step in time is these three, the placeholder once a row. */
    const char *before, *placeholder, *behind;
    enum { S1_STEPS_ONE, S1_STEPS_SECONDS, S1_STEPS_FRAMES } steps; /* what announces a step */
} s1_medium_form;

/* A medium in the text of a message. */
typedef struct s1_mark {
    const char *at; /* where form->text stands in the message */
    const s1_medium_form *form;
    ins1_embeds *embeds; /* borrowed; NULL: only to render */
    size_t n_steps, n_rows;
    const double *times; /* [n_steps] of S1_STEPS_SECONDS */
} s1_mark;

/* One placeholder in an expanded text, and the rows it stands for. */
typedef struct s1_slot {
    const s1_mark *mark;
    size_t first, count;
} s1_slot;

/* The text of a prompt, and which stretches of it the template wrote: only those may act as special
 * tokens. */
typedef struct s1_rendering {
    const ins1_allocator *memory;
    char *text;
    size_t size, capacity;
    ins1_segment *segments; /* their text is set by s1_rendering_end */
    size_t n_segments, segments_capacity;
    bool expands; /* media are written as the model reads them, with a slot each step */
    s1_slot *slots;
    size_t n_slots, slots_capacity;
    bool is_out_of_memory;
    bool has_lone_surrogate; /* in JSON; what was rendered is incomplete */
} s1_rendering;

/* A message after every claim in it was checked. `content` is the text of its parts. */
typedef struct s1_turn {
    const char *role;
    ins1_text content;
    ins1_text reasoning; /* text NULL: none was given */
    s1_json calls;       /* an array with at least one call, or NONE */
    const s1_mark *marks;
    size_t n_marks;
} s1_turn;

typedef struct s1_conversation {
    const s1_turn *turns;
    size_t n;
    s1_json tools;  /* an array with at least one tool, or NONE */
    bool thinks;    /* reasoning is wanted */
    bool generates; /* the prompt ends where the assistant begins */
} s1_conversation;

void s1_render_template(s1_rendering *r, const char *text);
void s1_render_untrusted(s1_rendering *r, ins1_text text);

/* A stretch of a turn's content, with the media in it. */
void s1_render_content(s1_rendering *r, const s1_turn *turn, ins1_text text);

/* Point the segments to the finished text. */
void s1_rendering_end(s1_rendering *r);
void s1_rendering_finish(s1_rendering *r);

/* --- render_json.c: checked JSON as Python's json.dumps writes it, non-ASCII as it is --- */

/* Of members of the same name all are printed. `indent` 0: on one line. */
void s1_render_json(s1_rendering *r, s1_json value, size_t indent);

/* What a string says. */
void s1_render_json_string(s1_rendering *r, s1_json string);

/* --- dialects.c --- */

/* What a tool call holds: its "function" where it has one, else itself. */
s1_json s1_call_function(s1_json call);

typedef struct s1_dialect {
    const char *name;
    const char *glue; /* stands between the parts of a message */
    void (*render)(s1_rendering *r, const s1_conversation *c);
    bool opens_reasoning;        /* the generation prompt does, when reasoning is wanted */
    const s1_medium_form *media; /* image, video, series; NULL: none of them */
    /* The label of a medium in the first system message says 0, though it counts. */
    bool system_media_are_zero;
} s1_dialect;

/* NULL when there is none of that name. */
const s1_dialect *s1_dialect_find(const char *name);

#endif
