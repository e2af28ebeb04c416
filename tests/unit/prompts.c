/* Prompts with tools, calls and media; conversations are written as the chat templates take them.
 */

#include "base/json.h"
#include "interns1/chat.h"
#include "meter.h"
#include "tiny_tokenizer.h"

#include <stdlib.h>

#define USER(text)      "<|im_start|>user\n" text "<|im_end|>\n"
#define ASSISTANT(text) "<|im_start|>assistant\n" text "<|im_end|>\n"
#define RESULT(text)    "<|im_start|>environment name=<|plugin|>\n" text "<|im_end|>\n"
#define BEGIN           "<|im_start|>assistant\n"
#define VISION(text)    "<|vision_start|>" text "<|vision_end|>"

enum { MAX_MESSAGES = 8, MAX_PARTS = 16 };

static const char *const added[] = {
    "<|im_start|>",  "<|im_end|>",    "<think>",          "</think>",       "<IMG_CONTEXT>",
    "<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<TS_CONTEXT>",
    "<|ts|>",        "<|/ts|>",       "<tool_call>",      "</tool_call>",   "<tool_response>",
};

static ins1_error error;
static ins1_call call;
static ins1_tokenizer *tokenizer;

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    tokenizer = tiny_tokenizer(&s1_heap, added, sizeof(added) / sizeof(*added));
}

static void teardown(void)
{
    ins1_tokenizer_release(tokenizer);
}

/* --- conversations from JSON --- */

/* What the messages borrow: unescaped texts lie in `bytes`. */
typedef struct story {
    ins1_message messages[MAX_MESSAGES];
    ins1_part parts[MAX_PARTS];
    ins1_chat_options options;
    size_t n, n_parts, used;
    char bytes[8192];
} story;

static ins1_text text_of(story *s, s1_json string)
{
    ins1_text text = { s->bytes + s->used, 0 };
    ck_assert(s1_json_string(string, s->bytes + s->used, sizeof(s->bytes) - s->used, &text.size));
    s->used += text.size + 1;
    ck_assert_uint_lt(s->used, sizeof(s->bytes));
    s->bytes[s->used - 1] = '\0';
    return text;
}

static int32_t kind_of(s1_json type)
{
    return s1_json_is(type, "image") || s1_json_is(type, "image_url") ? INS1_MODALITY_IMAGE
           : s1_json_is(type, "video")                                ? INS1_MODALITY_VIDEO
           : s1_json_is(type, "time_series")                          ? INS1_MODALITY_TIMESERIES
                                                                      : INS1_MODALITY_TEXT;
}

static void add_part(story *s, int32_t kind, s1_json text)
{
    ins1_part *part = &s->parts[s->n_parts++];
    ck_assert_uint_le(s->n_parts, MAX_PARTS);
    *part = (ins1_part)INS1_INIT(ins1_part);
    part->kind = kind;
    if (kind == INS1_MODALITY_TEXT) {
        ins1_text said = text_of(s, text);
        part->text = said.text;
        part->size = said.size;
    }
}

static void add_message(story *s, s1_json from)
{
    ins1_message *message = &s->messages[s->n++];
    s1_json content = s1_json_get(from, "content"), key, part;
    s1_json reasoning = s1_json_get(from, "reasoning_content");
    s1_json calls = s1_json_get(from, "tool_calls");

    ck_assert_uint_le(s->n, MAX_MESSAGES);
    *message = (ins1_message)INS1_INIT(ins1_message);
    message->role = text_of(s, s1_json_get(from, "role")).text;
    message->parts = s->parts + s->n_parts;
    if (content.kind == S1_JSON_STRING)
        add_part(s, INS1_MODALITY_TEXT, content);
    s1_json_walk walk = s1_json_begin(content);
    while (s1_json_next(&walk, &key, &part))
        add_part(s, kind_of(s1_json_get(part, "type")), s1_json_get(part, "text"));
    message->n_parts = (size_t)(s->parts + s->n_parts - message->parts);
    if (reasoning.kind == S1_JSON_STRING)
        message->reasoning = text_of(s, reasoning);
    message->tool_calls_json = (ins1_text){ calls.text, calls.size };
}

static int32_t choice(s1_json value, int32_t otherwise)
{
    return value.kind == S1_JSON_TRUE    ? INS1_CHAT_ON
           : value.kind == S1_JSON_FALSE ? INS1_CHAT_OFF
                                         : otherwise;
}

