#ifndef S1_BACKEND_CPU_AVX512_INTERNAL_H
#define S1_BACKEND_CPU_AVX512_INTERNAL_H

#include "backend/cpu/kernels.h"

/* The two ways through a product of this level. Both add in the same order, so which one is taken
 * is a matter of speed alone.
 *
 * Four lanes along the columns for each row. With an F32 panel lane l of a chunk adds columns l, l
 * + 4,
 * ... by fused multiply-add. With a BF16 panel it adds the pairs of columns 2l, 2l + 8, ..., of a
 * pair the odd column first, as the machine's instruction does. Then sums of chunks = fma(chunk,
 * scale, sums of chunks), and the lanes as (0 + 1) + (2 + 3). */

enum { FEW_TOKENS = 4 };

/* At most FEW_TOKENS tokens, weights not transposed: each line is read once and used at once. */
void s1_stream_avx512(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead);

/* Any product: tiles of weights are laid out in scratch, tokens run past them. */
void s1_tiles_avx512(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                     void *scratch);

#endif
