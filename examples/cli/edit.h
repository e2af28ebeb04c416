#ifndef CLI_EDIT_H
#define CLI_EDIT_H

#include "text.h"

#include <stdbool.h>

/* Editing of a line on a terminal, with the lines before it to go back to. */
typedef struct editor {
    char **history;
    size_t n_history;
} editor;

/* One line without its end; false at the end of the input. The line is ours to free. */
bool edit_line(editor *e, const char *prompt, buffer *line);
void edit_end(editor *e);

#endif
