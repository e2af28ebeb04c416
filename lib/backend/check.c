/* The one place where operations are held to their definitions. */

#include "backend/check.h"

#include "backend/definitions.h"
#include "base/checked.h"
#include "interns1/model.h"

#include <inttypes.h>
#include <string.h>

enum { UNKNOWN = -1 };

/* One operation under inspection. */
typedef struct inspection {
    const s1_device *device;
    const char *op;
    const ins1_tensor_desc *first;
    int64_t letters['z' - 'a' + 1]; /* UNKNOWN until one is met */
    ins1_error *error;
} inspection;

static uint32_t type_bit(int32_t dtype)
{
    switch (dtype) {
    case INS1_DTYPE_F32:
        return S1_T_F32;
    case INS1_DTYPE_F16:
        return S1_T_F16;
    case INS1_DTYPE_BF16:
        return S1_T_BF16;
    case INS1_DTYPE_F8_E4M3:
        return S1_T_F8;
    case INS1_DTYPE_I32:
        return S1_T_I32;
    case INS1_DTYPE_U8:
        return S1_T_U8;
    case INS1_DTYPE_I8:
        return S1_T_I8;
    default:
        return 0;
    }
}

/* Bytes from element 0 to the end of the last. The strides of axes without a second element do not
 * matter. False when the number does not fit. */
static bool extent(const ins1_tensor_desc *view, uint64_t *bytes)
{
    uint64_t last = 0;
    uint64_t step;

    *bytes = 0;
    for (int32_t i = 0; i < view->ndim; i++)
        if (view->dim[i] == 0)
            return true;
    for (int32_t i = 0; i < view->ndim; i++)
        if (view->dim[i] > 1 &&
            (!s1_mul((uint64_t)view->dim[i] - 1, (uint64_t)view->stride[i], &step) ||
             !s1_add(last, step, &last)))
            return false;
    return s1_add(last, 1, &last) && s1_mul(last, s1_dtype_size(view->dtype), bytes);
}

static ins1_status check_strides(const inspection *on, const s1_operand *what,
                                 const ins1_tensor_desc *view)
{
    int32_t last = view->ndim - 1;

    for (int32_t i = 0; i < view->ndim; i++)
        if (view->dim[i] > 1 && view->stride[i] < 1)
            return s1_fail(on->error, INS1_E_INTERNAL,
                           "%s: stride %d of '%s' is %" PRId64 ", at least 1 expected", on->op, i,
                           what->name, view->stride[i]);
    if (last < 0 || view->dim[last] <= 1 || view->stride[last] == 1)
        return INS1_OK;
    if ((what->flags & S1_TRANSPOSED_TOO) && view->stride[0] == 1)
        return INS1_OK;
    return s1_fail(on->error, INS1_E_INTERNAL,
                   "%s: the last stride of '%s' is %" PRId64 ", 1 expected", on->op, what->name,
                   view->stride[last]);
}

static ins1_status check_range(const inspection *on, const s1_operand *what,
                               const ins1_tensor_desc *view)
{
    const s1_block *block = s1_blocks_find(&on->device->blocks, view->buffer);
    uint64_t needed;

    if (!block)
        return s1_fail(on->error, INS1_E_INTERNAL,
                       "%s: '%s' lies in buffer %" PRIu64 ", which is not alive", on->op,
                       what->name, view->buffer);
    if (!extent(view, &needed) || needed > view->bytes)
        return s1_fail(on->error, INS1_E_INTERNAL,
                       "%s: the shape of '%s' needs more than its %" PRIu64 " bytes", on->op,
                       what->name, view->bytes);
    /* Two comparisons and no addition: nothing here can wrap. */
    if (view->offset > block->size || view->bytes > block->size - view->offset)
        return s1_fail(on->error, INS1_E_INTERNAL,
                       "%s: '%s' takes %" PRIu64 " bytes at %" PRIu64 " of a buffer of %" PRIu64,
                       on->op, what->name, view->bytes, view->offset, block->size);
    uint64_t at = (uint64_t)(uintptr_t)block->host + view->offset;
    if (needed && at % s1_dtype_size(view->dtype) != 0)
        return s1_fail(on->error, INS1_E_INTERNAL, "%s: '%s' is not aligned to its elements",
                       on->op, what->name);
    return INS1_OK;
}

static int64_t letter(const inspection *on, char small)
{
    return on->letters[small - 'a'];
}

