#include "backend/backend.h"

#include "backend/dummy/dummy.h"
#include "base/memory.h"
#include "interns1/model.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The CPU and a dummy, whom the tests tell what to do. */
static s1_dummy dummy;
static s1_pool *pool;
static s1_host host;
static s1_registry *registry;
static s1_device *device;
static ins1_error error;
static s1_call call;

static int32_t enter_dummy(uint32_t abi, const ins1_host_api *api, ins1_backend_api *out)
{
    return abi >> 16 == INS1_BACKEND_ABI_MAJOR ? s1_dummy_backend(out, api, &dummy)
                                               : INS1_E_VERSION;
}

static void setup_without_dummy(void)
{
    memset(&dummy, 0, sizeof(dummy));
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (s1_call){ .error = &error, .deadline_ns = INT64_MAX };
    ck_assert_int_eq(s1_pool_create(&pool, &s1_heap, NULL, &error), INS1_OK);
    host = (s1_host){ .memory = &s1_heap, .pool = pool };
    ck_assert_int_eq(s1_registry_create(&registry, &host, NULL, &error), INS1_OK);
}

static void open_dummy(void)
{
    ck_assert_msg(s1_registry_enter(registry, enter_dummy, &error) == INS1_OK, "%s", error.text);
    ck_assert_msg(s1_registry_device(registry, 1, &device, &error) == INS1_OK, "%s", error.text);
}

static void setup(void)
{
    setup_without_dummy();
    open_dummy();
}

static void teardown(void)
{
    s1_registry_destroy(registry);
    s1_pool_destroy(pool);
    ck_assert_int_eq(atomic_load(&dummy.live), 0);
    ck_assert_int_eq(atomic_load(&dummy.complaints), 0);
}

/* ---- a matrix product to run ------------------------------------------------------------------
 */

enum { N = 5, K = 7, T = 3 };

typedef struct product {
    s1_buffer w, x, y;
    s1_stream *stream;
    ins1_tensor_desc in[4];
    ins1_tensor_desc out[1];
    ins1_op op;
} product;

static void product_make(product *p, s1_device *on)
{
    memset(p, 0, sizeof(*p));
    ck_assert_msg(s1_buffer_create(&p->w, on, N * K * 4, INS1_MEM_WEIGHTS, &error) == INS1_OK, "%s",
                  error.text);
    ck_assert_int_eq(s1_buffer_create(&p->x, on, T * K * 4, INS1_MEM_SCRATCH, &error), INS1_OK);
    ck_assert_int_eq(s1_buffer_create(&p->y, on, T * N * 4, INS1_MEM_SCRATCH, &error), INS1_OK);
    ck_assert_int_eq(s1_stream_create(&p->stream, on, &host, &error), INS1_OK);
    p->in[0] = s1_view(&p->w, 0, INS1_DTYPE_F32, 2, (int64_t[]){ N, K });
    p->in[1] = s1_view(&p->x, 0, INS1_DTYPE_F32, 2, (int64_t[]){ T, K });
    p->out[0] = s1_view(&p->y, 0, INS1_DTYPE_F32, 2, (int64_t[]){ T, N });
    p->op = (ins1_op){
        .struct_size = sizeof(p->op),
        .op = INS1_OP_MATMUL,
        .n_in = 4,
        .n_out = 1,
        .in = p->in,
        .out = p->out,
        .i = { INS1_PRECISION_F32 },
    };
}

static void product_drop(product *p)
{
    s1_stream_destroy(p->stream);
    s1_buffer_destroy(&p->w);
    s1_buffer_destroy(&p->x);
    s1_buffer_destroy(&p->y);
}

/* ---- what operations must be ------------------------------------------------------------------
 */

START_TEST(a_right_operation_reaches_the_device)
{
    product p;
    product_make(&p, device);
    ck_assert_msg(s1_stream_run(p.stream, &p.op, 1, &call) == INS1_OK, "%s", error.text);
    ck_assert_int_eq(atomic_load(&dummy.ops), 1);
    product_drop(&p);
}
END_TEST

static void wrong_axes(product *p)
{
    p->in[0].ndim = 3;
}

static void wrong_dim(product *p)
{
    p->in[1].dim[1] = K + 1;
}

static void wrong_rows(product *p)
{
    p->out[0].dim[0] = T + 1;
}

static void negative_dim(product *p)
{
    p->in[1].dim[0] = -1;
}

static void huge_dim(product *p)
{
    p->in[1].dim[0] = p->out[0].dim[0] = INT64_MAX;
}

static void wrong_type(product *p)
{
    p->in[1].dtype = INS1_DTYPE_BF16;
}

static void unknown_type(product *p)
{
    p->in[0].dtype = 0x70007;
}

static void absent_input(product *p)
{
    p->in[0].dtype = 0;
}

static void absent_output(product *p)
{
    p->out[0].dtype = 0;
}

static void dead_buffer(product *p)
{
    p->in[0].buffer++;
}

static void past_the_end(product *p)
{
    p->in[0].offset = 4;
}

static void far_past_the_end(product *p)
{
    p->in[0].offset = UINT64_MAX - 3;
}

