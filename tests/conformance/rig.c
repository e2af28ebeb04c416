#include "rig.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 0xc7, MARGIN = 64 };

/* ---- numbers ----------------------------------------------------------------------------------
 */

uint64_t rig_random(rig *r, uint64_t below)
{
    r->seed = r->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (r->seed >> 33) % below;
}

double rig_unit(rig *r)
{
    return (double)rig_random(r, 1u << 24) / (1 << 23) - 1;
}

int32_t element_size(int32_t dtype)
{
    return dtype == INS1_DTYPE_F32 || dtype == INS1_DTYPE_I32    ? 4
           : dtype == INS1_DTYPE_F16 || dtype == INS1_DTYPE_BF16 ? 2
                                                                 : 1;
}

const char *type_name(int32_t dtype)
{
    switch (dtype) {
    case INS1_DTYPE_F32:
        return "F32";
    case INS1_DTYPE_F16:
        return "F16";
    case INS1_DTYPE_BF16:
        return "BF16";
    case INS1_DTYPE_F8_E4M3:
        return "F8_E4M3";
    case INS1_DTYPE_U8:
        return "U8";
    case INS1_DTYPE_I8:
        return "I8";
    case INS1_DTYPE_I32:
        return "I32";
    default:
        return "none";
    }
}

/* A float of `exponent` and `mantissa` bits, as its standard says; the top exponent is infinite
 * unless `is_finite`. */
static double decode(uint32_t bits, int exponent, int mantissa, bool is_finite)
{
    uint32_t e = bits >> mantissa & ((1u << exponent) - 1);
    uint32_t m = bits & ((1u << mantissa) - 1);
    int bias = (1 << (exponent - 1)) - 1;
    double sign = bits >> (exponent + mantissa) & 1 ? -1 : 1;

    if (is_finite && e == (1u << exponent) - 1 && m == (1u << mantissa) - 1)
        return NAN;
    if (!is_finite && e == (1u << exponent) - 1)
        return m ? NAN : sign * INFINITY;
    if (!e)
        return sign * ldexp(m, 1 - bias - mantissa);
    return sign * ldexp((double)m + (double)(1u << mantissa), (int)e - bias - mantissa);
}

/* To nearest even, of a finite value in range or a NaN. */
static uint32_t encode(double value, int exponent, int mantissa)
{
    int bias = (1 << (exponent - 1)) - 1;
    int e = 0;

    if (isnan(value))
        return ((1u << exponent) - 1) << mantissa | ((1u << mantissa) - 1);
    if (value == 0) /* of which frexp says nothing */
        return signbit(value) ? 1u << (exponent + mantissa) : 0;
    frexp(value, &e);
    e = e - 1 < 1 - bias ? 1 - bias : e - 1; /* below lie the subnormals */
    /* A carry out of the mantissa moves the exponent by itself. */
    uint32_t units = (uint32_t)nearbyint(ldexp(fabs(value), mantissa - e));
    uint32_t bits = units + ((uint32_t)(e + bias - 1) << mantissa);
    return bits | (signbit(value) ? 1u << (exponent + mantissa) : 0);
}

double round_to_bf16(double value)
{
    return decode(encode(value, 8, 7), 8, 7, false);
}

static void store(unsigned char *to, int32_t dtype, double value)
{
    float full = (float)value;
    int32_t whole = (int32_t)value;
    uint16_t half;

    switch (dtype) {
    case INS1_DTYPE_F32:
        memcpy(to, &full, 4);
        return;
    case INS1_DTYPE_I32:
        memcpy(to, &whole, 4);
        return;
    case INS1_DTYPE_F16:
        half = (uint16_t)encode(value, 5, 10);
        memcpy(to, &half, 2);
        return;
    case INS1_DTYPE_BF16:
        half = (uint16_t)encode(value, 8, 7);
        memcpy(to, &half, 2);
        return;
    case INS1_DTYPE_F8_E4M3:
        *to = (unsigned char)encode(value, 4, 3);
        return;
    case INS1_DTYPE_I8:
        *to = (unsigned char)whole;
        return;
    default:
        *to = (unsigned char)value;
    }
}

static double load(const unsigned char *from, int32_t dtype)
{
    float full;
    int32_t whole;
    uint16_t half;

    switch (dtype) {
    case INS1_DTYPE_F32:
        memcpy(&full, from, 4);
        return (double)full;
    case INS1_DTYPE_I32:
        memcpy(&whole, from, 4);
        return whole;
    case INS1_DTYPE_F16:
        memcpy(&half, from, 2);
        return decode(half, 5, 10, false);
    case INS1_DTYPE_BF16:
        memcpy(&half, from, 2);
        return decode(half, 8, 7, false);
    case INS1_DTYPE_F8_E4M3:
        return decode(*from, 4, 3, true);
    case INS1_DTYPE_I8:
        return *from < 128 ? *from : *from - 256;
    default:
        return *from;
    }
}

