#ifndef INTERNS1_SYS_BACKEND_H
#define INTERNS1_SYS_BACKEND_H

/**
 * @file
 * For those who write a backend: one table of functions over buffers and a closed list of numbered
 * operations. This header promises less than the others: a minor version may change it, and both
 * sides then agree on the older minor.
 *
 * Who does what: the library validates every operation once, before `run`: shapes agree, strides
 * are positive, buffers are live, ranges lie inside them, ids and pages are in range. The backend
 * trusts that. What the backend answers is judged: INS1_OK, INS1_E_MEMORY, INS1_E_UNSUPPORTED,
 * INS1_E_CANCELED and INS1_E_DEADLINE are taken, any other number counts as INS1_E_DEVICE.
 */

#include "interns1/device.h"
#include "interns1/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the table. A backend of another major version is refused; of two minors the older
 * holds. */
#define INS1_BACKEND_ABI_MAJOR 1
/* Grows with every member at the end of the table. */
#define INS1_BACKEND_ABI_MINOR 0
/* Both in one number. */
#define INS1_BACKEND_ABI (INS1_BACKEND_ABI_MAJOR << 16 | INS1_BACKEND_ABI_MINOR)

/* The name of the only symbol of a plugin: an ins1_backend_entry_fn. */
#define INS1_BACKEND_ENTRY "ins1_backend_entry"

/* Given to the backend, which links nothing of ours. `host` comes from the table for the calls of a
 * device, and from `stream_new` for the calls of a stream. */
typedef struct ins1_host_api {
    uint32_t struct_size; /* sizeof(ins1_host_api) */
    uint32_t abi;         /* INS1_BACKEND_ABI of the host */
    void *host;           /* handed to every function below */
    /* Memory of a kind INS1_MEM_*; the alignment is a power of two. NULL: out of memory. */
    void *(*alloc)(void *host, size_t size, size_t align, int32_t kind);
    /* Gets the same size, alignment and kind back. */
    void (*free)(void *host, void *memory, size_t size, size_t align, int32_t kind);
    void (*log)(void *host, int32_t level, const char *text); /* INS1_LOG_*, one whole record */
    /* Why the call that is running fails; the text goes into the caller's error record. */
    void (*fail)(void *host, int32_t status, int32_t backend_code, const char *text);
    /* Non-zero: INS1_E_CANCELED or INS1_E_DEADLINE of the running call. Cheap; ask once a tile. */
    int32_t (*stop_requested)(void *host);
    /* Runs fn(arg, i, worker) once for every i in [0, n), worker in [0, workers(host)), no two live
     * calls sharing a worker. Non-zero: not all ran; return it. */
    int32_t (*parallel_for)(void *host, void (*fn)(void *arg, int32_t index, int32_t worker),
                            void *arg, int32_t n);
    int32_t (*workers)(void *host); /* constant for the life of the runtime, at least 1 */
} ins1_host_api;

/* Memory layouts of a tensor. The first is the only one that files have. */
enum {
    INS1_LAYOUT_STRIDED = 0,
    INS1_LAYOUT_OPAQUE = 1, /* what `repack` wrote; shape is the logical one */
};

/* A view of a buffer: plain data, no pointers into our objects. dtype 0 means "no tensor": an
 * optional input that is absent. Axes are outermost first; strides count elements, are positive,
 * and the last is 1 unless an operation says otherwise (the stride of an axis without a second
 * element says nothing). Every element is aligned to its own size. */
typedef struct ins1_tensor_desc {
    uint32_t struct_size; /* sizeof(ins1_tensor_desc) */
    int32_t dtype;        /* INS1_DTYPE_* */
    int32_t layout;       /* INS1_LAYOUT_* */
    int32_t ndim;         /* 0 .. 4 */
    int64_t dim[4];       /* lengths of the axes; 1 beyond ndim */
    int64_t stride[4];    /* elements to the next along each axis */
    uint64_t buffer;      /* the id that the backend gave */
    uint64_t offset;      /* bytes from the start of the buffer to element 0 */
    uint64_t bytes;       /* bytes from element 0 to the end of the last element */
} ins1_tensor_desc;

