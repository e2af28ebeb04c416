#include "session/messages.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"

#include <stdio.h>
#include <string.h>

/* Room for a label, its number and the placeholder. */
enum { MAX_MEDIUM_TEXT = 128 };

static ins1_status read_message(ins1_message *out, const ins1_message *messages, size_t i,
                                ins1_error *error)
{
    static const char *const roles[] = { "system", "user", "assistant", "tool" };
    ins1_status status = s1_struct_import(out, s1_struct_at(messages, i), sizeof(*out), error);
    if (status != INS1_OK)
        return status;
    if (out->flags)
        return s1_fail(error, INS1_E_VERSION, "message flags 0x%x are too new", out->flags);
    if (!out->role || (out->n_parts && !out->parts) ||
        (out->reasoning.size && !out->reasoning.text))
        return s1_fail(error, INS1_E_ARGUMENT, "message %zu has no role, or text or parts at NULL",
                       i);
    for (size_t k = 0; k < sizeof(roles) / sizeof(*roles); k++)
        if (!strcmp(out->role, roles[k])) {
            out->role = roles[k];
            return INS1_OK;
        }
    return s1_fail(error, INS1_E_ARGUMENT, "message %zu: there is no role '%.32s'", i, out->role);
}

static ins1_status read_part(const s1_messages *m, ins1_part *out, const ins1_part *parts, size_t i,
                             ins1_error *error)
{
    ins1_status status = s1_struct_import(out, s1_struct_at(parts, i), sizeof(*out), error);
    if (status != INS1_OK)
        return status;
    if (out->kind < INS1_MODALITY_TEXT || out->kind > INS1_MODALITY_TIMESERIES)
        return s1_fail(error, INS1_E_ARGUMENT, "a part of kind %d, expected 1 to 4", out->kind);
    if (out->kind != INS1_MODALITY_TEXT && !m->dialect->media)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "the chat dialect '%s' has text in its messages and no media",
                       m->dialect->name);
    if (out->kind == INS1_MODALITY_TEXT && out->size && !out->text)
        return s1_fail(error, INS1_E_ARGUMENT, "a part has %zu bytes of text at NULL", out->size);
    return INS1_OK;
}

/* --- tool calls --- */

ins1_status s1_messages_read_array(s1_json *out, ins1_text text, const char *what,
                                   ins1_error *error)
{
    *out = (s1_json){ 0 };
    if (!text.size)
        return INS1_OK;
    if (!text.text)
        return s1_fail(error, INS1_E_ARGUMENT, "%s of %zu bytes at NULL", what, text.size);
    ins1_status status = s1_json_parse(out, text.text, text.size, error);
    if (status == INS1_OK && out->kind != S1_JSON_ARRAY)
        status = s1_fail(error, INS1_E_FORMAT, "%s: an array is expected at byte 0", what);
    if (status != INS1_OK || !s1_json_count(*out))
        *out = (s1_json){ 0 };
    return status;
}

static ins1_status check_calls(s1_json calls, size_t message, ins1_error *error)
{
    s1_json key, call;
    s1_json_walk walk = s1_json_begin(calls);
    for (size_t i = 0; s1_json_next(&walk, &key, &call); i++) {
        call = s1_call_function(call);
        if (s1_json_get(call, "name").kind != S1_JSON_STRING ||
            s1_json_get(call, "arguments").kind == S1_JSON_NONE)
            return s1_fail(error, INS1_E_FORMAT,
                           "tool call %zu of message %zu has no name that is a string, or no "
                           "arguments",
                           i, message);
    }
    return INS1_OK;
}

/* --- text and media --- */

/* Bytes that joining the parts of a message takes, and the media among them. */
static ins1_status measure(s1_messages *m, const ins1_message *message, ins1_error *error)
{
    ins1_status status = INS1_OK;
    size_t n_media = 0;
    uint64_t size = 0;

    for (size_t i = 0; i < message->n_parts && status == INS1_OK; i++) {
        ins1_part part;
        status = read_part(m, &part, message->parts, i, error);
        if (status != INS1_OK)
            break;
        bool is_text = part.kind == INS1_MODALITY_TEXT;
        n_media += !is_text;
        size += strlen(m->dialect->glue) + (is_text ? 0 : MAX_MEDIUM_TEXT);
        if (is_text && part.size > SIZE_MAX / 4 - size)
            return s1_fail(error, INS1_E_ARGUMENT, "%zu bytes of text in a part", part.size);
        size += is_text ? part.size : 0;
    }
    if (status != INS1_OK || (message->n_parts < 2 && !n_media))
        return status;
    if (size > SIZE_MAX / 2 - m->joined_size)
        return s1_fail(error, INS1_E_ARGUMENT, "more text than fits a size");
    m->joined_size += (size_t)size;
    m->max_marks += n_media;
    return INS1_OK;
}

static ins1_status read_embeds(s1_mark *mark, int32_t kind, ins1_error *error)
{
    ins1_embeds_info info = { .struct_size = sizeof(info) };
    ins1_call call = { .struct_size = sizeof(call), .error = error };

    if (!mark->embeds)
        return INS1_OK;
    ins1_status status = ins1_embeds_info_get(mark->embeds, &info, &call);
    if (status != INS1_OK)
        return status;
    if (!info.n_tokens || (info.modality && info.modality != kind))
        return s1_fail(error, INS1_E_ARGUMENT,
                       "embeddings of %zu rows and modality %d in a part of kind %d", info.n_tokens,
                       info.modality, kind);
    mark->n_rows = info.n_tokens;
    mark->n_steps = 1;
    mark->times = info.times;
    if (mark->form->steps == S1_STEPS_ONE)
        return INS1_OK;
    mark->n_steps = info.grid_t ? (size_t)info.grid_t : info.n_times;
    bool has_times = mark->form->steps != S1_STEPS_SECONDS || info.n_times == mark->n_steps;
    if (!mark->n_steps || mark->n_rows % mark->n_steps || !has_times)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "embeddings of a video have %zu rows, %zu steps and %zu times, expected "
                       "rows in equal steps and a time each",
                       mark->n_rows, mark->n_steps, info.n_times);
    return INS1_OK;
}

