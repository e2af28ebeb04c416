/* One image for each architecture, so that there is one module. */

#include "attention.cu"
#include "products.cu"
#include "rows.cu"
