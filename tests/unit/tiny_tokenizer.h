#ifndef TINY_TOKENIZER_H
#define TINY_TOKENIZER_H

/* A tokenizer without merges: a token for each byte, its id is the byte, and added tokens behind.
 */

#include "base/memory.h"
#include "tokenizer/tokenizer.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* The character that stands for a byte in vocab.json. */
static inline void byte_character(int byte, char out[3])
{
    int c = byte, n_hidden = 0;
    for (int b = 0; b <= byte; b++)
        n_hidden += b < 33 || (b > 126 && b < 161) || b == 173;
    if (byte < 33 || (byte > 126 && byte < 161) || byte == 173)
        c = 255 + n_hidden;
    memset(out, 0, 3);
    out[0] = (char)(c < 0x80 ? c : 0xc0 | c >> 6);
    out[1] = (char)(c < 0x80 ? 0 : 0x80 | (c & 0x3f));
}

static inline void add_item(char *json, const char *word, int id)
{
    const char *escape = !strcmp(word, "\"") || !strcmp(word, "\\") ? "\\" : "";
    sprintf(json + strlen(json), "%s\"%s%s\":%d", json[1] ? "," : "", escape, word, id);
}

enum { TINY_FIRST_ADDED = 256 };

static inline ins1_tokenizer *tiny_tokenizer(const ins1_allocator *memory, const char *const *added,
                                             size_t n_added)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_tokenizer *tokenizer;
    char json[8192] = "{", added_json[2048] = "{", word[3];

    for (int b = 0; b < 256; b++) {
        byte_character(b, word);
        add_item(json, word, b);
    }
    strcat(json, "}");
    for (size_t i = 0; i < n_added; i++)
        add_item(added_json, added[i], TINY_FIRST_ADDED + (int)i);
    strcat(added_json, "}");
    const s1_tokenizer_source source = {
        .vocab_json = { json, strlen(json) },
        .merges_txt = { "#version: 0.2\n", 14 },
        .added_tokens = { added_json, strlen(added_json) },
    };
    ck_assert_msg(s1_tokenizer_create(&tokenizer, memory, &source, NULL, &error) == INS1_OK, "%s",
                  error.text);
    return tokenizer;
}

#endif