/* How activations enter a product, i[0] of MATMUL and MATMUL_EXPERTS: INS1_PRECISION_* of model.h.
 * F32: as they are, products and sums in F32. BF16: rounded to nearest even first; everything else
 * in F32. INT8, where w is I8 and only there: a row x[t] becomes integers q[t] and a scale s[t],
 *     s[t]    = max over k of |x[t][k]| / 127.5
 *     q[t][k] = x[t][k] / s[t], to nearest even, held to -128 .. 127; 0 where s[t] is 0
 * both divisions in F32, as compressed-tensors quantises tokens, and with a scale for each row of w
 *     y[t][n] = (sum over k of w[n][k] * q[t][k]) * (s[t] * scale[n]),
 * a sum of integers that becomes F32, to nearest even, when it is complete. A row with a NaN or an
 * infinity gives NaN. The rounding is the same on every device. */

/* The operations. [a][b] gives shapes, outermost first; F means F32. All floats are F32 unless said
 * otherwise; "any" is F32, F16, BF16 or F8_E4M3. Absent inputs have dtype 0. */
enum {
    /* y[t][n] = sum over k of w[n][k] * scale[n / 128][k / 128] * x[t][k]  (+ bias[n]) (+ y[t][n])
     * in:  w any [n][k], x F [t][k], scale F32 or BF16 or U8 (the power of two b - 127)
     *      [ceil(n / 128)][ceil(k / 128)] or absent, bias any float [n] or absent.
     * out: y F [t][n].  i[0] precision.  flags: INS1_OP_ACCUMULATE adds to what y holds.
     * With w I8: scale F32 or BF16 [n][1], k at most 65536, precision INT8, see above.
     * w, but not of I8, may be stored transposed (stride[0] is 1, stride[1] the length of a row);
     * other strides of w have stride[1] 1. Rows of x and y may be further apart than their width,
     * and rows of x closer: a convolution is a product with rows that overlap. A result may not
     * depend on t: each row of y is what it would be alone. */
    INS1_OP_MATMUL = 1,
    /* The same with a matrix for each of e experts: y[p] = w[ids[p]] * x[p / i[1]].
     * in:  x F [t][k], ids I32 [p] (0 .. e-1), w_0 .. w_(e-1) any or all I8 [n][k], scale_0 ..
     *      scale_(e-1).
     * out: y F [p][n].  i[0] precision, i[1] results per row of x (p = t * i[1]), i[2] e. */
    INS1_OP_MATMUL_EXPERTS = 2,
    /* y = x / sqrt(mean(x^2) + f[0]) * weight over the last axis.
     * in: x F [a][b][c][n], weight any float [n].  out: y F, same shape; may be x itself.
     * Fewer axes are allowed. */
    INS1_OP_RMSNORM = 3,
    /* Rotate pairs (j, j + d/2), in place or not:
     *     y[j]       = x[j] * cos[j]       - x[j + d/2] * sin[j]
     *     y[j + d/2] = x[j + d/2] * cos[j] + x[j] * sin[j]
     * in: x F [t][g][r][d], cos F [t][h][d/2], sin F the same; h is 1 or g.  out: y F as x. */
    INS1_OP_ROPE = 4,
    /* Store keys and values of t rows in their pages.
     * in: k F [t][g][1][d], v F [t][g][1][d], rows I32 [t][2] (line of the page table, position),
     *     pages I32 [lines][most pages of a line] (page numbers).
     * out: two pools, F32, F16 or BF16 [pages][g][page length][d]; position p of a line lies in
     * page pages[line][p / page length] at p % page length. Rounded to nearest even. */
    INS1_OP_KV_PUT = 5,
    /* Causal attention of each row over positions 0 .. its own, keys and values in pages:
     * y[t][g][r] = sum over p of softmax(f[0] * q . k[p]) * v[p], softmax and sums in F32.
     * in: q F [t][g][r][d], k pool, v pool, rows, pages as above.  out: y F [t][g][r][d].
     * A result may not depend on t. A NaN or an infinity among the values of a position reaches the
     * rows that see it and no other row. */
    INS1_OP_ATTENTION = 6,
    /* Choose experts: p = softmax over e of logits; with i[1] groups of e / i[1] neighbours take
     * the best k / i[1] of each group, else the k best of all; ties to the lower index.
     *
     * in: logits F [t][e].  out: ids I32 [t][k] ascending, gates F [t][k] in that order.
     *
     * i[1] groups (0, 1: none).  flags: INS1_OP_NORMALIZE divides gates by their sum + 1e-20. */
    INS1_OP_ROUTE = 7,
    /* y[t][n] += sum over j of gates[t][j] * x[t * k + j][n], j ascending, one after the other.
     * in: x F [t * k][n], gates F [t][k].  out: y F [t][n]. */
    INS1_OP_COMBINE = 8,
    /* y = act(a) * b.  in: a F [t][n], b F [t][n].  out: y F [t][n]; may be a.  i[0] INS1_ACT_*. */
    INS1_OP_ACT_MUL = 9,
    /* y[t] = a[t] + b[t % u].  in: a F [t][n], b F [u][n], t a multiple of u.  out: y F [t][n]; may
     * be a. */
    INS1_OP_ADD = 10,
    /* y = x * f[0].  in: x F [t][n].  out: y F; may be x. */
    INS1_OP_SCALE = 11,
    /* y[t] = table[ids[t]], widened.  in: table any [rows][n], ids I32 [t].  out: y F [t][n]. */
    INS1_OP_GET_ROWS = 12,
    /* y = (x - mean(x)) / sqrt(variance(x) + f[0]) * weight + bias over the last axis, the variance
     * over all n numbers.
     * in: x F [a][b][c][n], weight any float [n], bias any float [n] or absent.
     * out: y F, same shape; may be x itself. Fewer axes are allowed. */
    INS1_OP_LAYERNORM = 13,
    /* y = act(x).  in: x F [t][n].  out: y F [t][n]; may be x.  i[0] INS1_ACT_*. */
    INS1_OP_ACT = 14,
    /* y[t][n] += x[t][n] * scale[n].  in: x F [t][n], scale any float [n].  out: y F [t][n]. */
    INS1_OP_ADD_SCALED = 15,
    /* Attention inside each of s segments of t rows, h heads each with keys and values of its own:
     * y[s][t][h] = sum over p of softmax(f[0] * q[s][t][h] . k[s][p][h]) * v[s][p][h], over all p
     * of the segment; flags: INS1_OP_CAUSAL, over p = 0 .. t. Softmax and sums in F32.
     * in: q, k, v F [s][t][h][d].  out: y F [s][t][h][d].  i[0] precision, BF16: q, k, v and the
     * weights of v are rounded.  A result may not depend on s. A NaN or an infinity may reach all
     * rows of its segment and head, also with INS1_OP_CAUSAL. */
    INS1_OP_SELF_ATTENTION = 16,
    /* y[s][n] = sum over t of x[s][t][n] / t, t ascending.  in: x F [s][t][n].  out: y F [s][n]. */
    INS1_OP_MEAN = 17,
};