/* The prompt does not borrow from `in`, but the story does. */
static void read_story(story *s, s1_json in, const char *dialect)
{
    s1_json key, message, tools = s1_json_get(in, "tools");
    memset(s, 0, sizeof(*s));
    s->options = (ins1_chat_options)INS1_INIT(ins1_chat_options);
    s->options.dialect = dialect;
    s->options.tools_json = (ins1_text){ tools.text, tools.size };
    s->options.thinking = choice(s1_json_get(in, "enable_thinking"), INS1_CHAT_DEFAULT);
    s->options.add_generation_prompt =
        choice(s1_json_get(in, "add_generation_prompt"), INS1_CHAT_OFF);
    s1_json_walk walk = s1_json_begin(s1_json_get(in, "messages"));
    while (s1_json_next(&walk, &key, &message))
        add_message(s, message);
}

static ins1_status make(ins1_prompt **out, const story *s)
{
    return ins1_prompt_create(out, tokenizer, s->messages, s->n, &s->options, &call);
}

/* --- what it becomes --- */

static const struct {
    const char *dialect, *in, *text; /* text: how the prompt ends */
    size_t n_special;                /* ids of added tokens, 0: not looked at */
} cases[] = {
    { "intern-s1",
      "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}, {\"type\": "
      "\"text\", \"text\": \"Describe\"}, {\"type\": \"image\"}, {\"type\": \"video\"}]}], "
      "\"enable_thinking\": false}",
      USER("<IMG_CONTEXT>\nDescribe\n<IMG_CONTEXT>\n<video>"), 4 },
    { "intern-s1",
      "{\"messages\": [{\"role\": \"user\", \"content\": \"Sure\"}, {\"role\": \"assistant\", "
      "\"content\": \"<content>\", \"reasoning_content\": \"Since\", \"tool_calls\": "
      "[{\"type\": \"function\", \"function\": {\"name\": \"find\", \"arguments\": "
      "\"{\\\"first_name\\\": \\\"Omar\\\"}\"}}]}, {\"role\": \"tool\", \"content\": \"omar\"}], "
      "\"tools\": [{\"a\": [], \"b\":{\"c\":1}}], \"add_generation_prompt\": true}",
      "these tools:\n[\n  {\n    \"a\": [],\n    \"b\": {\n      \"c\": 1\n    }\n  "
      "}\n]<|im_end|>\n" USER("Sure") ASSISTANT(
          "<think>\nSince\n</think>\n<content><|action_start|><|plugin|>\n{\"name\": \"find\", "
          "\"parameters\": {\"first_name\": \"Omar\"}}\n<|action_end|>") RESULT("omar") BEGIN
      "<think>",
      0 },
    { "intern-s1",
      "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", "
      "\"content\": \"\", \"tool_calls\": [{\"name\": \"f\", \"arguments\":{\"a\":\"\\u00e9\"}}, "
      "{\"name\": \"g\", \"arguments\": { }}]}, {\"role\": \"tool\", \"content\": \"1\"}, "
      "{\"role\": \"tool\", \"content\": \"2\"}], \"enable_thinking\": false, "
      "\"add_generation_prompt\": true}",
      USER("q") ASSISTANT("<think>\n\n</think>\n<|action_start|><|plugin|>\n{\"name\": \"f\", "
                          "\"parameters\": {\"a\": \"é\"}}\n<|action_end|>\n<|action_start|><|"
                          "plugin|>\n{\"name\": \"g\", \"parameters\": {}}\n<|action_end|>")
          RESULT("1") RESULT("2") BEGIN,
      0 },
    { "internlm2",
      "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"tool\", "
      "\"content\": \"1\"}], \"tools\": [1.50]}",
      "<s><|im_start|>system\ns<|im_end|>\n<|im_start|>system "
      "name=<|plugin|>\n[1.5]<|im_end|>\n" RESULT("1"),
      0 },
    { "intern-s1-pro",
      "{\"messages\": [{\"role\": \"system\", \"content\": [{\"type\": \"image\"}]}, {\"role\": "
      "\"user\", \"content\": [{\"type\": \"image\"}, {\"type\": \"time_series\"}]}]}",
      "<|im_start|>system\nPicture 0: " VISION("<|image_pad|>") "<|im_end|>\n" USER(
          "Picture 2: " VISION("<|image_pad|>") "<|ts|><TS_CONTEXT><|/ts|>"),
      13 },
    /* What a user, a model or a tool wrote is text, whatever it looks like. */
    { "intern-s1-pro",
      "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}, {\"type\": "
      "\"text\", \"text\": \"<|image_pad|><|im_end|>\"}]}, {\"role\": \"assistant\", \"content\": "
      "\"\", \"reasoning_content\": \"</think>\", \"tool_calls\": [{\"name\": \"</tool_call>\", "
      "\"arguments\": {\"<|im_end|>\": \"<|im_start|>\"}}]}, {\"role\": \"tool\", \"content\": "
      "\"</tool_response><|im_end|>\"}]}",
      USER("Picture 1: " VISION("<|image_pad|>") "<|image_pad|><|im_end|>")
          ASSISTANT("<think></think></think>\n\n<tool_call>\n{\"name\": \"</tool_call>\", "
                    "\"arguments\": {\"<|im_end|>\": \"<|im_start|>\"}}\n</tool_call>")
              USER("<tool_response>\n</tool_response><|im_end|>\n</tool_response>"),
      14 },
};
enum { N_CASES = sizeof(cases) / sizeof(cases[0]) };

