#include "format/files.h"

#include "base/memory.h"
#include "made.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static ins1_error error;
static s1_call call;
static s1_files *files;
static char folder[] = "/tmp/ins1-files-XXXXXX";

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (s1_call){ .error = &error, .deadline_ns = INT64_MAX };
    files = NULL;
}

static void teardown(void)
{
    s1_files_close(files);
}

/* A reader over bytes that can misbehave. */
typedef struct source {
    const char *text;
    int64_t most; /* bytes at once; negative: refuses */
    bool lies;    /* says more than it was asked for */
    int closed;
} source;

static int64_t read_at(void *user, uint64_t offset, void *dst, size_t n)
{
    const source *s = user;
    size_t left = strlen(s->text) - (size_t)offset;
    if (s->most < 0)
        return s->most;
    if (s->lies)
        return (int64_t)n + 1;
    if (n > left)
        n = left;
    if (n > (size_t)s->most)
        n = (size_t)s->most;
    memcpy(dst, s->text + offset, n);
    return (int64_t)n;
}

static void close_source(void *user)
{
    source *s = user;
    s->closed++;
}

static ins1_reader reader_of(source *s, uint64_t size)
{
    return (ins1_reader){
        .struct_size = sizeof(ins1_reader),
        .size = size,
        .read_at = read_at,
        .close = close_source,
        .user = s,
    };
}

static void write_file(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void make_folder(void)
{
    char path[200];
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_file("config.json", "{}");
    write_file("empty", "");
    write_file(".hidden", "x");
    snprintf(path, sizeof(path), "%s/pipe", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    snprintf(path, sizeof(path), "%s/inner", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void remove_folder(void)
{
    static const char *const names[] = { "config.json", "empty", ".hidden", "pipe", "inner", "" };
    char path[200];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        remove(path);
    }
}

START_TEST(a_folder_shows_its_files_and_nothing_else)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    s1_bytes bytes;
    uint64_t size;
    char part[2];

    make_folder();
    options.path = folder;
    options.load_mode = _i;
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), INS1_OK);
    ck_assert(s1_files_has(files, "config.json"));
    ck_assert(!s1_files_has(files, ".hidden"));
    ck_assert(!s1_files_has(files, "../config.json"));
    ck_assert_ptr_null(s1_files_single(files));
    ck_assert_str_eq(s1_files_name(files, 0), "config.json");

    ck_assert_int_eq(s1_files_get(files, "config.json", &bytes, &call), INS1_OK);
    ck_assert_uint_eq(bytes.size, 2);
    ck_assert_mem_eq(bytes.data, "{}", 2);
    ck_assert_uint_eq((uintptr_t)bytes.data % 64, 0);
    ck_assert_uint_eq(s1_files_mapped(files), _i == INS1_LOAD_MMAP ? 2 : 0);
    ck_assert_int_eq(s1_files_get(files, "empty", &bytes, &call), INS1_OK);
    ck_assert_uint_eq(bytes.size, 0);
    ck_assert_int_eq(s1_files_size(files, "config.json", &size, &call), INS1_OK);
    ck_assert_uint_eq(size, 2);
    ck_assert_int_eq(s1_files_read(files, "config.json", 1, part, 1, &call), INS1_OK);
    ck_assert_int_eq(part[0], '}');
    ck_assert_int_eq(s1_files_read(files, "config.json", 1, part, 2, &call), INS1_E_FORMAT);

    ck_assert_int_eq(s1_files_get(files, "nowhere", &bytes, &call), INS1_E_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "'nowhere'"));
    ck_assert_int_eq(s1_files_get(files, "pipe", &bytes, &call), INS1_E_IO);
    ck_assert_int_eq(s1_files_get(files, "inner", &bytes, &call), INS1_E_IO);
    remove_folder();
}
END_TEST

START_TEST(a_path_that_is_not_there_is_named_with_its_errno)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = "/nowhere/at/all";
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), INS1_E_IO);
    ck_assert_int_eq(error.os_errno, ENOENT);
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/at/all"));
}
END_TEST

START_TEST(a_runtime_without_files_takes_no_path)
{
    const ins1_file file = { .struct_size = sizeof(file),
                             .name = "config.json",
                             .path = "/etc/passwd" };
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = "/tmp";
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, S1_FILES_NO_PATHS, &call),
                     INS1_E_UNSUPPORTED);
    options.path = NULL;
    options.files = &file;
    options.n_files = 1;
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, S1_FILES_NO_PATHS, &call),
                     INS1_E_UNSUPPORTED);
}
END_TEST

static const struct {
    const char *name;
    ins1_status status;
} names[] = {
    { "config.json", INS1_OK },         { "..", INS1_E_ARGUMENT },
    { ".", INS1_E_ARGUMENT },           { "", INS1_E_ARGUMENT },
    { NULL, INS1_E_ARGUMENT },          { "a/b", INS1_E_ARGUMENT },
    { "/etc/passwd", INS1_E_ARGUMENT }, { "a\\b", INS1_E_ARGUMENT },
};

START_TEST(names_are_one_component_of_a_path)
{
    const ins1_file file = {
        .struct_size = sizeof(file), .name = names[_i].name, .data = "{}", .size = 2
    };
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.files = &file;
    options.n_files = 1;
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), names[_i].status);
}
END_TEST

