/* What stands between the tags of a tool call. */

#include "base/json.h"
#include "base/meter.h"
#include "session/reply.h"
#include "tokenizer/scratch.h"

#include <string.h>

static ins1_status hold(s1_reply *r, size_t size, ins1_error *error)
{
    void *name = r->name;
    if (!s1_scratch_grow(r->memory, &name, &r->name_capacity, size, 1, INS1_MEM_OBJECT))
        return s1_out_of_memory(r->memory, size, "a tool call", error);
    r->name = name;
    return INS1_OK;
}

/* Copy a payload, doubling each backslash inside a string that escapes nothing. */
static size_t repair(char *out, const char *payload, size_t size)
{
    bool is_inside = false;
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        out[n++] = payload[i];
        if (payload[i] == '"')
            is_inside = !is_inside;
        if (!is_inside || payload[i] != '\\')
            continue;
        char next = i + 1 < size ? payload[i + 1] : '\0';
        if (next && strchr("\"\\/bfnrtu", next))
            out[n++] = payload[++i];
        else
            out[n++] = '\\';
    }
    return n;
}

static bool find_members(const s1_reply *r, s1_json call, s1_json *name, s1_json *arguments)
{
    bool is_action = r->form == S1_CALL_ACTION;
    *name = s1_json_get(call, "name");
    *arguments = s1_json_get(call, is_action ? "parameters" : "arguments");
    if (arguments->kind == S1_JSON_NONE)
        *arguments = s1_json_get(call, is_action ? "arguments" : "parameters");
    return call.kind == S1_JSON_OBJECT && name->kind == S1_JSON_STRING && name->size > 2;
}

/* The payload begins at the first brace; white space around it is nothing. */
static void trim(const char **payload, size_t *size)
{
    const char *brace = memchr(*payload, '{', *size);
    if (!brace)
        brace = *payload + *size;
    *size -= (size_t)(brace - *payload);
    *payload = brace;
    while (*size && strchr(" \t\r\n", (*payload)[*size - 1]))
        --*size;
}

ins1_status s1_reply_read_call(s1_reply *reply, const char *payload, size_t size, bool *is_call,
                               ins1_error *error)
{
    s1_json call = { 0 }, name, arguments;
    size_t name_size;
    ins1_status status;

    *is_call = false;
    trim(&payload, &size);
    /* The name, which is never longer than the payload, and behind it what may have to be repaired.
     */
    if (size > SIZE_MAX / 4)
        return INS1_OK;
    status = hold(reply, 3 * size + 1, error);
    if (status != INS1_OK)
        return status;
    ins1_status parsed = s1_json_parse(&call, payload, size, NULL);
    if (parsed != INS1_OK && reply->flags & INS1_REPLY_REPAIR_JSON) {
        char *repaired = reply->name + size;
        size_t n = repair(repaired, payload, size);
        parsed = s1_json_parse(&call, repaired, n, NULL);
    }
    if (parsed != INS1_OK || !find_members(reply, call, &name, &arguments) ||
        !s1_json_string(name, reply->name, size, &name_size))
        return INS1_OK;

    reply->name_size = name_size;
    reply->arguments = arguments.kind == S1_JSON_NONE ? "{}" : arguments.text;
    reply->arguments_size = arguments.kind == S1_JSON_NONE ? 2 : arguments.size;
    *is_call = true;
    return INS1_OK;
}
