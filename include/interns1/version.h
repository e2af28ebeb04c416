#ifndef INTERNS1_VERSION_H
#define INTERNS1_VERSION_H

/**
 * @file
 * The version a program is compiled with, the version it runs with, and two macros that all headers
 * use.
 */

#include <stddef.h>
#include <stdint.h>

/* The version of these headers, semantic. Another major version may break programs. */
#define INS1_VERSION_MAJOR 0
/* Minor versions add; while the major version is 0 they too may break. */
#define INS1_VERSION_MINOR 1
/* Patches change no header. */
#define INS1_VERSION_PATCH 0

/* The same as one number that grows: 1002003 is 1.2.3. */
#define INS1_VERSION_NUMBER \
    (INS1_VERSION_MAJOR * 1000000 + INS1_VERSION_MINOR * 1000 + INS1_VERSION_PATCH)

/* Marks what the shared library exports. Programs that link the static library define INS1_STATIC.
 */
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

/* Initialises a struct that begins with struct_size; every other field becomes zero, its default:
 *     ins1_model_options options = INS1_INIT(ins1_model_options);
 */
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

/**
 * The version of the library that is loaded, as INS1_VERSION_NUMBER counts. Any thread.
 */
INS1_API uint32_t ins1_version_number(void);

/**
 * The same for people, with how the library was built: "0.1.0 (x86_64, gcc, release)". A static
 * string, never NULL. Any thread.
 */
INS1_API const char *ins1_version_string(void);

/**
 * Was the library built with a feature? Any thread.
 *
 * @param name  "format.safetensors", "level.scalar", "level.avx2", "level.avx512", "level.neon",
 *              "level.neon_dotprod", "level.neon_bf16", "level.neon_i8mm", "part.decoder",
 *              "part.tokenizer", "part.vision", "part.timeseries", "snapshot.zstd". Later versions
 * know more; NULL and unknown names are allowed.
 *
 * @return 1 when it was, else 0. A level that was built may still be one that the machine lacks.
 */
INS1_API int32_t ins1_has_feature(const char *name);

#ifdef __cplusplus
}
#endif

#endif
