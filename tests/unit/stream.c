/* Streams on a real tiny checkpoint, with a tokenizer and a script of our own: a mask lets the
 * sampler choose nothing but the next token of the script. */

#include "interns1/interns1.h"

#include "meter.h"
#include "tiny_tokenizer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each id as vocab.json spells it: U+010A is a newline, U+0120 a space, U+00C3 the byte C3. */
static const char *const words[] = {
    "a",
    "b",
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "\xc4\x8a",
    "\xc4\xa0{\\\"name\\\":\\\"f\\\",",
    "\\\"arguments\\\":1}",
    "st",
    "op",
    "<en>",
    "\xc3\x83",
    "\xc2\xa9",
    "abc",
};
enum {
    A,
    B,
    THINK,
    END_THINK,
    CALL,
    END_CALL,
    NEWLINE,
    NAME,
    ARGUMENTS,
    ST,
    OP,
    EOS,
    HALF,
    OTHER_HALF,
    ABC,
    N_WORDS
};

static ins1_error error;
static ins1_call call;
static ins1_runtime *runtime;
static ins1_model *model;
static ins1_decoder *decoder;
static ins1_session *session;
static ins1_tokenizer *tokenizer;
static ins1_sampler *sampler;
static meter meter_of_all;

static const int32_t *script;
static size_t n_script;

static int32_t follow_script(void *user, const int32_t *history, size_t n_history,
                             uint32_t *allowed, size_t n_vocab)
{
    (void)user, (void)history;
    if (n_history >= n_script)
        return 1;
    memset(allowed, 0, (n_vocab + 31) / 32 * sizeof(*allowed));
    allowed[script[n_history] / 32] = UINT32_C(1) << script[n_history] % 32;
    return 0;
}

/* Ids of the bytes that are no word. */
enum { FIRST_BYTE = 200 };

static void make_tokenizer(void)
{
    const int32_t end = EOS;
    char json[8192] = "{", word[3];
    for (int i = 0; i < N_WORDS; i++)
        add_item(json, words[i], i);
    for (int b = 0; b < 256; b++) {
        byte_character(b, word);
        if (b != 'a' && b != 'b' && b != '\n' && b != 0xc3 && b != 0xa9)
            add_item(json, word, FIRST_BYTE + b);
    }
    strcat(json, "}");
    const s1_tokenizer_source source = {
        .vocab_json = { json, strlen(json) },
        .merges_txt = { "#version: 0.2\n", 14 },
        .end_ids = &end,
        .n_end_ids = 1,
    };
    ck_assert_msg(s1_tokenizer_create(&tokenizer, &s1_heap, &source, NULL, &error) == INS1_OK, "%s",
                  error.text);
}

static void setup(void)
{
    const ins1_allocator memory = meter_source(&meter_of_all);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_model_options model_options = INS1_INIT(ins1_model_options);

    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    options.allocator = &memory;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_OK);
    model_options.path = TEST_GOLDEN "/mini-f32";
    model_options.parts = INS1_PART_DECODER;
    ck_assert_msg(ins1_model_open(&model, runtime, &model_options, &call) == INS1_OK, "%s",
                  error.text);
    ck_assert_int_eq(ins1_decoder_create(&decoder, model, NULL, &call), INS1_OK);
    make_tokenizer();
}

static void teardown(void)
{
    ins1_session_release(session);
    ins1_sampler_release(sampler);
    ins1_tokenizer_release(tokenizer);
    ins1_decoder_release(decoder);
    ins1_model_release(model);
    ins1_runtime_release(runtime);
    session = NULL;
    sampler = NULL;
    ck_assert_int_eq(meter_of_all.live, 0);
}

