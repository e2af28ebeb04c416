/* The texts of POLAR: a prompt with a reference answer, and the same prompt with the candidate. */

#include "interns1/reward.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "session/session.h"

#include <string.h>

enum {
    DEFAULT_TOKENS = 16384,
    DEFAULT_ANSWER = 4096,
    RESERVED = 4, /* tokens that the client leaves for what it puts between the texts */
    MAX_SEGMENTS = 7,
};

/* Token ids, or bytes of text; `room` is what was allocated. */
typedef struct token_list {
    int32_t *ids;
    size_t n, room;
} token_list;

typedef struct text_buffer {
    char *text;
    size_t size, room;
} text_buffer;

/* One request under way. */
typedef struct judging {
    const ins1_allocator *memory;
    const ins1_tokenizer *tokenizer;
    ins1_polar_request request;
    const s1_call *call;
    token_list *texts; /* owned, [n_candidates] */
} judging;

static void tokens_free(const judging *j, token_list *list)
{
    s1_free(j->memory, list->ids, list->room * sizeof(*list->ids), INS1_MEM_SCRATCH);
    *list = (token_list){ 0 };
}

static void buffer_free(const judging *j, text_buffer *buffer)
{
    s1_free(j->memory, buffer->text, buffer->room, INS1_MEM_SCRATCH);
    *buffer = (text_buffer){ 0 };
}

/* --- text to tokens and back --- */

static ins1_segment segment(const char *text, size_t size, uint32_t flags)
{
    return (ins1_segment){
        .struct_size = sizeof(ins1_segment),
        .kind = INS1_SEGMENT_TEXT,
        .flags = flags,
        .text = size ? text : NULL,
        .size = size,
    };
}

/* What asking for a size gives: with INS1_E_BUFFER all is well, any other failure is told. */
static ins1_status told(const judging *j, ins1_status status, const ins1_error *asking)
{
    if (status == INS1_OK || status == INS1_E_BUFFER)
        return INS1_OK;
    return s1_fail(j->call->error, status, "%s", asking->text);
}

static ins1_status encode(const judging *j, const ins1_segment *segments, size_t n, uint32_t flags,
                          token_list *out)
{
    ins1_error asking = { .struct_size = sizeof(asking) };
    ins1_call call = s1_call_rest(j->call);
    size_t room = 0;

    *out = (token_list){ 0 };
    call.error = &asking;
    ins1_status status = told(
        j, ins1_tokenizer_encode(j->tokenizer, segments, n, flags, NULL, NULL, 0, &room, &call),
        &asking);
    if (status != INS1_OK || !room)
        return status;
    out->ids = s1_alloc_array(j->memory, room, sizeof(*out->ids), INS1_MEM_SCRATCH);
    if (!out->ids)
        return s1_out_of_memory(j->memory, room * sizeof(*out->ids), "the ids of a text",
                                j->call->error);
    out->room = room;
    call.error = j->call->error;
    return ins1_tokenizer_encode(j->tokenizer, segments, n, flags, out->ids, NULL, room, &out->n,
                                 &call);
}

static ins1_status decode(const judging *j, const int32_t *ids, size_t n, text_buffer *out)
{
    ins1_error asking = { .struct_size = sizeof(asking) };
    ins1_call call = s1_call_rest(j->call);
    const uint32_t flags = INS1_DECODE_SKIP_SPECIAL;
    size_t room = 0;

    *out = (text_buffer){ 0 };
    call.error = &asking;
    ins1_status status =
        told(j, ins1_tokenizer_decode(j->tokenizer, ids, n, flags, NULL, 0, &room, &call), &asking);
    if (status != INS1_OK || !room)
        return status;
    out->text = s1_alloc(j->memory, room, INS1_MEM_SCRATCH);
    if (!out->text)
        return s1_out_of_memory(j->memory, room, "a text", j->call->error);
    out->room = room;
    call.error = j->call->error;
    return ins1_tokenizer_decode(j->tokenizer, ids, n, flags, out->text, room, &out->size, &call);
}

static ins1_status encode_untrusted(const judging *j, ins1_text text, token_list *out)
{
    const ins1_segment one = segment(text.text, text.size, 0);
    return encode(j, &one, 1, INS1_ENCODE_ADD_BOS, out);
}

/* At most `most` tokens are left, those at the end or at the start. */
static ins1_status decode_cut(const judging *j, const token_list *list, size_t most, bool keep_tail,
                              text_buffer *out)
{
    size_t n = list->n < most ? list->n : most;
    return decode(j, list->ids + (keep_tail ? list->n - n : 0), n, out);
}

/* --- the text of one candidate --- */

