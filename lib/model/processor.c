/* How a checkpoint prepares images and videos, from its JSON. Numbers that the files leave out are
 * those of the released checkpoints, not the defaults of the reference's classes. */

#include "model/processor.h"

#include "model/settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_FILE "config.json"
#define IMAGE_FILE  "preprocessor_config.json"
#define VIDEO_FILE  "video_preprocessor_config.json"

enum {
    MAX_SIDE = 1 << 14,  /* of a tile or a patch */
    MAX_TILES = 1 << 10, /* of an image */
    BICUBIC = 3,
};
static const int64_t MAX_PIXELS = (int64_t)1 << 40;

/* The documented expectations of a kind. */
static const struct {
    double mean[3], std[3];
    int64_t min_pixels, max_pixels, video_min_pixels, video_max_pixels;
} expected[] = {
    [S1_VISION_TILES] = { { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 }, 0, 0, 0, 0 },
    [S1_VISION_PATCHES] = { { 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5 }, 65536, 16777216, 4096, 25165824 },
};

/* A whole number that does not fit an int32_t. */
static int64_t read_count(s1_settings *s, const char *key, int64_t fallback)
{
    s1_json value = s1_settings_value(s, key);
    int64_t number;

    if (!value.kind)
        return fallback;
    if (s1_json_int(value, &number) && number >= 1 && number <= MAX_PIXELS)
        return number;
    s1_settings_refuse(s, INS1_E_FORMAT, key, "a whole number from 1 to 2^40");
    return fallback;
}

/* A side, or a pair of them: rows and columns. */
static void read_sides(s1_settings *s, const char *key, int64_t fallback, int32_t out[2])
{
    s1_json value = s1_settings_value(s, key), none, element;
    int64_t number;
    int n = 0;

    if (value.kind != S1_JSON_ARRAY) {
        out[0] = out[1] = s1_settings_int(s, key, fallback, 1, MAX_SIDE);
        return;
    }
    s1_json_walk walk = s1_json_begin(value);
    while (s1_json_next(&walk, &none, &element)) {
        if (n < 2 && s1_json_int(element, &number) && number >= 1 && number <= MAX_SIDE)
            out[n] = (int32_t)number;
        else
            s1_settings_refuse(s, INS1_E_FORMAT, key, "a side or a pair of sides, at most 2^14");
        n++;
    }
    if (n != 2)
        s1_settings_refuse(s, INS1_E_FORMAT, key, "a side or a pair of sides");
}

/* Three numbers, one a channel; a single one counts for all. */
static void read_channels(s1_settings *s, const char *key, const double fallback[3], double low,
                          double out[3])
{
    s1_json value = s1_settings_value(s, key), none, element = value;
    int n = 0;

    memcpy(out, fallback, 3 * sizeof(*out));
    if (!value.kind)
        return;
    s1_json_walk walk = s1_json_begin(value);
    while (value.kind != S1_JSON_ARRAY || s1_json_next(&walk, &none, &element)) {
        double number;
        if (n >= 3 || !s1_json_double(element, &number) || number < low || number > 1e6) {
            s1_settings_refuse(s, INS1_E_FORMAT, key, "three numbers, one for each channel");
            return;
        }
        out[n++] = number;
        if (value.kind != S1_JSON_ARRAY)
            break;
    }
    if (value.kind != S1_JSON_ARRAY)
        out[1] = out[2] = out[0];
    else if (n != 3)
        s1_settings_refuse(s, INS1_E_FORMAT, key, "three numbers, one for each channel");
}

static void must_be_true(s1_settings *s, const char *key)
{
    if (!s1_settings_bool(s, key, true))
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, key, "true");
}

static void must_be_false(s1_settings *s, const char *key)
{
    if (s1_settings_bool(s, key, false))
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, key, "false");
}

/* What images and videos have in common: every pixel is resized, then p / 255, then (x - mean) /
 * std, which the reference fuses. */
static void read_scale(s1_settings *s, s1_vision_kind kind, s1_vision_scale *out)
{
    double mean[3], std[3];

    must_be_true(s, "do_resize");
    must_be_true(s, "do_rescale");
    must_be_true(s, "do_normalize");
    must_be_true(s, "do_convert_rgb");
    must_be_false(s, "do_center_crop");
    must_be_false(s, "do_pad");
    if (s1_settings_int(s, "resample", BICUBIC, INT32_MIN, INT32_MAX) != BICUBIC)
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "resample", "3 (bicubic)");
    double factor = s1_settings_double(s, "rescale_factor", 1.0 / 255, 1e-6, 1);
    read_channels(s, "image_mean", expected[kind].mean, -1e6, mean);
    read_channels(s, "image_std", expected[kind].std, 1e-6, std);
    for (int c = 0; c < 3; c++) {
        out->mean[c] = (float)mean[c] * (float)(1 / factor);
        out->std[c] = (float)std[c] * (float)(1 / factor);
    }
}

