/* Any text, cut into segments of any permission: pieces tile it, decoding gives it back, borders
 * inside one kind change nothing, and streams say what decoding says. The first bytes choose the
 * cuts. */

#include "tokenizer_fuzz.h"

#include "tokenizer/text.h"

enum { MAX_TEXT = 4096 };

static ins1_tokenizer *tokenizer;

static size_t encode(const ins1_segment *segments, size_t n, int32_t *ids, ins1_piece *pieces,
                     size_t room)
{
    size_t count;
    MUST(ins1_tokenizer_encode(tokenizer, segments, n, 0, ids, pieces, room, &count, NULL) ==
         INS1_OK);
    return count;
}

static void check_tiles(const ins1_piece *pieces, size_t n, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < n; at = pieces[i++].end)
        MUST(pieces[i].begin == at && pieces[i].end >= at);
    MUST(at == size);
}

static void check_stream(const int32_t *ids, size_t n, const char *want, size_t size)
{
    ins1_detokenizer *stream;
    size_t at = 0, count;
    MUST(ins1_detokenizer_create(&stream, tokenizer, 0, NULL) == INS1_OK);
    for (size_t i = 0; i < n; i++, at += count) {
        char out[256];
        MUST(ins1_detokenizer_push(stream, ids + i, 1, out, sizeof(out), &count, NULL) == INS1_OK);
        MUST(count <= size - at && !memcmp(out, want + at, count));
    }
    char out[8];
    MUST(ins1_detokenizer_flush(stream, out, sizeof(out), &count, NULL) == INS1_OK);
    MUST(count == size - at && !memcmp(out, want + at, count));
    ins1_detokenizer_release(stream);
}

/* The text as it is after normalisation, with what is no UTF-8 replaced. */
static void check_round_trip(const char *text, size_t size, const char *decoded, size_t n_decoded)
{
    const ins1_segment segment = segment_of(text, size, 0, 0);
    s1_text normal = { 0 };
    s1_call call;
    int32_t ids[MAX_TEXT * 3];
    size_t n;

    MUST(s1_call_begin(&call, NULL) == INS1_OK);
    MUST(s1_text_read(&normal, &segment, 1, S1_TEXT_NFC | S1_TEXT_UNESCAPE, &s1_heap, &call) ==
         INS1_OK);
    for (n = 0; n < normal.size; n++)
        ids[n] = normal.bytes[n];
    char *want = decode_all(tokenizer, ids, n, 0, &n);
    MUST(n == n_decoded && !memcmp(want, decoded, n));
    free(want);
    s1_text_finish(&normal, &s1_heap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int32_t ids[MAX_TEXT * 3], again[MAX_TEXT * 3];
    static ins1_piece pieces[MAX_TEXT * 3];
    tiny files;
    size_t n_decoded;

    if (size < 2 || size > MAX_TEXT)
        return 0;
    if (!tokenizer) {
        tiny_pro(&files);
        tokenizer = tiny_open(&files, NULL);
        tiny_free(&files);
    }
    uint32_t flags = data[0] & 1;
    size_t cut = data[1] % (size - 1);
    const char *text = (const char *)data + 2;
    size -= 2;
    cut = cut < size ? cut : size;
    const ins1_segment whole = segment_of(text, size, 0, flags);
    const ins1_segment halves[] = { segment_of(text, cut, 0, flags),
                                    segment_of(text + cut, size - cut, 0, flags) };
    const ins1_segment mixed[] = {
        segment_of(text, cut, data[0] >> 1 & 1, data[0] >> 2 & 1),
        segment_of(text + cut, size - cut, data[0] >> 3 & 1 ? INS1_SEGMENT_SMILES : 0,
                   data[0] >> 4 & 1),
    };
    bool marker = memmem(text, size, "_AUTO_DETECT>", 13) != NULL;

    size_t n = encode(&whole, 1, ids, pieces, MAX_TEXT * 3);
    if (!marker)
        check_tiles(pieces, n, size);
    MUST(encode(halves, 2, again, NULL, MAX_TEXT * 3) == n);
    MUST(!memcmp(ids, again, n * sizeof(*ids)));
    char *decoded = decode_all(tokenizer, ids, n, 0, &n_decoded);
    check_stream(ids, n, decoded, n_decoded);
    /* Added tokens part the text in two for broken UTF-8. */
    if (!marker && !memchr(text, '<', size))
        check_round_trip(text, size, decoded, n_decoded);
    free(decoded);

    n = encode(mixed, 2, ids, pieces, MAX_TEXT * 3);
    if (!marker)
        check_tiles(pieces, n, size);
    MUST(ins1_tokenizer_segments(tokenizer, mixed, 2, pieces, MAX_TEXT * 3, &n, NULL) == INS1_OK);
    check_tiles(pieces, n, size);
    return 0;
}