static ins1_status join(const judging *j, const text_buffer *prompt, const text_buffer *reference,
                        const text_buffer *candidate, token_list *out)
{
    static const char separator[] = "<|reward|>", line_break[] = "\n";
    const size_t n_break = j->request.flags & INS1_POLAR_PRETRAIN ? 0 : 1;
    const ins1_segment segments[MAX_SEGMENTS] = {
        segment(prompt->text, prompt->size, 0),
        segment(line_break, n_break, 0),
        segment(reference->text, reference->size, 0),
        segment(separator, sizeof(separator) - 1, INS1_SEGMENT_SPECIAL),
        segment(prompt->text, prompt->size, 0),
        segment(line_break, n_break, 0),
        segment(candidate->text, candidate->size, 0),
    };
    return encode(j, segments, MAX_SEGMENTS, INS1_ENCODE_ADD_BOS, out);
}

static ins1_status make_text(const judging *j, const token_list *prompt_ids,
                             const token_list *reference_ids, ins1_text answer, token_list *out)
{
    const size_t most = (size_t)j->request.max_answer;
    const bool keep_tail = j->request.flags & INS1_POLAR_KEEP_TAIL;
    token_list ids = { 0 };
    text_buffer prompt = { 0 }, reference = { 0 }, candidate = { 0 };

    ins1_status status = encode_untrusted(j, answer, &ids);
    if (status == INS1_OK) {
        size_t n_reference = reference_ids->n < most ? reference_ids->n : most;
        size_t n_candidate = ids.n < most ? ids.n : most;
        size_t left = (size_t)j->request.max_tokens - RESERVED - n_reference - n_candidate;
        status = decode_cut(j, prompt_ids, left / 2, true, &prompt);
    }
    if (status == INS1_OK)
        status = decode_cut(j, reference_ids, most, keep_tail, &reference);
    if (status == INS1_OK)
        status = decode_cut(j, &ids, most, keep_tail, &candidate);
    if (status == INS1_OK)
        status = join(j, &prompt, &reference, &candidate, out);
    buffer_free(j, &candidate);
    buffer_free(j, &reference);
    buffer_free(j, &prompt);
    tokens_free(j, &ids);
    return status;
}

static ins1_status make_texts(judging *j)
{
    token_list prompt = { 0 }, reference = { 0 };
    ins1_status status = encode_untrusted(j, j->request.prompt, &prompt);
    if (status == INS1_OK)
        status = encode_untrusted(j, j->request.reference, &reference);
    for (size_t i = 0; status == INS1_OK && i < j->request.n_candidates; i++)
        status = make_text(j, &prompt, &reference, j->request.candidates[i], &j->texts[i]);
    tokens_free(j, &reference);
    tokens_free(j, &prompt);
    return status;
}

/* --- the request --- */

static ins1_status check_token(const judging *j)
{
    static const char name[] = "<|reward|>";
    const ins1_segment one = segment(name, sizeof(name) - 1, INS1_SEGMENT_SPECIAL);
    token_list ids;

    ins1_status status = encode(j, &one, 1, 0, &ids);
    if (status == INS1_OK && ids.n != 1)
        status =
            s1_fail(j->call->error, INS1_E_UNSUPPORTED,
                    "'%s' is no token of this checkpoint, a POLAR checkpoint is expected", name);
    tokens_free(j, &ids);
    return status;
}

static ins1_status check_texts(const ins1_polar_request *request, ins1_error *error)
{
    if ((request->prompt.size && !request->prompt.text) ||
        (request->reference.size && !request->reference.text))
        return s1_fail(error, INS1_E_ARGUMENT, "a prompt or a reference at NULL");
    if (request->n_candidates && !request->candidates)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu candidates at NULL", request->n_candidates);
    for (size_t i = 0; i < request->n_candidates; i++)
        if (request->candidates[i].size && !request->candidates[i].text)
            return s1_fail(error, INS1_E_ARGUMENT, "candidate %zu of %zu bytes at NULL", i,
                           request->candidates[i].size);
    return INS1_OK;
}

static ins1_status read_request(ins1_polar_request *out, const ins1_polar_request *given,
                                ins1_error *error)
{
    ins1_status status = s1_struct_import(out, given, sizeof(*out), error);
    if (status != INS1_OK)
        return status;
    if (out->flags & ~(INS1_POLAR_PRETRAIN | INS1_POLAR_KEEP_TAIL))
        return s1_fail(error, INS1_E_VERSION, "flags 0x%x are too new", out->flags);
    if (!out->max_tokens)
        out->max_tokens = DEFAULT_TOKENS;
    if (!out->max_answer)
        out->max_answer = DEFAULT_ANSWER;
    if (out->max_answer < 1 || out->max_tokens < 2 * (int64_t)out->max_answer + RESERVED + 2)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "%d tokens with answers of %d, expected at least %lld", out->max_tokens,
                       out->max_answer, 2LL * out->max_answer + RESERVED + 2);
    return check_texts(out, error);
}

