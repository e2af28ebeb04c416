#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "json.h"
#include "text.h"

#include <interns1/status.h>

/* JSON lines in, JSON lines out. */

/* Answers one line: its result goes to `out`. */
typedef ins1_status answer_fn(void *user, const json *line, buffer *out, ins1_error *error);

/* Answer stdin line by line. Gives the exit status: 1 when a line failed. */
int lines_answer(answer_fn *answer, void *user);

/* For commands that must know all lines before the first answer. Lines that cannot be parsed have
 * the reason in `error`. */
typedef struct input {
    char *source;
    json value;
    ins1_error error; /* status INS1_OK: none */
} input;
typedef struct inputs {
    input *at;
    size_t n;
} inputs;
void lines_read(inputs *out);
void lines_free(inputs *all);

/* One line of output: `out`, or the failure when `error` (may be NULL) is one. Gives its exit
 * status. */
int line_print(const buffer *out, const ins1_error *error);

#endif
