#ifndef CLI_TALK_H
#define CLI_TALK_H

#include "engine.h"
#include "text.h"

/* A conversation with a model: messages, and the session that has seen them. */

/* How replies are made; NAN and -1 mean "as the checkpoint says". */
typedef struct talk_options {
    const char *system; /* NULL: none */
    bool has_no_thinking;
    float temperature, top_p, min_p, repeat_penalty, frequency_penalty, presence_penalty;
    int32_t top_k, repeat_last;
    uint64_t seed;
    uint64_t max_tokens; /* 0: until the context is full */
    flag_list stop;
} talk_options;
#define TALK_OPTIONS                                                                       \
    {                                                                                      \
        .temperature = NAN, .top_p = NAN, .min_p = NAN, .repeat_penalty = NAN, .top_k = -1 \
    }

typedef struct talk {
    engine *e;
    const settings *s;
    const talk_options *o;
    ins1_sampler *sampler;
    ins1_session *session; /* made for the first prompt */
    int32_t *ids;          /* what the session holds, perhaps without the last one */
    const void **rows;     /* whose row stands there instead of the id; NULL: nobody's */
    size_t n_ids;
    /* The messages so far, text and role each; their text is ours. */
    struct talk_message {
        const char *role;
        char *text;
        size_t size;
        ins1_part *media; /* owned, with their embeddings; they stand before the text */
        size_t n_media;
    } * messages;
    size_t n_messages;
    size_t room;              /* tokens of the prompt that the session was made for */
    buffer snapshot;          /* of the session after the prompt, where a device can be lost */
    size_t n_shown, n_again;  /* of the reply: was shown, and of that: comes again */
    size_t n_prompt, n_reply; /* tokens of the last turn */
    double prompt_s, reply_s; /* seconds of it */
    size_t n_cached;          /* tokens of its prompt that were there already */
    int32_t end;              /* INS1_END_* of it, 0 when it was stopped */
} talk;

ins1_status talk_begin(talk *t, engine *e, const settings *s, const talk_options *o);
void talk_end(talk *t);

/* Forget the messages; the system message stands again. Draws begin anew. */
ins1_status talk_restart(talk *t, const char *system, size_t system_size);

void talk_add(talk *t, const char *role, const char *text, size_t size);

/* Put a medium before the text of the last message; takes the embeddings. */
void talk_attach(talk *t, int32_t modality, ins1_embeds *embeds);

/* The prompt of the messages; `thinking` is INS1_CHAT_*. */
ins1_status talk_prompt(talk *t, int32_t thinking, ins1_prompt **out);

/* Make a session for prompts of at most so many tokens. */
ins1_status talk_make_room(talk *t, size_t n_prompt);

/* The model's turn: every event is handed to `show`. When a device is lost, the CPU goes on where
 * it was. */
typedef void talk_show_fn(void *user, const ins1_event *event);
ins1_status talk_reply(talk *t, const ins1_prompt *prompt, talk_show_fn *show, void *user);

#endif
