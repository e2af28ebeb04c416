#include "format/safetensors.h"

#include "base/checked.h"
#include "base/reader.h"

#include <inttypes.h>
#include <string.h>

/* The limit of the reference implementation. */
#define MAX_HEADER_SIZE UINT64_C(100000000)

static const struct {
    const char *name;
    int32_t dtype;
    uint32_t item_size;
} dtypes[] = {
    { "BF16", INS1_DTYPE_BF16, 2 },
    { "F8_E4M3", INS1_DTYPE_F8_E4M3, 1 },
    { "F32", INS1_DTYPE_F32, 4 },
    { "F16", INS1_DTYPE_F16, 2 },
    { "U8", INS1_DTYPE_U8, 1 },
    { "I32", INS1_DTYPE_I32, 4 },
    { "I8", INS1_DTYPE_I8, 1 },
    { "F8_E8M0", INS1_DTYPE_U8, 1 }, /* exponents of scales, read as the bytes that they are */
    { "F8_E5M2", 0, 1 },
    { "BOOL", 0, 1 },
    { "I16", 0, 2 },
    { "U16", 0, 2 },
    { "U32", 0, 4 },
    { "F64", 0, 8 },
    { "I64", 0, 8 },
    { "U64", 0, 8 },
    { "C64", 0, 8 },
};

ins1_status s1_safetensors_header_size(const uint8_t *bytes, uint64_t size, size_t *header_size,
                                       ins1_error *error)
{
    s1_reader r = { bytes, size < S1_SAFETENSORS_PREFIX ? (size_t)size : S1_SAFETENSORS_PREFIX };
    uint64_t claimed;

    *header_size = 0;
    if (!s1_read_u64le(&r, &claimed))
        return s1_fail(error, INS1_E_FORMAT, "file is %" PRIu64 " bytes, too short for a length",
                       size);
    if (claimed > MAX_HEADER_SIZE)
        return s1_fail(error, INS1_E_FORMAT,
                       "header claims %" PRIu64 " bytes, at most %" PRIu64 " are allowed", claimed,
                       MAX_HEADER_SIZE);
    if (claimed > size - S1_SAFETENSORS_PREFIX)
        return s1_fail(error, INS1_E_FORMAT,
                       "header claims %" PRIu64 " bytes, %" PRIu64 " are left", claimed,
                       size - S1_SAFETENSORS_PREFIX);
    *header_size = (size_t)claimed;
    return INS1_OK;
}

ins1_status s1_safetensors_frame(s1_safetensors *out, const uint8_t *bytes, size_t size,
                                 ins1_error *error)
{
    size_t header_size;

    *out = (s1_safetensors){ 0 };
    ins1_status status = s1_safetensors_header_size(bytes, size, &header_size, error);
    if (status != INS1_OK)
        return status;
    *out = (s1_safetensors){
        .header = (const char *)bytes + S1_SAFETENSORS_PREFIX,
        .header_size = header_size,
        .data = bytes + S1_SAFETENSORS_PREFIX + header_size,
        .data_size = size - S1_SAFETENSORS_PREFIX - header_size,
    };
    return INS1_OK;
}

ins1_status s1_safetensors_parse(s1_json *out, const s1_safetensors *file, ins1_error *error)
{
    ins1_status status = s1_json_parse(out, file->header, file->header_size, error);
    if (status == INS1_OK && out->kind != S1_JSON_OBJECT)
        return s1_fail(error, INS1_E_FORMAT, "header is not a JSON object");
    return status;
}

bool s1_safetensors_is_metadata(s1_json name)
{
    return s1_json_is(name, "__metadata__");
}

static bool read_u64(s1_json value, uint64_t *out)
{
    int64_t number;
    if (!s1_json_int(value, &number) || number < 0)
        return false;
    *out = (uint64_t)number;
    return true;
}

static ins1_status read_dtype(s1_tensor_claim *out, s1_json value, ins1_error *error)
{
    if (value.kind != S1_JSON_STRING)
        return s1_fail(error, INS1_E_FORMAT, "dtype is not a string");
    for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++) {
        if (s1_json_is(value, dtypes[i].name)) {
            out->dtype = dtypes[i].dtype;
            out->item_size = dtypes[i].item_size;
            return INS1_OK;
        }
    }
    return INS1_OK;
}

static ins1_status read_shape(s1_tensor_claim *out, s1_json value, ins1_error *error)
{
    s1_json key, element;

    if (value.kind != S1_JSON_ARRAY)
        return s1_fail(error, INS1_E_FORMAT, "shape is not an array");
    s1_json_walk walk = s1_json_begin(value);
    while (s1_json_next(&walk, &key, &element)) {
        if (out->rank == S1_CLAIM_MAX_RANK)
            return s1_fail(error, INS1_E_UNSUPPORTED, "shape has more than %d axes",
                           S1_CLAIM_MAX_RANK);
        if (!read_u64(element, &out->shape[out->rank]))
            return s1_fail(error, INS1_E_FORMAT, "axis %" PRIu32 " of the shape is %.*s", out->rank,
                           (int)(element.size < 32 ? element.size : 32), element.text);
        out->rank++;
    }
    return INS1_OK;
}

static ins1_status read_offsets(s1_tensor_claim *out, s1_json value, ins1_error *error)
{
    s1_json key, begin, end;
    s1_json_walk walk = s1_json_begin(value);

    if (value.kind != S1_JSON_ARRAY || !s1_json_next(&walk, &key, &begin) ||
        !s1_json_next(&walk, &key, &end) || !read_u64(begin, &out->begin) ||
        !read_u64(end, &out->end) || s1_json_next(&walk, &key, &end))
        return s1_fail(error, INS1_E_FORMAT, "data_offsets are not two positions");
    return INS1_OK;
}

ins1_status s1_safetensors_claim(s1_tensor_claim *out, s1_json value, ins1_error *error)
{
    s1_json dtype = { 0 }, shape = { 0 }, offsets = { 0 }, key, member;

    *out = (s1_tensor_claim){ 0 };
    s1_json_walk walk = s1_json_begin(value);
    while (walk.is_object && s1_json_next(&walk, &key, &member)) {
        if (s1_json_is(key, "dtype"))
            dtype = member;
        else if (s1_json_is(key, "shape"))
            shape = member;
        else if (s1_json_is(key, "data_offsets"))
            offsets = member;
    }
    ins1_status status = read_dtype(out, dtype, error);
    if (status == INS1_OK)
        status = read_shape(out, shape, error);
    if (status == INS1_OK)
        status = read_offsets(out, offsets, error);
    return status;
}

ins1_status s1_safetensors_check(const s1_safetensors *file, const s1_tensor_claim *claim,
                                 ins1_error *error)
{
    uint64_t size = claim->item_size;

    /* Two comparisons and no addition: nothing here can wrap. */
    if (claim->begin > claim->end || claim->end > file->data_size)
        return s1_fail(error, INS1_E_FORMAT,
                       "bytes %" PRIu64 "..%" PRIu64 " lie outside the %" PRIu64
                       "-byte data region",
                       claim->begin, claim->end, file->data_size);
    if (!claim->item_size)
        return INS1_OK;
    for (uint32_t i = 0; i < claim->rank; i++)
        if (!s1_mul(size, claim->shape[i], &size))
            return s1_fail(error, INS1_E_FORMAT, "shape overflows at axis %" PRIu32, i);
    if (claim->end - claim->begin != size)
        return s1_fail(error, INS1_E_FORMAT, "shape needs %" PRIu64 " bytes, offsets give %" PRIu64,
                       size, claim->end - claim->begin);
    return INS1_OK;
}
