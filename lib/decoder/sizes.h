#ifndef S1_DECODER_SIZES_H
#define S1_DECODER_SIZES_H

#include "decoder/forward.h"
#include "interns1/session.h"

/* What a session on a decoder will take, from numbers alone: sessions are made and plans are
 * answered by the same arithmetic. */

/* What the zeros of the options become; both outputs are filled. */
ins1_status s1_session_sizes(s1_forward_sizes *out, ins1_session_options *options,
                             const ins1_session_options *given, const s1_decoder_config *config,
                             int32_t precision, ins1_error *error);

/* Numbers that come out for a token: the rows of the vocabulary, or one reward. */
size_t s1_session_outputs(const s1_decoder_config *config);

/* Rows whose outputs a session can hold at once. */
size_t s1_session_head_rows(const s1_forward_sizes *sizes);

/* Everything but the KV cache and the workspaces that a session of these sizes allocates. `flags`
 * are INS1_SESSION_*.
 */
uint64_t s1_session_scratch_bytes(const s1_decoder_config *config, const s1_forward_sizes *sizes,
                                  uint32_t flags);

#endif
