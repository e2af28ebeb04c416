#include "format/checkpoint_private.h"

#include "base/memory.h"
#include "base/meter.h"

#include <inttypes.h>
#include <string.h>

#define SINGLE_NAME "model.safetensors"
#define SUFFIX      ".safetensors"

void s1_checkpoint_close(s1_checkpoint *c)
{
    if (!c)
        return;
    ins1_allocator memory = c->memory;
    while (c->copies) {
        s1_copy *next = c->copies->next;
        s1_free(&memory, c->copies, c->copies->size, INS1_MEM_WEIGHTS);
        c->copies = next;
    }
    for (size_t i = 0; i < c->n_shards; i++)
        if (c->shards[i].owned_size)
            s1_free(&memory, (void *)(uintptr_t)c->shards[i].file.header, c->shards[i].owned_size,
                    INS1_MEM_OBJECT);
    s1_names_finish(&c->names, &memory);
    s1_free(&memory, c->shards, c->max_shards * sizeof(*c->shards), INS1_MEM_OBJECT);
    s1_free(&memory, c->entries, c->max_entries * sizeof(*c->entries), INS1_MEM_OBJECT);
    s1_free(&memory, c, sizeof(*c), INS1_MEM_OBJECT);
}

ins1_status s1_checkpoint_no_memory(const s1_checkpoint *c, uint64_t size, ins1_error *error)
{
    return s1_out_of_memory(&c->memory, size, "the table of tensors", error);
}

bool s1_is_safetensors(const char *name)
{
    size_t size = strlen(name), tail = sizeof(SUFFIX) - 1;
    return size > tail && !strcmp(name + size - tail, SUFFIX);
}

bool s1_checkpoint_is_there(const s1_files *files)
{
    const char *name;
    if (s1_files_has(files, S1_INDEX_NAME))
        return true;
    for (size_t i = 0; (name = s1_files_name(files, i)); i++)
        if (s1_is_safetensors(name))
            return true;
    return false;
}

static size_t count_files(const s1_files *files)
{
    size_t n = 0;
    while (s1_files_name(files, n))
        n++;
    return n;
}

static ins1_status open_unnamed(s1_checkpoint *c, const s1_call *call)
{
    const char *name;

    if (s1_files_has(c->files, SINGLE_NAME))
        return s1_shard_open(c, SINGLE_NAME, call);
    for (size_t i = 0; (name = s1_files_name(c->files, i)); i++) {
        if (!s1_is_safetensors(name))
            continue;
        ins1_status status = s1_shard_open(c, name, call);
        if (status != INS1_OK)
            return status;
    }
    return INS1_OK;
}

ins1_status s1_checkpoint_open(s1_checkpoint **out, const ins1_allocator *memory, s1_files *files,
                               bool headers_only, const s1_call *call)
{
    const size_t n_files = count_files(files);
    ins1_status status;

    *out = NULL;
    s1_checkpoint *c = s1_alloc(memory, sizeof(*c), INS1_MEM_OBJECT);
    if (!c) {
        status = s1_out_of_memory(memory, sizeof(*c), "the table of tensors", call->error);
        goto done;
    }
    c->memory = *memory;
    c->files = files;
    c->headers_only = headers_only;
    if (n_files) {
        c->shards = s1_alloc_array(memory, n_files, sizeof(*c->shards), INS1_MEM_OBJECT);
        if (!c->shards) {
            status = s1_checkpoint_no_memory(c, n_files * sizeof(*c->shards), call->error);
            goto done;
        }
        c->max_shards = n_files;
    }
    if (s1_files_has(files, S1_INDEX_NAME) && !s1_files_has(files, SINGLE_NAME)) {
        status = s1_index_open(c, n_files, call);
    } else {
        status = open_unnamed(c, call);
        if (status == INS1_OK)
            status = s1_shards_add(c, call);
    }
    if (status != INS1_OK)
        goto done;
    *out = c;
    c = NULL;

done:
    s1_checkpoint_close(c);
    return status;
}

size_t s1_checkpoint_count(const s1_checkpoint *c)
{
    return c->n_entries;
}

uint64_t s1_checkpoint_size(const s1_checkpoint *c)
{
    return c->size;
}

uint64_t s1_checkpoint_file_size(const s1_checkpoint *c)
{
    uint64_t size = 0;
    for (size_t i = 0; i < c->n_shards; i++)
        size += S1_SAFETENSORS_PREFIX + c->shards[i].file.header_size + c->shards[i].file.data_size;
    return size;
}

uint64_t s1_checkpoint_memory(const s1_checkpoint *c)
{
    return sizeof(*c) + c->max_shards * sizeof(*c->shards) + c->max_entries * sizeof(*c->entries) +
           s1_names_memory(&c->names);
}

uint64_t s1_checkpoint_copied(const s1_checkpoint *c)
{
    return c->copied;
}

bool s1_checkpoint_has(const s1_checkpoint *c, const char *name)
{
    uint32_t at;
    return s1_names_find(&c->names, name, strlen(name), &at);
}

/* A copy of a tensor whose elements lie across their natural borders. */
static ins1_status make_copy(s1_checkpoint *c, s1_entry *e, const uint8_t *from, size_t size,
                             ins1_error *error)
{
    c->copied += size;
    if (c->headers_only)
        return INS1_OK;
    uint8_t *memory = s1_alloc(&c->memory, S1_COPY_HEADER + size, INS1_MEM_WEIGHTS);
    if (!memory)
        return s1_out_of_memory(&c->memory, size, "an aligned copy of a tensor", error);
    s1_copy *made = (s1_copy *)(void *)memory;
    *made = (s1_copy){ c->copies, S1_COPY_HEADER + size };
    c->copies = made;
    e->copy = memcpy(memory + S1_COPY_HEADER, from, size);
    return INS1_OK;
}

ins1_status s1_checkpoint_get(s1_checkpoint *c, const char *name, s1_tensor *out, ins1_error *error)
{
    s1_tensor_claim claim;
    uint32_t at;

    *out = (s1_tensor){ 0 };
    if (!s1_names_find(&c->names, name, strlen(name), &at))
        return INS1_OK;
    s1_entry *e = &c->entries[at];
    const s1_shard *s = &c->shards[e->shard];
    const s1_json value = { S1_JSON_OBJECT, e->value, e->value_size };
    ins1_status status = s1_safetensors_claim(&claim, value, error);
    if (status != INS1_OK)
        return status;
    if (!claim.dtype)
        return s1_fail(error, INS1_E_UNSUPPORTED, "the type of tensor '%s' is not supported", name);
    if (claim.rank > S1_MAX_RANK)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "tensor '%s' has %" PRIu32 " axes, at most %d fit", name, claim.rank,
                       S1_MAX_RANK);

    const uint8_t *data = s->file.data ? s->file.data + claim.begin : NULL;
    size_t place = s->skew + S1_SAFETENSORS_PREFIX + s->file.header_size + (size_t)claim.begin;
    if (place % claim.item_size && !e->is_used) {
        status = make_copy(c, e, data, (size_t)(claim.end - claim.begin), error);
        if (status != INS1_OK)
            return status;
    }
    e->is_used = true;
    *out = s1_tensor_dense(claim.dtype, (int32_t)claim.rank, claim.shape, e->copy ? e->copy : data);
    return INS1_OK;
}

const char *s1_checkpoint_name(const s1_checkpoint *c, size_t at, size_t *size, bool *is_used)
{
    const s1_entry *e = &c->entries[at];
    *size = e->name_size;
    *is_used = e->is_used;
    return e->name;
}
