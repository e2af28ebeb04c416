#include "commands.h"
#include "engine.h"
#include "lines.h"

#include <stdlib.h>
#include <string.h>

/* A conversation as ins1_prompt_create takes it; it borrows from the line. */
typedef struct conversation {
    ins1_message *messages;
    ins1_part *parts; /* of all messages */
    size_t n_messages, n_parts;
} conversation;

static ins1_text raw_text(const json *value)
{
    ins1_text text = { 0 };
    if (value)
        text = (ins1_text){ value->raw, value->raw_size };
    return text;
}

static size_t count_parts(const json *messages)
{
    size_t n = 0;
    for (size_t i = 0; i < messages->n; i++) {
        const json *content = json_get(&messages->items[i], "content");
        n += content && content->kind == JSON_ARRAY ? content->n : 1;
    }
    return n;
}

static int32_t kind_of(const char *type)
{
    static const struct {
        const char *name;
        int32_t kind;
    } kinds[] = {
        { "text", INS1_MODALITY_TEXT },
        { "image", INS1_MODALITY_IMAGE },
        { "image_url", INS1_MODALITY_IMAGE },
        { "video", INS1_MODALITY_VIDEO },
        { "video_url", INS1_MODALITY_VIDEO },
        { "time_series", INS1_MODALITY_TIMESERIES },
        { "timeseries", INS1_MODALITY_TIMESERIES },
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(kinds[i].name, type))
            return kinds[i].kind;
    return 0;
}

static ins1_status read_part(const json *from, ins1_part *out, ins1_error *error)
{
    const json *type = from->kind == JSON_STRING ? NULL : json_get(from, "type");
    const json *text = from->kind == JSON_STRING ? from : json_get(from, "text");

    *out = (ins1_part)INS1_INIT(ins1_part);
    out->kind = type && type->kind == JSON_STRING ? kind_of(type->text)
                : text                            ? INS1_MODALITY_TEXT
                                                  : 0;
    if (!out->kind || (out->kind == INS1_MODALITY_TEXT && (!text || text->kind != JSON_STRING)))
        return fail(error, INS1_E_FORMAT, "a part of a message is neither text nor a medium");
    if (out->kind == INS1_MODALITY_TEXT) {
        out->text = text->text;
        out->size = text->n;
    }
    return INS1_OK;
}

static ins1_status read_message(const json *from, conversation *c, ins1_error *error)
{
    const json *role = json_get(from, "role"), *content = json_get(from, "content");
    const json *reasoning = json_get(from, "reasoning_content");
    ins1_message *out = &c->messages[c->n_messages++];
    ins1_status status = INS1_OK;

    *out = (ins1_message)INS1_INIT(ins1_message);
    if (!role || role->kind != JSON_STRING)
        return fail(error, INS1_E_FORMAT, "message %zu has no role", c->n_messages - 1);
    out->role = role->text;
    out->parts = c->parts + c->n_parts;
    out->n_parts = !content ? 0 : content->kind == JSON_ARRAY ? content->n : 1;
    for (size_t i = 0; i < out->n_parts && status == INS1_OK; i++)
        status = read_part(content->kind == JSON_ARRAY ? &content->items[i] : content,
                           &c->parts[c->n_parts++], error);
    if (reasoning && reasoning->kind == JSON_STRING)
        out->reasoning = (ins1_text){ reasoning->text, reasoning->n };
    out->tool_calls_json = raw_text(json_get(from, "tool_calls"));
    return status;
}

static ins1_status read_conversation(const json *in, conversation *c, ins1_error *error)
{
    const json *messages = json_get(in, "messages");
    ins1_status status = INS1_OK;

    *c = (conversation){ 0 };
    if (!messages || messages->kind != JSON_ARRAY)
        return fail(error, INS1_E_FORMAT, "\"messages\" is expected to be an array");
    c->messages = allocate(messages->n, sizeof(*c->messages));
    c->parts = allocate(count_parts(messages), sizeof(*c->parts));
    for (size_t i = 0; i < messages->n && status == INS1_OK; i++)
        status = read_message(&messages->items[i], c, error);
    return status;
}

static ins1_status read_choice(const json *in, const char *name, int32_t *out, ins1_error *error)
{
    bool is_on = false;
    ins1_status status = json_flag(in, name, &is_on, error);
    if (json_get(in, name))
        *out = is_on ? INS1_CHAT_ON : INS1_CHAT_OFF;
    return status;
}

static ins1_status print_prompt(const ins1_prompt *prompt, const ins1_call *call, buffer *out)
{
    ins1_prompt_info info = INS1_INIT(ins1_prompt_info);
    const char *text;
    size_t size, n;

    ins1_status status = ins1_prompt_info_get(prompt, &info, call);
    if (status == INS1_OK)
        status = ins1_prompt_text(prompt, &text, &size, call);
    if (status != INS1_OK)
        return status;
    int32_t *ids = allocate(info.n_tokens, sizeof(*ids));
    status = ins1_prompt_ids(prompt, ids, info.n_tokens, &n, call);
    if (status == INS1_OK) {
        text_puts(out, "{\"text\": ");
        text_json(out, text, size);
        text_puts(out, ", \"ids\": ");
        text_ids(out, ids, n);
        text_puts(out, "}");
    }
    free(ids);
    return status;
}

static ins1_status answer(void *user, const json *in, buffer *out, ins1_error *error)
{
    engine *e = user;
    ins1_chat_options options = INS1_INIT(ins1_chat_options);
    ins1_prompt *prompt = NULL;
    conversation c = { 0 };

    e->call.error = error;
    options.tools_json = raw_text(json_get(in, "tools"));
    options.add_generation_prompt = INS1_CHAT_OFF;
    ins1_status status = read_choice(in, "enable_thinking", &options.thinking, error);
    if (status == INS1_OK)
        status = read_choice(in, "add_generation_prompt", &options.add_generation_prompt, error);
    if (status == INS1_OK)
        status = read_conversation(in, &c, error);
    if (status == INS1_OK)
        status =
            ins1_prompt_create(&prompt, e->tokenizer, c.messages, c.n_messages, &options, &e->call);
    if (status == INS1_OK)
        status = print_prompt(prompt, &e->call, out);
    ins1_prompt_release(prompt);
    free(c.parts);
    free(c.messages);
    return status;
}

static int run(int argc, char **argv)
{
    engine e = { 0 };
    settings s = { 0 };
    const char *model;
    int status = args_parse(&render_command, NULL, 0, &s, argc, argv, &model);
    if (status != ARGS_OK)
        return status;
    if (engine_open(&e, &s, model, INS1_PART_TOKENIZER) != INS1_OK)
        status = engine_failed(&e, &render_command);
    else
        status = lines_answer(answer, &e);
    engine_stop(&e);
    return status;
}

const command render_command = {
    .name = "render",
    .operands = "MODEL",
    .summary = "Turn conversations into prompts",
    .about = "Reads {\"messages\": [...]} with the names of the Hugging Face chat templates, "
             "prints the\n"
             "text of the prompt and its ids.",
    .example =
        "echo '{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}' | ins1 render MODEL",
    .run = run,
};
