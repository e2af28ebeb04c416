#include "format/checkpoint.h"

#include "base/memory.h"
#include "base/meter.h"
#include "format/names.h"
#include "format/sort.h"

#include <inttypes.h>
#include <string.h>

#define INDEX_NAME  "model.safetensors.index.json"
#define SINGLE_NAME "model.safetensors"
#define SUFFIX      ".safetensors"

enum { COPY_HEADER = 64, MAX_FILE_NAME = 256 };

/* A tensor as its header describes it; the text is read again when the tensor is asked for. */
typedef struct entry {
    const char *name, *value;
    const void *copy; /* of misaligned data */
    uint64_t begin, end;
    uint32_t name_size, value_size;
    uint32_t shard;
    bool is_used;
} entry;

typedef struct shard {
    const char *name; /* the set's */
    s1_safetensors file;
    s1_json header;
    size_t skew;       /* address of the file modulo COPY_HEADER */
    size_t owned_size; /* of the header where it was read alone, else 0 */
} shard;

/* Stands in front of the bytes of a copy, in COPY_HEADER bytes. */
typedef struct copy {
    struct copy *next;
    size_t size; /* both together */
} copy;

struct s1_checkpoint {
    ins1_allocator memory;
    s1_files *files;
    bool headers_only;
    shard *shards;
    size_t n_shards, max_shards;
    entry *entries;
    size_t n_entries, max_entries;
    s1_names names;
    uint64_t size, copied;
    copy *copies;
};