/* A member that another file has already decided. */
static void must_agree(s1_settings *s, const char *key, int32_t value)
{
    char text[64];

    if (s1_settings_int(s, key, value, INT32_MIN, INT32_MAX) == value)
        return;
    snprintf(text, sizeof(text), "%d as in " CONFIG_FILE, value);
    s1_settings_refuse(s, INS1_E_FORMAT, key, text);
}

static void must_be_class(s1_settings *s, const char *key, const char *one, const char *other)
{
    s1_json value = s1_settings_value(s, key);
    char text[80], fast[2][64];

    if (!value.kind || s1_json_is(value, one) || s1_json_is(value, other))
        return;
    snprintf(fast[0], sizeof(fast[0]), "%sFast", one);
    snprintf(fast[1], sizeof(fast[1]), "%sFast", other);
    if (s1_json_is(value, fast[0]) || s1_json_is(value, fast[1]))
        return;
    snprintf(text, sizeof(text), "%s", one);
    s1_settings_refuse(s, INS1_E_UNSUPPORTED, key, text);
}

/* --- tiles --- */

static void read_tile(s1_vision_processor *out, s1_settings *vision, s1_settings *root)
{
    int32_t patch[2] = { 1, 1 }, size[2] = { 1, 1 };

    read_sides(vision, "image_size", 448, size);
    read_sides(vision, "patch_size", 14, patch);
    double ratio = s1_settings_double(root, "downsample_ratio", 0.5, 1.0 / 64, 1);
    int32_t merge = (int32_t)floor(1 / ratio);
    if (merge * ratio != 1)
        s1_settings_refuse(root, INS1_E_UNSUPPORTED, "downsample_ratio", "one over a whole number");
    if (vision->status != INS1_OK || root->status != INS1_OK)
        return;
    for (int i = 0; i < 2; i++)
        if (size[i] % (patch[i] * merge))
            s1_settings_refuse(vision, INS1_E_FORMAT, "image_size",
                               "a multiple of the patches of a token");
    out->tile_height = size[0];
    out->tile_width = size[1];
    out->tokens_per_tile = size[0] / (patch[0] * merge) * (size[1] / (patch[1] * merge));
}

/* The size that a processor resizes to is the tower's. */
static void check_tile_size(const s1_vision_processor *p, s1_settings *s)
{
    s1_settings size = { s1_settings_value(s, "size"), s->where, s->error, s->status };

    if (!size.object.kind)
        return;
    if (size.object.kind != S1_JSON_OBJECT)
        s1_settings_refuse(s, INS1_E_FORMAT, "size", "an object of height and width");
    must_agree(&size, "height", p->tile_height);
    must_agree(&size, "width", p->tile_width);
    if (s->status == INS1_OK)
        s->status = size.status;
}

static void read_tiles(s1_vision_processor *out, s1_settings *image, s1_settings *video)
{
    must_be_class(image, "image_processor_type", "GotOcr2ImageProcessor", "InternVLImageProcessor");
    check_tile_size(out, image);
    out->min_tiles = s1_settings_int(image, "min_patches", 1, 1, MAX_TILES);
    out->max_tiles = s1_settings_int(image, "max_patches", 12, 1, MAX_TILES);
    if (out->min_tiles > out->max_tiles)
        s1_settings_refuse(image, INS1_E_FORMAT, "min_patches", "at most max_patches");

    must_be_class(video, "video_processor_type", "InternVLVideoProcessor",
                  "InternS1VideoProcessor");
    check_tile_size(out, video);
    if (s1_settings_value(video, "initial_shift").kind)
        must_be_true(video, "initial_shift");
    out->sampling = (s1_vision_sampling){
        .samples = s1_settings_bool(video, "do_sample_frames", false),
        .fps = s1_settings_double(video, "fps", 0, 0, 1e6),
        .n_frames = s1_settings_int(video, "num_frames", 0, 1, 1 << 20),
    };
}

/* --- patches --- */

/* The limits of an area or of a volume; the members of older files count first, as in the
 * reference. */
static void read_limits(s1_settings *s, int64_t *low, int64_t *high)
{
    s1_settings size = { s1_settings_value(s, "size"), s->where, s->error, s->status };

    if (size.object.kind && size.object.kind != S1_JSON_OBJECT)
        s1_settings_refuse(s, INS1_E_FORMAT, "size", "an object of shortest_edge and longest_edge");
    *low = read_count(&size, "shortest_edge", *low);
    *high = read_count(&size, "longest_edge", *high);
    if (s->status == INS1_OK)
        s->status = size.status;
    *low = read_count(s, "min_pixels", *low);
    *high = read_count(s, "max_pixels", *high);
    if (*low > *high)
        s1_settings_refuse(s, INS1_E_FORMAT, "size", "a shortest_edge of at most longest_edge");
}

