#include "interns1/io.h"

#include "unit/meter.h"

#include <check.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ins1_error error;
static ins1_call call;
static ins1_runtime *runtime;

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    ck_assert_int_eq(ins1_runtime_create(&runtime, NULL, NULL), INS1_OK);
}

static void teardown(void)
{
    ins1_runtime_release(runtime);
}

/* 2 x 2 RGB; 1 x 2 RGBA of 16 bits; 3 x 1 with a palette of 2 bits; 2 x 1 grey, turned by EXIF;
 * 2^31 - 1 pixels each way; 8 x 8 grey JPEG; the same with 4 components of no known meaning. */
static const uint8_t rgb_png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x08, 0x02, 0x00, 0x00, 0x00, 0xfd, 0xd4, 0x9a,
    0x73, 0x00, 0x00, 0x00, 0x16, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0x60, 0x64, 0x62,
    0x66, 0x61, 0x65, 0x60, 0x63, 0xe7, 0xe0, 0xe4, 0xe2, 0x06, 0x00, 0x01, 0x3b, 0x00, 0x43, 0xc2,
    0x5d, 0xd5, 0x4b, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82
};
static const uint8_t rgba16_png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
    0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02, 0x10, 0x06, 0x00, 0x00,
    0x00, 0xc9, 0x11, 0x6a, 0x64, 0x00, 0x00, 0x00, 0x1a, 0x49, 0x44, 0x41, 0x54, 0x78,
    0x9c, 0x63, 0x60, 0x60, 0x64, 0x62, 0x66, 0x61, 0x65, 0x63, 0x67, 0xe0, 0xe0, 0xe4,
    0xe2, 0xe6, 0xe1, 0xe5, 0xe3, 0x07, 0x00, 0x02, 0xd6, 0x00, 0x79, 0xd7, 0x8e, 0xa8,
    0xff, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82
};
static const uint8_t palette_png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
    0x52, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x02, 0x03, 0x00, 0x00, 0x00, 0x66,
    0x8e, 0xfc, 0x27, 0x00, 0x00, 0x00, 0x09, 0x50, 0x4c, 0x54, 0x45, 0x00, 0x01, 0x02, 0x03,
    0x04, 0x05, 0x06, 0x07, 0x08, 0xd9, 0x8b, 0xbe, 0x6c, 0x00, 0x00, 0x00, 0x01, 0x74, 0x52,
    0x4e, 0x53, 0x00, 0x40, 0xe6, 0xd8, 0x66, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54,
    0x78, 0x9c, 0x63, 0x90, 0x00, 0x00, 0x00, 0x1a, 0x00, 0x19, 0x2d, 0x88, 0xf4, 0x36, 0x00,
    0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82
};
static const uint8_t turned_png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0xd1, 0x49, 0x20,
    0x56, 0x00, 0x00, 0x00, 0x1a, 0x65, 0x58, 0x49, 0x66, 0x4d, 0x4d, 0x00, 0x2a, 0x00, 0x00, 0x00,
    0x08, 0x00, 0x01, 0x01, 0x12, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x00, 0x06, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xd6, 0x67, 0x4b, 0x69, 0x00, 0x00, 0x00, 0x0b, 0x49, 0x44, 0x41, 0x54, 0x78,
    0x9c, 0x63, 0x60, 0x64, 0x02, 0x00, 0x00, 0x07, 0x00, 0x04, 0x76, 0x49, 0xe3, 0x28, 0x00, 0x00,
    0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82
};
static const uint8_t large_png[] = { 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00,
                                     0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x7f, 0xff, 0xff, 0xff,
                                     0x7f, 0xff, 0xff, 0xff, 0x08, 0x02, 0x00, 0x00, 0x00, 0x9b,
                                     0xab, 0x9c, 0x31, 0x00, 0x00, 0x00, 0x00, 0x49, 0x44, 0x41,
                                     0x54, 0x35, 0xaf, 0x06, 0x1e, 0x00, 0x00, 0x00, 0x00, 0x49,
                                     0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82 };
