#include "base/call.h"
#include "base/guard.h"
#include "tokenizer/decode.h"

struct ins1_detokenizer {
    ins1_tokenizer *tokenizer; /* one of its owners */
    s1_guard guard;
    s1_decoding state;
};

ins1_status ins1_detokenizer_create(ins1_detokenizer **out, ins1_tokenizer *tokenizer,
                                    uint32_t flags, const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);

    if (out)
        *out = NULL;
    if (!out || !tokenizer)
        return s1_fail(error, INS1_E_ARGUMENT, "no place for a detokenizer, or no tokenizer");
    ins1_status status = s1_decode_check(tokenizer, NULL, 0, flags, error);
    if (status != INS1_OK)
        return status;
    ins1_detokenizer *detokenizer =
        s1_alloc(&tokenizer->memory, sizeof(*detokenizer), INS1_MEM_OBJECT);
    if (!detokenizer)
        return s1_fail(error, INS1_E_MEMORY, "no memory for a detokenizer");
    ins1_tokenizer_retain(tokenizer);
    detokenizer->tokenizer = tokenizer;
    detokenizer->state.tokenizer = tokenizer;
    detokenizer->state.flags = flags;
    s1_guard_leave(&detokenizer->guard);
    *out = detokenizer;
    return INS1_OK;
}

/* What was decoded counts only when there was room for all of it. */
static ins1_status settle(ins1_detokenizer *detokenizer, const s1_decoding *after,
                          const s1_decoded *to, size_t *count, ins1_error *error)
{
    *count = to->count;
    if (to->count > to->capacity)
        return s1_fail(error, INS1_E_BUFFER, "%zu bytes do not fit in %zu", to->count,
                       to->capacity);
    detokenizer->state = *after;
    return INS1_OK;
}

ins1_status ins1_detokenizer_push(ins1_detokenizer *detokenizer, const int32_t *ids, size_t n_ids,
                                  char *out, size_t capacity, size_t *count, const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);
    s1_decoded to = { out, capacity, 0 };

    if (count)
        *count = 0;
    if (!detokenizer || !count || (capacity && !out))
        return s1_fail(error, INS1_E_ARGUMENT, "no detokenizer, or no place for text or its size");
    ins1_status status = s1_guard_enter(&detokenizer->guard, error);
    if (status != INS1_OK)
        return status;
    s1_decoding state = detokenizer->state;
    status = s1_decode_check(detokenizer->tokenizer, ids, n_ids, state.flags, error);
    if (status == INS1_OK) {
        for (size_t i = 0; i < n_ids; i++)
            s1_decode_token(&state, ids[i], &to);
        status = settle(detokenizer, &state, &to, count, error);
    }
    s1_guard_leave(&detokenizer->guard);
    return status;
}

ins1_status ins1_detokenizer_flush(ins1_detokenizer *detokenizer, char *out, size_t capacity,
                                   size_t *count, const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);
    s1_decoded to = { out, capacity, 0 };

    if (count)
        *count = 0;
    if (!detokenizer || !count || (capacity && !out))
        return s1_fail(error, INS1_E_ARGUMENT, "no detokenizer, or no place for text or its size");
    ins1_status status = s1_guard_enter(&detokenizer->guard, error);
    if (status != INS1_OK)
        return status;
    s1_decoding state = detokenizer->state;
    s1_decode_end(&state, &to);
    status = settle(detokenizer, &state, &to, count, error);
    s1_guard_leave(&detokenizer->guard);
    return status;
}

void ins1_detokenizer_release(ins1_detokenizer *detokenizer)
{
    if (!detokenizer)
        return;
    ins1_tokenizer *tokenizer = detokenizer->tokenizer;
    s1_free(&tokenizer->memory, detokenizer, sizeof(*detokenizer), INS1_MEM_OBJECT);
    ins1_tokenizer_release(tokenizer);
}
