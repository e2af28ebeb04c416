#include "commands.h"
#include "engine.h"
#include "lines.h"

#include <inttypes.h>

typedef struct task {
    engine e;
    settings s;
    int32_t sequences;
} task;

static void add_part(buffer *out, const ins1_plan *plan, uint32_t part, const char *name,
                     const ins1_part_bytes *bytes)
{
    if (!(plan->parts & part))
        return;
    text_printf(out, "%s\"%s\": {\"disk\": %" PRIu64 ", \"memory\": %" PRIu64 "}",
                out->at[out->size - 1] == '{' ? "" : ", ", name, bytes->disk,
                bytes->host + bytes->device);
}

static void print_plan(const ins1_plan *plan, buffer *out)
{
    text_puts(out, "{\"parts\": {");
    add_part(out, plan, INS1_PART_TOKENIZER, "tokenizer", &plan->tokenizer);
    add_part(out, plan, INS1_PART_VISION, "vision", &plan->vision);
    add_part(out, plan, INS1_PART_TIMESERIES, "timeseries", &plan->timeseries);
    add_part(out, plan, INS1_PART_DECODER, "decoder", &plan->decoder);
    text_printf(out,
                "}, \"kv_per_token\": %" PRIu64 ", \"state_per_sequence\": %" PRIu64
                ", \"scratch\": %" PRIu64 ", \"total\": %" PRIu64 ", \"least_total\": %" PRIu64 "}",
                plan->kv_per_token, plan->state_per_sequence, plan->scratch,
                plan->total_host + plan->total_device, plan->least_total);
}

static ins1_status plan_model(task *t, const char *path)
{
    ins1_model_options model = INS1_INIT(ins1_model_options);
    ins1_decoder_options decoder = INS1_INIT(ins1_decoder_options);
    ins1_session_options session = INS1_INIT(ins1_session_options);
    ins1_plan plan = INS1_INIT(ins1_plan);
    buffer out = { 0 };

    ins1_status status = engine_start(&t->e, &t->s);
    if (status != INS1_OK)
        return status;
    model.path = path;
    decoder.precision = engine_precision(&t->s);
    decoder.placements = t->e.placements;
    decoder.n_placements = t->e.n_placements;
    session.n_ctx = t->s.ctx;
    session.n_seq = t->sequences;
    status = ins1_model_plan(t->e.runtime, &model, &decoder, &session, &plan, &t->e.call);
    if (status == INS1_E_UNSUPPORTED && !t->s.precision) { /* weights in I8 take no f32 */
        decoder.precision = INS1_PRECISION_DEFAULT;
        status = ins1_model_plan(t->e.runtime, &model, &decoder, &session, &plan, &t->e.call);
    }
    if (status != INS1_OK)
        return status;
    print_plan(&plan, &out);
    line_print(&out, NULL);
    text_free(&out);
    return INS1_OK;
}

static int run(int argc, char **argv)
{
    task t = { .s = { .is_computing = true, .is_exact = true }, .sequences = 1 };
    const char *model;
    const flag flags[] = {
        { "--sequences", FLAG_INT, &t.sequences, "N", "sequences of the session (default: 1)" },
    };
    int status = args_parse(&plan_command, flags, 1, &t.s, argc, argv, &model);
    if (status != ARGS_OK)
        return status;
    status = plan_model(&t, model) == INS1_OK ? 0 : engine_failed(&t.e, &plan_command);
    engine_stop(&t.e);
    return status;
}

const command plan_command = {
    .name = "plan",
    .operands = "MODEL",
    .summary = "Tell how many bytes a model will need",
    .about = "Reads headers only. Prints a JSON line; all numbers are bytes.",
    .example = "ins1 plan MODEL --ctx 8192 --sequences 2",
    .run = run,
};