static const uint8_t grey_jpg[] = {
    0xff, 0xd8, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08,
    0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08,
    0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08,
    0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08,
    0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0xff, 0xc0, 0x00, 0x0b, 0x08, 0x00, 0x08, 0x00, 0x08,
    0x01, 0x01, 0x11, 0x00, 0xff, 0xc4, 0x00, 0x1f, 0x00, 0x00, 0x01, 0x05, 0x01, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
    0x07, 0x08, 0x09, 0x0a, 0x0b, 0xff, 0xc4, 0x00, 0x14, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xda, 0x00, 0x08, 0x01,
    0x01, 0x00, 0x00, 0x3f, 0x00, 0xc7, 0x3f, 0xff, 0xd9
};
static const uint8_t four_jpg[] = {
    0xff, 0xd8, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08,
    0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08,
    0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08,
    0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08,
    0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0xff, 0xc0, 0x00, 0x14, 0x08, 0x00, 0x08, 0x00, 0x08,
    0x04, 0x01, 0x11, 0x00, 0x02, 0x11, 0x00, 0x03, 0x11, 0x00, 0x04, 0x11, 0x00, 0xff, 0xc4, 0x00,
    0x1f, 0x00, 0x00, 0x01, 0x05, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0xff, 0xc4,
    0x00, 0x14, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0xff, 0xda, 0x00, 0x0e, 0x04, 0x01, 0x00, 0x02, 0x00, 0x03, 0x00, 0x04,
    0x00, 0x00, 0x3f, 0x00, 0x00, 0xff, 0xd9
};

static ins1_status open_bytes(ins1_io_image **image, const void *data, size_t size,
                              const ins1_io_options *options)
{
    const ins1_file file = {
        .struct_size = sizeof(file), .name = "picture", .data = data, .size = size
    };
    return ins1_io_image_open(image, runtime, &file, options, &call);
}

static ins1_status open_shared(ins1_io_image **image, const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/images/%s", TEST_DATA, name);
    const ins1_file file = { .struct_size = sizeof(file), .path = path };
    return ins1_io_image_open(image, runtime, &file, NULL, &call);
}

static const uint8_t *pixel(const ins1_image *image, int x, int y)
{
    return (const uint8_t *)image->pixels + x * image->pixel_stride + y * image->row_stride;
}

#define CASE(bytes) #bytes, bytes, sizeof(bytes)

static const struct {
    const char *what;
    const uint8_t *data;
    size_t size;
    int width, height;
    uint8_t pixels[12];
} cases[] = {
    { CASE(rgb_png), 2, 2, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } },
    { CASE(rgba16_png), 1, 2, { 0, 2, 4, 8, 10, 12 } },
    { CASE(palette_png), 3, 1, { 0, 1, 2, 3, 4, 5, 6, 7, 8 } },
    { CASE(turned_png), 1, 2, { 1, 1, 1, 2, 2, 2 } },
};

START_TEST(pixels_come_out_as_rgb_without_alpha)
{
    ins1_image view = INS1_INIT(ins1_image);
    ins1_io_image *image;

    ins1_status status = open_bytes(&image, cases[_i].data, cases[_i].size, NULL);
    ck_assert_msg(status == INS1_OK, "%s: %s", cases[_i].what, error.text);
    ck_assert_int_eq(ins1_io_image_get(image, &view, &call), INS1_OK);
    ck_assert_int_eq(view.format, INS1_PIXEL_RGB8);
    ck_assert_int_eq(view.width, cases[_i].width);
    ck_assert_int_eq(view.height, cases[_i].height);
    for (int y = 0; y < view.height; y++)
        for (int x = 0; x < view.width; x++)
            ck_assert_mem_eq(pixel(&view, x, y), cases[_i].pixels + 3 * (y * view.width + x), 3);
    ins1_io_image_release(image);
}
END_TEST

START_TEST(every_cut_of_a_file_is_refused)
{
    ins1_io_image *image;
    for (size_t n = 0; n < sizeof(rgb_png); n++)
        ck_assert_int_lt(open_bytes(&image, rgb_png, n, NULL), INS1_OK);
    for (size_t n = 0; n < sizeof(grey_jpg); n++)
        ck_assert_int_lt(open_bytes(&image, grey_jpg, n, NULL), INS1_OK);
    ck_assert_int_eq(open_bytes(&image, grey_jpg, sizeof(grey_jpg), NULL), INS1_OK);
    ins1_io_image_release(image);
}
END_TEST

START_TEST(a_wrong_checksum_is_refused)
{
    uint8_t copy[sizeof(rgb_png)];
    ins1_io_image *image;
    memcpy(copy, rgb_png, sizeof(copy));
    copy[sizeof(copy) - 20] ^= 1; /* within the checksum of the chunk before the last */
    ck_assert_int_eq(open_bytes(&image, copy, sizeof(copy), NULL), INS1_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "picture"));
    ck_assert_ptr_null(image);
}
END_TEST