static size_t count_special(const ins1_prompt *prompt)
{
    static int32_t ids[8192];
    size_t n, special = 0;
    ck_assert_int_eq(ins1_prompt_ids(prompt, ids, 8192, &n, &call), INS1_OK);
    for (size_t i = 0; i < n; i++)
        special += ids[i] >= TINY_FIRST_ADDED;
    return special;
}

START_TEST(conversations_read_as_the_templates_write_them)
{
    ins1_prompt *prompt;
    const char *text;
    s1_json in;
    size_t size;
    story s;

    ck_assert_int_eq(s1_json_parse(&in, cases[_i].in, strlen(cases[_i].in), &error), INS1_OK);
    read_story(&s, in, cases[_i].dialect);
    ck_assert_msg(make(&prompt, &s) == INS1_OK, "%s", error.text);
    ck_assert_int_eq(ins1_prompt_text(prompt, &text, &size, &call), INS1_OK);
    const size_t n = strlen(cases[_i].text);
    ck_assert_msg(size >= n && !memcmp(text + size - n, cases[_i].text, n), "case %d: '%.*s'", _i,
                  (int)size, text);
    ck_assert(!cases[_i].n_special || count_special(prompt) == cases[_i].n_special);
    ins1_prompt_release(prompt);
}
END_TEST

START_TEST(renderings_of_the_reference_agree)
{
    static char bytes[1 << 20];
    FILE *file = fopen(TEST_DATA "/golden/chat-templates.json", "rb");
    s1_json root, key, one;
    size_t n = 0;

    if (!file) {
        printf("skipped: golden/chat-templates.json is not in \"%s\"\n", TEST_DATA);
        return;
    }
    const size_t size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    ck_assert_int_eq(s1_json_parse(&root, bytes, size, &error), INS1_OK);
    s1_json_walk walk = s1_json_begin(root);
    for (; s1_json_next(&walk, &key, &one); n++) {
        ins1_prompt *prompt;
        const char *text;
        size_t length;
        char dialect[32];
        story s;

        ck_assert(s1_json_string(s1_json_get(one, "template"), dialect, 31, &length));
        dialect[length] = '\0';
        read_story(&s, s1_json_get(one, "input"), dialect);
        ins1_text expected = text_of(&s, s1_json_get(one, "text"));
        ck_assert_msg(make(&prompt, &s) == INS1_OK, "%s", error.text);
        ck_assert_int_eq(ins1_prompt_text(prompt, &text, &length, &call), INS1_OK);
        ck_assert_msg(length == expected.size && !memcmp(text, expected.text, length),
                      "%s %zu: '%.*s'", dialect, n, (int)length, text);
        ins1_prompt_release(prompt);
    }
    ck_assert_uint_gt(n, 0);
}
END_TEST

/* --- media --- */

static ins1_embeds *embeds_of(ins1_runtime *runtime, int32_t modality, size_t rows, size_t steps)
{
    static const double times[] = { 0.25, 1.5 };
    static const float values[64];
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    ins1_embeds *embeds;

    info.n_tokens = rows;
    info.dim = 2;
    info.modality = modality;
    info.grid_t = (int32_t)steps;
    info.n_times = steps;
    info.times = steps ? times : NULL;
    ck_assert_int_eq(ins1_embeds_from_f32(&embeds, runtime, &info, values, &call), INS1_OK);
    return embeds;
}

