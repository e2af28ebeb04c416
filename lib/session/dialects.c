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

static void add_turn(s1_rendering *r, const char *role, const s1_turn *turn, ins1_text content)
{
    open_turn(r, role);
    s1_render_content(r, turn, content);
    s1_render_template(r, "<|im_end|>\n");
}

/* Reasoning is text of its own, or stood in the message and then may have media in it. */
static void render_reasoning(s1_rendering *r, const s1_turn *turn, ins1_text reasoning)
{
    if (turn->reasoning.text)
        s1_render_untrusted(r, reasoning);
    else
        s1_render_content(r, turn, reasoning);
}

/* --- tool calls --- */

s1_json s1_call_function(s1_json call)
{
    s1_json function = s1_json_get(call, "function");
    return s1_json_count(function) ? function : call;
}

/* {"name": ..., `arguments`: ...}; arguments that are a string are the text of the object. */
static void render_call(s1_rendering *r, s1_json call, const char *arguments, bool quotes_strings)
{
    s1_json value;

    call = s1_call_function(call);
    value = s1_json_get(call, "arguments");
    s1_render_template(r, "{\"name\": \"");
    s1_render_json_string(r, s1_json_get(call, "name"));
    s1_render_template(r, "\", \"");
    s1_render_template(r, arguments);
    s1_render_template(r, "\": ");
    if (value.kind == S1_JSON_STRING && !quotes_strings)
        s1_render_json_string(r, value);
    else
        s1_render_json(r, value, 0);
    s1_render_template(r, "}");
}

/* The calls of Intern-S1 and InternLM2. */
static void render_actions(s1_rendering *r, s1_json calls, const char *end, const char *glue)
{
    s1_json key, call;
    s1_json_walk walk = s1_json_begin(calls);
    for (size_t i = 0; s1_json_next(&walk, &key, &call); i++) {
        s1_render_template(r, i ? glue : "");
        s1_render_template(r, "<|action_start|><|plugin|>\n");
        render_call(r, call, "parameters", false);
        s1_render_template(r, end);
    }
}

/* The calls of Qwen and Intern-S1-Pro, a line before each but the first. */
static void render_tags(s1_rendering *r, s1_json calls, bool begins_with_line, bool quotes_strings)
{
    s1_json key, call;
    s1_json_walk walk = s1_json_begin(calls);
    for (size_t i = 0; s1_json_next(&walk, &key, &call); i++) {
        s1_render_template(r, i || begins_with_line ? "\n" : "");
        s1_render_template(r, "<tool_call>\n");
        render_call(r, call, "arguments", quotes_strings);
        s1_render_template(r, "\n</tool_call>");
    }
}

/* --- Qwen, and Intern-S1-Pro after it --- */

static void render_tool_list(s1_rendering *r, s1_json tools)
{
    s1_json key, tool;
    s1_json_walk walk = s1_json_begin(tools);

    s1_render_template(
        r,
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are "
        "provided with function signatures within <tools></tools> XML tags:\n<tools>");
    while (s1_json_next(&walk, &key, &tool)) {
        s1_render_template(r, "\n");
        s1_render_json(r, tool, 0);
    }
    s1_render_template(r, "\n</tools>\n\nFor each function call, return a json object with "
                          "function name and arguments within <tool_call></tool_call> XML "
                          "tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": "
                          "<args-json-object>}\n</tool_call>");
}

/* The first message where it is the system's, else `otherwise`; NULL: nothing. */
static void render_system(s1_rendering *r, const s1_conversation *c, const char *otherwise)
{
    const s1_turn *first = &c->turns[0];
    bool is_system = is_role(first, "system");

    if (!is_system && !otherwise && !c->tools.kind)
        return;
    open_turn(r, "system");
    if (is_system)
        s1_render_content(r, first, first->content);
    else if (otherwise)
        s1_render_template(r, otherwise);
    if (c->tools.kind) {
        s1_render_template(r, is_system || otherwise ? "\n\n" : "");
        render_tool_list(r, c->tools);
    }
    s1_render_template(r, "<|im_end|>\n");
}

/* Results of tools that follow each other share a turn of the user. */
static void render_result(s1_rendering *r, const s1_conversation *c, size_t i)
{
    if (!i || !is_role(&c->turns[i - 1], "tool"))
        s1_render_template(r, "<|im_start|>user");
    s1_render_template(r, "\n<tool_response>\n");
    s1_render_content(r, &c->turns[i], c->turns[i].content);
    s1_render_template(r, "\n</tool_response>");
    if (i + 1 == c->n || !is_role(&c->turns[i + 1], "tool"))
        s1_render_template(r, "<|im_end|>\n");
}

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

