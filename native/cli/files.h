/* files.h: whole files. */
#ifndef RETIME_CLI_FILES_H
#define RETIME_CLI_FILES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a file, at a chosen distance from the start of a page. */
struct bytes {
    void *block; /* to be freed */
    char *data;
    size_t size;
};

/* Reads a file; "-" is standard input. There is one byte more than `size`, and
   64 for kernels that read past the last weight. Returns 0 or errno. */
int files_read(const char *path, size_t offset, struct bytes *bytes);

/* Makes a file of bytes, or of int64 numbers in little-endian order. Returns 0
   or errno. */
int files_write(const char *path, const void *data, size_t size);
int files_write_numbers(const char *path, const int64_t *numbers, size_t count);

#endif
