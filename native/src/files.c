/* files.c: the small text files in which the kernel tells about itself. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LONGEST_PATH = 512 };

/* Reads the start of `root`/`path`; the text's length, or -1 where there is no
   such file. */
int64_t retime_file_text(const char *root, const char *path, char *text,
                         size_t size) {
    char whole[LONGEST_PATH];
    const int length = snprintf(whole, sizeof whole, "%s%s", root, path);
    ssize_t got;
    int file;

    if (length < 0 || length >= LONGEST_PATH) {
        return -1;
    }
    file = open(whole, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    got = read(file, text, size - 1);
    (void)close(file);
    if (got < 0) {
        return -1;
    }
    text[got] = '\0';
    return got;
}

/* Reads a number that isn't negative; -1 where there is none. */
int64_t retime_file_number(const char *root, const char *path, int base) {
    char text[64];
    char *end = text;
    long long number;

    if (retime_file_text(root, path, text, sizeof text) < 0) {
        return -1;
    }
    errno = 0;
    number = strtoll(text, &end, base);
    return end == text || errno != 0 || number < 0 ? -1 : (int64_t)number;
}
