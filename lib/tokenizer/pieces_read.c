/* The protobuf of a SentencePiece model: only the fields that matter are looked at. */
#include "base/reader.h"
#include "tokenizer/pieces.h"
#include "tokenizer/unicode.h"

#include <math.h>
#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
enum { MODEL_PIECES = 1, MODEL_TRAINER = 2, MODEL_NORMALISER = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum { TRAINER_MODEL = 3, TRAINER_SUFFIX = 24, TRAINER_BYTES = 35, TRAINER_BOS = 41 };
enum { NORMALISER_MAP = 2, NORMALISER_PREFIX = 3, NORMALISER_SQUEEZE = 4, NORMALISER_ESCAPE = 5 };
enum { MODEL_BPE = 2, MAX_PIECE = 1024, MAX_PIECES = 1 << 22 };

/* One field of a message. */
typedef struct field {
    uint64_t number;
    int wire;
    uint64_t value;  /* VARINT, FIXED32, FIXED64 */
    s1_reader bytes; /* BYTES */
} field;

static bool read_varint(s1_reader *r, uint64_t *out)
{
    const uint8_t *byte;
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (!s1_read_bytes(r, 1, &byte))
            return false;
        *out |= (uint64_t)(*byte & 0x7F) << shift;
        if (*byte < 0x80)
            return true;
    }
    return false;
}

static bool read_fixed(s1_reader *r, size_t size, uint64_t *out)
{
    const uint8_t *bytes;
    if (!s1_read_bytes(r, size, &bytes))
        return false;
    *out = 0;
    for (size_t i = size; i-- > 0;)
        *out = *out << 8 | bytes[i];
    return true;
}

/* The next field of a message that is not at its end. */
static bool read_field(s1_reader *r, field *out)
{
    uint64_t key;
    *out = (field){ 0 };
    if (!read_varint(r, &key))
        return false;
    out->number = key >> 3;
    out->wire = (int)(key & 7);
    switch (out->wire) {
    case VARINT:
        return read_varint(r, &out->value);
    case FIXED64:
        return read_fixed(r, 8, &out->value);
    case FIXED32:
        return read_fixed(r, 4, &out->value);
    case BYTES:
        if (!read_varint(r, &out->value) || out->value > r->left)
            return false;
        out->bytes.left = (size_t)out->value;
        return s1_read_bytes(r, (size_t)out->value, &out->bytes.at);
    default:
        return false;
    }
}

static ins1_status broken(const char *what, ins1_error *error)
{
    return s1_fail(error, INS1_E_FORMAT, "%s is cut short or no protobuf", what);
}

static ins1_status read_trainer(s1_pieces *pieces, s1_reader r, uint64_t *model, ins1_error *error)
{
    field f;
    while (r.left) {
        if (!read_field(&r, &f))
            return broken("the trainer's part of the model", error);
        if (f.wire != VARINT)
            continue;
        if (f.number == TRAINER_MODEL)
            *model = f.value;
        else if (f.number == TRAINER_BYTES)
            pieces->byte_fallback = f.value;
        else if (f.number == TRAINER_BOS)
            pieces->bos = (int64_t)f.value < 0 || f.value >= MAX_PIECES ? -1 : (int32_t)f.value;
        else if (f.number == TRAINER_SUFFIX && f.value)
            return s1_fail(error, INS1_E_UNSUPPORTED, "the model treats white space as a suffix");
    }
    return INS1_OK;
}

static ins1_status read_normaliser(s1_pieces *pieces, s1_reader r, ins1_error *error)
{
    field f;
    while (r.left) {
        if (!read_field(&r, &f))
            return broken("the normaliser's part of the model", error);
        if (f.wire == BYTES && f.number == NORMALISER_MAP && f.bytes.left)
            return s1_fail(error, INS1_E_UNSUPPORTED,
                           "the model's normaliser has a table of %zu bytes, only the identity is "
                           "supported",
                           f.bytes.left);
        if (f.wire != VARINT)
            continue;
        if (f.number == NORMALISER_PREFIX)
            pieces->dummy_prefix = f.value;
        else if (f.number == NORMALISER_SQUEEZE)
            pieces->squeeze = f.value;
        else if (f.number == NORMALISER_ESCAPE)
            pieces->escape = f.value;
    }
    return INS1_OK;
}

