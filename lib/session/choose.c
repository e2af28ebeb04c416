#include "session/choose.h"

#include <math.h>
#include <stdbool.h>

static bool is_allowed(const uint32_t *allowed, size_t id)
{
    return !allowed || (allowed[id / 32] >> id % 32 & 1);
}

int32_t s1_choose_best(const float *logits, size_t n, const uint32_t *allowed)
{
    size_t best = n;
    for (size_t id = 0; id < n; id++)
        if (is_allowed(allowed, id) && (best == n || logits[id] > logits[best]))
            best = id;
    return (int32_t)best;
}

/* Relative to the best token, whose weight is 1 even where its logit is infinite. */
static double weight(float logit, float best, double temperature)
{
    return logit == best ? 1.0 : exp(((double)logit - (double)best) / temperature);
}

static bool is_better(s1_rank a, s1_rank b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

static bool is_worse(s1_rank a, s1_rank b)
{
    return is_better(b, a);
}

typedef bool before_fn(s1_rank a, s1_rank b);

static inline void sift_down(s1_rank *heap, size_t n, size_t parent, before_fn *is_before)
{
    s1_rank moved = heap[parent];
    for (;;) {
        size_t child = 2 * parent + 1;
        if (child >= n)
            break;
        if (child + 1 < n && is_before(heap[child + 1], heap[child]))
            child++;
        if (!is_before(heap[child], moved))
            break;
        heap[parent] = heap[child];
        parent = child;
    }
    heap[parent] = moved;
}

static void make_heap(s1_rank *heap, size_t n, before_fn *is_before)
{
    for (size_t parent = n / 2; parent-- > 0;)
        sift_down(heap, n, parent, is_before);
}

/* Candidates as a heap whose root is the best one. Taking the root moves it behind the heap, so
 * that the ones taken stand at the end of the array, best last: only as much is sorted as is asked
 * for. */
typedef struct ranking {
    s1_rank *at;
    size_t n;    /* candidates in all */
    size_t left; /* still in the heap */
} ranking;

/* The best `most` of those that are allowed. While they are looked for, the root is the worst of
 * the ones found so far, which the next better one replaces. */
static ranking ranking_of(const float *logits, size_t n, const uint32_t *allowed, size_t most,
                          s1_rank *ranks)
{
    ranking r = { .at = ranks };
    for (size_t id = 0; id < n; id++) {
        if (!is_allowed(allowed, id))
            continue;
        if (r.n < most) {
            ranks[r.n++] = (s1_rank){ logits[id], (int32_t)id };
            if (r.n == most && most < n)
                make_heap(ranks, most, is_worse);
        } else if (logits[id] > ranks[0].logit) {
            ranks[0] = (s1_rank){ logits[id], (int32_t)id };
            sift_down(ranks, most, 0, is_worse);
        }
    }
    r.left = r.n;
    make_heap(ranks, r.n, is_better);
    return r;
}

/* Candidate number `index`, from the best down. */
static s1_rank ranked(ranking *r, size_t index)
{
    while (r->n - r->left <= index) {
        s1_rank best = r->at[0];
        r->at[0] = r->at[--r->left];
        sift_down(r->at, r->left, 0, is_better);
        r->at[r->left] = best;
    }
    return r->at[r->n - 1 - index];
}

/* How many of the candidates top-p and min-p leave; `*sum` goes from the weight of all of them to
 * the weight of those kept. */
static size_t cut(ranking *r, const s1_cuts *cuts, double *sum)
{
    bool has_top_p = cuts->top_p > 0 && cuts->top_p < 1;
    if (!has_top_p && !(cuts->min_p > 0))
        return r->n;

    float best = ranked(r, 0).logit;
    double target = has_top_p ? (double)cuts->top_p * *sum : INFINITY;
    double running = 0;
    size_t kept = 0;
    while (kept < r->n && running < target) {
        double w = weight(ranked(r, kept).logit, best, (double)cuts->temperature);
        if (kept > 0 && w < (double)cuts->min_p)
            break;
        running += w;
        kept++;
    }
    *sum = running;
    return kept;
}

int32_t s1_choose_drawn(const float *logits, size_t n, const uint32_t *allowed, const s1_cuts *cuts,
                        double draw, s1_rank *ranks)
{
    double temperature = (double)cuts->temperature;
    size_t most = cuts->top_k > 0 && (size_t)cuts->top_k < n ? (size_t)cuts->top_k : n;
    ranking r = ranking_of(logits, n, allowed, most, ranks);
    float best = ranked(&r, 0).logit;
    double sum = 0;

    for (size_t i = 0; i < r.n; i++)
        sum += weight(r.at[i].logit, best, temperature);
    size_t kept = cut(&r, cuts, &sum);

    /* Rounding may leave the last running sum at or below the draw: the last token that can come at
     * all is then meant. */
    double running = 0;
    int32_t id = ranked(&r, 0).id;
    for (size_t i = 0; i < kept && running <= draw; i++) {
        s1_rank next = ranked(&r, i);
        double w = weight(next.logit, best, temperature);
        if (w == 0)
            break;
        running += w / sum;
        id = next.id;
    }
    return id;
}

float s1_log_softmax(const float *logits, size_t n, int32_t id)
{
    float best = logits[0];
    for (size_t i = 1; i < n; i++)
        best = logits[i] > best ? logits[i] : best;
    if (isinf(best)) {
        double count = 0;
        for (size_t i = 0; i < n; i++)
            count += logits[i] == best;
        return logits[id] == best ? (float)-log(count) : -INFINITY;
    }

    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)expf(logits[i] - best);
    return (float)((double)logits[id] - (double)best - log(sum));
}

double s1_draw(uint64_t seed, uint64_t index)
{
    uint64_t z = seed + index * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
}
