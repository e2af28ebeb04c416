#include "args.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SHARED = 6, N_COMPUTING = 2 };

typedef struct parser {
    const command *command;
    const flag *flags;
    size_t n_flags;
    flag shared[N_SHARED + N_COMPUTING];
    size_t n_shared;
} parser;

int usage_error(const command *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "ins1 %s: ", c->name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "; ins1 %s --help tells more\n", c->name);
    va_end(args);
    return 2;
}

static void add_shared(parser *p, settings *s)
{
    const flag shared[] = {
        { "--threads", FLAG_INT, &s->threads, "N", "threads to compute with (default: all CPUs)" },
        { "--level", FLAG_TEXT, &s->level, "NAME",
          "instruction set: scalar, avx2, avx512, neon, neon_dotprod, neon_bf16, "
          "neon_i8mm" },
        { "--device", FLAG_TEXTS, &s->devices, "NAME",
          "where to compute, as `ins1 devices` names it; with ,layers=N or ,bytes=SIZE a part of "
          "the "
          "layers, and another --device takes what is left" },
        { "--plugin", FLAG_TEXT, &s->plugin, "PATH", "absolute path of a backend to load" },
        { "--pool", FLAG_TEXT, &s->pool, "own|host", "threads of the library or of this program" },
        { "--quiet", FLAG_SET, &s->quiet, NULL, "no warnings" },
        { "--precision", FLAG_TEXT, &s->precision, "P",
          "f32, bf16 or int8: how activations enter products" },
        { "--ctx", FLAG_INT, &s->ctx, "N", "context length of each sequence" },
    };
    p->n_shared = N_SHARED + (s->is_computing ? N_COMPUTING : 0);
    memcpy(p->shared, shared, p->n_shared * sizeof(*shared));
}

static void print_flags(const char *title, const flag *flags, size_t n)
{
    if (n)
        printf("\n%s:\n", title);
    for (size_t i = 0; i < n; i++) {
        char left[64];
        snprintf(left, sizeof(left), "%s%s%s", flags[i].name, flags[i].value ? " " : "",
                 flags[i].value ? flags[i].value : "");
        printf("  %-24s  %s\n", left, flags[i].about);
    }
}

static void print_help(const parser *p)
{
    const command *c = p->command;
    printf("Usage: ins1 %s%s%s [OPTION]...\n\n%s.\n", c->name, *c->operands ? " " : "", c->operands,
           c->summary);
    if (*c->about)
        printf("\n%s\n", c->about);
    print_flags("Options", p->flags, p->n_flags);
    print_flags("Common options", p->shared, p->n_shared);
    printf("\nExample:\n  %s\n", c->example);
}

static const flag *find(const parser *p, const char *name, size_t size)
{
    for (size_t i = 0; i < p->n_flags + p->n_shared; i++) {
        const flag *f = i < p->n_flags ? &p->flags[i] : &p->shared[i - p->n_flags];
        if (strlen(f->name) == size && !memcmp(f->name, name, size))
            return f;
    }
    return NULL;
}

static bool read_count(const char *from, char **end, int32_t *out)
{
    errno = 0;
    long value = *from >= '0' && *from <= '9' ? strtol(from, end, 10) : -1;
    *out = (int32_t)value;
    return value >= 0 && value <= INT32_MAX && !errno;
}

static bool read_counts(const char *value, flag_counts *out)
{
    char *end;
    for (out->n = 0; out->n < MAX_LISTED; value = end + 1) {
        if (!read_count(value, &end, &out->at[out->n++]))
            return false;
        if (*end != ',')
            return !*end;
    }
    return false;
}

