/* A conversation whose JSON and texts a stranger wrote: in every dialect it becomes a prompt or a
 * sentence, and no text of it becomes a token with a meaning. The first byte chooses the dialect,
 * the second what is asked for; tools, tool calls, a text and reasoning follow, NULs between them.
 */

#include "interns1/chat.h"

#include <check.h>
#include <stdlib.h>

#undef ck_assert_msg
#define MUST(x)               (!(x) ? abort() : (void)0)
#define ck_assert_msg(x, ...) MUST(x)

#include "../unit/tiny_tokenizer.h"

enum { N_FIELDS = 4, MAX_IDS = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const added[] = {
    "<|im_start|>",  "<|im_end|>",    "<think>",          "</think>",       "<IMG_CONTEXT>",
    "<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<TS_CONTEXT>",
    "<|ts|>",        "<|/ts|>",       "<tool_call>",      "</tool_call>",   "<tool_response>",
};

static ins1_tokenizer *tokenizer;

/* What the messages are made of: tools, calls, text, reasoning. */
static void split(ins1_text fields[N_FIELDS], const char *at, size_t size)
{
    for (int i = 0; i < N_FIELDS; i++) {
        const char *end = i + 1 < N_FIELDS && size ? memchr(at, 0, size) : NULL;
        fields[i] = (ins1_text){ at, end ? (size_t)(end - at) : size };
        size -= fields[i].size + (end != NULL);
        at += fields[i].size + (end != NULL);
    }
}

static bool is_blank(ins1_text text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.text[i] > ' ')
            return false;
    return true;
}

/* Tokens with a meaning in the prompt that the fields make; -1 when they make none. */
static int make(const ins1_text fields[N_FIELDS], const ins1_chat_options *options)
{
    static int32_t ids[MAX_IDS];
    const ins1_text text = fields[2];
    ins1_part parts[3];
    ins1_message messages[5];
    ins1_prompt *prompt;
    const char *rendered;
    size_t n, n_rendered;
    int special = 0;

    for (int i = 0; i < 3; i++)
        parts[i] = (ins1_part)INS1_INIT(ins1_part);
    for (int i = 0; i < 5; i++) {
        messages[i] = (ins1_message)INS1_INIT(ins1_message);
        messages[i].parts = parts;
        messages[i].n_parts = 1;
    }
    parts[0].kind = parts[2].kind = INS1_MODALITY_TEXT;
    parts[0].text = parts[2].text = text.text;
    parts[0].size = parts[2].size = text.size;
    parts[1].kind = INS1_MODALITY_IMAGE;
    messages[0].role = "system";
    messages[1].role = messages[4].role = "user";
    messages[1].n_parts = options->thinking == INS1_CHAT_ON ? 3 : 1;
    messages[2].role = "assistant";
    messages[2].n_parts = 0;
    messages[2].reasoning = fields[3];
    messages[2].tool_calls_json = fields[1];
    messages[3].role = "tool";
    ins1_status status = ins1_prompt_create(&prompt, tokenizer, messages, 5, options, NULL);
    if (status != INS1_OK)
        return -1;
    MUST(ins1_prompt_text(prompt, &rendered, &n_rendered, NULL) == INS1_OK);
    MUST(n_rendered >= text.size);
    status = ins1_prompt_ids(prompt, ids, MAX_IDS, &n, NULL);
    MUST(status == INS1_OK || status == INS1_E_BUFFER);
    for (size_t i = 0; i < n && i < MAX_IDS; i++)
        special += ids[i] >= TINY_FIRST_ADDED;
    ins1_prompt_release(prompt);
    return n > MAX_IDS ? -1 : special;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const dialects[] = { "intern-s1", "intern-s1-pro", "internlm2", "qwen2.5",
                                            "qwen3" };
    ins1_chat_options options = INS1_INIT(ins1_chat_options);
    ins1_text fields[N_FIELDS];

    if (!tokenizer)
        tokenizer = tiny_tokenizer(&s1_heap, added, sizeof(added) / sizeof(*added));
    if (size < 2)
        return 0;
    options.dialect = dialects[data[0] % (sizeof(dialects) / sizeof(*dialects))];
    options.thinking = data[1] % 3;
    options.add_generation_prompt = data[1] / 3 % 3;
    split(fields, (const char *)data + 2, size - 2);
    options.tools_json = fields[0];
    const int special = make(fields, &options);
    /* An empty turn may be left out, and what looks like a tool's answer is no question to the
     * templates, which moves a block. */
    if (special < 0 || is_blank(fields[2]) ||
        memmem(fields[2].text, fields[2].size, "<tool_response>", 15))
        return 0;
    fields[2] = (ins1_text){ "x", 1 };
    MUST(make(fields, &options) == special);
    return 0;
}