static void shape_longer_than_bytes(product *p)
{
    p->in[0].bytes = N * K * 4 - 1;
}

static void bytes_longer_than_buffer(product *p)
{
    p->in[0].bytes = N * K * 4 + 1;
}

static void stride_too_long(product *p)
{
    p->in[0].stride[0] = K + 1;
}

static void stride_that_overflows(product *p)
{
    p->in[0].stride[0] = INT64_MAX / 2;
}

static void stride_of_nothing(product *p)
{
    p->in[1].stride[0] = 0;
}

static void negative_stride(product *p)
{
    p->in[1].stride[0] = -K;
}

static void last_stride(product *p)
{
    p->in[1].stride[1] = 2;
    p->in[1].dim[0] = p->out[0].dim[0] = 1;
}

static void unaligned(product *p)
{
    p->in[1].offset = 1;
    p->in[1].dim[0] = p->out[0].dim[0] = 1;
    p->in[1].bytes = K * 4;
}

static void opaque_layout(product *p)
{
    p->in[0].layout = INS1_LAYOUT_OPAQUE;
}

static void view_of_another_size(product *p)
{
    p->in[0].struct_size = 8;
}

static void op_of_another_size(product *p)
{
    p->op.struct_size = 8;
}

static void too_few_inputs(product *p)
{
    p->op.n_in = 3;
}

static void two_outputs(product *p)
{
    p->op.n_out = 2;
}

static void no_inputs(product *p)
{
    p->op.in = NULL;
}

static void unknown_flags(product *p)
{
    p->op.flags = 0x100;
}

static void unknown_op(product *p)
{
    p->op.op = 1000;
}

static void negative_op(product *p)
{
    p->op.op = -1;
}

static void unknown_precision(product *p)
{
    p->op.i[0] = 77;
}

static void scale_of_wrong_shape(product *p)
{
    p->in[2] = s1_view(&p->x, 0, INS1_DTYPE_F32, 2, (int64_t[]){ 1, 2 });
}

static void bias_of_wrong_shape(product *p)
{
    p->in[3] = s1_view(&p->x, 0, INS1_DTYPE_F32, 1, (int64_t[]){ N + 1 });
}

static const struct {
    const char *what;
    void (*spoil)(product *p);
    ins1_status status;
} wrongs[] = {
    { "axes", wrong_axes, INS1_E_INTERNAL },
    { "dim", wrong_dim, INS1_E_INTERNAL },
    { "rows", wrong_rows, INS1_E_INTERNAL },
    { "negative dim", negative_dim, INS1_E_INTERNAL },
    { "huge dim", huge_dim, INS1_E_INTERNAL },
    { "type", wrong_type, INS1_E_INTERNAL },
    { "unknown type", unknown_type, INS1_E_INTERNAL },
    { "absent input", absent_input, INS1_E_INTERNAL },
    { "absent output", absent_output, INS1_E_INTERNAL },
    { "dead buffer", dead_buffer, INS1_E_INTERNAL },
    { "past the end", past_the_end, INS1_E_INTERNAL },
    { "far past the end", far_past_the_end, INS1_E_INTERNAL },
    { "shape longer than bytes", shape_longer_than_bytes, INS1_E_INTERNAL },
    { "bytes longer than buffer", bytes_longer_than_buffer, INS1_E_INTERNAL },
    { "stride too long", stride_too_long, INS1_E_INTERNAL },
    { "stride that overflows", stride_that_overflows, INS1_E_INTERNAL },
    { "stride of nothing", stride_of_nothing, INS1_E_INTERNAL },
    { "negative stride", negative_stride, INS1_E_INTERNAL },
    { "last stride", last_stride, INS1_E_INTERNAL },
    { "unaligned", unaligned, INS1_E_INTERNAL },
    { "opaque layout", opaque_layout, INS1_E_INTERNAL },
    { "view of another size", view_of_another_size, INS1_E_INTERNAL },
    { "operation of another size", op_of_another_size, INS1_E_INTERNAL },
    { "too few inputs", too_few_inputs, INS1_E_INTERNAL },
    { "two outputs", two_outputs, INS1_E_INTERNAL },
    { "no inputs", no_inputs, INS1_E_INTERNAL },
    { "unknown flags", unknown_flags, INS1_E_INTERNAL },
    { "scale of wrong shape", scale_of_wrong_shape, INS1_E_INTERNAL },
    { "bias of wrong shape", bias_of_wrong_shape, INS1_E_INTERNAL },
    { "unknown operation", unknown_op, INS1_E_UNSUPPORTED },
    { "negative operation", negative_op, INS1_E_UNSUPPORTED },
    { "unknown precision", unknown_precision, INS1_E_UNSUPPORTED },
};

START_TEST(a_wrong_operation_stops_at_the_front_door)
{
    product p;
    product_make(&p, device);
    wrongs[_i].spoil(&p);
    ins1_status status = s1_stream_run(p.stream, &p.op, 1, &call);
    ck_assert_msg(status == wrongs[_i].status, "%s: %d, %s", wrongs[_i].what, status, error.text);
    ck_assert_int_eq(error.status, wrongs[_i].status);
    ck_assert_str_ne(error.text, "");
    ck_assert_int_eq(atomic_load(&dummy.ops), 0);
    product_drop(&p);
}
END_TEST

