/* files.c: whole files. */
#define _POSIX_C_SOURCE 200809L

#include "files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, SPARE = 64, FIRST = 1 << 16 };

/* Makes room for `size` bytes at the wanted distance, keeping what is there. */
static int make_room(struct bytes *bytes, size_t offset, size_t size) {
    void *block = NULL;

    if (posix_memalign(&block, PAGE, offset + size + SPARE) != 0) {
        return ENOMEM;
    }
    memset(block, 0, offset + size + SPARE);
    if (bytes->size > 0) {
        memcpy((char *)block + offset, bytes->data, bytes->size);
    }
    free(bytes->block);
    bytes->block = block;
    bytes->data = (char *)block + offset;
    return 0;
}

/* Reads a stream to its end, twice as much at a time; it may be a pipe. */
static int read_all(FILE *file, size_t offset, struct bytes *bytes) {
    size_t room = 0;

    while (!feof(file)) {
        if (bytes->size == room) {
            room = room == 0 ? FIRST : 2 * room;
            if (make_room(bytes, offset, room) != 0) {
                return ENOMEM;
            }
        }
        errno = 0;
        bytes->size +=
            fread(bytes->data + bytes->size, 1, room - bytes->size, file);
        if (ferror(file)) {
            return errno;
        }
    }
    return 0;
}

/* Reads a file. */
int files_read(const char *path, size_t offset, struct bytes *bytes) {
    const int standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");
    int failed;

    memset(bytes, 0, sizeof *bytes);
    if (file == NULL) {
        return errno;
    }
    failed = read_all(file, offset, bytes);
    if (!standard) {
        fclose(file);
    }
    if (failed) {
        free(bytes->block);
        memset(bytes, 0, sizeof *bytes);
    }
    return failed;
}

/* Writes through a stream, whose last bytes may fail only when it is closed. */
static int finish(FILE *file, int good) {
    const int failed = good ? 0 : errno;

    if (fclose(file) != 0 && !failed) {
        return errno;
    }
    return failed;
}

/* Makes a file of bytes. */
int files_write(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");

    if (file == NULL) {
        return errno;
    }
    return finish(file, fwrite(data, 1, size, file) == size);
}

/* Makes a file of numbers. */
int files_write_numbers(const char *path, const int64_t *numbers,
                        size_t count) {
    FILE *file = fopen(path, "wb");
    int good = 1;

    if (file == NULL) {
        return errno;
    }
    for (size_t i = 0; i < count && good; i++) {
        unsigned char bytes[8];

        for (int j = 0; j < 8; j++) {
            bytes[j] = (unsigned char)((uint64_t)numbers[i] >> (8 * j));
        }
        good = fwrite(bytes, 1, sizeof bytes, file) == sizeof bytes;
    }
    return finish(file, good);
}
