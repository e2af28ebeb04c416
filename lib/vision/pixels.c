#include "vision/pixels.h"

size_t s1_pixels_units(const s1_pixels *pixels)
{
    return pixels->n_tiles ? (size_t)pixels->n_tiles : (size_t)pixels->grid_t;
}

size_t s1_pixels_unit_values(const s1_pixels *pixels)
{
    size_t n = 1;
    for (int32_t i = pixels->n_tiles ? 1 : 0; i < pixels->n_dim; i++)
        n *= pixels->dim[i];
    return pixels->n_tiles ? n : n / (size_t)pixels->grid_t;
}

s1_pixels s1_pixels_part(const s1_pixels *pixels, size_t n)
{
    s1_pixels part = *pixels;
    size_t units = s1_pixels_units(pixels);

    part.n_tokens = pixels->n_tokens / units * n;
    part.dim[0] = pixels->dim[0] / units * n;
    if (pixels->n_tiles)
        part.n_tiles = (int32_t)n;
    else
        part.grid_t = (int32_t)n;
    return part;
}
