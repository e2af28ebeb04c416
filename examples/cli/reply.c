#include "reply.h"

#include "json.h"

#include <string.h>

/* What is no JSON is given as the string that it is. */
static void close_call(reply *r)
{
    ins1_error unused = INS1_INIT(ins1_error);
    json value;
    if (!r->arguments.size) {
        text_puts(&r->calls, "{}}");
    } else if (json_parse(&value, r->arguments.at, r->arguments.size, &unused) == INS1_OK) {
        text_add(&r->calls, r->arguments.at, r->arguments.size);
        text_puts(&r->calls, "}");
        json_free(&value);
    } else {
        text_json(&r->calls, r->arguments.at, r->arguments.size);
        text_puts(&r->calls, "}");
    }
    r->arguments.size = 0;
}

void reply_add(reply *r, const ins1_event *event)
{
    switch (event->kind) {
    case INS1_EVENT_TEXT:
        text_add(&r->content, event->text, event->size);
        break;
    case INS1_EVENT_REASONING:
        text_add(&r->reasoning, event->text, event->size);
        break;
    case INS1_EVENT_TOOL_BEGIN:
        text_puts(&r->calls, r->calls.size ? ", {\"name\": " : "{\"name\": ");
        text_json(&r->calls, event->text, event->size);
        text_puts(&r->calls, ", \"arguments\": ");
        break;
    case INS1_EVENT_TOOL_ARGUMENTS:
        text_add(&r->arguments, event->text, event->size);
        break;
    case INS1_EVENT_TOOL_END:
        close_call(r);
        break;
    default:
        return;
    }
    r->n_events++;
}

ins1_status reply_take(reply *r, ins1_reply_parser *parser, const ins1_call *call)
{
    ins1_event event = INS1_INIT(ins1_event);
    ins1_status status;
    do {
        status = ins1_reply_parser_next(parser, &event, call);
        if (status == INS1_OK)
            reply_add(r, &event);
    } while (status == INS1_OK && event.kind != INS1_EVENT_NONE && event.kind != INS1_EVENT_END);
    return status;
}

static bool is_space(char c)
{
    return c && strchr(" \t\n\v\f\r", c);
}

static void print_text(const char *name, const buffer *from, bool is_stripped, buffer *out)
{
    size_t begin = 0, end = from->size;
    while (is_stripped && begin < end && is_space(from->at[begin]))
        begin++;
    while (is_stripped && end > begin && is_space(from->at[end - 1]))
        end--;
    text_printf(out, "\"%s\": ", name);
    if (begin == end)
        text_puts(out, "null");
    else
        text_json(out, from->at + begin, end - begin);
}

void reply_print(const reply *r, bool is_stripped, buffer *out)
{
    print_text("reasoning", &r->reasoning, is_stripped, out);
    text_puts(out, ", ");
    print_text("content", &r->content, is_stripped, out);
    text_puts(out, ", \"tool_calls\": [");
    text_add(out, r->calls.at, r->calls.size);
    text_puts(out, "]");
}

void reply_free(reply *r)
{
    text_free(&r->reasoning);
    text_free(&r->content);
    text_free(&r->calls);
    text_free(&r->arguments);
}
