#ifndef S1_TIMESERIES_WEIGHTS_H
#define S1_TIMESERIES_WEIGHTS_H

#include "nn/linear.h"
#include "tensor/tensor.h"

#include <stdint.h>

/* What a checkpoint gives a time-series encoder: numbers and host tensors, already checked against
 * each other. Filled by model/, which alone knows names. Tensors borrow from the model. */

enum {
    S1_SERIES_TAPS = 5,  /* samples that the convolution over a patch sees */
    S1_SERIES_HEADS = 8, /* of the patch encoder */
};

/* Linear layers and convolutions; a convolution's weight is [out][in][taps]. */
enum {
    S1_SERIES_CONV, /* [n_patch][1][S1_SERIES_TAPS] */
    S1_SERIES_PATCH_QKV,
    S1_SERIES_PATCH_OUT,
    S1_SERIES_PATCH_UP,
    S1_SERIES_PATCH_DOWN,
    S1_SERIES_ADAPT_IN,
    S1_SERIES_CONV1, /* [n_embd][n_mel][3] */
    S1_SERIES_CONV2, /* [n_embd][n_embd][3] */
    S1_SERIES_ADAPT_OUT,
    S1_SERIES_PROJECT_1,
    S1_SERIES_PROJECT_2,
    S1_SERIES_LINEARS
};

enum {
    S1_SERIES_PATCH_NORM_1,
    S1_SERIES_PATCH_NORM_2,
    S1_SERIES_LAST_NORM,
    S1_SERIES_PROJECT_NORM,
    S1_SERIES_NORMS
};

/* Of a layer of the frame encoder. */
enum { S1_SERIES_Q, S1_SERIES_K, S1_SERIES_V, S1_SERIES_O, S1_SERIES_UP, S1_SERIES_DOWN };
enum { S1_SERIES_LAYER_LINEARS = 6 };
enum { S1_SERIES_ATTENTION_NORM, S1_SERIES_FFN_NORM, S1_SERIES_LAYER_NORMS };

typedef struct s1_series_norm {
    s1_tensor weight, bias;
} s1_series_norm;

typedef struct s1_series_layer_weights {
    s1_linear linears[S1_SERIES_LAYER_LINEARS];
    s1_series_norm norms[S1_SERIES_LAYER_NORMS];
} s1_series_layer_weights;

typedef struct s1_series_weights {
    s1_linear linears[S1_SERIES_LINEARS];
    s1_series_norm norms[S1_SERIES_NORMS];
    s1_tensor places;                      /* [n_place][n_patch], added to the samples of a patch */
    s1_tensor positions;                   /* [n_position][n_embd], added to frames */
    const s1_series_layer_weights *layers; /* n_layer */
} s1_series_weights;

typedef struct s1_series_config {
    int32_t n_patch;    /* width of the patch encoder, of which two neighbours make a frame */
    int32_t n_patch_ff; /* its hidden width */
    int32_t n_place;    /* samples of the longest patch */
    int32_t n_mel;      /* width between adapt_in and the convolutions */
    int32_t n_embd, n_layer, n_head, n_ff; /* of the frame encoder */
    int32_t n_position;                    /* frames that have a learned position */
    int32_t n_tower;                       /* width before the projector */
    int32_t n_out;                         /* width of the decoder */
    int32_t default_precision;             /* INS1_PRECISION_* */
} s1_series_config;

#endif