/* Any number, and those around which comparisons go wrong. */
static int64_t odd_number(uint64_t *seed)
{
    static const int64_t corners[] = { 0,         1,         -1,        2,         N,
                                       K,         T,         N * K,     INT32_MAX, INT32_MIN,
                                       INT64_MAX, INT64_MIN, 1LL << 62, 1LL << 61, 128 };
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t pick = *seed >> 33;
    if (pick % 4 == 0)
        return (int64_t)(pick / 4 % 64);
    return corners[pick / 4 % (sizeof(corners) / sizeof(corners[0]))];
}

/* Whatever is changed, what still passes is a view inside its buffer: the dummy looks for itself.
 */
START_TEST(no_view_that_leaves_its_buffer_gets_past_the_front_door)
{
    uint64_t seed = 1;
    int passed = 0;
    product p;
    product_make(&p, device);
    const product whole = p;
    for (int i = 0; i < 40000; i++) {
        memcpy(p.in, whole.in, sizeof(p.in));
        memcpy(p.out, whole.out, sizeof(p.out));
        p.op = whole.op;
        p.op.in = p.in;
        p.op.out = p.out;
        for (int n = 0; n < 1 + i % 3; n++) {
            int which = (int)(odd_number(&seed) & 3);
            ins1_tensor_desc *view = which < 3 ? &p.in[which] : &p.out[0];
            int64_t value = odd_number(&seed);
            int axis = (int)(odd_number(&seed) & 1);
            switch (odd_number(&seed) & 7) {
            case 0:
                view->dim[axis] = value;
                break;
            case 1:
                view->stride[axis] = value;
                break;
            case 2:
                view->offset = (uint64_t)value;
                break;
            case 3:
                view->bytes = (uint64_t)value;
                break;
            case 4:
                view->ndim = (int32_t)value;
                break;
            case 5:
                p.in[2] = p.in[which % 2];
                break;
            default: /* the same change on both sides of the product */
                p.in[0].dim[axis] = p.in[1].dim[1] = value;
                p.out[0].dim[1] = p.in[0].dim[0];
            }
        }
        passed += s1_stream_run(p.stream, &p.op, 1, &call) == INS1_OK;
        ck_assert_int_eq(atomic_load(&dummy.complaints), 0);
    }
    ck_assert_int_gt(passed, 100);
    memcpy(p.in, whole.in, sizeof(p.in));
    product_drop(&p);
}
END_TEST

START_TEST(a_transposed_matrix_and_far_rows_are_right)
{
    product p;
    product_make(&p, device);
    p.in[0].stride[0] = 1;
    p.in[0].stride[1] = N;
    p.in[1].dim[0] = p.out[0].dim[0] = 2;
    p.in[1].stride[0] = K + 3;
    ck_assert_msg(s1_stream_run(p.stream, &p.op, 1, &call) == INS1_OK, "%s", error.text);
    product_drop(&p);
}
END_TEST

START_TEST(nothing_at_all_is_a_right_operation)
{
    product p;
    product_make(&p, device);
    p.in[1].dim[0] = p.out[0].dim[0] = 0;
    ck_assert_msg(s1_stream_run(p.stream, &p.op, 1, &call) == INS1_OK, "%s", error.text);
    ck_assert_int_eq(s1_stream_run(p.stream, NULL, 0, &call), INS1_OK);
    product_drop(&p);
}
END_TEST

START_TEST(a_buffer_that_is_gone_is_not_used)
{
    product p;
    product_make(&p, device);
    s1_buffer_destroy(&p.w);
    ck_assert_int_eq(s1_stream_run(p.stream, &p.op, 1, &call), INS1_E_INTERNAL);
    product_drop(&p);
}
END_TEST

/* ---- experts ----------------------------------------------------------------------------------
 */

enum { EXPERTS = 40, PICKS = 6 };

typedef struct experts {
    s1_buffer w[EXPERTS], x, ids, y;
    s1_stream *stream;
    ins1_tensor_desc in[2 + 2 * EXPERTS];
    ins1_tensor_desc out[1];
    ins1_op op;
} experts;

