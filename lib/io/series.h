#ifndef S1_IO_SERIES_H
#define S1_IO_SERIES_H

#include "common.h"

/* How readers fill a series. Every reader checks its own bytes, calls s1_io_series_shape once, and
 * leaves a series that may be half filled when it fails; the caller destroys it. */

/* Memory for so many samples, zeroed, compared with the limit first. Sets dtype, sizes and strides;
 * `planar` is a channel after the other, else channels lie side by side. */
ins1_status s1_io_series_shape(ins1_io_series *series, const s1_io_job *job, const char *name,
                               int32_t dtype, uint64_t n_samples, uint64_t n_channels, bool planar);

/* Memory for the names of the channels that s1_io_series_shape was told of. */
ins1_status s1_io_series_labels(ins1_io_series *series, const s1_io_job *job);

/* Copy a text of a file: cut to the room at a character's end, without spaces around it. */
void s1_io_text(char *out, size_t room, const char *text, size_t size);

/* What raw numbers of one channel mean: value = raw * scale + offset. */
typedef struct s1_io_gain {
    double scale, offset;
    int32_t gap; /* the raw number that says "nothing was measured" */
    bool has_gap;
} s1_io_gain;

/* Whole numbers got their meaning, one gain per channel. When all channels share it and no sample
 * is a gap, the raw numbers stay; otherwise they become F64, gaps NaN to be filled. */
ins1_status s1_io_series_calibrate(ins1_io_series *series, const s1_io_job *job, const char *name,
                                   const s1_io_gain *gains);

/* Store a whole number of an I16 or I32 series; it fits. */
static inline void s1_io_series_put(ins1_io_series *series, size_t sample, size_t channel,
                                    int32_t value)
{
    char *at = (char *)series->samples + (ptrdiff_t)sample * series->view.sample_stride +
               (ptrdiff_t)channel * series->view.channel_stride;
    if (series->view.dtype == INS1_SAMPLE_I16)
        *(int16_t *)(void *)at = (int16_t)value;
    else
        *(int32_t *)(void *)at = value;
}

/* A number in decimal notation at the start of a text, the point is '.' or, where `comma` is set,
 * ',' too. Returns how many bytes it takes, 0 when there is none. Numbers of up to 15 digits
 * between 1e-22 and 1e22 are the nearest double; others may miss it by one unit in the last place.
 * "nan" counts as a number, an infinity and a number too large for a double do not. */
size_t s1_io_number(const char *text, size_t size, bool comma, double *out);

/* The readers. */
bool s1_io_npy_is(const s1_io_bytes *file);
ins1_status s1_io_npy_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file);
bool s1_io_wav_is(const s1_io_bytes *file);
ins1_status s1_io_wav_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file);
bool s1_io_edf_is(const s1_io_bytes *file);
ins1_status s1_io_edf_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file);
bool s1_io_mseed_is(const s1_io_bytes *file);
ins1_status s1_io_mseed_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file);
bool s1_io_sound_is(const s1_io_bytes *file);
ins1_status s1_io_sound_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file);
bool s1_io_csv_is(const s1_io_bytes *file);
ins1_status s1_io_csv_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file);

/* Needs all files of the record: the header ends in .hea. Without such a name a header is known by
 * its first two lines; alone it is refused with the names of what it lacks. */
bool s1_io_wfdb_is(const s1_io_bytes *file);
ins1_status s1_io_wfdb_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *files,
                            size_t n_files);

#endif
