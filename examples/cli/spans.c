#include "spans.h"

#include "npy.h"
#include "text.h"

#include <stdlib.h>

static bool is_among(const int32_t *ids, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* The rows of all files behind each other; `*dim` is their width. */
static ins1_status read_rows(const json *files, buffer *rows, size_t *n, size_t *dim,
                             ins1_error *error)
{
    *n = *dim = 0;
    if (files->kind != JSON_ARRAY)
        return fail(error, INS1_E_FORMAT, "\"embeds\" is expected to be an array of file names");
    for (size_t i = 0; i < files->n; i++) {
        const json *file = &files->items[i];
        size_t shape[NPY_MAX_DIM], n_dim;
        float *values;
        if (file->kind != JSON_STRING)
            return fail(error, INS1_E_FORMAT,
                        "\"embeds\" is expected to be an array of file names");
        ins1_status status = npy_read_f32(&values, shape, &n_dim, file->text, error);
        if (status == INS1_OK && (n_dim != 2 || (*n && shape[1] != *dim)))
            status = fail(error, INS1_E_ARGUMENT, "%s is not [rows][%zu]", file->text, *dim);
        if (status == INS1_OK) {
            text_add(rows, values, shape[0] * shape[1] * sizeof(*values));
            *n += shape[0];
            *dim = shape[1];
        }
        free(values);
        if (status != INS1_OK)
            return status;
    }
    return INS1_OK;
}

static ins1_status read_embeds(prompt *p, ins1_runtime *runtime, const json *files,
                               const int32_t *placeholders, size_t n_placeholders,
                               const ins1_call *call)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    buffer rows = { 0 };
    size_t n, wanted = 0;

    for (size_t i = 0; i < p->n_tokens; i++) {
        p->is_row[i] = is_among(placeholders, n_placeholders, p->ids[i]);
        wanted += p->is_row[i];
    }
    ins1_status status = read_rows(files, &rows, &n, &info.dim, call->error);
    if (status == INS1_OK && n != wanted)
        status = fail(call->error, INS1_E_ARGUMENT, "%zu rows of embeddings for %zu placeholders",
                      n, wanted);
    if (status == INS1_OK && n) {
        info.dtype = INS1_DTYPE_F32;
        info.modality = INS1_MODALITY_IMAGE;
        info.n_tokens = n;
        status =
            ins1_embeds_from_f32(&p->embeds, runtime, &info, (const float *)(void *)rows.at, call);
    }
    text_free(&rows);
    return status;
}

ins1_status prompt_read(prompt *out, ins1_runtime *runtime, const json *ids, const json *embeds,
                        const int32_t *placeholders, size_t n_placeholders, const ins1_call *call)
{
    *out = (prompt){ 0 };
    ins1_status status = json_ids(ids, &out->ids, &out->n_tokens, call->error);
    if (status != INS1_OK)
        return status;
    out->is_row = allocate(out->n_tokens, sizeof(*out->is_row));
    if (embeds)
        status = read_embeds(out, runtime, embeds, placeholders, n_placeholders, call);
    return status;
}

void prompt_free(prompt *p)
{
    ins1_embeds_release(p->embeds);
    free(p->is_row);
    free(p->ids);
}

const ins1_span *prompt_piece(const prompt *p, size_t first, size_t count, piece *out,
                              size_t *n_spans)
{
    size_t row = 0;
    for (size_t i = 0; i < first; i++)
        row += p->is_row[i];

    out->spans = allocate(count, sizeof(*out->spans));
    *n_spans = 0;
    for (size_t i = first, end; i < first + count; i = end) {
        ins1_span *span = &out->spans[(*n_spans)++];
        *span = (ins1_span)INS1_INIT(ins1_span);
        for (end = i + 1; end < first + count && p->is_row[end] == p->is_row[i]; end++)
            ;
        if (p->is_row[i]) {
            span->embeds = p->embeds;
            span->first = row;
            span->count = end - i;
            row += end - i;
        } else {
            span->ids = p->ids + i;
            span->n_ids = end - i;
        }
    }
    return out->spans;
}

void piece_free(piece *p)
{
    free(p->spans);
    p->spans = NULL;
}
