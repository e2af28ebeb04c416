#ifndef TOKENIZER_FUZZ_H
#define TOKENIZER_FUZZ_H

/* The helpers of the unit tests, outside of a unit test: a broken promise ends the process. */

#include <check.h>
#include <stdlib.h>

#undef ck_assert
#undef ck_assert_msg
#undef ck_assert_int_eq
#undef ck_assert_uint_eq
#define MUST(x)                 (!(x) ? abort() : (void)0)
#define ck_assert(x)            MUST(x)
#define ck_assert_msg(x, ...)   MUST(x)
#define ck_assert_int_eq(a, b)  MUST((a) == (b))
#define ck_assert_uint_eq(a, b) MUST((a) == (b))

#include "../unit/tokenizer_tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
