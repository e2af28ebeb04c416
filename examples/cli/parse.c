#include "commands.h"
#include "engine.h"
#include "lines.h"
#include "reply.h"

#include <string.h>

static ins1_status push(ins1_reply_parser *parser, const json *text, ins1_error *error,
                        const ins1_call *call)
{
    if (text->kind != JSON_STRING)
        return fail(error, INS1_E_FORMAT, "a string is expected in \"text\" and \"chunks\"");
    return ins1_reply_parser_push(parser, text->text, text->n, call);
}

static ins1_status push_all(ins1_reply_parser *parser, const json *in, reply *r, ins1_error *error,
                            const ins1_call *call)
{
    const json *text = json_get(in, "text"), *chunks = json_get(in, "chunks");
    ins1_status status = INS1_OK;

    if (text)
        return push(parser, text, error, call);
    if (!chunks || chunks->kind != JSON_ARRAY)
        return fail(error, INS1_E_FORMAT, "\"text\" or \"chunks\" is expected");
    for (size_t i = 0; i < chunks->n && status == INS1_OK; i++) {
        status = push(parser, &chunks->items[i], error, call);
        if (status == INS1_OK)
            status = reply_take(r, parser, call);
    }
    return status;
}

static ins1_status answer(void *user, const json *in, buffer *out, ins1_error *error)
{
    engine *e = user;
    ins1_reply_options options = INS1_INIT(ins1_reply_options);
    ins1_reply_parser *parser;
    reply r = { 0 };
    bool is_in_reasoning = false;

    e->call.error = error;
    ins1_status status = json_flag(in, "thinking", &is_in_reasoning, error);
    if (status != INS1_OK)
        return status;
    options.flags = is_in_reasoning ? INS1_REPLY_IN_REASONING : 0;
    status = ins1_reply_parser_create(&parser, e->tokenizer, &options, &e->call);
    if (status == INS1_OK)
        status = push_all(parser, in, &r, error, &e->call);
    if (status == INS1_OK)
        status = ins1_reply_parser_finish(parser, &e->call);
    if (status == INS1_OK)
        status = reply_take(&r, parser, &e->call);
    if (status == INS1_OK) {
        text_puts(out, "{");
        reply_print(&r, true, out);
        text_printf(out, ", \"events\": %zu}", r.n_events);
    }
    reply_free(&r);
    ins1_reply_parser_release(parser);
    return status;
}

static int run(int argc, char **argv)
{
    engine e = { 0 };
    settings s = { 0 };
    const char *model;
    int status = args_parse(&parse_command, NULL, 0, &s, argc, argv, &model);
    if (status != ARGS_OK)
        return status;
    if (engine_open(&e, &s, model, INS1_PART_TOKENIZER) != INS1_OK)
        status = engine_failed(&e, &parse_command);
    else
        status = lines_answer(answer, &e);
    engine_stop(&e);
    return status;
}

const command parse_command = {
    .name = "parse",
    .operands = "MODEL",
    .summary = "Split replies into reasoning, content and tool calls",
    .about = "Reads {\"text\": ...} or {\"chunks\": [...]}, with \"thinking\": true where the "
             "reply starts\n"
             "inside a reasoning block.",
    .example = "echo '{\"text\": \"<think>hm</think>Six.\"}' | ins1 parse MODEL",
    .run = run,
};
