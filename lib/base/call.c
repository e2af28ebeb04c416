#include "base/call.h"

#include "base/struct.h"

#include <time.h>

ins1_status s1_call_begin(s1_call *out, const ins1_call *given)
{
    ins1_error *error = s1_error_of(given);
    ins1_call block;

    *out = (s1_call){ .error = error, .deadline_ns = INT64_MAX };
    ins1_status status = s1_struct_import(&block, given, sizeof(block), error);
    if (status != INS1_OK)
        return status;
    if (block.flags)
        return s1_fail(error, INS1_E_VERSION, "call flags 0x%x are too new", block.flags);
    if (block.budget_ns < 0)
        return s1_fail(error, INS1_E_ARGUMENT, "budget_ns is %lld, at least 0 expected",
                       (long long)block.budget_ns);

    out->cancel = block.cancel;
    out->progress = block.progress;
    out->user = block.user;
    if (block.budget_ns > 0) {
        int64_t now = s1_now_ns();
        out->deadline_ns = block.budget_ns > INT64_MAX - now ? INT64_MAX : now + block.budget_ns;
    }
    return INS1_OK;
}

ins1_status s1_call_poll(const s1_call *call)
{
    if (call->cancel && atomic_load_explicit(&call->cancel->requested, memory_order_relaxed))
        return INS1_E_CANCELED;
    if (call->deadline_ns != INT64_MAX && s1_now_ns() >= call->deadline_ns)
        return INS1_E_DEADLINE;
    return INS1_OK;
}

ins1_status s1_call_check(const s1_call *call)
{
    switch (s1_call_poll(call)) {
    case INS1_OK:
        return INS1_OK;
    case INS1_E_CANCELED:
        return s1_fail(call->error, INS1_E_CANCELED, "the cancel token said stop");
    default:
        return s1_fail(call->error, INS1_E_DEADLINE, "the time budget ran out");
    }
}

ins1_status s1_call_progress(const s1_call *call, int32_t phase, uint64_t done, uint64_t total)
{
    if (call->progress && call->progress(call->user, phase, done, total))
        return s1_fail(call->error, INS1_E_CANCELED, "the progress callback said stop");
    return INS1_OK;
}

ins1_call s1_call_rest(const s1_call *call)
{
    int64_t left = 0;
    if (call->deadline_ns != INT64_MAX) {
        left = call->deadline_ns - s1_now_ns();
        left = left > 0 ? left : 1;
    }
    return (ins1_call){
        .struct_size = sizeof(ins1_call),
        .error = call->error,
        .cancel = call->cancel,
        .budget_ns = left,
        .progress = call->progress,
        .user = call->user,
    };
}

int64_t s1_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
