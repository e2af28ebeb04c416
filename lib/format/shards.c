/* The headers of safetensors files, entered into one table. */

#include "format/checkpoint_private.h"

#include "base/memory.h"
#include "format/sort.h"

#include <inttypes.h>
#include <string.h>

/* The header of a shard alone, into memory of its own. */
static ins1_status read_header(s1_checkpoint *c, s1_shard *s, const s1_call *call)
{
    uint8_t prefix[S1_SAFETENSORS_PREFIX];
    uint64_t size;
    size_t header_size;

    ins1_status status = s1_files_size(c->files, s->name, &size, call);
    if (status != INS1_OK)
        return status;
    memset(prefix, 0, sizeof(prefix));
    status = s1_files_read(c->files, s->name, 0, prefix,
                           size < sizeof(prefix) ? (size_t)size : sizeof(prefix), call);
    if (status != INS1_OK)
        return status;
    status = s1_safetensors_header_size(prefix, size, &header_size, call->error);
    if (status != INS1_OK)
        return status;
    s->file.data_size = size - S1_SAFETENSORS_PREFIX - header_size;
    s->file.header = "";
    if (!header_size)
        return INS1_OK;

    char *header = s1_alloc(&c->memory, header_size, INS1_MEM_OBJECT);
    if (!header)
        return s1_checkpoint_no_memory(c, header_size, call->error);
    s->file.header = header;
    s->file.header_size = s->owned_size = header_size;
    return s1_files_read(c->files, s->name, S1_SAFETENSORS_PREFIX, header, header_size, call);
}

ins1_status s1_shard_open(s1_checkpoint *c, const char *name, const s1_call *call)
{
    s1_shard *s = &c->shards[c->n_shards++];
    s1_bytes bytes;
    ins1_status status;

    s->name = name;
    s->skew = s1_files_skew(c->files, name, S1_COPY_HEADER);
    if (c->headers_only) {
        status = read_header(c, s, call);
    } else {
        status = s1_files_get(c->files, name, &bytes, call);
        if (status == INS1_OK)
            status = s1_safetensors_frame(&s->file, bytes.data, bytes.size, call->error);
    }
    if (status == INS1_OK)
        status = s1_safetensors_parse(&s->header, &s->file, call->error);
    return status == INS1_E_FORMAT ? s1_files_blame(name, status, call->error) : status;
}

static int by_begin(const void *a, const void *b)
{
    const s1_entry *const *x = a, *const *y = b;
    return (*x)->begin < (*y)->begin ? -1 : (*x)->begin > (*y)->begin;
}

static ins1_status refuse_overlap(const s1_entry *a, const s1_entry *b, ins1_error *error)
{
    return s1_fail(error, INS1_E_FORMAT, "tensors '%.*s' and '%.*s' overlap",
                   (int)(a->name_size < 80 ? a->name_size : 80), a->name,
                   (int)(b->name_size < 80 ? b->name_size : 80), b->name);
}

/* No two of a shard's tensors share a byte. Files are written in order, so this rarely sorts. */
static ins1_status check_overlap(s1_checkpoint *c, const s1_entry *entries, size_t n,
                                 ins1_error *error)
{
    const s1_entry *last = NULL;
    size_t n_filled = 0;
    bool is_sorted = true;
    ins1_status status = INS1_OK;

    for (size_t i = 0; i < n; i++) {
        if (entries[i].begin == entries[i].end)
            continue;
        is_sorted = is_sorted && (!last || last->end <= entries[i].begin);
        last = &entries[i];
        n_filled++;
    }
    if (is_sorted)
        return INS1_OK;

    const s1_entry **order = s1_alloc_array(&c->memory, n_filled, sizeof(*order), INS1_MEM_OBJECT);
    if (!order)
        return s1_checkpoint_no_memory(c, n_filled * sizeof(*order), error);
    for (size_t i = 0, to = 0; i < n; i++)
        if (entries[i].begin != entries[i].end)
            order[to++] = &entries[i];
    s1_sort(order, n_filled, sizeof(*order), by_begin);
    for (size_t i = 1; i < n_filled && status == INS1_OK; i++)
        if (order[i - 1]->end > order[i]->begin)
            status = refuse_overlap(order[i - 1], order[i], error);
    s1_free(&c->memory, order, n_filled * sizeof(*order), INS1_MEM_OBJECT);
    return status;
}

static ins1_status add_entry(s1_checkpoint *c, uint32_t at_shard, s1_json key, s1_json value,
                             ins1_error *error)
{
    const s1_shard *s = &c->shards[at_shard];
    s1_entry *e = &c->entries[c->n_entries];
    uint32_t at = (uint32_t)c->n_entries;
    s1_tensor_claim claim;

    *e = (s1_entry){
        .name = key.text + 1,
        .name_size = (uint32_t)(key.size - 2),
        .value = value.text,
        .value_size = (uint32_t)value.size,
        .shard = at_shard,
    };
    int shown = (int)(e->name_size < 100 ? e->name_size : 100);
    ins1_status status = s1_safetensors_claim(&claim, value, error);
    if (status == INS1_OK)
        status = s1_safetensors_check(&s->file, &claim, error);
    if (status != INS1_OK) {
        char name[101];
        memcpy(name, e->name, (size_t)shown);
        name[shown] = 0;
        return s1_files_blame(name, status, error);
    }
    if (!s1_names_add(&c->names, e->name, e->name_size, &at))
        return s1_fail(error, INS1_E_FORMAT, "tensor '%.*s' is already in '%s'", shown, e->name,
                       c->shards[c->entries[at].shard].name);
    e->begin = claim.begin;
    e->end = claim.end;
    c->size += claim.end - claim.begin;
    c->n_entries++;
    return INS1_OK;
}

static ins1_status add_shard(s1_checkpoint *c, uint32_t at, const s1_call *call)
{
    const size_t first = c->n_entries;
    s1_json key, value;
    ins1_status status = s1_call_check(call);

    s1_json_walk walk = s1_json_begin(c->shards[at].header);
    while (status == INS1_OK && s1_json_next(&walk, &key, &value)) {
        if (!s1_safetensors_is_metadata(key))
            status = add_entry(c, at, key, value, call->error);
        else if (value.kind != S1_JSON_OBJECT)
            status = s1_fail(call->error, INS1_E_FORMAT, "__metadata__ is not an object");
    }
    if (status == INS1_OK)
        status = check_overlap(c, c->entries + first, c->n_entries - first, call->error);
    return status == INS1_E_FORMAT ? s1_files_blame(c->shards[at].name, status, call->error)
                                   : status;
}

ins1_status s1_shards_add(s1_checkpoint *c, const s1_call *call)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_shards; i++)
        n += s1_json_count(c->shards[i].header);
    if (n >= UINT32_MAX)
        return s1_fail(call->error, INS1_E_FORMAT, "%zu tensors are too many", n);
    if (!s1_names_init(&c->names, &c->memory, n))
        return s1_checkpoint_no_memory(c, n, call->error);
    if (!n)
        return INS1_OK;
    c->entries = s1_alloc_array(&c->memory, n, sizeof(*c->entries), INS1_MEM_OBJECT);
    if (!c->entries)
        return s1_checkpoint_no_memory(c, n * sizeof(*c->entries), call->error);
    c->max_entries = n;
    for (uint32_t i = 0; i < c->n_shards; i++) {
        ins1_status status = add_shard(c, i, call);
        if (status != INS1_OK)
            return status;
    }
    return INS1_OK;
}