/* Everything but the pieces, which are counted. */
static ins1_status read_frame(s1_pieces *pieces, s1_reader r, size_t *n, uint64_t *model,
                              ins1_error *error)
{
    ins1_status status = INS1_OK;
    field f;

    *n = 0;
    while (status == INS1_OK && r.left) {
        if (!read_field(&r, &f))
            return broken("the model", error);
        if (f.wire != BYTES)
            continue;
        if (f.number == MODEL_PIECES)
            ++*n;
        else if (f.number == MODEL_TRAINER)
            status = read_trainer(pieces, f.bytes, model, error);
        else if (f.number == MODEL_NORMALISER)
            status = read_normaliser(pieces, f.bytes, error);
    }
    return status;
}

/* The byte of a piece such as "<0x0A>", or -1. */
static int byte_of(const uint8_t *text, size_t size)
{
    int value = 0;
    if (size != 6 || memcmp(text, "<0x", 3) || text[5] != '>')
        return -1;
    for (int i = 3; i < 5; i++) {
        static const char digits[] = "0123456789ABCDEF";
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return -1;
        value = value * 16 + (int)(digit - digits);
    }
    return value;
}

/* A score as a key that sorts the highest first. */
static uint32_t order_of(float score)
{
    uint32_t bits;
    score += 0.0f; /* there is one zero */
    memcpy(&bits, &score, sizeof(bits));
    bits = bits & UINT32_C(0x80000000) ? ~bits : bits | UINT32_C(0x80000000);
    return ~bits;
}

static ins1_status read_piece(s1_pieces *pieces, uint32_t number, s1_reader r, uint64_t *order,
                              const ins1_allocator *memory, ins1_error *error)
{
    uint64_t type = S1_PIECE_NORMAL;
    s1_reader text = { 0 };
    float score = 0;
    field f;

    while (r.left) {
        if (!read_field(&r, &f))
            return broken("a piece of the model", error);
        uint32_t bits = (uint32_t)f.value;
        if (f.number == PIECE_TEXT && f.wire == BYTES)
            text = f.bytes;
        else if (f.number == PIECE_TYPE && f.wire == VARINT)
            type = f.value;
        else if (f.number == PIECE_SCORE && f.wire == FIXED32)
            memcpy(&score, &bits, sizeof(score));
    }
    if (isnan(score) || !text.left)
        return s1_fail(error, INS1_E_FORMAT, "piece %u has no %s", number,
                       text.left ? "score" : "text");
    if (type < S1_PIECE_NORMAL || type > S1_PIECE_BYTE || type == S1_PIECE_UNUSED)
        return s1_fail(error, INS1_E_UNSUPPORTED, "piece %u has type %llu", number,
                       (unsigned long long)type);
    if (text.left > MAX_PIECE)
        return s1_fail(error, INS1_E_UNSUPPORTED, "piece %u has %zu bytes, at most %d expected",
                       number, text.left, MAX_PIECE);
    pieces->types[number] = (uint8_t)type;
    *order = (uint64_t)order_of(score) << 32 | number;
    ins1_status status = s1_strings_set(&pieces->texts, number, text.at, text.left, memory, error);
    if (status != INS1_OK)
        return status;

    if (type == S1_PIECE_NORMAL) {
        if (text.left > pieces->max_size)
            pieces->max_size = (uint32_t)text.left;
        return s1_strings_enter(&pieces->texts, number, error);
    }
    if (type == S1_PIECE_USER_DEFINED) {
        const s1_added_token token = { .id = (int32_t)number };
        return s1_added_put(&pieces->user_defined, &token, text.at, text.left, memory, error);
    }
    if (type == S1_PIECE_UNKNOWN)
        pieces->unknown = number;
    if (type == S1_PIECE_BYTE) {
        int byte = byte_of(text.at, text.left);
        if (byte < 0)
            return s1_fail(error, INS1_E_FORMAT, "piece %u stands for no byte", number);
        pieces->bytes[byte] = number;
    }
    return INS1_OK;
}

