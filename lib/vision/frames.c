#include "vision/frames.h"

#include "base/struct.h"

#include <math.h>

#define ASSUMED_FPS 24.0 /* where the host does not say */

enum { MAX_FRAMES = 1 << 24 };

ins1_status s1_clip_image(const s1_clip *clip, size_t index, ins1_image *out, ins1_error *error)
{
    return s1_struct_import(out, s1_struct_at(clip->video.frames, index), sizeof(*out), error);
}

static ins1_status check_sizes(s1_clip *clip, ins1_error *error)
{
    for (size_t i = 0; i < clip->video.n_frames; i++) {
        ins1_image image;
        ins1_status status = s1_clip_image(clip, i, &image, error);
        if (status != INS1_OK)
            return status;
        if (image.width < 1 || image.height < 1)
            return s1_fail(error, INS1_E_ARGUMENT,
                           "frame %zu is %d x %d pixels, both must be positive", i, image.width,
                           image.height);
        if (!i) {
            clip->width = image.width;
            clip->height = image.height;
        }
        if (image.width != clip->width || image.height != clip->height)
            return s1_fail(error, INS1_E_ARGUMENT,
                           "frame %zu is %d x %d pixels, the first one is %d x %d", i, image.width,
                           image.height, clip->width, clip->height);
    }
    return INS1_OK;
}

static ins1_status check_times(const ins1_video *video, ins1_error *error)
{
    if (!isfinite(video->fps) || video->fps < 0)
        return s1_fail(error, INS1_E_ARGUMENT, "fps is %g, a positive number or 0 is expected",
                       video->fps);
    for (size_t i = 0; video->timestamps && i < video->n_frames; i++) {
        double time = video->timestamps[i];
        if (!isfinite(time) || (i && time <= video->timestamps[i - 1]))
            return s1_fail(error, INS1_E_ARGUMENT, "frame %zu is at %g seconds, times must rise", i,
                           time);
    }
    return INS1_OK;
}

/* As many frames as the rate that the processor wants gives, cut to a whole number. */
static double wanted(const s1_clip *clip, double fps)
{
    return trunc((double)clip->video.n_frames / clip->video.fps * fps);
}

static ins1_status count_even(s1_clip *clip, const s1_vision_sampling *s)
{
    double total = (double)clip->video.n_frames;
    double n = s->n_frames;

    if (!s->n_frames)
        n = fmin(fmin(fmax(wanted(clip, s->fps), s->min_frames), s->max_frames), total);
    clip->n_used = (size_t)n;
    return INS1_OK;
}

static ins1_status count_middles(s1_clip *clip, const s1_vision_sampling *s, ins1_error *error)
{
    double n = s->n_frames;

    if (!s->n_frames && s->fps <= 0)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "video_preprocessor_config.json asks to sample frames, but names neither "
                       "num_frames nor fps; INS1_VIDEO_ALL_FRAMES takes all");
    if (!s->n_frames)
        n = wanted(clip, s->fps);
    if (n < 1 || n > (double)clip->video.n_frames)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "the checkpoint's processor takes %.0f frames of a video of %zu", n,
                       clip->video.n_frames);
    clip->n_used = (size_t)n;
    return INS1_OK;
}

ins1_status s1_clip_read(s1_clip *out, const ins1_video *given,
                         const s1_vision_processor *processor, ins1_error *error)
{
    ins1_video *video = &out->video;

    *out = (s1_clip){ .is_even = processor->kind == S1_VISION_PATCHES };
    ins1_status status = s1_struct_import(video, given, sizeof(*video), error);
    if (status != INS1_OK)
        return status;
    if (video->flags & ~(uint32_t)INS1_VIDEO_ALL_FRAMES)
        return s1_fail(error, INS1_E_VERSION, "video flags 0x%x are too new", video->flags);
    if (!video->frames || !video->n_frames)
        return s1_fail(error, INS1_E_ARGUMENT, "the video has no frames");
    if (video->n_frames > MAX_FRAMES)
        return s1_fail(error, INS1_E_ARGUMENT, "a video of %zu frames, at most %d are expected",
                       video->n_frames, MAX_FRAMES);
    status = check_sizes(out, error);
    if (status == INS1_OK)
        status = check_times(video, error);
    if (status != INS1_OK)
        return status;
    if (video->fps == 0)
        video->fps = ASSUMED_FPS;
    out->n_used = video->n_frames;
    if (video->flags & INS1_VIDEO_ALL_FRAMES || !processor->sampling.samples)
        return INS1_OK;
    return out->is_even ? count_even(out, &processor->sampling)
                        : count_middles(out, &processor->sampling, error);
}

size_t s1_clip_index(const s1_clip *clip, size_t i)
{
    const double total = (double)clip->video.n_frames, n = (double)clip->n_used;

    if (clip->n_used == clip->video.n_frames)
        return i;
    if (!clip->is_even) {
        /* The reference computes these in single precision. */
        float at = (float)(total / n / 2 + (double)i * (total / n));
        return at < (float)total ? (size_t)at : clip->video.n_frames - 1;
    }
    if (i + 1 == clip->n_used)
        return i ? clip->video.n_frames - 1 : 0;
    return (size_t)nearbyint((double)i * ((total - 1) / (n - 1)));
}

double s1_clip_time(const s1_clip *clip, size_t i)
{
    size_t index = s1_clip_index(clip, i);
    return clip->video.timestamps ? clip->video.timestamps[index] : (double)index / clip->video.fps;
}

double s1_clip_step_time(const s1_clip *clip, size_t i, size_t temporal)
{
    size_t first = i * temporal, last = first + temporal - 1;
    if (last >= clip->n_used)
        last = clip->n_used - 1;
    return (s1_clip_time(clip, first) + s1_clip_time(clip, last)) / 2;
}
