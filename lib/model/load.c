#include "model/load.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    size_t at; /* in the struct of the tokenizer's files */
} tokenizer_files[] = {
    { "added_tokens.json", offsetof(s1_tokenizer_source, added_tokens) },
    { "merges.txt", offsetof(s1_tokenizer_source, merges_txt) },
    { "special_tokens_map.json", offsetof(s1_tokenizer_source, special_tokens_map) },
    { "tokenizer.json", offsetof(s1_tokenizer_source, tokenizer_json) },
    { "tokenizer.model", offsetof(s1_tokenizer_source, tokenizer_model) },
    { "tokenizer_FASTA.model", offsetof(s1_tokenizer_source, fasta_model) },
    { "tokenizer_IUPAC.model", offsetof(s1_tokenizer_source, iupac_model) },
    { "tokenizer_PROT.model", offsetof(s1_tokenizer_source, protein_model) },
    { "tokenizer_SMILES.model", offsetof(s1_tokenizer_source, smiles_model) },
    { "tokenizer_XNA.model", offsetof(s1_tokenizer_source, xna_model) },
    { "tokenizer_config.json", offsetof(s1_tokenizer_source, tokenizer_config) },
    { "vocab.json", offsetof(s1_tokenizer_source, vocab_json) },
};

enum {
    ALL_PARTS = INS1_PART_TOKENIZER | INS1_PART_VISION | INS1_PART_TIMESERIES | INS1_PART_DECODER,
    WEIGHTS = INS1_PART_VISION | INS1_PART_TIMESERIES | INS1_PART_DECODER,
};

static ins1_status check_options(const ins1_model_options *options, ins1_error *error)
{
    if (options->flags)
        return s1_fail(error, INS1_E_VERSION, "model flags 0x%x are too new", options->flags);
    if (options->parts & ~(uint32_t)ALL_PARTS)
        return s1_fail(error, INS1_E_VERSION, "parts 0x%x are too new", options->parts);
    if (options->verify < 0 || options->verify > 1)
        return s1_fail(error, INS1_E_ARGUMENT, "verify is %d, 0 or 1 is expected", options->verify);
    if (options->load_mode == INS1_LOAD_EXPERTS_ON_DEMAND)
        return s1_fail(error, INS1_E_UNSUPPORTED, "experts on demand are not in this build");
    if (options->load_mode != INS1_LOAD_MMAP && options->load_mode != INS1_LOAD_READ)
        return s1_fail(error, INS1_E_ARGUMENT, "load mode %d is none of INS1_LOAD_*",
                       options->load_mode);
    if (options->reserved0)
        return s1_fail(error, INS1_E_VERSION, "a reserved model option is set");
    return INS1_OK;
}

/* A checkpoint that is one file brings its own format; none of those is here yet. */
static ins1_status refuse_single(s1_loaded *out, const s1_call *call)
{
    uint8_t magic[4] = { 0 };
    uint64_t size = 0;
    const char *name = s1_files_single(out->files);

    if (!name)
        return INS1_OK;
    ins1_status status = s1_files_size(out->files, name, &size, call);
    if (status == INS1_OK && size >= sizeof(magic))
        status = s1_files_read(out->files, name, 0, magic, sizeof(magic), call);
    if (status != INS1_OK)
        return status;
    bool is_gguf = !memcmp(magic, "GGUF", sizeof(magic));
    return s1_fail(call->error, INS1_E_UNSUPPORTED,
                   "'%s' is %s; this build opens folders of a config.json and safetensors files",
                   name, is_gguf ? "a GGUF file" : "a single file");
}

/* A config without weights may be of any model: then it is text that can be asked for. */
static ins1_status read_config(s1_loaded *out, bool has_weights, ins1_error *error)
{
    s1_json root = s1_documents_get(&out->documents, "config.json");

    if (!root.kind)
        return INS1_OK;
    ins1_status status = s1_config_read(&out->config, root, has_weights ? error : NULL);
    out->has_config = status == INS1_OK;
    if (status == INS1_OK || has_weights)
        return status;
    out->config = (s1_config){ 0 };
    /* What is wrong in a known member's config is wrong without weights too. */
    return status == INS1_E_UNSUPPORTED ? INS1_OK : s1_config_read(&out->config, root, error);
}

/* The tokenizer's files are opened now: making a tokenizer may be any thread's doing. */
static ins1_status load_tokenizer(s1_loaded *out, const s1_call *call)
{
    if (!s1_tokenizer_kind(&out->documents, out->files))
        return INS1_OK;
    for (size_t i = 0; i < sizeof(tokenizer_files) / sizeof(tokenizer_files[0]); i++) {
        const char *name = tokenizer_files[i].name;
        s1_bytes bytes;
        if (!s1_files_has(out->files, name))
            continue;
        ins1_status status = s1_files_get(out->files, name, &bytes, call);
        if (status != INS1_OK)
            return status;
        out->tokenizer_size += bytes.size;
        const s1_tokenizer_file file = { bytes.data, bytes.size };
        memcpy((char *)&out->tokenizer_files + tokenizer_files[i].at, &file, sizeof(file));
    }
    out->parts |= INS1_PART_TOKENIZER;
    return INS1_OK;
}

