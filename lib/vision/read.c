#include "vision/read.h"

#include "base/checked.h"

#include <math.h>
#include <string.h>

/* A format: bytes of a pixel, and where red, green and blue begin in it. */
static const struct layout {
    uint8_t size, red, green, blue;
} layouts[] = {
    [INS1_PIXEL_RGB8] = { 3, 0, 1, 2 },     [INS1_PIXEL_RGBA8] = { 4, 0, 1, 2 },
    [INS1_PIXEL_GRAY8] = { 1, 0, 0, 0 },    [INS1_PIXEL_BGR8] = { 3, 2, 1, 0 },
    [INS1_PIXEL_BGRA8] = { 4, 2, 1, 0 },    [INS1_PIXEL_RGB16] = { 6, 0, 2, 4 },
    [INS1_PIXEL_RGBA16] = { 8, 0, 2, 4 },   [INS1_PIXEL_GRAY16] = { 2, 0, 0, 0 },
    [INS1_PIXEL_RGB_F32] = { 12, 0, 4, 8 },
};

static uint64_t magnitude(ptrdiff_t stride)
{
    return stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride;
}

/* Does the walk over the whole image stay within what an address can say? */
static bool is_walkable(const s1_picture *p)
{
    uint64_t across, down, both;
    return s1_mul(magnitude(p->x), (uint64_t)p->width - 1, &across) &&
           s1_mul(magnitude(p->y), (uint64_t)p->height - 1, &down) && s1_add(across, down, &both) &&
           both <= PTRDIFF_MAX - sizeof(float) * 3;
}

ins1_status s1_picture_read(s1_picture *out, const ins1_image *image, const char *what,
                            ins1_error *error)
{
    if (image->width < 1 || image->height < 1)
        return s1_fail(error, INS1_E_ARGUMENT, "%s is %d x %d pixels, both must be positive", what,
                       image->width, image->height);
    if (image->format < INS1_PIXEL_RGB8 || image->format > INS1_PIXEL_RGB_F32)
        return s1_fail(error, INS1_E_ARGUMENT, "%s has pixel format %d, known are %d to %d", what,
                       image->format, INS1_PIXEL_RGB8, INS1_PIXEL_RGB_F32);
    if (!image->pixels)
        return s1_fail(error, INS1_E_ARGUMENT, "%s has no pixels", what);

    *out = (s1_picture){
        .pixels = image->pixels,
        .format = image->format,
        .width = image->width,
        .height = image->height,
        .x = image->pixel_stride ? image->pixel_stride : layouts[image->format].size,
        .y = image->row_stride,
    };
    uint64_t row;
    bool fits = s1_mul(magnitude(out->x), (uint64_t)out->width, &row) && row <= PTRDIFF_MAX;
    if (!out->y && fits)
        out->y = (ptrdiff_t)row;
    if (!fits || !is_walkable(out))
        return s1_fail(error, INS1_E_ARGUMENT,
                       "%s of %d x %d pixels has strides of %td and %td bytes, more than memory",
                       what, image->width, image->height, image->pixel_stride, image->row_stride);
    return INS1_OK;
}

static const unsigned char *row_at(const s1_picture *picture, int32_t row)
{
    return picture->pixels + picture->y * row;
}

static float load_f32(const unsigned char *at)
{
    float value;
    memcpy(&value, at, sizeof(value));
    return value;
}

ins1_status s1_picture_check_numbers(const s1_picture *picture, const char *what, ins1_error *error)
{
    if (picture->format != INS1_PIXEL_RGB_F32)
        return INS1_OK;
    for (int32_t y = 0; y < picture->height; y++) {
        const unsigned char *at = row_at(picture, y);
        for (int32_t x = 0; x < picture->width; x++)
            for (size_t c = 0; c < 3; c++)
                if (isnan(load_f32(at + picture->x * x + c * sizeof(float))))
                    return s1_fail(error, INS1_E_ARGUMENT,
                                   "%s: pixel (%d, %d) is not a number in channel %zu", what, x, y,
                                   c);
    }
    return INS1_OK;
}

static void row_8(const s1_picture *p, const unsigned char *at, uint8_t *out)
{
    const struct layout *l = &layouts[p->format];
    for (int32_t i = 0; i < p->width; i++, out += 3) {
        const unsigned char *pixel = at + p->x * i;
        out[0] = pixel[l->red];
        out[1] = pixel[l->green];
        out[2] = pixel[l->blue];
    }
}

static uint8_t upper(const unsigned char *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return (uint8_t)(value >> 8);
}

static void row_16(const s1_picture *p, const unsigned char *at, uint8_t *out)
{
    const struct layout *l = &layouts[p->format];
    for (int32_t i = 0; i < p->width; i++, out += 3) {
        const unsigned char *pixel = at + p->x * i;
        out[0] = upper(pixel + l->red);
        out[1] = upper(pixel + l->green);
        out[2] = upper(pixel + l->blue);
    }
}

/* The nearest of the 256 values; a NaN, which was refused before, would be black. */
static uint8_t nearest(float value)
{
    if (!(value > 0))
        return 0;
    return value >= 1 ? 255 : (uint8_t)(value * 255 + 0.5f);
}

static void row_f32(const s1_picture *p, const unsigned char *at, uint8_t *out)
{
    for (int32_t i = 0; i < p->width; i++)
        for (size_t c = 0; c < 3; c++)
            *out++ = nearest(load_f32(at + p->x * i + c * sizeof(float)));
}

void s1_picture_row(const s1_picture *picture, int32_t row, uint8_t *out)
{
    const unsigned char *at = row_at(picture, row);

    switch (picture->format) {
    case INS1_PIXEL_RGB_F32:
        row_f32(picture, at, out);
        break;
    case INS1_PIXEL_RGB16:
    case INS1_PIXEL_RGBA16:
    case INS1_PIXEL_GRAY16:
        row_16(picture, at, out);
        break;
    default:
        if (picture->format == INS1_PIXEL_RGB8 && picture->x == 3)
            memcpy(out, at, (size_t)picture->width * 3);
        else
            row_8(picture, at, out);
    }
}
