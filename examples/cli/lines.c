#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_empty(const char *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (at[i] != ' ' && at[i] != '\t' && at[i] != '\r' && at[i] != '\n')
            return false;
    return true;
}

/* The next line that is not empty, parsed; false at the end. */
static bool read_line(input *out)
{
    size_t capacity = 0;
    ssize_t size;
    *out = (input){ .error = INS1_INIT(ins1_error) };
    do {
        size = getline(&out->source, &capacity, stdin);
    } while (size >= 0 && is_empty(out->source, (size_t)size));
    if (size < 0) {
        free(out->source);
        out->source = NULL;
        return false;
    }
    out->error.status = json_parse(&out->value, out->source, (size_t)size, &out->error);
    return true;
}

static void line_free(input *one)
{
    json_free(&one->value);
    free(one->source);
}

int line_print(const buffer *out, const ins1_error *error)
{
    if (!error || error->status == INS1_OK) {
        fwrite(out->at, 1, out->size, stdout);
    } else {
        buffer told = { 0 };
        text_puts(&told, "{\"error\": ");
        text_json(&told, error->text, strlen(error->text));
        text_printf(&told, ", \"status\": \"%s\"}", ins1_status_name(error->status));
        fwrite(told.at, 1, told.size, stdout);
        text_free(&told);
    }
    putchar('\n');
    fflush(stdout);
    return error && error->status != INS1_OK;
}

int lines_answer(answer_fn *answer, void *user)
{
    int exit_status = 0;
    input one;
    while (read_line(&one)) {
        buffer out = { 0 };
        if (one.error.status == INS1_OK)
            one.error.status = answer(user, &one.value, &out, &one.error);
        exit_status |= line_print(&out, &one.error);
        text_free(&out);
        line_free(&one);
    }
    return exit_status;
}

void lines_read(inputs *out)
{
    input one;
    *out = (inputs){ 0 };
    while (read_line(&one)) {
        if (!(out->n & (out->n - 1)))
            out->at = reallocate(out->at, out->n ? 2 * out->n : 1, sizeof(one));
        out->at[out->n++] = one;
    }
}

void lines_free(inputs *all)
{
    for (size_t i = 0; i < all->n; i++)
        line_free(&all->at[i]);
    free(all->at);
}
