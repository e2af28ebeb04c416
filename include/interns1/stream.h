#ifndef INTERNS1_STREAM_H
#define INTERNS1_STREAM_H

/**
 * @file
 * A reply as events: session, sampler and tokenizer in one loop that the host keeps turning.
 */

#include "interns1/sampler.h"
#include "interns1/session.h"
#include "interns1/tokenizer.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One reply in the making; one thread at a time. */
typedef struct ins1_stream ins1_stream;

/* What an event says. */
enum {
    INS1_EVENT_NONE = 0,           /* nothing to say yet */
    INS1_EVENT_TEXT = 1,           /* a piece of the answer */
    INS1_EVENT_REASONING = 2,      /* a piece of the reasoning before it */
    INS1_EVENT_TOOL_BEGIN = 3,     /* a tool call; the text is its name */
    INS1_EVENT_TOOL_ARGUMENTS = 4, /* a piece of the JSON text of its arguments */
    INS1_EVENT_TOOL_END = 5,       /* the tool call is complete */
    INS1_EVENT_END = 6             /* the reply is complete; repeats if asked again */
};

/* Why a reply ended. */
enum {
    INS1_END_EOS = 1,    /* the model ended it */
    INS1_END_STOP = 2,   /* a stop string came */
    INS1_END_LENGTH = 3, /* max_tokens were made */
    INS1_END_FULL = 4    /* the context is full */
};

/* How a reply is read. */
enum {
    INS1_REPLY_PLAIN = 1u,        /* all of it is TEXT */
    INS1_REPLY_IN_REASONING = 2u, /* the prompt opened a reasoning block */
    INS1_REPLY_NO_TOOLS = 4u,     /* the text of tool calls is TEXT */
    INS1_REPLY_REPAIR_JSON = 8u   /* a backslash that escapes nothing is doubled */
};

/* Zero means the default in every field but struct_size. */
typedef struct ins1_stream_options {
    uint32_t struct_size;  /* sizeof(ins1_stream_options) */
    uint32_t reply_flags;  /* INS1_REPLY_*; ins1_prompt_info knows them */
    size_t max_tokens;     /* most tokens of the reply; 0 is until the context is full */
    const ins1_text *stop; /* texts that end the reply and are not part of it; copied */
    size_t n_stop;         /* entries of `stop` */
    int32_t n_top;         /* how many probable tokens events tell for each token; 0 is none */
    uint32_t flags;        /* INS1_STREAM_* */
} ins1_stream_options;

enum {
    INS1_STREAM_IGNORE_EOS = 1u /* ids that end a reply are tokens like others */
};

/* One event. Pointers are valid until the next call on the stream or parser. Events in a row leave
 * no gap and no overlap of tokens; a token counts where its last byte does. */
typedef struct ins1_event {
    uint32_t struct_size;       /* sizeof(ins1_event) */
    int32_t kind;               /* INS1_EVENT_* */
    int32_t end_reason;         /* END: INS1_END_*, else 0 */
    int32_t tool_index;         /* TOOL: the number of the tool call in the reply, from 0 */
    const char *text;           /* UTF-8, whole characters, not NUL-terminated */
    size_t size;                /* bytes at `text` */
    size_t first_token;         /* number of the first token of this event in the reply, from 0 */
    size_t n_tokens;            /* tokens of this event */
    const ins1_logprob *tokens; /* [n_tokens]; NULL from a parser */
    const ins1_logprob *top;    /* [n_tokens][n_top], best first; NULL when n_top is 0 */
    size_t n_top;               /* probable tokens told for each token */
} ins1_event;

/**
 * Begin a reply after what a sequence holds.
 *
 * @param out        Receives the stream; the caller releases it.
 * @param session    Kept. Use other sequences of it freely, this one only through the stream.
 * @param seq        Was fed and has logits.
 * @param tokenizer  Kept.
 * @param sampler    Kept; for this stream alone until it ends.
 * @param options    NULL for all defaults. Borrowed for the call, but for what its comments say.
 * @param call       Optional.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence, a stop string is empty, or n_top is negative.
 *
 * Threads: session, sampler and stream belong to one thread at a time.
 */
INS1_API ins1_status ins1_stream_open(ins1_stream **out, ins1_session *session, int32_t seq,
                                      ins1_tokenizer *tokenizer, ins1_sampler *sampler,
                                      const ins1_stream_options *options, const ins1_call *call);

/**
 * The next event: one that is waiting, else tokens are picked and stepped until there is one. A
 * context that is full ends the reply with INS1_END_FULL; it is no failure.
 *
 * @param event  At most `event->struct_size` bytes are written.
 * @param call   Optional.
 *
 * @retval INS1_E_STATE     The sequence has no logits.
 * @retval INS1_E_CALLBACK  The sampler's mask function reported failure or left nothing.
 * @retval INS1_E_CANCELED, INS1_E_DEADLINE  Nothing is lost: call again to go on.
 */
INS1_API ins1_status ins1_stream_next(ins1_stream *stream, ins1_event *event,
                                      const ins1_call *call);

/**
 * The same for hosts that step several sequences in one batch: pick a token for each, give it to
 * its stream here (which reads the logits it was picked from and tells the sampler), then step all
 * whose stream did not END.
 *
 * @param token  The token; -1 is none, only the next event that is waiting: INS1_EVENT_NONE when
 * all have been given.
 * @param event  At most `event->struct_size` bytes are written.
 * @param call   Optional.
 *
 * @retval INS1_E_ARGUMENT  The token is outside the vocabulary.
 * @retval INS1_E_STATE     The reply has ended and the token is not -1, or the sequence has no
 * logits.
 */
INS1_API ins1_status ins1_stream_accept(ins1_stream *stream, int32_t token, ins1_event *event,
                                        const ins1_call *call);

/** End the stream; session and sampler stay as they are. NULL is allowed. */
INS1_API void ins1_stream_release(ins1_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
