/* SentencePiece models: as the base vocabulary, and of the domains. */
#include "tokenizer/load.h"
#include "tokenizer/unicode.h"

#include <string.h>

enum { LOWER_BLOCK = 0x2581, LONGEST_PIECE = 1024 };

static ins1_status named_error(ins1_error *error, const char *file, ins1_status status,
                               const ins1_error *inner)
{
    return s1_fail(error, status, "%s: %s", file, inner->text);
}

/* What a piece decodes to: U+2581 is a space. `out` holds LONGEST_PIECE bytes. */
static size_t unescape(const uint8_t *text, uint32_t size, uint8_t *out)
{
    size_t n = 0;
    for (uint32_t at = 0; at < size;) {
        uint32_t c;
        size_t length = s1_utf8_item(text + at, size - at, &c);
        if (c == LOWER_BLOCK)
            out[n++] = ' ';
        else
            memcpy(out + n, text + at, length);
        n += c == LOWER_BLOCK ? 0 : length;
        at += (uint32_t)length;
    }
    return n;
}

/* In checkpoints that bring the model alone, the chat's tokens are the last reserved pieces. */
static const char *chat_name(const uint8_t *text, uint32_t size)
{
    static const struct {
        const char *piece, *name;
    } names[] = {
        { "[UNUSED_TOKEN_141]", "<|plugin|>" },     { "[UNUSED_TOKEN_142]", "<|interpreter|>" },
        { "[UNUSED_TOKEN_143]", "<|action_end|>" }, { "[UNUSED_TOKEN_144]", "<|action_start|>" },
        { "[UNUSED_TOKEN_145]", "<|im_end|>" },     { "[UNUSED_TOKEN_146]", "<|im_start|>" },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i].piece) == size && !memcmp(names[i].piece, text, size))
            return names[i].name;
    return NULL;
}

static ins1_status add_row(ins1_tokenizer *t, uint32_t id, bool alone, ins1_error *error)
{
    uint8_t bytes[LONGEST_PIECE];
    uint32_t size;
    const uint8_t *text = s1_strings_get(&t->pieces.texts, id, &size);
    unsigned type = t->pieces.types[id];
    const char *name = type == S1_PIECE_USER_DEFINED && alone ? chat_name(text, size) : NULL;

    if (id < t->tokens.n && !(t->attributes[id] & INS1_TOKEN_PADDING))
        return INS1_OK; /* the configuration gave it another text */
    if (type == S1_PIECE_CONTROL || type == S1_PIECE_UNKNOWN || name) {
        const s1_added_token token = { .id = (int32_t)id, .special = true };
        if (!name)
            name = (const char *)text;
        else
            size = (uint32_t)strlen(name);
        ins1_status status = s1_added_put(&t->added, &token, name, size, &t->memory, error);
        if (status != INS1_OK)
            return status;
        return s1_tokenizer_set(t, id, name, size, S1_TOKEN_ADDED | INS1_TOKEN_CONTROL, error);
    }
    size_t n = unescape(text, size, bytes);
    if (type == S1_PIECE_BYTE)
        for (unsigned byte = 0; byte < 256; byte++)
            if (t->pieces.bytes[byte] == id) {
                bytes[0] = (uint8_t)byte;
                n = 1;
            }
    return s1_tokenizer_set(t, id, bytes, n, 0, error);
}

ins1_status s1_load_pieces(ins1_tokenizer *tokenizer, const s1_tokenizer_file *file,
                           ins1_error *error)
{
    ins1_error inner = INS1_INIT(ins1_error);
    bool alone = !tokenizer->added.n;
    ins1_status status =
        s1_pieces_read(&tokenizer->pieces, file->data, file->size, &tokenizer->memory, &inner);

    tokenizer->is_sentencepiece = true;
    tokenizer->drop_first_space = tokenizer->pieces.dummy_prefix;
    tokenizer->bos = tokenizer->pieces.bos;
    for (uint32_t id = 0; status == INS1_OK && id < tokenizer->pieces.texts.n; id++)
        status = add_row(tokenizer, id, alone, &inner);
    return status == INS1_OK ? status : named_error(error, "tokenizer.model", status, &inner);
}

/* One domain of a generation: where its pieces come from and which tags lead to it. */
typedef struct recipe {
    const char *file, *offset_key;
    const char *tags[2]; /* begin tags without their brackets */
    uint8_t kinds[2];    /* of the tags; the first also of what is detected, unless: */
    uint8_t detected;
} recipe;

