/* model.safetensors.index.json: which file holds which tensor, as its writer thought. */

#include "format/checkpoint_private.h"

#include "base/memory.h"

#include <string.h>

enum { MAX_FILE_NAME = 256 };

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

    ins1_status status = s1_files_get(c->files, S1_INDEX_NAME, &bytes, call);
    if (status != INS1_OK)
        return status;
    status = s1_json_parse(&whole, (const char *)bytes.data, bytes.size, call->error);
    if (status != INS1_OK)
        return s1_files_blame(S1_INDEX_NAME, status, call->error);
    *map = s1_json_get(whole, "weight_map");
    if (map->kind != S1_JSON_OBJECT)
        return s1_fail(call->error, INS1_E_FORMAT, "%s has no object weight_map", S1_INDEX_NAME);
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
        if (!file_name(value, name) || !s1_is_safetensors(name))
            return s1_fail(call->error, INS1_E_FORMAT, "%s: %.*s is no name of a safetensors file",
                           S1_INDEX_NAME, (int)(value.size < 100 ? value.size : 100), value.text);
        if (!s1_files_find(c->files, name, &at))
            return s1_fail(call->error, INS1_E_IO, "there is no file '%s', which %s names", name,
                           S1_INDEX_NAME);
        n += !shard_of[at];
        shard_of[at] = 1;
    }
    for (size_t i = 0; i < n_files; i++) {
        if (!shard_of[i])
            continue;
        ins1_status status = s1_call_progress(call, INS1_PHASE_OPEN, c->n_shards, n);
        if (status == INS1_OK)
            status = s1_shard_open(c, s1_files_name(c->files, i), call);
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
                           S1_INDEX_NAME, (int)(key.size < 100 ? key.size : 100), key.text, name);
    }
    return INS1_OK;
}

ins1_status s1_index_open(s1_checkpoint *c, size_t n_files, const s1_call *call)
{
    s1_json map;
    ins1_status status = read_index(c, &map, call);
    if (status != INS1_OK)
        return status;
    uint32_t *shard_of = s1_alloc_array(&c->memory, n_files, sizeof(*shard_of), INS1_MEM_OBJECT);
    if (!shard_of)
        return s1_checkpoint_no_memory(c, n_files * sizeof(*shard_of), call->error);
    status = open_named(c, map, shard_of, n_files, call);
    if (status == INS1_OK)
        status = s1_shards_add(c, call);
    if (status == INS1_OK)
        status = check_index(c, map, shard_of, call->error);
    s1_free(&c->memory, shard_of, n_files * sizeof(*shard_of), INS1_MEM_OBJECT);
    return status;
}
