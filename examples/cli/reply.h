#ifndef CLI_REPLY_H
#define CLI_REPLY_H

#include "text.h"

#include <interns1/chat.h>

#include <stdbool.h>

/* A reply put together from its events. */
typedef struct reply {
    buffer reasoning, content;
    buffer calls;     /* the items of a JSON array */
    buffer arguments; /* of the call that is open */
    size_t n_events;  /* but END */
} reply;

void reply_add(reply *r, const ins1_event *event);

/* All events that a parser has ready. */
ins1_status reply_take(reply *r, ins1_reply_parser *parser, const ins1_call *call);

/* The members "reasoning", "content" and "tool_calls" of a JSON object; with `is_stripped` without
 * outer white space. */
void reply_print(const reply *r, bool is_stripped, buffer *out);
void reply_free(reply *r);

#endif
