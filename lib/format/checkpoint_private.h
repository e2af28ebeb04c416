#ifndef S1_FORMAT_CHECKPOINT_PRIVATE_H
#define S1_FORMAT_CHECKPOINT_PRIVATE_H

#include "format/checkpoint.h"
#include "format/names.h"

#define S1_INDEX_NAME "model.safetensors.index.json"

enum { S1_COPY_HEADER = 64 };

/* A tensor as its header describes it; the text is read again when the tensor is asked for. */
typedef struct s1_entry {
    const char *name, *value;
    const void *copy; /* of misaligned data */
    uint64_t begin, end;
    uint32_t name_size, value_size;
    uint32_t shard;
    bool is_used;
} s1_entry;

typedef struct s1_shard {
    const char *name; /* the set's */
    s1_safetensors file;
    s1_json header;
    size_t skew;       /* address of the file modulo S1_COPY_HEADER */
    size_t owned_size; /* of the header where it was read alone, else 0 */
} s1_shard;

/* Stands in front of the bytes of a copy, in S1_COPY_HEADER bytes. */
typedef struct s1_copy {
    struct s1_copy *next;
    size_t size; /* both together */
} s1_copy;

struct s1_checkpoint {
    ins1_allocator memory;
    s1_files *files;
    bool headers_only;
    s1_shard *shards;
    size_t n_shards, max_shards;
    s1_entry *entries;
    size_t n_entries, max_entries;
    s1_names names;
    uint64_t size, copied;
    s1_copy *copies;
};

/* Is it called like a safetensors file? */
bool s1_is_safetensors(const char *name);

/* Open one more file and find its header. `name` is the set's. */
ins1_status s1_shard_open(s1_checkpoint *c, const char *name, const s1_call *call);

/* Enter the tensors of all open files into the table. */
ins1_status s1_shards_add(s1_checkpoint *c, const s1_call *call);

/* Open the files that the index names, enter their tensors, and compare the index with what is
 * there. The set has `n_files`. */
ins1_status s1_index_open(s1_checkpoint *c, size_t n_files, const s1_call *call);

ins1_status s1_checkpoint_no_memory(const s1_checkpoint *c, uint64_t size, ins1_error *error);

#endif