START_TEST(limits_are_compared_before_decoding)
{
    ins1_io_options options = INS1_INIT(ins1_io_options);
    ins1_io_image *image;

    ck_assert_int_eq(open_bytes(&image, large_png, sizeof(large_png), NULL), INS1_E_BUDGET);
    options.max_pixels = 3;
    ck_assert_int_eq(open_bytes(&image, rgb_png, sizeof(rgb_png), &options), INS1_E_BUDGET);
    options.max_pixels = 4;
    ck_assert_int_eq(open_bytes(&image, rgb_png, sizeof(rgb_png), &options), INS1_OK);
    ins1_io_image_release(image);
    options.max_bytes = sizeof(rgb_png) - 1;
    ck_assert_int_eq(open_bytes(&image, rgb_png, sizeof(rgb_png), &options), INS1_E_BUDGET);
}
END_TEST

START_TEST(what_is_not_read_says_so)
{
    ins1_io_image *image;
    ck_assert_int_eq(open_bytes(&image, "GIF89a..", 8, NULL), INS1_E_UNSUPPORTED);
    ck_assert_int_eq(open_bytes(&image, four_jpg, sizeof(four_jpg), NULL), INS1_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "4 components"));
}
END_TEST

/* EXIF's eight numbers, put into the JPEG; the pixels stay where they are and the strides turn. */
START_TEST(each_orientation_is_applied)
{
    ins1_image view = INS1_INIT(ins1_image);
    uint8_t jpg[sizeof(grey_jpg) + 36];
    static const uint8_t app[] = { 0xFF, 0xE1, 0, 34, 'E', 'x', 'i',  'f', 0, 0, 'I', 'I', '*', 0,
                                   8,    0,    0, 0,  1,   0,   0x12, 1,   3, 0, 1,   0,   0,   0 };
    ins1_io_image *image;

    memset(jpg, 0, sizeof(jpg));
    memcpy(jpg, grey_jpg, 2);
    memcpy(jpg + 2, app, sizeof(app));
    jpg[2 + sizeof(app)] = (uint8_t)(_i + 1);
    memcpy(jpg + 38, grey_jpg + 2, sizeof(grey_jpg) - 2);
    ck_assert_int_eq(open_bytes(&image, jpg, sizeof(jpg), NULL), INS1_OK);
    ck_assert_int_eq(ins1_io_image_get(image, &view, &call), INS1_OK);
    ck_assert_int_eq(labs(view.pixel_stride), _i < 4 ? 3 : 24);
    ck_assert_int_eq(labs(view.row_stride), _i < 4 ? 24 : 3);
    /* The corner that EXIF calls top left, by number. */
    static const int corner[][2] = { { 0, 0 }, { 7, 0 }, { 7, 7 }, { 0, 7 },
                                     { 0, 0 }, { 0, 7 }, { 7, 7 }, { 7, 0 } };
    const uint8_t *least = pixel(&view, view.pixel_stride < 0 ? 7 : 0, view.row_stride < 0 ? 7 : 0);
    ck_assert_int_eq(pixel(&view, 0, 0) - least, corner[_i][0] * 3 + corner[_i][1] * 24);
    ins1_io_image_release(image);
}
END_TEST

START_TEST(memory_that_runs_out_is_given_back)
{
    meter m;
    ins1_allocator memory = meter_source(&m);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    const ins1_file file = { .struct_size = sizeof(file),
                             .data = rgba16_png,
                             .size = sizeof(rgba16_png) };
    ins1_runtime *small;
    ins1_io_image *image = NULL;
    int n = 0;

    options.allocator = &memory;
    ck_assert_int_eq(ins1_runtime_create(&small, &options, NULL), INS1_OK);
    long long before = atomic_load(&m.live);
    for (ins1_status status = INS1_E_MEMORY; status != INS1_OK; n++) {
        ck_assert_int_lt(n, 100);
        atomic_store(&m.until_refusal, n);
        status = ins1_io_image_open(&image, small, &file, NULL, &call);
        ck_assert_msg(status == INS1_OK || status == INS1_E_MEMORY, "%s", error.text);
        if (status != INS1_OK)
            ck_assert_int_eq(atomic_load(&m.live), before);
    }
    ck_assert_int_gt(n, 4);
    ins1_io_image_release(image);
    ck_assert_int_eq(atomic_load(&m.live), before);
    ins1_runtime_release(small);
}
END_TEST

/* Opens every file of a folder; what each answers goes to `is_right`. */
static int each_file(const char *folder, bool is_right(const char *name, ins1_status status))
{
    char path[1024], name[600];
    int n = 0;
    snprintf(path, sizeof(path), "%s/images/%s", TEST_DATA, folder);
    DIR *entries = opendir(path);
    ck_assert_ptr_nonnull(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        ins1_io_image *image;
        if (!strstr(entry->d_name, ".png"))
            continue;
        snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
        ins1_status status = open_shared(&image, name);
        ck_assert_msg(is_right(entry->d_name, status), "%s: %s, %s", name, ins1_status_name(status),
                      status ? error.text : "");
        ins1_io_image_release(image);
        n++;
    }
    closedir(entries);
    return n;
}

