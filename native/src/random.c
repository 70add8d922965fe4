/* random.c: inputs that are neither zero nor real, the same on every machine.
 */
#include "internal.h"

#include <string.h>

/* The next number of a sequence (SplitMix64, by Steele, Lea and Flood). */
static uint64_t next(uint64_t *state) {
    uint64_t mixed = *state += 0x9E3779B97F4A7C15U;

    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
}

/* A real number from -1 to 1, of 24 random bits, so that it is exact in every
   type. */
static double real(uint64_t *state) {
    return (double)(int64_t)(next(state) >> 40) / (1 << 23) - 1.0;
}

/* A half-precision number from -1 to 1 as its bits: a sign and ten bits of
   mantissa, an exponent that makes it from 1/16 up. */
static uint16_t half(uint64_t *state) {
    const uint64_t bits = next(state);

    return (uint16_t)((bits & 0x83FF) | ((11 + (bits >> 62)) << 10));
}

/* Fills one tensor's bytes. */
static void fill(int32_t type, unsigned char *bytes, size_t size,
                 uint64_t *state) {
    enum { FLOAT32 = 1, INT32, UINT8, INT64, BOOL = 6, INT16, INT8 = 9 };
    enum { FLOAT16 = 10, FLOAT64, UINT16 = 17 };
    const size_t width = type == FLOAT32   ? 4
                         : type == FLOAT64 ? 8
                         : type == FLOAT16 ? 2
                                           : 1;
    const int whole =
        type == UINT8 || type == INT8 || type == INT16 || type == UINT16;

    memset(bytes, 0, size);
    for (size_t i = 0; i + width <= size; i += width) {
        if (type == FLOAT32) {
            const float value = (float)real(state);

            memcpy(bytes + i, &value, width);
        } else if (type == FLOAT64) {
            const double value = real(state);

            memcpy(bytes + i, &value, width);
        } else if (type == FLOAT16) {
            const uint16_t value = half(state);

            memcpy(bytes + i, &value, width);
        } else if (whole) {
            bytes[i] = (unsigned char)next(state);
        } else if ((type == INT32 && i % 4 == 0) ||
                   (type == INT64 && i % 8 == 0) || type == BOOL) {
            bytes[i] = next(state) & 1;
        }
    }
}

/* Makes one set of random inputs. */
int retime_session_randomize(const retime_session *session, uint64_t seed,
                             void *bytes, size_t size, retime_error *error) {
    const char *step = "randomize";
    unsigned char none = 0;
    unsigned char *to = bytes == NULL ? &none : bytes;
    size_t wanted = 0;
    uint64_t state = seed;
    int status = retime_session_input_size(session, &wanted, error);

    if (status == RETIME_OK &&
        (size != wanted || (bytes == NULL && size > 0))) {
        status = retime_fail(error, RETIME_E_ARGUMENT, step,
                             "the inputs have %zu bytes; %zu were passed%s",
                             wanted, size, bytes == NULL ? " as NULL" : "");
    }
    for (int32_t i = 0;
         status == RETIME_OK && i < retime_session_input_count(session); i++) {
        retime_tensor tensor;

        status = retime_session_input(session, i, &tensor, error);
        if (status == RETIME_OK) {
            fill(tensor.type, to, tensor.bytes, &state);
            to += tensor.bytes;
        }
    }
    return status;
}
