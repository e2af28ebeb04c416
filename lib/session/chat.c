#include "interns1/chat.h"

#include "base/call.h"
#include "base/checked.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "session/messages.h"
#include "tokenizer/inside.h"

#include <string.h>

struct ins1_prompt {
    const ins1_allocator *memory;
    ins1_tokenizer *tokenizer; /* one of its owners: the memory is its model's */
    s1_rendering rendering;
    int32_t *ids;
    size_t n_ids;
    ins1_embeds **embeds; /* kept: of every medium */
    size_t n_embeds;
    ins1_span *spans;
    size_t n_spans, max_spans; /* n_spans 0: a part had no embeddings */
    uint32_t reply_flags;
};

/* --- what the caller wants --- */

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

/* The ids of a rendering, one placeholder for a step of a medium. */
static ins1_status encode(ins1_prompt *prompt, const s1_rendering *r, const s1_call *call)
{
    ins1_call inner = { .struct_size = sizeof(inner), .cancel = call->cancel };
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

/* --- spans --- */

/* The id of a slot's placeholder, or -1. */
static int32_t placeholder_of(const ins1_prompt *prompt, const s1_slot *slot)
{
    const char *text = slot->mark->form->placeholder;
    const s1_added_token *token = s1_added_find(&prompt->tokenizer->added, text, strlen(text));
    return token ? token->id : -1;
}

/* The number of ids once every placeholder stands for its rows. Nobody but the template writes
 * placeholders, so they are found in the order of the slots. */
static ins1_status count_expanded(const ins1_prompt *prompt, const s1_rendering *r, size_t *n,
                                  ins1_error *error)
{
    uint64_t total = prompt->n_ids;
    size_t slot = 0;

    for (size_t i = 0; i < prompt->n_ids && slot < r->n_slots; i++)
        if (prompt->ids[i] == placeholder_of(prompt, &r->slots[slot]) &&
            !s1_add(total, r->slots[slot++].count - 1, &total))
            return s1_fail(error, INS1_E_ARGUMENT, "more rows of embeddings than fit a size");
    if (slot < r->n_slots)
        return s1_fail(error, INS1_E_UNSUPPORTED, "'%s' is not a token of this tokenizer",
                       r->slots[slot].mark->form->placeholder);
    if (total > SIZE_MAX / sizeof(*prompt->ids))
        return s1_fail(error, INS1_E_ARGUMENT, "more rows of embeddings than fit a size");
    *n = (size_t)total;
    return INS1_OK;
}

static void add_span(ins1_prompt *prompt, const int32_t *ids, size_t n_ids, const s1_slot *slot)
{
    ins1_span span = { .struct_size = sizeof(span), .ids = ids, .n_ids = n_ids };
    if (slot)
        span = (ins1_span){
            .struct_size = sizeof(span),
            .embeds = slot->mark->embeds,
            .first = slot->first,
            .count = slot->count,
        };
    if (slot || n_ids)
        prompt->spans[prompt->n_spans++] = span;
}

/* From the ids with one placeholder each to `to`, and the spans. */
static void expand(ins1_prompt *prompt, const s1_rendering *r, int32_t *to)
{
    const int32_t *begin = to;
    size_t slot = 0;

    for (size_t i = 0; i < prompt->n_ids; i++) {
        int32_t id = prompt->ids[i];
        if (slot == r->n_slots || id != placeholder_of(prompt, &r->slots[slot])) {
            *to++ = id;
            continue;
        }
        add_span(prompt, begin, (size_t)(to - begin), NULL);
        add_span(prompt, NULL, 0, &r->slots[slot]);
        for (size_t k = 0; k < r->slots[slot].count; k++)
            *to++ = id;
        begin = to;
        slot++;
    }
    add_span(prompt, begin, (size_t)(to - begin), NULL);
}

static ins1_status make_spans(ins1_prompt *prompt, const s1_rendering *r, const s1_call *call)
{
    size_t n = 0, max = 2 * r->n_slots + 1;
    ins1_status status = count_expanded(prompt, r, &n, call->error);
    if (status != INS1_OK)
        return status;
    prompt->spans = s1_alloc_array(prompt->memory, max, sizeof(*prompt->spans), INS1_MEM_OBJECT);
    if (!prompt->spans)
        return s1_out_of_memory(prompt->memory, max * sizeof(*prompt->spans), "spans", call->error);
    prompt->max_spans = max;
    if (!r->n_slots) {
        add_span(prompt, prompt->ids, prompt->n_ids, NULL);
        return INS1_OK;
    }
    int32_t *ids = s1_alloc_array(prompt->memory, n, sizeof(*ids), INS1_MEM_OBJECT);
    if (!ids)
        return s1_out_of_memory(prompt->memory, n * sizeof(*ids), "a prompt", call->error);
    expand(prompt, r, ids);
    s1_free(prompt->memory, prompt->ids, prompt->n_ids * sizeof(*ids), INS1_MEM_OBJECT);
    prompt->ids = ids;
    prompt->n_ids = n;
    return INS1_OK;
}

static ins1_status keep_embeds(ins1_prompt *prompt, const s1_messages *m, ins1_error *error)
{
    if (!m->n_marks)
        return INS1_OK;
    prompt->embeds =
        s1_alloc_array(prompt->memory, m->n_marks, sizeof(*prompt->embeds), INS1_MEM_OBJECT);
    if (!prompt->embeds)
        return s1_out_of_memory(prompt->memory, m->n_marks * sizeof(*prompt->embeds), "a prompt",
                                error);
    for (; prompt->n_embeds < m->n_marks; prompt->n_embeds++) {
        prompt->embeds[prompt->n_embeds] = m->marks[prompt->n_embeds].embeds;
        ins1_embeds_retain(prompt->embeds[prompt->n_embeds]);
    }
    return INS1_OK;
}

static ins1_status render(s1_rendering *r, const s1_dialect *dialect, const s1_conversation *c,
                          ins1_error *error)
{
    dialect->render(r, c);
    if (r->is_out_of_memory)
        return s1_out_of_memory(r->memory, r->size, "a prompt", error);
    if (r->has_lone_surrogate)
        return s1_fail(error, INS1_E_FORMAT, "tools or tool calls have a lone surrogate");
    s1_rendering_end(r);
    return INS1_OK;
}

static ins1_status fill(ins1_prompt *prompt, const s1_messages *read, s1_json tools,
                        const ins1_chat_options *options, const s1_call *call)
{
    const s1_dialect *dialect = read->dialect;
    bool last_is_reply = !strcmp(read->turns[read->n - 1].role, "assistant");
    s1_rendering expanded = { .memory = prompt->memory, .expands = true };
    s1_conversation c = { .turns = read->turns, .n = read->n, .tools = tools };
    bool has_all = true;

    for (size_t i = 0; i < read->n_marks; i++)
        has_all = has_all && read->marks[i].embeds;
    c.thinks = options->thinking != INS1_CHAT_OFF;
    c.generates = options->add_generation_prompt == INS1_CHAT_ON ||
                  (options->add_generation_prompt == INS1_CHAT_DEFAULT && !last_is_reply);
    if (c.generates && c.thinks && dialect->opens_reasoning)
        prompt->reply_flags = INS1_REPLY_IN_REASONING;

    ins1_status status = render(&prompt->rendering, dialect, &c, call->error);
    if (status == INS1_OK && !has_all)
        return encode(prompt, &prompt->rendering, call);
    if (status == INS1_OK && read->n_marks)
        status = render(&expanded, dialect, &c, call->error);
    const s1_rendering *source = read->n_marks ? &expanded : &prompt->rendering;
    if (status == INS1_OK)
        status = encode(prompt, source, call);
    if (status == INS1_OK)
        status = keep_embeds(prompt, read, call->error);
    if (status == INS1_OK)
        status = make_spans(prompt, source, call);
    s1_rendering_finish(&expanded);
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

    s1_messages read = { .memory = &tokenizer->memory };
    s1_json tools = { 0 };
    status = read_options(&options, given, call.error);
    if (status == INS1_OK)
        status = find_dialect(&read.dialect, tokenizer, options.dialect, call.error);
    if (status == INS1_OK)
        status = s1_messages_read(&read, messages, n_messages, call.error);
    if (status == INS1_OK)
        status = s1_messages_read_array(&tools, options.tools_json, "tools", call.error);
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
    status = fill(prompt, &read, tools, &options, &call);
    if (status != INS1_OK)
        goto done;
    *out = prompt;
    prompt = NULL;

done:
    s1_messages_finish(&read);
    ins1_prompt_release(prompt);
    return status;
}

void ins1_prompt_release(ins1_prompt *prompt)
{
    if (!prompt)
        return;
    ins1_tokenizer *tokenizer = prompt->tokenizer;
    s1_rendering_finish(&prompt->rendering);
    for (size_t i = 0; i < prompt->n_embeds; i++)
        ins1_embeds_release(prompt->embeds[i]);
    s1_free(prompt->memory, prompt->embeds, prompt->n_embeds * sizeof(*prompt->embeds),
            INS1_MEM_OBJECT);
    s1_free(prompt->memory, prompt->spans, prompt->max_spans * sizeof(*prompt->spans),
            INS1_MEM_OBJECT);
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
        .n_spans = prompt->n_spans,
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
    *spans = NULL;
    *n_spans = 0;
    if (!prompt->spans)
        return s1_fail(call.error, INS1_E_STATE, "a part of the prompt has no embeddings");
    *spans = prompt->spans;
    *n_spans = prompt->n_spans;
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
