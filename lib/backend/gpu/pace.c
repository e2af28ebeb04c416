#include "backend/gpu/gpu.h"

#include <time.h>

static const double piece_ns = 2e6; /* what a piece shall take */
static const double slow_ns = 3e6;  /* from here on two are too long */
static const double least_budget = 65536;

int64_t s1_pace_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t s1_pace_until_ns(int64_t timeout_ns)
{
    int64_t now = s1_pace_now_ns();
    return timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
}

s1_pace s1_pace_begin(int32_t least)
{
    return (s1_pace){ .budget = least * least_budget };
}

/* Pieces get larger slowly and smaller at once. */
void s1_pace_learn(s1_pace *pace, const s1_pace_piece *piece)
{
    int64_t now = s1_pace_now_ns();
    int64_t begin = piece->begun_ns > pace->done_ns ? piece->begun_ns : pace->done_ns;
    double ratio = piece_ns / (double)(now - begin + 1);

    pace->done_ns = now;
    if (piece->is_exact)
        pace->took_ns = now - begin;
    if (ratio < 1 && piece->is_exact && piece->amount > pace->budget / 4)
        pace->budget *= ratio < 0.25 ? 0.25 : ratio;
    else if (ratio > 1 && piece->is_whole && piece->amount > pace->budget / 2)
        pace->budget *= ratio > 1.5 ? 1.5 : ratio;
    if (pace->budget < least_budget)
        pace->budget = least_budget;
}

bool s1_pace_is_slow(const s1_pace *pace)
{
    return (double)pace->took_ns > slow_ns;
}