static void experts_make(experts *e)
{
    memset(e, 0, sizeof(*e));
    s1_buffer_create(&e->x, device, T * K * 4, INS1_MEM_SCRATCH, &error);
    s1_buffer_create(&e->ids, device, PICKS * 4, INS1_MEM_SCRATCH, &error);
    s1_buffer_create(&e->y, device, PICKS * N * 4, INS1_MEM_SCRATCH, &error);
    e->in[0] = s1_view(&e->x, 0, INS1_DTYPE_F32, 2, (int64_t[]){ T, K });
    e->in[1] = s1_view(&e->ids, 0, INS1_DTYPE_I32, 1, (int64_t[]){ PICKS });
    e->out[0] = s1_view(&e->y, 0, INS1_DTYPE_F32, 2, (int64_t[]){ PICKS, N });
    for (int i = 0; i < EXPERTS; i++) {
        s1_buffer_create(&e->w[i], device, N * K * 4, INS1_MEM_WEIGHTS, &error);
        e->in[2 + i] = s1_view(&e->w[i], 0, INS1_DTYPE_F32, 2, (int64_t[]){ N, K });
    }
    ck_assert_int_eq(s1_stream_create(&e->stream, device, &host, &error), INS1_OK);
    e->op = (ins1_op){
        .struct_size = sizeof(e->op),
        .op = INS1_OP_MATMUL_EXPERTS,
        .n_in = 2 + 2 * EXPERTS,
        .n_out = 1,
        .in = e->in,
        .out = e->out,
        .i = { INS1_PRECISION_BF16, PICKS / T, EXPERTS },
    };
}

static void experts_drop(experts *e)
{
    s1_stream_destroy(e->stream);
    for (int i = 0; i < EXPERTS; i++)
        s1_buffer_destroy(&e->w[i]);
    s1_buffer_destroy(&e->x);
    s1_buffer_destroy(&e->ids);
    s1_buffer_destroy(&e->y);
}

START_TEST(a_known_list_of_experts_is_known_only_while_it_stays_right)
{
    static experts e;
    experts_make(&e);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(s1_stream_run(e.stream, &e.op, 1, &call) == INS1_OK, "%s", error.text);

    /* Another width of x no longer goes with the list, known as it is. */
    e.in[0].dim[1] = K - 1;
    ck_assert_int_eq(s1_stream_run(e.stream, &e.op, 1, &call), INS1_E_INTERNAL);
    e.in[0].dim[1] = K;

    /* A matrix in the middle that shrank is found in its turn. */
    e.in[2 + EXPERTS / 2].dim[1] = K - 1;
    ins1_status status = INS1_OK;
    for (int i = 0; i < EXPERTS && status == INS1_OK; i++)
        status = s1_stream_run(e.stream, &e.op, 1, &call);
    ck_assert_int_eq(status, INS1_E_INTERNAL);
    e.in[2 + EXPERTS / 2].dim[1] = K;
    ck_assert_int_eq(s1_stream_run(e.stream, &e.op, 1, &call), INS1_OK);

    /* A buffer that goes away makes every list unknown. */
    s1_buffer_destroy(&e.w[EXPERTS / 3]);
    ck_assert_int_eq(s1_stream_run(e.stream, &e.op, 1, &call), INS1_E_INTERNAL);
    experts_drop(&e);
}
END_TEST

static const struct {
    const char *what;
    int32_t n_in, each, n_experts;
} wrong_experts[] = {
    { "each", 2 + 2 * EXPERTS, 3, EXPERTS },
    { "negative each", 2 + 2 * EXPERTS, -2, EXPERTS },
    { "inputs", 2 + EXPERTS, 2, EXPERTS },
    { "none", 2, 2, 0 },
    { "negative", 0, 2, -1 },
    { "so many that the count wraps", 2, 2, INT32_MIN },
    { "more than inputs", 2 + 2 * EXPERTS, 2, INT32_MAX },
};

START_TEST(a_wrong_number_of_experts_stops_at_the_front_door)
{
    static experts e;
    experts_make(&e);
    e.op.n_in = wrong_experts[_i].n_in;
    e.op.i[1] = wrong_experts[_i].each;
    e.op.i[2] = wrong_experts[_i].n_experts;
    ins1_status status = s1_stream_run(e.stream, &e.op, 1, &call);
    ck_assert_msg(status == INS1_E_INTERNAL, "%s: %d", wrong_experts[_i].what, status);
    experts_drop(&e);
}
END_TEST

/* ---- what devices answer ----------------------------------------------------------------------
 */

static const struct {
    int32_t answer;
    ins1_status status;
} answers[] = {
    { INS1_OK, INS1_OK },
    { INS1_E_MEMORY, INS1_E_MEMORY },
    { INS1_E_UNSUPPORTED, INS1_E_UNSUPPORTED },
    { INS1_E_CANCELED, INS1_E_CANCELED },
    { INS1_E_DEADLINE, INS1_E_DEADLINE },
    { INS1_E_BUDGET, INS1_E_DEVICE }, /* not its to say */
    { INS1_E_CALLBACK, INS1_E_DEVICE },
    { -1000, INS1_E_DEVICE },
    { 1, INS1_E_DEVICE },
};

enum { N_ANSWERS = sizeof(answers) / sizeof(answers[0]) };

static void lie(int32_t which, int32_t from, int32_t answer)
{
    for (int i = 0; i < S1_DUMMY_N_CALLS; i++)
        atomic_store(&dummy.calls[i], 0);
    dummy.lies = answer != INS1_OK;
    dummy.lie_call = which;
    dummy.lie_from = from;
    dummy.lie_answer = answer;
}

