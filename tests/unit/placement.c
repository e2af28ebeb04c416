/* Layers on several devices: a device with memory of its own that computes as the CPU does, so that
 * the bits are the CPU's, and that is lost when a test wants it to be. */

#include "backend/cpu/cpu.h"
#include "interns1/interns1.h"
#include "interns1/sys/backend.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_DEVICES = 2, NEVER = -1 };

/* --- the devices frail:0 and frail:1 --- */

typedef struct place {
    int32_t number;
    int32_t until_lost; /* calls of `run` that still work, or NEVER */
} place;

typedef struct queue {
    place *place;
    void *handle;
} queue;

static ins1_backend_api cpu;
static place places[N_DEVICES];
static uint64_t mem_free;

static int32_t count_devices(void *self)
{
    (void)self;
    return N_DEVICES;
}

static int32_t tell_device(void *self, int32_t device, ins1_device_info *out)
{
    (void)device;
    int32_t status = cpu.device_info(self, 0, out);
    out->kind = INS1_DEVICE_ACCELERATOR;
    out->caps = INS1_CAP_EXACT;
    out->mem_free = mem_free;
    return status;
}

static int32_t open_device(void *self, int32_t device, void **context)
{
    (void)self;
    *context = &places[device];
    return INS1_OK;
}

static void close_device(void *context)
{
    (void)context;
}

static int32_t new_buffer(void *context, uint64_t bytes, int32_t kind, uint64_t *id, void **address)
{
    (void)context;
    int32_t status = cpu.buffer_new(cpu.self, bytes, kind, id, address);
    *address = NULL;
    return status;
}

static void free_buffer(void *context, uint64_t id)
{
    (void)context;
    cpu.buffer_free(cpu.self, id);
}

static int32_t new_stream(void *context, void *host, void **stream)
{
    queue *q = calloc(1, sizeof(*q));
    q->place = context;
    *stream = q;
    return cpu.stream_new(cpu.self, host, &q->handle);
}

static void free_stream(void *stream)
{
    queue *q = stream;
    cpu.stream_free(q->handle);
    free(q);
}

static int32_t write_buffer(void *stream, uint64_t id, uint64_t at, const void *from, uint64_t n)
{
    return cpu.write(((queue *)stream)->handle, id, at, from, n);
}

static int32_t read_buffer(void *stream, uint64_t id, uint64_t at, void *to, uint64_t n)
{
    return cpu.read(((queue *)stream)->handle, id, at, to, n);
}

static int32_t copy_buffer(void *stream, uint64_t to, uint64_t to_at, uint64_t from,
                           uint64_t from_at, uint64_t n)
{
    return cpu.copy(((queue *)stream)->handle, to, to_at, from, from_at, n);
}

static int32_t supports(void *context, const ins1_op *op)
{
    (void)context;
    return cpu.supports(cpu.self, op);
}

static int32_t run(void *stream, const ins1_op *ops, int32_t n)
{
    queue *q = stream;
    if (q->place->until_lost == 0)
        return INS1_E_DEVICE;
    q->place->until_lost -= q->place->until_lost > 0;
    return cpu.run(q->handle, ops, n);
}

static int32_t enter_frail(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out)
{
    (void)abi;
    if (s1_cpu_backend(&cpu, host, NULL, NULL) != INS1_OK)
        return INS1_E_MEMORY;
    *out = (ins1_backend_api){
        .struct_size = sizeof(*out),
        .abi = INS1_BACKEND_ABI,
        .name = "frail",
        .version = "1",
        .self = cpu.self,
        .shutdown = cpu.shutdown,
        .device_count = count_devices,
        .device_info = tell_device,
        .device_open = open_device,
        .device_close = close_device,
        .buffer_new = new_buffer,
        .buffer_free = free_buffer,
        .stream_new = new_stream,
        .stream_free = free_stream,
        .write = write_buffer,
        .read = read_buffer,
        .copy = copy_buffer,
        .supports = supports,
        .run = run,
    };
    return INS1_OK;
}

/* --- a checkpoint on them --- */

enum { CPU_DEVICE = 0, FRAIL_0 = 1, FRAIL_1 = 2, N_IDS = 40, N_STEPS = 5 };

static ins1_error error;
static ins1_call call;
static ins1_runtime *runtime;
static ins1_model *model;
static ins1_model_info info;

static void must(ins1_status status)
{
    ck_assert_msg(status == INS1_OK, "%s", error.text);
}

