#include "interns1/version.h"

#include "config.h"

#include <string.h>

/* What this build can do; levels of the CPU that were not compiled are not here. */
static const char *const features[] = {
    "format.safetensors", "level.scalar",
#if defined(S1_HAVE_AVX2) && S1_HAVE_AVX2
    "level.avx2",
#endif
#if defined(S1_HAVE_AVX512) && S1_HAVE_AVX512
    "level.avx512",
#endif
#if defined(S1_HAVE_NEON) && S1_HAVE_NEON
    "level.neon",
#endif
#if defined(S1_HAVE_NEON_DOTPROD) && S1_HAVE_NEON_DOTPROD
    "level.neon_dotprod",
#endif
#if defined(S1_HAVE_NEON_BF16) && S1_HAVE_NEON_BF16
    "level.neon_bf16",
#endif
#if defined(S1_HAVE_NEON_I8MM) && S1_HAVE_NEON_I8MM
    "level.neon_i8mm",
#endif
    "part.decoder",       "part.timeseries", "part.tokenizer", "part.vision",
#if S1_HAVE_ZSTD
    "snapshot.zstd",
#endif
};

uint32_t ins1_version_number(void)
{
    return INS1_VERSION_NUMBER;
}

const char *ins1_version_string(void)
{
    return S1_VERSION_STRING;
}

int32_t ins1_has_feature(const char *name)
{
    for (size_t i = 0; name && i < sizeof(features) / sizeof(features[0]); i++)
        if (strcmp(features[i], name) == 0)
            return 1;
    return 0;
}
