/* Plans and opens each folder that is named, in one process, and prints a line of JSON for each:
 * what shapes.py compares with sums of its own. */

#include "interns1/interns1.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int fail(const char *what, const ins1_error *error)
{
    fprintf(stderr, "%s: %s\n", what, error->text);
    return EXIT_FAILURE;
}

static int run(ins1_runtime *runtime, const char *folder, const ins1_call *call)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_model_info info = INS1_INIT(ins1_model_info);
    ins1_session_options session = INS1_INIT(ins1_session_options);
    ins1_plan plan = INS1_INIT(ins1_plan);
    ins1_model *model;

    options.path = folder;
    options.parts = INS1_PART_DECODER;
    session.n_ctx = 4096;
    session.n_seq = 2;
    session.kv_type = INS1_KV_BF16;
    double begin = seconds();
    if (ins1_model_plan(runtime, &options, NULL, &session, &plan, call) != INS1_OK)
        return fail(folder, call->error);
    double planned = seconds();
    if (ins1_model_open(&model, runtime, &options, call) != INS1_OK)
        return fail(folder, call->error);
    double opened = seconds();
    ins1_status status = ins1_model_info_get(model, &info, call);
    printf("{\"plan_s\": %.3f, \"open_s\": %.3f, \"disk\": %" PRIu64 ", \"host\": %" PRIu64
           ", \"kv_per_token\": %" PRIu64 ", \"scratch\": %" PRIu64 ", \"total_host\": %" PRIu64
           ", \"n_params\": %" PRIu64 ", \"n_params_active\": %" PRIu64 "}\n",
           planned - begin, opened - planned, plan.decoder.disk, plan.decoder.host,
           plan.kv_per_token, plan.scratch, plan.total_host, info.n_params, info.n_params_active);
    ins1_model_release(model);
    return status == INS1_OK ? EXIT_SUCCESS : fail(folder, call->error);
}

int main(int argc, char **argv)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_runtime *runtime;
    int answer = EXIT_SUCCESS;

    call.error = &error;
    if (ins1_runtime_create(&runtime, NULL, &call) != INS1_OK)
        return fail("runtime", &error);
    for (int i = 1; i < argc && answer == EXIT_SUCCESS; i++)
        answer = run(runtime, argv[i], &call);
    ins1_runtime_release(runtime);
    return answer;
}
