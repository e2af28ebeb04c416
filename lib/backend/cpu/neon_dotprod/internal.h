#ifndef S1_BACKEND_CPU_NEON_DOTPROD_INTERNAL_H
#define S1_BACKEND_CPU_NEON_DOTPROD_INTERNAL_H

#include "backend/cpu/kernels.h"

/* As the entry of the table. */
s1_product_fn s1_product_i8_neon_dotprod;

#endif
