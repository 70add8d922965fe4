/* flush_to_zero.c: whether subnormal numbers count as zero, a switch in a
   register of the processor's that each thread has of its own and that threads
   inherit. */
#include "internal.h"

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
/* Results that are subnormal, and inputs. */
enum { BITS = 0x8000 | 0x0040, KNOWN = 1 };

static uint64_t get(void) {
    return _mm_getcsr();
}

static void set(uint64_t value) {
    _mm_setcsr((unsigned)value);
}
#elif defined(__aarch64__)
enum { BITS = 1 << 24, KNOWN = 1 };

static uint64_t get(void) {
    uint64_t value;

    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}

static void set(uint64_t value) {
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
}
#elif defined(__arm__) && defined(__VFP_FP__) && !defined(__SOFTFP__)
enum { BITS = 1 << 24, KNOWN = 1 };

static uint64_t get(void) {
    uint32_t value;

    __asm__ volatile("vmrs %0, fpscr" : "=r"(value));
    return value;
}

static void set(uint64_t value) {
    __asm__ volatile("vmsr fpscr, %0" : : "r"((uint32_t)value));
}
#else
enum { BITS = 0, KNOWN = 0 };

static uint64_t get(void) {
    return 0;
}

static void set(uint64_t value) {
    (void)value;
}
#endif

/* Whether subnormal numbers count as zero now. */
int32_t retime_flushes_to_zero(void) {
    return KNOWN ? (get() & BITS) == BITS : -1;
}

/* Sets or clears it; returns whether it is so then. */
int retime_flush_to_zero(int on) {
    set(on ? get() | BITS : get() & ~(uint64_t)BITS);
    return retime_flushes_to_zero() == (on ? 1 : 0);
}