static const char media_in[] =
    "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}, {\"type\": "
    "\"video\"}, {\"type\": \"time_series\"}, {\"type\": \"text\", \"text\": \"<|image_pad|>\"}]}],"
    "\"tools\": [\"\\u0001\"], \"enable_thinking\": false}";

typedef struct media {
    ins1_runtime *runtime;
    ins1_embeds *embeds[3];
    story s;
} media;

static void media_begin(media *m, const char *dialect)
{
    s1_json in;
    ck_assert_int_eq(ins1_runtime_create(&m->runtime, NULL, &call), INS1_OK);
    ck_assert_int_eq(s1_json_parse(&in, media_in, strlen(media_in), &error), INS1_OK);
    read_story(&m->s, in, dialect);
    m->embeds[0] = embeds_of(m->runtime, INS1_MODALITY_IMAGE, 3, 0);
    m->embeds[1] = embeds_of(m->runtime, INS1_MODALITY_VIDEO, 4, 2);
    m->embeds[2] = embeds_of(m->runtime, INS1_MODALITY_TIMESERIES, 5, 0);
    for (int i = 0; i < 3; i++)
        m->s.parts[i].embeds = m->embeds[i];
}

static void media_end(media *m)
{
    for (int i = 0; i < 3; i++)
        ins1_embeds_release(m->embeds[i]);
    ins1_runtime_release(m->runtime);
}

#define THREE(x) x x x
static const char *const dialects[] = { "intern-s1-pro", "intern-s1" };
static const char *const expanded[] = {
    "<|im_start|>user\nPicture 1: " VISION(THREE(
        "<|image_pad|>")) "Video 1: <0.2 "
                          "seconds>" VISION(
                              "<|video_"
                              "pad|><|"
                              "video_"
                              "pad|>") "<1.5 seconds>" VISION("<|video_pad|><|video_"
                                                              "pad|>") "<|ts|><TS_"
                                                                       "CONTEXT><TS_"
                                                                       "CONTEXT"
                                                                       ">" THREE(
                                                                           "<TS_"
                                                                           "CONT"
                                                                           "EXT"
                                                                           ">") "<|/"
                                                                                "ts|><|image_pad|><"
                                                                                "|im_end|>\n",
    "<|im_start|>user\n<img>" THREE(
        "<IMG_CONTEXT>") "</img>\nFrame1: <img><IMG_CONTEXT>"
                         "<IMG_CONTEXT></img>\nFrame2: <img><IMG_CONTEXT><IMG_CONTEXT></img>\n"
                         "<|ts|><TS_CONTEXT><TS_CONTEXT>" THREE(
                             "<TS_CONTEXT>") "<|/ts|>\n<|image_pad|><|im_end|>\n",
};

START_TEST(media_stand_in_the_spans_where_the_placeholders_are)
{
    static int32_t ids[8192];
    static char back[16384];
    ins1_prompt_info info = INS1_INIT(ins1_prompt_info);
    const ins1_span *spans;
    ins1_prompt *prompt;
    size_t n, n_spans, size, at = 0, rows = 0;
    media m;

    media_begin(&m, dialects[_i]);
    ck_assert_msg(make(&prompt, &m.s) == INS1_OK, "%s", error.text);
    media_end(&m);
    ck_assert_int_eq(ins1_prompt_ids(prompt, ids, 8192, &n, &call), INS1_OK);
    ck_assert_int_eq(ins1_tokenizer_decode(tokenizer, ids, n, 0, back, sizeof(back), &size, &call),
                     INS1_OK);
    const size_t tail = strlen(expanded[_i]);
    ck_assert_msg(size > tail && !memcmp(back + size - tail, expanded[_i], tail), "'%.*s'",
                  (int)size, back);

    ck_assert_int_eq(ins1_prompt_spans(prompt, &spans, &n_spans, &call), INS1_OK);
    ck_assert_int_eq(ins1_prompt_info_get(prompt, &info, &call), INS1_OK);
    ck_assert_uint_eq(n_spans, 9);
    ck_assert_uint_eq(info.n_spans, 9);
    ck_assert_uint_eq(info.n_tokens, n);
    for (size_t i = 0; i < n_spans; i++) {
        ck_assert_int_eq(!spans[i].embeds, i % 2 == 0);
        ck_assert(spans[i].embeds ||
                  !memcmp(spans[i].ids, ids + at, spans[i].n_ids * sizeof(*ids)));
        for (size_t k = 0; k < spans[i].count; k++)
            ck_assert_int_eq(ids[at + k], ids[at]);
        rows += spans[i].count;
        at += spans[i].embeds ? spans[i].count : spans[i].n_ids;
    }
    ck_assert_uint_eq(at, n);
    ck_assert_uint_eq(rows, 12);
    ck_assert_uint_eq(spans[5].first, 2);
    ins1_prompt_release(prompt);
}
END_TEST

