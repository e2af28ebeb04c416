#include "nn/rope.h"

#include "base/memory.h"
#include "base/meter.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* Angles are float32 at every step, as in the reference: the inverse frequency is rounded, the
 * product with the position is rounded again, and cosine and sine are taken of that number. Exact
 * angles would move the logits of long prompts. */

static void plain_frequencies(float *out, int32_t half, double theta)
{
    for (int32_t i = 0; i < half; i++)
        out[i] = 1.0f / powf((float)theta, (float)(2 * i) / (float)(2 * half));
}

/* Dynamic NTK: beyond the trained length the base grows with the context, which the session fixes.
 */
static double dynamic_theta(const s1_rope_config *config, int32_t head_dim, int32_t n_ctx)
{
    double trained = config->max_position, s = config->factor;
    if (n_ctx <= config->max_position)
        return config->theta;
    double growth = s * n_ctx / trained - (s - 1);
    return config->theta * pow(growth, head_dim / (head_dim - 2.0));
}

/* The pair whose wavelength makes `turns` full turns in the original context. */
static double yarn_bound(double turns, int32_t head_dim, double theta, int32_t original)
{
    return head_dim * log(original / (turns * 2 * PI)) / (2 * log(theta));
}

/* YaRN (arXiv 2309.00071): fast pairs keep their frequency, slow ones are divided by the factor, a
 * ramp joins them. */
static void yarn_frequencies(float *out, int32_t half, const s1_rope_config *config)
{
    double low = yarn_bound(config->beta_fast, 2 * half, config->theta, config->original_position);
    double high = yarn_bound(config->beta_slow, 2 * half, config->theta, config->original_position);
    if (config->truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, 2 * half - 1);
    if (low == high)
        high += 0.001;
    for (int32_t i = 0; i < half; i++) {
        float power = powf((float)config->theta, (float)(2 * i) / (float)(2 * half));
        float ramp = ((float)i - (float)low) / (float)(high - low);
        ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
        float keep = 1 - ramp;
        out[i] = 1.0f / ((float)config->factor * power) * (1 - keep) + 1.0f / power * keep;
    }
}

static float yarn_scale(const s1_rope_config *config)
{
    if (config->attention_factor > 0)
        return (float)config->attention_factor;
    return config->factor <= 1 ? 1 : (float)(0.1 * log(config->factor) + 1);
}

static ins1_status widen(float **out, const s1_tensor *from, const ins1_allocator *memory)
{
    uint64_t n = s1_tensor_count(from);
    *out = s1_alloc_array(memory, n, sizeof(**out), INS1_MEM_OBJECT);
    if (!*out)
        return INS1_E_MEMORY;
    for (uint64_t i = 0; i < n; i++)
        (*out)[i] = s1_tensor_f32(from, i);
    return INS1_OK;
}

static ins1_status init_fope(s1_rope *rope, const s1_rope_config *config)
{
    const s1_tensor *coefficients = &config->fope_cos;
    rope->n_fope = (int32_t)coefficients->shape[coefficients->rank - 1];
    rope->n_heads = coefficients->rank == 3 ? (int32_t)coefficients->shape[0] : 1;
    ins1_status status = widen(&rope->fope_cos, &config->fope_cos, rope->memory);
    if (status == INS1_OK)
        status = widen(&rope->fope_sin, &config->fope_sin, rope->memory);
    rope->turn = s1_alloc_array(rope->memory, (size_t)rope->n_fope, 2 * sizeof(*rope->turn),
                                INS1_MEM_OBJECT);
    return rope->turn ? status : INS1_E_MEMORY;
}

static uint64_t table_bytes(const s1_rope *rope, const s1_rope_config *config)
{
    uint64_t n = (uint64_t)rope->half + 2 * (uint64_t)rope->n_fope;
    if (rope->n_fope)
        n += s1_tensor_count(&config->fope_cos) + s1_tensor_count(&config->fope_sin);
    return n * sizeof(float);
}

