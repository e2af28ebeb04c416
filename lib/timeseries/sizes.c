#include "timeseries/encoder.h"

#include "base/meter.h"

enum {
    ALIGN = 64,
    /* What is taken where memory allows: a million samples at 1 kHz are 1572 frames. */
    ROWS = 640,
    STRETCH = 256,
    FRAMES = 1600,
    /* What is always needed. */
    LEAST_STRETCH = 16,
    LEAST_FRAMES = 64,
};

int32_t s1_series_longest(const s1_series_config *config)
{
    return config->n_place < S1_SERIES_LONGEST ? config->n_place : S1_SERIES_LONGEST;
}

static uint64_t take(uint64_t *size, uint64_t rows, int32_t columns)
{
    uint64_t at = *size;
    *size += (rows * (uint64_t)columns * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN;
    return at;
}

/* Sequences of the shortest patch that fit into the rows. */
static uint64_t most_sequences(const s1_series_sizes *sizes)
{
    enum { SHORTEST = 4 };
    return sizes->n_rows / SHORTEST;
}

s1_series_layout s1_series_lay_out(const s1_series_config *c, const s1_series_sizes *sizes)
{
    const uint64_t rows = sizes->n_rows, stretch = sizes->n_stretch, frames = sizes->n_frames;
    const uint64_t longest = (uint64_t)s1_series_longest(c);
    s1_series_layout at = { 0 };
    uint64_t end;

    at.ids = take(&at.size, longest > stretch ? longest : stretch, 1);
    at.places = take(&at.size, longest, c->n_patch);
    at.mel = take(&at.size, 2 * frames + 2, c->n_mel);
    at.pairs = take(&at.size, stretch, 2 * c->n_patch);
    end = at.size;
    at.taps = take(&end, rows, S1_SERIES_TAPS);
    at.x = take(&end, rows, c->n_patch);
    at.qkv = take(&end, rows, 3 * c->n_patch);
    at.attended = take(&end, rows, c->n_patch);
    at.ff = take(&end, rows, c->n_patch_ff);
    at.means = take(&end, most_sequences(sizes), c->n_patch);
    at.hidden = take(&at.size, frames, c->n_embd);
    at.frame_qkv = take(&at.size, frames, 3 * c->n_embd);
    at.frame_attended = take(&at.size, frames, c->n_embd);
    at.convolved = take(&at.size, 2 * stretch + 1, c->n_embd);
    at.normed = take(&at.size, stretch, c->n_embd);
    at.frame_ff = take(&at.size, stretch, c->n_ff);
    at.tower = take(&at.size, stretch, c->n_tower);
    at.projected = take(&at.size, stretch, c->n_out);
    at.out = take(&at.size, stretch, c->n_out);
    if (at.size < end)
        at.size = end;
    return at;
}

/* First the pairs that are collected; then what goes in or comes out: taps, means, zeros. */
uint64_t s1_series_staging_bytes(const s1_series_config *c, const s1_series_sizes *sizes)
{
    uint64_t taps = sizes->n_rows * S1_SERIES_TAPS;
    uint64_t means = most_sequences(sizes) * (uint64_t)c->n_patch;
    uint64_t pairs = sizes->n_stretch * 2 * (uint64_t)c->n_patch;
    uint64_t row = (uint64_t)(c->n_embd > c->n_mel ? c->n_embd : c->n_mel);
    uint64_t most = taps > means ? taps : means;
    return (pairs + (most > row ? most : row)) * sizeof(float);
}

uint64_t s1_series_scratch_bytes(const s1_series_config *config, const s1_series_sizes *sizes)
{
    return s1_series_lay_out(config, sizes).size + s1_series_staging_bytes(config, sizes);
}

s1_series_sizes s1_series_fit(const s1_series_config *config, uint64_t budget,
                              const ins1_allocator *memory)
{
    const size_t least_rows = (size_t)s1_series_longest(config);
    s1_series_sizes sizes = { ROWS > least_rows ? ROWS : least_rows, STRETCH, FRAMES };

    for (;;) {
        uint64_t size = s1_series_scratch_bytes(config, &sizes);
        if ((!budget || size <= budget) && s1_meter_fits(memory, size))
            return sizes;
        if (sizes.n_frames > LEAST_FRAMES)
            sizes.n_frames /= 5;
        else if (sizes.n_stretch > LEAST_STRETCH)
            sizes.n_stretch /= 2;
        else if (sizes.n_rows > least_rows)
            sizes.n_rows = least_rows;
        else
            return sizes;
    }
}
