#ifndef INTERNS1_INTERNS1_H
#define INTERNS1_INTERNS1_H

/**
 * @file
 * The whole public interface of libinterns1, but for three headers: inspect.h and sys/backend.h,
 * which may change with a minor version, and io.h, which belongs to libinterns1_io.
 *
 * Rules that hold everywhere, so that the other headers need not repeat them:
 *
 * 1. Handles are opaque. `create` and `open` make one owner, `release` takes one away (NULL is
 * allowed), `retain` adds one where a handle may be shared. A child keeps its parent alive, so
 * owners may let go in any order.
 * 2. What comes back through `T **out` is the caller's to release. A returned or handed out pointer
 * to const is borrowed and lives as long as its comment says. Arguments are borrowed for the call,
 * unless the comment says "keeps", "copied" or "takes".
 * 3. A struct that begins with `struct_size` carries its size as the caller compiled it; INS1_INIT
 * sets it. Zero in any other field means the default. A field that the caller does not know is
 * zero; a field that the library does not know must be zero, else INS1_E_VERSION. In an array every
 * element has the same `struct_size`, which is also the stride. Structs without it are frozen: they
 * never change.
 * 4. Flags that are unknown are INS1_E_VERSION. Fields named `reserved` are zero.
 * 5. Texts are UTF-8, a pointer and a size in bytes, and may hold NUL; names, keys, roles and paths
 * end with NUL.
 * 6. Results of unknown length go to `out`, `capacity`, `count`: `*count` is what the whole result
 * needs, on success and with INS1_E_BUFFER, which says that `capacity` was less; then the first
 * `capacity` entries are valid. `out` may be NULL when `capacity` is 0, which asks for the count
 * alone.
 * 7. On failure outputs are NULL or 0 and every handle is as it was, unless the comment says
 * otherwise. Pointers are NULL only where the comment allows it.
 * 8. Threads: a handle is either shared (any number of threads at once) or belongs to one thread at
 * a time, without being tied to one. A second thread inside such a handle gets INS1_E_BUSY.
 * Callbacks run on the calling thread unless said otherwise, do not unwind and do not enter the
 * handle that called them.
 * 9. The same input gives the same bits for every number of threads, every batch and every way to
 * cut it into pieces, on the CPU and on devices with INS1_CAP_EXACT. CPU level, precision, type of
 * the cache and device may change them, nothing else.
 * 10. The library has no global state, and never aborts, exits, prints, raises signals, reads the
 *     environment, changes locale, floating-point mode or signal mask, or starts a thread unasked.
 *
 * Beside the statuses that a function lists, every function with a call block may give what
 * status.h calls common.
 */

#include "interns1/call.h"
#include "interns1/chat.h"
#include "interns1/decoder.h"
#include "interns1/device.h"
#include "interns1/embeds.h"
#include "interns1/model.h"
#include "interns1/reward.h"
#include "interns1/runtime.h"
#include "interns1/sampler.h"
#include "interns1/session.h"
#include "interns1/status.h"
#include "interns1/stream.h"
#include "interns1/timeseries.h"
#include "interns1/tokenizer.h"
#include "interns1/version.h"
#include "interns1/vision.h"

#endif
