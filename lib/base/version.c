#include "interns1/version.h"

#include "config.h"

#include <string.h>

/* What the build decided; a part that was not asked about is not there. */
#ifndef S1_HAVE_AVX2
#define S1_HAVE_AVX2 0
#endif
#ifndef S1_HAVE_AVX512
#define S1_HAVE_AVX512 0
#endif
#ifndef S1_HAVE_NEON
#define S1_HAVE_NEON 0
#endif
#ifndef S1_HAVE_ZSTD
#define S1_HAVE_ZSTD 0
#endif

#if S1_HAVE_AVX2
#define WITH_AVX2 " avx2"
#else
#define WITH_AVX2 ""
#endif
#if S1_HAVE_AVX512
#define WITH_AVX512 " avx512"
#else
#define WITH_AVX512 ""
#endif
#if S1_HAVE_NEON
#define WITH_NEON " neon"
#else
#define WITH_NEON ""
#endif
#if S1_HAVE_ZSTD
#define WITH_ZSTD " zstd"
#else
#define WITH_ZSTD ""
#endif

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)
#define VERSION         TEXT(INS1_VERSION_MAJOR) "." TEXT(INS1_VERSION_MINOR) "." TEXT(INS1_VERSION_PATCH)

static const struct {
    const char *name;
    int32_t there;
} features[] = {
    { "format.safetensors", 1 },    { "level.scalar", 1 },
    { "level.avx2", S1_HAVE_AVX2 }, { "level.avx512", S1_HAVE_AVX512 },
    { "level.neon", S1_HAVE_NEON }, { "snapshot.zstd", S1_HAVE_ZSTD },
};

uint32_t ins1_version_number(void)
{
    return INS1_VERSION_NUMBER;
}

const char *ins1_version_string(void)
{
    return VERSION " (scalar" WITH_AVX2 WITH_AVX512 WITH_NEON WITH_ZSTD ")";
}

int32_t ins1_has_feature(const char *name)
{
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        if (name && !strcmp(features[i].name, name))
            return features[i].there;
    return 0;
}
