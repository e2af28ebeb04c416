/* SentencePiece models: whatever is read encodes anything. */

#include "tokenizer_fuzz.h"

#include "tokenizer/pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t text[] = "ab  abc \xE2\x96\x81 \xFF CC(=O)";
    s1_pieces pieces = { 0 };
    s1_pieces_work work = { 0 };
    s1_merge merge = { 0 };
    s1_call call;

    MUST(s1_call_begin(&call, NULL) == INS1_OK);
    if (s1_pieces_read(&pieces, data, size, &s1_heap, NULL) == INS1_OK) {
        uint32_t at = 0;
        ins1_status status = s1_pieces_encode(&pieces, &work, &merge, text, 0, sizeof(text) - 1,
                                              S1_PIECES_TRUSTED | S1_PIECES_FIRST, &s1_heap, &call);
        MUST(status == INS1_OK);
        for (size_t i = 0; i < merge.n; i++) {
            const s1_symbol *symbol = merge.symbols + i;
            MUST(symbol->begin >= at && symbol->end >= symbol->begin);
            MUST(symbol->end < sizeof(text));
            MUST(symbol->id == S1_NO_ID || symbol->id < pieces.texts.n);
            at = symbol->end;
        }
    }
    s1_pieces_finish(&pieces, &s1_heap);
    s1_pieces_work_finish(&work, &s1_heap);
    s1_merge_finish(&merge, &s1_heap);
    return 0;
}
