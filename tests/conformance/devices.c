/* The suite on every backend that this build has. */

#include "conformance.h"

#include "backend/cpu/cpu.h"
#include "backend/cpu/kernels.h"
#include "backend/dummy/dummy.h"

#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was run, and what the device declined. */
typedef struct tally {
    const char *device;
    int cases, unsupported;
} tally;

static void print_result(void *user, const conformance_result *result)
{
    tally *t = user;
    t->cases += result->cases;
    t->unsupported += result->unsupported;
    printf("%s: %s %s: %d cases, ", t->device, result->op, result->types, result->cases);
    if (result->failures)
        printf("FAILED %d: %s\n", result->failures, result->text);
    else if (result->unsupported)
        printf("%d of them not supported\n", result->unsupported);
    else if (result->bound > 0)
        printf("worst error %.3g of %.3g\n", result->error, result->bound);
    else
        printf("as defined\n");
    fflush(stdout); /* a failure ends the process, and what it has not written is lost */
}

static const char *const levels[] = { "scalar",       "avx2",      "avx512",   "neon",
                                      "neon_dotprod", "neon_bf16", "neon_i8mm" };

static void check_cpu(const char *level)
{
    tally t = { .device = level };
    conformance_host host;
    ins1_backend_api api;
    conformance_host_init(&host);
    ins1_status status = s1_cpu_backend(&api, &host.api, level, NULL);
    if (status == INS1_E_UNSUPPORTED) {
        printf("skipped: level %s is not in this build or this machine\n", level);
        return;
    }
    ck_assert_int_eq(status, INS1_OK);
    ck_assert_int_eq(conformance_run(&api, &host, 0, true, print_result, &t), 0);
    ck_assert_int_eq(t.unsupported, 0);
    if (api.shutdown)
        api.shutdown(api.self);
    ck_assert_int_eq(host.live, 0);
}

START_TEST(the_cpu_conforms_at_every_level)
{
    check_cpu(levels[_i]);
}
END_TEST

static const char *best_level;

/* On a machine of which it is known which level that is. */
START_TEST(the_cpu_conforms_at_its_best_level)
{
    s1_kernels kernels;
    ck_assert_int_eq(s1_kernels_choose(&kernels, NULL, NULL), INS1_OK);
    ck_assert_str_eq(kernels.level, best_level);
    check_cpu(best_level);
}
END_TEST

static void check_dummy(bool has_device_memory)
{
    tally t = { .device = "dummy" };
    s1_dummy dummy = { .has_device_memory = has_device_memory };
    conformance_host host;
    ins1_backend_api api;
    conformance_host_init(&host);
    ck_assert_int_eq(s1_dummy_backend(&api, &host.api, &dummy), INS1_OK);
    ck_assert_int_eq(conformance_run(&api, &host, 0, false, print_result, &t), 0);
    ck_assert_int_eq(t.unsupported, 0);
    ck_assert_int_eq(atomic_load(&dummy.complaints), 0);
    ck_assert_int_eq(atomic_load(&dummy.live), 0);
}

START_TEST(the_dummy_conforms_in_all_but_numbers)
{
    check_dummy(false);
    check_dummy(true);
}
END_TEST

/* A suite that finds nothing in a backend that is wrong proves nothing. */
START_TEST(a_backend_that_computes_nothing_is_found_out)
{
    tally t = { .device = "dummy that claims to compute" };
    s1_dummy dummy = { 0 };
    conformance_host host;
    ins1_backend_api api;
    conformance_host_init(&host);
    ck_assert_int_eq(s1_dummy_backend(&api, &host.api, &dummy), INS1_OK);
    ck_assert_int_gt(conformance_run(&api, &host, 0, true, NULL, &t), 100);
}
END_TEST

static void check_plugin(const char *path)
{
    tally t = { .device = strrchr(path, '/') + 1 };
    conformance_host host;
    ins1_backend_api api;
    ins1_backend_entry_fn entry;
    conformance_host_init(&host);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    void *symbol = dlsym(library, INS1_BACKEND_ENTRY);
    memcpy(&entry, &symbol, sizeof(entry));
    memset(&api, 0, sizeof(api));
    ck_assert_int_eq(entry((INS1_BACKEND_ABI_MAJOR + 1) << 16, &host.api, &api), INS1_E_VERSION);
    ck_assert_int_eq(host.live, 0);
    ck_assert_int_eq(entry(INS1_BACKEND_ABI, &host.api, &api), INS1_OK);
    if (api.device_count(api.self) > 0)
        ck_assert_int_eq(conformance_run(&api, &host, 0, true, print_result, &t), 0);
    else
        printf("skipped: %s has no device here: %s\n", t.device, host.said);
    if (api.shutdown)
        api.shutdown(api.self);
    ck_assert_int_eq(host.live, 0);
    dlclose(library);
}

START_TEST(plugins_conform)
{
    if (OPENBLAS_PLUGIN[0])
        check_plugin(OPENBLAS_PLUGIN);
    else
        printf("skipped: the OpenBLAS plugin is not built\n");
}
END_TEST

/* Everything, or with an argument the CPU alone, whose best level is the one of that name. */
int main(int argc, char **argv)
{
    Suite *suite = suite_create("conformance");
    TCase *devices = tcase_create("devices");
    tcase_set_timeout(devices, 600);
    if (argc > 1) {
        best_level = argv[1];
        tcase_add_test(devices, the_cpu_conforms_at_its_best_level);
    } else {
        tcase_add_loop_test(devices, the_cpu_conforms_at_every_level, 0,
                            sizeof(levels) / sizeof(levels[0]));
        tcase_add_test(devices, the_dummy_conforms_in_all_but_numbers);
        tcase_add_test(devices, a_backend_that_computes_nothing_is_found_out);
        tcase_add_test(devices, plugins_conform);
    }
    suite_add_tcase(suite, devices);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
