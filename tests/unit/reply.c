#include "session/reply.h"

#include "base/memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN  "<|action_start|><|plugin|>"
#define CLOSE "<|action_end|>"

/* What comes out: R(reasoning), T(text), name{arguments}. Neighbours of one kind are joined. */
static const struct {
    const char *what;
    uint32_t flags;
    const char *dialect;
    const char *text, *expected;
} cases[] = {
    { "nothing", 0, NULL, "", "" },
    { "plain text", 0, NULL, "Six.", "T(Six.)" },
    { "reasoning first", 0, NULL, "<think>hm</think>Six.", "R(hm)T(Six.)" },
    { "newlines of the template", 0, NULL, "<think>\nhm\n</think>\n\nSix.\n", "R(hm)T(Six.\n)" },
    { "only one newline is the template's", 0, NULL, "<think>\n\na\n\n</think>b", "R(\na\n)T(b)" },
    { "opened by the prompt", INS1_REPLY_IN_REASONING, NULL, "hm</think>\nSix.", "R(hm)T(Six.)" },
    { "opened by the prompt, newline", INS1_REPLY_IN_REASONING, NULL, "\nhm\n</think>x",
      "R(hm)T(x)" },
    { "opened twice", INS1_REPLY_IN_REASONING, NULL, "<think><think>hm</think>x", "R(hm)T(x)" },
    { "empty reasoning", INS1_REPLY_IN_REASONING, NULL, "\n</think>x", "T(x)" },
    { "emptier reasoning", INS1_REPLY_IN_REASONING, NULL, "</think>\n", "" },
    { "never closed", INS1_REPLY_IN_REASONING, NULL, "hm </thin", "R(hm </thin)" },
    { "never closed, newline", INS1_REPLY_IN_REASONING, NULL, "hm\n", "R(hm\n)" },
    { "reasoning again", 0, NULL, "a<think>b</think>c<think>d", "T(a)R(b)T(c)R(d)" },
    { "closed without being opened", 0, NULL, "a</think>b", "T(a</think>b)" },
    { "almost a tag", 0, NULL, "<thin<think", "T(<thin<think)" },
    { "comparison", INS1_REPLY_IN_REASONING, NULL, "1 < 2 << 3</think><", "R(1 < 2 << 3)T(<)" },
    { "plain", INS1_REPLY_PLAIN | INS1_REPLY_IN_REASONING, NULL, "<think>a</think>\n" OPEN "{}",
      "T(<think>a</think>\n" OPEN "{})" },

    { "action", 0, NULL, OPEN "\n{\"name\": \"f\", \"parameters\": {\"a\": 1}}\n" CLOSE,
      "f{{\"a\": 1}}" },
    { "tool call", 0, NULL,
      "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", "f{{\"a\": 1}}" },
    { "both", 0, NULL,
      "x\n<tool_call>{\"name\": \"f\"}</tool_call>\n" OPEN "{\"name\":\"g\"}" CLOSE "\ny",
      "T(x\n)f{{}}g{{}}T(y)" },
    { "space in the tag", 0, NULL, "<|action_start|> \n<|plugin|>{\"name\":\"f\"}" CLOSE, "f{{}}" },
    { "interpreter is no plugin", 0, NULL, "<|action_start|><|interpreter|>a",
      "T(<|action_start|><|interpreter|>a)" },
    { "ends reasoning", INS1_REPLY_IN_REASONING, NULL, "hm" OPEN "{\"name\":\"f\"}" CLOSE "x",
      "R(hm)f{{}}T(x)" },
    { "the other key", 0, NULL, OPEN "{\"arguments\":[1],\"name\":\"f\"}" CLOSE, "f{[1]}" },
    { "the right key wins", 0, NULL, OPEN "{\"arguments\":1,\"parameters\":2,\"name\":\"f\"}" CLOSE,
      "f{2}" },
    { "its own key wins", 0, NULL,
      "<tool_call>{\"parameters\":2,\"arguments\":1,\"name\":\"f\"}</tool_call>", "f{1}" },
    { "escaped name", 0, NULL, OPEN "{\"name\":\"\\u00e9\\n\"}" CLOSE, "\xc3\xa9\n{{}}" },
    { "words before the brace", 0, NULL, OPEN "json {\"name\":\"f\"} " CLOSE, "f{{}}" },
    { "no closing tag", 0, NULL, OPEN "{\"name\":\"f\"}\n", "f{{}}" },
    { "half a closing tag", 0, NULL, OPEN "{\"name\":\"f\"}<|action",
      "T(" OPEN "{\"name\":\"f\"}<|action)" },
    { "cut", 0, NULL, "a" OPEN "{\"name\":\"f\"", "T(a" OPEN "{\"name\":\"f\")" },
    { "no name", 0, NULL, OPEN "{\"nam\":\"f\"}" CLOSE "x",
      "T(" OPEN "{\"nam\":\"f\"}" CLOSE "x)" },
    { "empty name", 0, NULL, OPEN "{\"name\":\"\"}" CLOSE, "T(" OPEN "{\"name\":\"\"}" CLOSE ")" },
    { "name is a number", 0, NULL, OPEN "{\"name\":1}" CLOSE, "T(" OPEN "{\"name\":1}" CLOSE ")" },
    { "no JSON, then a call", 0, NULL, OPEN "no" CLOSE OPEN "{\"name\":\"f\"}" CLOSE,
      "T(" OPEN "no" CLOSE ")f{{}}" },
    { "lone surrogate", 0, NULL, OPEN "{\"name\":\"\\ud800\"}" CLOSE,
      "T(" OPEN "{\"name\":\"\\ud800\"}" CLOSE ")" },
    { "no tools", INS1_REPLY_NO_TOOLS, NULL,
      "<think>a</think><tool_call>{\"name\":\"f\"}</tool_call>",
      "R(a)T(<tool_call>{\"name\":\"f\"}</tool_call>)" },
    { "one form", 0, "intern-s1", "<tool_call>a", "T(<tool_call>a)" },
    { "the other form", 0, "intern-s1-pro", OPEN "a", "T(" OPEN "a)" },
    { "SMILES breaks JSON", 0, NULL,
      OPEN "{\"name\":\"f\",\"parameters\":{\"s\":\"F/C=C\\C\"}}" CLOSE,
      "T(" OPEN "{\"name\":\"f\",\"parameters\":{\"s\":\"F/C=C\\C\"}}" CLOSE ")" },
    { "SMILES repaired", INS1_REPLY_REPAIR_JSON, NULL,
      OPEN "{\"name\":\"f\",\"parameters\":{\"s\":\"F/C=C\\C\\\"\"}}" CLOSE,
      "f{{\"s\":\"F/C=C\\\\C\\\"\"}}" },
    { "characters of several bytes", INS1_REPLY_IN_REASONING, NULL,
      "\xc3\xa9\xe4\xb9\xa6</think>\xf0\x9f\x98\x80",
      "R(\xc3\xa9\xe4\xb9\xa6)T(\xf0\x9f\x98\x80)" },
    { "broken characters", 0, NULL, "a\xff\x62\xe4\xb9",
      "T(a\xef\xbf\xbd"
      "b\xef\xbf\xbd)" },
};
enum { N_CASES = sizeof(cases) / sizeof(cases[0]) };