/* `line` stands on the inner side of both tags of the reasoning. */
static void render_reasoned(s1_rendering *r, const s1_conversation *c, size_t i, size_t query,
                            const char *line)
{
    const s1_turn *turn = &c->turns[i];
    ins1_text reasoning, content, shown;

    split_reply(turn, "\n", &reasoning, &content);
    shown = content;
    open_turn(r, "assistant");
    if (i > query && (i + 1 == c->n || reasoning.size)) {
        s1_render_template(r, "<think>");
        s1_render_template(r, line);
        render_reasoning(r, turn, strip(reasoning, "\n"));
        s1_render_template(r, line);
        s1_render_template(r, "</think>\n\n");
        shown = skip_front(content, "\n");
    }
    s1_render_content(r, turn, shown);
    render_tags(r, turn->calls, content.size != 0, false);
    s1_render_template(r, "<|im_end|>\n");
}

static void render_reasoning_dialect(s1_rendering *r, const s1_conversation *c, const char *line)
{
    size_t query = last_query(c);
    render_system(r, c, NULL);
    for (size_t i = 0; i < c->n; i++) {
        const s1_turn *turn = &c->turns[i];
        if (is_role(turn, "assistant"))
            render_reasoned(r, c, i, query, line);
        else if (is_role(turn, "tool"))
            render_result(r, c, i);
        else if (i || !is_role(turn, "system"))
            add_turn(r, turn->role, turn, turn->content);
    }
    if (c->generates)
        open_turn(r, "assistant");
}

static void render_pro(s1_rendering *r, const s1_conversation *c)
{
    render_reasoning_dialect(r, c, "");
    if (c->generates)
        s1_render_template(r, c->thinks ? "<think>" : "<think></think>\n\n");
}

static void render_qwen3(s1_rendering *r, const s1_conversation *c)
{
    render_reasoning_dialect(r, c, "\n");
    if (c->generates && !c->thinks)
        s1_render_template(r, "<think>\n\n</think>\n\n");
}

/* This template knows no reasoning. It prints arguments that are a string with quotes. */
static void render_qwen2_reply(s1_rendering *r, const s1_turn *turn)
{
    if (!turn->calls.kind) {
        add_turn(r, turn->role, turn, turn->content);
        return;
    }
    s1_render_template(r, "<|im_start|>assistant");
    s1_render_template(r, turn->content.size ? "\n" : "");
    s1_render_content(r, turn, turn->content);
    render_tags(r, turn->calls, true, true);
    s1_render_template(r, "<|im_end|>\n");
}

static void render_qwen2(s1_rendering *r, const s1_conversation *c)
{
    render_system(r, c, "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
    for (size_t i = 0; i < c->n; i++) {
        const s1_turn *turn = &c->turns[i];
        if (is_role(turn, "assistant"))
            render_qwen2_reply(r, turn);
        else if (is_role(turn, "tool"))
            render_result(r, c, i);
        else if (i || !is_role(turn, "system"))
            add_turn(r, turn->role, turn, turn->content);
    }
    if (c->generates)
        open_turn(r, "assistant");
}

/* --- Intern-S1 --- */

static const char thinking_system[] = "You are an expert reasoner with extensive experience in all "
                                      "areas. You approach problems through "
                                      "systematic thinking and rigorous reasoning. Your response "
                                      "should reflect deep understanding and "
                                      "precise logical thinking, making your solution path and "
                                      "reasoning clear to others. Please put your "
                                      "thinking process within <think>...</think> tags.";

static const char tool_instruction[] =
    "Your response should consist of a reasoning step (**thought**) followed immediately by a "
    "function call in valid JSON format. Wrap each function call using the "
    "`<|action_start|><|plugin|>` and `<|action_end|>` tags.\n\n**Format example:**\n\n```\n(Your "
    "thought goes here...)\n\n<|action_start|><|plugin|>\n{\n    \"name\": \"tool_name\",\n    "
    "\"parameters\": {\n        \"parameter1\": \"value1\",\n        \"parameter2\": \"value2\"\n  "
    "  }\n}\n<|action_end|>\n```\n\n# External Tools\nYou have access to these tools:\n";

static void render_s1_system(s1_rendering *r, const s1_conversation *c)
{
    const s1_turn *first = &c->turns[0];
    bool is_given = is_role(first, "system");
    ins1_text content = strip(is_given ? first->content : (ins1_text){ "", 0 }, "\n");
    bool has_thinking = !is_given && c->thinks;

    if (!content.size && !has_thinking && !c->tools.kind)
        return;
    open_turn(r, c->tools.kind ? "system name=<|plugin|>" : "system");
    s1_render_content(r, first, content);
    /* The tags in these texts are tokens in the reference too. */
    if (has_thinking)
        s1_render_template(r, thinking_system);
    if (c->tools.kind) {
        s1_render_template(r, content.size || has_thinking ? "\n\n" : "");
        s1_render_template(r, tool_instruction);
        s1_render_json(r, c->tools, 2);
    }
    s1_render_template(r, "<|im_end|>\n");
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
        render_reasoning(r, turn, strip(reasoning, "\n"));
        s1_render_template(r, "\n</think>\n");
    }
    s1_render_content(r, turn, content);
    render_actions(r, turn->calls, "\n<|action_end|>", "\n");
    s1_render_template(r, "<|im_end|>\n");
}