static const recipe pro_plans[] = {
    { "tokenizer_SMILES.model", "offset_SMILES", { "SMILES", NULL }, { INS1_SEGMENT_SMILES }, 0 },
    { "tokenizer_PROT.model", "offset_PROT", { "protein", NULL }, { INS1_SEGMENT_PROTEIN }, 0 },
    { "tokenizer_XNA.model",
      "offset_XNA",
      { "dna", "rna" },
      { INS1_SEGMENT_DNA, INS1_SEGMENT_RNA },
      INS1_SEGMENT_XNA },
};

static const recipe s1_plans[] = {
    { "tokenizer_SMILES.model",
      "offset_SMILES",
      { "SMILES", "SELFIES" },
      { INS1_SEGMENT_SMILES, INS1_SEGMENT_SELFIES },
      0 },
    { "tokenizer_IUPAC.model", "offset_IUPAC", { "IUPAC", NULL }, { INS1_SEGMENT_IUPAC }, 0 },
    { "tokenizer_FASTA.model", "offset_FASTA", { "FASTA", NULL }, { INS1_SEGMENT_FASTA }, 0 },
};

static s1_added_token *find_tag(const ins1_tokenizer *t, const char *name, bool end)
{
    char text[16] = "</";
    size_t size = strlen(name), at = end ? 2 : 1;
    memcpy(text + at, name, size);
    text[at + size] = '>';
    return s1_added_find(&t->added, text, at + size + 1);
}

static void set_tags(ins1_tokenizer *t, const recipe *plan, size_t domain)
{
    for (size_t i = 0; i < 2 && plan->tags[i]; i++) {
        s1_added_token *begin = find_tag(t, plan->tags[i], false);
        s1_added_token *end = find_tag(t, plan->tags[i], true);
        t->domain_of[plan->kinds[i]] = (int8_t)domain;
        if (begin) {
            begin->tag = S1_TAG_BEGIN;
            begin->kind = plan->kinds[i];
        }
        if (end)
            end->tag = S1_TAG_END;
    }
    if (plan->detected)
        t->domain_of[plan->detected] = (int8_t)domain;
}

/* Where a domain's ids begin. Where no number says so, each domain is its pieces and then its tags:
 * the first lies before its first tag, the others behind the last tag of the one before. */
static int64_t offset_of(const ins1_tokenizer *t, const recipe *plan, const recipe *before,
                         size_t n_pieces, s1_json config)
{
    int64_t offset;
    int32_t last = -1;
    if (s1_json_int(s1_json_get(config, plan->offset_key), &offset))
        return offset;
    for (size_t i = 0; before && i < 2 && before->tags[i]; i++) {
        const s1_added_token *end = find_tag(t, before->tags[i], true);
        if (end && end->id > last)
            last = end->id;
    }
    if (last >= 0)
        return (int64_t)last + 1;
    const s1_added_token *own = find_tag(t, plan->tags[0], false);
    return own ? own->id - (int64_t)n_pieces : -1;
}

/* Base tokens whose written form is a piece: the reference looks tokens up by that form. */
static ins1_status share(ins1_tokenizer *t, s1_domain *domain, ins1_error *error)
{
    const s1_strings *pieces = &domain->pieces.texts;
    for (uint32_t piece = 0; piece < pieces->n; piece++) {
        uint8_t bytes[LONGEST_PIECE];
        uint32_t size, c;
        size_t n = 0;
        const uint8_t *text = s1_strings_get(pieces, piece, &size);
        bool reachable = piece != domain->pieces.unknown;
        for (uint32_t at = 0; reachable && at < size;) {
            at += (uint32_t)s1_utf8_item(text + at, size - at, &c);
            int32_t byte = s1_load_byte_of(c);
            reachable = byte >= 0;
            bytes[n++] = (uint8_t)byte;
        }
        uint32_t id = reachable ? s1_strings_find(&t->tokens, bytes, n) : S1_NO_STRING;
        if (id == S1_NO_STRING)
            continue;
        if (!s1_scratch_grow(&t->memory, (void **)&domain->shared, &domain->shared_capacity,
                             domain->n_shared + 1, sizeof(*domain->shared), INS1_MEM_OBJECT))
            return s1_fail(error, INS1_E_MEMORY, "no memory for shared pieces");
        domain->shared[domain->n_shared++] = (uint64_t)id << 32 | piece;
    }
    s1_sort_u64(domain->shared, domain->n_shared);
    return INS1_OK;
}

