#include "request.h"

#include "fields.h"
#include "media.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Messages as the library takes them. Texts are borrowed from the body, JSON is our own. */
typedef struct conversation {
    served *s;
    client *client;
    ins1_message *messages;
    size_t n;
    ins1_part **parts; /* [n], owned, with their embeddings */
    text *calls;       /* [n], the JSON of tool calls */
    int64_t n_media;
} conversation;

static void conversation_free(conversation *c)
{
    for (size_t i = 0; c->messages && c->parts && c->calls && i < c->n; i++) {
        for (size_t k = 0; c->parts[i] && k < c->messages[i].n_parts; k++)
            ins1_embeds_release(c->parts[i][k].embeds);
        free(c->parts[i]);
        text_free(&c->calls[i]);
    }
    free(c->messages);
    free(c->parts);
    free(c->calls);
}

static bool no_memory(problem *p)
{
    return refuse(p, 503, "out_of_memory", "messages", "no memory for the messages");
}

/* --- parts --- */

static void set_text(ins1_part *part, const json_t *string)
{
    part->kind = INS1_MODALITY_TEXT;
    part->text = json_string_value(string);
    part->size = json_string_length(string);
}

/* {"url": ...}, or the URL alone. */
static bool read_url(const json_t *part, const char *name, const char **url, problem *p)
{
    const json_t *value = field(part, name);
    if (json_is_string(value))
        *url = json_string_value(value);
    else if (!field_text(value, "url", url, p))
        return false;
    return *url || refuse(p, 400, "missing", name, "a part has no '%s' with a 'url'", name);
}

static bool read_medium(conversation *c, const json_t *part, const char *type, ins1_part *out,
                        problem *p)
{
    const char *url = NULL;
    float rate = 0;

    if (++c->n_media > c->s->o->max_media)
        return refuse(p, 400, "invalid_value", "messages",
                      "the messages have %lld images and series, expected at most %lld",
                      (long long)c->n_media, (long long)c->s->o->max_media);
    if (!read_url(part, type, &url, p))
        return false;
    if (strcmp(type, "image_url") == 0) {
        out->kind = INS1_MODALITY_IMAGE;
        return media_image(c->s, c->client, url, &out->embeds, p);
    }
    out->kind = INS1_MODALITY_TIMESERIES;
    return field_real(field(part, type), "sampling_rate", 0, 1e9, &rate, p) &&
           media_series(c->s, c->client, url, (double)rate, &out->embeds, p);
}

static bool read_part(conversation *c, const json_t *part, ins1_part *out, problem *p)
{
    const char *type = NULL;
    if (!json_is_object(part))
        return refuse(p, 400, "invalid_type", "messages", "a part is %s, expected an object",
                      kind_of(part));
    if (!field_text(part, "type", &type, p))
        return false;
    if (type && strcmp(type, "text") == 0) {
        const json_t *string = field(part, "text");
        if (!json_is_string(string))
            return refuse(p, 400, "invalid_type", "text",
                          "'text' of a part is %s, expected a string", kind_of(string));
        set_text(out, string);
        return true;
    }
    if (type && (strcmp(type, "image_url") == 0 || strcmp(type, "time_series_url") == 0))
        return read_medium(c, part, type, out, p);
    return refuse(p, 400, "invalid_value", "type",
                  "'type' of a part is '%.40s', expected 'text', 'image_url' or 'time_series_url'",
                  type ? type : "");
}

static bool read_content(conversation *c, const json_t *content, size_t i, problem *p)
{
    const size_t n = json_is_array(content) ? json_array_size(content) : 1;
    ins1_part *parts = calloc(n + 1, sizeof(*parts));
    c->parts[i] = parts;
    c->messages[i].parts = parts;
    if (!parts)
        return no_memory(p);
    for (size_t k = 0; k < n; k++) {
        parts[k] = (ins1_part)INS1_INIT(ins1_part);
        parts[k].kind = INS1_MODALITY_TEXT;
    }
    c->messages[i].n_parts = content ? n : 0;
    if (!content)
        return true;
    if (json_is_string(content)) {
        set_text(&parts[0], content);
        return true;
    }
    if (!json_is_array(content))
        return refuse(p, 400, "invalid_type", "content",
                      "'content' is %s, expected a string or an array of parts", kind_of(content));
    for (size_t k = 0; k < n; k++)
        if (!read_part(c, json_array_get(content, k), &parts[k], p))
            return false;
    return true;
}

/* --- messages --- */

/* Numbers as people write them: 0.1 stays 0.1. */
static ins1_text json_of(text *to, const json_t *value)
{
    char *dumped = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (dumped)
        text_puts(to, dumped);
    else
        to->has_failed = true;
    free(dumped);
    return (ins1_text){ to->at, to->size };
}

static const char *role_of(const char *role)
{
    return strcmp(role, "developer") == 0  ? "system"
           : strcmp(role, "function") == 0 ? "tool"
                                           : role;
}

