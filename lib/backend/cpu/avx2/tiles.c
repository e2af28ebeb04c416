#include "internal.h"
#include "lines.h"

#include "backend/cpu/vector_tiles.inc"

void s1_tiles_avx2(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, void *scratch)
{
    multiply_tiles(p, begin, end, ahead, scratch);
}
