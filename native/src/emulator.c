/* emulator.c: whether a program runs this one instead of the processor. */
#include "internal.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Which processors' programs this program is one of. */
#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OWN_MACHINE = EM_AARCH64 };
#elif defined(__arm__)
enum { OWN_MACHINE = EM_ARM };
#elif defined(__i386__)
enum { OWN_MACHINE = EM_386 };
#elif defined(__riscv)
enum { OWN_MACHINE = EM_RISCV };
#else
enum { OWN_MACHINE = EM_NONE };
#endif

/* The kind of processor that a program file is for; EM_NONE where it can't be
   told. */
static int machine_of(const char *path) {
    unsigned char header[20];
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (file < 0) {
        return EM_NONE;
    }
    got = read(file, header, sizeof header);
    (void)close(file);
    if (got != (ssize_t)sizeof header || memcmp(header, ELFMAG, SELFMAG) != 0) {
        return EM_NONE;
    }
    return header[EI_DATA] == ELFDATA2LSB ? header[18] | header[19] << 8
                                          : header[19] | header[18] << 8;
}

/* Names the emulator that `link` leads to. */
void retime_emulator_at(const char *link, char *name, size_t size) {
    char target[512];
    const int machine = machine_of(link);
    ssize_t length;
    const char *slash;

    name[0] = '\0';
    if (machine == EM_NONE || OWN_MACHINE == EM_NONE ||
        machine == OWN_MACHINE) {
        return;
    }
    length = readlink(link, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    slash = strrchr(target, '/');
    retime_text_copy(name, size, slash == NULL ? "an emulator" : slash + 1);
}

/* Names the emulator that runs this program. Emulators answer /proc/self/exe
   with the program that they run; they leave the same link of a thread alone,
   which leads to themselves. */
void retime_emulator(char *name, size_t size) {
    char link[64];

    if (name == NULL || size < 4) {
        return;
    }
    (void)snprintf(link, sizeof link, "/proc/self/task/%ld/exe",
                   (long)syscall(SYS_gettid));
    retime_emulator_at(link, name, size);
}