START_TEST(an_answer_that_is_no_status_is_a_failed_device)
{
    static const int32_t calls[] = { S1_DUMMY_RUN, S1_DUMMY_SYNC };
    for (size_t i = 0; i < 2; i++) {
        product p;
        if (i > 0 && answers[_i].status == INS1_E_DEVICE)
            break; /* the first one lost the device */
        product_make(&p, device);
        lie(calls[i], 0, answers[_i].answer);
        error.status = INS1_OK;
        ck_assert_int_eq(s1_stream_run(p.stream, &p.op, 1, &call), answers[_i].status);
        ck_assert_int_eq(error.status, answers[_i].status);
        dummy.lies = false;
        product_drop(&p);
    }
}
END_TEST

START_TEST(transfers_and_buffers_are_judged_too)
{
    char bytes[16] = { 0 };
    product p;
    product_make(&p, device);
    ins1_status wanted = answers[_i].status;

    lie(S1_DUMMY_BUFFER_NEW, 0, answers[_i].answer);
    s1_buffer more;
    ck_assert_int_eq(s1_buffer_create(&more, device, 16, INS1_MEM_KV, &error), wanted);
    if (wanted != INS1_OK)
        ck_assert_ptr_null(more.device);
    s1_buffer_destroy(&more);
    if (wanted != INS1_E_DEVICE) {
        lie(S1_DUMMY_WRITE, 0, answers[_i].answer);
        ck_assert_int_eq(s1_stream_write(p.stream, &p.x, 0, bytes, 16, &call), wanted);
        lie(S1_DUMMY_READ, 0, answers[_i].answer);
        ck_assert_int_eq(s1_stream_read(p.stream, &p.x, 0, bytes, 16, &call), wanted);
        lie(S1_DUMMY_COPY, 0, answers[_i].answer);
        ck_assert_int_eq(s1_stream_copy(p.stream, &p.x, 0, &p.x, 32, 16, &call), wanted);
    }
    dummy.lies = false;
    product_drop(&p);
}
END_TEST

START_TEST(a_device_that_failed_stays_lost)
{
    product p;
    s1_buffer more;
    s1_stream *another;
    product_make(&p, device);
    lie(S1_DUMMY_RUN, 0, 42);
    ck_assert_int_eq(s1_stream_run(p.stream, &p.op, 1, &call), INS1_E_DEVICE);
    dummy.lies = false;
    ck_assert_int_eq(s1_stream_run(p.stream, &p.op, 1, &call), INS1_E_DEVICE);
    ck_assert_int_eq(s1_buffer_create(&more, device, 4, INS1_MEM_KV, &error), INS1_E_DEVICE);
    ck_assert_int_eq(s1_stream_create(&another, device, &host, &error), INS1_E_DEVICE);
    product_drop(&p);

    /* The process goes on, on another device. */
    ck_assert_int_eq(s1_registry_device(registry, 0, &device, &error), INS1_OK);
    product_make(&p, device);
    ck_assert_int_eq(s1_stream_run(p.stream, &p.op, 1, &call), INS1_OK);
    product_drop(&p);
}
END_TEST

START_TEST(what_the_device_says_reaches_the_record)
{
    product p;
    product_make(&p, device);
    lie(S1_DUMMY_RUN, 0, INS1_E_MEMORY);
    dummy.lie_text = "the moon is in the way";
    ck_assert_int_eq(s1_stream_run(p.stream, &p.op, 1, &call), INS1_E_MEMORY);
    ck_assert_str_eq(error.text, "dummy: the moon is in the way");
    ck_assert_int_eq(error.backend_code, 77);
    dummy.lies = false;
    ck_assert_int_eq(s1_stream_run(p.stream, &p.op, 1, &call), INS1_OK);
    product_drop(&p);
}
END_TEST

/* The dummy never made them, so nothing is freed there. */
START_TEST(the_same_buffer_twice_is_a_failed_device)
{
    s1_buffer first, second;
    dummy.same_id_twice = true;
    ck_assert_int_eq(s1_buffer_create(&first, device, 0, INS1_MEM_KV, &error), INS1_OK);
    ck_assert_int_eq(s1_buffer_create(&second, device, 0, INS1_MEM_KV, &error), INS1_E_DEVICE);
    ck_assert_ptr_null(second.device);
}
END_TEST

START_TEST(zeroed_buffers_and_copies_work_without_host_memory)
{
    s1_buffer buffer;
    s1_stream *stream;
    unsigned char *bytes = malloc(40000);
    memset(bytes, 7, 40000);
    ck_assert_msg(s1_buffer_create(&buffer, device, 40000, INS1_MEM_KV, &error) == INS1_OK, "%s",
                  error.text);
    ck_assert_ptr_null(buffer.host);
    ck_assert_int_eq(s1_stream_create(&stream, device, &host, &error), INS1_OK);
    ck_assert_int_eq(s1_stream_read(stream, &buffer, 0, bytes, 40000, &call), INS1_OK);
    for (int i = 0; i < 40000; i++)
        ck_assert_uint_eq(bytes[i], 0);
    s1_buffer_destroy(&buffer);

    memset(bytes, 9, 40000);
    ck_assert_int_eq(s1_buffer_wrap(&buffer, device, bytes, 40000, INS1_MEM_WEIGHTS, &error),
                     INS1_OK);
    memset(bytes, 0, 40000);
    ck_assert_int_eq(s1_stream_read(stream, &buffer, 39999, bytes, 1, &call), INS1_OK);
    ck_assert_uint_eq(bytes[0], 9);
    ck_assert_int_eq(s1_stream_read(stream, &buffer, 39999, bytes, 2, &call), INS1_E_INTERNAL);
    ck_assert_int_eq(s1_stream_read(stream, &buffer, UINT64_MAX, bytes, 2, &call), INS1_E_INTERNAL);
    s1_stream_destroy(stream);
    s1_buffer_destroy(&buffer);
    free(bytes);
}
END_TEST

