#include "session/reply.h"

#include "base/meter.h"
#include "tokenizer/scratch.h"
#include "tokenizer/unicode.h"

#include <string.h>

enum { MODE_TEXT, MODE_REASONING, MODE_CALL };

/* White space that may stand inside the opening tag of a call. */
#define MAX_GAP 64

typedef enum tag_kind {
    TAG_NONE,
    TAG_THINK,
    TAG_END_THINK,
    TAG_ACTION,
    TAG_CALL,
} tag_kind;

static const char think[] = "<think>";
static const char end_think[] = "</think>";
static const char newline_end_think[] = "\n</think>";
static const char action_start[] = "<|action_start|>";
static const char plugin[] = "<|plugin|>";
static const char action_end[] = "<|action_end|>";
static const char tool_call[] = "<tool_call>";
static const char end_tool_call[] = "</tool_call>";

/* --- tags --- */

typedef enum match {
    MATCH_NO,
    MATCH_PARTIAL, /* the text ends before the tag does */
    MATCH_FULL,
} match;

static match match_word(const char *text, size_t left, const char *word, size_t *size)
{
    size_t n = strlen(word);
    *size = n;
    if (left >= n)
        return memcmp(text, word, n) ? MATCH_NO : MATCH_FULL;
    return memcmp(text, word, left) ? MATCH_NO : MATCH_PARTIAL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static match match_action(const char *text, size_t left, size_t *size)
{
    size_t begin, word;
    match m = match_word(text, left, action_start, &begin);
    if (m != MATCH_FULL)
        return m;
    size_t at = begin;
    while (at < left && at - begin < MAX_GAP && is_space(text[at]))
        at++;
    m = match_word(text + at, left - at, plugin, &word);
    *size = at + word;
    return m;
}

/* Does a tag begin here that means something in this mode? */
static match match_tag(const s1_reply *r, const char *text, size_t left, tag_kind *kind,
                       size_t *size)
{
    match best = MATCH_NO, m;
    const bool thinks = r->mode == MODE_REASONING;

    *kind = thinks ? TAG_END_THINK : TAG_THINK;
    best = match_word(text, left, thinks ? end_think : think, size);
    if (best == MATCH_NO && thinks)
        best = match_word(text, left, newline_end_think, size);
    if (best == MATCH_NO && r->calls & S1_CALL_ACTION && (m = match_action(text, left, size))) {
        best = m;
        *kind = TAG_ACTION;
    }
    if (best == MATCH_NO && r->calls & S1_CALL_TAG &&
        (m = match_word(text, left, tool_call, size))) {
        best = m;
        *kind = TAG_CALL;
    }
    return best;
}

/* The first tag. Gives the number of bytes before it, or before what may become one. */
static size_t find_tag(const s1_reply *r, tag_kind *kind, size_t *size)
{
    const char *text = r->data + r->begin;
    const size_t left = r->end - r->begin;

    for (size_t at = 0; at < left; at++) {
        if (text[at] != '<' && text[at] != '\n')
            continue;
        match m = match_tag(r, text + at, left - at, kind, size);
        if (m == MATCH_FULL)
            return at;
        if (m == MATCH_PARTIAL && !r->is_finished) {
            *kind = TAG_NONE;
            return at;
        }
    }
    *kind = TAG_NONE;
    return left;
}

/* --- life --- */

static uint32_t calls_of(const char *dialect)
{
    static const struct {
        const char *dialect;
        uint32_t calls;
    } dialects[] = {
        { "intern-s1", S1_CALL_ACTION }, { "intern-s1-pro", S1_CALL_TAG },
        { "internlm2", S1_CALL_ACTION }, { "qwen2.5", S1_CALL_TAG },
        { "qwen3", S1_CALL_TAG },
    };
    for (size_t i = 0; i < sizeof(dialects) / sizeof(*dialects); i++)
        if (!strcmp(dialect, dialects[i].dialect))
            return dialects[i].calls;
    return 0;
}

ins1_status s1_reply_init(s1_reply *reply, const ins1_allocator *memory, uint32_t flags,
                          const char *dialect, ins1_error *error)
{
    const uint32_t known =
        INS1_REPLY_PLAIN | INS1_REPLY_IN_REASONING | INS1_REPLY_NO_TOOLS | INS1_REPLY_REPAIR_JSON;

    *reply = (s1_reply){ .memory = memory, .flags = flags };
    if (flags & ~known)
        return s1_fail(error, INS1_E_VERSION, "reply flags 0x%x are too new", flags);
    reply->calls = dialect ? calls_of(dialect) : S1_CALL_ACTION | S1_CALL_TAG;
    if (!reply->calls)
        return s1_fail(error, INS1_E_UNSUPPORTED, "there is no chat dialect '%s'", dialect);
    if (flags & INS1_REPLY_NO_TOOLS)
        reply->calls = 0;
    if (flags & INS1_REPLY_IN_REASONING && !(flags & INS1_REPLY_PLAIN)) {
        reply->mode = MODE_REASONING;
        reply->is_beginning = true;
    }
    return INS1_OK;
}

void s1_reply_finish(s1_reply *reply)
{
    s1_scratch_free(reply->memory, reply->data, reply->capacity, 1, INS1_MEM_OBJECT);
    s1_scratch_free(reply->memory, reply->name, reply->name_capacity, 1, INS1_MEM_OBJECT);
}

/* --- text in --- */

static ins1_status make_room(s1_reply *r, size_t size, ins1_error *error)
{
    void *data = r->data;
    if (r->begin) {
        memmove(r->data, r->data + r->begin, r->end - r->begin);
        r->end -= r->begin;
        r->begin = 0;
    }
    if (size > SIZE_MAX - r->end ||
        !s1_scratch_grow(r->memory, &data, &r->capacity, r->end + size, 1, INS1_MEM_OBJECT))
        return s1_out_of_memory(r->memory, size, "the text of a reply", error);
    r->data = data;
    return INS1_OK;
}

static void add_character(s1_reply *r, const uint8_t *at, size_t size, uint32_t c)
{
    static const char replacement[] = "\xef\xbf\xbd";
    bool is_bad = c == S1_UTF8_BAD;
    size = is_bad ? sizeof(replacement) - 1 : size;
    memcpy(r->data + r->end, is_bad ? replacement : (const char *)at, size);
    r->end += size;
}

/* Complete the character that the last push cut. Gives the bytes of `text` that belong to it. */
static size_t end_cut(s1_reply *r, const char *text, size_t size)
{
    size_t taken = 0;
    while (r->n_cut && taken < size) {
        uint8_t joined[sizeof(r->cut) + 1];
        uint32_t c;
        memcpy(joined, r->cut, r->n_cut);
        joined[r->n_cut] = (uint8_t)text[taken];
        size_t n = s1_utf8_read(joined, r->n_cut + 1, &c);
        if (c == S1_UTF8_CUT) {
            r->cut[r->n_cut++] = (uint8_t)text[taken++];
            continue;
        }
        taken += n > r->n_cut;
        add_character(r, joined, n, c);
        r->n_cut = 0;
    }
    return taken;
}

ins1_status s1_reply_push(s1_reply *reply, const char *text, size_t size, ins1_error *error)
{
    /* A broken byte becomes three, and so does a cut character that ends here. */
    if (size > SIZE_MAX / 4)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu bytes of text", size);
    ins1_status status = make_room(reply, 3 * size + 3, error);
    if (status != INS1_OK)
        return status;

    for (size_t at = end_cut(reply, text, size), n; at < size; at += n) {
        const uint8_t *here = (const uint8_t *)text + at;
        uint32_t c;
        n = s1_utf8_read(here, size - at, &c);
        if (c == S1_UTF8_CUT) {
            memcpy(reply->cut, here, n);
            reply->n_cut = n;
        } else {
            add_character(reply, here, n, c);
        }
    }
    return INS1_OK;
}

ins1_status s1_reply_close(s1_reply *reply, ins1_error *error)
{
    if (reply->n_cut) {
        ins1_status status = make_room(reply, 3, error);
        if (status != INS1_OK)
            return status;
        add_character(reply, reply->cut, reply->n_cut, S1_UTF8_BAD);
        reply->n_cut = 0;
    }
    reply->is_finished = true;
    return INS1_OK;
}

/* --- events out --- */

static void consume(s1_reply *r, size_t size)
{
    r->begin += size;
    r->position += size;
}

/* The next `size` bytes are an event. */
static void emit(s1_reply *r, s1_reply_event *event, int32_t kind, size_t size)
{
    event->kind = kind;
    event->text = r->data + r->begin;
    event->size = size;
    consume(r, size);
    event->end = r->position;
}

static void enter(s1_reply *r, tag_kind kind, size_t size)
{
    r->skips_newlines = r->is_beginning = false;
    switch (kind) {
    case TAG_THINK:
        consume(r, size);
        r->mode = MODE_REASONING;
        r->is_beginning = true;
        break;
    case TAG_END_THINK:
        consume(r, size);
        r->mode = MODE_TEXT;
        r->skips_newlines = true;
        break;
    default:
        r->mode = MODE_CALL;
        r->form = kind == TAG_ACTION ? S1_CALL_ACTION : S1_CALL_TAG;
        r->open_size = r->scanned = size;
        break;
    }
}

/* Drop what the template adds in front of text and reasoning. False when more text must decide. */
static bool drop_beginning(s1_reply *r)
{
    const char *text = r->data + r->begin;
    const size_t left = r->end - r->begin;
    size_t size;

    while (r->skips_newlines && r->begin < r->end && r->data[r->begin] == '\n')
        consume(r, 1);
    if (r->begin < r->end)
        r->skips_newlines = false;
    if (!r->is_beginning || !left)
        return true;

    match m = match_word(text, left, think, &size);
    if (m == MATCH_PARTIAL && !r->is_finished)
        return false;
    if (m == MATCH_FULL) {
        consume(r, size);
        return drop_beginning(r);
    }
    if (*text == '\n')
        consume(r, 1);
    r->is_beginning = false;
    return true;
}

/* TEXT and REASONING. False when another mode has to look. */
static bool next_text(s1_reply *r, s1_reply_event *event)
{
    tag_kind kind;
    size_t tag_size;

    if (!drop_beginning(r))
        return true;
    size_t size = find_tag(r, &kind, &tag_size);
    if (size) {
        emit(r, event, r->mode == MODE_TEXT ? INS1_EVENT_TEXT : INS1_EVENT_REASONING, size);
        return true;
    }
    if (kind == TAG_NONE)
        return true;
    enter(r, kind, tag_size);
    return false;
}

/* The closing tag of the open call: bytes before it, or -1. */
static bool find_close(s1_reply *r, size_t *at, size_t *size)
{
    const char *tag = r->form == S1_CALL_ACTION ? action_end : end_tool_call;
    const size_t left = r->end - r->begin, n = strlen(tag);
    for (size_t i = r->scanned; i + n <= left; i++)
        if (!memcmp(r->data + r->begin + i, tag, n)) {
            *at = i;
            *size = n;
            return true;
        }
    if (left >= n && left - n + 1 > r->scanned)
        r->scanned = left - n + 1;
    return false;
}

/* CALL. False when the call was read, or another mode has to look. */
static ins1_status next_call(s1_reply *r, s1_reply_event *event, bool *is_done, ins1_error *error)
{
    size_t at = r->end - r->begin, close_size = 0;
    bool is_closed = find_close(r, &at, &close_size), is_call;

    *is_done = true;
    if (!is_closed && !r->is_finished)
        return INS1_OK;
    ins1_status status = s1_reply_read_call(r, r->data + r->begin + r->open_size, at - r->open_size,
                                            &is_call, error);
    if (status != INS1_OK)
        return status;
    r->mode = MODE_TEXT;
    if (!is_call) {
        emit(r, event, INS1_EVENT_TEXT, at + close_size);
        return INS1_OK;
    }
    r->next_event = INS1_EVENT_TOOL_BEGIN;
    r->payload_end = at;
    r->call_end = at + close_size;
    *is_done = false;
    return INS1_OK;
}

/* One after the other of the three events of a call that was read. */
static void next_call_event(s1_reply *r, s1_reply_event *event)
{
    event->kind = r->next_event;
    event->tool_index = r->n_calls;
    switch (r->next_event++) {
    case INS1_EVENT_TOOL_BEGIN:
        event->text = r->name;
        event->size = r->name_size;
        event->end = r->position + r->open_size;
        break;
    case INS1_EVENT_TOOL_ARGUMENTS:
        event->text = r->arguments;
        event->size = r->arguments_size;
        event->end = r->position + r->payload_end;
        break;
    default:
        consume(r, r->call_end);
        event->end = r->position;
        r->next_event = 0;
        r->n_calls++;
        r->skips_newlines = true;
        break;
    }
}

ins1_status s1_reply_next(s1_reply *reply, s1_reply_event *event, ins1_error *error)
{
    bool is_done = false;
    ins1_status status = INS1_OK;

    *event = (s1_reply_event){ .text = "" };
    while (!is_done && status == INS1_OK) {
        if (reply->next_event) {
            next_call_event(reply, event);
            return INS1_OK;
        }
        if (reply->begin == reply->end)
            break;
        if (reply->flags & INS1_REPLY_PLAIN) {
            emit(reply, event, INS1_EVENT_TEXT, reply->end - reply->begin);
            return INS1_OK;
        }
        if (reply->mode == MODE_CALL)
            status = next_call(reply, event, &is_done, error);
        else
            is_done = next_text(reply, event);
    }
    if (status == INS1_OK && event->kind == INS1_EVENT_NONE && reply->is_finished) {
        event->kind = INS1_EVENT_END;
        event->end = reply->position;
    }
    return status;
}
