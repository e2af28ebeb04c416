/* Every function of the interface gets nothing at all: it refuses, or does nothing. */

#include "interns1/inspect.h"
#include "interns1/interns1.h"

#include <check.h>
#include <stdlib.h>

typedef ins1_status refusal(const ins1_call *call);

#define REFUSAL(name, ...)                                \
    static ins1_status give_##name(const ins1_call *call) \
    {                                                     \
        return ins1_##name(__VA_ARGS__);                  \
    }
#define REFUSALS(X)                                                              \
    X(runtime_create, NULL, NULL, call)                                          \
    X(runtime_mem, NULL, NULL, call)                                             \
    X(cancel_create, NULL, NULL, call)                                           \
    X(backend_register, NULL, NULL, call)                                        \
    X(backend_load, NULL, NULL, call)                                            \
    X(device_get, NULL, 0, NULL, call)                                           \
    X(device_find, NULL, NULL, NULL, call)                                       \
    X(model_plan, NULL, NULL, NULL, NULL, NULL, call)                            \
    X(model_open, NULL, NULL, NULL, call)                                        \
    X(model_info_get, NULL, NULL, call)                                          \
    X(model_meta, NULL, NULL, NULL, NULL, call)                                  \
    X(decoder_create, NULL, NULL, NULL, call)                                    \
    X(decoder_placements, NULL, NULL, 1, NULL, call)                             \
    X(embeds_info_get, NULL, NULL, call)                                         \
    X(embeds_read_f32, NULL, 0, 1, NULL, 1, NULL, call)                          \
    X(embeds_pool, NULL, NULL, 0, 0, call)                                       \
    X(embeds_from_f32, NULL, NULL, NULL, NULL, call)                             \
    X(embeds_to_dlpack, NULL, NULL, call)                                        \
    X(embeds_from_dlpack, NULL, NULL, NULL, NULL, call)                          \
    X(session_create, NULL, NULL, NULL, call)                                    \
    X(session_info_get, NULL, NULL, call)                                        \
    X(session_prefill, NULL, NULL, 1, NULL, call)                                \
    X(session_step, NULL, NULL, 1, call)                                         \
    X(session_logits, NULL, 0, NULL, NULL, call)                                 \
    X(session_logprobs, NULL, 0, 1, NULL, 1, NULL, call)                         \
    X(session_score, NULL, 0, NULL, 1, NULL, call)                               \
    X(session_score_many, NULL, 0, NULL, 1, NULL, call)                          \
    X(session_reward, NULL, 0, NULL, call)                                       \
    X(polar_score, NULL, 0, NULL, NULL, NULL, call)                              \
    X(session_embeds, NULL, NULL, 0, 0, call)                                    \
    X(session_length, NULL, 0, NULL, call)                                       \
    X(session_truncate, NULL, 0, 0, NULL, call)                                  \
    X(session_checkpoint, NULL, 0, call)                                         \
    X(session_fork, NULL, 0, 0, call)                                            \
    X(session_save, NULL, 0, NULL, 1, NULL, call)                                \
    X(session_save_to, NULL, 0, NULL, call)                                      \
    X(session_restore, NULL, 0, NULL, 1, call)                                   \
    X(session_restore_from, NULL, 0, NULL, call)                                 \
    X(session_observe, NULL, 0, NULL, NULL, call)                                \
    X(sampler_create, NULL, NULL, NULL, call)                                    \
    X(sampler_pick, NULL, NULL, 1, NULL, call)                                   \
    X(sampler_accept, NULL, 1, call)                                             \
    X(sampler_reset, NULL, 1, call)                                              \
    X(vision_encoder_create, NULL, NULL, NULL, call)                             \
    X(vision_encoder_tokens, NULL, 1, 1, NULL, call)                             \
    X(vision_encoder_video_tokens, NULL, NULL, NULL, call)                       \
    X(vision_encoder_encode, NULL, NULL, NULL, 1, call)                          \
    X(vision_encoder_encode_video, NULL, NULL, NULL, call)                       \
    X(vision_encoder_preprocess, NULL, NULL, 0, NULL, 1, NULL, NULL, call)       \
    X(vision_encoder_preprocess_video, NULL, NULL, 0, NULL, 1, NULL, NULL, call) \
    X(vision_encoder_encode_pixels, NULL, NULL, NULL, NULL, call)                \
    X(vision_encoder_tower, NULL, NULL, NULL, NULL, call)                        \
    X(timeseries_encoder_create, NULL, NULL, NULL, call)                         \
    X(timeseries_encoder_tokens, NULL, 1, 1, 1, NULL, call)                      \
    X(timeseries_encoder_encode, NULL, NULL, NULL, 1, call)                      \
    X(timeseries_encoder_preprocess, NULL, NULL, NULL, 1, NULL, call)            \
    X(timeseries_encoder_encode_samples, NULL, NULL, NULL, 1, 1, 1, call)        \
    X(timeseries_encoder_tower, NULL, NULL, NULL, 1, 1, 1, call)                 \
    X(stream_open, NULL, NULL, 0, NULL, NULL, NULL, call)                        \
    X(stream_next, NULL, NULL, call)                                             \
    X(stream_accept, NULL, 1, NULL, call)                                        \
    X(tokenizer_create, NULL, NULL, NULL, call)                                  \
    X(tokenizer_encode, NULL, NULL, 1, 0, NULL, NULL, 1, NULL, call)             \
    X(tokenizer_segments, NULL, NULL, 1, NULL, 1, NULL, call)                    \
    X(tokenizer_decode, NULL, NULL, 1, 0, NULL, 1, NULL, call)                   \
    X(tokenizer_piece, NULL, 0, NULL, NULL, NULL, call)                          \
    X(detokenizer_create, NULL, NULL, 0, call)                                   \
    X(detokenizer_push, NULL, NULL, 1, NULL, 1, NULL, call)                      \
    X(detokenizer_flush, NULL, NULL, 1, NULL, call)                              \
    X(prompt_create, NULL, NULL, NULL, 1, NULL, call)                            \
    X(prompt_info_get, NULL, NULL, call)                                         \
    X(prompt_text, NULL, NULL, NULL, call)                                       \
    X(prompt_spans, NULL, NULL, NULL, call)                                      \
    X(prompt_ids, NULL, NULL, 1, NULL, call)                                     \
    X(reply_parser_create, NULL, NULL, NULL, call)                               \
    X(reply_parser_push, NULL, NULL, 1, call)                                    \
    X(reply_parser_next, NULL, NULL, call)                                       \
    X(reply_parser_finish, NULL, call)