static void setup_device_memory(void)
{
    setup_without_dummy();
    dummy.has_device_memory = true;
    open_dummy();
}

START_TEST(what_a_device_lacks_runs_on_the_cpu_over_the_same_memory)
{
    product p;
    product_make(&p, device);
    float *w = p.w.host, *x = p.x.host, *y = p.y.host;
    for (int i = 0; i < N * K; i++)
        w[i] = 1;
    for (int i = 0; i < T * K; i++)
        x[i] = 2;
    dummy.supported = 1u << INS1_OP_ADD;
    ck_assert_msg(s1_stream_run(p.stream, &p.op, 1, &call) == INS1_OK, "%s", error.text);
    for (int i = 0; i < T * N; i++)
        ck_assert_float_eq(y[i], 2 * K);
    ck_assert_int_eq(atomic_load(&dummy.ops), 0);
    product_drop(&p);
}
END_TEST

START_TEST(what_a_device_with_its_own_memory_lacks_is_unsupported)
{
    product p;
    product_make(&p, device);
    dummy.supported = 1u << INS1_OP_ADD;
    ck_assert_int_eq(s1_stream_run(p.stream, &p.op, 1, &call), INS1_E_UNSUPPORTED);
    product_drop(&p);
}
END_TEST

/* ---- stopping ---------------------------------------------------------------------------------
 */

static void request_stop(void *user)
{
    ins1_cancel *cancel = user;
    atomic_store(&cancel->requested, 1);
}

START_TEST(a_request_to_stop_ends_the_call_between_and_inside_operations)
{
    struct ins1_cancel cancel = { 0 };
    product p;
    product_make(&p, device);
    ins1_op ops[] = { p.op, p.op, p.op };
    call.cancel = &cancel;
    dummy.during_run = request_stop;
    dummy.user = &cancel;
    ck_assert_int_eq(s1_stream_run(p.stream, ops, 3, &call), INS1_E_CANCELED);
    ck_assert_int_eq(atomic_load(&dummy.ops), 1);
    ck_assert_int_eq(s1_stream_run(p.stream, ops, 3, &call), INS1_E_CANCELED);
    ck_assert_int_eq(atomic_load(&dummy.ops), 1);
    atomic_store(&cancel.requested, 0);
    dummy.during_run = NULL;
    ck_assert_int_eq(s1_stream_run(p.stream, ops, 3, &call), INS1_OK);
    call.deadline_ns = s1_now_ns() - 1;
    ck_assert_int_eq(s1_stream_run(p.stream, ops, 3, &call), INS1_E_DEADLINE);
    product_drop(&p);
}
END_TEST

static int32_t refuse(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    (void)user;
    (void)fn;
    (void)arg;
    (void)n;
    return 1;
}

START_TEST(a_host_that_refuses_to_run_tasks_is_told_so)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    s1_pool *unwilling;
    product p;
    threading.mode = INS1_THREADS_HOST;
    threading.n_threads = 2;
    threading.parallel_for = refuse;
    ck_assert_int_eq(s1_pool_create(&unwilling, &s1_heap, &threading, &error), INS1_OK);
    product_make(&p, device);
    host.pool = unwilling;
    ck_assert_int_eq(s1_stream_run(p.stream, &p.op, 1, &call), INS1_E_CALLBACK);
    ck_assert_int_eq(error.status, INS1_E_CALLBACK);
    host.pool = pool;
    ck_assert_int_eq(s1_stream_run(p.stream, &p.op, 1, &call), INS1_OK);
    product_drop(&p);
    s1_pool_destroy(unwilling);
}
END_TEST

/* ---- many buffers -----------------------------------------------------------------------------
 */

START_TEST(buffers_are_found_however_many_come_and_go)
{
    enum { MANY = 700 };
    static s1_buffer many[MANY];
    product p;
    product_make(&p, device);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            ck_assert_int_eq(s1_buffer_create(&many[i], device, 16, INS1_MEM_KV, &error), INS1_OK);
        for (int i = 0; i < MANY; i += 1 + round)
            s1_buffer_destroy(&many[i]);
        ck_assert_msg(s1_stream_run(p.stream, &p.op, 1, &call) == INS1_OK, "%s", error.text);
        for (int i = 0; i < MANY; i++)
            s1_buffer_destroy(&many[i]);
    }
    product_drop(&p);
}
END_TEST

/* ---- tables -----------------------------------------------------------------------------------
 */