/* One axis against its spelling at `*axes`, which moves past it. */
static bool axis_agrees(inspection *on, const char **axes, int64_t dim)
{
    char c = *(*axes)++;

    if (c >= '0' && c <= '9')
        return dim == c - '0';
    if (c >= 'A' && c <= 'Z') {
        int64_t n = letter(on, (char)(c - 'A' + 'a'));
        return dim == n / 128 + (n % 128 != 0);
    }
    if (c == '/') {
        int64_t n = letter(on, *(*axes)++);
        return n % 2 == 0 && dim == n / 2;
    }
    if (c == '?') {
        int64_t n = letter(on, *(*axes)++);
        return dim == 1 || dim == n;
    }
    int64_t *n = &on->letters[c - 'a'];
    if (*n == UNKNOWN)
        *n = dim;
    return *n == dim;
}

static int32_t count_axes(const char *axes)
{
    int32_t n = 0;
    for (; *axes; axes++)
        n += *axes != '/' && *axes != '?';
    return n;
}

static ins1_status shape_differs(const inspection *on, const s1_operand *what, int32_t axis,
                                 int64_t dim)
{
    return s1_fail(on->error, INS1_E_INTERNAL,
                   "%s: axis %d of '%s' is %" PRId64 ", which does not agree with the others",
                   on->op, axis, what->name, dim);
}

static ins1_status check_shape(inspection *on, const s1_operand *what, const ins1_tensor_desc *view)
{
    const char *axes = what->axes;
    int32_t i = 0;

    for (int32_t j = 0; j < view->ndim; j++)
        if (view->dim[j] < 0 || view->dim[j] > INT32_MAX)
            return s1_fail(on->error, INS1_E_INTERNAL, "%s: axis %d of '%s' is %" PRId64, on->op, j,
                           what->name, view->dim[j]);

    if (*axes == '=') {
        for (; i < view->ndim && view->ndim == on->first->ndim; i++)
            if (view->dim[i] != on->first->dim[i])
                return shape_differs(on, what, i, view->dim[i]);
        axes = "";
    } else if (*axes == '*') {
        i = view->ndim - 1;
        axes++;
    }
    if (i < 0 || view->ndim - i != count_axes(axes))
        return s1_fail(on->error, INS1_E_INTERNAL, "%s: '%s' has %d axes, which are not '%s'",
                       on->op, what->name, view->ndim, what->axes);
    for (; i < view->ndim; i++) {
        if (!axis_agrees(on, &axes, view->dim[i]))
            return shape_differs(on, what, i, view->dim[i]);
    }
    return INS1_OK;
}

static ins1_status check_operand(inspection *on, const s1_operand *what,
                                 const ins1_tensor_desc *view)
{
    if (!view->dtype && (what->flags & S1_OPTIONAL))
        return INS1_OK;
    if (view->struct_size != sizeof(*view))
        return s1_fail(on->error, INS1_E_INTERNAL, "%s: the view '%s' is %u bytes, %zu expected",
                       on->op, what->name, view->struct_size, sizeof(*view));
    if (!(type_bit(view->dtype) & what->types))
        return s1_fail(on->error, INS1_E_INTERNAL, "%s: '%s' has type %s (0x%x)", on->op,
                       what->name, s1_dtype_name(view->dtype), (unsigned)view->dtype);
    if (view->layout != INS1_LAYOUT_STRIDED)
        return s1_fail(on->error, INS1_E_INTERNAL, "%s: '%s' has layout %d", on->op, what->name,
                       view->layout);
    if (view->ndim < 0 || view->ndim > 4)
        return s1_fail(on->error, INS1_E_INTERNAL, "%s: '%s' has %d axes, 0 to 4 expected", on->op,
                       what->name, view->ndim);

    ins1_status status = check_shape(on, what, view);
    if (status == INS1_OK)
        status = check_strides(on, what, view);
    return status == INS1_OK ? check_range(on, what, view) : status;
}

static const s1_operand expert_matrix = { "w of an expert", S1_T_ANY, "nk", S1_TRANSPOSED_TOO };
static const s1_operand expert_scale = { "scale of an expert", S1_T_SCALE, "NK", S1_OPTIONAL };

/* The same where matrices are I8. */
static const s1_operand i8_matrix = { "w of I8", S1_T_I8, "nk", 0 };
static const s1_operand i8_scale = { "scale of I8", S1_T_F32 | S1_T_BF16, "n1", 0 };