START_TEST(a_reader_is_read_and_closed_once)
{
    source s = { .text = "hello", .most = 5 };
    const ins1_reader reader = reader_of(&s, 5);
    ins1_model_options options = INS1_INIT(ins1_model_options);
    s1_bytes bytes;

    options.reader = &reader;
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), INS1_OK);
    ck_assert_ptr_nonnull(s1_files_single(files));
    ck_assert_int_eq(s1_files_get(files, "", &bytes, &call), INS1_OK);
    ck_assert_mem_eq(bytes.data, "hello", 5);
    ck_assert_int_eq(s.closed, 0);
    s1_files_close(files);
    files = NULL;
    ck_assert_int_eq(s.closed, 1);
}
END_TEST

START_TEST(a_reader_that_is_lent_is_not_closed)
{
    source s = { .text = "hello", .most = 2 };
    const ins1_reader reader = reader_of(&s, 5);
    ins1_model_options options = INS1_INIT(ins1_model_options);

    options.reader = &reader;
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, S1_FILES_KEEP_READERS, &call),
                     INS1_OK);
    s1_files_close(files);
    files = NULL;
    ck_assert_int_eq(s.closed, 0);
}
END_TEST

static const struct {
    const char *what;
    source s;
    uint64_t size;
    ins1_status status;
} readers[] = {
    { "refuses", { .text = "hello", .most = -1 }, 5, INS1_E_IO },
    { "gives less than asked", { .text = "hello", .most = 4 }, 5, INS1_E_IO },
    { "ends early", { .text = "hello", .most = 9 }, 6, INS1_E_IO },
    { "gives more than asked", { .text = "hello", .most = 9, .lies = true }, 5, INS1_E_IO },
    { "is too large", { .text = "hello", .most = 9 }, UINT64_MAX, INS1_E_IO },
};

START_TEST(a_reader_that_misbehaves_is_refused)
{
    source s = readers[_i].s;
    const ins1_reader reader = reader_of(&s, readers[_i].size);
    ins1_model_options options = INS1_INIT(ins1_model_options);
    s1_bytes bytes;

    options.reader = &reader;
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), INS1_OK);
    ins1_status status = s1_files_get(files, "", &bytes, &call);
    ck_assert_msg(status == readers[_i].status, "%s: %d %s", readers[_i].what, status, error.text);
    s1_files_close(files); /* before what it reads from goes away */
    files = NULL;
}
END_TEST

START_TEST(every_reader_is_closed_when_opening_fails)
{
    source first = { .text = "a", .most = 1 }, second = { .text = "b", .most = 1 };
    const ins1_reader readers_of[] = { reader_of(&first, 1), reader_of(&second, 1) };
    const ins1_file list[] = {
        { .struct_size = sizeof(ins1_file), .name = "..", .reader = &readers_of[0] },
        { .struct_size = sizeof(ins1_file), .name = "b", .reader = &readers_of[1] },
    };
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.files = list;
    options.n_files = 2;
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(first.closed, 1);
    ck_assert_int_eq(second.closed, 1);
}
END_TEST

START_TEST(exactly_one_source_is_taken)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), INS1_E_ARGUMENT);
    options.path = "/tmp";
    options.data = "x";
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), INS1_E_ARGUMENT);
}
END_TEST

START_TEST(no_two_files_have_one_name)
{
    made m = { 0 };
    made_text(&m, "a", "1");
    made_text(&m, "b", "2");
    made_text(&m, "a", "3");
    const ins1_model_options options = made_options(&m);
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), INS1_E_ARGUMENT);
    made_free(&m);
}
END_TEST

/* An old caller's array has a smaller stride. */
START_TEST(the_first_struct_size_is_the_stride)
{
    unsigned char raw[2][80] = { { 0 } };
    ins1_model_options options = INS1_INIT(ins1_model_options);
    for (int i = 0; i < 2; i++) {
        const ins1_file file = {
            .struct_size = sizeof(raw[0]), .name = i ? "b" : "a", .data = "x", .size = 1
        };
        memcpy(raw[i], &file, sizeof(file));
    }
    options.files = (const ins1_file *)(const void *)raw;
    options.n_files = 2;
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), INS1_OK);
    ck_assert(s1_files_has(files, "a"));
    ck_assert(s1_files_has(files, "b"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("files");
    TCase *cases = tcase_create("files");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, a_folder_shows_its_files_and_nothing_else, 0, 2);
    tcase_add_test(cases, a_path_that_is_not_there_is_named_with_its_errno);
    tcase_add_test(cases, a_runtime_without_files_takes_no_path);
    tcase_add_loop_test(cases, names_are_one_component_of_a_path, 0,
                        sizeof(names) / sizeof(names[0]));
    tcase_add_test(cases, a_reader_is_read_and_closed_once);
    tcase_add_test(cases, a_reader_that_is_lent_is_not_closed);
    tcase_add_loop_test(cases, a_reader_that_misbehaves_is_refused, 0,
                        sizeof(readers) / sizeof(readers[0]));
    tcase_add_test(cases, every_reader_is_closed_when_opening_fails);
    tcase_add_test(cases, exactly_one_source_is_taken);
    tcase_add_test(cases, no_two_files_have_one_name);
    tcase_add_test(cases, the_first_struct_size_is_the_stride);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