REFUSALS(REFUSAL)

#define ROW(name, ...) { #name, give_##name },
static const struct {
    const char *name;
    refusal *give;
} rows[] = { REFUSALS(ROW) };

START_TEST(nothing_is_an_argument_that_is_refused)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    call.error = &error;
    ck_assert_msg(rows[_i].give(&call) == INS1_E_ARGUMENT, "ins1_%s", rows[_i].name);
    ck_assert_msg(rows[_i].give(NULL) == INS1_E_ARGUMENT, "ins1_%s", rows[_i].name);
}
END_TEST

START_TEST(nothing_can_be_retained_and_released)
{
    ins1_runtime_retain(NULL);
    ins1_runtime_release(NULL);
    ins1_cancel_retain(NULL);
    ins1_cancel_release(NULL);
    ins1_model_retain(NULL);
    ins1_model_release(NULL);
    ins1_decoder_retain(NULL);
    ins1_decoder_release(NULL);
    ins1_embeds_retain(NULL);
    ins1_embeds_release(NULL);
    ins1_session_release(NULL);
    ins1_sampler_release(NULL);
    ins1_stream_release(NULL);
    ins1_tokenizer_retain(NULL);
    ins1_tokenizer_release(NULL);
    ins1_detokenizer_release(NULL);
    ins1_prompt_release(NULL);
    ins1_reply_parser_release(NULL);
    ins1_vision_encoder_release(NULL);
    ins1_timeseries_encoder_release(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nothing");
    TCase *cases = tcase_create("nothing");
    tcase_add_loop_test(cases, nothing_is_an_argument_that_is_refused, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(cases, nothing_can_be_retained_and_released);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