enum {
    INS1_OP_ACCUMULATE = 1u,
    INS1_OP_NORMALIZE = 2u,
    INS1_OP_CAUSAL = 4u,
};

enum {
    INS1_ACT_SILU = 1,      /* a / (1 + exp(-a)) */
    INS1_ACT_GELU = 2,      /* a * (1 + erf(a / sqrt 2)) / 2 */
    INS1_ACT_GELU_TANH = 3, /* its tanh approximation */
    INS1_ACT_RELU = 4,      /* max(a, 0) */
};

/* One operation: what its comment above says about in, out, i and f. */
typedef struct ins1_op {
    uint32_t struct_size;        /* sizeof(ins1_op) */
    int32_t op;                  /* INS1_OP_*; an unknown one is INS1_E_UNSUPPORTED */
    uint32_t flags;              /* INS1_OP_ACCUMULATE, _NORMALIZE, _CAUSAL */
    int32_t n_in;                /* entries of `in`, absent ones included */
    int32_t n_out;               /* entries of `out` */
    int32_t reserved0;           /* 0 */
    const ins1_tensor_desc *in;  /* borrowed until `sync` */
    const ins1_tensor_desc *out; /* borrowed until `sync` */
    int32_t i[8];                /* what the operation says; else 0 */
    float f[8];                  /* the same */
} ins1_op;

