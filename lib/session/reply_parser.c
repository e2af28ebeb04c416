/* The public door of the reply parser. */

#include "base/call.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "session/reply.h"
#include "tokenizer/inside.h"

struct ins1_reply_parser {
    s1_guard guard;
    ins1_tokenizer *tokenizer; /* one of its owners */
    s1_reply reply;
};

ins1_status ins1_reply_parser_create(ins1_reply_parser **out, ins1_tokenizer *tokenizer,
                                     const ins1_reply_options *given, const ins1_call *given_call)
{
    ins1_reply_options options;
    ins1_reply_parser *parser = NULL;
    s1_reply reply;
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_call_begin(&call, given_call);
    if (status == INS1_OK && (!out || !tokenizer))
        status = s1_fail(call.error, INS1_E_ARGUMENT, "no place for a parser, or no tokenizer");
    if (status == INS1_OK)
        status = s1_struct_import(&options, given, sizeof(options), call.error);
    if (status == INS1_OK)
        status =
            s1_reply_init(&reply, &tokenizer->memory, options.flags, options.dialect, call.error);
    if (status != INS1_OK)
        return status;

    parser = s1_alloc(&tokenizer->memory, sizeof(*parser), INS1_MEM_OBJECT);
    if (!parser)
        return s1_out_of_memory(&tokenizer->memory, sizeof(*parser), "a reply parser", call.error);
    s1_guard_leave(&parser->guard);
    parser->reply = reply;
    ins1_tokenizer_retain(tokenizer);
    parser->tokenizer = tokenizer;
    *out = parser;
    return INS1_OK;
}

void ins1_reply_parser_release(ins1_reply_parser *parser)
{
    if (!parser)
        return;
    ins1_tokenizer *tokenizer = parser->tokenizer;
    s1_reply_finish(&parser->reply);
    s1_free(&tokenizer->memory, parser, sizeof(*parser), INS1_MEM_OBJECT);
    ins1_tokenizer_release(tokenizer);
}

/* The call block is read, no other thread is inside. */
static ins1_status enter(ins1_reply_parser *parser, s1_call *call, const ins1_call *given)
{
    ins1_status status = s1_call_begin(call, given);
    if (status != INS1_OK)
        return status;
    if (!parser)
        return s1_fail(call->error, INS1_E_ARGUMENT, "the parser is NULL");
    return s1_guard_enter(&parser->guard, call->error);
}

ins1_status ins1_reply_parser_push(ins1_reply_parser *parser, const char *text, size_t size,
                                   const ins1_call *given)
{
    s1_call call;
    ins1_status status = enter(parser, &call, given);
    if (status != INS1_OK)
        return status;
    if (size && !text)
        status = s1_fail(call.error, INS1_E_ARGUMENT, "%zu bytes of text at NULL", size);
    else if (parser->reply.is_finished)
        status = s1_fail(call.error, INS1_E_STATE, "the reply is finished");
    else if (size)
        status = s1_reply_push(&parser->reply, text, size, call.error);
    s1_guard_leave(&parser->guard);
    return status;
}

ins1_status ins1_reply_parser_next(ins1_reply_parser *parser, ins1_event *event,
                                   const ins1_call *given)
{
    s1_reply_event seen;
    s1_call call;
    ins1_status status = enter(parser, &call, given);
    if (status != INS1_OK)
        return status;
    if (!event || event->struct_size < offsetof(ins1_event, text))
        status =
            s1_fail(call.error, INS1_E_ARGUMENT, "no place for an event, or its size is not set");
    else
        status = s1_reply_next(&parser->reply, &seen, call.error);
    if (status == INS1_OK) {
        const ins1_event full = {
            .struct_size = sizeof(full),
            .kind = seen.kind,
            .tool_index = seen.tool_index,
            .text = seen.text,
            .size = seen.size,
        };
        status = s1_struct_export(event, &full, sizeof(full), call.error);
    }
    s1_guard_leave(&parser->guard);
    return status;
}

ins1_status ins1_reply_parser_finish(ins1_reply_parser *parser, const ins1_call *given)
{
    s1_call call;
    ins1_status status = enter(parser, &call, given);
    if (status != INS1_OK)
        return status;
    status = s1_reply_close(&parser->reply, call.error);
    s1_guard_leave(&parser->guard);
    return status;
}