static void open_model(const char *path)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = path;
    options.parts = INS1_PART_DECODER;
    must(ins1_model_open(&model, runtime, &options, &call));
    info = (ins1_model_info)INS1_INIT(ins1_model_info);
    must(ins1_model_info_get(model, &info, &call));
}

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    mem_free = 0;
    for (int32_t i = 0; i < N_DEVICES; i++)
        places[i] = (place){ i, NEVER };
    must(ins1_runtime_create(&runtime, NULL, &call));
    must(ins1_backend_register(runtime, enter_frail, &call));
    int32_t index;
    must(ins1_device_find(runtime, "frail:1", &index, &call));
    ck_assert_int_eq(index, FRAIL_1);
}

static void setup_demo(void)
{
    setup();
    open_model(TEST_DEMO);
}

static void teardown(void)
{
    ins1_model_release(model);
    model = NULL;
    ins1_runtime_release(runtime);
}

static ins1_status create(ins1_decoder **out, const ins1_placement *placements, size_t n)
{
    ins1_decoder_options options = INS1_INIT(ins1_decoder_options);
    options.placements = placements;
    options.n_placements = n;
    return ins1_decoder_create(out, model, &options, &call);
}

static ins1_session *open_session(ins1_decoder *decoder)
{
    ins1_session_options options = INS1_INIT(ins1_session_options);
    ins1_session *session;
    options.n_ctx = 64;
    options.n_seq = 2;
    must(ins1_session_create(&session, decoder, &options, &call));
    return session;
}

static ins1_status prefill(ins1_session *session)
{
    static int32_t ids[N_IDS];
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    for (int32_t i = 0; i < N_IDS; i++)
        ids[i] = (i * 29 + 7) % 60;
    span.ids = ids;
    span.n_ids = N_IDS;
    feed.spans = &span;
    feed.n_spans = 1;
    return ins1_session_prefill(session, &feed, 1, NULL, &call);
}

static const float *logits_of(ins1_session *session, int32_t seq)
{
    const float *logits;
    size_t n;
    must(ins1_session_logits(session, seq, &logits, &n, &call));
    ck_assert_uint_eq(n, (size_t)info.n_vocab);
    return logits;
}

static void append_logits(float **at, ins1_session *session, int32_t seq)
{
    memcpy(*at, logits_of(session, seq), (size_t)info.n_vocab * sizeof(float));
    *at += info.n_vocab;
}

/* Steps of a sequence and of its fork, which share pages until they write. */
static void go_on(float **at, ins1_session *session)
{
    must(ins1_session_fork(session, 0, 1, &call));
    for (int32_t i = 0; i < N_STEPS; i++) {
        const ins1_step steps[] = { { 0, 11 + i }, { 1, 31 - i } };
        must(ins1_session_step(session, steps, 2, &call));
        append_logits(at, session, 0);
        append_logits(at, session, 1);
    }
}

enum { N_LOGITS = 1 + 2 * N_STEPS };

static float *new_trace(void)
{
    return calloc(N_LOGITS * (size_t)info.n_vocab, sizeof(float));
}

static float *trace(ins1_decoder *decoder)
{
    ins1_session *session = open_session(decoder);
    float *all = new_trace(), *at = all;
    must(prefill(session));
    append_logits(&at, session, 0);
    go_on(&at, session);
    ins1_session_release(session);
    return all;
}

static float *trace_of_cpu(void)
{
    ins1_decoder *decoder;
    must(create(&decoder, NULL, 0));
    float *all = trace(decoder);
    ins1_decoder_release(decoder);
    return all;
}

static void same_bits(const float *a, const float *b)
{
    ck_assert_int_eq(memcmp(a, b, N_LOGITS * (size_t)info.n_vocab * sizeof(float)), 0);
}

/* --- what comes out --- */

static const char *const folders[] = { "mini-f32",  "mini-bf16", "mini-tied",    "moe-fp8",
                                       "pro-fused", "pro-bf16",  "internlm2-f32" };

