#include "interns1/chat.h"

#include "base/call.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "session/rendering.h"
#include "tokenizer/inside.h"

#include <string.h>

struct ins1_prompt {
    const ins1_allocator *memory;
    ins1_tokenizer *tokenizer; /* one of its owners: the memory is its model's */
    s1_rendering rendering;
    int32_t *ids;
    size_t n_ids;
    ins1_span span; /* all of them */
    uint32_t reply_flags;
};

/* --- reading what the caller gives --- */

/* The messages with the text of their parts, which are joined where there are several. */
typedef struct reading {
    const ins1_allocator *memory;
    const s1_dialect *dialect;
    s1_turn *turns;
    size_t n;
    char *joined; /* owned: the texts of messages with several parts */
    size_t joined_size, n_joined;
} reading;

static ins1_status read_message(ins1_message *out, const ins1_message *messages, size_t i,
                                ins1_error *error)
{
    static const char *const roles[] = { "system", "user", "assistant" };
    ins1_status status = s1_struct_import(out, s1_struct_at(messages, i), sizeof(*out), error);
    if (status != INS1_OK)
        return status;
    if (out->flags)
        return s1_fail(error, INS1_E_VERSION, "message flags 0x%x are too new", out->flags);
    if (!out->role || (out->n_parts && !out->parts))
        return s1_fail(error, INS1_E_ARGUMENT, "message %zu has no role, or parts at NULL", i);
    if (!strcmp(out->role, "tool") || out->tool_calls_json.size)
        return s1_fail(error, INS1_E_UNSUPPORTED, "message %zu: tools are not in this version", i);
    for (size_t k = 0; k < sizeof(roles) / sizeof(*roles); k++)
        if (!strcmp(out->role, roles[k])) {
            out->role = roles[k];
            return INS1_OK;
        }
    return s1_fail(error, INS1_E_ARGUMENT, "message %zu: there is no role '%.32s'", i, out->role);
}

static ins1_status read_part(ins1_text *out, const ins1_part *parts, size_t i, ins1_error *error)
{
    ins1_part part;
    ins1_status status = s1_struct_import(&part, s1_struct_at(parts, i), sizeof(part), error);
    if (status != INS1_OK)
        return status;
    if (part.kind != INS1_MODALITY_TEXT)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "images, videos and time series in messages are not in this version");
    if (part.size && !part.text)
        return s1_fail(error, INS1_E_ARGUMENT, "a part has %zu bytes of text at NULL", part.size);
    *out = (ins1_text){ part.text, part.size };
    return INS1_OK;
}

/* Bytes that joining the parts of a message takes; 0 where there is nothing to join. */
static ins1_status measure(const reading *r, const ins1_message *message, size_t *total,
                           ins1_error *error)
{
    ins1_status status = INS1_OK;
    size_t size = 0;
    for (size_t i = 0; i < message->n_parts && status == INS1_OK; i++) {
        ins1_text text = { 0 };
        status = read_part(&text, message->parts, i, error);
        if (status == INS1_OK && text.size > SIZE_MAX / 4 - size)
            status = s1_fail(error, INS1_E_ARGUMENT, "%zu bytes of text in a part", text.size);
        if (status == INS1_OK)
            size += text.size + strlen(r->dialect->glue);
    }
    *total = message->n_parts > 1 ? size : 0;
    return status;
}

static ins1_status join(reading *r, const ins1_message *message, ins1_text *out, ins1_error *error)
{
    ins1_text text = { "", 0 };
    ins1_status status = INS1_OK;

    *out = text;
    if (message->n_parts == 1)
        return read_part(out, message->parts, 0, error);
    out->text = r->joined + r->n_joined;
    for (size_t i = 0; i < message->n_parts && status == INS1_OK; i++) {
        status = read_part(&text, message->parts, i, error);
        if (status != INS1_OK)
            break;
        size_t glue = i ? strlen(r->dialect->glue) : 0;
        memcpy(r->joined + r->n_joined, r->dialect->glue, glue);
        if (text.size)
            memcpy(r->joined + r->n_joined + glue, text.text, text.size);
        r->n_joined += glue + text.size;
        out->size += glue + text.size;
    }
    return status;
}

static ins1_status make_room(reading *r, const ins1_message *messages, size_t n, ins1_error *error)
{
    ins1_status status = INS1_OK;
    for (size_t i = 0; i < n && status == INS1_OK; i++) {
        ins1_message message;
        size_t size = 0;
        status = read_message(&message, messages, i, error);
        if (status == INS1_OK)
            status = measure(r, &message, &size, error);
        if (status == INS1_OK && size > SIZE_MAX - r->joined_size)
            status = s1_fail(error, INS1_E_ARGUMENT, "more text than fits a size");
        r->joined_size += size;
    }
    if (status != INS1_OK)
        return status;
    r->turns = s1_alloc_array(r->memory, n, sizeof(*r->turns), INS1_MEM_OBJECT);
    if (!r->turns)
        return s1_out_of_memory(r->memory, n * sizeof(*r->turns), "messages", error);
    r->n = n;
    if (r->joined_size && !(r->joined = s1_alloc(r->memory, r->joined_size, INS1_MEM_OBJECT)))
        return s1_out_of_memory(r->memory, r->joined_size, "the text of messages", error);
    return INS1_OK;
}

