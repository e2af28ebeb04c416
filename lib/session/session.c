#include "session/session.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "decoder/sizes.h"

#include <string.h>

/* --- life --- */

static void *floats(const ins1_session *session, size_t rows, size_t width)
{
    return width > SIZE_MAX / sizeof(float)
               ? NULL
               : s1_alloc_array(session->memory, rows, width * sizeof(float), INS1_MEM_SCRATCH);
}

static void free_floats(const ins1_session *session, float *memory, size_t rows, size_t width)
{
    s1_free(session->memory, memory, rows * width * sizeof(float), INS1_MEM_SCRATCH);
}

static void destroy(ins1_session *session)
{
    if (!session)
        return;
    const ins1_allocator *memory = session->memory;
    const s1_forward_sizes sizes = session->forward.sizes;
    size_t n_seq = (size_t)sizes.n_seq, n_embd = (size_t)s1_session_config(session)->n_embd;

    for (size_t i = 0; session->sequences && i < n_seq; i++) {
        s1_sequence *s = &session->sequences[i];
        free_floats(session, s->logits, 1, session->n_outputs);
        free_floats(session, s->last_hidden, 1, n_embd);
        free_floats(session, s->all_hidden, (size_t)sizes.n_ctx, n_embd);
    }
    s1_free(memory, session->sequences, n_seq * sizeof(*session->sequences), INS1_MEM_OBJECT);
    free_floats(session, session->outputs, session->n_head_rows, session->n_outputs);
    free_floats(session, session->hidden, session->n_head_rows, n_embd);
    s1_free(memory, session->rows, (size_t)sizes.n_batch * sizeof(*session->rows),
            INS1_MEM_SCRATCH);
    s1_free(memory, session->taken, n_seq * sizeof(*session->taken), INS1_MEM_OBJECT);
    s1_forward_finish(&session->forward);
    s1_free(memory, session, sizeof(*session), INS1_MEM_OBJECT);
}

static bool create_buffers(ins1_session *session)
{
    const s1_forward_sizes *sizes = &session->forward.sizes;
    size_t n_seq = (size_t)sizes->n_seq, n_embd = (size_t)s1_session_config(session)->n_embd;

    session->outputs = floats(session, session->n_head_rows, session->n_outputs);
    session->hidden = floats(session, session->n_head_rows, n_embd);
    session->rows = s1_alloc_array(session->memory, (size_t)sizes->n_batch, sizeof(*session->rows),
                                   INS1_MEM_SCRATCH);
    session->taken =
        s1_alloc_array(session->memory, n_seq, sizeof(*session->taken), INS1_MEM_OBJECT);
    session->sequences =
        s1_alloc_array(session->memory, n_seq, sizeof(*session->sequences), INS1_MEM_OBJECT);
    if (!session->outputs || !session->hidden || !session->rows || !session->taken ||
        !session->sequences)
        return false;
    for (size_t i = 0; i < n_seq; i++) {
        s1_sequence *s = &session->sequences[i];
        s->logits = floats(session, 1, session->n_outputs);
        s->last_hidden = floats(session, 1, n_embd);
        if (session->flags & INS1_SESSION_KEEP_HIDDEN)
            s->all_hidden = floats(session, (size_t)sizes->n_ctx, n_embd);
        if (!s->logits || !s->last_hidden ||
            (session->flags & INS1_SESSION_KEEP_HIDDEN && !s->all_hidden))
            return false;
    }
    return true;
}

static void warn_about_length(const ins1_session *session)
{
    const s1_decoder_config *config = s1_session_config(session);
    int32_t n_ctx = session->forward.sizes.n_ctx;
    if (n_ctx > config->rope.max_position)
        s1_log(s1_runtime_host(session->decoder->runtime), INS1_LOG_WARN, "session",
               "a context of %d tokens, the checkpoint was made for %d", n_ctx,
               config->rope.max_position);
}