/* ---- results ----------------------------------------------------------------------------------
 */

void rig_begin(rig *r, const char *op, const char *types)
{
    r->result = (conformance_result){ .op = op, .types = types };
}

void rig_end(rig *r)
{
    if (r->host->mistake)
        rig_expect(r, false, "the backend %s", r->host->mistake);
    r->host->mistake = NULL;
    r->failures += r->result.failures;
    if (r->report)
        r->report(r->user, &r->result);
}

bool rig_expect(rig *r, bool holds, const char *format, ...)
{
    if (holds)
        return true;
    if (!r->result.failures++) {
        va_list args;
        va_start(args, format);
        vsnprintf(r->result.text, sizeof(r->result.text), format, args);
        va_end(args);
    }
    return false;
}

/* ---- tensors ----------------------------------------------------------------------------------
 */

tensor tensor_none(void)
{
    return (tensor){ .desc = { .struct_size = sizeof(ins1_tensor_desc) } };
}

/* Bytes from the start of the buffer to dense element `at`. */
static uint64_t place_of(const tensor *t, size_t at)
{
    uint64_t elements = 0;
    for (int32_t i = t->desc.ndim - 1; i >= 0; i--) {
        elements += at % (uint64_t)t->desc.dim[i] * (uint64_t)t->desc.stride[i];
        at /= (size_t)t->desc.dim[i];
    }
    return t->desc.offset + elements * (uint64_t)element_size(t->desc.dtype);
}

static void set_strides(rig *r, ins1_tensor_desc *desc, int layout)
{
    int64_t stride = 1;
    for (int32_t i = desc->ndim - 1; i >= 0; i--) {
        desc->stride[i] = stride;
        stride *= desc->dim[i] ? desc->dim[i] : 1;
        if (i == desc->ndim - 1 && (layout & SPREAD))
            stride += 1 + (int64_t)rig_random(r, 20);
    }
    if (layout & TRANSPOSED) {
        desc->stride[0] = 1;
        desc->stride[1] = desc->dim[0] + (layout & SPREAD ? 3 : 0);
        desc->stride[1] += !desc->stride[1];
    }
}

tensor tensor_make(rig *r, int32_t dtype, int32_t ndim, const int64_t *dim, int layout)
{
    uint64_t size = (uint64_t)element_size(dtype);
    tensor t = { .desc = { .struct_size = sizeof(t.desc), .dtype = dtype, .ndim = ndim },
                 .count = 1 };
    uint64_t last = 0;

    for (int32_t i = 0; i < ndim; i++) {
        t.desc.dim[i] = dim[i];
        t.count *= (size_t)dim[i];
    }
    set_strides(r, &t.desc, layout);
    for (int32_t i = 0; i < ndim && t.count; i++)
        last += (uint64_t)(dim[i] - 1) * (uint64_t)t.desc.stride[i];
    t.desc.bytes = t.count ? (last + 1) * size : 0;
    t.desc.offset = MARGIN + size * rig_random(r, 17);
    t.size = t.desc.offset + t.desc.bytes + MARGIN;
    t.image = malloc(t.size);
    t.value = calloc(t.count + 1, sizeof(double));
    memset(t.image, GUARD, t.size);
    for (size_t i = 0; i < t.count; i++)
        memset(t.image + place_of(&t, i), 0, size);

    void *address = NULL;
    int32_t answer =
        r->api->buffer_new(r->context, t.size, INS1_MEM_SCRATCH, &t.desc.buffer, &address);
    rig_expect(r, answer == INS1_OK, "buffer_new answers %d", answer);
    return t;
}

void tensor_set(tensor *t, size_t at, double value)
{
    unsigned char *to = t->image + place_of(t, at);
    store(to, t->desc.dtype, value);
    t->value[at] = load(to, t->desc.dtype);
}

void tensor_fill(rig *r, tensor *t, double scale)
{
    for (size_t i = 0; i < t->count; i++)
        tensor_set(t, i, rig_unit(r) * scale);
}

void tensor_spoil(tensor *t)
{
    for (size_t i = 0; i < t->count; i++)
        tensor_set(t, i, t->desc.dtype == INS1_DTYPE_I32 ? -77 : (double)NAN);
}

static void wait_for(rig *r, int32_t answer, const char *what)
{
    if (answer == INS1_OK && r->api->sync)
        answer = r->api->sync(r->stream, INT64_MAX);
    rig_expect(r, answer == INS1_OK, "%s answers %d: %s", what, answer, r->host->said);
}