static void render_s1(s1_rendering *r, const s1_conversation *c)
{
    size_t user = last_user(c);
    render_s1_system(r, c);
    for (size_t i = 0; i < c->n; i++) {
        const s1_turn *turn = &c->turns[i];
        bool is_result = is_role(turn, "tool");
        if (is_role(turn, "assistant"))
            render_s1_reply(r, turn, i > user);
        else if (!is_role(turn, "system"))
            add_turn(r, is_result ? "environment name=<|plugin|>" : turn->role, turn,
                     skip_front(turn->content, "\n"));
    }
    if (c->generates) {
        open_turn(r, "assistant");
        if (c->thinks)
            s1_render_template(r, "<think>");
    }
}

/* --- InternLM2 --- */

static void render_internlm2_tools(s1_rendering *r, const s1_conversation *c)
{
    if (!c->tools.kind)
        return;
    open_turn(r, "system name=<|plugin|>");
    s1_render_json(r, c->tools, 0);
    s1_render_template(r, "<|im_end|>\n");
}

/* The tools stand behind the first system message, or in front of everything. */
static void render_internlm2(s1_rendering *r, const s1_conversation *c)
{
    bool has_system = is_role(&c->turns[0], "system");

    s1_render_template(r, "<s>");
    if (!has_system)
        render_internlm2_tools(r, c);
    for (size_t i = 0; i < c->n; i++) {
        const s1_turn *turn = &c->turns[i];
        open_turn(r, is_role(turn, "tool") ? "environment name=<|plugin|>" : turn->role);
        s1_render_content(r, turn, turn->content);
        render_actions(r, turn->calls, "<|action_end|>", "");
        s1_render_template(r, "<|im_end|>\n");
        if (!i && has_system)
            render_internlm2_tools(r, c);
    }
    if (c->generates)
        open_turn(r, "assistant");
}

#define SERIES                                                                               \
    {                                                                                        \
        NULL, "<|ts|><TS_CONTEXT><|/ts|>", "<|ts|>", "<TS_CONTEXT>", "<|/ts|>", S1_STEPS_ONE \
    }

static const s1_medium_form pro_media[] = {
    { "Picture ", "<|vision_start|><|image_pad|><|vision_end|>", "<|vision_start|>",
      "<|image_pad|>", "<|vision_end|>", S1_STEPS_ONE },
    { "Video ", "<|vision_start|><|video_pad|><|vision_end|>", "<|vision_start|>", "<|video_pad|>",
      "<|vision_end|>", S1_STEPS_SECONDS },
    SERIES,
};

static const s1_medium_form s1_media[] = {
    { NULL, "<IMG_CONTEXT>", "<img>", "<IMG_CONTEXT>", "</img>", S1_STEPS_ONE },
    { NULL, "<video>", "<img>", "<IMG_CONTEXT>", "</img>", S1_STEPS_FRAMES },
    SERIES,
};

const s1_dialect *s1_dialect_find(const char *name)
{
    static const s1_dialect dialects[] = {
        { "intern-s1", "\n", render_s1, true, s1_media, false },
        { "intern-s1-pro", "", render_pro, true, pro_media, true },
        { "internlm2", "", render_internlm2, false, NULL, false },
        { "qwen2.5", "", render_qwen2, false, NULL, false },
        { "qwen3", "", render_qwen3, false, NULL, false },
    };
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (!strcmp(dialects[i].name, name))
            return &dialects[i];
    return NULL;
}
