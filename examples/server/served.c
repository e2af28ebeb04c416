#include "served.h"

#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void log_line(void *user, int32_t level, const char *component, const char *text)
{
    (void)user;
    fprintf(stderr, "ins1-server: %s: %s: %s\n", level == INS1_LOG_ERROR ? "error" : "warning",
            component, text);
}

static int32_t n_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    return 1;
}

static int32_t precision_of(const settings *o)
{
    return !o->precision                      ? INS1_PRECISION_DEFAULT
           : strcmp(o->precision, "f32") == 0 ? INS1_PRECISION_F32
                                              : INS1_PRECISION_BF16;
}

static ins1_status open_model(served *s, const ins1_call *call)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options runtime = INS1_INIT(ins1_runtime_options);
    ins1_model_options model = INS1_INIT(ins1_model_options);
    ins1_decoder_options decoder = INS1_INIT(ins1_decoder_options);

    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = s->o->threads ? (int32_t)s->o->threads : n_cpus();
    runtime.threading = &threading;
    runtime.cpu_level = s->o->level;
    runtime.log = log_line;
    model.path = s->o->model;
    decoder.precision = precision_of(s->o);
    s->info = (ins1_model_info)INS1_INIT(ins1_model_info);

    ins1_status status = ins1_runtime_create(&s->runtime, &runtime, call);
    if (status == INS1_OK)
        status = ins1_model_open(&s->model, s->runtime, &model, call);
    if (status == INS1_OK)
        status = ins1_model_info_get(s->model, &s->info, call);
    if (status == INS1_OK)
        status = ins1_tokenizer_create(&s->tokenizer, s->model, NULL, call);
    if (status == INS1_OK)
        status = ins1_decoder_create(&s->decoder, s->model, &decoder, call);
    return status;
}

static ins1_status open_session(served *s, const ins1_call *call)
{
    ins1_session_options options = INS1_INIT(ins1_session_options);
    ins1_session_info info = INS1_INIT(ins1_session_info);

    options.n_ctx = (int32_t)s->o->ctx;
    if (s->info.n_ctx_train > 0 && options.n_ctx > s->info.n_ctx_train)
        options.n_ctx = s->info.n_ctx_train;
    options.n_seq = (int32_t)s->o->slots;
    options.flags = strcmp(s->o->pooling, "mean") == 0 ? INS1_SESSION_KEEP_HIDDEN : 0;
    ins1_status status = ins1_session_create(&s->session, s->decoder, &options, call);
    if (status == INS1_OK)
        status = ins1_session_info_get(s->session, &info, call);
    s->n_ctx = (size_t)info.n_ctx;
    s->n_slots = (size_t)info.n_seq;
    return status;
}

/* A checkpoint may have the part while this library cannot run it; then it is served without. */
static ins1_status open_encoders(served *s, const ins1_call *call)
{
    ins1_status status = INS1_OK;
    if (s->info.parts & INS1_PART_VISION) {
        ins1_vision_encoder_options options = INS1_INIT(ins1_vision_encoder_options);
        options.precision = precision_of(s->o);
        status = ins1_vision_encoder_create(&s->vision, s->model, &options, call);
    }
    if (status != INS1_OK && status != INS1_E_UNSUPPORTED)
        return status;
    status = INS1_OK;
    if (s->info.parts & INS1_PART_TIMESERIES) {
        ins1_timeseries_encoder_options options = INS1_INIT(ins1_timeseries_encoder_options);
        options.precision = precision_of(s->o);
        status = ins1_timeseries_encoder_create(&s->series, s->model, &options, call);
    }
    return status == INS1_E_UNSUPPORTED ? INS1_OK : status;
}

/* --- what the files say --- */

#define GENERATION "generation_config.json/"

static double default_of(const served *s, const char *path, double otherwise)
{
    const char *value = NULL;
    size_t size = 0;
    double number = otherwise;

    if (ins1_model_meta(s->model, path, &value, &size, NULL) != INS1_OK || !value)
        return otherwise;
    json_t *json = json_loadb(value, size, JSON_DECODE_ANY, NULL);
    if (json_is_number(json))
        number = json_number_value(json);
    else if (json_is_boolean(json))
        number = json_is_true(json);
    json_decref(json);
    return number;
}

static void read_sampling(served *s)
{
    const bool samples = default_of(s, GENERATION "do_sample", 0) != 0;
    s->sampling = (ins1_sampler_options)INS1_INIT(ins1_sampler_options);
    s->sampling.temperature = samples ? (float)default_of(s, GENERATION "temperature", 1) : 0;
    s->sampling.top_p = (float)default_of(s, GENERATION "top_p", 0);
    s->sampling.min_p = (float)default_of(s, GENERATION "min_p", 0);
    s->sampling.top_k = (int32_t)default_of(s, GENERATION "top_k", 50);
    s->sampling.repeat_penalty = (float)default_of(s, GENERATION "repetition_penalty", 0);
    s->sampling.tokenizer = s->tokenizer;
    s->begins_texts = default_of(s, "tokenizer_config.json/add_bos_token", 0) != 0;
}

ins1_status served_open(served *s, const settings *o, ins1_error *error)
{
    ins1_call call = INS1_INIT(ins1_call);
    call.error = error;
    *s = (served){ .o = o, .created = (int64_t)time(NULL) };
    pthread_mutex_init(&s->encoding, NULL);
    ins1_status status = open_model(s, &call);
    if (status == INS1_OK)
        status = open_session(s, &call);
    if (status == INS1_OK)
        status = open_encoders(s, &call);
    if (status != INS1_OK)
        return status;
    s->name = o->name ? o->name : s->info.name;
    read_sampling(s);
    return INS1_OK;
}

void served_close(served *s)
{
    ins1_vision_encoder_release(s->vision);
    ins1_timeseries_encoder_release(s->series);
    ins1_session_release(s->session);
    ins1_decoder_release(s->decoder);
    ins1_tokenizer_release(s->tokenizer);
    ins1_model_release(s->model);
    ins1_runtime_release(s->runtime);
    pthread_mutex_destroy(&s->encoding);
}
