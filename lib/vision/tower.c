#include "vision/tower.h"

#include "base/memory.h"
#include "base/meter.h"
#include "runtime/runtime.h"
#include "vision/pass.h"

#include <inttypes.h>
#include <string.h>

enum {
    ALIGN = 64,
    USUAL_ROWS = 4104,  /* of a pass, where units are smaller: four tiles of 1025 rows */
    USUAL_CHUNK = 1056, /* rows; a tile of 1025 is one */
    LEAST_CHUNK = 64,
};

/* --- weights on their device --- */

/* All norms and all products of a layer, which are placed and taken back in the same way. */
#define N_NORMS   2
#define N_LINEARS 7
#define N_VECTORS 4

typedef struct placing {
    s1_placed_norm *norms[N_NORMS];
    s1_placed_linear *linears[N_LINEARS];
    s1_placed *vectors[N_VECTORS];
} placing;

static placing places_of(s1_tower_layer *l)
{
    return (placing){
        { &l->attention_norm, &l->mlp_norm },
        { &l->q, &l->k, &l->v, &l->qkv, &l->out, &l->up, &l->down },
        { &l->q_norm, &l->k_norm, &l->attention_scale, &l->mlp_scale },
    };
}

static void unplace_norm(s1_placed_norm *norm)
{
    s1_unplace(&norm->weight);
    s1_unplace(&norm->bias);
}

static void unplace_layer(s1_tower_layer *layer)
{
    const placing p = places_of(layer);
    for (int i = 0; i < N_NORMS; i++)
        unplace_norm(p.norms[i]);
    for (int i = 0; i < N_LINEARS; i++)
        s1_unplace_linear(p.linears[i]);
    for (int i = 0; i < N_VECTORS; i++)
        s1_unplace(p.vectors[i]);
}

static ins1_status place_norm(s1_tower *t, s1_placed_norm *out, const s1_vision_norm *norm,
                              ins1_error *error)
{
    ins1_status status = s1_place(&out->weight, t->device, &norm->weight, error);
    return status == INS1_OK ? s1_place(&out->bias, t->device, &norm->bias, error) : status;
}

static ins1_status place_layer(s1_tower *t, s1_tower_layer *layer, const s1_vision_layer *from,
                               ins1_error *error)
{
    const placing p = places_of(layer);
    const s1_vision_norm *norms[] = { &from->attention_norm, &from->mlp_norm };
    const s1_linear *linears[] = { &from->q,   &from->k,  &from->v,   &from->qkv,
                                   &from->out, &from->up, &from->down };
    const s1_tensor *vectors[] = { &from->q_norm, &from->k_norm, &from->attention_scale,
                                   &from->mlp_scale };
    ins1_status status = INS1_OK;

    for (int i = 0; i < N_NORMS && status == INS1_OK; i++)
        status = place_norm(t, p.norms[i], norms[i], error);
    for (int i = 0; i < N_LINEARS && status == INS1_OK; i++)
        status = s1_place_linear(p.linears[i], t->device, linears[i], error);
    for (int i = 0; i < N_VECTORS && status == INS1_OK; i++)
        status = s1_place(p.vectors[i], t->device, vectors[i], error);
    return status;
}

static ins1_status place_all(s1_tower *t, const s1_call *call)
{
    const s1_vision_weights *w = t->weights;
    ins1_error *error = call->error;

    ins1_status status = s1_place_linear(&t->patch, t->device, &w->patch, error);
    if (status == INS1_OK)
        status = place_norm(t, &t->merger_norm, &w->merger_norm, error);
    if (status == INS1_OK)
        status = s1_place_linear(&t->merger_up, t->device, &w->merger_up, error);
    if (status == INS1_OK)
        status = s1_place_linear(&t->merger_down, t->device, &w->merger_down, error);
    for (int32_t i = 0; i < t->config->n_layer && status == INS1_OK; i++) {
        status = place_layer(t, &t->layers[i], &w->layers[i], error);
        if (status == INS1_OK)
            status = s1_call_check(call);
    }
    return status;
}

static void leave_device(s1_tower *t)
{
    s1_buffer_destroy(&t->workspace);
    t->workspace = (s1_buffer){ 0 };
    t->table_grid[0] = t->table_grid[1] = 0;
    s1_unplace_linear(&t->patch);
    unplace_norm(&t->merger_norm);
    s1_unplace_linear(&t->merger_up);
    s1_unplace_linear(&t->merger_down);
    for (int32_t i = 0; t->layers && i < t->config->n_layer; i++)
        unplace_layer(&t->layers[i]);
    s1_stream_destroy(t->stream);
    t->stream = NULL;
}