typedef struct transcript {
    char text[1024];
    size_t size;
    int32_t open; /* kind of the last event that a neighbour may continue */
    uint64_t end;
} transcript;

static void put(transcript *t, const char *bytes, size_t size)
{
    ck_assert_uint_lt(t->size + size, sizeof(t->text));
    memcpy(t->text + t->size, bytes, size);
    t->text[t->size += size] = '\0';
}

static void close_open(transcript *t)
{
    if (t->open)
        put(t, ")", 1);
    t->open = 0;
}

static void note(transcript *t, const s1_reply_event *event)
{
    bool is_text = event->kind == INS1_EVENT_TEXT || event->kind == INS1_EVENT_REASONING;
    ck_assert_uint_ge(event->end, t->end);
    t->end = event->end;
    if (t->open != event->kind)
        close_open(t);
    if (is_text && !t->open)
        put(t, event->kind == INS1_EVENT_TEXT ? "T(" : "R(", 2);
    if (is_text)
        t->open = event->kind;
    if (event->kind == INS1_EVENT_TOOL_ARGUMENTS)
        put(t, "{", 1);
    put(t, event->text, event->size);
    if (event->kind == INS1_EVENT_TOOL_END)
        put(t, "}", 1);
}

static void take(transcript *t, s1_reply *reply)
{
    s1_reply_event event;
    do {
        ck_assert_int_eq(s1_reply_next(reply, &event, NULL), INS1_OK);
        if (event.kind != INS1_EVENT_NONE && event.kind != INS1_EVENT_END)
            note(t, &event);
    } while (event.kind != INS1_EVENT_NONE && event.kind != INS1_EVENT_END);
}

