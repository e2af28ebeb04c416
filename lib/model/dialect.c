#include "model/documents.h"

#include "base/memory.h"
#include "base/meter.h"

#include <string.h>

enum { MAX_MARKERS = 3 };

/* The dialect of the first row all of whose markers stand in a template's text. */
static const struct {
    const char *dialect;
    const char *markers[MAX_MARKERS];
} dialects[] = {
    { "intern-s1-pro", { "<|vision_start|><|image_pad|>", "Picture ", "reasoning_content" } },
    { "intern-s1", { "<|action_start|><|plugin|>", "<IMG_CONTEXT>" } },
    { "intern-s1", { "<|action_start|><|plugin|>", "thinking" } },
    { "qwen2.5", { "You are Qwen, created by Alibaba Cloud", "<tool_call>" } },
    { "qwen3", { "<tool_call>", "reasoning_content", "<|im_start|>" } },
    { "internlm2", { "bos_token", "<|im_start|>", "<|im_end|>" } },
};

static bool contains(const char *text, size_t size, const char *marker)
{
    return memmem(text, size, marker, strlen(marker)) != NULL;
}

static const char *recognise(const char *text, size_t size)
{
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
        bool is_it = true;
        for (int at = 0; at < MAX_MARKERS && dialects[i].markers[at] && is_it; at++)
            is_it = contains(text, size, dialects[i].markers[at]);
        if (is_it &&
            !(strcmp(dialects[i].dialect, "internlm2") == 0 && contains(text, size, "tool")))
            return dialects[i].dialect;
    }
    return NULL;
}

/* Templates stand in JSON as one string, or as a list of named ones, of which "default" counts. */
static s1_json template_in(s1_json value)
{
    s1_json key, element, first = { 0 };

    if (value.kind == S1_JSON_STRING)
        return value;
    s1_json_walk walk = s1_json_begin(value);
    while (value.kind == S1_JSON_ARRAY && s1_json_next(&walk, &key, &element)) {
        s1_json text = s1_json_get(element, "template");
        if (s1_json_is(s1_json_get(element, "name"), "default"))
            return text;
        if (!first.kind)
            first = text;
    }
    return first;
}

static ins1_status recognise_json(const char **out, s1_json text, const ins1_allocator *memory,
                                  ins1_error *error)
{
    size_t size;
    char *plain = s1_alloc(memory, text.size, INS1_MEM_OBJECT);
    if (!plain)
        return s1_out_of_memory(memory, text.size, "a chat template", error);
    *out = s1_json_string(text, plain, text.size, &size) ? recognise(plain, size) : NULL;
    s1_free(memory, plain, text.size, INS1_MEM_OBJECT);
    return INS1_OK;
}

ins1_status s1_dialect_read(const char **out, const s1_documents *documents, s1_files *files,
                            const ins1_allocator *memory, const char *fallback, const s1_call *call)
{
    *out = NULL;
    if (s1_files_has(files, "chat_template.jinja")) {
        s1_bytes bytes;
        ins1_status status = s1_files_get(files, "chat_template.jinja", &bytes, call);
        if (status == INS1_OK)
            *out = recognise((const char *)bytes.data, bytes.size);
        return status;
    }
    s1_json text = template_in(s1_documents_at(documents, "chat_template.json/chat_template"));
    if (text.kind != S1_JSON_STRING)
        text = template_in(s1_documents_at(documents, "tokenizer_config.json/chat_template"));
    if (text.kind == S1_JSON_STRING)
        return recognise_json(out, text, memory, call->error);

    const char *kind = s1_tokenizer_kind(documents, files);
    if (!fallback && kind && !strcmp(kind, "sentencepiece"))
        fallback = "internlm2";
    *out = fallback;
    return INS1_OK;
}

const char *s1_tokenizer_kind(const s1_documents *documents, const s1_files *files)
{
    bool has_pairs = s1_files_has(files, "vocab.json") && s1_files_has(files, "merges.txt");

    if (!has_pairs && !s1_files_has(files, "tokenizer.json"))
        return s1_files_has(files, "tokenizer.model") ? "sentencepiece" : NULL;
    if (s1_documents_at(documents, "tokenizer_config.json/offset_XNA").kind)
        return "intern-s1-pro";
    if (s1_files_has(files, "tokenizer_IUPAC.model") ||
        s1_files_has(files, "tokenizer_FASTA.model"))
        return "intern-s1";
    return "byte-level-bpe";
}
