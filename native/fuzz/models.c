/*
 * models.c: what becomes of sessions of mutated models. Each one is opened and
 * run once in a process of its own, which the library may crash and a watchdog
 * ends; this process must survive them all.
 *
 *   models LIBRARY COUNT SEED MODEL...
 *
 * Prints how many were refused, ran, crashed and hung. Ends with 1 only if a
 * child ended in a way that the harness itself is to blame for: with the
 * sanitizers' exit code.
 */
#define _GNU_SOURCE

#include "files.h"

#include "retime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SANITIZED = 99, REFUSED = 3, RAN = 0, PATIENCE_S = 10, SIGNALS = 65 };

/* The next number of a sequence (xorshift64*). */
static uint64_t next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DU;
}

/* Changes a model a little: some bytes, some bits, a number, or its end. */
static void mutate(char *data, size_t *size, uint64_t *state) {
    const uint64_t changes = 1 + next(state) % 4;

    for (uint64_t i = 0; i < changes; i++) {
        const size_t at = next(state) % *size;

        switch (next(state) % 12) {
        case 0:
            data[at] = (char)next(state);
            break;
        case 1:
            data[at] ^= (char)(1U << next(state) % 8);
            break;
        case 2:
            for (size_t j = at; j < *size && j < at + 4; j++) {
                data[j] = (char)(next(state) % 2 ? 0xFF : 0);
            }
            break;
        case 3:
            *size = at + 1;
            break;
        case 4:
        case 5:
        case 6:
            /* A number of four bytes, most of which are places or lengths. */
            data[at & ~(size_t)3] = (char)next(state);
            break;
        default:
            data[at] = (char)(data[at] + (next(state) % 2 ? 1 : -1));
        }
    }
}

/* Opens a model and runs it once; the exit code of its process. */
static int try_model(const char *path, const void *data, size_t size,
                     int delegate) {
    const retime_options options = {.threads = 1, .delegate = delegate};
    retime_library *library = NULL;
    retime_session *session = NULL;
    retime_tensor tensor;
    retime_error error;
    int status = retime_library_open(path, &library, &error);

    if (status == RETIME_OK) {
        status = retime_session_open(library, data, size, &options, &session,
                                     &error);
    }
    if (status == RETIME_OK) {
        status = retime_session_warm_up(session, 1, 0, NULL, &error);
    }
    for (int32_t i = 0;
         status == RETIME_OK && i < retime_session_output_count(session); i++) {
        char *values;

        if (retime_session_output(session, i, &tensor, &error) == RETIME_OK &&
            (values = malloc(tensor.bytes + 1)) != NULL) {
            (void)retime_session_read(session, i, values, tensor.bytes, &error);
            free(values);
        }
    }
    retime_session_close(session);
    retime_library_close(library);
    return status == RETIME_OK ? RAN : REFUSED;
}

int main(int count, char **arguments) {
    long ended[SIGNALS] = {0}; /* by signal; 0: by itself */
    long refused = 0;
    long ran = 0;
    long blamed = 0;
    uint64_t state;
    long tries;

    if (count < 5) {
        fputs("usage: models LIBRARY COUNT SEED MODEL...\n", stderr);
        return 2;
    }
    tries = strtol(arguments[2], NULL, 10);
    state = strtoull(arguments[3], NULL, 10) * 2 + 1;
    for (long i = 0; i < tries; i++) {
        struct bytes model;
        int how = 0;
        pid_t child;

        if (files_read(arguments[4 + i % (count - 4)], 0, &model) != 0 ||
            model.size == 0) {
            fputs("a model can't be read\n", stderr);
            return 2;
        }
        mutate(model.data, &model.size, &state);
        child = fork();
        if (child == 0) {
            /* What the library prints is of no interest here. */
            if (freopen("/dev/null", "w", stderr) == NULL) {
                _exit(REFUSED);
            }
            alarm(PATIENCE_S);
            _exit(
                try_model(arguments[1], model.data, model.size, (int)(i % 2)));
        }
        if (child < 0 || waitpid(child, &how, 0) != child) {
            fputs("a process can't be started\n", stderr);
            return 2;
        }
        if (WIFSIGNALED(how)) {
            ended[WTERMSIG(how) < SIGNALS ? WTERMSIG(how) : 0]++;
        } else {
            refused += WEXITSTATUS(how) == REFUSED;
            ran += WEXITSTATUS(how) == RAN;
            blamed += WEXITSTATUS(how) == SANITIZED;
        }
        free(model.block);
    }
    printf("%ld mutated models: %ld refused, %ld ran", tries, refused, ran);
    for (int i = 0; i < SIGNALS; i++) {
        if (ended[i] > 0) {
            printf(", %ld ended with SIG%s", ended[i], sigabbrev_np(i));
        }
    }
    printf("; %ld faults of the harness's own\n", blamed);
    return blamed > 0;
}
