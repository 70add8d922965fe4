/* test_error.c: the error record and the library's reports. */
#include "internal.h"

#include "check.h"

#include <string.h>

static struct retime_log told;

/* Reports to the log as the library does; the format may be anything. */
static void report(const char *format, ...) RETIME_FORMAT(1, 2);
static void report(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    retime_log_report(&told, format, arguments);
    va_end(arguments);
}

/* A text of so many bytes. */
static const char *text_of(char letter, size_t length) {
    static char text[4096];

    memset(text, letter, length);
    text[length] = '\0';
    return text;
}

TEST("a failure fills the record and returns its status") {
    retime_error error;

    CHECK_EQUAL(retime_fail(&error, RETIME_E_MODEL, "step", "%d of %s", 3, "x"),
                RETIME_E_MODEL);
    CHECK_EQUAL(error.status, RETIME_E_MODEL);
    CHECK_TEXT(error.step, "step");
    CHECK_TEXT(error.message, "3 of x");
}

TEST("a failure without a record returns its status") {
    CHECK_EQUAL(retime_fail(NULL, RETIME_E_CLOCK, "step", "message"),
                RETIME_E_CLOCK);
}

TEST("a message that just fits is left whole, a longer one ends with dots") {
    retime_error error;

    retime_fail(&error, -1, "step", "%s", text_of('a', 1023));
    CHECK_EQUAL(strlen(error.message), 1023);
    CHECK_HOLDS_TEXT(error.message + 1020, "aaa");
    retime_fail(&error, -1, "step", "%s", text_of('a', 1024));
    CHECK_EQUAL(strlen(error.message), 1023);
    CHECK_TEXT(error.message + 1019, "a...");
    retime_fail(&error, -1, text_of('s', 32), "message");
    CHECK_EQUAL(strlen(error.step), 31);
}

TEST("a text is cut between characters, not inside one") {
    char text[8];

    retime_text_copy(text, sizeof text, "abc\xC3\xA4\xC3\xA4\xC3\xA4");
    CHECK_TEXT(text, "abc...");
    retime_text_copy(text, sizeof text, "\xB0\xB0\xB0\xB0\xB0\xB0\xB0\xB0\xB0");
    CHECK_TEXT(text, "...");
}

TEST("a message that can't be formatted is left empty") {
    static const wchar_t unknown[] = {0x110000, 0};
    retime_error error;

    memset(&error, 'x', sizeof error);
    retime_fail(&error, -1, "step", "%ls", unknown);
    CHECK_TEXT(error.message, "");
}

TEST("reports are joined, each on one line, empty ones dropped") {
    retime_log_clear(&told);
    report("first %s\n", "line");
    report("\n");
    report("%s", "");
    report("second\tline\r\n");
    CHECK_TEXT(told.text, "first line; second line");
    retime_log_clear(&told);
    CHECK_TEXT(told.text, "");
}

TEST("reports that are too many end with dots, and the rest is dropped") {
    retime_log_clear(&told);
    report("%s", text_of('a', 1000));
    report("%s", text_of('b', 100));
    CHECK_EQUAL(strlen(told.text), 1023);
    CHECK_TEXT(told.text + 1017, "bbb...");
    report("more");
    CHECK_TEXT(told.text + 1017, "bbb...");
}

TEST("a report that is too long ends with dots") {
    retime_log_clear(&told);
    report("%s", text_of('a', 2000));
    CHECK_EQUAL(strlen(told.text), 1023);
    CHECK_TEXT(told.text + 1019, "a...");
}

TEST("a report that can't be formatted is dropped") {
    static const wchar_t unknown[] = {0x110000, 0};

    retime_log_clear(&told);
    report("%ls", unknown);
    report(NULL);
    CHECK_TEXT(told.text, "");
}

TEST("a failure without a report says that there was none") {
    retime_error error;

    retime_log_clear(&told);
    retime_fail_with_log(&error, RETIME_E_INVOKE, "Invoke", &told);
    CHECK_TEXT(error.message, "the library gave no reason");
    report("100%% broken");
    retime_fail_with_log(&error, RETIME_E_INVOKE, "Invoke", &told);
    CHECK_TEXT(error.message, "100% broken");
}