START_TEST(media_without_embeddings_or_of_another_kind_are_told_apart)
{
    const ins1_span *spans;
    ins1_prompt *prompt;
    size_t n;
    media m;

    media_begin(&m, "intern-s1-pro");
    m.s.parts[1].embeds = NULL;
    ck_assert_int_eq(make(&prompt, &m.s), INS1_OK);
    ck_assert_int_eq(ins1_prompt_spans(prompt, &spans, &n, &call), INS1_E_STATE);
    ins1_prompt_release(prompt);
    m.s.parts[1].embeds = m.embeds[0];
    ck_assert_int_eq(make(&prompt, &m.s), INS1_E_ARGUMENT);
    ins1_embeds *timeless = embeds_of(m.runtime, INS1_MODALITY_VIDEO, 4, 0);
    m.s.parts[1].embeds = timeless;
    ck_assert_int_eq(make(&prompt, &m.s), INS1_E_ARGUMENT);
    ins1_embeds_release(timeless);
    m.s.parts[1].embeds = m.embeds[1];
    m.s.options.dialect = "qwen3";
    ck_assert_int_eq(make(&prompt, &m.s), INS1_E_UNSUPPORTED);
    media_end(&m);
}
END_TEST

START_TEST(calls_without_a_name_or_arguments_are_refused)
{
    static const char *const calls[] = { "{}", "[1]", "[{\"name\": \"f\"}]",
                                         "[{\"name\": 1, \"arguments\": 1}]", "[" };
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        ins1_message message = INS1_INIT(ins1_message);
        ins1_chat_options options = INS1_INIT(ins1_chat_options);
        ins1_prompt *prompt;
        message.role = "assistant";
        message.tool_calls_json = (ins1_text){ calls[i], strlen(calls[i]) };
        options.dialect = "qwen3";
        ck_assert_int_eq(ins1_prompt_create(&prompt, tokenizer, &message, 1, &options, &call),
                         INS1_E_FORMAT);
        ck_assert_ptr_null(prompt);
    }
}
END_TEST

START_TEST(everything_is_given_back_when_memory_runs_out)
{
    meter source;
    const ins1_allocator memory = meter_source(&source);
    ins1_tokenizer *before = tokenizer;
    ins1_prompt *prompt;
    ins1_status status = INS1_E_MEMORY;
    media m;

    media_begin(&m, "intern-s1-pro");
    tokenizer = tiny_tokenizer(&memory, added, sizeof(added) / sizeof(*added));
    const long long live = source.live;
    for (int n = 0; status != INS1_OK; n++) {
        source.until_refusal = n;
        status = make(&prompt, &m.s);
        ck_assert(status == INS1_OK ? n > 8 : status == INS1_E_MEMORY);
        ck_assert(status == INS1_OK || (!prompt && source.live == live));
    }
    source.until_refusal = -1;
    ins1_prompt_release(prompt);
    ck_assert_int_eq(source.live, live);
    ins1_tokenizer_release(tokenizer);
    tokenizer = before;
    media_end(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prompts");
    TCase *t = tcase_create("prompts");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, conversations_read_as_the_templates_write_them, 0, N_CASES);
    tcase_add_test(t, renderings_of_the_reference_agree);
    tcase_add_loop_test(t, media_stand_in_the_spans_where_the_placeholders_are, 0, 2);
    tcase_add_test(t, media_without_embeddings_or_of_another_kind_are_told_apart);
    tcase_add_test(t, calls_without_a_name_or_arguments_are_refused);
    tcase_add_test(t, everything_is_given_back_when_memory_runs_out);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
