/* The chat templates, as functions. */

#include "session/rendering.h"

#include <string.h>

/* --- pieces of text --- */

static bool is_role(const s1_turn *turn, const char *role)
{
    return !strcmp(turn->role, role);
}

static bool begins_with(ins1_text text, const char *word)
{
    size_t n = strlen(word);
    return text.size >= n && !memcmp(text.text, word, n);
}

static bool ends_with(ins1_text text, const char *word)
{
    size_t n = strlen(word);
    return text.size >= n && !memcmp(text.text + text.size - n, word, n);
}

static ins1_text skip_front(ins1_text text, const char *set)
{
    while (text.size && strchr(set, *text.text) && *text.text) {
        text.text++;
        text.size--;
    }
    return text;
}

static ins1_text skip_back(ins1_text text, const char *set)
{
    while (text.size && text.text[text.size - 1] && strchr(set, text.text[text.size - 1]))
        text.size--;
    return text;
}

static ins1_text strip(ins1_text text, const char *set)
{
    return skip_back(skip_front(text, set), set);
}

/* What stands before the first `word`, and what stands behind the last; false when there is none.
 */
static bool split(ins1_text text, const char *word, ins1_text *before, ins1_text *behind)
{
    const char *end = text.text + text.size, *first = NULL, *last = NULL;
    size_t n = strlen(word);
    for (const char *at = text.text; at && (at = memmem(at, (size_t)(end - at), word, n));
         at += n) {
        first = first ? first : at;
        last = at;
    }
    if (!first)
        return false;
    *before = (ins1_text){ text.text, (size_t)(first - text.text) };
    *behind = (ins1_text){ last + n, (size_t)(end - last) - n };
    return true;
}

/* Of a reply that was written as one text: its reasoning and what follows. */
static void split_reply(const s1_turn *turn, const char *spaces, ins1_text *reasoning,
                        ins1_text *content)
{
    ins1_text before, unused;

    *reasoning = turn->reasoning;
    *content = turn->content;
    if (turn->reasoning.text || !split(turn->content, "</think>", &before, content))
        return;
    *content = skip_front(*content, "\n");
    *reasoning = skip_back(before, spaces);
    split(*reasoning, "<think>", &unused, reasoning);
    *reasoning = strip(*reasoning, spaces);
}

static void open_turn(s1_rendering *r, const char *role)
{
    s1_render_template(r, "<|im_start|>");
    s1_render_template(r, role);
    s1_render_template(r, "\n");
}

static void add_turn(s1_rendering *r, const char *role, ins1_text content)
{
    open_turn(r, role);
    s1_render_untrusted(r, content);
    s1_render_template(r, "<|im_end|>\n");
}

/* --- Intern-S1-Pro --- */

/* The last thing that the user asked; results of tools that came as a user's text are none. */
static size_t last_query(const s1_conversation *c)
{
    for (size_t i = c->n; i-- > 0;)
        if (is_role(&c->turns[i], "user") &&
            !(begins_with(c->turns[i].content, "<tool_response>") &&
              ends_with(c->turns[i].content, "</tool_response>")))
            return i;
    return c->n - 1;
}

static void render_pro_reply(s1_rendering *r, const s1_conversation *c, size_t i, size_t query)
{
    ins1_text reasoning, content;

    split_reply(&c->turns[i], "\n", &reasoning, &content);
    open_turn(r, "assistant");
    if (i > query && (i + 1 == c->n || reasoning.size)) {
        s1_render_template(r, "<think>");
        s1_render_untrusted(r, strip(reasoning, "\n"));
        s1_render_template(r, "</think>\n\n");
        content = skip_front(content, "\n");
    }
    s1_render_untrusted(r, content);
    s1_render_template(r, "<|im_end|>\n");
}

static void render_pro(s1_rendering *r, const s1_conversation *c)
{
    size_t query = last_query(c);
    for (size_t i = 0; i < c->n; i++) {
        if (is_role(&c->turns[i], "assistant"))
            render_pro_reply(r, c, i, query);
        else
            add_turn(r, c->turns[i].role, c->turns[i].content);
    }
    if (c->generates) {
        open_turn(r, "assistant");
        s1_render_template(r, c->thinks ? "<think>" : "<think></think>\n\n");
    }
}

/* --- Intern-S1 --- */

static const char thinking_system[] = "You are an expert reasoner with extensive experience in all "
                                      "areas. You approach problems through "
                                      "systematic thinking and rigorous reasoning. Your response "
                                      "should reflect deep understanding and "
                                      "precise logical thinking, making your solution path and "
                                      "reasoning clear to others. Please put your "
                                      "thinking process within <think>...</think> tags.";

static void render_s1_system(s1_rendering *r, const s1_conversation *c)
{
    if (is_role(&c->turns[0], "system")) {
        ins1_text content = strip(c->turns[0].content, "\n");
        if (content.size)
            add_turn(r, "system", content);
    } else if (c->thinks) {
        /* The tags in this text are tokens in the reference too. */
        open_turn(r, "system");
        s1_render_template(r, thinking_system);
        s1_render_template(r, "<|im_end|>\n");
    }
}

static size_t last_user(const s1_conversation *c)
{
    for (size_t i = c->n; i-- > 0;)
        if (is_role(&c->turns[i], "user"))
            return i;
    return c->n - 1;
}

static void render_s1_reply(s1_rendering *r, const s1_turn *turn, bool shows_reasoning)
{
    s1_turn stripped = *turn;
    ins1_text reasoning, content;

    stripped.content = skip_front(turn->content, "\n");
    split_reply(&stripped, " \t\n\v\f\r", &reasoning, &content);
    open_turn(r, "assistant");
    if (shows_reasoning) {
        s1_render_template(r, "<think>\n");
        s1_render_untrusted(r, strip(reasoning, "\n"));
        s1_render_template(r, "\n</think>\n");
    }
    s1_render_untrusted(r, content);
    s1_render_template(r, "<|im_end|>\n");
}

static void render_s1(s1_rendering *r, const s1_conversation *c)
{
    size_t user = last_user(c);
    render_s1_system(r, c);
    for (size_t i = 0; i < c->n; i++) {
        if (is_role(&c->turns[i], "assistant"))
            render_s1_reply(r, &c->turns[i], i > user);
        else if (!is_role(&c->turns[i], "system"))
            add_turn(r, c->turns[i].role, skip_front(c->turns[i].content, "\n"));
    }
    if (c->generates) {
        open_turn(r, "assistant");
        if (c->thinks)
            s1_render_template(r, "<think>");
    }
}

/* --- InternLM2 --- */

static void render_internlm2(s1_rendering *r, const s1_conversation *c)
{
    s1_render_template(r, "<s>");
    for (size_t i = 0; i < c->n; i++)
        add_turn(r, c->turns[i].role, c->turns[i].content);
    if (c->generates)
        open_turn(r, "assistant");
}

const s1_dialect *s1_dialect_find(const char *name)
{
    static const s1_dialect dialects[] = {
        { "intern-s1", "\n", render_s1, true },
        { "intern-s1-pro", "", render_pro, true },
        { "internlm2", "", render_internlm2, false },
    };
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (!strcmp(dialects[i].name, name))
            return &dialects[i];
    return NULL;
}
