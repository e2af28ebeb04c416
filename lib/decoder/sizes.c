#include "decoder/sizes.h"

#include "base/struct.h"

enum { DEFAULT_CONTEXT = 4096, DEFAULT_BATCH = 512 };

static int32_t kv_dtype(int32_t kv_type)
{
    return kv_type == INS1_KV_F32    ? INS1_DTYPE_F32
           : kv_type == INS1_KV_BF16 ? INS1_DTYPE_BF16
                                     : INS1_DTYPE_F16;
}

ins1_status s1_session_sizes(s1_forward_sizes *out, ins1_session_options *options,
                             const ins1_session_options *given, const s1_decoder_config *config,
                             int32_t precision, ins1_error *error)
{
    ins1_status status = s1_struct_import(options, given, sizeof(*options), error);
    if (status != INS1_OK)
        return status;
    if (options->flags & ~(uint32_t)INS1_SESSION_KEEP_HIDDEN)
        return s1_fail(error, INS1_E_VERSION, "session flags 0x%x are too new", options->flags);
    if (options->n_ctx < 0 || options->n_seq < 0 || options->n_batch < 0)
        return s1_fail(error, INS1_E_ARGUMENT, "%d sequences of %d tokens in batches of %d",
                       options->n_seq, options->n_ctx, options->n_batch);
    if (options->kv_type < INS1_KV_DEFAULT || options->kv_type > INS1_KV_Q8)
        return s1_fail(error, INS1_E_ARGUMENT, "kv_type %d, known are 0 to %d", options->kv_type,
                       INS1_KV_Q8);
    if (options->kv_type == INS1_KV_Q8)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "kv_type 8-bit is not in this version, use F32, BF16 or F16");

    int32_t limit = config->rope.max_position;
    if (!options->n_ctx)
        options->n_ctx = limit < DEFAULT_CONTEXT ? limit : DEFAULT_CONTEXT;
    if (!options->n_seq)
        options->n_seq = 1;
    if (!options->n_batch)
        options->n_batch = options->n_ctx < DEFAULT_BATCH / options->n_seq + 1
                               ? options->n_ctx * options->n_seq
                               : DEFAULT_BATCH;
    if (options->n_batch < options->n_seq)
        options->n_batch = options->n_seq;
    if (!options->kv_type)
        options->kv_type = precision == INS1_PRECISION_F32 ? INS1_KV_F32 : INS1_KV_BF16;

    *out = (s1_forward_sizes){
        .n_ctx = options->n_ctx,
        .n_seq = options->n_seq,
        .n_batch = options->n_batch,
        .kv_dtype = kv_dtype(options->kv_type),
    };
    uint64_t kv_bytes = s1_cache_bytes(config, out->kv_dtype, out->n_ctx, out->n_seq);
    if (kv_bytes == UINT64_MAX)
        return s1_fail(error, INS1_E_ARGUMENT, "%d sequences of %d tokens are too many", out->n_seq,
                       out->n_ctx);
    if (options->kv_budget && kv_bytes > options->kv_budget)
        return s1_fail(error, INS1_E_BUDGET, "the KV cache needs %llu bytes, kv_budget allows %llu",
                       (unsigned long long)kv_bytes, (unsigned long long)options->kv_budget);
    return INS1_OK;
}

size_t s1_session_outputs(const s1_decoder_config *config)
{
    return config->reward_token >= 0 ? 1 : (size_t)config->n_vocab;
}

size_t s1_session_head_rows(const s1_forward_sizes *sizes)
{
    return sizes->n_seq > S1_HEAD_ROWS ? (size_t)sizes->n_seq : S1_HEAD_ROWS;
}

uint64_t s1_session_scratch_bytes(const s1_decoder_config *config, const s1_forward_sizes *sizes,
                                  uint32_t flags)
{
    uint64_t n_seq = (uint64_t)sizes->n_seq, n_embd = (uint64_t)config->n_embd;
    uint64_t per_head = s1_session_outputs(config) + n_embd;
    uint64_t kept = flags & INS1_SESSION_KEEP_HIDDEN ? (uint64_t)sizes->n_ctx * n_embd : 0;
    return s1_staging_bytes(config, sizes) + (uint64_t)sizes->n_batch * sizeof(s1_row) +
           ((s1_session_head_rows(sizes) + n_seq) * per_head + n_seq * kept) * sizeof(float);
}