static bool is_read(const char *name, ins1_status status)
{
    (void)name;
    return status == INS1_OK;
}

static bool is_refused(const char *name, ins1_status status)
{
    (void)name;
    return status == INS1_E_FORMAT || status == INS1_E_UNSUPPORTED;
}

START_TEST(the_png_suite_is_read_and_its_corrupt_files_are_refused)
{
    if (!*TEST_DATA) {
        printf("skipped: the PNG suite needs test_data\n");
        return;
    }
    ck_assert_int_gt(each_file("pngsuite/primary", is_read), 50);
    ck_assert_int_gt(each_file("pngsuite/16bit", is_read), 20);
    ck_assert_int_gt(each_file("pngsuite/corrupt", is_refused), 10);
}
END_TEST

START_TEST(interlaced_images_are_the_same_images)
{
    static const char *const names[] = { "0g01", "0g02", "0g04", "0g08", "2c08",
                                         "3p01", "3p02", "3p04", "3p08", "6a08" };
    char name[64];
    if (!*TEST_DATA) {
        printf("skipped: interlaced images need test_data\n");
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        ins1_image views[2] = { INS1_INIT(ins1_image), INS1_INIT(ins1_image) };
        ins1_io_image *images[2];
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof(name), "pngsuite/primary/bas%c%s.png", k ? 'n' : 'i', names[i]);
            ck_assert_int_eq(open_shared(&images[k], name), INS1_OK);
            ck_assert_int_eq(ins1_io_image_get(images[k], &views[k], &call), INS1_OK);
        }
        ck_assert_mem_eq(views[0].pixels, views[1].pixels, 32 * 32 * 3);
        ins1_io_image_release(images[0]);
        ins1_io_image_release(images[1]);
    }
}
END_TEST

/* The samples of a binary PPM or PGM below `images`, behind a header of three numbers. */
static uint8_t *read_pnm(const char *name, size_t size)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/images/%s", TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(size);
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_eq(fseek(file, -(long)size, SEEK_END), 0);
    ck_assert_uint_eq(fread(bytes, 1, size, file), size);
    (void)fclose(file);
    return bytes;
}

START_TEST(a_jpeg_is_within_three_levels_of_another_decoder)
{
    ins1_image view = INS1_INIT(ins1_image);
    ins1_io_image *image;
    int most = 0;

    if (!*TEST_DATA) {
        printf("skipped: a JPEG beside its pixels needs test_data\n");
        return;
    }
    ck_assert_int_eq(open_shared(&image, "libjpeg-turbo/testimages/testorig.jpg"), INS1_OK);
    ck_assert_int_eq(ins1_io_image_get(image, &view, &call), INS1_OK);
    size_t size = (size_t)view.width * (size_t)view.height * 3;
    uint8_t *expected = read_pnm("libjpeg-turbo/testimages/testorig.ppm", size);
    for (size_t i = 0; i < size; i++) {
        int off = abs(((const uint8_t *)view.pixels)[i] - expected[i]);
        most = off > most ? off : most;
    }
    ck_assert_int_le(most, 3);
    free(expected);
    ins1_io_image_release(image);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_image");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    ins1_io_image *image;

    setup();
    if (open_bytes(&image, rgb_png, sizeof(rgb_png), NULL) == INS1_E_UNSUPPORTED) {
        printf("skipped: %s\n", error.text);
        teardown();
        srunner_free(runner);
        return 77;
    }
    ins1_io_image_release(image);
    teardown();
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, pixels_come_out_as_rgb_without_alpha, 0,
                        sizeof(cases) / sizeof(*cases));
    tcase_add_test(tests, every_cut_of_a_file_is_refused);
    tcase_add_test(tests, a_wrong_checksum_is_refused);
    tcase_add_test(tests, limits_are_compared_before_decoding);
    tcase_add_test(tests, what_is_not_read_says_so);
    tcase_add_loop_test(tests, each_orientation_is_applied, 0, 8);
    tcase_add_test(tests, memory_that_runs_out_is_given_back);
    tcase_add_test(tests, the_png_suite_is_read_and_its_corrupt_files_are_refused);
    tcase_add_test(tests, interlaced_images_are_the_same_images);
    tcase_add_test(tests, a_jpeg_is_within_three_levels_of_another_decoder);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