void s1_checkpoint_close(s1_checkpoint *c)
{
    if (!c)
        return;
    ins1_allocator memory = c->memory;
    while (c->copies) {
        copy *next = c->copies->next;
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

static ins1_status no_memory(const s1_checkpoint *c, uint64_t size, ins1_error *error)
{
    return s1_out_of_memory(&c->memory, size, "the table of tensors", error);
}

static bool is_safetensors(const char *name)
{
    size_t size = strlen(name), tail = sizeof(SUFFIX) - 1;
    return size > tail && !strcmp(name + size - tail, SUFFIX);
}

bool s1_checkpoint_is_there(const s1_files *files)
{
    const char *name;
    if (s1_files_has(files, INDEX_NAME))
        return true;
    for (size_t i = 0; (name = s1_files_name(files, i)); i++)
        if (is_safetensors(name))
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

/* The header of a shard alone, into memory of its own. */
static ins1_status read_header(s1_checkpoint *c, shard *s, const s1_call *call)
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
        return no_memory(c, header_size, call->error);
    s->file.header = header;
    s->file.header_size = s->owned_size = header_size;
    return s1_files_read(c->files, s->name, S1_SAFETENSORS_PREFIX, header, header_size, call);
}

static ins1_status open_shard(s1_checkpoint *c, const char *name, const s1_call *call)
{
    shard *s = &c->shards[c->n_shards++];
    s1_bytes bytes;
    ins1_status status;

    s->name = name;
    s->skew = s1_files_skew(c->files, name, COPY_HEADER);
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

/* The plain text of a member of the index, or false. */
static bool file_name(s1_json value, char out[MAX_FILE_NAME])
{
    size_t size;
    if (!s1_json_string(value, out, MAX_FILE_NAME - 1, &size) || size >= MAX_FILE_NAME ||
        memchr(out, 0, size))
        return false;
    out[size] = 0;
    return true;
}

static ins1_status read_index(s1_checkpoint *c, s1_json *map, const s1_call *call)
{
    s1_bytes bytes;
    s1_json whole;

    ins1_status status = s1_files_get(c->files, INDEX_NAME, &bytes, call);
    if (status != INS1_OK)
        return status;
    status = s1_json_parse(&whole, (const char *)bytes.data, bytes.size, call->error);
    if (status != INS1_OK)
        return s1_files_blame(INDEX_NAME, status, call->error);
    *map = s1_json_get(whole, "weight_map");
    if (map->kind != S1_JSON_OBJECT)
        return s1_fail(call->error, INS1_E_FORMAT, "%s has no object weight_map", INDEX_NAME);
    return INS1_OK;
}

/* Open every file that the index names, once: `shard_of` has an entry, shard + 1, for each of the
 * set. */
static ins1_status open_named(s1_checkpoint *c, s1_json map, uint32_t *shard_of, size_t n_files,
                              const s1_call *call)
{
    char name[MAX_FILE_NAME];
    s1_json key, value;
    size_t at, n = 0;

    s1_json_walk walk = s1_json_begin(map);
    while (s1_json_next(&walk, &key, &value)) {
        if (!file_name(value, name) || !is_safetensors(name))
            return s1_fail(call->error, INS1_E_FORMAT, "%s: %.*s is no name of a safetensors file",
                           INDEX_NAME, (int)(value.size < 100 ? value.size : 100), value.text);
        if (!s1_files_find(c->files, name, &at))
            return s1_fail(call->error, INS1_E_IO, "there is no file '%s', which %s names", name,
                           INDEX_NAME);
        n += !shard_of[at];
        shard_of[at] = 1;
    }
    for (size_t i = 0; i < n_files; i++) {
        if (!shard_of[i])
            continue;
        ins1_status status = s1_call_progress(call, INS1_PHASE_OPEN, c->n_shards, n);
        if (status == INS1_OK)
            status = open_shard(c, s1_files_name(c->files, i), call);
        if (status != INS1_OK)
            return status;
        shard_of[i] = (uint32_t)c->n_shards;
    }
    return INS1_OK;
}

/* Every tensor lies where the index says. */
static ins1_status check_index(const s1_checkpoint *c, s1_json map, const uint32_t *shard_of,
                               ins1_error *error)
{
    char name[MAX_FILE_NAME];
    s1_json key, value;
    uint32_t at;
    size_t file;

    s1_json_walk walk = s1_json_begin(map);
    while (s1_json_next(&walk, &key, &value)) {
        file_name(value, name);
        s1_files_find(c->files, name, &file);
        if (!s1_names_find(&c->names, key.text + 1, key.size - 2, &at) ||
            c->entries[at].shard + 1 != shard_of[file])
            return s1_fail(error, INS1_E_FORMAT, "%s puts %.*s into '%s', where it is not",
                           INDEX_NAME, (int)(key.size < 100 ? key.size : 100), key.text, name);
    }
    return INS1_OK;
}

static ins1_status open_unnamed(s1_checkpoint *c, const s1_call *call)
{
    const char *name;

    if (s1_files_has(c->files, SINGLE_NAME))
        return open_shard(c, SINGLE_NAME, call);
    for (size_t i = 0; (name = s1_files_name(c->files, i)); i++) {
        if (!is_safetensors(name))
            continue;
        ins1_status status = open_shard(c, name, call);
        if (status != INS1_OK)
            return status;
    }
    return INS1_OK;
}

static int by_begin(const void *a, const void *b)
{
    const entry *const *x = a, *const *y = b;
    return (*x)->begin < (*y)->begin ? -1 : (*x)->begin > (*y)->begin;
}

static ins1_status refuse_overlap(const entry *a, const entry *b, ins1_error *error)
{
    return s1_fail(error, INS1_E_FORMAT, "tensors '%.*s' and '%.*s' overlap",
                   (int)(a->name_size < 80 ? a->name_size : 80), a->name,
                   (int)(b->name_size < 80 ? b->name_size : 80), b->name);
}

/* No two of a shard's tensors share a byte. Files are written in order, so this rarely sorts. */
static ins1_status check_overlap(s1_checkpoint *c, const entry *entries, size_t n,
                                 ins1_error *error)
{
    const entry *last = NULL;
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

    const entry **order = s1_alloc_array(&c->memory, n_filled, sizeof(*order), INS1_MEM_OBJECT);
    if (!order)
        return no_memory(c, n_filled * sizeof(*order), error);
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
    const shard *s = &c->shards[at_shard];
    entry *e = &c->entries[c->n_entries];
    uint32_t at = (uint32_t)c->n_entries;
    s1_tensor_claim claim;

    *e = (entry){
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

static ins1_status add_all(s1_checkpoint *c, const s1_call *call)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_shards; i++)
        n += s1_json_count(c->shards[i].header);
    if (n >= UINT32_MAX)
        return s1_fail(call->error, INS1_E_FORMAT, "%zu tensors are too many", n);
    if (!s1_names_init(&c->names, &c->memory, n))
        return no_memory(c, n, call->error);
    if (!n)
        return INS1_OK;
    c->entries = s1_alloc_array(&c->memory, n, sizeof(*c->entries), INS1_MEM_OBJECT);
    if (!c->entries)
        return no_memory(c, n * sizeof(*c->entries), call->error);
    c->max_entries = n;
    for (uint32_t i = 0; i < c->n_shards; i++) {
        ins1_status status = add_shard(c, i, call);
        if (status != INS1_OK)
            return status;
    }
    return INS1_OK;
}

static ins1_status open_by_index(s1_checkpoint *c, size_t n_files, const s1_call *call)
{
    s1_json map;
    ins1_status status = read_index(c, &map, call);
    if (status != INS1_OK)
        return status;
    uint32_t *shard_of = s1_alloc_array(&c->memory, n_files, sizeof(*shard_of), INS1_MEM_OBJECT);
    if (!shard_of)
        return no_memory(c, n_files * sizeof(*shard_of), call->error);
    status = open_named(c, map, shard_of, n_files, call);
    if (status == INS1_OK)
        status = add_all(c, call);
    if (status == INS1_OK)
        status = check_index(c, map, shard_of, call->error);
    s1_free(&c->memory, shard_of, n_files * sizeof(*shard_of), INS1_MEM_OBJECT);
    return status;
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
            status = no_memory(c, n_files * sizeof(*c->shards), call->error);
            goto done;
        }
        c->max_shards = n_files;
    }
    if (s1_files_has(files, INDEX_NAME) && !s1_files_has(files, SINGLE_NAME)) {
        status = open_by_index(c, n_files, call);
    } else {
        status = open_unnamed(c, call);
        if (status == INS1_OK)
            status = add_all(c, call);
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
static ins1_status make_copy(s1_checkpoint *c, entry *e, const uint8_t *from, size_t size,
                             ins1_error *error)
{
    c->copied += size;
    if (c->headers_only)
        return INS1_OK;
    uint8_t *memory = s1_alloc(&c->memory, COPY_HEADER + size, INS1_MEM_WEIGHTS);
    if (!memory)
        return s1_out_of_memory(&c->memory, size, "an aligned copy of a tensor", error);
    copy *made = (copy *)(void *)memory;
    *made = (copy){ c->copies, COPY_HEADER + size };
    c->copies = made;
    e->copy = memcpy(memory + COPY_HEADER, from, size);
    return INS1_OK;
}

ins1_status s1_checkpoint_get(s1_checkpoint *c, const char *name, s1_tensor *out, ins1_error *error)
{
    s1_tensor_claim claim;
    uint32_t at;

    *out = (s1_tensor){ 0 };
    if (!s1_names_find(&c->names, name, strlen(name), &at))
        return INS1_OK;
    entry *e = &c->entries[at];
    const shard *s = &c->shards[e->shard];
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
    const entry *e = &c->entries[at];
    *size = e->name_size;
    *is_used = e->is_used;
    return e->name;
}