static void check_patch(const s1_vision_processor *p, s1_settings *s)
{
    must_agree(s, "patch_size", p->patch);
    must_agree(s, "temporal_patch_size", p->temporal);
    must_agree(s, "merge_size", p->merge);
}

static void read_patches(s1_vision_processor *out, s1_settings *image, s1_settings *video)
{
    out->min_pixels = expected[S1_VISION_PATCHES].min_pixels;
    out->max_pixels = expected[S1_VISION_PATCHES].max_pixels;
    out->video_min_pixels = expected[S1_VISION_PATCHES].video_min_pixels;
    out->video_max_pixels = expected[S1_VISION_PATCHES].video_max_pixels;

    must_be_class(image, "image_processor_type", "Qwen2VLImageProcessor",
                  "InternS1ProImageProcessor");
    check_patch(out, image);
    read_limits(image, &out->min_pixels, &out->max_pixels);

    must_be_class(video, "video_processor_type", "Qwen3VLVideoProcessor",
                  "InternS1ProVideoProcessor");
    check_patch(out, video);
    read_limits(video, &out->video_min_pixels, &out->video_max_pixels);
    must_be_false(video, "cap_pixels_per_frame");
    out->sampling = (s1_vision_sampling){
        .samples = s1_settings_bool(video, "do_sample_frames", true),
        .fps = s1_settings_double(video, "fps", 2, 1e-6, 1e6),
        .n_frames = s1_settings_int(video, "num_frames", 0, 1, 1 << 20),
        .min_frames = s1_settings_int(video, "min_frames", 4, 1, 1 << 20),
        .max_frames = s1_settings_int(video, "max_frames", 768, 1, 1 << 20),
    };
    if (out->sampling.min_frames > out->sampling.max_frames)
        s1_settings_refuse(video, INS1_E_FORMAT, "min_frames", "at most max_frames");
}

/* --- both --- */

static s1_vision_kind find_kind(s1_json vision)
{
    static const struct {
        const char *model_type;
        s1_vision_kind kind;
    } kinds[] = {
        { "interns1_vision", S1_VISION_TILES },     { "internvl_vision", S1_VISION_TILES },
        { "intern_vit_6b", S1_VISION_TILES },       { "interns1_pro_vision", S1_VISION_PATCHES },
        { "interns1_1_vision", S1_VISION_PATCHES },
    };
    s1_json type = s1_json_get(vision, "model_type");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (s1_json_is(type, kinds[i].model_type))
            return kinds[i].kind;
    if (type.kind && type.kind != S1_JSON_NULL)
        return 0;
    return s1_json_get(vision, "depth").kind ? S1_VISION_PATCHES : S1_VISION_TILES;
}

ins1_status s1_processor_read(s1_vision_processor *out, s1_json config, s1_json image,
                              s1_json video, ins1_error *error)
{
    s1_settings root = { config, CONFIG_FILE, error, INS1_OK };
    s1_settings vision = { s1_settings_value(&root, "vision_config"), CONFIG_FILE "/vision_config",
                           error, INS1_OK };
    s1_settings settings[] = {
        { image, IMAGE_FILE, error, INS1_OK },
        { video, VIDEO_FILE, error, INS1_OK },
    };

    *out = (s1_vision_processor){ 0 };
    if (vision.object.kind != S1_JSON_OBJECT)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       CONFIG_FILE ": vision_config is missing, the checkpoint takes no images");
    for (int i = 0; i < 2; i++)
        if (settings[i].object.kind && settings[i].object.kind != S1_JSON_OBJECT)
            return s1_fail(error, INS1_E_FORMAT, "%s is no JSON object", settings[i].where);
    out->kind = find_kind(vision.object);
    if (!out->kind) {
        s1_settings_refuse(&vision, INS1_E_UNSUPPORTED, "model_type",
                           "a vision encoder of the family");
        return vision.status;
    }
    if (out->kind == S1_VISION_TILES) {
        read_tile(out, &vision, &root);
    } else {
        out->patch = s1_settings_int(&vision, "patch_size", 16, 1, MAX_SIDE / 64);
        out->temporal = s1_settings_int(&vision, "temporal_patch_size", 2, 1, 16);
        out->merge = s1_settings_int(&vision, "spatial_merge_size", 2, 1, 16);
    }
    if (root.status != INS1_OK || vision.status != INS1_OK)
        return root.status != INS1_OK ? root.status : vision.status;

    read_scale(&settings[0], out->kind, &out->image);
    read_scale(&settings[1], out->kind, &out->video);
    if (out->kind == S1_VISION_TILES)
        read_tiles(out, &settings[0], &settings[1]);
    else
        read_patches(out, &settings[0], &settings[1]);
    return settings[0].status != INS1_OK ? settings[0].status : settings[1].status;
}