static bool store(const flag *f, const char *value)
{
    char *end = NULL;
    errno = 0;
    switch (f->kind) {
    case FLAG_SET:
        *(bool *)f->to = true;
        return true;
    case FLAG_INT:
        return read_count(value, &end, f->to) && !*end;
    case FLAG_SIZE:
        *(uint64_t *)f->to = strtoull(value, &end, 0);
        return *value >= '0' && *value <= '9' && !*end && !errno;
    case FLAG_REAL:
        *(float *)f->to = strtof(value, &end);
        return *value && !*end && isfinite(*(float *)f->to) && (!errno || *(float *)f->to != 0);
    case FLAG_TEXT:
        *(const char **)f->to = value;
        return true;
    case FLAG_TEXTS: {
        flag_list *list = f->to;
        if (list->n == MAX_LISTED)
            return false;
        list->at[list->n++] = value;
        return true;
    }
    case FLAG_COUNTS:
        return read_counts(value, f->to);
    }
    return false;
}

/* What store() takes. */
static const char *expected(const flag *f)
{
    switch (f->kind) {
    case FLAG_INT:
        return "a whole number from 0 to 2147483647";
    case FLAG_SIZE:
        return "a whole number";
    case FLAG_REAL:
        return "a number";
    case FLAG_COUNTS:
        return "a list of whole numbers with commas between";
    default:
        return "no more than 16 of them";
    }
}

/* Option number `at` of argv; moves `*at` past its value. */
static int read_flag(const parser *p, int argc, char **argv, int *at)
{
    const char *given = argv[*at];
    const char *equals = strncmp(given, "--", 2) ? NULL : strchr(given, '=');
    const flag *f = find(p, given, equals ? (size_t)(equals - given) : strlen(given));
    if (!f)
        return usage_error(p->command, "there is no option %s", given);
    if (f->kind == FLAG_SET && equals)
        return usage_error(p->command, "%s takes no value", f->name);

    const char *value = equals ? equals + 1 : NULL;
    if (f->kind != FLAG_SET && !equals) {
        if (*at + 1 == argc)
            return usage_error(p->command, "%s needs a value", f->name);
        value = argv[++*at];
    }
    if (!store(f, value))
        return usage_error(p->command, "%s cannot be '%s', %s is expected", f->name, value,
                           expected(f));
    return ARGS_OK;
}

static size_t count_words(const char *words)
{
    size_t n = 0;
    for (const char *at = words; *at; at++)
        n += *at != ' ' && (at == words || at[-1] == ' ');
    return n;
}

static int check_settings(const parser *p, const settings *s)
{
    if (s->pool && strcmp(s->pool, "own") && strcmp(s->pool, "host"))
        return usage_error(p->command, "--pool is '%s', expected own or host", s->pool);
    if (s->precision && strcmp(s->precision, "f32") && strcmp(s->precision, "bf16") &&
        strcmp(s->precision, "int8"))
        return usage_error(p->command, "--precision is '%s', expected f32, bf16 or int8",
                           s->precision);
    if (s->plugin && *s->plugin != '/')
        return usage_error(p->command, "--plugin is '%s', an absolute path is expected", s->plugin);
    return ARGS_OK;
}

int args_parse(const command *c, const flag *flags, size_t n_flags, settings *s, int argc,
               char **argv, const char **operands)
{
    parser p = { .command = c, .flags = flags, .n_flags = n_flags };
    const size_t n_wanted = count_words(c->operands);
    size_t n = 0;
    bool is_over = false; /* after "--" all are operands */

    add_shared(&p, s);
    for (int i = 1; i < argc; i++) {
        if (!is_over && !strcmp(argv[i], "--help")) {
            print_help(&p);
            return 0;
        }
        if (!is_over && !strcmp(argv[i], "--")) {
            is_over = true;
        } else if (!is_over && argv[i][0] == '-' && argv[i][1]) {
            int status = read_flag(&p, argc, argv, &i);
            if (status != ARGS_OK)
                return status;
        } else if (n == n_wanted) {
            return usage_error(c, "'%s' is one argument too many", argv[i]);
        } else {
            operands[n++] = argv[i];
        }
    }
    if (n < n_wanted)
        return usage_error(c, "%zu of %zu arguments (%s) are given", n, n_wanted, c->operands);
    return check_settings(&p, s);
}
