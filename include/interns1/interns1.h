#ifndef INTERNS1_INTERNS1_H
#define INTERNS1_INTERNS1_H

/* Everything but inspect.h and sys/backend.h, which may change with a minor version, and io.h, which
 * belongs to another library. */
#include "interns1/call.h"
#include "interns1/chat.h"
#include "interns1/decoder.h"
#include "interns1/device.h"
#include "interns1/embeds.h"
#include "interns1/model.h"
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
