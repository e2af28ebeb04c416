#ifndef S1_VISION_PASS_H
#define S1_VISION_PASS_H

#include "nn/ops.h"
#include "vision/tower.h"

/* Inside a tower: what goes through it at once, and where that lies in the workspace. */

typedef struct s1_placed_norm {
    s1_placed weight, bias;
} s1_placed_norm;

typedef struct s1_tower_layer {
    s1_placed_norm attention_norm, mlp_norm;
    s1_placed_linear q, k, v, qkv, out, up, down;
    s1_placed q_norm, k_norm, attention_scale, mlp_scale;
} s1_tower_layer;

/* Units that go through together. Rows of a unit see each other in attention; everywhere else rows
 * are worked on `chunk` at a time, a multiple of the patches of a token. */
typedef struct s1_pass {
    int64_t n_units;
    int64_t grid[2];   /* rows and columns of patches of a unit */
    int64_t n_patches; /* of a unit */
    int64_t n_rows;    /* of a unit: the patches, and a row before them where there is a cls */
    int64_t chunk;
} s1_pass;

/* Where everything lies in the workspace, in bytes from its start. */
typedef struct s1_pass_layout {
    uint64_t table;          /* [n_rows][width], what every unit begins with; with a cls alone */
    uint64_t cosines, sines; /* [n_patches][1][head_dim / 2]; PATCHES */
    uint64_t ids;            /* [n_units * n_patches] I32, rows in the order of tokens; TILES */
    uint64_t hidden;         /* [n_units * n_rows][width] */
    uint64_t qkv;            /* [n_units * n_rows][3 * width] */
    uint64_t attended;       /* [n_units * n_rows][width] */
    uint64_t normed;         /* [chunk][width] */
    uint64_t wide;           /* [chunk] of the widest there is besides */
    uint64_t merged;         /* [chunk / patches of a token][n_out] */
    uint64_t size;
} s1_pass_layout;

struct s1_tower {
    ins1_runtime *runtime;
    const ins1_allocator *memory;
    const s1_vision_weights *weights;
    const s1_vision_config *config;
    int32_t precision; /* INS1_PRECISION_*, never DEFAULT */
    uint64_t budget;   /* of the workspace; 0: what the runtime has */
    s1_device *device;
    s1_stream *stream;
    s1_placed_linear patch, merger_up, merger_down;
    s1_placed_norm merger_norm;
    s1_tower_layer *layers; /* owned */

    s1_buffer workspace; /* grows with the passes */
    uint8_t *staging;    /* owned: numbers on their way between host and device */
    uint64_t staging_size;
    int64_t table_grid[2]; /* of the table in the workspace; 0: there is none */
    s1_pass_layout at;
    s1_ops ops;
    bool asks; /* nothing is run: could the device? Then INS1_OK, else INS1_E_UNSUPPORTED */

    uint64_t done, total;     /* rows times layers of the running call */
    int32_t first_unit;       /* of the running pass, counted over the call */
    ins1_observe_fn observer; /* NULL: nobody */
    void *observer_user;
};

static inline int64_t s1_tower_merge2(const s1_tower *tower)
{
    return (int64_t)tower->config->merge * tower->config->merge;
}

/* Views of the workspace. */
ins1_tensor_desc s1_pass_matrix(const s1_tower *t, uint64_t at, int32_t dtype, int64_t rows,
                                int64_t columns);
ins1_tensor_desc s1_pass_rows(const s1_tower *t, uint64_t at, int64_t first, int64_t rows,
                              int64_t columns);

/* What patches are before the first layer. */
ins1_status s1_pass_embed(s1_tower *t, const s1_pass *pass, const float *pixels,
                          const s1_call *call);

/* One layer over what lies in `hidden`. */
ins1_status s1_pass_layer(s1_tower *t, const s1_pass *pass, const s1_tower_layer *layer,
                          const s1_call *call);

/* Projector or merger, to `out`, [n_units * n_patches / patches of a token][n_out]. */
ins1_status s1_pass_merge(s1_tower *t, const s1_pass *pass, float *out, const s1_call *call);

/* Rows `first` and on of the table of positions for this grid, [n][width]: TILES, bicubic where the
 * grid is not the trained one, a cls first; PATCHES, bilinear, in the order of tokens. */
void s1_positions_tiles(float *out, const s1_vision_weights *w, const int64_t grid[2],
                        int64_t first, int64_t n);
void s1_positions_patches(float *out, const s1_vision_weights *w, const int64_t grid[2],
                          int64_t first, int64_t n);

/* Cosines or sines of the angles of patches `first` and on, [n][head_dim / 2]: rows of the grid,
 * then columns. */
void s1_positions_angles(float *out, const s1_vision_config *c, const int64_t grid[2],
                         int64_t first, int64_t n, bool is_sine);

/* Row and column of patch `at` where the patches of a token are neighbours. */
void s1_positions_place(const s1_vision_config *c, const int64_t grid[2], int64_t at,
                        int64_t place[2]);

#endif
