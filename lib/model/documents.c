#include "model/documents.h"

#include "model/settings.h"

#include <string.h>

static const char *const names[] = {
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "processor_config.json",
    "chat_template.json",
};

ins1_status s1_documents_read(s1_documents *out, s1_files *files, const s1_call *call)
{
    *out = (s1_documents){ 0 };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        s1_bytes bytes;
        if (!s1_files_has(files, names[i]))
            continue;
        ins1_status status = s1_files_get(files, names[i], &bytes, call);
        if (status != INS1_OK)
            return status;
        s1_json *root = &out->list[out->n].root;
        status = s1_json_parse(root, (const char *)bytes.data, bytes.size, call->error);
        if (status != INS1_OK)
            return s1_files_blame(names[i], status, call->error);
        out->list[out->n++].name = names[i];
    }
    return INS1_OK;
}

s1_json s1_documents_get(const s1_documents *documents, const char *name)
{
    for (int32_t i = 0; i < documents->n; i++)
        if (!strcmp(documents->list[i].name, name))
            return documents->list[i].root;
    return (s1_json){ 0 };
}

/* The member or element that `size` bytes of a path name. */
static s1_json step(s1_json from, const char *part, size_t size)
{
    s1_json key, value;
    char name[256];
    size_t at = 0;

    if (from.kind == S1_JSON_OBJECT && size < sizeof(name)) {
        memcpy(name, part, size);
        name[size] = 0;
        return s1_json_get(from, name);
    }
    if (from.kind != S1_JSON_ARRAY || !size || size > 9 || strspn(part, "0123456789") < size)
        return (s1_json){ 0 };
    for (size_t i = 0; i < size; i++)
        at = at * 10 + (size_t)(part[i] - '0');
    s1_json_walk walk = s1_json_begin(from);
    while (s1_json_next(&walk, &key, &value))
        if (!at--)
            return value;
    return (s1_json){ 0 };
}

s1_json s1_documents_at(const s1_documents *documents, const char *path)
{
    const char *slash = strchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : strlen(path);
    s1_json value = { 0 };

    for (int32_t i = 0; i < documents->n; i++)
        if (strlen(documents->list[i].name) == size && !memcmp(documents->list[i].name, path, size))
            value = documents->list[i].root;
    while (slash && value.kind) {
        path = slash + 1;
        slash = strchr(path, '/');
        value = step(value, path, slash ? (size_t)(slash - path) : strlen(path));
    }
    return value;
}

ins1_status s1_generation_read(s1_sampling *out, int32_t *end_ids, int32_t capacity, int32_t *n,
                               s1_json root, ins1_error *error)
{
    s1_settings s = { root, "generation_config.json", error, INS1_OK };

    *out = (s1_sampling){ 0 };
    if (root.kind != S1_JSON_OBJECT)
        return INS1_OK;
    s1_settings_ids(&s, "eos_token_id", end_ids, capacity, n);
    out->repeat_penalty = (float)s1_settings_double(&s, "repetition_penalty", 1, 0, 1000);
    if (out->repeat_penalty == 1)
        out->repeat_penalty = 0;
    bool samples = s1_settings_bool(&s, "do_sample", false);
    double temperature = s1_settings_double(&s, "temperature", 1, 0, 1e6);
    double top_p = s1_settings_double(&s, "top_p", 1, 0, 1);
    double min_p = s1_settings_double(&s, "min_p", 0, 0, 1);
    int32_t top_k = s1_settings_int(&s, "top_k", 50, -1, INT32_MAX);
    if (samples) {
        out->temperature = (float)temperature;
        out->top_p = top_p < 1 ? (float)top_p : 0;
        out->min_p = (float)min_p;
        out->top_k = top_k > 0 ? top_k : 0;
    }
    return s.status;
}