START_TEST(the_bits_are_those_of_one_device)
{
    char path[512] = TEST_GOLDEN "/";
    const ins1_placement last[] = { { .device = FRAIL_0, .first_layer = 1, .n_layers = 1 } };
    const ins1_placement first[] = { { .device = FRAIL_1, .n_layers = 1 } };
    const ins1_placement both[] = { { .device = FRAIL_1, .n_layers = 1 },
                                    { .device = FRAIL_0, .first_layer = -1, .n_layers = 1 } };
    const ins1_placement all[] = { { .device = FRAIL_0 } };
    const struct {
        const ins1_placement *list;
        size_t n;
    } ways[] = { { last, 1 }, { first, 1 }, { both, 2 }, { all, 1 } };

    strcat(path, folders[_i]);
    open_model(path);
    float *expected = trace_of_cpu();
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        ins1_decoder *decoder;
        must(create(&decoder, ways[i].list, ways[i].n));
        float *found = trace(decoder);
        same_bits(found, expected);
        free(found);
        ins1_decoder_release(decoder);
    }
    free(expected);
}
END_TEST

START_TEST(layers_may_go_to_and_fro)
{
    const ins1_placement list[] = { { .device = FRAIL_0, .first_layer = 4, .n_layers = 1 },
                                    { .device = FRAIL_0, .first_layer = 1, .n_layers = 1 },
                                    { .device = FRAIL_1, .first_layer = 2, .n_layers = 2 } };
    const ins1_placement expected_runs[] = { { CPU_DEVICE, 0, 1, 0, 0 },
                                             { FRAIL_0, 1, 1, 0, 0 },
                                             { FRAIL_1, 2, 2, 0, 0 },
                                             { FRAIL_0, 4, 1, 0, 0 },
                                             { CPU_DEVICE, 5, 1, 0, 0 } };
    enum { N = sizeof(expected_runs) / sizeof(expected_runs[0]) };
    ins1_placement runs[N];
    ins1_decoder *decoder;
    size_t n = 0;

    ck_assert_int_eq(info.n_layer, 6);
    must(create(&decoder, list, 3));
    float *expected = trace_of_cpu(), *found = trace(decoder);
    same_bits(found, expected);

    ck_assert_int_eq(ins1_decoder_placements(decoder, runs, N - 1, &n, &call), INS1_E_BUFFER);
    ck_assert_uint_eq(n, N);
    must(ins1_decoder_placements(decoder, runs, N, &n, &call));
    for (size_t i = 0; i < N; i++) {
        ck_assert_int_eq(runs[i].device, expected_runs[i].device);
        ck_assert_int_eq(runs[i].first_layer, expected_runs[i].first_layer);
        ck_assert_int_eq(runs[i].n_layers, expected_runs[i].n_layers);
        ck_assert_uint_gt(runs[i].budget, 0);
    }
    free(expected);
    free(found);
    ins1_decoder_release(decoder);
}
END_TEST

/* --- budgets --- */

/* Bytes of layers [0, n) with the embedding. */
static uint64_t bytes_of_first(int32_t n)
{
    const ins1_placement list[] = { { .device = FRAIL_0, .n_layers = n } };
    ins1_placement runs[2];
    ins1_decoder *decoder;
    size_t count;
    must(create(&decoder, list, 1));
    must(ins1_decoder_placements(decoder, runs, 2, &count, &call));
    ins1_decoder_release(decoder);
    return runs[0].budget;
}

/* How many of the first layers get to the device of that placement. */
static int32_t count_placed(const ins1_placement *list, size_t n)
{
    ins1_placement runs[8];
    ins1_decoder *decoder;
    size_t count;
    must(create(&decoder, list, n));
    must(ins1_decoder_placements(decoder, runs, 8, &count, &call));
    ins1_decoder_release(decoder);
    return runs[0].device == list[0].device ? runs[0].n_layers : 0;
}

START_TEST(a_budget_is_filled_and_not_exceeded)
{
    ins1_placement list[] = { { .device = FRAIL_0 } };
    for (int32_t n = 1; n <= info.n_layer; n++) {
        list[0].budget = bytes_of_first(n);
        ck_assert_int_eq(count_placed(list, 1), n);
        list[0].budget--;
        ck_assert_int_eq(count_placed(list, 1), n - 1);
    }
}
END_TEST

START_TEST(devices_take_what_the_former_left)
{
    const ins1_placement list[] = { { .device = FRAIL_0, .budget = bytes_of_first(2) },
                                    { .device = FRAIL_1, .first_layer = -1, .n_layers = 3 },
                                    { .device = FRAIL_0, .first_layer = -1, .n_layers = 0 } };
    const int32_t devices[] = { FRAIL_0, FRAIL_1, FRAIL_0 }, counts[] = { 2, 3, 1 };
    ins1_placement runs[3];
    ins1_decoder *decoder;
    size_t count;
    must(create(&decoder, list, 3));
    must(ins1_decoder_placements(decoder, runs, 3, &count, &call));
    ck_assert_uint_eq(count, 3);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(runs[i].device, devices[i]);
        ck_assert_int_eq(runs[i].n_layers, counts[i]);
    }
    ins1_decoder_release(decoder);
}
END_TEST

