/* Scores answers on all ranks of an MPI job:
 *     mpirun -np 2 cluster MODEL TEXTS [THREADS]
 * A line of TEXTS is a question, a tab and an answer. Rank 0 reads it and prints the scores in the
 * order of the lines; they are the same bits for any number of ranks and threads.
 */

#include "scorer.h"

#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILED UINT32_MAX /* bits of a NaN: there is no score */

/* A file in memory and its lines. */
typedef struct texts {
    char *bytes;
    long size;
    size_t n_lines;
    char **lines; /* each with a NUL in the place of its end */
} texts;

static bool read_file(texts *t, const char *path)
{
    FILE *file = fopen(path, "rb");

    t->size = -1;
    if (!file)
        return false;
    if (fseek(file, 0, SEEK_END) == 0 && (t->size = ftell(file)) >= 0 &&
        (t->bytes = malloc((size_t)t->size + 1)) != NULL) {
        rewind(file);
        if (fread(t->bytes, 1, (size_t)t->size, file) != (size_t)t->size)
            t->size = -1;
    }
    fclose(file);
    return t->bytes && t->size >= 0;
}

static bool split(texts *t)
{
    t->bytes[t->size] = '\0';
    for (long i = 0; i < t->size; i++)
        t->n_lines += t->bytes[i] == '\n' || i + 1 == t->size;
    t->lines = calloc(t->n_lines + 1, sizeof(*t->lines));
    if (!t->lines)
        return false;
    char *at = t->bytes;
    for (size_t i = 0; i < t->n_lines; i++) {
        char *end = strchr(at, '\n');
        t->lines[i] = at;
        if (!end)
            break;
        *end = '\0';
        at = end + 1;
    }
    return true;
}

/* Every rank gets the bytes that rank 0 read: a node need not have the file. False on all ranks, or
 * on none. */
static bool share_texts(texts *t, const char *path, int rank)
{
    int good = rank != 0 || read_file(t, path);

    if (!good)
        fprintf(stderr, "cannot read %s\n", path);
    MPI_Bcast(&good, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (!good)
        return false;
    MPI_Bcast(&t->size, 1, MPI_LONG, 0, MPI_COMM_WORLD);
    if (rank != 0)
        t->bytes = malloc((size_t)t->size + 1);
    good = t->bytes != NULL && t->size < INT32_MAX;
    MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (!good)
        return false;
    MPI_Bcast(t->bytes, (int)t->size, MPI_BYTE, 0, MPI_COMM_WORLD);
    good = split(t);
    MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    return good;
}

/* This rank's lines: every size-th. What stays 0 is another rank's. */
static void score_mine(scorer *s, const texts *t, uint32_t *bits, int rank, int size)
{
    for (size_t i = (size_t)rank; i < t->n_lines; i += (size_t)size) {
        const char *line = t->lines[i], *tab = strchr(line, '\t');
        float score;

        bits[i] = FAILED;
        if (!tab) {
            fprintf(stderr, "line %zu: no tab between a question and an answer\n", i + 1);
            continue;
        }
        const ins1_text question = { line, (size_t)(tab - line) },
                        answer = { tab + 1, strlen(tab + 1) };
        if (scorer_score(s, question, answer, &score) == INS1_OK)
            memcpy(&bits[i], &score, sizeof(score));
        else
            fprintf(stderr, "line %zu: %s\n", i + 1, s->error.text);
    }
}

/* How much of the weights this process has in memory, and how much of that another has, too; kB.
 * Zero where the system does not say. */
static void count_pages(long *resident, long *shared)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[4352];
    bool is_ours = false;
    long kb;

    *resident = *shared = 0;
    while (maps && fgets(line, sizeof(line), maps)) {
        if (strchr(line, '-') && strchr(line, '/'))
            is_ours = strstr(line, ".safetensors") != NULL;
        else if (is_ours && sscanf(line, "Rss: %ld kB", &kb) == 1)
            *resident += kb;
        else if (is_ours && (sscanf(line, "Shared_Clean: %ld kB", &kb) == 1 ||
                             sscanf(line, "Shared_Dirty: %ld kB", &kb) == 1))
            *shared += kb;
    }
    if (maps)
        fclose(maps);
}

/* Between two barriers: all ranks have their pages, and none lets go of them yet. */
static void tell_pages(int rank, int size)
{
    long pages[2], least[2];

    MPI_Barrier(MPI_COMM_WORLD);
    count_pages(&pages[0], &pages[1]);
    MPI_Reduce(pages, least, 2, MPI_LONG, MPI_MIN, 0, MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        fprintf(stderr,
                "%d ranks; weights in memory of each: %ld kB and more, of these shared: %ld kB\n",
                size, least[0], least[1]);
}

static int print(const texts *t, const uint32_t *bits)
{
    int failed = 0;

    for (size_t i = 0; i < t->n_lines; i++) {
        float score;
        memcpy(&score, &bits[i], sizeof(score));
        failed |= bits[i] == FAILED;
        if (bits[i] == FAILED)
            printf("-\t%s\n", t->lines[i]);
        else
            printf("%a\t%.4f\t%s\n", (double)score, (double)score, t->lines[i]);
    }
    return failed;
}

/* From opening to printing; every rank returns the same. */
static int run(const char *model, const char *path, int32_t n_threads, int rank, int size)
{
    static scorer s;
    texts t = { 0 };
    uint32_t *bits = NULL;
    int failed = 1;

    int good = scorer_open(&s, model, n_threads) == INS1_OK;
    if (!good)
        fprintf(stderr, "rank %d: %s\n", rank, s.error.text);
    MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (!good || !share_texts(&t, path, rank))
        goto done;
    bits = calloc(t.n_lines + 1, sizeof(*bits));
    good = bits != NULL;
    MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (!good)
        goto done;
    score_mine(&s, &t, bits, rank, size);
    tell_pages(rank, size);
    /* Each line is one rank's, and 0 with all others: joining the bits is exact. */
    MPI_Allreduce(MPI_IN_PLACE, bits, (int)t.n_lines, MPI_UINT32_T, MPI_BOR, MPI_COMM_WORLD);
    failed = 0;
    if (rank == 0)
        failed = print(&t, bits);
    MPI_Bcast(&failed, 1, MPI_INT, 0, MPI_COMM_WORLD);
done:
    free(bits);
    free(t.lines);
    free(t.bytes);
    scorer_close(&s);
    return failed;
}

int main(int argc, char **argv)
{
    int rank, size, provided, failed = 2;

    /* The library's threads never call MPI. */
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (argc == 3 || argc == 4)
        failed = run(argv[1], argv[2], argc == 4 ? atoi(argv[3]) : 1, rank, size);
    else if (rank == 0)
        fprintf(stderr, "usage: cluster MODEL TEXTS [THREADS]\n");
    MPI_Finalize();
    return failed;
}
