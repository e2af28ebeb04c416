#ifndef INTERNS1_CHAT_H
#define INTERNS1_CHAT_H

#include "interns1/session.h"
#include "interns1/stream.h"
#include "interns1/tokenizer.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_prompt ins1_prompt;
typedef struct ins1_reply_parser ins1_reply_parser;
typedef struct ins1_part { /* text never acts as a special token or a placeholder */
    uint32_t struct_size;
    int32_t kind; /* INS1_MODALITY_* */
    const char *text;
    size_t size;
    ins1_embeds *embeds; /* kept; image, video, series. NULL = only to render: the prompt then has
                            no spans */
} ins1_part;
typedef struct ins1_message {
    uint32_t struct_size;
    uint32_t flags;
    const char *role; /* "system", "user", "assistant", "tool" */
    const ins1_part *parts;
    size_t n_parts;
    ins1_text reasoning,
        tool_calls_json; /* assistant's; the JSON array of the common chat interface */
} ins1_message;
enum { INS1_CHAT_DEFAULT = 0, INS1_CHAT_ON = 1, INS1_CHAT_OFF = 2 };
typedef struct ins1_chat_options {
    uint32_t struct_size;
    uint32_t flags;
    ins1_text tools_json;          /* JSON array, printed as the template does; key order kept */
    int32_t thinking;              /* INS1_CHAT_*; default: as the template when nothing is said */
    int32_t add_generation_prompt; /* INS1_CHAT_*; default: on unless the last message is the
                                      assistant's */
    const char *dialect; /* NULL = the checkpoint's; "intern-s1", "intern-s1-pro", "internlm2",
                            "qwen2.5", "qwen3" */
} ins1_chat_options;
typedef struct ins1_prompt_info {
    uint32_t struct_size;
    uint32_t reply_flags;
    size_t n_tokens, n_spans;
} ins1_prompt_info; /* reply_flags: for stream or parser */
/* [C] Owned and immutable once made; keeps the embeds. All getters below borrow from it. */
INS1_API ins1_status ins1_prompt_create(ins1_prompt **out, const ins1_tokenizer *tokenizer,
                                        const ins1_message *messages, size_t n_messages,
                                        const ins1_chat_options *options, const ins1_call *call);
INS1_API ins1_status ins1_prompt_info_get(const ins1_prompt *prompt, ins1_prompt_info *out,
                                          const ins1_call *call);
/* text: one placeholder per medium, as the template writes it. spans: for ins1_session_prefill.
 * ids: placeholder ids where embeddings stand. */
INS1_API ins1_status ins1_prompt_text(const ins1_prompt *prompt, const char **text, size_t *size,
                                      const ins1_call *call);
INS1_API ins1_status ins1_prompt_spans(const ins1_prompt *prompt, const ins1_span **spans,
                                       size_t *n_spans, const ins1_call *call);
INS1_API ins1_status ins1_prompt_ids(const ins1_prompt *prompt, int32_t *out, size_t capacity,
                                     size_t *count, const ins1_call *call);
INS1_API void ins1_prompt_release(ins1_prompt *prompt);
typedef struct ins1_reply_options {
    uint32_t struct_size;
    uint32_t flags;
    const char *dialect;
} ins1_reply_options; /* INS1_REPLY_*; dialect NULL = both tool-call forms */
/* [S] The parser that streams use, for text that comes from elsewhere. push, then next until NONE;
 * finish, then next until END. */
INS1_API ins1_status ins1_reply_parser_create(ins1_reply_parser **out, ins1_tokenizer *tokenizer,
                                              const ins1_reply_options *options,
                                              const ins1_call *call);
INS1_API ins1_status ins1_reply_parser_push(ins1_reply_parser *parser, const char *text,
                                            size_t size, const ins1_call *call);
INS1_API ins1_status ins1_reply_parser_next(ins1_reply_parser *parser, ins1_event *event,
                                            const ins1_call *call);
INS1_API ins1_status ins1_reply_parser_finish(ins1_reply_parser *parser, const ins1_call *call);
INS1_API void ins1_reply_parser_release(ins1_reply_parser *parser);

#ifdef __cplusplus
}
#endif

#endif
