#ifndef INTERNS1_DECODER_H
#define INTERNS1_DECODER_H

/**
 * @file
 * The transformer of a checkpoint, its weights placed on devices. Immutable, shared between
 * sessions.
 */

#include "interns1/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Placed weights. */
typedef struct ins1_decoder ins1_decoder;

/* A run of layers on one device. Layers that no placement names stay on device 0. The embedding
 * goes with the first layer, the head with the last. Between runs on different devices the hidden
 * states of a batch go through the host's memory. Frozen. */
typedef struct ins1_placement {
    int32_t device;      /* index */
    int32_t first_layer; /* from 0; -1 is the one after the placement before, 0 in the first */
    int32_t n_layers;  /* 0 is as many as the budget holds, at most up to the next that is placed */
    int32_t reserved0; /* 0 */
    /* Bytes of the device's memory for weights. 0 is what is free there, from which `n_layers` of 0
     * leaves room for a session with default options; on devices that use the host's memory it is
     * no limit. Keys, values and activations of sessions are not counted. */
    uint64_t budget;
} ins1_placement;

/* Zero means the default in every field but struct_size. */
struct ins1_decoder_options {
    uint32_t struct_size;             /* sizeof(ins1_decoder_options) */
    uint32_t flags;                   /* 0 */
    const ins1_placement *placements; /* copied; none is all layers on the CPU */
    size_t n_placements;              /* entries of `placements` */
    int32_t precision;                /* INS1_PRECISION_* */
    int32_t reserved0;                /* 0 */
};

/**
 * Place a checkpoint's decoder on devices. Weights of the CPU are used where they lie, without a
 * copy.
 *
 * @param out      Receives the decoder; the caller releases it.
 * @param model    Kept until the decoder's last release. Needs INS1_PART_DECODER.
 * @param options  NULL for all defaults. Borrowed for the call.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT     Placements overlap, name layers or devices that do not exist, or the
 *                             precision is unknown.
 * @retval INS1_E_BUDGET       Layers that were asked for do not fit the device.
 * @retval INS1_E_UNSUPPORTED  The checkpoint has no decoder, the device lacks an operation that it
 * needs, or its weights are in I8 and the precision is not INT8, or the other way round.
 *
 * Threads: any. The decoder is shared between threads.
 */
INS1_API ins1_status ins1_decoder_create(ins1_decoder **out, ins1_model *model,
                                         const ins1_decoder_options *options,
                                         const ins1_call *call);

/**
 * What was decided: runs of layers in order, every layer once, `budget` the bytes used there.
 *
 * @param out    Receives at most `capacity` runs.
 * @param count  Receives the number of runs.
 * @param call   Optional.
 *
 * @retval INS1_E_BUFFER  `*count > capacity`; the first `capacity` entries are valid.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_decoder_placements(const ins1_decoder *decoder, ins1_placement *out,
                                             size_t capacity, size_t *count, const ins1_call *call);

/** Add an owner. Any thread. */
INS1_API void ins1_decoder_retain(ins1_decoder *decoder);

/** Take an owner away. NULL is allowed. Any thread. */
INS1_API void ins1_decoder_release(ins1_decoder *decoder);

#ifdef __cplusplus
}
#endif

#endif
