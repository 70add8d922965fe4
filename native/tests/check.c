/* check.c: runs the tests. Usage: unit FOLDER [PART OF A SENTENCE] */
#include "check.h"

#include <stdio.h>
#include <string.h>

static struct test *first;
static struct test **last = &first;
static const char *folder;
static int broken; /* checks of the running test that didn't hold */

/* Adds a test to the end of the list. */
void test_add(struct test *test) {
    *last = test;
    last = &test->next;
}

/* The folder that holds the fake libraries. */
const char *test_folder(void) {
    return folder;
}

/* Checks a condition. */
int check_true(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        printf("  %s:%d: not so: %s\n", file, line, what);
        broken++;
    }
    return holds;
}

/* Checks a number. */
int check_equal(long long actual, long long expected, const char *what,
                const char *file, int line) {
    if (actual != expected) {
        printf("  %s:%d: %s is %lld, not %lld\n", file, line, what, actual,
               expected);
        broken++;
    }
    return actual == expected;
}

/* Checks a text. */
int check_text(const char *actual, const char *expected, const char *what,
               const char *file, int line) {
    int holds = strcmp(actual, expected) == 0;

    if (!holds) {
        printf("  %s:%d: %s is \"%s\", not \"%s\"\n", file, line, what, actual,
               expected);
        broken++;
    }
    return holds;
}

/* Checks that a text has a part. */
int check_holds_text(const char *actual, const char *part, const char *what,
                     const char *file, int line) {
    int holds = strstr(actual, part) != NULL;

    if (!holds) {
        printf("  %s:%d: %s is \"%s\", without \"%s\"\n", file, line, what,
               actual, part);
        broken++;
    }
    return holds;
}

/* Runs every test, or those whose sentence has the given part. */
int main(int count, char **arguments) {
    int passed = 0;
    int failed = 0;

    if (count < 2) {
        fprintf(stderr, "usage: unit FOLDER [PART OF A SENTENCE]\n");
        return 2;
    }
    folder = arguments[1];
    for (struct test *test = first; test != NULL; test = test->next) {
        if (count > 2 && strstr(test->sentence, arguments[2]) == NULL) {
            continue;
        }
        broken = 0;
        test->run();
        printf("%s - %s\n", broken == 0 ? "ok" : "FAILED", test->sentence);
        passed += broken == 0;
        failed += broken != 0;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