static ins1_status read_pieces(s1_pieces *pieces, s1_reader r, uint64_t *orders,
                               const ins1_allocator *memory, ins1_error *error)
{
    uint32_t n = 0;
    field f;
    while (r.left) {
        if (!read_field(&r, &f))
            return broken("the model", error);
        if (f.wire != BYTES || f.number != MODEL_PIECES)
            continue;
        ins1_status status = read_piece(pieces, n, f.bytes, orders + n, memory, error);
        if (status != INS1_OK)
            return status;
        n++;
    }
    return INS1_OK;
}

/* Equal scores, equal ranks: of those the leftmost merges first. */
static void rank(s1_pieces *pieces, uint64_t *orders)
{
    uint32_t rank = 0;
    s1_sort_u64(orders, pieces->texts.n);
    for (size_t i = 0; i < pieces->texts.n; i++) {
        if (i && orders[i] >> 32 != orders[i - 1] >> 32)
            rank++;
        pieces->ranks[(uint32_t)orders[i]] = rank;
    }
}

static ins1_status check(const s1_pieces *pieces, ins1_error *error)
{
    if (pieces->unknown == S1_NO_ID)
        return s1_fail(error, INS1_E_FORMAT, "the model has no piece for what is unknown");
    for (unsigned i = 0; pieces->byte_fallback && i < 256; i++)
        if (pieces->bytes[i] == S1_NO_ID)
            return s1_fail(error, INS1_E_FORMAT, "the model has no piece for the byte 0x%02X", i);
    return INS1_OK;
}

ins1_status s1_pieces_read(s1_pieces *pieces, const void *data, size_t size,
                           const ins1_allocator *memory, ins1_error *error)
{
    s1_reader r = { data, size };
    uint64_t model = 1, *orders = NULL;
    size_t n;

    memset(pieces->bytes, 0xFF, sizeof(pieces->bytes));
    pieces->unknown = S1_NO_ID;
    pieces->bos = 1;
    pieces->dummy_prefix = pieces->squeeze = pieces->escape = true;
    ins1_status status = read_frame(pieces, r, &n, &model, error);
    if (status != INS1_OK)
        goto done;
    if (model != MODEL_BPE) {
        status = s1_fail(error, INS1_E_UNSUPPORTED,
                         "the model is of type %llu, only BPE (%d) is "
                         "supported",
                         (unsigned long long)model, MODEL_BPE);
        goto done;
    }
    if (!n || n > MAX_PIECES) {
        status = s1_fail(error, INS1_E_FORMAT, "the model has %zu pieces, expected 1 to %d", n,
                         MAX_PIECES);
        goto done;
    }
    pieces->n_ranks = n;
    pieces->ranks = s1_alloc_array(memory, n, sizeof(*pieces->ranks), INS1_MEM_OBJECT);
    pieces->types = s1_alloc_array(memory, n, 1, INS1_MEM_OBJECT);
    orders = s1_alloc_array(memory, n, sizeof(*orders), INS1_MEM_SCRATCH);
    if (!pieces->ranks || !pieces->types || !orders) {
        status = s1_fail(error, INS1_E_MEMORY, "no memory for %zu pieces", n);
        goto done;
    }
    status = s1_strings_extend(&pieces->texts, n, memory, error);
    if (status == INS1_OK)
        status = s1_strings_index(&pieces->texts, n, memory, error);
    if (status == INS1_OK)
        status = read_pieces(pieces, r, orders, memory, error);
    if (status == INS1_OK)
        status = check(pieces, error);
    if (status != INS1_OK)
        goto done;
    rank(pieces, orders);
    s1_added_sort(&pieces->user_defined);
    if (pieces->bos >= 0 &&
        ((size_t)pieces->bos >= n || pieces->types[pieces->bos] != S1_PIECE_CONTROL))
        pieces->bos = -1;

done:
    s1_free(memory, orders, n * sizeof(*orders), INS1_MEM_SCRATCH);
    return status;
}

void s1_pieces_finish(s1_pieces *pieces, const ins1_allocator *memory)
{
    s1_strings_finish(&pieces->texts, memory);
    s1_added_finish(&pieces->user_defined, memory);
    s1_free(memory, pieces->ranks, pieces->n_ranks * sizeof(*pieces->ranks), INS1_MEM_OBJECT);
    s1_free(memory, pieces->types, pieces->n_ranks, INS1_MEM_OBJECT);
    pieces->ranks = NULL;
    pieces->types = NULL;
    pieces->n_ranks = 0;
}
