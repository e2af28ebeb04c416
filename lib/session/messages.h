#ifndef S1_SESSION_MESSAGES_H
#define S1_SESSION_MESSAGES_H

#include "session/rendering.h"

/* The messages of a caller after every claim in them was checked. Zero but for memory and dialect
 * before s1_messages_read; finished by s1_messages_finish whatever that said. */
typedef struct s1_messages {
    const ins1_allocator *memory;
    const s1_dialect *dialect;
    s1_turn *turns;
    size_t n;
    s1_mark *marks; /* of all turns */
    size_t n_marks, max_marks;
    char *joined; /* owned: the texts of messages with several parts or with media */
    size_t joined_size, n_joined;
    size_t counts[3]; /* media so far, by kind */
} s1_messages;

ins1_status s1_messages_read(s1_messages *m, const ins1_message *messages, size_t n,
                             ins1_error *error);

/* A JSON array; NONE when there is no text, or nothing in the array. `what` names it. */
ins1_status s1_messages_read_array(s1_json *out, ins1_text text, const char *what,
                                   ins1_error *error);
void s1_messages_finish(s1_messages *m);

#endif