void tensor_upload(rig *r, tensor *t)
{
    if (t->desc.dtype)
        wait_for(r, r->api->write(r->stream, t->desc.buffer, 0, t->image, t->size), "write");
}

tensor rig_filled(rig *r, int32_t dtype, int32_t ndim, const int64_t *dim, int layout, double scale)
{
    tensor t = tensor_make(r, dtype, ndim, dim, layout);
    tensor_fill(r, &t, scale);
    tensor_upload(r, &t);
    return t;
}

tensor rig_spoiled(rig *r, int32_t dtype, int32_t ndim, const int64_t *dim, int layout)
{
    tensor t = tensor_make(r, dtype, ndim, dim, layout);
    tensor_spoil(&t);
    tensor_upload(r, &t);
    return t;
}

wanted rig_want(const tensor *t)
{
    return (wanted){ calloc(t->count + 1, sizeof(double)), calloc(t->count + 1, sizeof(double)) };
}

void rig_want_drop(wanted *w)
{
    free(w->value);
    free(w->bound);
}

void tensor_drop(rig *r, tensor *t)
{
    if (!t->desc.dtype)
        return;
    r->api->buffer_free(r->context, t->desc.buffer);
    free(t->image);
    free(t->value);
}

static unsigned char *read_back(rig *r, const tensor *t)
{
    unsigned char *got = malloc(t->size);
    memset(got, 0, t->size);
    wait_for(r, r->api->read(r->stream, t->desc.buffer, 0, got, t->size), "read");
    return got;
}

static void check_surroundings(rig *r, const tensor *t, const unsigned char *got)
{
    unsigned char *mine = calloc(1, t->size);
    size_t size = (size_t)element_size(t->desc.dtype);
    bool touched = false;

    for (size_t i = 0; i < t->count; i++)
        memset(mine + place_of(t, i), 1, size);
    for (uint64_t i = 0; i < t->size && !touched; i++)
        touched = !mine[i] && got[i] != GUARD;
    rig_expect(r, !touched, "bytes around an output were written");
    free(mine);
}

void tensor_check(rig *r, const tensor *t, const double *want, const double *bound)
{
    unsigned char *got = read_back(r, t);

    check_surroundings(r, t, got);
    for (size_t i = 0; i < t->count && r->computes; i++) {
        double value = load(got + place_of(t, i), t->desc.dtype);
        double error = fabs(value - want[i]);
        double ratio = error == 0 ? 0 : error / bound[i];
        if (!(ratio <= r->result.worst) && !isnan(ratio)) {
            r->result.worst = ratio;
            r->result.error = error;
            r->result.bound = bound[i];
        }
        if (!rig_expect(r, error <= bound[i],
                        "element %zu of %zu is %.9g, %.9g expected within %.3g", i, t->count, value,
                        want[i], bound[i]))
            break;
    }
    free(got);
}

void tensor_check_unchanged(rig *r, const tensor *t)
{
    if (!t->desc.dtype)
        return;
    unsigned char *got = read_back(r, t);
    rig_expect(r, memcmp(got, t->image, t->size) == 0, "an input was written");
    free(got);
}

void tensor_download(rig *r, tensor *t)
{
    unsigned char *got = read_back(r, t);
    for (size_t i = 0; i < t->count; i++)
        t->value[i] = load(got + place_of(t, i), t->desc.dtype);
    free(got);
}

/* ---- running ----------------------------------------------------------------------------------
 */

ins1_op op_of(int32_t op, const ins1_tensor_desc *in, int32_t n_in, const ins1_tensor_desc *out,
              int32_t n_out)
{
    return (ins1_op){
        .struct_size = sizeof(ins1_op),
        .op = op,
        .n_in = n_in,
        .n_out = n_out,
        .in = in,
        .out = out,
    };
}

int32_t rig_answer(rig *r, const ins1_op *ops, int32_t n)
{
    int32_t answer = r->api->run(r->stream, ops, n);
    if (answer == INS1_OK && r->api->sync)
        answer = r->api->sync(r->stream, INT64_MAX);
    return answer;
}

bool rig_run(rig *r, const ins1_op *ops, int32_t n)
{
    r->result.cases++;
    for (int32_t i = 0; i < n; i++) {
        if (r->api->supports(r->context, &ops[i]) <= 0) {
            r->result.unsupported++;
            return false;
        }
    }
    int32_t answer = rig_answer(r, ops, n);
    return rig_expect(r, answer == INS1_OK, "run answers %d: %s", answer, r->host->said);
}