static void append(s1_messages *m, ins1_text *to, const char *text, size_t size)
{
    if (size)
        memcpy(m->joined + m->n_joined, text, size);
    m->n_joined += size;
    to->size += size;
}

static ins1_status append_medium(s1_messages *m, s1_turn *turn, const ins1_part *part,
                                 bool counts_from_zero, ins1_error *error)
{
    const size_t which = (size_t)(part->kind - INS1_MODALITY_IMAGE);
    const s1_medium_form *form = &m->dialect->media[which];
    s1_mark *mark = &m->marks[m->n_marks++];
    char label[MAX_MEDIUM_TEXT];
    size_t number = ++m->counts[which];

    if (form->label) {
        int n = snprintf(label, sizeof(label), "%s%zu: ", form->label,
                         counts_from_zero ? (size_t)0 : number);
        append(m, &turn->content, label, (size_t)n);
    }
    *mark = (s1_mark){ .at = m->joined + m->n_joined, .form = form, .embeds = part->embeds };
    append(m, &turn->content, form->text, strlen(form->text));
    turn->n_marks++;
    return read_embeds(mark, part->kind, error);
}

static ins1_status read_content(s1_messages *m, const ins1_message *message, s1_turn *turn,
                                ins1_error *error)
{
    bool counts_from_zero =
        m->dialect->system_media_are_zero && turn == m->turns && !strcmp(message->role, "system");
    ins1_status status = INS1_OK;
    ins1_part part = { 0 };

    turn->content = (ins1_text){ "", 0 };
    if (!message->n_parts)
        return INS1_OK;
    if (message->n_parts == 1) {
        status = read_part(m, &part, message->parts, 0, error);
        if (status == INS1_OK && part.kind == INS1_MODALITY_TEXT) {
            if (part.size)
                turn->content = (ins1_text){ part.text, part.size };
            return INS1_OK;
        }
    }
    if (m->joined)
        turn->content.text = m->joined + m->n_joined;
    turn->marks = m->marks ? m->marks + m->n_marks : NULL;
    for (size_t i = 0; i < message->n_parts && status == INS1_OK; i++) {
        status = read_part(m, &part, message->parts, i, error);
        if (status != INS1_OK)
            break;
        append(m, &turn->content, m->dialect->glue, i ? strlen(m->dialect->glue) : 0);
        if (part.kind == INS1_MODALITY_TEXT)
            append(m, &turn->content, part.text, part.size);
        else
            status = append_medium(m, turn, &part, counts_from_zero, error);
    }
    return status;
}

/* --- all of them --- */

static ins1_status make_room(s1_messages *m, const ins1_message *messages, size_t n,
                             ins1_error *error)
{
    ins1_status status = INS1_OK;
    for (size_t i = 0; i < n && status == INS1_OK; i++) {
        ins1_message message;
        status = read_message(&message, messages, i, error);
        if (status == INS1_OK)
            status = measure(m, &message, error);
    }
    if (status != INS1_OK)
        return status;
    m->turns = s1_alloc_array(m->memory, n, sizeof(*m->turns), INS1_MEM_OBJECT);
    if (!m->turns)
        return s1_out_of_memory(m->memory, n * sizeof(*m->turns), "messages", error);
    m->n = n;
    if (m->joined_size && !(m->joined = s1_alloc(m->memory, m->joined_size, INS1_MEM_OBJECT)))
        return s1_out_of_memory(m->memory, m->joined_size, "the text of messages", error);
    if (m->max_marks &&
        !(m->marks = s1_alloc_array(m->memory, m->max_marks, sizeof(*m->marks), INS1_MEM_OBJECT)))
        return s1_out_of_memory(m->memory, m->max_marks * sizeof(*m->marks), "media", error);
    return INS1_OK;
}

ins1_status s1_messages_read(s1_messages *m, const ins1_message *messages, size_t n,
                             ins1_error *error)
{
    if (!n || !messages)
        return s1_fail(error, INS1_E_ARGUMENT, "a prompt needs at least one message");
    ins1_status status = make_room(m, messages, n, error);
    for (size_t i = 0; i < n && status == INS1_OK; i++) {
        s1_turn *turn = &m->turns[i];
        ins1_message message;
        status = read_message(&message, messages, i, error);
        if (status != INS1_OK)
            break;
        turn->role = message.role;
        turn->reasoning = message.reasoning;
        status = read_content(m, &message, turn, error);
        if (status == INS1_OK && !strcmp(turn->role, "assistant"))
            status =
                s1_messages_read_array(&turn->calls, message.tool_calls_json, "tool calls", error);
        else if (status == INS1_OK && message.tool_calls_json.size)
            status = s1_fail(error, INS1_E_ARGUMENT,
                             "message %zu has tool calls, but is not the assistant's", i);
        if (status == INS1_OK)
            status = check_calls(turn->calls, i, error);
    }
    return status;
}

void s1_messages_finish(s1_messages *m)
{
    s1_free(m->memory, m->turns, m->n * sizeof(*m->turns), INS1_MEM_OBJECT);
    s1_free(m->memory, m->joined, m->joined_size, INS1_MEM_OBJECT);
    s1_free(m->memory, m->marks, m->max_marks * sizeof(*m->marks), INS1_MEM_OBJECT);
}