static ins1_backend_api table(void)
{
    ins1_backend_api api;
    ins1_host_api no_host = { .abi = INS1_BACKEND_ABI };
    s1_dummy_backend(&api, &no_host, &dummy);
    return api;
}

static ins1_backend_api given;

static int32_t enter_given(uint32_t abi, const ins1_host_api *api, ins1_backend_api *out)
{
    (void)abi;
    (void)api;
    *out = given;
    return INS1_OK;
}

static ins1_status add(const ins1_backend_api *api)
{
    given = *api;
    return s1_registry_enter(registry, enter_given, &error);
}

START_TEST(a_table_is_taken_or_refused_for_a_reason)
{
    ins1_backend_api api = table();
    api.struct_size = 40;
    ck_assert_int_eq(add(&api), INS1_E_ARGUMENT);
    api = table();
    api.abi = 2 << 16;
    ck_assert_int_eq(add(&api), INS1_E_VERSION);
    api = table();
    api.abi = INS1_BACKEND_ABI + 1;
    ck_assert_int_eq(add(&api), INS1_E_VERSION);
    api = table();
    api.run = NULL;
    ck_assert_int_eq(add(&api), INS1_E_ARGUMENT);
    api = table();
    api.name = "two words";
    ck_assert_int_eq(add(&api), INS1_E_ARGUMENT);
    api = table();
    api.name = "cpu";
    ck_assert_int_eq(add(&api), INS1_E_STATE);
    ck_assert_int_eq(s1_registry_count(registry), 1);
}
END_TEST

static int32_t entry_of_another_version(uint32_t abi, const ins1_host_api *api,
                                        ins1_backend_api *out)
{
    (void)abi;
    (void)api;
    (void)out;
    return INS1_E_VERSION;
}

static int32_t entry_that_answers_nonsense(uint32_t abi, const ins1_host_api *api,
                                           ins1_backend_api *out)
{
    (void)abi;
    (void)api;
    (void)out;
    return 3;
}

static int32_t entry_that_fills_nothing(uint32_t abi, const ins1_host_api *api,
                                        ins1_backend_api *out)
{
    (void)abi;
    (void)api;
    (void)out;
    return INS1_OK;
}

START_TEST(an_entry_is_judged)
{
    ck_assert_int_eq(s1_registry_enter(registry, entry_of_another_version, &error), INS1_E_VERSION);
    ck_assert_int_eq(s1_registry_enter(registry, entry_that_answers_nonsense, &error),
                     INS1_E_DEVICE);
    ck_assert_int_eq(s1_registry_enter(registry, entry_that_fills_nothing, &error),
                     INS1_E_ARGUMENT);
    dummy.n_devices = -5;
    ck_assert_int_eq(s1_registry_enter(registry, enter_dummy, &error), INS1_E_DEVICE);
    dummy.n_devices = 1000;
    ck_assert_int_eq(s1_registry_enter(registry, enter_dummy, &error), INS1_E_DEVICE);
    ck_assert_int_eq(s1_registry_count(registry), 1);
}
END_TEST

static int32_t enter_another_dummy(uint32_t abi, const ins1_host_api *api, ins1_backend_api *out)
{
    static s1_dummy another;
    (void)abi;
    return s1_dummy_backend(out, api, &another);
}

START_TEST(devices_have_the_names_that_find_takes)
{
    int32_t index;
    ins1_device_info info;
    dummy.n_devices = 3;
    ck_assert_int_eq(s1_registry_enter(registry, enter_dummy, &error), INS1_OK);
    ck_assert_int_eq(s1_registry_enter(registry, enter_another_dummy, &error), INS1_E_STATE);
    ck_assert_int_eq(s1_registry_count(registry), 4);
    ck_assert_int_eq(s1_registry_find(registry, "cpu", &index, &error), INS1_OK);
    ck_assert_int_eq(index, 0);
    ck_assert_int_eq(s1_registry_find(registry, "dummy", &index, &error), INS1_OK);
    ck_assert_int_eq(index, 1);
    ck_assert_int_eq(s1_registry_find(registry, "dummy:2", &index, &error), INS1_OK);
    ck_assert_int_eq(index, 3);
    ck_assert_int_eq(s1_registry_info(registry, 3, &info, &error), INS1_OK);
    ck_assert_str_eq(info.name, "dummy:2");
    ck_assert_str_eq(info.backend, "dummy");
    ck_assert_int_eq(s1_registry_find(registry, "dummy:3", &index, &error), INS1_E_UNSUPPORTED);
    ck_assert_int_eq(s1_registry_find(registry, "", &index, &error), INS1_E_UNSUPPORTED);
    ck_assert_int_eq(s1_registry_info(registry, 4, &info, &error), INS1_E_ARGUMENT);
    ck_assert_int_eq(s1_registry_info(registry, -1, &info, &error), INS1_E_ARGUMENT);
}
END_TEST

static const struct {
    const char *path;
    ins1_status status;
} paths[] = {
    { "ins1_dummy.so", INS1_E_ARGUMENT },
    { "", INS1_E_ARGUMENT },
    { "/nowhere/ins1_dummy.so", INS1_E_IO },
    { DUMMY_PLUGIN, INS1_OK },
};