static size_t common_start(const token_list *texts, size_t n)
{
    size_t common = texts[0].n;
    for (size_t i = 1; i < n; i++) {
        size_t k = 0, most = common < texts[i].n ? common : texts[i].n;
        while (k < most && texts[i].ids[k] == texts[0].ids[k])
            k++;
        common = k;
    }
    return common;
}

static ins1_status run_texts(judging *j, ins1_session *session, int32_t seq, float *rewards)
{
    const size_t n = j->request.n_candidates, common = common_start(j->texts, n);
    const ins1_span span = { .struct_size = sizeof(span), .ids = j->texts[0].ids, .n_ids = common };
    const ins1_feed feed = {
        .struct_size = sizeof(feed), .seq = seq, .spans = &span, .n_spans = 1
    };
    ins1_ids *rests = s1_alloc_array(j->memory, n, sizeof(*rests), INS1_MEM_SCRATCH);
    if (!rests)
        return s1_out_of_memory(j->memory, n * sizeof(*rests), "a list of texts", j->call->error);

    for (size_t i = 0; i < n; i++)
        rests[i] = (ins1_ids){ j->texts[i].ids + common, j->texts[i].n - common };
    ins1_call call = s1_call_rest(j->call);
    ins1_status status = ins1_session_prefill(session, &feed, common ? 1 : 0, NULL, &call);
    call = s1_call_rest(j->call);
    if (status == INS1_OK)
        status = ins1_session_score_many(session, seq, rests, n, rewards, &call);
    ins1_session_truncate(session, seq, 0, NULL, NULL);
    s1_free(j->memory, rests, n * sizeof(*rests), INS1_MEM_SCRATCH);
    return status;
}

static ins1_status check_session(ins1_session *session, int32_t seq, const s1_call *call)
{
    s1_sequence *sequence = NULL;
    if (s1_session_config(session)->reward_token < 0)
        return s1_fail(call->error, INS1_E_UNSUPPORTED, "the checkpoint has no reward head");
    ins1_status status = s1_session_sequence(session, seq, &sequence, call);
    if (status == INS1_OK && sequence->length)
        status = s1_fail(call->error, INS1_E_STATE,
                         "sequence %d holds %zu tokens, an empty one is expected", seq,
                         sequence->length);
    return status;
}

static ins1_status judge(judging *j, ins1_session *session, int32_t seq, float *rewards)
{
    const size_t n = j->request.n_candidates;
    ins1_status status = check_token(j);
    if (status != INS1_OK || !n)
        return status;
    j->texts = s1_alloc_array(j->memory, n, sizeof(*j->texts), INS1_MEM_SCRATCH);
    if (!j->texts)
        return s1_out_of_memory(j->memory, n * sizeof(*j->texts), "a list of texts",
                                j->call->error);
    status = make_texts(j);
    if (status == INS1_OK)
        status = run_texts(j, session, seq, rewards);
    for (size_t i = 0; i < n; i++)
        tokens_free(j, &j->texts[i]);
    s1_free(j->memory, j->texts, n * sizeof(*j->texts), INS1_MEM_SCRATCH);
    return status;
}

ins1_status ins1_polar_score(ins1_session *session, int32_t seq, const ins1_tokenizer *tokenizer,
                             const ins1_polar_request *request, float *rewards,
                             const ins1_call *given)
{
    judging j = { .tokenizer = tokenizer };
    s1_call call;

    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    j.memory = session->memory;
    j.call = &call;
    status = check_session(session, seq, &call);
    if (status == INS1_OK && (!tokenizer || !request))
        status = s1_fail(call.error, INS1_E_ARGUMENT, "no tokenizer, or no request");
    if (status == INS1_OK)
        status = read_request(&j.request, request, call.error);
    if (status == INS1_OK && j.request.n_candidates && !rewards)
        status = s1_fail(call.error, INS1_E_ARGUMENT, "no place for %zu rewards",
                         j.request.n_candidates);
    s1_session_leave(session); /* the parts of the work are calls of their own */
    if (status == INS1_OK)
        status = judge(&j, session, seq, rewards);
    if (status != INS1_OK && rewards && j.request.n_candidates)
        memset(rewards, 0, j.request.n_candidates * sizeof(*rewards));
    return status;
}
