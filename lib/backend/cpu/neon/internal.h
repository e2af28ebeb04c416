#ifndef S1_BACKEND_CPU_NEON_INTERNAL_H
#define S1_BACKEND_CPU_NEON_INTERNAL_H

#include "backend/cpu/kernels.h"

/* The two ways through a product of this level. Both add in the same order, so which one is taken
 * is a matter of speed alone.
 *
 * Everything is F32, rows of x rounded before where that is asked for. Four lanes along the columns
 * for each row: lane l of a chunk adds columns l, l + 4, ... by fused multiply-add. Then sums of
 * chunks = fma(chunk, scale, sums of chunks), and the lanes as (0 + 1) + (2 + 3). This is what
 * level avx2 does, and the bits are the same.
 *
 * Nothing here has run on an ARM core yet: results are tested under emulation, speed was judged
 * from the machine code. */

enum { FEW_TOKENS = 2 };

/* At most FEW_TOKENS tokens, weights not transposed: weights are used as they are read. */
void s1_stream_neon(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead);

/* Any product: tiles of weights are laid out in scratch, tokens run past them. */
void s1_tiles_neon(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, void *scratch);

/* Both of them, as entries of the table. */
s1_panel_fill_fn s1_panel_fill_neon;
s1_product_fn s1_product_neon;

#endif
