/* What plugins remember of the tables that their device has. */

#include "backend/gpu/gpu.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 4096 };

static s1_tables tables;
static unsigned char memory[SIZE];

static void setup(void)
{
    memset(&tables, 0, sizeof(tables));
    memset(memory, 0, sizeof(memory));
    tables.host = memory;
    tables.size = SIZE;
}

/* Writes a table of one byte repeated, and says whether it had to be sent. */
static bool send(int value, size_t bytes, size_t *at)
{
    unsigned char *room = s1_tables_room(&tables, bytes);
    ck_assert_ptr_nonnull(room);
    memset(room, value, bytes);
    if (s1_tables_find(&tables, bytes, at))
        return false;
    s1_tables_keep(&tables, bytes);
    return true;
}

START_TEST(a_table_is_sent_once)
{
    size_t a, b, again;
    ck_assert(send(1, 100, &a));
    ck_assert(send(2, 100, &b));
    ck_assert_uint_ne(a, b);
    ck_assert(!send(1, 100, &again));
    ck_assert_uint_eq(again, a);
    ck_assert(!send(2, 100, &again));
    ck_assert_uint_eq(again, b);
    ck_assert(send(1, 99, &again)); /* another length is another table */
    ck_assert_int_eq(tables.n, 3);
}
END_TEST

START_TEST(what_was_not_sent_is_not_there)
{
    size_t at;
    memset(s1_tables_room(&tables, 64), 7, 64);
    ck_assert(!s1_tables_find(&tables, 64, &at));
    ck_assert(send(7, 64, &at));
    s1_tables_forget(&tables);
    ck_assert(send(7, 64, &at));
}
END_TEST

START_TEST(a_table_lies_inside)
{
    size_t at;
    int n = 0;
    while (s1_tables_room(&tables, 300)) {
        ck_assert(send(n + 1, 300, &at));
        ck_assert_uint_le(at + 300, SIZE);
        ck_assert_int_eq(memory[at + 299], ++n);
    }
    ck_assert_int_eq(n, SIZE / 512);
    ck_assert_ptr_null(s1_tables_room(&tables, SIZE + 1));
    s1_tables_forget(&tables);
    ck_assert(send(1, SIZE, &at));
    ck_assert_ptr_null(s1_tables_room(&tables, 1));
}
END_TEST

START_TEST(there_is_an_end_to_their_number)
{
    static unsigned char much[S1_TABLES_MOST + 8][256];
    size_t at;
    tables.host = much[0];
    tables.size = sizeof(much);
    for (int i = 0; i < S1_TABLES_MOST; i++) {
        memset(s1_tables_room(&tables, 4), 0, 4);
        memcpy(tables.host + tables.used, &i, sizeof(i));
        ck_assert(!s1_tables_find(&tables, 4, &at));
        s1_tables_keep(&tables, 4);
    }
    ck_assert_ptr_null(s1_tables_room(&tables, 4));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tables");
    TCase *all = tcase_create("tables");
    tcase_add_checked_fixture(all, setup, NULL);
    tcase_add_test(all, a_table_is_sent_once);
    tcase_add_test(all, what_was_not_sent_is_not_there);
    tcase_add_test(all, a_table_lies_inside);
    tcase_add_test(all, there_is_an_end_to_their_number);
    suite_add_tcase(suite, all);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