static ins1_status enter_device(s1_tower *t, int32_t index, const s1_call *call)
{
    ins1_status status =
        s1_registry_device(s1_runtime_registry(t->runtime), index, &t->device, call->error);
    if (status == INS1_OK)
        status = s1_stream_create(&t->stream, t->device, s1_runtime_host(t->runtime), call->error);
    return status == INS1_OK ? place_all(t, call) : status;
}

/* --- life --- */

ins1_status s1_tower_precision(int32_t *out, const s1_vision_config *config, int32_t asked,
                               ins1_error *error)
{
    *out = asked ? asked : config->default_precision;
    if (*out == INS1_PRECISION_F32 || *out == INS1_PRECISION_BF16)
        return INS1_OK;
    if (*out == INS1_PRECISION_INT8)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "precision int8 needs weights in I8, which this tower lacks");
    return s1_fail(error, INS1_E_ARGUMENT, "precision %d, known are 0 to %d", asked,
                   INS1_PRECISION_INT8);
}

void s1_tower_destroy(s1_tower *tower)
{
    if (!tower)
        return;
    const ins1_allocator *memory = tower->memory;
    leave_device(tower);
    s1_free(memory, tower->staging, tower->staging_size, INS1_MEM_SCRATCH);
    s1_free(memory, tower->layers, (size_t)tower->config->n_layer * sizeof(*tower->layers),
            INS1_MEM_OBJECT);
    s1_free(memory, tower, sizeof(*tower), INS1_MEM_OBJECT);
}

const s1_vision_config *s1_tower_config(const s1_tower *tower)
{
    return tower->config;
}

/* --- shapes --- */

static int64_t patches_of(const s1_vision_config *c, const s1_pixels *shape, int64_t grid[2])
{
    const bool is_tiles = c->kind == S1_VISION_TILES;
    grid[0] = is_tiles ? shape->height / c->patch[0] : shape->grid_h;
    grid[1] = is_tiles ? shape->width / c->patch[1] : shape->grid_w;
    return grid[0] * grid[1];
}

ins1_status s1_tower_check(const s1_tower *t, const s1_pixels *shape, ins1_error *error)
{
    const s1_vision_config *c = t->config;
    const bool is_tiles = c->kind == S1_VISION_TILES;
    int64_t grid[2];

    if (is_tiles &&
        (shape->n_tiles < 1 || shape->height < 1 || shape->width < 1 ||
         shape->height % (c->patch[0] * c->merge) || shape->width % (c->patch[1] * c->merge)))
        return s1_fail(error, INS1_E_ARGUMENT,
                       "%d tiles of %d x %d pixels, sides of multiples of %d and %d are expected",
                       shape->n_tiles, shape->height, shape->width, c->patch[0] * c->merge,
                       c->patch[1] * c->merge);
    if (!is_tiles && (shape->n_tiles || shape->grid_t < 1 || shape->grid_h < 1 ||
                      shape->grid_w < 1 || shape->grid_h % c->merge || shape->grid_w % c->merge))
        return s1_fail(error, INS1_E_ARGUMENT,
                       "a grid of %d x %d x %d patches, rows and columns in multiples of %d are "
                       "expected",
                       shape->grid_t, shape->grid_h, shape->grid_w, c->merge);
    if (patches_of(c, shape, grid) >= INT32_MAX / 4)
        return s1_fail(error, INS1_E_ARGUMENT, "%" PRId64 " x %" PRId64 " patches are too many",
                       grid[0], grid[1]);
    return INS1_OK;
}

static int64_t rows_of(const s1_vision_config *c, const s1_pixels *shape, int64_t grid[2])
{
    return patches_of(c, shape, grid) + (c->kind == S1_VISION_TILES);
}

static int64_t merge2_of(const s1_vision_config *c)
{
    return (int64_t)c->merge * c->merge;
}

size_t s1_tower_rows(const s1_tower *t, const s1_pixels *shape, bool stop_before_projector)
{
    const s1_vision_config *c = t->config;
    int64_t grid[2];
    const size_t n = s1_pixels_units(shape);
    if (stop_before_projector)
        return n * (size_t)rows_of(c, shape, grid);
    return n * (size_t)(patches_of(c, shape, grid) / merge2_of(c));
}

