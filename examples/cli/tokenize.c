#include "commands.h"
#include "engine.h"
#include "lines.h"

#include <stdlib.h>

typedef struct task {
    engine e;
    bool decodes, skips_special, adds_bos, has_no_detection, has_no_special, wants_pieces,
        wants_segments;
} task;

static ins1_segment segment_of(const task *t, const json *in)
{
    ins1_segment segment = INS1_INIT(ins1_segment);
    segment.kind = t->has_no_detection ? INS1_SEGMENT_TEXT : INS1_SEGMENT_AUTO;
    segment.flags = t->has_no_special ? 0 : INS1_SEGMENT_SPECIAL;
    segment.text = in->text;
    segment.size = in->n;
    return segment;
}

static const char *kind_name(int32_t kind)
{
    static const char *const names[] = {
        [INS1_SEGMENT_AUTO] = "text",       [INS1_SEGMENT_TEXT] = "text",
        [INS1_SEGMENT_SMILES] = "smiles",   [INS1_SEGMENT_SELFIES] = "selfies",
        [INS1_SEGMENT_IUPAC] = "iupac",     [INS1_SEGMENT_FASTA] = "fasta",
        [INS1_SEGMENT_PROTEIN] = "protein", [INS1_SEGMENT_DNA] = "dna",
        [INS1_SEGMENT_RNA] = "rna",         [INS1_SEGMENT_XNA] = "xna",
        [INS1_SEGMENT_TOKEN] = "token",
    };
    return kind >= 0 && (size_t)kind < sizeof(names) / sizeof(*names) ? names[kind] : "unknown";
}

static void print_pieces(const ins1_piece *pieces, size_t n, bool by_kind, buffer *out)
{
    text_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        text_puts(out, i ? ", [" : "[");
        if (by_kind)
            text_printf(out, "\"%s\"", kind_name(pieces[i].kind));
        else
            text_printf(out, "%d", pieces[i].id);
        text_printf(out, ", %zu, %zu]", pieces[i].begin, pieces[i].end);
    }
    text_puts(out, "]");
}

static ins1_status segments(task *t, const ins1_segment *segment, buffer *out)
{
    size_t n = 0;
    ins1_status status =
        ins1_tokenizer_segments(t->e.tokenizer, segment, 1, NULL, 0, &n, &t->e.call);
    if (status != INS1_OK && status != INS1_E_BUFFER)
        return status;
    ins1_piece *pieces = allocate(n, sizeof(*pieces));
    status = ins1_tokenizer_segments(t->e.tokenizer, segment, 1, pieces, n, &n, &t->e.call);
    if (status == INS1_OK)
        print_pieces(pieces, n, true, out);
    free(pieces);
    return status;
}

static ins1_status encode(task *t, const ins1_segment *segment, buffer *out)
{
    /* One token a byte is enough for most texts; where it is not, the count says so. */
    size_t capacity = segment->size + 8, n = 0;
    uint32_t flags = t->adds_bos ? INS1_ENCODE_ADD_BOS : 0;
    int32_t *ids = NULL;
    ins1_piece *pieces = NULL;
    ins1_status status = INS1_E_BUFFER;

    for (int round = 0; round < 2 && status == INS1_E_BUFFER; round++, capacity = n) {
        ids = reallocate(ids, capacity, sizeof(*ids));
        if (t->wants_pieces)
            pieces = reallocate(pieces, capacity, sizeof(*pieces));
        status = ins1_tokenizer_encode(t->e.tokenizer, segment, 1, flags, ids, pieces, capacity, &n,
                                       &t->e.call);
    }
    if (status == INS1_OK && t->wants_pieces)
        print_pieces(pieces, n, false, out);
    else if (status == INS1_OK)
        text_ids(out, ids, n);
    free(pieces);
    free(ids);
    return status;
}

static ins1_status decode(task *t, const json *in, buffer *out, ins1_error *error)
{
    uint32_t flags = t->skips_special ? INS1_DECODE_SKIP_SPECIAL : 0;
    int32_t *ids = NULL;
    buffer text = { 0 };
    size_t n, size = 0;

    ins1_status status = json_ids(in, &ids, &n, error);
    if (status != INS1_OK)
        return status;
    status = ins1_tokenizer_decode(t->e.tokenizer, ids, n, flags, NULL, 0, &size, &t->e.call);
    if (status == INS1_E_BUFFER)
        status = ins1_tokenizer_decode(t->e.tokenizer, ids, n, flags, text_room(&text, size), size,
                                       &size, &t->e.call);
    if (status == INS1_OK)
        text_json(out, text.at, size);
    text_free(&text);
    free(ids);
    return status;
}

static ins1_status answer(void *user, const json *in, buffer *out, ins1_error *error)
{
    task *t = user;
    t->e.call.error = error;
    if (t->decodes)
        return decode(t, in, out, error);
    if (in->kind != JSON_STRING)
        return fail(error, INS1_E_FORMAT, "a JSON string is expected");
    const ins1_segment segment = segment_of(t, in);
    return t->wants_segments ? segments(t, &segment, out) : encode(t, &segment, out);
}

static int run(int argc, char **argv)
{
    task t = { 0 };
    settings s = { 0 };
    const char *model;
    const flag flags[] = {
        { "--decode", FLAG_SET, &t.decodes, NULL, "ids in, text out" },
        { "--skip-special", FLAG_SET, &t.skips_special, NULL,
          "with --decode: leave out special tokens" },
        { "--bos", FLAG_SET, &t.adds_bos, NULL, "begin with the begin-of-text id" },
        { "--no-detect", FLAG_SET, &t.has_no_detection, NULL,
          "do not look for molecules and sequences" },
        { "--no-special", FLAG_SET, &t.has_no_special, NULL,
          "as untrusted text: special tokens in it are text" },
        { "--pieces", FLAG_SET, &t.wants_pieces, NULL, "print [id, begin, end] for each token" },
        { "--segments", FLAG_SET, &t.wants_segments, NULL,
          "print [kind, begin, end] for each stretch" },
    };
    int status = args_parse(&tokenize_command, flags, sizeof(flags) / sizeof(*flags), &s, argc,
                            argv, &model);
    if (status != ARGS_OK)
        return status;
    if (engine_open(&t.e, &s, model, INS1_PART_TOKENIZER) != INS1_OK)
        status = engine_failed(&t.e, &tokenize_command);
    else
        status = lines_answer(answer, &t);
    engine_stop(&t.e);
    return status;
}

const command tokenize_command = {
    .name = "tokenize",
    .operands = "MODEL",
    .summary = "Turn text into token ids, or ids into text",
    .about = "Reads JSON strings, prints arrays of ids. Positions are bytes of the text.",
    .example = "echo '\"Benzene is c1ccccc1.\"' | ins1 tokenize MODEL",
    .run = run,
};
