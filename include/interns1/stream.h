#ifndef INTERNS1_STREAM_H
#define INTERNS1_STREAM_H

#include "interns1/sampler.h"
#include "interns1/session.h"
#include "interns1/tokenizer.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_stream ins1_stream;
enum {
    INS1_EVENT_NONE = 0 /* nothing to say yet */,
    INS1_EVENT_TEXT = 1,
    INS1_EVENT_REASONING = 2,
    INS1_EVENT_TOOL_BEGIN = 3 /* text = name */,
    INS1_EVENT_TOOL_ARGUMENTS = 4 /* a piece of JSON text */,
    INS1_EVENT_TOOL_END = 5,
    INS1_EVENT_END = 6 /* repeats if asked again */
};
enum { INS1_END_EOS = 1, INS1_END_STOP = 2, INS1_END_LENGTH = 3, INS1_END_FULL = 4 };
enum {
    INS1_REPLY_PLAIN = 1u /* all of it is TEXT */,
    INS1_REPLY_IN_REASONING = 2u /* the prompt opened a reasoning block */,
    INS1_REPLY_NO_TOOLS = 4u /* tool-call text is TEXT */,
    INS1_REPLY_REPAIR_JSON = 8u /* double a backslash that escapes nothing */
};
typedef struct ins1_stream_options {
    uint32_t struct_size;
    uint32_t reply_flags; /* INS1_REPLY_*, see ins1_prompt_info */
    size_t max_tokens;    /* 0 = until the context is full */
    const ins1_text *stop;
    size_t n_stop;  /* copied; a stop string is not part of the text */
    int32_t n_top;  /* log-probabilities per token in events; 0 = none */
    uint32_t flags; /* INS1_STREAM_* */
} ins1_stream_options;
enum { INS1_STREAM_IGNORE_EOS = 1u };
typedef struct ins1_event { /* pointers are valid until the next call on the stream or parser */
    uint32_t struct_size;
    int32_t kind, end_reason, tool_index;
    const char *text;
    size_t size;                  /* whole UTF-8 characters */
    size_t first_token, n_tokens; /* of the reply. Successive events leave no gap and no overlap; a
                                     token counts where its last byte does */
    const ins1_logprob *tokens;   /* n_tokens entries; NULL from a parser */
    const ins1_logprob *top;
    size_t n_top; /* [n_tokens][n_top], best first */
} ins1_event;
INS1_API ins1_status
ins1_stream_open(ins1_stream **out, ins1_session *session, int32_t seq, ins1_tokenizer *tokenizer,
                 ins1_sampler *sampler, const ins1_stream_options *options,
                 const ins1_call *call); /* keeps all four; seq was prefilled */
/* A waiting event, else pick + step + ins1_stream_accept. CANCELED/DEADLINE lose nothing: call
 * again. A full context ends with INS1_END_FULL. */
INS1_API ins1_status ins1_stream_next(ins1_stream *stream, ins1_event *event,
                                      const ins1_call *call);
/* For hosts that batch several sequences: pick for each, accept each (reads the logits it was
 * picked from), then one ins1_session_step for those that did not END. token -1 = no new one, only
 * the next waiting event; NONE = all have been given. The sampler is told here. */
INS1_API ins1_status ins1_stream_accept(ins1_stream *stream, int32_t token, ins1_event *event,
                                        const ins1_call *call);
INS1_API void ins1_stream_release(ins1_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
