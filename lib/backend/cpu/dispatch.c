#include "backend/cpu/kernels.h"
#include "config.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

/* What the machine has, and which kernels that gives. */

#if defined(__x86_64__)

/* Which registers the operating system saves, by XGETBV; only where CPUID says that it may be
 * asked. */
static unsigned saved_registers(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has_all(unsigned word, unsigned bits)
{
    return (word & bits) == bits;
}

/* Asked of the CPU itself: the compiler's own probe would put a constructor into the library. */
unsigned s1_cpu_features(void)
{
    enum { SAVES_YMM = 0x6, SAVES_ZMM = 0xe6 };
    unsigned a, b, c, d, features = 0;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !has_all(c, bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C))
        return 0;
    unsigned saved = saved_registers();
    if (!has_all(saved, SAVES_YMM) || !__get_cpuid_count(7, 0, &a, &b, &c, &d) ||
        !has_all(b, bit_AVX2))
        return 0;
    features |= S1_CPU_AVX2;
    if (has_all(saved, SAVES_ZMM) &&
        has_all(b, bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ) &&
        has_all(c, bit_AVX512VNNI | bit_AVX512VBMI) && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
        has_all(a, bit_AVX512BF16))
        features |= S1_CPU_AVX512;
    return features;
}

void s1_cpu_hardware(char *out, size_t capacity)
{
    unsigned words[12] = { 0 };
    char name[sizeof(words) + 1] = { 0 };
    size_t length = 0;

    if ((unsigned)__get_cpuid_max(0x80000000, NULL) >= 0x80000004)
        for (unsigned i = 0; i < 3; i++)
            __get_cpuid(0x80000002 + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                        &words[4 * i + 3]);
    memcpy(name, words, sizeof(words));

    /* The name is padded with spaces on both sides. */
    const char *from = name + strspn(name, " ");
    for (size_t i = 0; from[i] && i + 1 < capacity; i++) {
        out[i] = from[i];
        length = from[i] == ' ' ? length : i + 1;
    }
    out[length] = '\0';
}

#else

#if defined(__aarch64__)

/* What the operating system says that programs may use. The numbers are Linux's; not every C
 * library has names for them. */
unsigned s1_cpu_features(void)
{
    enum { ASIMD = 1 << 1, ASIMDDP = 1 << 20, I8MM = 1 << 13, BF16 = 1 << 14 };
    const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
    unsigned features = 0;

    if (!(first & ASIMD))
        return features;
    features |= S1_CPU_NEON;
    if (!(first & ASIMDDP))
        return features;
    features |= S1_CPU_NEON_DOTPROD;
    if (!(second & BF16))
        return features;
    features |= S1_CPU_NEON_BF16;
    if (second & I8MM)
        features |= S1_CPU_NEON_I8MM;
    return features;
}

#else

unsigned s1_cpu_features(void)
{
    return 0;
}

#endif

void s1_cpu_hardware(char *out, size_t capacity)
{
    static const char name[] = "processor";
    memcpy(out, name, capacity < sizeof(name) ? capacity : sizeof(name));
    out[capacity - 1] = '\0';
}

#endif

void s1_kernels_init(s1_kernels *kernels, unsigned features)
{
    (void)features; /* a build may have no level above scalar */
    *kernels = (s1_kernels){ .level = "scalar" };
    s1_product_init_scalar(kernels);
    s1_i8_init_scalar(kernels);
    s1_attention_init_scalar(kernels);
    s1_rows_init_scalar(kernels);
#if S1_HAVE_AVX2
    if (features & S1_CPU_AVX2) {
        s1_product_init_avx2(kernels);
        s1_i8_init_avx2(kernels);
        s1_rows_init_avx2(kernels);
        s1_attention_init_avx2(kernels);
    }
#endif
#if S1_HAVE_AVX512
    if (features & S1_CPU_AVX512) {
        s1_product_init_avx512(kernels);
        s1_i8_init_avx512(kernels);
        s1_rows_init_avx512(kernels);
        s1_attention_init_avx512(kernels);
    }
#endif
#if S1_HAVE_NEON
    if (features & S1_CPU_NEON) {
        s1_product_init_neon(kernels);
        s1_rows_init_neon(kernels);
        s1_attention_init_neon(kernels);
        s1_i8_init_neon(kernels);
    }
#endif
#if S1_HAVE_NEON_DOTPROD
    if (features & S1_CPU_NEON_DOTPROD)
        s1_i8_init_neon_dotprod(kernels);
#endif
#if S1_HAVE_NEON_BF16
    if (features & S1_CPU_NEON_BF16)
        s1_product_init_neon_bf16(kernels);
#endif
#if S1_HAVE_NEON_I8MM
    if (features & S1_CPU_NEON_I8MM)
        s1_i8_init_neon_i8mm(kernels);
#endif
}

/* Of each architecture from slowest to fastest; each has the features of those before it. */
static const struct {
    const char *name;
    unsigned features;
} levels[] = {
    { "scalar", 0 },
    { "avx2", S1_CPU_AVX2 },
    { "avx512", S1_CPU_AVX2 | S1_CPU_AVX512 },
    { "neon", S1_CPU_NEON },
    { "neon_dotprod", S1_CPU_NEON | S1_CPU_NEON_DOTPROD },
    { "neon_bf16", S1_CPU_NEON | S1_CPU_NEON_DOTPROD | S1_CPU_NEON_BF16 },
    { "neon_i8mm", S1_CPU_NEON | S1_CPU_NEON_DOTPROD | S1_CPU_NEON_BF16 | S1_CPU_NEON_I8MM },
};

ins1_status s1_kernels_choose(s1_kernels *kernels, const char *level, ins1_error *error)
{
    unsigned features = s1_cpu_features();

    if (!level) {
        s1_kernels_init(kernels, features);
        return INS1_OK;
    }
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(levels[i].name, level) != 0)
            continue;
        if ((levels[i].features & features) != levels[i].features)
            return s1_fail(error, INS1_E_UNSUPPORTED, "CPU level '%s' is not on this machine",
                           level);
        s1_kernels_init(kernels, levels[i].features);
        if (strcmp(kernels->level, level) != 0)
            return s1_fail(error, INS1_E_UNSUPPORTED, "CPU level '%s' is not in this build", level);
        return INS1_OK;
    }
    return s1_fail(error, INS1_E_UNSUPPORTED,
                   "CPU level '%s' is not known, scalar, avx2, avx512, neon, neon_dotprod, "
                   "neon_bf16 or neon_i8mm expected",
                   level);
}
