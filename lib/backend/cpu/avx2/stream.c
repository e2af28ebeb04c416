#include "internal.h"
#include "lines.h"

#include "backend/cpu/vector_stream.inc"

void s1_stream_avx2(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead)
{
    stream_rows(p, begin, end, ahead);
}
