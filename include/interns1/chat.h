#ifndef INTERNS1_CHAT_H
#define INTERNS1_CHAT_H

/**
 * @file
 * Messages to a prompt, and a reply to events.
 */

#include "interns1/session.h"
#include "interns1/stream.h"
#include "interns1/tokenizer.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Messages as a model wants them. Immutable once made, shared between threads. */
typedef struct ins1_prompt ins1_prompt;

/* A reply that is being read; one thread at a time. */
typedef struct ins1_reply_parser ins1_reply_parser;

/* A piece of a message. Its text never acts as a special token or a placeholder. */
typedef struct ins1_part {
    uint32_t struct_size; /* sizeof(ins1_part), which is also the array's stride */
    int32_t kind;         /* INS1_MODALITY_* */
    const char *text;     /* of a TEXT part: UTF-8, need not be NUL-terminated */
    size_t size;          /* bytes at `text` */
    /* Of an image, a video or a series; kept. NULL: only to render; the prompt then has no spans.
     */
    ins1_embeds *embeds;
} ins1_part;

/* One turn of a conversation. */
typedef struct ins1_message {
    uint32_t struct_size;      /* sizeof(ins1_message), which is also the array's stride */
    uint32_t flags;            /* 0 */
    const char *role;          /* "system", "user", "assistant", "tool" */
    const ins1_part *parts;    /* what it says, in order */
    size_t n_parts;            /* entries of `parts` */
    ins1_text reasoning;       /* the assistant's, before its answer */
    ins1_text tool_calls_json; /* the assistant's: [{"type": "function", "function": {...}}, ...] */
} ins1_message;

enum { INS1_CHAT_DEFAULT = 0, INS1_CHAT_ON = 1, INS1_CHAT_OFF = 2 };

/* Zero means the default in every field but struct_size. */
typedef struct ins1_chat_options {
    uint32_t struct_size; /* sizeof(ins1_chat_options) */
    uint32_t flags;       /* 0 */
    ins1_text tools_json; /* a JSON array; printed as the template does, keys in this order */
    int32_t thinking;     /* INS1_CHAT_*; default: as the template when nothing is said */
    int32_t add_generation_prompt; /* INS1_CHAT_*; default: on unless the last turn is the
                                      assistant's */
    /* "intern-s1", "intern-s1-pro", "internlm2", "qwen2.5", "qwen3"; NULL is the checkpoint's. */
    const char *dialect;
} ins1_chat_options;

/* What a prompt is. */
typedef struct ins1_prompt_info {
    uint32_t struct_size; /* sizeof(ins1_prompt_info) */
    uint32_t reply_flags; /* INS1_REPLY_* for the stream or parser that reads the reply */
    size_t n_tokens;      /* tokens and rows of embeddings together */
    size_t n_spans;       /* 0 when a part had no embeddings */
} ins1_prompt_info;

/**
 * Turn messages into a prompt, as the checkpoint's chat template does.
 *
 * @param out        Receives the prompt; the caller releases it.
 * @param tokenizer  Its model is kept until the prompt is released.
 * @param messages   Borrowed for the call; embeddings are kept.
 * @param options    NULL for all defaults. Borrowed for the call.
 * @param call       Optional.
 *
 * @retval INS1_E_ARGUMENT     A role or kind is unknown, or a message is what the template refuses.
 * @retval INS1_E_FORMAT       Tools or tool calls are no JSON array; the text names the byte.
 * @retval INS1_E_UNSUPPORTED  The checkpoint's template is none that is known (the text names what
 * was not understood), or its dialect is not in this version.
 *
 * Threads: any. The prompt is shared between threads.
 */
INS1_API ins1_status ins1_prompt_create(ins1_prompt **out, const ins1_tokenizer *tokenizer,
                                        const ins1_message *messages, size_t n_messages,
                                        const ins1_chat_options *options, const ins1_call *call);

/**
 * What the prompt is.
 *
 * @param out  At most `out->struct_size` bytes are written.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_prompt_info_get(const ins1_prompt *prompt, ins1_prompt_info *out,
                                          const ins1_call *call);

/**
 * The prompt as text, character for character the template's; one placeholder stands for each
 * medium.
 *
 * @param text  Receives a pointer into the prompt; not NUL-terminated.
 * @param size  Receives its size in bytes.
 * @param call  Optional.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_prompt_text(const ins1_prompt *prompt, const char **text, size_t *size,
                                      const ins1_call *call);

/**
 * The prompt as spans for ins1_session_prefill.
 *
 * @param spans    Receives a pointer into the prompt.
 * @param n_spans  Receives the number of spans.
 * @param call     Optional.
 *
 * @retval INS1_E_STATE  A part had no embeddings.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_prompt_spans(const ins1_prompt *prompt, const ins1_span **spans,
                                       size_t *n_spans, const ins1_call *call);

/**
 * The prompt as ids; placeholder ids stand where embeddings go.
 *
 * @param out    Receives at most `capacity` ids.
 * @param count  Receives the number of ids.
 * @param call   Optional.
 *
 * @retval INS1_E_BUFFER  `*count > capacity`; the first `capacity` ids are valid.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_prompt_ids(const ins1_prompt *prompt, int32_t *out, size_t capacity,
                                     size_t *count, const ins1_call *call);

/** End the prompt. NULL is allowed. */
INS1_API void ins1_prompt_release(ins1_prompt *prompt);

/* Zero means the default in every field but struct_size. */
typedef struct ins1_reply_options {
    uint32_t struct_size; /* sizeof(ins1_reply_options) */
    uint32_t flags;       /* INS1_REPLY_* */
    const char *dialect;  /* as in ins1_chat_options; NULL reads both forms of tool calls */
} ins1_reply_options;

/**
 * Make a parser for a reply that comes from elsewhere; streams have their own. Push text, ask for
 * events until INS1_EVENT_NONE, and so on; then finish, and ask until INS1_EVENT_END.
 *
 * @param out        Receives the parser; the caller releases it.
 * @param tokenizer  Kept until the parser is released.
 * @param options    NULL for all defaults. Borrowed for the call.
 * @param call       Optional.
 *
 * @retval INS1_E_UNSUPPORTED  The dialect is unknown, or not in this version.
 *
 * Threads: a parser belongs to one thread at a time.
 */
INS1_API ins1_status ins1_reply_parser_create(ins1_reply_parser **out, ins1_tokenizer *tokenizer,
                                              const ins1_reply_options *options,
                                              const ins1_call *call);

/**
 * Add text to the reply. Pieces may be cut anywhere, inside a character too.
 *
 * @param text  Copied.
 * @param size  Bytes at `text`.
 * @param call  Optional.
 *
 * @retval INS1_E_STATE  The reply is finished.
 */
INS1_API ins1_status ins1_reply_parser_push(ins1_reply_parser *parser, const char *text,
                                            size_t size, const ins1_call *call);

/**
 * The next event; INS1_EVENT_NONE when more text is needed.
 *
 * @param event  At most `event->struct_size` bytes are written.
 * @param call   Optional.
 */
INS1_API ins1_status ins1_reply_parser_next(ins1_reply_parser *parser, ins1_event *event,
                                            const ins1_call *call);

/** No more text comes: what is held back becomes events, the last one INS1_EVENT_END. */
INS1_API ins1_status ins1_reply_parser_finish(ins1_reply_parser *parser, const ins1_call *call);

/** End the parser. NULL is allowed. */
INS1_API void ins1_reply_parser_release(ins1_reply_parser *parser);

#ifdef __cplusplus
}
#endif

#endif