static bool read_message(conversation *c, const json_t *from, size_t i, problem *p)
{
    ins1_message *m = &c->messages[i];
    const char *role = NULL;
    *m = (ins1_message)INS1_INIT(ins1_message);

    if (!json_is_object(from))
        return refuse(p, 400, "invalid_type", "messages", "message %zu is %s, expected an object",
                      i, kind_of(from));
    if (!field_text(from, "role", &role, p))
        return false;
    if (!role)
        return refuse(p, 400, "missing", "role", "message %zu has no 'role'", i);
    m->role = role_of(role);
    if (!read_content(c, field(from, "content"), i, p))
        return false;

    const json_t *reasoning = field(from, "reasoning_content");
    reasoning = reasoning ? reasoning : field(from, "reasoning");
    if (json_is_string(reasoning))
        m->reasoning = (ins1_text){ json_string_value(reasoning), json_string_length(reasoning) };
    const json_t *calls = field(from, "tool_calls");
    if (calls && json_array_size(calls))
        m->tool_calls_json = json_of(&c->calls[i], calls);
    return !c->calls[i].has_failed || no_memory(p);
}

static bool read_messages(conversation *c, const json_t *list, problem *p)
{
    if (!json_is_array(list) || !json_array_size(list))
        return refuse(p, 400, "invalid_type", "messages",
                      "'messages' is %s, expected an array of messages",
                      json_is_array(list) ? "empty" : kind_of(list));
    const size_t n = json_array_size(list);
    c->n = n;
    c->messages = calloc(n, sizeof(*c->messages));
    c->parts = calloc(n, sizeof(*c->parts));
    c->calls = calloc(n, sizeof(*c->calls));
    if (!c->messages || !c->parts || !c->calls)
        return no_memory(p);
    for (size_t i = 0; i < n; i++)
        if (!read_message(c, json_array_get(list, i), i, p))
            return false;
    return true;
}

/* --- switches --- */

/* {"thinking": true}, {"enable_thinking": true}, {"chat_template_kwargs": {"enable_thinking":
 * true}}: other servers of these models have each of them. */
static bool read_thinking(const json_t *body, int32_t *out, problem *p)
{
    const json_t *inner = field(body, "chat_template_kwargs");
    bool thinks = true;
    if (!field_bool(inner, "enable_thinking", &thinks, p) ||
        !field_bool(inner, "thinking", &thinks, p) ||
        !field_bool(body, "enable_thinking", &thinks, p) ||
        !field_bool(body, "thinking", &thinks, p))
        return false;
    const bool is_said = field(inner, "enable_thinking") || field(inner, "thinking") ||
                         field(body, "enable_thinking") || field(body, "thinking");
    *out = !is_said ? INS1_CHAT_DEFAULT : thinks ? INS1_CHAT_ON : INS1_CHAT_OFF;
    return true;
}

static bool read_tools(const json_t *body, text *to, ins1_chat_options *out, problem *p)
{
    const json_t *tools = field(body, "tools"), *choice = field(body, "tool_choice");
    const char *how = json_string_value(choice);
    const bool is_off = how && strcmp(how, "none") == 0;

    if (choice && !is_off && !(how && strcmp(how, "auto") == 0))
        return refuse(p, 400, "unsupported", "tool_choice",
                      "'tool_choice' is %s%s, expected 'auto' or 'none'",
                      how ? "" : kind_of(choice), how ? how : "");
    if (tools && !json_is_array(tools))
        return refuse(p, 400, "invalid_type", "tools", "'tools' is %s, expected an array",
                      kind_of(tools));
    if (tools && json_array_size(tools) && !is_off)
        out->tools_json = json_of(to, tools);
    return !to->has_failed || no_memory(p);
}

bool chat_read(served *s, client *who, const json_t *body, job *j, problem *p)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_chat_options options = INS1_INIT(ins1_chat_options);
    ins1_prompt_info info = INS1_INIT(ins1_prompt_info);
    conversation c = { .s = s, .client = who };
    text tools = { 0 };

    call.error = &error;
    bool is_read = read_thinking(body, &options.thinking, p) &&
                   read_tools(body, &tools, &options, p) &&
                   read_messages(&c, field(body, "messages"), p);
    options.add_generation_prompt = INS1_CHAT_ON;
    if (is_read) {
        ins1_status status =
            ins1_prompt_create(&j->works[0].prompt, s->tokenizer, c.messages, c.n, &options, &call);
        if (status == INS1_OK)
            status = ins1_prompt_info_get(j->works[0].prompt, &info, &call);
        is_read = status == INS1_OK || refuse_status(p, "messages", &error);
        j->reply_flags = info.reply_flags;
        /* Without tools the text of a call is what the model says. */
        if (!options.tools_json.size)
            j->reply_flags |= INS1_REPLY_NO_TOOLS;
    }
    text_free(&tools);
    conversation_free(&c);
    return is_read;
}
