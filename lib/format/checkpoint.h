#ifndef S1_FORMAT_CHECKPOINT_H
#define S1_FORMAT_CHECKPOINT_H

#include "format/files.h"
#include "format/safetensors.h"
#include "tensor/tensor.h"

/* All tensors of a checkpoint's safetensors files under their names. One thread at a time. */
typedef struct s1_checkpoint s1_checkpoint;

/* Does the set hold safetensors at all? */
bool s1_checkpoint_is_there(const s1_files *files);

/* The files are those that model.safetensors.index.json names, or model.safetensors alone, or all
 * there are. `headers_only`: no data is mapped or read, tensors have no address. Borrows `files`.
 */
ins1_status s1_checkpoint_open(s1_checkpoint **out, const ins1_allocator *memory, s1_files *files,
                               bool headers_only, const s1_call *call);
void s1_checkpoint_close(s1_checkpoint *checkpoint);

size_t s1_checkpoint_count(const s1_checkpoint *checkpoint);

/* Bytes of all tensors; of the files as a whole; and of the tables in memory, headers read alone
 * not among them. */
uint64_t s1_checkpoint_size(const s1_checkpoint *checkpoint);
uint64_t s1_checkpoint_file_size(const s1_checkpoint *checkpoint);
uint64_t s1_checkpoint_memory(const s1_checkpoint *checkpoint);

/* Bytes of the copies that s1_checkpoint_get made, or would make, of misaligned data. */
uint64_t s1_checkpoint_copied(const s1_checkpoint *checkpoint);

bool s1_checkpoint_has(const s1_checkpoint *checkpoint, const char *name);

/* The tensor of that name, counted as used; dtype 0 when there is none. INS1_E_UNSUPPORTED when no
 * kernel reads its dtype or it has more axes than S1_MAX_RANK. */
ins1_status s1_checkpoint_get(s1_checkpoint *checkpoint, const char *name, s1_tensor *out,
                              ins1_error *error);

/* Tensor `at` in the order of the files: its name (not NUL-terminated, escapes as written), and
 * whether it was ever got. */
const char *s1_checkpoint_name(const s1_checkpoint *checkpoint, size_t at, size_t *size,
                               bool *is_used);

#endif
