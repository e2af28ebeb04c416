#ifndef S1_SESSION_REPLY_H
#define S1_SESSION_REPLY_H

#include "base/error.h"
#include "interns1/chat.h"
#include "interns1/runtime.h"

#include <stdbool.h>

/* The reply parser: text goes in piece by piece, events come out. Text and reasoning wait for no
 * more than what could still become a tag; a tool call is held until it is closed, because only
 * then is it known to be one. What claims to be a call and is none is text.
 *
 *     reply := [ reasoning "</think>" ] ( text | "<think>" reasoning "</think>" | call )*
 *     call  := "<|action_start|>" space "<|plugin|>" json "<|action_end|>"
 *            | "<tool_call>" json "</tool_call>"
 *
 * A call inside reasoning ends it. One newline at either end of reasoning, and newlines behind
 * reasoning and calls, belong to the template and are dropped. */

/* Which forms of calls there are. */
enum { S1_CALL_ACTION = 1u, S1_CALL_TAG = 2u };

typedef struct s1_reply_event {
    int32_t kind; /* INS1_EVENT_*, NONE when more text is needed, END only when finished */
    int32_t tool_index;
    const char *text; /* valid until the next push */
    size_t size;
    uint64_t end; /* bytes of the whole reply up to the end of what this event speaks of */
} s1_reply_event;

typedef struct s1_reply {
    const ins1_allocator *memory;
    uint32_t flags; /* INS1_REPLY_* */
    uint32_t calls; /* S1_CALL_* */
    int32_t mode;

    char *data; /* what was pushed; [begin, end) waits */
    size_t begin, end, capacity;
    uint64_t position; /* of data[begin] in the whole reply */
    uint8_t cut[4];    /* the beginning of a character whose rest was not pushed yet */
    size_t n_cut;
    bool is_finished;

    bool skips_newlines; /* TEXT: behind reasoning or a call */
    bool is_beginning;   /* REASONING: nothing of it was seen */

    uint32_t form;    /* of the call that is open, S1_CALL_* */
    size_t open_size; /* bytes of its opening tag, which still stands at data[begin] */
    size_t scanned;   /* bytes of it that hold no closing tag */
    int32_t n_calls;
    int32_t next_event; /* of a finished call: INS1_EVENT_TOOL_*, 0 when there is none */
    size_t payload_end, call_end;
    char *name; /* and a repaired payload behind it */
    size_t name_size, name_capacity;
    const char *arguments;
    size_t arguments_size;
} s1_reply;

/* `flags` are INS1_REPLY_*; `dialect` as in ins1_reply_options. */
ins1_status s1_reply_init(s1_reply *reply, const ins1_allocator *memory, uint32_t flags,
                          const char *dialect, ins1_error *error);
void s1_reply_finish(s1_reply *reply);

/* Nothing was taken in on failure. */
ins1_status s1_reply_push(s1_reply *reply, const char *text, size_t size, ins1_error *error);

/* There will be no more text. */
ins1_status s1_reply_close(s1_reply *reply, ins1_error *error);

ins1_status s1_reply_next(s1_reply *reply, s1_reply_event *event, ins1_error *error);

/* --- reply_call.c --- */

/* Read the payload of a call into `name` and `arguments`; `*is_call` says whether it is one. */
ins1_status s1_reply_read_call(s1_reply *reply, const char *payload, size_t size, bool *is_call,
                               ins1_error *error);

#endif