START_TEST(free_memory_leaves_room_for_a_session)
{
    const ins1_placement all[] = { { .device = FRAIL_0 } };
    ck_assert_int_eq(count_placed(all, 1), info.n_layer); /* nothing is known of its memory */
    mem_free = bytes_of_first(3);
    int32_t n = count_placed(all, 1);
    ck_assert_int_lt(n, 3);
    mem_free = 1;
    ck_assert_int_eq(count_placed(all, 1), 0);
    mem_free = 1 << 30;
    ck_assert_int_eq(count_placed(all, 1), info.n_layer);
}
END_TEST

static const struct {
    ins1_placement list[2];
    size_t n;
    uint64_t free;
    ins1_status status;
    const char *text;
} wrong[] = {
    { { { 9, 0, 1, 0, 0 } }, 1, 0, INS1_E_ARGUMENT, "9" },
    { { { -1, 0, 1, 0, 0 } }, 1, 0, INS1_E_ARGUMENT, "-1" },
    { { { 1, 6, 1, 0, 0 } }, 1, 0, INS1_E_ARGUMENT, "from 6 on, the decoder has 6" },
    { { { 1, 0, 7, 0, 0 } }, 1, 0, INS1_E_ARGUMENT, "7 layers from 0" },
    { { { 1, 5, INT32_MAX, 0, 0 } }, 1, 0, INS1_E_ARGUMENT, "2147483647 layers from 5" },
    { { { 1, -2, 1, 0, 0 } }, 1, 0, INS1_E_ARGUMENT, "from -2" },
    { { { 1, 0, -1, 0, 0 } }, 1, 0, INS1_E_ARGUMENT, "-1 layers" },
    { { { 1, 0, 1, 5, 0 } }, 1, 0, INS1_E_ARGUMENT, "reserved0" },
    { { { 1, 0, 3, 0, 0 }, { 2, 2, 2, 0, 0 } }, 2, 0, INS1_E_ARGUMENT, "layer 2" },
    { { { 1, 0, 3, 0, 0 }, { 1, 2, 2, 0, 0 } }, 2, 0, INS1_E_ARGUMENT, "layer 2" },
    { { { 1, 0, 6, 0, 100 } }, 1, 0, INS1_E_BUDGET, "its budget is 100" },
    { { { 1, 1, 1, 0, 0 } }, 1, 99, INS1_E_BUDGET, "'frail:0', free are 99" },
};

START_TEST(a_wrong_placement_is_refused)
{
    ins1_decoder *decoder = NULL;
    ins1_decoder_options options = INS1_INIT(ins1_decoder_options);
    ins1_model_options of_model = INS1_INIT(ins1_model_options);
    ins1_plan plan = INS1_INIT(ins1_plan);

    mem_free = wrong[_i].free;
    ck_assert_int_eq(create(&decoder, wrong[_i].list, wrong[_i].n), wrong[_i].status);
    ck_assert_msg(strstr(error.text, wrong[_i].text) != NULL, "%s", error.text);
    ck_assert_ptr_null(decoder);
    options.placements = wrong[_i].list;
    options.n_placements = wrong[_i].n;
    of_model.path = TEST_DEMO;
    ck_assert_int_eq(ins1_model_plan(runtime, &of_model, &options, NULL, &plan, &call),
                     wrong[_i].status);
}
END_TEST

