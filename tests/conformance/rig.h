#ifndef CONFORMANCE_RIG_H
#define CONFORMANCE_RIG_H

#include "conformance.h"

/* What the groups of cases share: an open device, tensors on it, and the result that is being made.
 */

typedef struct rig {
    const ins1_backend_api *api;
    conformance_host *host;
    int32_t device;
    bool computes;
    bool exact; /* the device promises equal bits */
    void *context;
    void *stream;
    uint64_t seed;
    conformance_result result;
    int failures;
    conformance_report_fn *report;
    void *user;
} rig;

uint64_t rig_random(rig *r, uint64_t below);
double rig_unit(rig *r); /* in [-1, 1) */

void rig_begin(rig *r, const char *op, const char *types);
void rig_end(rig *r);

/* One thing that must hold; counts as a failure of the group when it does not. Gives `holds`. */
bool rig_expect(rig *r, bool holds, const char *format, ...) __attribute__((format(printf, 3, 4)));

enum {
    DENSE = 0,
    SPREAD = 1,     /* rows further apart than their width */
    TRANSPOSED = 2, /* of two axes, stored the other way round */
};

/* A tensor in a buffer of its own, at an odd offset, with bytes around it that nobody may touch. */
typedef struct tensor {
    ins1_tensor_desc desc;
    size_t count;
    double *value;        /* dense, as the device has it */
    unsigned char *image; /* the whole buffer */
    uint64_t size;
} tensor;

/* Absent: dtype 0. */
tensor tensor_none(void);
/* Values are zero until filled. */
tensor tensor_make(rig *r, int32_t dtype, int32_t ndim, const int64_t *dim, int layout);
void tensor_set(tensor *t, size_t at,
                double value); /* rounded to the type; `value` is what it became */
void tensor_fill(rig *r, tensor *t, double scale); /* about in [-scale, scale) */
void tensor_spoil(tensor *t);                      /* floats: NaN everywhere */
void tensor_upload(rig *r, tensor *t);
/* Made and uploaded, with numbers in [-scale, scale) or NaN everywhere. */
tensor rig_filled(rig *r, int32_t dtype, int32_t ndim, const int64_t *dim, int layout,
                  double scale);
tensor rig_spoiled(rig *r, int32_t dtype, int32_t ndim, const int64_t *dim, int layout);
void tensor_drop(rig *r, tensor *t);

/* Room for what is expected of a tensor, zeros at first. */
typedef struct wanted {
    double *value, *bound;
} wanted;
wanted rig_want(const tensor *t);
void rig_want_drop(wanted *w);

/* Reads it back: every element within `bound[i]` of `want[i]`, nothing around it touched. */
void tensor_check(rig *r, const tensor *t, const double *want, const double *bound);
/* The same, and the bytes must be what they were. */
void tensor_check_unchanged(rig *r, const tensor *t);
/* Reads it back into `value` without judging. */
void tensor_download(rig *r, tensor *t);

double round_to_bf16(double value);
int32_t element_size(int32_t dtype);
const char *type_name(int32_t dtype);

/* Runs one operation and waits. False when it is unsupported or failed, which is in the result. */
bool rig_run(rig *r, const ins1_op *ops, int32_t n);
int32_t rig_answer(rig *r, const ins1_op *ops, int32_t n);

ins1_op op_of(int32_t op, const ins1_tensor_desc *in, int32_t n_in, const ins1_tensor_desc *out,
              int32_t n_out);

void conformance_products(rig *r);  /* products.c */
void conformance_rows(rig *r);      /* rows.c */
void conformance_attention(rig *r); /* attention.c */
void conformance_encoders(rig *r);  /* encoders.c */
void conformance_conduct(rig *r);   /* conduct.c: stopping, refusing, running out of memory */

#endif
