#include "frame.h"

#include <inttypes.h>
#include <string.h>

/* Each scan of a progressive JPEG walks over the whole image, however few bytes it has. */
enum { MAX_SCANS = 100 };

bool s1_io_is_png(const s1_io_bytes *file)
{
    return file->size >= 8 && memcmp(file->data, "\x89PNG\r\n\x1A\n", 8) == 0;
}

bool s1_io_is_jpeg(const s1_io_bytes *file)
{
    return file->size >= 3 && memcmp(file->data, "\xFF\xD8\xFF", 3) == 0;
}

/* The orientation in EXIF's TIFF directory; 1, as it lies, when it says nothing that makes sense.
 */
static int orientation_of(const uint8_t *b, size_t size)
{
    bool is_big = size >= 8 && memcmp(b, "MM\0*", 4) == 0;
    if (!is_big && (size < 8 || memcmp(b, "II*\0", 4) != 0))
        return 1;
    uint32_t at = is_big ? s1_io_u32be(b + 4) : s1_io_u32le(b + 4);
    if (at > size - 2)
        return 1;
    uint32_t n = is_big ? s1_io_u16be(b + at) : s1_io_u16le(b + at);
    size_t left = size - at - 2;
    const uint8_t *entry = b + at + 2;
    for (; n && left >= 12; n--, entry += 12, left -= 12) {
        uint32_t tag = is_big ? s1_io_u16be(entry) : s1_io_u16le(entry);
        uint32_t type = is_big ? s1_io_u16be(entry + 2) : s1_io_u16le(entry + 2);
        uint32_t value = is_big ? s1_io_u16be(entry + 8) : s1_io_u16le(entry + 8);
        if (tag == 0x112)
            return type == 3 && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* CRC-32, four bits at a time. */
static uint32_t checksum(const uint8_t *b, size_t size)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < size; i++) {
        crc ^= b[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

ins1_status s1_io_frame_png(s1_io_frame *out, const s1_io_job *job, const s1_io_bytes *file)
{
    const uint8_t *at = file->data + 8;
    size_t left = file->size - 8;

    *out = (s1_io_frame){ .orientation = 1 };
    while (left >= 12) {
        uint32_t size = s1_io_u32be(at);
        const uint8_t *body = at + 8;
        bool is_first = at == file->data + 8;
        if (size > left - 12)
            return s1_io_fail(job->error, INS1_E_FORMAT,
                              "%s: chunk of %" PRIu32 " bytes, %zu are left", file->name, size,
                              left - 12);
        if (checksum(at + 4, (size_t)size + 4) != s1_io_u32be(body + size))
            return s1_io_fail(job->error, INS1_E_FORMAT,
                              "%s: the checksum of the chunk at byte %zu is wrong", file->name,
                              (size_t)(at - file->data));
        if (is_first && (size != 13 || memcmp(at + 4, "IHDR", 4) != 0))
            return s1_io_fail(job->error, INS1_E_FORMAT, "%s: the first chunk is not IHDR",
                              file->name);
        if (is_first) {
            out->width = s1_io_u32be(body);
            out->height = s1_io_u32be(body + 4);
        }
        if (memcmp(at + 4, "eXIf", 4) == 0)
            out->orientation = orientation_of(body, size);
        if (memcmp(at + 4, "IEND", 4) == 0)
            return INS1_OK;
        at += 12 + (size_t)size;
        left -= 12 + (size_t)size;
    }
    return s1_io_fail(job->error, INS1_E_FORMAT, "%s ends before its chunk IEND", file->name);
}

/* A JPEG on the way. */
typedef struct walk {
    s1_io_frame *out;
    const s1_io_job *job;
    const char *name;
    int n_components; /* 0 before the frame's header */
    int n_scans;
    bool is_adobe;
} walk;

static ins1_status read_frame_header(walk *w, int marker, const uint8_t *b, size_t size)
{
    if (marker > 0xC2)
        return s1_io_fail(w->job->error, INS1_E_UNSUPPORTED,
                          "%s: JPEG of kind SOF%d; baseline and progressive are read", w->name,
                          marker - 0xC0);
    if (size < 6 || w->n_components)
        return s1_io_fail(w->job->error, INS1_E_FORMAT, "%s: %s", w->name,
                          size < 6 ? "a header that is too short" : "two frames in one image");
    if (b[0] != 8)
        return s1_io_fail(w->job->error, INS1_E_UNSUPPORTED, "%s: JPEG of %d bits, 8 are read",
                          w->name, b[0]);
    w->out->height = s1_io_u16be(b + 1);
    w->out->width = s1_io_u16be(b + 3);
    w->n_components = b[5];
    if (w->n_components != 1 && w->n_components != 3 && w->n_components != 4)
        return s1_io_fail(w->job->error, INS1_E_UNSUPPORTED, "%s: JPEG of %d components", w->name,
                          w->n_components);
    return INS1_OK;
}

/* A table of codes has at most 256: stb_image believes the sixteen counts. */
static ins1_status read_codes(const walk *w, const uint8_t *b, size_t size)
{
    while (size >= 17) {
        size_t n = 0;
        for (int i = 1; i <= 16; i++)
            n += b[i];
        if (n > 256 || n > size - 17)
            return s1_io_fail(w->job->error, INS1_E_FORMAT,
                              "%s: table of %zu codes, %zu bytes are left", w->name, n, size - 17);
        b += 17 + n;
        size -= 17 + n;
    }
    return size ? s1_io_fail(w->job->error, INS1_E_FORMAT,
                             "%s: %zu bytes behind the last table of codes", w->name, size)
                : INS1_OK;
}

static ins1_status read_segment(walk *w, int marker, const uint8_t *b, size_t size)
{
    bool is_frame =
        marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (is_frame)
        return read_frame_header(w, marker, b, size);
    if (marker == 0xC4)
        return read_codes(w, b, size);
    if (marker == 0xCC)
        return s1_io_fail(w->job->error, INS1_E_UNSUPPORTED, "%s: JPEG with arithmetic coding",
                          w->name);
    if (marker == 0xE1 && size >= 6 && memcmp(b, "Exif\0", 6) == 0)
        w->out->orientation = orientation_of(b + 6, size - 6);
    if (marker == 0xEE && size >= 12 && memcmp(b, "Adobe", 5) == 0)
        w->is_adobe = true;
    if (marker == 0xDA && ++w->n_scans > MAX_SCANS)
        return s1_io_fail(w->job->error, INS1_E_UNSUPPORTED, "%s: JPEG of more than %d scans",
                          w->name, MAX_SCANS);
    return INS1_OK;
}

/* Behind coded data: the next marker that is neither a stuffed zero nor a restart. */
static size_t skip_coded(const s1_io_bytes *file, size_t at)
{
    while (at < file->size) {
        const uint8_t *found = memchr(file->data + at, 0xFF, file->size - at);
        if (!found)
            return file->size;
        at = (size_t)(found - file->data);
        if (file->size - at < 2)
            return file->size;
        int next = found[1];
        if (next != 0 && next != 0xFF && (next < 0xD0 || next > 0xD7))
            return at;
        at += next == 0xFF ? 1 : 2;
    }
    return at;
}

static ins1_status finish(const walk *w)
{
    if (!w->n_components || !w->n_scans)
        return s1_io_fail(w->job->error, INS1_E_FORMAT, "%s: JPEG without a %s", w->name,
                          w->n_components ? "scan" : "frame");
    if (w->n_components == 4 && !w->is_adobe)
        return s1_io_fail(w->job->error, INS1_E_UNSUPPORTED,
                          "%s: JPEG of 4 components that does not say what they mean", w->name);
    return INS1_OK;
}

ins1_status s1_io_frame_jpeg(s1_io_frame *out, const s1_io_job *job, const s1_io_bytes *file)
{
    walk w = { .out = out, .job = job, .name = file->name };
    size_t at = 2;

    *out = (s1_io_frame){ .orientation = 1 };
    while (file->size - at >= 2) {
        int marker = file->data[at + 1];
        if (file->data[at] != 0xFF)
            return s1_io_fail(job->error, INS1_E_FORMAT, "%s: no marker at byte %zu", file->name,
                              at);
        if (marker == 0xFF) { /* fill */
            at++;
            continue;
        }
        at += 2;
        if (marker == 0xD9)
            return finish(&w);
        if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8))
            continue;
        size_t size = file->size - at >= 2 ? s1_io_u16be(file->data + at) : 0;
        if (size < 2 || size > file->size - at)
            return s1_io_fail(job->error, INS1_E_FORMAT,
                              "%s: segment of %zu bytes at byte %zu, %zu are left", file->name,
                              size, at, file->size - at);
        ins1_status status = read_segment(&w, marker, file->data + at + 2, size - 2);
        if (status != INS1_OK)
            return status;
        at += size;
        if (marker == 0xDA)
            at = skip_coded(file, at);
    }
    return s1_io_fail(job->error, INS1_E_FORMAT, "%s ends before its end marker", file->name);
}
