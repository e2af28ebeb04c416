#ifndef S1_VISION_PIXELS_H
#define S1_VISION_PIXELS_H

#include "base/error.h"
#include "vision/processor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The shape of pixels as a tower takes them, a sequence of units that do not see each other.
 * Tiles: a unit is a tile, [3][height][width]. Patches: a unit is a step in time, [grid_h * grid_w]
 * [3 * temporal * patch * patch], patches of a token after one another. */
typedef struct s1_pixels {
    int32_t n_tiles;                /* thumbnail included; 0: patches */
    int32_t grid_t, grid_h, grid_w; /* tiles: 1 or frames, rows, columns without the thumbnail */
    int32_t height, width;          /* pixels of a tile, or of a whole frame */
    int32_t n_dim;
    size_t dim[4]; /* outermost first */
    size_t n_tokens;
} s1_pixels;

/* Of each channel, what a byte becomes. */
typedef struct s1_table {
    float of[3][256];
} s1_table;

/* Units, and the values of one of them. */
size_t s1_pixels_units(const s1_pixels *pixels);
size_t s1_pixels_unit_values(const s1_pixels *pixels);

/* The shape of `n` of the units. */
s1_pixels s1_pixels_part(const s1_pixels *pixels, size_t n);

#endif
