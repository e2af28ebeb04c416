/* Restoring from bytes of a stranger: as they are, and with their checksums made right, because no
 * mutation gets past a checksum otherwise. */

#include "session/snapshot.h"
#include "base/hash.h"
#include "interns1/interns1.h"

#include <stdlib.h>
#include <string.h>

enum { FRAME_EXTRA = 12 };

static ins1_session *session;

/* Once a process: the tiny checkpoint that all of the corpus belongs to. */
static bool open_session(void)
{
    ins1_runtime *runtime = NULL;
    ins1_model *model = NULL;
    ins1_decoder *decoder = NULL;
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_session_options sizes = INS1_INIT(ins1_session_options);

    options.path = TEST_GOLDEN "/mini-f32";
    options.parts = INS1_PART_DECODER;
    sizes.n_ctx = 32;
    sizes.kv_type = INS1_KV_F32;
    if (session)
        return true;
    if (ins1_runtime_create(&runtime, NULL, NULL) == INS1_OK &&
        ins1_model_open(&model, runtime, &options, NULL) == INS1_OK &&
        ins1_decoder_create(&decoder, model, NULL, NULL) == INS1_OK)
        (void)ins1_session_create(&session, decoder, &sizes, NULL);
    ins1_decoder_release(decoder);
    ins1_model_release(model);
    ins1_runtime_release(runtime);
    return session;
}

static void repair(uint8_t *bytes, size_t size)
{
    s1_snapshot_header own;
    size_t at = (size_t)s1_snapshot_get(bytes + 12, 4);
    if (at < S1_SNAPSHOT_HEADER || at > size)
        return;
    s1_snapshot_describe(&own, session, 0);
    s1_snapshot_put(bytes + 16, own.fingerprint, 8);
    uint64_t sum = s1_xxh64(bytes, at - 8, 0);
    s1_snapshot_put(bytes + at - 8, sum, 8);
    for (; size - at >= FRAME_EXTRA; sum++) {
        size_t packed = (size_t)s1_snapshot_get(bytes + at, 4);
        if (packed > size - at - FRAME_EXTRA)
            return;
        s1_snapshot_put(bytes + at + 4 + packed, s1_xxh64(bytes + at, 4 + packed, sum), 8);
        at += packed + FRAME_EXTRA;
    }
}

static void restore(const uint8_t *bytes, size_t size)
{
    const ins1_step step = { 0, 1 };
    size_t count;
    if (ins1_session_restore(session, 0, bytes, size, NULL) != INS1_OK)
        return;
    (void)ins1_session_save(session, 0, NULL, 0, &count, NULL);
    (void)ins1_session_step(session, &step, 1, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!open_session())
        return 0;
    restore(data, size);
    uint8_t *copy = size >= 16 ? malloc(size) : NULL;
    if (copy) {
        memcpy(copy, data, size);
        repair(copy, size);
        restore(copy, size);
    }
    free(copy);
    return 0;
}