enum { MOST_I8_COLUMNS = 1 << 16 }; /* whose products, at most 2^14, sum up in 32 bits */

static uint64_t mix(uint64_t digest, const ins1_tensor_desc *view)
{
    uint64_t words[sizeof(*view) / sizeof(uint64_t)];

    memcpy(words, view, sizeof(words));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        digest = (digest ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        digest ^= digest >> 29;
    }
    return digest;
}

static ins1_status check_expert(inspection *on, const ins1_op *op, int32_t expert)
{
    const ins1_tensor_desc *w = &op->in[2 + expert];
    const bool is_i8 = op->in[2].dtype == INS1_DTYPE_I8;
    ins1_status status = check_operand(on, is_i8 ? &i8_matrix : &expert_matrix, w);
    return status == INS1_OK ? check_operand(on, is_i8 ? &i8_scale : &expert_scale, w + op->i[2])
                             : status;
}

static s1_seen *seen_entry(s1_seen *seen, const ins1_tensor_desc *in)
{
    uint64_t hash = (uint64_t)(uintptr_t)in * UINT64_C(0x9e3779b97f4a7c15);
    return seen ? &seen[(hash >> 32) % S1_N_SEEN] : NULL;
}

/* Checking the first expert ties the letters of the list to those of x and y, known or not. */
static ins1_status check_experts(inspection *on, s1_seen *seen, const ins1_op *op)
{
    int32_t n_experts = op->i[2];
    const ins1_tensor_desc *last = &op->in[op->n_in - 1];
    s1_seen *entry = seen_entry(seen, op->in);
    ins1_status status = check_expert(on, op, 0);
    if (status != INS1_OK)
        return status;

    s1_seen now = {
        .in = op->in,
        .generation = atomic_load_explicit(&on->device->generation, memory_order_relaxed),
        .digest = mix(mix(mix(1, &op->in[2]), &op->in[2 + n_experts]), last),
        .n_in = op->n_in,
    };
    if (entry && entry->in == now.in && entry->generation == now.generation &&
        entry->digest == now.digest && entry->n_in == now.n_in) {
        entry->turn = (entry->turn + 1) % n_experts;
        return check_expert(on, op, entry->turn);
    }
    for (int32_t e = 1; e < n_experts && status == INS1_OK; e++)
        status = check_expert(on, op, e);
    if (entry && status == INS1_OK)
        *entry = now;
    return status;
}

static ins1_status check_precision(const inspection *on, const ins1_op *op)
{
    if (op->i[0] == INS1_PRECISION_F32 || op->i[0] == INS1_PRECISION_BF16)
        return INS1_OK;
    return s1_fail(on->error, INS1_E_UNSUPPORTED, "%s: precision %d is not F32 or BF16", on->op,
                   op->i[0]);
}

/* Of a product with these weights. */
static ins1_status check_rounding(const inspection *on, const ins1_op *op, int32_t w_dtype)
{
    if (w_dtype != INS1_DTYPE_I8)
        return check_precision(on, op);
    if (op->i[0] != INS1_PRECISION_INT8)
        return s1_fail(on->error, INS1_E_UNSUPPORTED,
                       "%s: precision %d with weights of I8, INT8 expected", on->op, op->i[0]);
    if (letter(on, 'k') > MOST_I8_COLUMNS)
        return s1_fail(on->error, INS1_E_UNSUPPORTED,
                       "%s: %" PRId64 " columns of I8, at most %d expected", on->op,
                       letter(on, 'k'), MOST_I8_COLUMNS);
    return INS1_OK;
}

static ins1_status check_products(const inspection *on, int64_t rows, int64_t each)
{
    int64_t results = letter(on, 'p');
    if (each >= 0 && rows * each == results)
        return INS1_OK;
    return s1_fail(on->error, INS1_E_INTERNAL,
                   "%s: %" PRId64 " results from %" PRId64 " rows, %" PRId64 " of each", on->op,
                   results, rows, each);
}

static ins1_status check_groups(const inspection *on, const ins1_op *op)
{
    int64_t n = letter(on, 'e');
    int64_t k = letter(on, 'k');
    int64_t groups = op->i[1] > 1 ? op->i[1] : 1;

    if (op->i[1] >= 0 && k <= n && n % groups == 0 && k % groups == 0)
        return INS1_OK;
    return s1_fail(on->error, INS1_E_INTERNAL,
                   "%s: the best %" PRId64 " of %" PRId64 " in %d groups", on->op, k, n, op->i[1]);
}