static ins1_status read_messages(reading *r, const ins1_message *messages, size_t n,
                                 ins1_error *error)
{
    if (!n || !messages)
        return s1_fail(error, INS1_E_ARGUMENT, "a prompt needs at least one message");
    ins1_status status = make_room(r, messages, n, error);
    for (size_t i = 0; i < n && status == INS1_OK; i++) {
        ins1_message message;
        status = read_message(&message, messages, i, error);
        if (status == INS1_OK)
            status = join(r, &message, &r->turns[i].content, error);
        r->turns[i].role = message.role;
        r->turns[i].reasoning = message.reasoning;
    }
    return status;
}

static void reading_finish(reading *r)
{
    s1_free(r->memory, r->turns, r->n * sizeof(*r->turns), INS1_MEM_OBJECT);
    s1_free(r->memory, r->joined, r->joined_size, INS1_MEM_OBJECT);
}

static ins1_status read_options(ins1_chat_options *out, const ins1_chat_options *given,
                                ins1_error *error)
{
    ins1_status status = s1_struct_import(out, given, sizeof(*out), error);
    if (status != INS1_OK)
        return status;
    if (out->flags)
        return s1_fail(error, INS1_E_VERSION, "chat flags 0x%x are too new", out->flags);
    if (out->thinking < INS1_CHAT_DEFAULT || out->thinking > INS1_CHAT_OFF ||
        out->add_generation_prompt < INS1_CHAT_DEFAULT ||
        out->add_generation_prompt > INS1_CHAT_OFF)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "thinking is %d, add_generation_prompt is %d, expected 0 to 2",
                       out->thinking, out->add_generation_prompt);
    if (out->tools_json.size)
        return s1_fail(error, INS1_E_UNSUPPORTED, "tools are not in this version");
    return INS1_OK;
}

/* The dialect that is asked for, else the one of the checkpoint that the tokenizer belongs to. */
static ins1_status find_dialect(const s1_dialect **out, const ins1_tokenizer *tokenizer,
                                const char *asked, ins1_error *error)
{
    char name[32] = "";
    const char *value = NULL;
    size_t size = 0;

    if (!asked && tokenizer->owner)
        ins1_model_meta(tokenizer->owner, "ins1/dialect", &value, &size, NULL);
    if (value && size < sizeof(name))
        memcpy(name, value, size);
    if (!asked && !*name)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "the checkpoint has no chat template that this version knows");
    *out = s1_dialect_find(asked ? asked : name);
    if (!*out)
        return s1_fail(error, INS1_E_UNSUPPORTED, "the chat dialect '%.32s' is not in this version",
                       asked ? asked : name);
    return INS1_OK;
}

/* --- making a prompt --- */

static ins1_status encode(ins1_prompt *prompt, const s1_call *call)
{
    ins1_call inner = { .struct_size = sizeof(inner), .cancel = call->cancel };
    const s1_rendering *r = &prompt->rendering;
    size_t n = 0;

    ins1_status status = ins1_tokenizer_encode(prompt->tokenizer, r->segments, r->n_segments, 0,
                                               NULL, NULL, 0, &n, &inner);
    if (status != INS1_OK && status != INS1_E_BUFFER)
        return s1_fail(call->error, status, "the text of a prompt cannot be encoded");
    if (!n)
        return INS1_OK;
    prompt->ids = s1_alloc_array(prompt->memory, n, sizeof(*prompt->ids), INS1_MEM_OBJECT);
    if (!prompt->ids)
        return s1_out_of_memory(prompt->memory, n * sizeof(*prompt->ids), "a prompt", call->error);
    prompt->n_ids = n;
    inner.error = call->error;
    return ins1_tokenizer_encode(prompt->tokenizer, r->segments, r->n_segments, 0, prompt->ids,
                                 NULL, n, &n, &inner);
}

static ins1_status fill(ins1_prompt *prompt, const reading *read, const ins1_chat_options *options,
                        const s1_call *call)
{
    const s1_dialect *dialect = read->dialect;
    bool last_is_reply = !strcmp(read->turns[read->n - 1].role, "assistant");
    s1_conversation c = { .turns = read->turns, .n = read->n };

    c.thinks = options->thinking != INS1_CHAT_OFF;
    c.generates = options->add_generation_prompt == INS1_CHAT_ON ||
                  (options->add_generation_prompt == INS1_CHAT_DEFAULT && !last_is_reply);
    dialect->render(&prompt->rendering, &c);
    if (prompt->rendering.is_out_of_memory)
        return s1_out_of_memory(prompt->memory, prompt->rendering.size, "a prompt", call->error);
    s1_rendering_end(&prompt->rendering);
    if (c.generates && c.thinks && dialect->opens_reasoning)
        prompt->reply_flags = INS1_REPLY_IN_REASONING;
    ins1_status status = encode(prompt, call);
    prompt->span = (ins1_span){
        .struct_size = sizeof(prompt->span),
        .ids = prompt->ids,
        .n_ids = prompt->n_ids,
    };
    return status;
}

