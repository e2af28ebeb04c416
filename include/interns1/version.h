#ifndef INTERNS1_VERSION_H
#define INTERNS1_VERSION_H

#include <stddef.h>
#include <stdint.h>

#define INS1_VERSION_MAJOR 0
#define INS1_VERSION_MINOR 1
#define INS1_VERSION_PATCH 0
#define INS1_VERSION_NUMBER \
    (INS1_VERSION_MAJOR * 1000000 + INS1_VERSION_MINOR * 1000 + INS1_VERSION_PATCH)

#if defined(INS1_STATIC)
#define INS1_API
#elif defined(_WIN32)
#ifdef INS1_BUILD
#define INS1_API __declspec(dllexport)
#else
#define INS1_API __declspec(dllimport)
#endif
#else
#define INS1_API __attribute__((visibility("default")))
#endif

/* ins1_model_options options = INS1_INIT(ins1_model_options); every other field is zero */
#ifdef __cplusplus
#define INS1_INIT(T)                                  \
    ([] {                                             \
        T ins1_init_ = T();                           \
        ins1_init_.struct_size = (uint32_t)sizeof(T); \
        return ins1_init_;                            \
    }())
#else
#define INS1_INIT(T)                       \
    {                                      \
        .struct_size = (uint32_t)sizeof(T) \
    }
#endif

#ifdef __cplusplus
extern "C" {
#endif

INS1_API uint32_t ins1_version_number(void);    /* [C] of the loaded library */
INS1_API const char *ins1_version_string(void); /* [C] static, with build flags */
INS1_API int32_t
ins1_has_feature(const char *name); /* [C] "format.gguf", "level.avx512", ...: 1/0 */

#ifdef __cplusplus
}
#endif

#endif
