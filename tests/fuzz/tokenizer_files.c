/* The files of a tokenizer. The first byte chooses which file of a tiny checkpoint the rest
 * replaces; what can be opened encodes and decodes. */

#include "tokenizer_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "<think>hello <SMILES>CC=O</SMILES> CCCCCCCCCO e\xCC\x81 \xFF";
    const ins1_segment segment = segment_of(text, sizeof(text) - 1, 0, INS1_SEGMENT_SPECIAL);
    ins1_tokenizer *tokenizer;
    int32_t ids[256];
    char out[4096];
    size_t n;
    tiny files;

    if (!size)
        return 0;
    tiny_pro(&files);
    s1_tokenizer_source *source = &files.source;
    s1_tokenizer_file *all[] = { &source->vocab_json,         &source->merges_txt,
                                 &source->tokenizer_config,   &source->added_tokens,
                                 &source->special_tokens_map, &source->tokenizer_json,
                                 &source->tokenizer_model,    &source->smiles_model };
    unsigned which = data[0] % 8;
    *all[which] = (s1_tokenizer_file){ data + 1, size - 1 };
    if (which >= 5 && which <= 6)
        source->vocab_json = (s1_tokenizer_file){ 0 };
    source->n_vocab = 0;
    if (s1_tokenizer_create(&tokenizer, &s1_heap, source, NULL, NULL) == INS1_OK) {
        ins1_status status = ins1_tokenizer_encode(tokenizer, &segment, 1, INS1_ENCODE_ADD_BOS, ids,
                                                   NULL, 256, &n, NULL);
        MUST(status == INS1_OK);
        for (size_t i = 0; i < n; i++)
            MUST(ids[i] >= 0 && !s1_tokenizer_is_padding(tokenizer, ids[i]));
        status = ins1_tokenizer_decode(tokenizer, ids, n, 0, out, sizeof(out), &n, NULL);
        MUST(status == INS1_OK || status == INS1_E_BUFFER);
        ins1_tokenizer_release(tokenizer);
    }
    tiny_free(&files);
    return 0;
}