static ins1_status add_rows(ins1_tokenizer *t, const s1_domain *domain, ins1_error *error)
{
    uint8_t bytes[LONGEST_PIECE];
    for (uint32_t piece = 0; piece < domain->pieces.texts.n; piece++) {
        uint32_t size, id = domain->offset + piece;
        const uint8_t *text = s1_strings_get(&domain->pieces.texts, piece, &size);
        if (id < t->tokens.n && !(t->attributes[id] & INS1_TOKEN_PADDING))
            return s1_fail(error, INS1_E_FORMAT, "piece %u has id %u, which another token has",
                           piece, id);
        ins1_status status = s1_tokenizer_set(t, id, bytes, unescape(text, size, bytes), 0, error);
        if (status != INS1_OK)
            return status;
    }
    return INS1_OK;
}

static ins1_status load_domain(ins1_tokenizer *t, const recipe *plan, const recipe *before,
                               const s1_tokenizer_file *file, s1_json config, ins1_error *error)
{
    ins1_error inner = INS1_INIT(ins1_error);
    s1_domain *domain = t->domains + t->n_domains;

    if (!file->data)
        return s1_fail(error, INS1_E_FORMAT, "%s is missing", plan->file);
    ins1_status status =
        s1_pieces_read(&domain->pieces, file->data, file->size, &t->memory, &inner);
    if (status != INS1_OK)
        return named_error(error, plan->file, status, &inner);
    int64_t offset = offset_of(t, plan, before, domain->pieces.texts.n, config);
    if (offset < 0 || offset > (int64_t)(S1_MAX_IDS - domain->pieces.texts.n))
        return s1_fail(error, INS1_E_FORMAT, "%s: the first id is %lld, expected 0 to %u",
                       plan->file, (long long)offset, S1_MAX_IDS);
    domain->offset = (uint32_t)offset;
    status = add_rows(t, domain, &inner);
    if (status == INS1_OK)
        status = share(t, domain, &inner);
    if (status != INS1_OK)
        return named_error(error, plan->file, status, &inner);
    set_tags(t, plan, t->n_domains++);
    return INS1_OK;
}

static ins1_status add_protect_tags(ins1_tokenizer *t, ins1_error *error)
{
    static const char begin[] = "<MOLFORMULA>", end[] = "</MOLFORMULA>";
    const s1_added_token tokens[2] = { { .id = -1, .tag = S1_TAG_PROTECT_BEGIN },
                                       { .id = -1, .tag = S1_TAG_PROTECT_END } };
    ins1_status status =
        s1_added_put(&t->added, tokens, begin, sizeof(begin) - 1, &t->memory, error);
    if (status != INS1_OK)
        return status;
    return s1_added_put(&t->added, tokens + 1, end, sizeof(end) - 1, &t->memory, error);
}

ins1_status s1_load_domains(ins1_tokenizer *tokenizer, const s1_tokenizer_source *source,
                            s1_json config, ins1_error *error)
{
    const s1_tokenizer_file *pro_files[] = { &source->smiles_model, &source->protein_model,
                                             &source->xna_model };
    const s1_tokenizer_file *s1_files[] = { &source->smiles_model, &source->iupac_model,
                                            &source->fasta_model };
    bool pro = s1_json_get(config, "offset_XNA").kind == S1_JSON_NUMBER;
    ins1_status status = INS1_OK;

    if (!tokenizer->is_sentencepiece)
        tokenizer->rules = pro                                                    ? S1_RULES_PRO
                           : source->iupac_model.data || source->fasta_model.data ? S1_RULES_S1
                                                                                  : S1_RULES_NONE;
    if (tokenizer->rules != S1_RULES_NONE)
        status = add_protect_tags(tokenizer, error);
    s1_added_sort(&tokenizer->added);
    for (size_t i = 0; tokenizer->rules != S1_RULES_NONE && status == INS1_OK && i < 3; i++) {
        const recipe *plans = pro ? pro_plans : s1_plans;
        status = load_domain(tokenizer, plans + i, i ? plans + i - 1 : NULL,
                             pro ? pro_files[i] : s1_files[i], config, error);
    }
    s1_added_token *turn_end = s1_added_find(&tokenizer->added, "<|im_end|>", 10);
    if (turn_end && turn_end->tag == S1_TAG_NONE)
        turn_end->tag = S1_TAG_TURN_END;
    return status;
}
