#include "vision/tiles.h"

#include <math.h>

static void shape(s1_pixels *out, const s1_vision_processor *p, int32_t n_tiles)
{
    out->n_tiles = n_tiles;
    out->height = p->tile_height;
    out->width = p->tile_width;
    out->n_dim = 4;
    out->dim[0] = (size_t)n_tiles;
    out->dim[1] = 3;
    out->dim[2] = (size_t)p->tile_height;
    out->dim[3] = (size_t)p->tile_width;
    out->n_tokens = (size_t)n_tiles * (size_t)p->tokens_per_tile;
}

/* The grid whose proportions are nearest to the image's, tried in the order of tiles, then columns.
 * Of equally near ones a later, larger one is taken where the image has more than half its pixels.
 */
static void choose_grid(const s1_vision_processor *p, int32_t width, int32_t height,
                        int32_t *columns, int32_t *rows)
{
    double proportion = (double)width / height, area = (double)width * height, best = INFINITY;

    *columns = *rows = 1;
    for (int32_t n = p->min_tiles; n <= p->max_tiles; n++) {
        for (int32_t c = 1; c <= n; c++) {
            if (n % c)
                continue;
            double far = fabs(proportion - (double)c / (n / c));
            double half = 0.5 * p->tile_height * p->tile_width * n;
            if (far < best || (far == best && area > half)) {
                best = far;
                *columns = c;
                *rows = n / c;
            }
        }
    }
}

void s1_tiles_of_image(s1_pixels *out, const s1_vision_processor *processor, int32_t width,
                       int32_t height)
{
    int32_t columns, rows;

    choose_grid(processor, width, height, &columns, &rows);
    *out = (s1_pixels){ .grid_t = 1, .grid_h = rows, .grid_w = columns };
    shape(out, processor, columns * rows + (columns * rows > 1));
}

void s1_tiles_of_video(s1_pixels *out, const s1_vision_processor *processor, size_t n_frames)
{
    *out = (s1_pixels){ .grid_t = (int32_t)n_frames, .grid_h = 1, .grid_w = 1 };
    shape(out, processor, (int32_t)n_frames);
}

void s1_tiles_write(float *out, const s1_pixels *pixels, const uint8_t *canvas, size_t stride,
                    const s1_table *table)
{
    const size_t width = (size_t)pixels->width, plane = (size_t)pixels->height * width;

    for (size_t y = 0; y < (size_t)pixels->height; y++, canvas += stride)
        for (size_t x = 0; x < width; x++, out++) {
            const uint8_t *pixel = canvas + x * 3;
            out[0] = table->of[0][pixel[0]];
            out[plane] = table->of[1][pixel[1]];
            out[2 * plane] = table->of[2][pixel[2]];
        }
}