ins1_status ins1_session_create(ins1_session **out, ins1_decoder *decoder,
                                const ins1_session_options *given, const ins1_call *given_call)
{
    s1_call call;
    ins1_status status = s1_call_begin(&call, given_call);
    ins1_session_options options;
    s1_forward_sizes sizes;
    ins1_session *session = NULL;

    if (out)
        *out = NULL;
    if (status == INS1_OK && (!out || !decoder))
        status = s1_fail(call.error, INS1_E_ARGUMENT, "no place for a session, or no decoder");
    if (status == INS1_OK)
        status = s1_session_sizes(&sizes, &options, given, &decoder->config, decoder->precision,
                                  call.error);
    if (status != INS1_OK)
        return status;

    session = s1_alloc(decoder->memory, sizeof(*session), INS1_MEM_OBJECT);
    if (!session)
        return s1_out_of_memory(decoder->memory, sizeof(*session), "a session", call.error);
    session->owners = 1;
    session->decoder = decoder;
    session->memory = decoder->memory;
    session->flags = options.flags;
    session->kv_type = options.kv_type;
    session->n_outputs = s1_session_outputs(&decoder->config);
    session->n_head_rows = s1_session_head_rows(&sizes);
    s1_guard_leave(&session->guard);

    status = s1_forward_init(&session->forward, decoder, &sizes, &call);
    if (status == INS1_OK && !create_buffers(session))
        status = s1_out_of_memory(decoder->memory,
                                  s1_session_scratch_bytes(&decoder->config, &sizes, options.flags),
                                  "the sequences of a session", call.error);
    if (status != INS1_OK) {
        session->forward.sizes = sizes;
        destroy(session);
        return status;
    }
    ins1_decoder_retain(decoder);
    warn_about_length(session);
    *out = session;
    return INS1_OK;
}

void s1_session_retain(ins1_session *session)
{
    atomic_fetch_add_explicit(&session->owners, 1, memory_order_relaxed);
}

void ins1_session_release(ins1_session *session)
{
    if (!session || atomic_fetch_sub_explicit(&session->owners, 1, memory_order_acq_rel) != 1)
        return;
    ins1_decoder *decoder = session->decoder;
    destroy(session);
    ins1_decoder_release(decoder);
}

/* --- the door --- */

ins1_status s1_session_enter(ins1_session *session, s1_call *call, const ins1_call *given)
{
    ins1_status status = s1_call_begin(call, given);
    if (status != INS1_OK)
        return status;
    if (!session)
        return s1_fail(call->error, INS1_E_ARGUMENT, "the session is NULL");
    return s1_guard_enter(&session->guard, call->error);
}

void s1_session_leave(ins1_session *session)
{
    s1_guard_leave(&session->guard);
}

ins1_status s1_session_sequence(ins1_session *session, int32_t seq, s1_sequence **out,
                                const s1_call *call)
{
    int32_t n_seq = session->forward.sizes.n_seq;
    if (seq < 0 || seq >= n_seq)
        return s1_fail(call->error, INS1_E_ARGUMENT, "sequence %d, the session has 0 to %d", seq,
                       n_seq - 1);
    *out = &session->sequences[seq];
    return INS1_OK;
}

/* --- what a session is --- */

ins1_status ins1_session_info_get(const ins1_session *session, ins1_session_info *out,
                                  const ins1_call *given)
{
    s1_call call;
    ins1_status status = s1_call_begin(&call, given);
    if (status != INS1_OK)
        return status;
    if (!session || !out)
        return s1_fail(call.error, INS1_E_ARGUMENT,
                       "the session or the place for its info is NULL");
    const s1_forward_sizes *sizes = &session->forward.sizes;
    const s1_decoder_config *config = s1_session_config(session);
    const ins1_session_info info = {
        .struct_size = sizeof(info),
        .precision = session->decoder->precision,
        .n_ctx = sizes->n_ctx,
        .n_seq = sizes->n_seq,
        .n_batch = sizes->n_batch,
        .kv_type = session->kv_type,
        .kv_bytes = s1_cache_bytes(config, sizes->kv_dtype, sizes->n_ctx, sizes->n_seq),
        .scratch_bytes = s1_session_scratch_bytes(config, sizes, session->flags) +
                         (uint64_t)session->decoder->n_homes * s1_workspace_bytes(config, sizes),
    };
    return s1_struct_export(out, &info, sizeof(info), call.error);
}

