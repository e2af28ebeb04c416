#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum flag_kind {
    FLAG_SET,    /* bool: true when it is there */
    FLAG_INT,    /* int32_t, 0 or more */
    FLAG_SIZE,   /* uint64_t */
    FLAG_REAL,   /* float */
    FLAG_TEXT,   /* const char *, the last one counts */
    FLAG_TEXTS,  /* flag_list: each one counts */
    FLAG_COUNTS, /* flag_counts: whole numbers with commas between */
} flag_kind;

enum { MAX_LISTED = 16 };
typedef struct flag_list {
    const char *at[MAX_LISTED];
    size_t n;
} flag_list;
typedef struct flag_counts {
    int32_t at[MAX_LISTED];
    size_t n;
} flag_counts;

/* One option of a command and where its value goes. */
typedef struct flag {
    const char *name;
    flag_kind kind;
    void *to;
    const char *value; /* how --help calls the value; NULL for FLAG_SET */
    const char *about;
} flag;

/* A subcommand as --help and the man page tell it. */
typedef struct command {
    const char *name;
    const char *operands; /* "MODEL OUTDIR" */
    const char *summary;  /* one line */
    const char *about;    /* what comes in and what goes out */
    const char *example;
    int (*run)(int argc, char **argv); /* argv[0] is the name; gives the exit status */
} command;

/* What every subcommand takes. */
typedef struct settings {
    int32_t threads;
    const char *level, *plugin, *pool;
    flag_list devices;
    bool quiet;
    bool is_computing; /* takes the two below */
    bool is_exact;     /* f32 where no precision is asked for and the weights take it */
    const char *precision;
    int32_t ctx;
} settings;

enum { ARGS_OK = -1 }; /* else the exit status to end with at once */

/* Reads argv[1..]; as many operands as the command names go to `operands`. Prints help or what is
 * wrong by itself. */
int args_parse(const command *c, const flag *flags, size_t n_flags, settings *s, int argc,
               char **argv, const char **operands);

/* A usage error that only the command can see; gives 2. */
int usage_error(const command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
