#include "vision/patches.h"

#include "base/checked.h"

#include <math.h>

enum { MAX_PROPORTION = 200 };

/* A side in whole tokens. Python rounds halves to even, as this does. */
static int64_t nearest(double side, int32_t token)
{
    return (int64_t)nearbyint(side / token) * token;
}

static int64_t at_most(double side, int32_t token)
{
    int64_t found = (int64_t)floor(side / token) * token;
    return found < token ? token : found;
}

static int64_t at_least(double side, int32_t token)
{
    return (int64_t)ceil(side / token) * token;
}

static ins1_status check_proportion(int32_t width, int32_t height, ins1_error *error)
{
    double longer = width > height ? width : height, shorter = width > height ? height : width;
    if (longer / shorter > MAX_PROPORTION)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "%d x %d pixels: one side is more than %d times the other", width, height,
                       MAX_PROPORTION);
    return INS1_OK;
}

/* Sides in whole tokens, in the image's proportions, of a volume between the limits. `n_frames`
 * count as they are, `n_rounded` is what becomes of them. */
static void fit(s1_pixels *out, double width, double height, double n_frames, uint64_t n_rounded,
                int32_t token, int64_t low, int64_t high)
{
    int64_t w = nearest(width, token), h = nearest(height, token);
    double volume = n_frames * height * width;
    uint64_t rounded;

    bool fits = s1_mul((uint64_t)w * (uint64_t)h, n_rounded, &rounded);
    if (!fits || rounded > (uint64_t)high) {
        double shrink = sqrt(volume / (double)high);
        h = at_most(height / shrink, token);
        w = at_most(width / shrink, token);
    } else if (rounded < (uint64_t)low) {
        double grow = sqrt((double)low / volume);
        h = at_least(height * grow, token);
        w = at_least(width * grow, token);
    }
    out->height = (int32_t)h;
    out->width = (int32_t)w;
}

static ins1_status shape(s1_pixels *out, const s1_vision_processor *p, uint64_t steps,
                         ins1_error *error)
{
    uint64_t of_frame, patches, values, bytes;

    out->grid_t = (int32_t)steps;
    out->grid_h = out->height / p->patch;
    out->grid_w = out->width / p->patch;
    uint64_t of_patch =
        (uint64_t)3 * (uint64_t)p->temporal * (uint64_t)p->patch * (uint64_t)p->patch;
    if (!s1_mul((uint64_t)out->grid_h, (uint64_t)out->grid_w, &of_frame) ||
        !s1_mul(of_frame, steps, &patches) || !s1_mul(patches, of_patch, &values) ||
        !s1_mul(values, sizeof(float), &bytes) || bytes > PTRDIFF_MAX || steps > INT32_MAX)
        return s1_fail(error, INS1_E_ARGUMENT, "%llu steps of %d x %d pixels are more than memory",
                       (unsigned long long)steps, out->width, out->height);
    out->n_dim = 2;
    out->dim[0] = (size_t)patches;
    out->dim[1] = (size_t)of_patch;
    out->n_tokens = (size_t)(patches / (uint64_t)(p->merge * p->merge));
    return INS1_OK;
}

ins1_status s1_patches_of_image(s1_pixels *out, const s1_vision_processor *processor, int32_t width,
                                int32_t height, ins1_error *error)
{
    const s1_vision_processor *p = processor;

    *out = (s1_pixels){ 0 };
    ins1_status status = check_proportion(width, height, error);
    if (status != INS1_OK)
        return status;
    fit(out, width, height, 1, 1, p->patch * p->merge, p->min_pixels, p->max_pixels);
    return shape(out, p, 1, error);
}

ins1_status s1_patches_of_video(s1_pixels *out, const s1_vision_processor *processor,
                                size_t n_frames, int32_t width, int32_t height, ins1_error *error)
{
    const s1_vision_processor *p = processor;
    const int32_t token = p->patch * p->merge;
    const size_t temporal = (size_t)p->temporal;

    *out = (s1_pixels){ 0 };
    if (n_frames < temporal)
        return s1_fail(error, INS1_E_ARGUMENT, "a video of %zu frames, at least %zu are expected",
                       n_frames, temporal);
    if (width < token || height < token)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "a video of %d x %d pixels, at least %d are expected on a side", width,
                       height, token);
    ins1_status status = check_proportion(width, height, error);
    if (status != INS1_OK)
        return status;
    int64_t rounded = nearest((double)n_frames, p->temporal);
    fit(out, width, height, (double)n_frames, (uint64_t)rounded, token, p->video_min_pixels,
        p->video_max_pixels);
    return shape(out, p, (n_frames - 1) / temporal + 1, error);
}

/* The patch whose first pixel is (x, y). */
static float *write_patch(float *out, const s1_vision_processor *p, const uint8_t *const *frames,
                          size_t x, size_t y, size_t stride, const s1_table *table)
{
    const size_t side = (size_t)p->patch;

    for (size_t c = 0; c < 3; c++)
        for (int32_t t = 0; t < p->temporal; t++)
            for (size_t row = 0; row < side; row++) {
                const uint8_t *at = frames[t] + (y + row) * stride + x * 3 + c;
                for (size_t i = 0; i < side; i++)
                    *out++ = table->of[c][at[i * 3]];
            }
    return out;
}

void s1_patches_write(float *out, const s1_vision_processor *processor, const s1_pixels *pixels,
                      const uint8_t *const *frames, const s1_table *table)
{
    const size_t merge = (size_t)processor->merge, side = (size_t)processor->patch;
    const size_t token = merge * side, stride = (size_t)pixels->width * 3;

    for (size_t y = 0; y < (size_t)pixels->height; y += token)
        for (size_t x = 0; x < (size_t)pixels->width; x += token)
            for (size_t i = 0; i < merge * merge; i++)
                out = write_patch(out, processor, frames, x + i % merge * side,
                                  y + i / merge * side, stride, table);
}