/* Push the text in pieces that end at `cut` and then every `step` bytes. */
static void check_pieces(int i, size_t cut, size_t step)
{
    const char *text = cases[i].text;
    size_t size = strlen(text);
    transcript t = { 0 };
    s1_reply reply;

    ck_assert_int_eq(s1_reply_init(&reply, &s1_heap, cases[i].flags, cases[i].dialect, NULL),
                     INS1_OK);
    for (size_t at = 0, n; at < size; at += n) {
        size_t left = size - at;
        n = at == 0 && cut ? cut : step;
        n = n < left ? n : left;
        char *piece = malloc(n); /* so that reading past it is noticed */
        memcpy(piece, text + at, n);
        ck_assert_int_eq(s1_reply_push(&reply, piece, n, NULL), INS1_OK);
        free(piece);
        take(&t, &reply);
    }
    ck_assert_int_eq(s1_reply_close(&reply, NULL), INS1_OK);
    take(&t, &reply);
    close_open(&t);
    ck_assert_msg(!strcmp(t.text, cases[i].expected), "%s, cut at %zu: '%s', expected '%s'",
                  cases[i].what, cut, t.text, cases[i].expected);
    s1_reply_finish(&reply);
}

START_TEST(events_do_not_depend_on_how_the_text_is_cut)
{
    size_t size = strlen(cases[_i].text);
    for (size_t cut = 0; cut <= size; cut++)
        check_pieces(_i, cut, size);
    for (size_t step = 1; step <= 3; step++)
        check_pieces(_i, 0, step);
}
END_TEST

START_TEST(text_waits_for_no_more_than_a_tag)
{
    s1_reply reply;
    s1_reply_event event;
    ck_assert_int_eq(s1_reply_init(&reply, &s1_heap, 0, NULL, NULL), INS1_OK);
    ck_assert_int_eq(s1_reply_push(&reply, "abc <th", 7, NULL), INS1_OK);
    ck_assert_int_eq(s1_reply_next(&reply, &event, NULL), INS1_OK);
    ck_assert_int_eq(event.kind, INS1_EVENT_TEXT);
    ck_assert_uint_eq(event.size, 4);
    ck_assert_uint_eq(event.end, 4);
    ck_assert_int_eq(s1_reply_next(&reply, &event, NULL), INS1_OK);
    ck_assert_int_eq(event.kind, INS1_EVENT_NONE);
    s1_reply_finish(&reply);
}
END_TEST

START_TEST(end_is_repeated)
{
    s1_reply reply;
    s1_reply_event event;
    ck_assert_int_eq(s1_reply_init(&reply, &s1_heap, 0, NULL, NULL), INS1_OK);
    ck_assert_int_eq(s1_reply_close(&reply, NULL), INS1_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(s1_reply_next(&reply, &event, NULL), INS1_OK);
        ck_assert_int_eq(event.kind, INS1_EVENT_END);
    }
    s1_reply_finish(&reply);
}
END_TEST

START_TEST(unknown_dialects_and_flags_are_refused)
{
    s1_reply reply;
    ck_assert_int_eq(s1_reply_init(&reply, &s1_heap, 0, "klingon", NULL), INS1_E_UNSUPPORTED);
    ck_assert_int_eq(s1_reply_init(&reply, &s1_heap, 1u << 20, NULL, NULL), INS1_E_VERSION);
}
END_TEST

/* A call that never ends is looked at once, however many pieces it comes in. */
START_TEST(an_endless_call_takes_linear_time)
{
    enum { N = 300000 };
    s1_reply reply;
    s1_reply_event event;
    ck_assert_int_eq(s1_reply_init(&reply, &s1_heap, 0, NULL, NULL), INS1_OK);
    ck_assert_int_eq(s1_reply_push(&reply, "<tool_call>", 11, NULL), INS1_OK);
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(s1_reply_push(&reply, "<", 1, NULL), INS1_OK);
        ck_assert_int_eq(s1_reply_next(&reply, &event, NULL), INS1_OK);
        ck_assert_int_eq(event.kind, INS1_EVENT_NONE);
    }
    ck_assert_int_eq(s1_reply_close(&reply, NULL), INS1_OK);
    ck_assert_int_eq(s1_reply_next(&reply, &event, NULL), INS1_OK);
    ck_assert_int_eq(event.kind, INS1_EVENT_TEXT);
    ck_assert_uint_eq(event.size, N + 11);
    s1_reply_finish(&reply);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reply");
    TCase *t = tcase_create("reply");
    tcase_add_loop_test(t, events_do_not_depend_on_how_the_text_is_cut, 0, N_CASES);
    tcase_add_test(t, text_waits_for_no_more_than_a_tag);
    tcase_add_test(t, end_is_repeated);
    tcase_add_test(t, unknown_dialects_and_flags_are_refused);
    tcase_add_test(t, an_endless_call_takes_linear_time);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
