#include "golden.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

void must(ins1_status status, const ins1_error *error, const char *what)
{
    if (status != INS1_OK)
        fail("%s: %s: %s", what, ins1_status_name(status), error->text);
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return fopen(path, "rb");
}

bool file_exists(const char *folder, const char *name)
{
    FILE *file = open_in(folder, name);
    if (file)
        fclose(file);
    return file;
}

text read_text(const char *folder, const char *name)
{
    text t = { 0 };
    FILE *file = open_in(folder, name);
    if (!file)
        fail("%s/%s cannot be read", folder, name);
    fseek(file, 0, SEEK_END);
    t.size = (size_t)ftell(file);
    rewind(file);
    t.bytes = malloc(t.size + 1);
    if (fread(t.bytes, 1, t.size, file) != t.size)
        fail("%s/%s cannot be read", folder, name);
    t.bytes[t.size] = 0;
    fclose(file);
    return t;
}

array read_npy(const char *folder, const char *name)
{
    array a = { 0 };
    if (!file_exists(folder, name))
        return a;
    text t = read_text(folder, name);
    size_t header = (unsigned char)t.bytes[8] | (size_t)(unsigned char)t.bytes[9] << 8;
    char *dict = t.bytes + 10;
    char *shape = strstr(dict, "'shape': (");
    a.is_float = strstr(dict, "'<f4'") != NULL;
    if (memcmp(t.bytes, "\x93NUMPY\x01", 7) || !shape || (!a.is_float && !strstr(dict, "'<i4'")) ||
        !strstr(dict, "'fortran_order': False"))
        fail("%s/%s: only little-endian float32 and int32 in C order", folder, name);
    size_t count = 1;
    for (char *at = shape + 10; *at != ')' && a.rank < 4;) {
        a.dim[a.rank] = strtoul(at, &at, 10);
        count *= a.dim[a.rank++];
        at += strspn(at, ", ");
    }
    if (10 + header + count * 4 != t.size)
        fail("%s/%s: %zu values do not fill it", folder, name, count);
    a.data = malloc(count * 4 + 1);
    memcpy(a.data, t.bytes + 10 + header, count * 4);
    free(t.bytes);
    return a;
}

void free_array(array *a)
{
    free(a->data);
    *a = (array){ 0 };
}

static s1_json parse(const char *folder, const char *name, const char *bytes, size_t size)
{
    ins1_error error = INS1_INIT(ins1_error);
    s1_json value;
    if (s1_json_parse(&value, bytes, size, &error) != INS1_OK)
        fail("%s/%s: %s", folder, name, error.text);
    return value;
}

static void copy_string(s1_json value, char *out, size_t capacity)
{
    size_t size;
    if (!s1_json_string(value, out, capacity - 1, &size) || size >= capacity)
        fail("a string was expected");
    out[size] = 0;
}

static void read_embeds(const char *folder, s1_json files, line *l)
{
    s1_json key, file;
    s1_json_walk walk = s1_json_begin(files);
    while (s1_json_next(&walk, &key, &file)) {
        char name[256];
        copy_string(file, name, sizeof(name));
        array a = read_npy(folder, name);
        if (!a.data || a.rank != 2 || !a.is_float)
            fail("%s/%s: float32 [rows][dim] was expected", folder, name);
        l->dim = a.dim[1];
        l->embeds = realloc(l->embeds, (l->n_rows + a.dim[0]) * l->dim * sizeof(float));
        memcpy(l->embeds + l->n_rows * l->dim, a.data, a.dim[0] * l->dim * sizeof(float));
        l->n_rows += a.dim[0];
        free_array(&a);
    }
}

static line read_line(const char *folder, s1_json value)
{
    line l = { 0 };
    s1_json ids = value, key, id;
    if (value.kind == S1_JSON_OBJECT) {
        ids = s1_json_get(value, "ids");
        read_embeds(folder, s1_json_get(value, "embeds"), &l);
    }
    l.ids = malloc((s1_json_count(ids) + 1) * sizeof(*l.ids));
    s1_json_walk walk = s1_json_begin(ids);
    while (s1_json_next(&walk, &key, &id)) {
        int64_t number;
        if (!s1_json_int(id, &number))
            fail("%s: an id is no whole number", folder);
        l.ids[l.n++] = (int32_t)number;
    }
    return l;
}

