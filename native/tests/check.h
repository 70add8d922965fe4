/*
 * check.h: a small test framework. A test is a sentence and a block; checks
 * that don't hold are printed with their place, and the test goes on.
 */
#ifndef RETIME_TESTS_CHECK_H
#define RETIME_TESTS_CHECK_H

#include <stdint.h>

struct test {
    const char *sentence;
    void (*run)(void);
    struct test *next;
};

/* Adds a test; called before main. */
void test_add(struct test *test);

/* The folder that holds the fake libraries. */
const char *test_folder(void);

/* Each returns whether it holds. */
int check_true(int holds, const char *what, const char *file, int line);
int check_equal(long long actual, long long expected, const char *what,
                const char *file, int line);
int check_text(const char *actual, const char *expected, const char *what,
               const char *file, int line);
int check_holds_text(const char *actual, const char *part, const char *what,
                     const char *file, int line);

#define CHECK(condition)                                                       \
    check_true((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(actual, expected)                                          \
    check_equal((long long)(actual), (long long)(expected), #actual, __FILE__, \
                __LINE__)
#define CHECK_TEXT(actual, expected)                                           \
    check_text(actual, expected, #actual, __FILE__, __LINE__)
#define CHECK_HOLDS_TEXT(actual, part)                                         \
    check_holds_text(actual, part, #actual, __FILE__, __LINE__)

#define TEST_JOIN_(a, b) a##b
#define TEST_JOIN(a, b) TEST_JOIN_(a, b)
#define TEST_NAMED(name, text)                                                 \
    static void name(void);                                                    \
    __attribute__((constructor)) static void TEST_JOIN(add_, name)(void) {     \
        static struct test test = {text, name, 0};                             \
        test_add(&test);                                                       \
    }                                                                          \
    static void name(void)
#define TEST(sentence) TEST_NAMED(TEST_JOIN(test_, __LINE__), sentence)

#endif
