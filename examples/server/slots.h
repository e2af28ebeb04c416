#ifndef SERVER_SLOTS_H
#define SERVER_SLOTS_H

#include "job.h"
#include "served.h"

typedef enum slot_state {
    SLOT_FREE,
    SLOT_FEEDING, /* its prompt is being computed */
    SLOT_HELD,    /* continues where its leader is, once that one was fed */
    SLOT_TALKING, /* a reply is in the making */
} slot_state;

/* One sequence of the session. */
typedef struct slot {
    slot_state state;
    job *job;
    size_t work;
    int32_t choice;
    size_t leader; /* HELD: the slot that is fed */
    size_t n_fed;  /* FEEDING: tokens of the prompt */
    ins1_sampler *sampler;
    ins1_stream *stream;
    int64_t full_since_ns; /* since when nobody reads; 0: somebody does */
    int32_t *held;         /* ids that the sequence holds, for prompts that begin alike */
    size_t n_held;
} slot;

/* All sequences. The engine's thread alone. */
typedef struct slots {
    served *s;
    slot *at;
    size_t n;
    ins1_step *steps; /* scratch, [n] each */
    ins1_feed *feeds;
    size_t *who;
    uint64_t n_tokens, n_steps;
} slots;

bool slots_init(slots *all, served *s);
void slots_finish(slots *all);
size_t slots_free(const slots *all);

/* Give the next work of a job its slots; there must be as many as it has choices. */
void slots_begin(slots *all, job *j);

/* End what nobody waits for, what took too long, what nobody reads. */
void slots_drop(slots *all);

/* Compute up to `chunk` tokens of prompts. */
void slots_feed(slots *all, size_t chunk);

/* One token for every reply. True when something was done. */
bool slots_step(slots *all);

/* End all with this problem. */
void slots_fail_all(slots *all, const problem *why);

#endif
