#include "commands.h"
#include "engine.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_meta(engine *e, const char *label, const char *key)
{
    const char *value;
    size_t size;
    if (ins1_model_meta(e->model, key, &value, &size, &e->call) == INS1_OK && value)
        printf("%-24s %.*s\n", label, (int)size, value);
}

static void print_string(const char *label, const char *value)
{
    if (value && *value)
        printf("%-24s %s\n", label, value);
}

static void print_parts(uint32_t parts)
{
    printf("%-24s%s%s%s%s%s\n", "parts", parts & INS1_PART_TOKENIZER ? " tokenizer" : "",
           parts & INS1_PART_VISION ? " vision" : "",
           parts & INS1_PART_TIMESERIES ? " timeseries" : "",
           parts & INS1_PART_DECODER ? " decoder" : "", parts ? "" : " none");
}

static void print_info(engine *e)
{
    const ins1_model_info *i = &e->info;
    print_string("architecture", i->arch);
    print_string("name", i->name);
    print_string("weights", i->quant);
    print_parts(i->parts);
    if (i->parts & INS1_PART_DECODER) {
        printf("%-24s %" PRIu64 "\n", "parameters", i->n_params);
        printf("%-24s %" PRIu64 "\n", "parameters per token", i->n_params_active);
        printf("%-24s %d\n", "layers", i->n_layer);
        printf("%-24s %d\n", "hidden size", i->n_embd);
        printf("%-24s %d query, %d key and value\n", "heads", i->n_head, i->n_head_kv);
        if (i->n_expert)
            printf("%-24s %d, %d per token\n", "experts", i->n_expert, i->n_expert_used);
        printf("%-24s %d\n", "trained context", i->n_ctx_train);
    }
    printf("%-24s %d\n", "vocabulary rows", i->n_vocab);
    print_meta(e, "chat dialect", "ins1/dialect");
    print_meta(e, "tokenizer rules", "ins1/tokenizer");
    print_meta(e, "end-of-text ids", "ins1/end_ids");
    print_meta(e, "placeholder ids", "ins1/placeholder_ids");
    print_meta(e, "unknown keys", "ins1/unknown_keys");
}

static int run(int argc, char **argv)
{
    engine e = { 0 };
    settings s = { 0 };
    const char *model;
    int status = args_parse(&info_command, NULL, 0, &s, argc, argv, &model);
    if (status != ARGS_OK)
        return status;
    if (engine_open(&e, &s, model, 0) != INS1_OK)
        status = engine_failed(&e, &info_command);
    else
        print_info(&e);
    engine_stop(&e);
    return status == ARGS_OK ? 0 : status;
}

const command info_command = {
    .name = "info",
    .operands = "MODEL",
    .summary = "Tell what a checkpoint is",
    .about = "",
    .example = "ins1 info MODEL",
    .run = run,
};
