#include "engine.h"

#include "host_pool.h"
#include "json.h"
#include "places.h"
#include "text.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void log_line(void *user, int32_t level, const char *component, const char *text)
{
    (void)user;
    fprintf(stderr, "ins1: %s: %s: %s\n", level == INS1_LOG_ERROR ? "error" : "warning", component,
            text);
}

/* The CPUs that this process may use. */
static int32_t n_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 4096 ? (int32_t)n : 1;
}

static ins1_status start_threads(engine *e, const settings *s, ins1_threading *threading)
{
    e->threads = s->threads ? s->threads : n_cpus();
    threading->mode = INS1_THREADS_OWN;
    threading->n_threads = e->threads;
    if (!s->pool || strcmp(s->pool, "host") != 0)
        return INS1_OK;

    e->pool = host_pool_create(e->threads);
    if (!e->pool)
        return fail(&e->error, INS1_E_MEMORY, "%d threads cannot be started", e->threads);
    threading->mode = INS1_THREADS_HOST;
    threading->parallel_for = host_pool_run;
    threading->user = e->pool;
    return INS1_OK;
}

ins1_status engine_start(engine *e, const settings *s)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);

    *e = (engine){ .error = INS1_INIT(ins1_error), .call = INS1_INIT(ins1_call) };
    e->call.error = &e->error;
    ins1_status status = start_threads(e, s, &threading);
    if (status != INS1_OK)
        return status;
    options.threading = &threading;
    options.cpu_level = s->level;
    options.log = s->quiet ? NULL : log_line;
    options.log_level = INS1_LOG_WARN;
    status = ins1_runtime_create(&e->runtime, &options, &e->call);
    if (status == INS1_OK && s->plugin)
        status = ins1_backend_load(e->runtime, s->plugin, &e->call);
    return status == INS1_OK ? places_find(e, s) : status;
}

int32_t engine_precision(const settings *s)
{
    if (!s->precision)
        return s->is_exact ? INS1_PRECISION_F32 : INS1_PRECISION_DEFAULT;
    return !strcmp(s->precision, "f32")    ? INS1_PRECISION_F32
           : !strcmp(s->precision, "bf16") ? INS1_PRECISION_BF16
                                           : INS1_PRECISION_INT8;
}

int32_t engine_encoder_precision(const settings *s)
{
    int32_t precision = engine_precision(s);
    return precision == INS1_PRECISION_INT8 ? INS1_PRECISION_DEFAULT : precision;
}

static ins1_status open_decoder(engine *e, const settings *s)
{
    ins1_decoder_options options = INS1_INIT(ins1_decoder_options);
    const bool is_int8 = !strcmp(e->info.quant, "int8");
    options.precision = s->precision || !is_int8 ? engine_precision(s) : INS1_PRECISION_DEFAULT;
    options.placements = e->placements;
    options.n_placements = e->n_placements;
    return ins1_decoder_create(&e->decoder, e->model, &options, &e->call);
}

ins1_status engine_open(engine *e, const settings *s, const char *model, uint32_t parts)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_status status = engine_start(e, s);
    if (status != INS1_OK)
        return status;

    options.path = model;
    options.parts = parts;
    status = ins1_model_open(&e->model, e->runtime, &options, &e->call);
    if (status != INS1_OK)
        return status;
    e->info = (ins1_model_info)INS1_INIT(ins1_model_info);
    status = ins1_model_info_get(e->model, &e->info, &e->call);
    return status == INS1_OK ? engine_make(e, s, parts) : status;
}

ins1_status engine_make(engine *e, const settings *s, uint32_t parts)
{
    ins1_status status = INS1_OK;
    if (parts & INS1_PART_TOKENIZER)
        status = ins1_tokenizer_create(&e->tokenizer, e->model, NULL, &e->call);
    if (status == INS1_OK && parts & INS1_PART_DECODER)
        status = open_decoder(e, s);
    return status;
}

ins1_status engine_session(engine *e, const settings *s, size_t n_ctx, size_t n_seq,
                           ins1_session **out)
{
    ins1_session_options options = INS1_INIT(ins1_session_options);
    *out = NULL;
    if (n_ctx > INT32_MAX || n_seq > INT32_MAX)
        return fail(&e->error, INS1_E_ARGUMENT, "%zu sequences of %zu tokens", n_seq, n_ctx);
    options.n_ctx = s->ctx ? s->ctx : (int32_t)n_ctx;
    options.n_seq = (int32_t)n_seq;
    return ins1_session_create(out, e->decoder, &options, &e->call);
}

bool engine_uses_devices(const engine *e)
{
    for (size_t i = 0; i < e->n_placements; i++)
        if (e->placements[i].device != 0)
            return true;
    return false;
}

void engine_say_lost(const engine *e)
{
    fprintf(stderr, "ins1: a device is lost, the CPU goes on: %s\n", e->call.error->text);
}

ins1_status engine_leave_devices(engine *e, const settings *s)
{
    engine_say_lost(e);
    ins1_decoder_release(e->decoder);
    e->decoder = NULL;
    e->n_placements = 0;
    e->device = 0;
    return open_decoder(e, s);
}

ins1_status engine_ids(engine *e, const char *key, int32_t **out, size_t *n)
{
    const char *value;
    size_t size;
    json array;

    *out = NULL;
    *n = 0;
    ins1_status status = ins1_model_meta(e->model, key, &value, &size, &e->call);
    if (status != INS1_OK || !value)
        return status;
    status = json_parse(&array, value, size, &e->error);
    if (status != INS1_OK)
        return status;
    status = json_ids(&array, out, n, &e->error);
    json_free(&array);
    return status;
}

void engine_stop(engine *e)
{
    ins1_decoder_release(e->decoder);
    ins1_tokenizer_release(e->tokenizer);
    ins1_model_release(e->model);
    ins1_runtime_release(e->runtime);
    host_pool_destroy(e->pool);
}

int engine_failed(const engine *e, const command *c)
{
    fprintf(stderr, "ins1 %s: %s (%s)\n", c->name, e->error.text,
            ins1_status_name(e->error.status));
    return 1;
}