/**
 * What a backend provides. The library copies the table. All sizes are bytes. Calls on one stream
 * come from one thread at a time; different streams of one device run on different threads at once.
 */
typedef struct ins1_backend_api {
    uint32_t struct_size; /* sizeof(ins1_backend_api) as the backend was built */
    uint32_t abi;         /* the smaller of the host's and its own minor, same major */
    const char *name;     /* static string, e.g. "opencl" */
    const char *version;  /* static string */
    void *self;           /* handed to the calls without a context */

    void (*shutdown)(void *self); /* may be NULL */
    /* How many devices there are; 0 when none can be used here. */
    int32_t (*device_count)(void *self);
    /* A device that cannot run here has score 0. */
    int32_t (*device_info)(void *self, int32_t device, ins1_device_info *out);
    int32_t (*device_open)(void *self, int32_t device, void **context); /* threads may start here */
    void (*device_close)(void *context); /* its streams and buffers are gone */

    /* Memory. `write`, `read` and `copy` may return before the copy is done, but `src` of `write`
     * is free to be reused at once. A context whose buffers are host memory gives their address. */
    int32_t (*buffer_new)(void *context, uint64_t bytes, int32_t kind, uint64_t *id,
                          void **host_address);
    /* Use host memory as it lies; may be NULL. */
    int32_t (*buffer_wrap)(void *context, void *address, uint64_t bytes, uint64_t *id);
    void (*buffer_free)(void *context, uint64_t id); /* nothing that uses it is still queued */

    /* A queue. `host` is handed to the host's functions for its calls. */
    int32_t (*stream_new)(void *context, void *host, void **stream);
    void (*stream_free)(void *stream); /* after a `sync` */
    /* n bytes of host memory to byte `at` of a buffer. */
    int32_t (*write)(void *stream, uint64_t id, uint64_t at, const void *src, uint64_t n);
    /* n bytes from byte `at` of a buffer to host memory. */
    int32_t (*read)(void *stream, uint64_t id, uint64_t at, void *dst, uint64_t n);
    /* n bytes from one buffer to another, or within one where they do not overlap. */
    int32_t (*copy)(void *stream, uint64_t dst, uint64_t dst_at, uint64_t src, uint64_t src_at,
                    uint64_t n);

    /* 0 no, 1 yes, 2 yes and worth moving data for. */
    int32_t (*supports)(void *context, const ins1_op *op);
    /* Bytes that weights take in a layout of the backend's own; may be NULL. */
    int32_t (*repack_size)(void *context, const ins1_tensor_desc *w, uint64_t *bytes);
    /* Write weights that lie at `src` in that layout; NULL when `repack_size` is. */
    int32_t (*repack)(void *stream, const ins1_tensor_desc *w, const void *src, uint64_t id);

    /* Compute. Queued in order; everything they name stays alive until `sync`. */
    int32_t (*run)(void *stream, const ins1_op *ops, int32_t n);
    int32_t (*sync)(void *stream, int64_t timeout_ns); /* may be NULL when `run` is synchronous */
    int32_t (*event_record)(void *stream, uint64_t *event); /* may be NULL */
    int32_t (*event_wait)(void *stream, uint64_t event);    /* may be NULL */

    /* --- end of version 1; new members go below, never between --- */
} ins1_backend_api;

/* Of a plugin. INS1_E_VERSION when `abi` has another major. */
typedef int32_t (*ins1_backend_entry_fn)(uint32_t abi, const ins1_host_api *host,
                                         ins1_backend_api *out);

#ifdef __cplusplus
}
#endif

#endif