size_t s1_tower_width(const s1_tower *t, bool stop_before_projector)
{
    return (size_t)(stop_before_projector ? t->config->width : t->config->n_out);
}

/* --- memory --- */

static uint64_t take(uint64_t *size, int64_t rows, int64_t columns)
{
    uint64_t at = *size;
    *size += ((uint64_t)rows * (uint64_t)columns * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN;
    return at;
}

static int64_t largest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t patch_values(const s1_vision_config *c)
{
    return (int64_t)c->channels * c->temporal * c->patch[0] * c->patch[1];
}

static s1_pass_layout layout_of(const s1_vision_config *c, const s1_pass *pass)
{
    const bool is_tiles = c->kind == S1_VISION_TILES;
    const int64_t rows = pass->n_units * pass->n_rows;
    const int64_t merge2 = merge2_of(c);
    const int64_t n_tokens = pass->chunk / merge2;
    s1_pass_layout at = { 0 };

    at.table = take(&at.size, is_tiles ? pass->n_rows : 0, c->width);
    at.cosines = take(&at.size, is_tiles ? 0 : pass->n_patches, c->head_dim / 2);
    at.sines = take(&at.size, is_tiles ? 0 : pass->n_patches, c->head_dim / 2);
    at.ids = take(&at.size, is_tiles ? pass->n_units * pass->n_patches : 0, 1);
    at.hidden = take(&at.size, rows, c->width);
    at.qkv = take(&at.size, rows, 3 * (int64_t)c->width);
    at.attended = take(&at.size, rows, c->width);
    at.normed = take(&at.size, pass->chunk, c->width);
    uint64_t before = at.size, wide, merger;
    at.wide = take(&at.size, pass->chunk, largest(c->n_ff, patch_values(c)));
    wide = at.size - before;
    merger = before;
    take(&merger, n_tokens, c->merger_width);
    if (merger - before > wide)
        at.size = merger;
    at.merged = take(&at.size, n_tokens, c->n_out);
    return at;
}

static uint64_t staging_of(const s1_vision_config *c, const s1_pass *pass)
{
    return (uint64_t)pass->chunk * sizeof(float) * (uint64_t)largest(c->width, patch_values(c));
}

/* What limits a pass. */
typedef struct limits {
    const ins1_allocator *memory;
    uint64_t budget; /* 0: what `memory` has */
    uint64_t held;   /* bytes of a workspace that is there */
} limits;

static bool fits(const s1_vision_config *c, const s1_pass *pass, const limits *l)
{
    const uint64_t workspace = layout_of(c, pass).size, needed = workspace + staging_of(c, pass);
    if (l->budget)
        return needed <= l->budget;
    return workspace <= l->held || s1_meter_fits(l->memory, needed);
}

static int64_t rounded(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

/* As many units at once as pay, fewer where memory is short. */
static s1_pass choose_pass(const s1_vision_config *c, const s1_pixels *shape, const limits *l)
{
    const int64_t merge2 = merge2_of(c), n_units = (int64_t)s1_pixels_units(shape);
    s1_pass pass = { 0 };

    pass.n_rows = rows_of(c, shape, pass.grid);
    pass.n_patches = pass.grid[0] * pass.grid[1];
    pass.n_units = largest(1, USUAL_ROWS / pass.n_rows);
    if (pass.n_units > n_units)
        pass.n_units = n_units;
    const int64_t all = rounded(pass.n_units * pass.n_rows, merge2);
    pass.chunk = rounded(USUAL_CHUNK, merge2);
    if (pass.chunk > all)
        pass.chunk = all;
    while (pass.n_units > 1 && !fits(c, &pass, l))
        pass.n_units = (pass.n_units + 1) / 2;
    while (pass.chunk > rounded(LEAST_CHUNK, merge2) && !fits(c, &pass, l))
        pass.chunk = rounded(pass.chunk / 2, merge2);
    return pass;
}

static ins1_status make_room(s1_tower *t, const s1_pass *pass, ins1_error *error)
{
    const s1_pass_layout at = layout_of(t->config, pass);
    const uint64_t staging = staging_of(t->config, pass);

    if (t->budget && at.size + staging > t->budget)
        return s1_fail(error, INS1_E_BUDGET,
                       "encoding needs %" PRIu64
                       " bytes of scratch, scratch_budget allows %" PRIu64,
                       at.size + staging, t->budget);
    if (staging > t->staging_size) {
        s1_free(t->memory, t->staging, t->staging_size, INS1_MEM_SCRATCH);
        t->staging_size = 0;
        t->staging = s1_alloc(t->memory, staging, INS1_MEM_SCRATCH);
        if (!t->staging)
            return s1_out_of_memory(t->memory, staging, "staging", error);
        t->staging_size = staging;
    }
    if (at.size > t->workspace.size) {
        s1_buffer_destroy(&t->workspace);
        t->workspace = (s1_buffer){ 0 };
        t->table_grid[0] = t->table_grid[1] = 0;
        ins1_status status =
            s1_buffer_create(&t->workspace, t->device, at.size, INS1_MEM_SCRATCH, error);
        if (status != INS1_OK)
            return status;
    }
    t->at = at;
    return INS1_OK;
}

void s1_tower_plan(s1_tower_needs *out, const s1_vision_config *c, const s1_pixels *shape,
                   const ins1_allocator *memory)
{
    const limits l = { .memory = memory };
    const s1_pass pass = choose_pass(c, shape, &l);
    const int64_t tokens = pass.chunk / merge2_of(c);

    *out = (s1_tower_needs){
        .tables = sizeof(s1_tower) + (uint64_t)c->n_layer * sizeof(s1_tower_layer),
        .scratch = layout_of(c, &pass).size + staging_of(c, &pass),
        .panel_rows = pass.chunk,
        .panel_columns = largest(c->n_ff, patch_values(c)),
    };
    if (tokens * c->merger_width > out->panel_rows * out->panel_columns) {
        out->panel_rows = tokens;
        out->panel_columns = c->merger_width;
    }
}

/* --- the device --- */

/* Has the device all that a pass needs? Seen with the smallest there is. */
static ins1_status ask_device(s1_tower *t, const s1_call *call)
{
    const s1_vision_config *c = t->config;
    const int64_t merge2 = merge2_of(c);
    const s1_pass pass = {
        .n_units = 1,
        .grid = { c->merge, c->merge },
        .n_patches = merge2,
        .n_rows = merge2 + (c->kind == S1_VISION_TILES),
        .chunk = rounded(merge2 + 1, merge2),
    };

    ins1_status status = make_room(t, &pass, call->error);
    if (status != INS1_OK)
        return status;
    t->asks = true;
    s1_ops_reset(&t->ops, t->precision);
    status = s1_pass_layer(t, &pass, &t->layers[0], call);
    if (status == INS1_OK)
        status = s1_pass_merge(t, &pass, NULL, call);
    t->asks = false;
    return status;
}

/* The CPU in place of a device that would have to give its memory away in the middle of a layer. */
static ins1_status choose_device(s1_tower *t, int32_t index, const s1_call *call)
{
    ins1_device_info info = { .struct_size = sizeof(info) };

    ins1_status status = enter_device(t, index, call);
    if (status == INS1_OK && index)
        status = ask_device(t, call);
    if (status != INS1_E_UNSUPPORTED || !index)
        return status;
    leave_device(t);
    status = s1_registry_info(s1_runtime_registry(t->runtime), index, &info, call->error);
    if (status != INS1_OK)
        return status;
    s1_log(s1_runtime_host(t->runtime), INS1_LOG_WARN, "vision",
           "device '%s' lacks operations of the vision tower, which runs on the CPU instead",
           info.name);
    return enter_device(t, 0, call);
}

ins1_status s1_tower_create(s1_tower **out, ins1_runtime *runtime, const s1_vision_weights *weights,
                            const ins1_vision_encoder_options *options, const s1_call *call)
{
    const ins1_allocator *memory = s1_runtime_memory(runtime);
    const size_t n = (size_t)weights->config->n_layer;
    s1_tower *tower = NULL;
    int32_t precision;

    *out = NULL;
    ins1_status status =
        s1_tower_precision(&precision, weights->config, options->precision, call->error);
    if (status != INS1_OK)
        goto done;
    tower = s1_alloc(memory, sizeof(*tower), INS1_MEM_OBJECT);
    if (!tower) {
        status = s1_out_of_memory(memory, sizeof(*tower), "a vision tower", call->error);
        goto done;
    }
    tower->runtime = runtime;
    tower->memory = memory;
    tower->weights = weights;
    tower->config = weights->config;
    tower->precision = precision;
    tower->budget = options->scratch_budget;
    tower->layers = s1_alloc_array(memory, n, sizeof(*tower->layers), INS1_MEM_OBJECT);
    if (!tower->layers) {
        status = s1_out_of_memory(memory, n * sizeof(*tower->layers),
                                  "the layers of a vision tower", call->error);
        goto done;
    }
    status = choose_device(tower, options->device, call);
    if (status != INS1_OK)
        goto done;
    *out = tower;
    tower = NULL;

done:
    s1_tower_destroy(tower);
    return status;
}

/* --- encoding --- */

void s1_tower_begin(s1_tower *tower, size_t n_rows)
{
    tower->done = 0;
    tower->total = (uint64_t)n_rows * (uint64_t)tower->config->n_layer;
    tower->first_unit = 0;
}

void s1_tower_observe(s1_tower *tower, ins1_observe_fn callback, void *user)
{
    tower->observer = callback;
    tower->observer_user = user;
}

/* Hidden states a chunk at a time; a chunk ends with its unit. */
static ins1_status observe(s1_tower *t, const s1_pass *pass, int32_t layer, const s1_call *call)
{
    const int64_t width = t->config->width;
    float *values = (float *)(void *)t->staging;

    for (int64_t unit = 0, at = 0; t->observer && unit < pass->n_units;) {
        const int64_t left = pass->n_rows - at, n = left < pass->chunk ? left : pass->chunk;
        const uint64_t row = (uint64_t)((unit * pass->n_rows + at) * width);
        ins1_status status =
            s1_stream_read(t->stream, &t->workspace, t->at.hidden + row * sizeof(float), values,
                           (uint64_t)(n * width) * sizeof(float), call);
        if (status != INS1_OK)
            return status;
        const ins1_observation seen = {
            .struct_size = sizeof(seen),
            .what = INS1_OBSERVE_HIDDEN,
            .seq = t->first_unit + (int32_t)unit,
            .layer = layer,
            .first = (size_t)at,
            .n_tokens = (size_t)n,
            .width = (size_t)width,
            .values = values,
        };
        int32_t answer = t->observer(t->observer_user, &seen);
        if (answer)
            return s1_fail(call->error, INS1_E_CALLBACK, "the observer answered %d", answer);
        at += n;
        unit += at == pass->n_rows;
        at %= pass->n_rows;
    }
    return INS1_OK;
}

static ins1_status run_pass(s1_tower *t, const s1_pass *pass, const float *pixels,
                            bool stop_before_projector, float *out, const s1_call *call)
{
    const uint64_t n_rows = (uint64_t)(pass->n_units * pass->n_rows);

    s1_ops_reset(&t->ops, t->precision);
    ins1_status status = s1_pass_embed(t, pass, pixels, call);
    if (status == INS1_OK)
        status = observe(t, pass, 0, call);
    for (int32_t i = 0; i < t->config->n_layer && status == INS1_OK; i++) {
        status = s1_pass_layer(t, pass, &t->layers[i], call);
        if (status == INS1_OK)
            status = observe(t, pass, i + 1, call);
        t->done += n_rows;
        if (status == INS1_OK)
            status = s1_call_progress(call, INS1_PHASE_ENCODE, t->done, t->total);
    }
    if (status == INS1_OK && !stop_before_projector)
        return s1_pass_merge(t, pass, out, call);
    if (status == INS1_OK)
        status = s1_stream_read(t->stream, &t->workspace, t->at.hidden, out,
                                n_rows * (uint64_t)t->config->width * sizeof(float), call);
    return status;
}

ins1_status s1_tower_encode(s1_tower *t, const float *pixels, const s1_pixels *shape,
                            bool stop_before_projector, float *out, const s1_call *call)
{
    const int64_t n_units = (int64_t)s1_pixels_units(shape);
    const limits l = { t->memory, t->budget, t->workspace.size };
    const s1_pass usual = choose_pass(t->config, shape, &l);
    const size_t width = s1_tower_width(t, stop_before_projector);
    const size_t rows = s1_tower_rows(t, shape, stop_before_projector) / (size_t)n_units;
    const size_t values = (size_t)(usual.n_patches * patch_values(t->config));

    ins1_status status = make_room(t, &usual, call->error);
    for (int64_t at = 0; at < n_units && status == INS1_OK; at += usual.n_units) {
        s1_pass pass = usual;
        if (n_units - at < pass.n_units)
            pass.n_units = n_units - at;
        status = run_pass(t, &pass, pixels + (size_t)at * values, stop_before_projector,
                          out + (size_t)at * rows * width, call);
        t->first_unit += (int32_t)pass.n_units;
    }
    return status;
}