START_TEST(a_plugin_is_loaded_from_an_absolute_path_only)
{
    ins1_status status = s1_registry_load(registry, paths[_i].path, &error);
    ck_assert_msg(status == paths[_i].status, "'%s': %d, %s", paths[_i].path, status, error.text);
    ck_assert_int_eq(s1_registry_count(registry), status == INS1_OK ? 2 : 1);
    if (status == INS1_E_IO)
        ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/ins1_dummy.so"));
}
END_TEST

/* Sums of small whole numbers are exact in any order. */
START_TEST(openblas_multiplies_and_the_cpu_does_the_rest)
{
    product p;
    if (!OPENBLAS_PLUGIN[0]) {
        printf("skipped: the OpenBLAS plugin is not built\n");
        return;
    }
    ck_assert_msg(s1_registry_load(registry, OPENBLAS_PLUGIN, &error) == INS1_OK, "%s", error.text);
    if (s1_registry_count(registry) == 1) {
        printf("skipped: the OpenBLAS that is loaded has threads\n");
        return;
    }
    ck_assert_int_eq(s1_registry_device(registry, 1, &device, &error), INS1_OK);
    product_make(&p, device);
    for (int i = 0; i < N * K; i++)
        ((float *)p.w.host)[i] = (float)(i % 3);
    for (int i = 0; i < T * K; i++)
        ((float *)p.x.host)[i] = (float)(i % 5);

    const ins1_tensor_desc both[] = { p.out[0], p.out[0] };
    ins1_op twice = p.op;
    twice.op = INS1_OP_ADD;
    twice.n_in = 2;
    twice.in = both;
    ins1_op ops[] = { p.op, twice, twice };
    ck_assert_msg(s1_stream_run(p.stream, ops, 3, &call) == INS1_OK, "%s", error.text);
    for (int t = 0; t < T; t++) {
        for (int n = 0; n < N; n++) {
            int sum = 0;
            for (int k = 0; k < K; k++)
                sum += (n * K + k) % 3 * ((t * K + k) % 5);
            ck_assert_float_eq(((float *)p.y.host)[t * N + n], (float)(4 * sum));
        }
    }
    product_drop(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backend");
    TCase *with = tcase_create("with a dummy");
    TCase *own = tcase_create("with a dummy of its own memory");
    TCase *without = tcase_create("tables");

    tcase_add_checked_fixture(with, setup, teardown);
    tcase_add_test(with, a_right_operation_reaches_the_device);
    tcase_add_loop_test(with, a_wrong_operation_stops_at_the_front_door, 0,
                        sizeof(wrongs) / sizeof(wrongs[0]));
    tcase_add_test(with, no_view_that_leaves_its_buffer_gets_past_the_front_door);
    tcase_add_test(with, a_transposed_matrix_and_far_rows_are_right);
    tcase_add_test(with, nothing_at_all_is_a_right_operation);
    tcase_add_test(with, a_buffer_that_is_gone_is_not_used);
    tcase_add_test(with, a_known_list_of_experts_is_known_only_while_it_stays_right);
    tcase_add_loop_test(with, a_wrong_number_of_experts_stops_at_the_front_door, 0,
                        sizeof(wrong_experts) / sizeof(wrong_experts[0]));
    tcase_add_loop_test(with, an_answer_that_is_no_status_is_a_failed_device, 0, N_ANSWERS);
    tcase_add_loop_test(with, transfers_and_buffers_are_judged_too, 0, N_ANSWERS);
    tcase_add_test(with, a_device_that_failed_stays_lost);
    tcase_add_test(with, what_the_device_says_reaches_the_record);
    tcase_add_test(with, what_a_device_lacks_runs_on_the_cpu_over_the_same_memory);
    tcase_add_test(with, a_request_to_stop_ends_the_call_between_and_inside_operations);
    tcase_add_test(with, a_host_that_refuses_to_run_tasks_is_told_so);
    tcase_add_test(with, buffers_are_found_however_many_come_and_go);
    suite_add_tcase(suite, with);

    tcase_add_checked_fixture(own, setup_device_memory, teardown);
    tcase_add_test(own, the_same_buffer_twice_is_a_failed_device);
    tcase_add_test(own, zeroed_buffers_and_copies_work_without_host_memory);
    tcase_add_test(own, what_a_device_with_its_own_memory_lacks_is_unsupported);
    suite_add_tcase(suite, own);

    tcase_add_checked_fixture(without, setup_without_dummy, teardown);
    tcase_add_test(without, a_table_is_taken_or_refused_for_a_reason);
    tcase_add_test(without, an_entry_is_judged);
    tcase_add_test(without, devices_have_the_names_that_find_takes);
    tcase_add_loop_test(without, a_plugin_is_loaded_from_an_absolute_path_only, 0,
                        sizeof(paths) / sizeof(paths[0]));
    tcase_add_test(without, openblas_multiplies_and_the_cpu_does_the_rest);
    suite_add_tcase(suite, without);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
