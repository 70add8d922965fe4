/* error.c: the caller's error record, and what the library reported. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

/* Ends a text that was too long for its `size` bytes with dots, after its last
   whole UTF-8 character. */
static void mark_cut(char *text, size_t size) {
    size_t end = size - sizeof "...";

    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) {
        end--;
    }
    memcpy(text + end, "...", sizeof "...");
}

/* Copies a text into `size` bytes, at least 4; marks it where it is cut. */
void retime_text_copy(char *to, size_t size, const char *from) {
    size_t length = strlen(from);

    if (length < size) {
        memcpy(to, from, length + 1);
    } else {
        memcpy(to, from, size - 1);
        to[size - 1] = '\0';
        mark_cut(to, size);
    }
}

/* Fills the caller's record, if there is one, and returns the status. */
int retime_fail(retime_error *error, int status, const char *step,
                const char *format, ...) {
    va_list arguments;
    int length;

    if (error == NULL) {
        return status;
    }
    error->status = status;
    retime_text_copy(error->step, sizeof error->step, step);
    error->message[0] = '\0';
    va_start(arguments, format);
    length =
        vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof error->message) {
        mark_cut(error->message, sizeof error->message);
    }
    return status;
}

/* Fails in the library's own words where it had any. */
int retime_fail_with_log(retime_error *error, int status, const char *step,
                         const struct retime_log *log) {
    return retime_fail(error, status, step, "%s",
                       log->length > 0 ? log->text
                                       : "the library gave no reason");
}

/* Forgets what was reported: before each call whose failure would be told. */
void retime_log_clear(struct retime_log *log) {
    log->length = 0;
    log->full = 0;
    log->text[0] = '\0';
}

/* Makes one line of a report: control characters become spaces, and those at
   the end are dropped. Returns its length. */
static size_t flatten(char *line) {
    size_t length = 0;

    for (size_t i = 0; line[i] != '\0'; i++) {
        if ((unsigned char)line[i] < ' ') {
            line[i] = ' ';
        }
        if (line[i] != ' ') {
            length = i + 1;
        }
    }
    line[length] = '\0';
    return length;
}

/* The error reporter that the library calls: appends what it says. */
void retime_log_report(void *log, const char *format, va_list arguments) {
    struct retime_log *into = log;
    char line[sizeof into->text];
    size_t room = sizeof into->text - into->length;
    int length;

    if (into->full || format == NULL) {
        return;
    }
    length = vsnprintf(line, sizeof line, format, arguments);
    if (length < 0) {
        return;
    }
    if (length >= (int)sizeof line) {
        mark_cut(line, sizeof line);
    }
    if (flatten(line) == 0) {
        return;
    }
    length = snprintf(into->text + into->length, room, "%s%s",
                      into->length > 0 ? "; " : "", line);
    if (length >= (int)room) {
        mark_cut(into->text, sizeof into->text);
        into->full = 1;
    }
    into->length = strlen(into->text);
}

/* Appends a line of the harness's own making. */
void retime_log_add(struct retime_log *log, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    retime_log_report(log, format, arguments);
    va_end(arguments);
}