START_TEST(a_plan_knows_the_devices)
{
    const ins1_placement list[] = { { .device = FRAIL_0, .first_layer = 1, .n_layers = 2 },
                                    { .device = FRAIL_1, .first_layer = 5, .n_layers = 1 } };
    ins1_decoder_options options = INS1_INIT(ins1_decoder_options);
    ins1_session_options of_session = INS1_INIT(ins1_session_options);
    ins1_model_options of_model = INS1_INIT(ins1_model_options);
    ins1_plan plan = INS1_INIT(ins1_plan);
    ins1_mem_stats taken = INS1_INIT(ins1_mem_stats);
    ins1_decoder *decoder;

    options.placements = list;
    options.n_placements = 2;
    of_session.n_ctx = 64;
    of_session.n_seq = 2;
    of_model.path = TEST_DEMO;
    of_model.parts = INS1_PART_DECODER;
    must(ins1_model_plan(runtime, &of_model, &options, &of_session, &plan, &call));
    must(create(&decoder, list, 2));
    ins1_session *session = open_session(decoder);
    must(prefill(session));
    must(ins1_runtime_mem(runtime, &taken, &call));
    double off = fabs((double)plan.total_device - (double)taken.device) / (double)taken.device;
    ck_assert_msg(off <= 0.01, "planned %llu, taken %llu", (unsigned long long)plan.total_device,
                  (unsigned long long)taken.device);
    ck_assert_uint_gt(plan.decoder.device, 0);
    ck_assert_uint_lt(plan.decoder.device, plan.decoder.disk);
    ins1_session_release(session);
    ins1_decoder_release(decoder);
}
END_TEST

/* --- a device is lost --- */

START_TEST(a_lost_device_costs_nothing_but_itself)
{
    const ins1_placement split[] = { { .device = FRAIL_0, .first_layer = 2, .n_layers = 2 },
                                     { .device = FRAIL_1, .first_layer = 4, .n_layers = 1 } };
    const ins1_placement other[] = { { .device = FRAIL_1, .first_layer = 1, .n_layers = 1 } };
    ins1_decoder *decoder, *rest, *on_cpu;
    size_t size = 0;

    float *expected = trace_of_cpu(), *found = new_trace(), *at = found;
    must(create(&decoder, split, 2));
    ins1_session *session = open_session(decoder);
    must(prefill(session));
    append_logits(&at, session, 0);
    ck_assert_int_eq(ins1_session_save(session, 0, NULL, 0, &size, &call), INS1_E_BUFFER);
    void *snapshot = malloc(size);
    must(ins1_session_save(session, 0, snapshot, size, &size, &call));

    /* Every step runs two layers there: it is lost at the _i-th. */
    places[FRAIL_0 - 1].until_lost = _i;
    ins1_status status = INS1_OK;
    for (int32_t i = 0; status == INS1_OK && i <= _i; i++) {
        const ins1_step one = { 0, 11 + i };
        status = ins1_session_step(session, &one, 1, &call);
    }
    ck_assert_int_eq(status, INS1_E_DEVICE);
    ck_assert_ptr_nonnull(strstr(error.text, "frail:0"));
    const ins1_step again = { 0, 11 };
    ck_assert_int_eq(ins1_session_step(session, &again, 1, &call), INS1_E_DEVICE);
    ck_assert_ptr_nonnull(strstr(error.text, "has failed before"));
    ins1_session_release(session);
    ins1_decoder_release(decoder);
    ck_assert_int_eq(create(&decoder, split, 2), INS1_E_DEVICE);

    must(create(&rest, other, 1));
    float *of_rest = trace(rest);
    same_bits(of_rest, expected);
    free(of_rest);
    ins1_decoder_release(rest);

    must(create(&on_cpu, NULL, 0));
    session = open_session(on_cpu);
    must(ins1_session_restore(session, 0, snapshot, size, &call));
    go_on(&at, session);
    same_bits(found, expected);
    ins1_session_release(session);
    ins1_decoder_release(on_cpu);
    free(snapshot);
    free(expected);
    free(found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement");
    TCase *golden = tcase_create("golden"), *demo = tcase_create("demo");

    tcase_add_checked_fixture(golden, setup, teardown);
    tcase_add_loop_test(golden, the_bits_are_those_of_one_device, 0,
                        sizeof(folders) / sizeof(folders[0]));
    tcase_add_checked_fixture(demo, setup_demo, teardown);
    tcase_add_test(demo, layers_may_go_to_and_fro);
    tcase_add_test(demo, a_budget_is_filled_and_not_exceeded);
    tcase_add_test(demo, devices_take_what_the_former_left);
    tcase_add_test(demo, free_memory_leaves_room_for_a_session);
    tcase_add_loop_test(demo, a_wrong_placement_is_refused, 0, sizeof(wrong) / sizeof(wrong[0]));
    tcase_add_test(demo, a_plan_knows_the_devices);
    tcase_add_loop_test(demo, a_lost_device_costs_nothing_but_itself, 0, 4);
    suite_add_tcase(suite, golden);
    suite_add_tcase(suite, demo);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
