#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct flag {
    const char *name;
    const char **text; /* one of the two */
    int64_t *number;
    int64_t least, most;
    const char *value, *about;
} flag;

static char key_text[512];

static const char *const about = "usage: ins1-server [OPTION...] MODEL\n\n"
                                 "Serves a checkpoint in OpenAI's HTTP interface, with a page to "
                                 "try it at /. SIGTERM and SIGINT\n"
                                 "let running requests finish; the second one ends them.\n\n";

static void print_help(const flag *flags, size_t n)
{
    fputs(about, stdout);
    for (size_t i = 0; i < n; i++) {
        printf("  %-15s %-7s %s", flags[i].name, flags[i].value, flags[i].about);
        if (flags[i].number)
            printf(" (default: %lld)", (long long)*flags[i].number);
        putchar('\n');
    }
}

static bool complain(int *exit_status, const char *what, const char *name)
{
    fprintf(stderr, "ins1-server: %s '%s', see ins1-server --help\n", what, name);
    *exit_status = 2;
    return false;
}

static bool read_flag(const flag *f, const char *value, int *exit_status)
{
    char *end;
    if (f->text) {
        *f->text = value;
        return true;
    }
    errno = 0;
    const long long number = strtoll(value, &end, 10);
    if (errno || end == value || *end || number < f->least || number > f->most) {
        fprintf(stderr, "ins1-server: %s is '%s', expected %lld to %lld\n", f->name, value,
                (long long)f->least, (long long)f->most);
        *exit_status = 2;
        return false;
    }
    *f->number = number;
    return true;
}

/* The first line of a file: keys do not belong into lists of processes. */
static bool read_key(settings *out, int *exit_status)
{
    if (!out->key_file)
        return true;
    FILE *file = fopen(out->key_file, "re");
    const bool is_read = file && fgets(key_text, sizeof(key_text), file);
    if (file)
        fclose(file);
    if (!is_read)
        return complain(exit_status, "no key in the file", out->key_file);
    key_text[strcspn(key_text, "\r\n")] = '\0';
    out->key = key_text;
    if (!*key_text)
        return complain(exit_status, "an empty key in the file", out->key_file);
    return true;
}

bool options_read(settings *out, int argc, char **argv, int *exit_status)
{
    *out = (settings){
        .host = "127.0.0.1",
        .pooling = "last",
        .port = 8000,
        .ctx = 4096,
        .slots = 8,
        .queue = 64,
        .chunk = 256,
        .connections = 256,
        .max_tokens = 4096,
        .max_body = 32 << 20,
        .max_bodies = 256 << 20,
        .max_response = 32 << 20,
        .max_media = 16,
        .max_pixels = 1 << 24,
        .max_samples = 1 << 22,
        .time_limit = 600,
        .idle_limit = 30,
        .grace = 30,
    };
    const int64_t huge = INT64_C(1) << 40;
    const flag flags[] = {
        { "--host", &out->host, NULL, 0, 0, "ADDRESS", "where to listen (default: 127.0.0.1)" },
        { "--port", NULL, &out->port, 0, 65535, "N", "where to listen; 0: any that is free" },
        { "--port-file", &out->port_file, NULL, 0, 0, "FILE", "receives the port" },
        { "--name", &out->name, NULL, 0, 0, "NAME", "of the model (default: its folder's)" },
        { "--key-file", &out->key_file, NULL, 0, 0, "FILE", "its first line is what clients need" },
        { "--key", &out->key, NULL, 0, 0, "KEY", "the same; everybody here can see it" },
        { "--files", &out->files, NULL, 0, 0, "FOLDER", "what file: URLs may name lies below" },
        { "--threads", NULL, &out->threads, 0, 1024, "N", "that compute; 0: one for each CPU" },
        { "--level", &out->level, NULL, 0, 0, "LEVEL", "of the CPU (default: the best)" },
        { "--precision", &out->precision, NULL, 0, 0, "P", "f32 or bf16 (default: the weights')" },
        { "--pooling", &out->pooling, NULL, 0, 0, "P", "of embeddings: last (default) or mean" },
        { "--slots", NULL, &out->slots, 1, 1024, "N", "replies in the making at once" },
        { "--ctx", NULL, &out->ctx, 0, INT32_MAX, "N", "tokens of a prompt and its reply" },
        { "--chunk", NULL, &out->chunk, 1, 65536, "N", "tokens of prompts between two steps" },
        { "--queue", NULL, &out->queue, 0, 65536, "N", "requests that may wait for a slot" },
        { "--connections", NULL, &out->connections, 1, 16384, "N", "open at once" },
        { "--max-tokens", NULL, &out->max_tokens, 1, INT32_MAX, "N", "of a reply" },
        { "--max-body", NULL, &out->max_body, 1, huge, "BYTES", "of a request" },
        { "--max-bodies", NULL, &out->max_bodies, 1, huge, "BYTES",
          "of all, and what they become" },
        { "--max-response", NULL, &out->max_response, 1, huge, "BYTES", "of what is no stream" },
        { "--max-media", NULL, &out->max_media, 0, 1024, "N", "images and series of a request" },
        { "--max-pixels", NULL, &out->max_pixels, 1, huge, "N", "of an image" },
        { "--max-samples", NULL, &out->max_samples, 1, huge, "N", "of a series, all channels" },
        { "--time-limit", NULL, &out->time_limit, 1, 86400, "SECONDS", "of a request" },
        { "--idle-limit", NULL, &out->idle_limit, 1, 86400, "SECONDS", "of a silent client" },
        { "--grace", NULL, &out->grace, 0, 86400, "SECONDS", "for running requests at the end" },
    };
    const size_t n = sizeof(flags) / sizeof(*flags);

    for (int i = 1; i < argc; i++) {
        size_t f = 0;
        if (!strcmp(argv[i], "--help")) {
            print_help(flags, n);
            *exit_status = 0;
            return false;
        }
        while (f < n && strcmp(argv[i], flags[f].name) != 0)
            f++;
        if (f < n && i + 1 == argc)
            return complain(exit_status, "a value is missing behind", argv[i]);
        if (f == n && (argv[i][0] == '-' || out->model))
            return complain(exit_status, "unexpected", argv[i]);
        if (f == n)
            out->model = argv[i];
        else if (!read_flag(&flags[f], argv[++i], exit_status))
            return false;
    }
    if (!out->model)
        return complain(exit_status, "what is missing is", "MODEL");
    if (strcmp(out->pooling, "last") != 0 && strcmp(out->pooling, "mean") != 0)
        return complain(exit_status, "--pooling is", out->pooling);
    if (out->precision && strcmp(out->precision, "f32") != 0 && strcmp(out->precision, "bf16") != 0)
        return complain(exit_status, "--precision is", out->precision);
    return read_key(out, exit_status);
}
