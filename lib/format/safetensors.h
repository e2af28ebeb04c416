#ifndef S1_FORMAT_SAFETENSORS_H
#define S1_FORMAT_SAFETENSORS_H

#include "base/error.h"
#include "base/json.h"
#include "tensor/tensor.h"

/* A safetensors file: the length of a header, the header (a JSON object: name to dtype, shape and a
 * range of bytes), and the bytes. Nothing here allocates. */
typedef struct s1_safetensors {
    const char *header;
    size_t header_size;
    const uint8_t *data; /* NULL where only the header was read */
    uint64_t data_size;
} s1_safetensors;

enum { S1_CLAIM_MAX_RANK = 8 };

/* What the header says of one tensor, before anybody believes it. */
typedef struct s1_tensor_claim {
    uint64_t begin, end; /* in the data region */
    uint64_t shape[S1_CLAIM_MAX_RANK];
    uint32_t rank;
    uint32_t item_size; /* 0: not known, so the shape cannot be checked */
    int32_t dtype;      /* INS1_DTYPE_*, 0 for what no kernel reads */
} s1_tensor_claim;

enum { S1_SAFETENSORS_PREFIX = 8 };

/* The length of the header from the first S1_SAFETENSORS_PREFIX bytes of a file of `size` bytes. */
ins1_status s1_safetensors_header_size(const uint8_t *bytes, uint64_t size, size_t *header_size,
                                       ins1_error *error);

/* Find header and data in a whole file. */
ins1_status s1_safetensors_frame(s1_safetensors *out, const uint8_t *bytes, size_t size,
                                 ins1_error *error);

/* The header, checked to be an object. */
ins1_status s1_safetensors_parse(s1_json *out, const s1_safetensors *file, ins1_error *error);

/* Is the member of that name no tensor but notes? */
bool s1_safetensors_is_metadata(s1_json name);

/* Read a member of the header. */
ins1_status s1_safetensors_claim(s1_tensor_claim *out, s1_json value, ins1_error *error);

/* Compare a claim with the file: its range lies inside, and its shape needs exactly that many
 * bytes. */
ins1_status s1_safetensors_check(const s1_safetensors *file, const s1_tensor_claim *claim,
                                 ins1_error *error);

#endif