static ins1_status load_decoder(s1_loaded *out, const s1_call *call)
{
    ins1_status status =
        s1_weights_bind(&out->bound, &out->config, out->checkpoint, out->host, &out->memory, call);
    if (status == INS1_OK)
        out->parts |= INS1_PART_DECODER;
    return status;
}

/* A config may speak of a tower that the files do not have. */
static ins1_status load_vision(s1_loaded *out, const s1_call *call)
{
    s1_json root = s1_documents_get(&out->documents, "config.json");

    if (s1_json_get(root, "vision_config").kind != S1_JSON_OBJECT ||
        !s1_vision_is_there(out->checkpoint))
        return INS1_OK;
    ins1_status status =
        s1_vision_config_read(&out->vision.config, root, out->config.decoder.n_embd, call->error);
    if (status == INS1_OK)
        status = s1_vision_bind(&out->vision, out->checkpoint, out->host, &out->memory, call);
    if (status == INS1_OK)
        out->parts |= INS1_PART_VISION;
    return status;
}

static ins1_status load_series(s1_loaded *out, const s1_call *call)
{
    s1_json root = s1_documents_get(&out->documents, "config.json");

    if (!s1_series_is_there(out->checkpoint))
        return INS1_OK;
    ins1_status status =
        s1_series_config_read(&out->series.config, root, out->config.decoder.n_embd, call->error);
    if (status == INS1_OK)
        status =
            s1_series_bind(&out->series, out->checkpoint, out->host, &out->memory, call->error);
    if (status == INS1_OK)
        out->parts |= INS1_PART_TIMESERIES;
    return status;
}

static ins1_status load_weights(s1_loaded *out, uint32_t asked, bool headers_only,
                                const s1_call *call)
{
    if (!out->has_config)
        return s1_fail(call->error, INS1_E_FORMAT, "there are weights but no config.json");
    ins1_status status =
        s1_checkpoint_open(&out->checkpoint, &out->memory, out->files, headers_only, call);
    if (status == INS1_OK && asked & INS1_PART_DECODER)
        status = load_decoder(out, call);
    if (status == INS1_OK && asked & INS1_PART_VISION)
        status = load_vision(out, call);
    if (status == INS1_OK && asked & INS1_PART_TIMESERIES)
        status = load_series(out, call);
    return status;
}

static ins1_status check_parts(const s1_loaded *out, uint32_t asked, ins1_error *error)
{
    static const struct {
        uint32_t part;
        const char *name;
    } names[] = {
        { INS1_PART_TOKENIZER, "tokenizer" },
        { INS1_PART_VISION, "vision encoder" },
        { INS1_PART_TIMESERIES, "time-series encoder" },
        { INS1_PART_DECODER, "decoder" },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (asked & ~out->parts & names[i].part)
            return s1_fail(error, INS1_E_UNSUPPORTED,
                           "this checkpoint has no %s that this build reads", names[i].name);
    return INS1_OK;
}

ins1_status s1_load(s1_loaded *out, const ins1_runtime *runtime, const ins1_model_options *options,
                    bool headers_only, const s1_call *call)
{
    const ins1_allocator *memory = s1_runtime_memory(runtime);
    const uint32_t asked = options->parts ? options->parts : ALL_PARTS;
    uint32_t flags = headers_only ? S1_FILES_KEEP_READERS : 0;

    *out = (s1_loaded){ .memory = *memory, .host = s1_runtime_host(runtime) };
    if (s1_runtime_flags(runtime) & INS1_RUNTIME_NO_FILES)
        flags |= S1_FILES_NO_PATHS;
    ins1_status status = s1_files_open(&out->files, memory, options, flags, call);
    if (status == INS1_OK)
        status = check_options(options, call->error);
    if (status == INS1_OK)
        status = refuse_single(out, call);
    if (status == INS1_OK)
        status = s1_documents_read(&out->documents, out->files, call);
    if (status != INS1_OK)
        return status;

    bool has_weights = asked & WEIGHTS && s1_checkpoint_is_there(out->files);
    status = read_config(out, has_weights, call->error);
    if (status == INS1_OK && asked & INS1_PART_TOKENIZER)
        status = load_tokenizer(out, call);
    if (status == INS1_OK && has_weights)
        status = load_weights(out, asked, headers_only, call);
    if (status == INS1_OK)
        status = check_parts(out, options->parts, call->error);
    return status;
}

void s1_load_finish(s1_loaded *loaded)
{
    s1_weights_finish(&loaded->bound, &loaded->memory);
    s1_vision_bound_finish(&loaded->vision, &loaded->memory);
    s1_series_bound_finish(&loaded->series, &loaded->memory);
    s1_checkpoint_close(loaded->checkpoint);
    s1_files_close(loaded->files);
    *loaded = (s1_loaded){ 0 };
}