ins1_status s1_rope_init(s1_rope *rope, const s1_rope_config *config, int32_t head_dim,
                         int32_t n_ctx, const ins1_allocator *memory, ins1_error *error)
{
    ins1_status status = INS1_OK;

    *rope = (s1_rope){ .half = head_dim / 2, .n_heads = 1, .scale = 1, .memory = memory };
    rope->inverse_frequency = s1_alloc_array(memory, (size_t)rope->half,
                                             sizeof(*rope->inverse_frequency), INS1_MEM_OBJECT);
    if (!rope->inverse_frequency)
        status = INS1_E_MEMORY;
    if (status == INS1_OK && config->fope_cos.dtype)
        status = init_fope(rope, config);
    if (status != INS1_OK) {
        uint64_t size = table_bytes(rope, config);
        s1_rope_finish(rope);
        return s1_out_of_memory(memory, size, "the tables of rotary positions", error);
    }

    switch (config->kind) {
    case S1_ROPE_PLAIN:
        plain_frequencies(rope->inverse_frequency, rope->half, config->theta);
        break;
    case S1_ROPE_LINEAR:
        plain_frequencies(rope->inverse_frequency, rope->half, config->theta);
        for (int32_t i = 0; i < rope->half; i++)
            rope->inverse_frequency[i] /= (float)config->factor;
        break;
    case S1_ROPE_DYNAMIC:
        plain_frequencies(rope->inverse_frequency, rope->half,
                          dynamic_theta(config, head_dim, n_ctx));
        break;
    case S1_ROPE_YARN:
        yarn_frequencies(rope->inverse_frequency, rope->half, config);
        rope->scale = yarn_scale(config);
        break;
    }
    return INS1_OK;
}

static void free_floats(const s1_rope *rope, float *memory, int32_t count)
{
    s1_free(rope->memory, memory, (size_t)count * sizeof(*memory), INS1_MEM_OBJECT);
}

void s1_rope_finish(s1_rope *rope)
{
    int32_t n_coefficients = rope->n_heads * rope->n_fope * rope->n_fope;
    free_floats(rope, rope->inverse_frequency, rope->half);
    free_floats(rope, rope->fope_cos, n_coefficients);
    free_floats(rope, rope->fope_sin, n_coefficients);
    free_floats(rope, rope->turn, 2 * rope->n_fope);
    *rope = (s1_rope){ 0 };
}

/* FoPE: every output frequency is a learned mixture of the turns of the input frequencies. Output
 * frequencies beyond them have cosine and sine 1, both: a constant that the models were trained
 * with. */
static void fope_table(s1_rope *rope, int32_t position, float *cosines, float *sines)
{
    int32_t n = rope->n_fope;
    float *c = rope->turn, *s = rope->turn + n;

    for (int32_t i = 0; i < n; i++) {
        float angle = (float)position * rope->inverse_frequency[i];
        c[i] = cosf(angle);
        s[i] = sinf(angle);
    }
    for (int32_t h = 0; h < rope->n_heads; h++, cosines += rope->half, sines += rope->half) {
        const float *of_cos = rope->fope_cos + (size_t)h * n * n;
        const float *of_sin = rope->fope_sin + (size_t)h * n * n;
        memset(cosines, 0, (size_t)n * sizeof(*cosines));
        memset(sines, 0, (size_t)n * sizeof(*sines));
        for (int32_t i = 0; i < n; i++) {
            for (int32_t j = 0; j < n; j++) {
                cosines[j] = fmaf(c[i], of_cos[(size_t)i * n + j], cosines[j]);
                sines[j] = fmaf(s[i], of_sin[(size_t)i * n + j], sines[j]);
            }
        }
        for (int32_t j = n; j < rope->half; j++)
            cosines[j] = sines[j] = 1;
    }
}

void s1_rope_table(s1_rope *rope, int32_t position, float *cosines, float *sines)
{
    if (rope->n_fope) {
        fope_table(rope, position, cosines, sines);
        return;
    }
    for (int32_t i = 0; i < rope->half; i++) {
        float angle = (float)position * rope->inverse_frequency[i];
        cosines[i] = cosf(angle) * rope->scale;
        sines[i] = sinf(angle) * rope->scale;
    }
}
