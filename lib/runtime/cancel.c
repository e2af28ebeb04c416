#include "base/call.h"
#include "base/memory.h"
#include "base/meter.h"
#include "runtime/runtime.h"

/* A request to stop and its owners. */
typedef struct token {
    struct ins1_cancel cancel; /* first: what is polled */
    atomic_uint owners;
    ins1_runtime *runtime;
} token;

ins1_status ins1_cancel_create(ins1_cancel **out, ins1_runtime *runtime, const ins1_call *call)
{
    if (out)
        *out = NULL;
    if (!out || !runtime)
        return s1_fail(s1_error_of(call), INS1_E_ARGUMENT,
                       "no place for a cancel token, or no runtime");
    const ins1_allocator *memory = s1_runtime_memory(runtime);
    token *made = s1_alloc(memory, sizeof(*made), INS1_MEM_OBJECT);
    if (!made)
        return s1_out_of_memory(memory, sizeof(*made), "a cancel token", s1_error_of(call));
    atomic_init(&made->cancel.requested, 0);
    atomic_init(&made->owners, 1);
    ins1_runtime_retain(runtime);
    made->runtime = runtime;
    *out = &made->cancel;
    return INS1_OK;
}

void ins1_cancel_request(ins1_cancel *cancel)
{
    if (cancel)
        atomic_store_explicit(&cancel->requested, 1, memory_order_release);
}

int32_t ins1_cancel_is_requested(const ins1_cancel *cancel)
{
    return cancel && atomic_load_explicit(&cancel->requested, memory_order_acquire) != 0;
}

void ins1_cancel_reset(ins1_cancel *cancel)
{
    if (cancel)
        atomic_store_explicit(&cancel->requested, 0, memory_order_release);
}

void ins1_cancel_retain(ins1_cancel *cancel)
{
    token *held = (token *)cancel;
    if (held)
        atomic_fetch_add_explicit(&held->owners, 1, memory_order_relaxed);
}

void ins1_cancel_release(ins1_cancel *cancel)
{
    token *held = (token *)cancel;
    if (!held || atomic_fetch_sub_explicit(&held->owners, 1, memory_order_acq_rel) != 1)
        return;
    ins1_runtime *runtime = held->runtime;
    s1_free(s1_runtime_memory(runtime), held, sizeof(*held), INS1_MEM_OBJECT);
    ins1_runtime_release(runtime);
}