ins1_status ins1_prompt_create(ins1_prompt **out, const ins1_tokenizer *tokenizer,
                               const ins1_message *messages, size_t n_messages,
                               const ins1_chat_options *given, const ins1_call *given_call)
{
    ins1_chat_options options;
    ins1_prompt *prompt = NULL;
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_call_begin(&call, given_call);
    if (status != INS1_OK)
        return status;
    if (!out || !tokenizer)
        return s1_fail(call.error, INS1_E_ARGUMENT, "no place for a prompt, or no tokenizer");

    reading read = { .memory = &tokenizer->memory };
    status = read_options(&options, given, call.error);
    if (status == INS1_OK)
        status = find_dialect(&read.dialect, tokenizer, options.dialect, call.error);
    if (status == INS1_OK)
        status = read_messages(&read, messages, n_messages, call.error);
    if (status != INS1_OK)
        goto done;

    prompt = s1_alloc(read.memory, sizeof(*prompt), INS1_MEM_OBJECT);
    if (!prompt) {
        status = s1_out_of_memory(read.memory, sizeof(*prompt), "a prompt", call.error);
        goto done;
    }
    prompt->memory = prompt->rendering.memory = read.memory;
    prompt->tokenizer = (ins1_tokenizer *)tokenizer; /* only its count of owners changes */
    ins1_tokenizer_retain(prompt->tokenizer);
    status = fill(prompt, &read, &options, &call);
    if (status != INS1_OK)
        goto done;
    *out = prompt;
    prompt = NULL;

done:
    reading_finish(&read);
    ins1_prompt_release(prompt);
    return status;
}

void ins1_prompt_release(ins1_prompt *prompt)
{
    if (!prompt)
        return;
    ins1_tokenizer *tokenizer = prompt->tokenizer;
    s1_rendering_finish(&prompt->rendering);
    s1_free(prompt->memory, prompt->ids, prompt->n_ids * sizeof(*prompt->ids), INS1_MEM_OBJECT);
    s1_free(prompt->memory, prompt, sizeof(*prompt), INS1_MEM_OBJECT);
    ins1_tokenizer_release(tokenizer);
}

/* --- getters --- */

static ins1_status begin(const ins1_prompt *prompt, const void *out, s1_call *call,
                         const ins1_call *given)
{
    ins1_status status = s1_call_begin(call, given);
    if (status == INS1_OK && (!prompt || !out))
        status = s1_fail(call->error, INS1_E_ARGUMENT, "no prompt, or no place for the answer");
    return status;
}

ins1_status ins1_prompt_info_get(const ins1_prompt *prompt, ins1_prompt_info *out,
                                 const ins1_call *given)
{
    s1_call call;
    ins1_status status = begin(prompt, out, &call, given);
    if (status != INS1_OK)
        return status;
    const ins1_prompt_info info = {
        .struct_size = sizeof(info),
        .reply_flags = prompt->reply_flags,
        .n_tokens = prompt->n_ids,
        .n_spans = 1,
    };
    return s1_struct_export(out, &info, sizeof(info), call.error);
}

ins1_status ins1_prompt_text(const ins1_prompt *prompt, const char **text, size_t *size,
                             const ins1_call *given)
{
    s1_call call;
    ins1_status status = begin(prompt, text, &call, given);
    if (status != INS1_OK)
        return status;
    *text = prompt->rendering.text ? prompt->rendering.text : "";
    *size = prompt->rendering.size;
    return INS1_OK;
}

ins1_status ins1_prompt_spans(const ins1_prompt *prompt, const ins1_span **spans, size_t *n_spans,
                              const ins1_call *given)
{
    s1_call call;
    ins1_status status = begin(prompt, spans, &call, given);
    if (status != INS1_OK)
        return status;
    *spans = &prompt->span;
    *n_spans = 1;
    return INS1_OK;
}

ins1_status ins1_prompt_ids(const ins1_prompt *prompt, int32_t *out, size_t capacity, size_t *count,
                            const ins1_call *given)
{
    s1_call call;
    ins1_status status = begin(prompt, count, &call, given);
    if (status != INS1_OK)
        return status;
    *count = prompt->n_ids;
    size_t n = capacity < prompt->n_ids ? capacity : prompt->n_ids;
    if (n && out)
        memcpy(out, prompt->ids, n * sizeof(*out));
    if (capacity < prompt->n_ids)
        return s1_fail(call.error, INS1_E_BUFFER, "%zu ids do not fit in %zu", prompt->n_ids,
                       capacity);
    return INS1_OK;
}
