#ifndef S1_RUNTIME_RUNTIME_H
#define S1_RUNTIME_RUNTIME_H

#include "backend/backend.h"
#include "interns1/runtime.h"

/* What the inside sees of a runtime. All of it lives as long as the runtime. */
const ins1_allocator *s1_runtime_memory(const ins1_runtime *runtime); /* behind the budget */
const s1_host *s1_runtime_host(const ins1_runtime *runtime);
s1_registry *s1_runtime_registry(ins1_runtime *runtime);
uint32_t s1_runtime_flags(const ins1_runtime *runtime); /* INS1_RUNTIME_* */

/* The first model was opened: from now on no backend may be added. */
void s1_runtime_freeze_devices(ins1_runtime *runtime);

/* Mapped bytes that ins1_runtime_mem reports; negative when unmapped. */
void s1_runtime_count_mapped(ins1_runtime *runtime, int64_t bytes);

#endif