/* A session that has seen one token. */
static void begin(const int32_t *tokens, size_t n, int32_t n_ctx)
{
    const int32_t first = B;
    ins1_session_options options = INS1_INIT(ins1_session_options);
    ins1_sampler_options sampling = INS1_INIT(ins1_sampler_options);
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);

    script = tokens;
    n_script = n;
    options.n_ctx = n_ctx;
    sampling.mask = follow_script;
    span.ids = &first;
    span.n_ids = 1;
    feed.spans = &span;
    feed.n_spans = 1;
    ck_assert_int_eq(ins1_session_create(&session, decoder, &options, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_prefill(session, &feed, 1, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_sampler_create(&sampler, runtime, &sampling, &call), INS1_OK);
}

static ins1_stream *stream_with(const ins1_stream_options *options)
{
    ins1_stream *stream;
    ck_assert_msg(ins1_stream_open(&stream, session, 0, tokenizer, sampler, options, &call) ==
                      INS1_OK,
                  "%s", error.text);
    return stream;
}

/* "kind:text@first+n " for each event. */
static void note(char *out, size_t room, const ins1_event *event)
{
    static const char *const kinds[] = { "none", "text", "think", "tool", "args", "done", "end" };
    static const char *const ends[] = { "", "eos", "stop", "length", "full" };
    size_t used = strlen(out);
    snprintf(out + used, room - used, "%s:%.*s%s@%zu+%zu ", kinds[event->kind], (int)event->size,
             event->text, ends[event->end_reason], event->first_token, event->n_tokens);
}

static const struct {
    const char *what;
    int32_t tokens[12];
    size_t n;
    int32_t n_ctx;
    ins1_stream_options options;
    const char *stop[2];
    const char *expected;
} cases[] = {
    { "text to the end",
      { A, B, EOS },
      3,
      0,
      { .max_tokens = 0 },
      { 0 },
      "text:a@0+1 text:b@1+1 end:eos@2+1 " },
    { "only an end", { EOS }, 1, 0, { .max_tokens = 0 }, { 0 }, "end:eos@0+1 " },
    { "length",
      { A, B, A, EOS },
      4,
      0,
      { .max_tokens = 2 },
      { 0 },
      "text:a@0+1 text:b@1+1 end:length@2+0 " },
    { "end and length at once",
      { A, EOS },
      2,
      0,
      { .max_tokens = 2 },
      { 0 },
      "text:a@0+1 end:eos@1+1 " },
    { "full",
      { A, B, A, A, A },
      5,
      3,
      { .max_tokens = 0 },
      { 0 },
      "text:a@0+1 text:b@1+1 text:a@2+1 end:full@3+0 " },
    { "end ignored",
      { A, EOS, B },
      3,
      0,
      { .max_tokens = 3, .flags = INS1_STREAM_IGNORE_EOS },
      { 0 },
      "text:a@0+1 text:b@1+2 end:length@3+0 " },
    { "reasoning",
      { A, NEWLINE, END_THINK, NEWLINE, B, EOS },
      6,
      0,
      { .reply_flags = INS1_REPLY_IN_REASONING },
      { 0 },
      "think:a@0+1 text:b@1+4 end:eos@5+1 " },
    { "tool call",
      { A, CALL, NEWLINE, NAME, ARGUMENTS, NEWLINE, END_CALL, NEWLINE, B, EOS },
      10,
      0,
      { .max_tokens = 0 },
      { 0 },
      "text:a@0+1 tool:f@1+1 args:1@2+4 done:@6+1 text:b@7+2 end:eos@9+1 " },
    { "cut call",
      { CALL, NAME, EOS },
      3,
      0,
      { .max_tokens = 0 },
      { 0 },
      "text:<tool_call> {\"name\":\"f\",@0+2 end:eos@2+1 " },
    { "plain",
      { THINK, A, EOS },
      3,
      0,
      { .reply_flags = INS1_REPLY_PLAIN },
      { 0 },
      "text:<think>@0+1 text:a@1+1 end:eos@2+1 " },
    { "stop", { A, ST, OP, B }, 4, 0, { .n_stop = 1 }, { "stop" }, "text:a@0+1 end:stop@1+2 " },
    { "stop inside a token",
      { A, ABC, B },
      3,
      0,
      { .n_stop = 1 },
      { "b" },
      "text:a@0+1 text:a@1+0 end:stop@1+1 " },
    { "no stop after all",
      { A, ST, A, EOS },
      4,
      0,
      { .n_stop = 1 },
      { "stop" },
      "text:a@0+1 text:sta@1+2 end:eos@3+1 " },
    { "half a stop at the end",
      { ST, EOS },
      2,
      0,
      { .n_stop = 1 },
      { "stop" },
      "text:st@0+1 end:eos@1+1 " },
    { "the earlier of two stops",
      { A, ST, OP, B },
      4,
      0,
      { .n_stop = 2 },
      { "op", "sto" },
      "text:a@0+1 end:stop@1+2 " },
    { "stop at the last token",
      { A, B },
      2,
      0,
      { .n_stop = 1, .max_tokens = 2 },
      { "b" },
      "text:a@0+1 end:stop@1+1 " },
    { "a character in two tokens",
      { A, HALF, OTHER_HALF, EOS },
      4,
      0,
      { .max_tokens = 0 },
      { 0 },
      "text:a@0+1 text:\xc3\xa9@1+2 end:eos@3+1 " },
    { "half a character",
      { HALF, EOS },
      2,
      0,
      { .max_tokens = 0 },
      { 0 },
      "text:\xef\xbf\xbd@0+1 end:eos@1+1 " },
};
enum { N_CASES = sizeof(cases) / sizeof(cases[0]) };

static ins1_stream_options options_of(int i, ins1_text *stop)
{
    ins1_stream_options options = cases[i].options;
    options.struct_size = sizeof(options);
    for (size_t k = 0; k < options.n_stop; k++)
        stop[k] = (ins1_text){ cases[i].stop[k], strlen(cases[i].stop[k]) };
    options.stop = stop;
    return options;
}

static void check_event_tokens(const ins1_event *event, size_t *n_seen)
{
    ck_assert_uint_eq(event->first_token, *n_seen);
    for (size_t i = 0; i < event->n_tokens; i++, ++*n_seen) {
        ck_assert_int_eq(event->tokens[i].token, script[*n_seen]);
        ck_assert_float_le(event->tokens[i].logprob, 0);
    }
}

START_TEST(next_gives_the_events_of_the_reply)
{
    ins1_event event = INS1_INIT(ins1_event);
    ins1_text stop[2];
    char seen[1024] = "";
    size_t n_seen = 0;

    begin(cases[_i].tokens, cases[_i].n, cases[_i].n_ctx);
    const ins1_stream_options options = options_of(_i, stop);
    ins1_stream *stream = stream_with(&options);
    memset(stop, 0, sizeof(stop)); /* they were copied */
    do {
        ck_assert_msg(ins1_stream_next(stream, &event, &call) == INS1_OK, "%s: %s", cases[_i].what,
                      error.text);
        check_event_tokens(&event, &n_seen);
        note(seen, sizeof(seen), &event);
    } while (event.kind != INS1_EVENT_END);
    ck_assert_msg(!strcmp(seen, cases[_i].expected), "%s: '%s'", cases[_i].what, seen);

    ck_assert_int_eq(ins1_stream_next(stream, &event, &call), INS1_OK);
    ck_assert_int_eq(event.kind, INS1_EVENT_END);
    ck_assert_uint_eq(event.n_tokens, 0);
    ins1_stream_release(stream);
}
END_TEST

/* The host picks and steps; the context it fills up is its own business. */
START_TEST(accept_gives_the_same_events)
{
    ins1_event event = INS1_INIT(ins1_event);
    ins1_text stop[2];
    char seen[1024] = "";

    if (!strcmp(cases[_i].what, "full"))
        return;
    begin(cases[_i].tokens, cases[_i].n, cases[_i].n_ctx);
    const ins1_stream_options options = options_of(_i, stop);
    ins1_stream *stream = stream_with(&options);
    for (size_t i = 0; i < cases[_i].n && event.kind != INS1_EVENT_END; i++) {
        const ins1_step one = { 0, cases[_i].tokens[i] };
        ck_assert_int_eq(ins1_stream_accept(stream, one.token, &event, &call), INS1_OK);
        for (; event.kind != INS1_EVENT_NONE; ins1_stream_accept(stream, -1, &event, &call)) {
            note(seen, sizeof(seen), &event);
            if (event.kind == INS1_EVENT_END)
                break;
        }
        if (event.kind != INS1_EVENT_END)
            ck_assert_int_eq(ins1_session_step(session, &one, 1, &call), INS1_OK);
    }
    ck_assert_msg(!strcmp(seen, cases[_i].expected), "%s: '%s'", cases[_i].what, seen);
    ck_assert_int_eq(ins1_stream_accept(stream, A, &event, &call), INS1_E_STATE);
    ins1_stream_release(stream);
}
END_TEST

/* Cancelled before every event; then each event is asked for again. */
START_TEST(a_cancelled_call_loses_nothing)
{
    ins1_event event = INS1_INIT(ins1_event);
    ins1_cancel *cancel;
    ins1_text stop[2];
    char seen[1024] = "";

    begin(cases[_i].tokens, cases[_i].n, cases[_i].n_ctx);
    const ins1_stream_options options = options_of(_i, stop);
    ins1_stream *stream = stream_with(&options);
    ck_assert_int_eq(ins1_cancel_create(&cancel, runtime, &call), INS1_OK);
    call.cancel = cancel;
    do {
        ins1_cancel_request(cancel);
        ins1_status status = ins1_stream_next(stream, &event, &call);
        ins1_cancel_reset(cancel);
        if (status != INS1_OK) {
            ck_assert_int_eq(status, INS1_E_CANCELED);
            ck_assert_int_eq(ins1_stream_next(stream, &event, &call), INS1_OK);
        }
        note(seen, sizeof(seen), &event);
    } while (event.kind != INS1_EVENT_END);
    ck_assert_msg(!strcmp(seen, cases[_i].expected), "%s: '%s'", cases[_i].what, seen);
    ins1_stream_release(stream);
    ins1_cancel_release(cancel);
}
END_TEST

/* All text, the end and the number of tokens, however they were cut into events. */
typedef struct whole {
    char text[256];
    int32_t end;
    size_t n_tokens;
} whole;

/* Repeats every call that has no memory. */
static whole read_all(int i, int refusal)
{
    whole all = { 0 };
    ins1_event event = INS1_INIT(ins1_event);
    ins1_stream *stream;
    ins1_text stop[2];

    begin(cases[i].tokens, cases[i].n, cases[i].n_ctx);
    const ins1_stream_options options = options_of(i, stop);
    meter_of_all.until_refusal = refusal;
    ins1_status status = ins1_stream_open(&stream, session, 0, tokenizer, sampler, &options, &call);
    if (status != INS1_OK) {
        ck_assert_int_eq(status, INS1_E_MEMORY);
        ck_assert_ptr_null(stream);
        stream = stream_with(&options);
    }
    while (event.kind != INS1_EVENT_END) {
        status = ins1_stream_next(stream, &event, &call);
        ck_assert(status == INS1_OK || status == INS1_E_MEMORY);
        if (status != INS1_OK)
            continue;
        strncat(all.text, event.text, event.size);
        all.n_tokens += event.n_tokens;
        all.end = event.end_reason;
    }
    meter_of_all.until_refusal = -1;
    ins1_stream_release(stream);
    ins1_session_release(session);
    ins1_sampler_release(sampler);
    session = NULL;
    sampler = NULL;
    return all;
}

START_TEST(a_call_without_memory_loses_nothing)
{
    const whole expected = read_all(_i, -1);
    for (int n = 0; n < 30; n++) {
        const whole all = read_all(_i, n);
        ck_assert_msg(!strcmp(all.text, expected.text), "%s, refusal %d: '%s'", cases[_i].what, n,
                      all.text);
        ck_assert_int_eq(all.end, expected.end);
        ck_assert_uint_eq(all.n_tokens, expected.n_tokens);
    }
}
END_TEST

START_TEST(events_bring_the_best_alternatives)
{
    static const int32_t tokens[] = { A, NEWLINE, CALL, B, EOS };
    ins1_event event = INS1_INIT(ins1_event);
    ins1_stream_options options = INS1_INIT(ins1_stream_options);
    ins1_logprob best[3], first[3];
    size_t n, n_tokens = 0;

    begin(tokens, 5, 0);
    ck_assert_int_eq(ins1_session_logprobs(session, 0, 3, first, 3, &n, &call), INS1_OK);
    options.n_top = 3;
    ins1_stream *stream = stream_with(&options);
    do {
        ck_assert_int_eq(ins1_stream_next(stream, &event, &call), INS1_OK);
        for (size_t i = 0; i < event.n_tokens; i++, n_tokens++) {
            memcpy(best, event.top + i * event.n_top, sizeof(best));
            ck_assert_float_ge(best[0].logprob, best[1].logprob);
            ck_assert_float_ge(best[1].logprob, best[2].logprob);
            ck_assert_float_ge(best[0].logprob, event.tokens[i].logprob);
            if (!n_tokens)
                ck_assert_mem_eq(best, first, sizeof(best));
        }
    } while (event.kind != INS1_EVENT_END);
    ck_assert_uint_eq(n_tokens, 5);
    ins1_stream_release(stream);
}
END_TEST

START_TEST(a_stream_keeps_what_it_needs)
{
    static const int32_t tokens[] = { A, EOS };
    ins1_event event = INS1_INIT(ins1_event);
    begin(tokens, 2, 0);
    ins1_stream *stream = stream_with(NULL);
    ins1_session_release(session);
    ins1_sampler_release(sampler);
    session = NULL;
    sampler = NULL;
    ck_assert_int_eq(ins1_stream_next(stream, &event, &call), INS1_OK);
    ck_assert_int_eq(event.kind, INS1_EVENT_TEXT);
    ins1_stream_release(stream);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    static const int32_t tokens[] = { A, EOS };
    const ins1_text empty = { "", 0 };
    ins1_event event = INS1_INIT(ins1_event), no_size = { 0 };
    ins1_stream *stream;
    ins1_stream_options options = INS1_INIT(ins1_stream_options);

    begin(tokens, 2, 0);
    ck_assert_int_eq(ins1_stream_open(&stream, session, 1, tokenizer, sampler, NULL, &call),
                     INS1_E_ARGUMENT);
    options.n_top = 1000;
    ck_assert_int_eq(ins1_stream_open(&stream, session, 0, tokenizer, sampler, &options, &call),
                     INS1_E_ARGUMENT);
    options = (ins1_stream_options){ .struct_size = sizeof(options), .flags = 1u << 9 };
    ck_assert_int_eq(ins1_stream_open(&stream, session, 0, tokenizer, sampler, &options, &call),
                     INS1_E_VERSION);
    options = (ins1_stream_options){ .struct_size = sizeof(options), .stop = &empty, .n_stop = 1 };
    ck_assert_int_eq(ins1_stream_open(&stream, session, 0, tokenizer, sampler, &options, &call),
                     INS1_E_ARGUMENT);
    ck_assert_ptr_null(stream);

    stream = stream_with(NULL);
    ck_assert_int_eq(ins1_stream_next(stream, &no_size, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_stream_accept(stream, 131, &event, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_stream_accept(stream, -2, &event, &call), INS1_E_ARGUMENT);
    ins1_stream_release(stream);
}
END_TEST

START_TEST(an_event_without_a_size_takes_nothing_from_the_reply)
{
    static const int32_t tokens[] = { A, EOS };
    ins1_event event = INS1_INIT(ins1_event), no_size = { 0 };

    begin(tokens, 2, 0);
    ins1_stream *stream = stream_with(NULL);
    ck_assert_int_eq(ins1_stream_next(stream, &no_size, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_stream_next(stream, &event, &call), INS1_OK);
    ck_assert_int_eq(event.kind, INS1_EVENT_TEXT);
    ck_assert_int_eq(ins1_stream_next(stream, &no_size, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_stream_next(stream, &event, &call), INS1_OK);
    ck_assert_int_eq(event.kind, INS1_EVENT_END);
    ins1_stream_release(stream);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream");
    TCase *t = tcase_create("stream");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, next_gives_the_events_of_the_reply, 0, N_CASES);
    tcase_add_loop_test(t, accept_gives_the_same_events, 0, N_CASES);
    tcase_add_loop_test(t, a_cancelled_call_loses_nothing, 0, N_CASES);
    tcase_add_loop_test(t, a_call_without_memory_loses_nothing, 0, N_CASES);
    tcase_add_test(t, an_event_without_a_size_takes_nothing_from_the_reply);
    tcase_add_test(t, events_bring_the_best_alternatives);
    tcase_add_test(t, a_stream_keeps_what_it_needs);
    tcase_add_test(t, bad_arguments_are_refused);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