static ins1_status check_act(const inspection *on, const ins1_op *op)
{
    if (op->i[0] >= INS1_ACT_SILU && op->i[0] <= INS1_ACT_RELU)
        return INS1_OK;
    return s1_fail(on->error, INS1_E_UNSUPPORTED, "%s: activation %d is not known", on->op,
                   op->i[0]);
}

/* Every row of b is added to as many rows of a. */
static ins1_status check_turns(const inspection *on)
{
    int64_t t = letter(on, 't');
    int64_t u = letter(on, 'u');

    if (u ? t % u == 0 : t == 0)
        return INS1_OK;
    return s1_fail(on->error, INS1_E_INTERNAL,
                   "%s: %" PRId64 " rows are no multiple of the %" PRId64 " of 'b'", on->op, t, u);
}

static ins1_status check_mean(const inspection *on)
{
    if (letter(on, 't') > 0 || letter(on, 's') == 0 || letter(on, 'n') == 0)
        return INS1_OK;
    return s1_fail(on->error, INS1_E_INTERNAL, "%s: no rows have no mean, at least 1 expected",
                   on->op);
}

/* What is no shape of one operand. */
static ins1_status check_rest(inspection *on, s1_seen *seen, const ins1_op *op)
{
    ins1_status status;

    switch (op->op) {
    case INS1_OP_SELF_ATTENTION:
        return check_precision(on, op);
    case INS1_OP_MATMUL:
        return check_rounding(on, op, op->in[0].dtype);
    case INS1_OP_MATMUL_EXPERTS:
        status = check_rounding(on, op, op->in[2].dtype);
        if (status == INS1_OK)
            status = check_products(on, letter(on, 't'), op->i[1]);
        return status == INS1_OK ? check_experts(on, seen, op) : status;
    case INS1_OP_ROUTE:
        return check_groups(on, op);
    case INS1_OP_COMBINE:
        return check_products(on, letter(on, 't'), letter(on, 'k'));
    case INS1_OP_ACT_MUL:
    case INS1_OP_ACT:
        return check_act(on, op);
    case INS1_OP_ADD:
        return check_turns(on);
    case INS1_OP_MEAN:
        return check_mean(on);
    default:
        return INS1_OK;
    }
}

/* What operand `at` has to be. */
static const s1_operand *operand_of(const s1_definition *d, const ins1_op *op, int32_t at)
{
    if (op->op != INS1_OP_MATMUL || op->in[0].dtype != INS1_DTYPE_I8 || at % 2)
        return &d->operands[at];
    return at == 0 ? &i8_matrix : at == 2 ? &i8_scale : &d->operands[at];
}

static int64_t inputs_of(const s1_definition *d, const ins1_op *op)
{
    return op->op == INS1_OP_MATMUL_EXPERTS ? 2 + 2 * (int64_t)op->i[2] : d->n_in;
}

ins1_status s1_check_op(const s1_device *device, s1_seen *seen, const ins1_op *op,
                        ins1_error *error)
{
    const s1_definition *d = s1_definition_of(op->op);
    if (!d)
        return s1_fail(error, INS1_E_UNSUPPORTED, "operation %d is not known", op->op);
    inspection on = { .device = device, .op = d->name, .first = op->in, .error = error };

    if (op->struct_size != sizeof(*op) || (op->flags & ~d->flags))
        return s1_fail(error, INS1_E_INTERNAL, "%s: %u bytes with flags 0x%x", d->name,
                       op->struct_size, op->flags);
    if (op->n_in != inputs_of(d, op) || op->n_in < d->n_in || op->n_out != d->n_out || !op->in ||
        !op->out || (op->op == INS1_OP_MATMUL_EXPERTS && op->i[2] < 1))
        return s1_fail(error, INS1_E_INTERNAL, "%s: %d inputs and %d outputs", d->name, op->n_in,
                       op->n_out);

    for (size_t i = 0; i < sizeof(on.letters) / sizeof(on.letters[0]); i++)
        on.letters[i] = UNKNOWN;
    for (int32_t i = 0; i < d->n_in + d->n_out; i++) {
        const ins1_tensor_desc *view = i < d->n_in ? &op->in[i] : &op->out[i - d->n_in];
        ins1_status status = check_operand(&on, operand_of(d, op, i), view);
        if (status != INS1_OK)
            return status;
    }
    return check_rest(&on, seen, op);
}
