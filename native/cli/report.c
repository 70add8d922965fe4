/* report.c: what the program says while it works. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

/* Prints a text as one line. */
static void print_line(const char *text) {
    for (; *text != '\0'; text++) {
        putchar((unsigned char)*text < ' ' ? ' ' : *text);
    }
    putchar('\n');
}

/* Says which step begins. It must be out before a crash. */
void report_step(const char *name) {
    printf("step %s\n", name);
    fflush(stdout);
}

/* The same, as opening a session tells it. */
void report_progress(const char *step, void *context) {
    (void)context;
    report_step(step);
}

/* Says a number of the result. */
void report_number(const char *key, int64_t value) {
    printf("result %s %" PRId64 "\n", key, value);
}

/* Says a text of the result. */
void report_text(const char *key, const char *value) {
    printf("result %s ", key);
    print_line(value);
}

/* Says whether a wish is in force: nothing where it wasn't asked for. */
void report_condition(const char *key, const retime_condition *condition) {
    if (condition->state < 0) {
        printf("result %s no: ", key);
        print_line(condition->reason);
    } else {
        report_text(key, condition->state ? "yes" : "");
    }
}

/* Says what failed. */
int report_error(const char *step, const char *message, int code) {
    printf("error %s ", step);
    print_line(message);
    fflush(stdout);
    return code;
}

/* Says what failed in the harness: the library, or the model. */
int report_failure(const retime_error *error) {
    return report_error(error->step, error->message,
                        error->status == RETIME_E_LIBRARY ||
                                error->status == RETIME_E_SYMBOL
                            ? UNUSABLE
                            : REFUSED);
}
