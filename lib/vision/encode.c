/* Pixels through a tower to embeddings. */

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "interns1/inspect.h"
#include "runtime/embeds.h"
#include "vision/vision.h"

#include <inttypes.h>

/* --- shapes from elsewhere --- */

/* Pixels whose shape is the caller's word. */
static ins1_status read_shape(s1_pixels *out, const s1_vision_config *c,
                              const ins1_pixels_info *given, ins1_error *error)
{
    const size_t values =
        (size_t)c->channels * (size_t)c->temporal * (size_t)c->patch[0] * (size_t)c->patch[1];
    ins1_pixels_info info;

    ins1_status status = s1_struct_import(&info, given, sizeof(info), error);
    if (status != INS1_OK)
        return status;
    for (int32_t i = 0; i < info.n_dim && i < 4; i++)
        if (info.dim[i] < 1 || info.dim[i] > INT32_MAX / 4)
            return s1_fail(error, INS1_E_ARGUMENT, "axis %d of the pixels is %zu", i, info.dim[i]);
    *out = (s1_pixels){
        .grid_t = info.grid_t,
        .grid_h = info.grid_h,
        .grid_w = info.grid_w,
        .n_dim = info.n_dim,
        .dim = { info.dim[0], info.dim[1], info.dim[2], info.dim[3] },
    };
    if (c->kind == S1_VISION_TILES) {
        if (info.n_dim != 4 || info.dim[1] != (size_t)c->channels ||
            (info.n_tiles && (size_t)info.n_tiles != info.dim[0]))
            return s1_fail(error, INS1_E_ARGUMENT,
                           "pixels of %d axes, [tiles][%d][height][width] are expected", info.n_dim,
                           c->channels);
        out->n_tiles = (int32_t)info.dim[0];
        out->height = (int32_t)info.dim[2];
        out->width = (int32_t)info.dim[3];
        return INS1_OK;
    }
    if (info.n_dim != 2 || info.dim[1] != values || info.n_tiles)
        return s1_fail(error, INS1_E_ARGUMENT, "pixels of %d axes, [patches][%zu] are expected",
                       info.n_dim, values);
    if (info.grid_t < 1 || info.grid_h < 1 || info.grid_w < 1 ||
        info.dim[0] / (size_t)info.grid_t / (size_t)info.grid_h != (size_t)info.grid_w ||
        info.dim[0] % ((size_t)info.grid_t * (size_t)info.grid_h))
        return s1_fail(error, INS1_E_ARGUMENT, "%zu patches are no grid of %d x %d x %d patches",
                       info.dim[0], info.grid_t, info.grid_h, info.grid_w);
    return INS1_OK;
}

/* --- one medium --- */

typedef struct medium {
    int32_t modality; /* INS1_MODALITY_* */
    bool stops;       /* before projector or merger */
    const double *times;
    size_t n_times;
} medium;

/* `shape` was checked. */
static ins1_status encode(ins1_embeds **out, ins1_vision_encoder *e, const float *pixels,
                          const s1_pixels *shape, const medium *m, const s1_call *call)
{
    const ins1_embeds_info info = {
        .struct_size = sizeof(info),
        .n_tokens = s1_tower_rows(e->tower, shape, m->stops),
        .dim = s1_tower_width(e->tower, m->stops),
        .modality = m->modality,
        .grid_t = m->stops ? 0 : shape->grid_t,
        .grid_h = m->stops ? 0 : shape->grid_h,
        .grid_w = m->stops ? 0 : shape->grid_w,
        .times = m->times,
        .n_times = m->n_times,
    };
    float *values;

    *out = NULL;
    if (!m->stops && info.n_tokens > e->max_tokens)
        return s1_fail(call->error, INS1_E_ARGUMENT, "%zu tokens, at most %zu were allowed",
                       info.n_tokens, e->max_tokens);
    ins1_status status = s1_embeds_make_values(&values, e->runtime, &info, call->error);
    if (status != INS1_OK)
        return status;
    status = s1_tower_encode(e->tower, pixels, shape, m->stops, values, call);
    if (status == INS1_OK)
        return s1_embeds_finish_values(out, e->runtime, &info, values, call->error);
    s1_free(e->memory, values, info.n_tokens * info.dim * sizeof(*values), INS1_MEM_OBJECT);
    return status;
}

/* --- pixels that were preprocessed elsewhere --- */

static ins1_status encode_given(ins1_embeds **out, ins1_vision_encoder *encoder,
                                const float *pixels, const ins1_pixels_info *info, bool stops,
                                const ins1_call *given)
{
    const medium m = { .modality = INS1_MODALITY_IMAGE, .stops = stops };
    s1_pixels shape;
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_vision_enter(encoder, &call, given);
    if (status != INS1_OK)
        return status;
    if (!out || !pixels || !info)
        status = s1_fail(call.error, INS1_E_ARGUMENT,
                         "no place for embeddings, no pixels, or no shape of them");
    if (status == INS1_OK)
        status = s1_vision_needs_tower(encoder, &call);
    if (status == INS1_OK)
        status = read_shape(&shape, s1_tower_config(encoder->tower), info, call.error);
    if (status == INS1_OK)
        status = s1_tower_check(encoder->tower, &shape, call.error);
    if (status == INS1_OK) {
        s1_tower_begin(encoder->tower, s1_tower_rows(encoder->tower, &shape, true));
        status = encode(out, encoder, pixels, &shape, &m, &call);
    }
    s1_vision_leave(encoder);
    return status;
}

ins1_status ins1_vision_encoder_encode_pixels(ins1_embeds **out, ins1_vision_encoder *encoder,
                                              const float *pixels, const ins1_pixels_info *info,
                                              const ins1_call *call)
{
    return encode_given(out, encoder, pixels, info, false, call);
}

ins1_status ins1_vision_encoder_tower(ins1_embeds **out, ins1_vision_encoder *encoder,
                                      const float *pixels, const ins1_pixels_info *info,
                                      const ins1_call *call)
{
    return encode_given(out, encoder, pixels, info, true, call);
}

/* --- insides --- */

ins1_status ins1_vision_encoder_observe(ins1_vision_encoder *encoder, uint32_t mask,
                                        ins1_observe_fn callback, void *user,
                                        const ins1_call *given)
{
    s1_call call;

    ins1_status status = s1_vision_enter(encoder, &call, given);
    if (status != INS1_OK)
        return status;
    if (mask & ~(uint32_t)INS1_OBSERVE_HIDDEN || (mask && !callback))
        status = s1_fail(call.error, INS1_E_ARGUMENT,
                         "mask 0x%x, INS1_OBSERVE_HIDDEN with a callback is expected", mask);
    else
        status = s1_vision_needs_tower(encoder, &call);
    if (status == INS1_OK)
        s1_tower_observe(encoder->tower, mask ? callback : NULL, user);
    s1_vision_leave(encoder);
    return status;
}