ins1_status ins1_session_length(const ins1_session *session, int32_t seq, size_t *n_tokens,
                                const ins1_call *given)
{
    ins1_session *inside = (ins1_session *)session; /* only the guard changes */
    s1_sequence *sequence = NULL;
    s1_call call;

    if (n_tokens)
        *n_tokens = 0;
    ins1_status status = s1_session_enter(inside, &call, given);
    if (status != INS1_OK)
        return status;
    status = n_tokens ? s1_session_sequence(inside, seq, &sequence, &call)
                      : s1_fail(call.error, INS1_E_ARGUMENT, "no place for a length");
    if (status == INS1_OK)
        *n_tokens = sequence->length;
    s1_session_leave(inside);
    return status;
}

/* --- going back, forking --- */

static void truncate_sequence(ins1_session *session, int32_t seq, size_t keep)
{
    s1_sequence *s = &session->sequences[seq];
    if (keep >= s->length)
        return;
    s->length = keep;
    s->has_logits = false;
    s1_cache_truncate(&session->forward.cache, seq, keep);
}

void s1_session_clear(ins1_session *session, int32_t seq)
{
    truncate_sequence(session, seq, 0);
    s1_cache_truncate(&session->forward.cache, seq, 0);
}

ins1_status ins1_session_truncate(ins1_session *session, int32_t seq, size_t keep, size_t *kept,
                                  const ins1_call *given)
{
    s1_sequence *sequence = NULL;
    s1_call call;

    if (kept)
        *kept = 0;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = s1_session_sequence(session, seq, &sequence, &call);
    if (status == INS1_OK) {
        truncate_sequence(session, seq, keep);
        if (kept)
            *kept = sequence->length;
    }
    s1_session_leave(session);
    return status;
}

/* Attention alone can go back anywhere, so every position is restorable already. */
ins1_status ins1_session_checkpoint(ins1_session *session, int32_t seq, const ins1_call *given)
{
    s1_sequence *sequence = NULL;
    s1_call call;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = s1_session_sequence(session, seq, &sequence, &call);
    s1_session_leave(session);
    return status;
}

static void copy_sequence(const ins1_session *session, s1_sequence *to, const s1_sequence *from)
{
    size_t n_embd = (size_t)s1_session_config(session)->n_embd;
    to->length = from->length;
    to->has_logits = from->has_logits;
    memcpy(to->logits, from->logits, session->n_outputs * sizeof(float));
    memcpy(to->last_hidden, from->last_hidden, n_embd * sizeof(float));
    if (from->all_hidden)
        memcpy(to->all_hidden, from->all_hidden, from->length * n_embd * sizeof(float));
}

ins1_status ins1_session_fork(ins1_session *session, int32_t from, int32_t to,
                              const ins1_call *given)
{
    s1_sequence *source = NULL, *target = NULL;
    s1_call call;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = s1_session_sequence(session, from, &source, &call);
    if (status == INS1_OK)
        status = s1_session_sequence(session, to, &target, &call);
    if (status == INS1_OK && from != to) {
        s1_cache_fork(&session->forward.cache, from, to);
        copy_sequence(session, target, source);
    }
    s1_session_leave(session);
    return status;
}

ins1_status ins1_session_observe(ins1_session *session, uint32_t mask, ins1_observe_fn callback,
                                 void *user, const ins1_call *given)
{
    const uint32_t known = INS1_OBSERVE_HIDDEN | INS1_OBSERVE_ROUTER | INS1_OBSERVE_LOGITS;
    s1_call call;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    if (mask & ~known)
        status = s1_fail(call.error, INS1_E_VERSION, "observation mask 0x%x is too new", mask);
    else if (mask && !callback)
        status = s1_fail(call.error, INS1_E_ARGUMENT, "an observation mask without a callback");
    else
        session->observer = (s1_observer){ mask, callback, user };
    s1_session_leave(session);
    return status;
}
