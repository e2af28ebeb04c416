/* Where a patch is, as numbers that are added to it or turn it. The arithmetic is the reference's,
 * in F32. */

#include "vision/pass.h"

#include <math.h>

void s1_positions_place(const s1_vision_config *c, const int64_t grid[2], int64_t at,
                        int64_t place[2])
{
    const int64_t m = c->merge, block = at / (m * m), inner = at % (m * m);
    place[0] = block / (grid[1] / m) * m + inner / m;
    place[1] = block % (grid[1] / m) * m + inner % m;
}

static float position(const s1_vision_weights *w, int64_t row, int64_t column)
{
    return s1_tensor_f32(&w->positions, (uint64_t)(row * w->config->width + column));
}

/* --- tiles --- */

enum { TAPS = 4 };

/* The cubic kernel with a = -0.75 around a point between the samples of an axis; samples outside
 * repeat the border. */
typedef struct taps {
    int64_t at[TAPS];
    float weight[TAPS];
} taps;

static float cubic_near(float x)
{
    const float a = -0.75f;
    return ((a + 2) * x - (a + 3)) * x * x + 1;
}

static float cubic_far(float x)
{
    const float a = -0.75f;
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

static taps taps_of(int64_t to, int64_t n_to, int64_t n_from)
{
    float from = (float)n_from / (float)n_to * ((float)to + 0.5f) - 0.5f;
    float whole = floorf(from), rest = from - whole;
    taps out = { .weight = { cubic_far(rest + 1), cubic_near(rest), cubic_near(1 - rest),
                             cubic_far(2 - rest) } };
    for (int i = 0; i < TAPS; i++) {
        int64_t at = (int64_t)whole - 1 + i;
        out.at[i] = at < 0 ? 0 : at >= n_from ? n_from - 1 : at;
    }
    return out;
}

static void interpolate(float *out, const s1_vision_weights *w, const int64_t grid[2], int64_t at)
{
    const s1_vision_config *c = w->config;
    const taps down = taps_of(at / grid[1], grid[0], c->positions[0]);
    const taps across = taps_of(at % grid[1], grid[1], c->positions[1]);

    for (int64_t d = 0; d < c->width; d++) {
        float sum = 0;
        for (int i = 0; i < TAPS; i++) {
            float line = 0;
            for (int j = 0; j < TAPS; j++)
                line += across.weight[j] *
                        position(w, 1 + down.at[i] * c->positions[1] + across.at[j], d);
            sum += down.weight[i] * line;
        }
        out[d] = sum;
    }
}

void s1_positions_tiles(float *out, const s1_vision_weights *w, const int64_t grid[2],
                        int64_t first, int64_t n)
{
    const s1_vision_config *c = w->config;
    const bool is_trained = grid[0] == c->positions[0] && grid[1] == c->positions[1];

    for (int64_t i = 0; i < n; i++, out += c->width) {
        const int64_t at = first + i;
        if (at > 0 && !is_trained) {
            interpolate(out, w, grid, at - 1);
            continue;
        }
        for (int64_t d = 0; d < c->width; d++)
            out[d] = position(w, at, d);
        for (int64_t d = 0; d < c->width && at == 0; d++)
            out[d] += s1_tensor_f32(&w->cls, (uint64_t)d);
    }
}

/* --- patches --- */

/* Between two samples, the ends of the grid on the ends of the table. */
typedef struct pair {
    int64_t low, high;
    float rest;
} pair;

static pair pair_of(int64_t at, int64_t n, int64_t side)
{
    float from = (float)(at * (side - 1)) / (float)(n > 1 ? n - 1 : 1);
    pair out = { .low = (int64_t)from, .rest = from - floorf(from) };
    out.high = out.low + 1 < side ? out.low + 1 : side - 1;
    return out;
}

void s1_positions_patches(float *out, const s1_vision_weights *w, const int64_t grid[2],
                          int64_t first, int64_t n)
{
    const s1_vision_config *c = w->config;
    const int64_t side = c->positions[1];

    for (int64_t i = 0; i < n; i++, out += c->width) {
        int64_t place[2];
        s1_positions_place(c, grid, first + i, place);
        const pair row = pair_of(place[0], grid[0], c->positions[0]);
        const pair column = pair_of(place[1], grid[1], side);
        const float weight[] = { (1 - row.rest) * (1 - column.rest), (1 - row.rest) * column.rest,
                                 row.rest * (1 - column.rest), row.rest * column.rest };
        const int64_t at[] = { row.low * side + column.low, row.low * side + column.high,
                               row.high * side + column.low, row.high * side + column.high };
        for (int64_t d = 0; d < c->width; d++)
            out[d] = position(w, at[0], d) * weight[0] + position(w, at[1], d) * weight[1] +
                     position(w, at[2], d) * weight[2] + position(w, at[3], d) * weight[3];
    }
}

void s1_positions_angles(float *out, const s1_vision_config *c, const int64_t grid[2],
                         int64_t first, int64_t n, bool is_sine)
{
    const int32_t quarter = c->head_dim / 4;

    for (int64_t i = 0; i < n; i++, out += 2 * quarter) {
        int64_t place[2];
        s1_positions_place(c, grid, first + i, place);
        for (int32_t j = 0; j < 2 * quarter; j++) {
            const float power = (float)(2 * (j % quarter)) / (float)(2 * quarter);
            const float angle =
                (float)place[j / quarter] * (1.0f / powf((float)c->rope_theta, power));
            out[j] = (float)(is_sine ? sin((double)angle) : cos((double)angle));
        }
    }
}