size_t read_lines(const char *folder, const char *name, line **out)
{
    text t = read_text(folder, name);
    size_t n = 0;
    *out = NULL;
    for (char *at = t.bytes, *end; *at; at = end + (*end == '\n')) {
        end = at + strcspn(at, "\n");
        if (end == at)
            continue;
        *out = realloc(*out, (n + 1) * sizeof(**out));
        (*out)[n++] = read_line(folder, parse(folder, name, at, (size_t)(end - at)));
    }
    free(t.bytes);
    return n;
}

void free_lines(line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(lines[i].ids);
        free(lines[i].embeds);
    }
    free(lines);
}

static double tolerance(s1_json all, const char *name)
{
    double value;
    if (!s1_json_double(s1_json_get(all, name), &value))
        fail("a tolerance for %s was expected", name);
    return value;
}

static size_t number_after(s1_json_walk *walk)
{
    s1_json key, value;
    char digits[32];
    if (!s1_json_next(walk, &key, &value))
        fail("an option lacks its number");
    copy_string(value, digits, sizeof(digits));
    return strtoul(digits, NULL, 10);
}

options read_case(const char *folder, const char *name)
{
    text t = read_text(folder, name);
    s1_json root = parse(folder, name, t.bytes, t.size), key, value;
    s1_json tolerances = s1_json_get(root, "tolerance");
    options o = { .tolerance_logits = tolerance(tolerances, "logits"),
                  .tolerance_hidden = tolerance(tolerances, "hidden"),
                  .tolerance_gates = tolerance(tolerances, "gates") };

    copy_string(s1_json_get(root, "lines"), o.lines, sizeof(o.lines));
    copy_string(s1_json_get(root, "expect"), o.expect, sizeof(o.expect));
    s1_json_walk walk = s1_json_begin(s1_json_get(root, "options"));
    while (s1_json_next(&walk, &key, &value)) {
        if (s1_json_is(value, "--layers"))
            o.layers = true;
        else if (s1_json_is(value, "--routers"))
            o.routers = true;
        else if (s1_json_is(value, "--together"))
            o.together = true;
        else if (s1_json_is(value, "--ignore-eos"))
            o.ignore_eos = true;
        else if (s1_json_is(value, "--generate"))
            o.generate = number_after(&walk);
        else if (s1_json_is(value, "--chunk"))
            o.chunk = number_after(&walk);
        else if (s1_json_is(value, "--ctx"))
            o.n_ctx = (int32_t)number_after(&walk);
        else
            fail("%s/%s: option %.*s is not known here", folder, name, (int)value.size, value.text);
    }
    free(t.bytes);
    return o;
}

bool is_level(const char *where)
{
    return !strchr(where, '@');
}

int n_warnings;

/* Errors and warnings are wrong: what Vulkan's validation layer says comes here too. But sessions
 * are made longer than their checkpoint was trained for, and say so. */
static void listen(void *user, int32_t level, const char *component, const char *message)
{
    (void)user;
    (void)level;
    printf("%s said: %s\n", component, message);
    n_warnings += strcmp(component, "session") != 0;
}

bool open_place(ins1_runtime **out, int32_t *device, const char *where,
                const ins1_threading *threading, const ins1_call *call)
{
    ins1_runtime_options made = INS1_INIT(ins1_runtime_options);
    const char *name = strchr(where, '@');
    char plugin[512];

    made.threading = threading;
    made.log = listen;
    made.log_level = INS1_LOG_WARN;
    made.cpu_level = name ? NULL : where;
    *device = 0;
    ins1_status status = ins1_runtime_create(out, &made, call);
    if (status == INS1_E_UNSUPPORTED)
        return false;
    must(status, call->error, "runtime");
    if (!name)
        return true;
    snprintf(plugin, sizeof(plugin), "%.*s", (int)(name - where), where);
    must(ins1_backend_load(*out, plugin, call), call->error, plugin);
    if (ins1_device_find(*out, name + 1, device, call) == INS1_OK)
        return true;
    ins1_runtime_release(*out);
    return false;
}
