#include "vision/processor.h"

/* Tiles that go with a thumbnail, which counts too where there are several. */
static int32_t tiles_within(int64_t tiles)
{
    return (int32_t)(tiles > 2 ? tiles - 1 : 1);
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

ins1_status s1_vision_limit(s1_vision_processor *processor, int32_t max_tokens, ins1_error *error)
{
    s1_vision_processor *p = processor;

    if (!max_tokens)
        return INS1_OK;
    if (p->kind == S1_VISION_TILES) {
        if (max_tokens < p->tokens_per_tile)
            return s1_fail(error, INS1_E_ARGUMENT, "at most %d tokens, a tile has %d", max_tokens,
                           p->tokens_per_tile);
        int32_t most = tiles_within(max_tokens / p->tokens_per_tile);
        p->max_tiles = (int32_t)lesser(p->max_tiles, most);
        p->min_tiles = (int32_t)lesser(p->min_tiles, p->max_tiles);
        return INS1_OK;
    }
    const int64_t token = (int64_t)p->patch * p->merge * p->patch * p->merge;
    p->max_pixels = lesser(p->max_pixels, max_tokens * token);
    p->min_pixels = lesser(p->min_pixels, p->max_pixels);
    p->video_max_pixels = lesser(p->video_max_pixels, max_tokens * token * p->temporal);
    p->video_min_pixels = lesser(p->video_min_pixels, p->video_max_pixels);
    return INS1_OK;
}
