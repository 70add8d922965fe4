/* xnnpack_flags.c: the words for XNNPACK's switches. Their bits are the same in
   every version that has them. */
#include "internal.h"

#include <string.h>

struct word {
    const char *text;
    uint32_t bit;
};

#define WORDS(X)                                                               \
    X("qs8", 0x1)                                                              \
    X(" qu8", 0x2)                                                             \
    X(" force_fp16", 0x4)                                                      \
    X(" dynamic_fully_connected", 0x8)                                         \
    X(" variable_operators", 0x10)                                             \
    X(" transient_indirection_buffer", 0x20)                                   \
    X(" latest_operators", 0x40)                                               \
    X(" subgraph_reshaping", 0x80)                                             \
    X(" slinky", 0x100)                                                        \
    X(" slow_consistent_arithmetic", 0x200)                                    \
    X(" disable_subgraph_reshaping", 0x400)                                    \
    X(" disable_dynamically_quantized_ops", 0x800)
#define AS_ROW(text, bit) {text, bit},
#define AS_TEXT(text, bit) text

static const struct word words[] = {WORDS(AS_ROW)};

/* All words. */
const char *retime_xnnpack_words(void) {
    return WORDS(AS_TEXT);
}

/* The bit of a word of `length` characters; 0 if there is none. */
static uint32_t find(const char *text, size_t length) {
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        /* All but the first begin with the space that parts them. */
        const char *known = words[i].text + (i > 0);

        if (strlen(known) == length && memcmp(known, text, length) == 0) {
            return words[i].bit;
        }
    }
    return 0;
}

/* Reads words with spaces between into bits to set and bits to clear. NULL is
   no word. */
int retime_xnnpack_read_flags(const char *text, uint32_t *set,
                              uint32_t *cleared, retime_error *error) {
    *set = 0;
    *cleared = 0;
    for (const char *at = text == NULL ? "" : text; *at != '\0';) {
        const size_t length = strcspn(at, " ");
        const int no = length > 3 && memcmp(at, "no_", 3) == 0;
        const size_t skip = no ? 3 : 0;
        const uint32_t bit = find(at + skip, length - skip);

        if (length > 0 && bit == 0) {
            return retime_fail(error, RETIME_E_ARGUMENT, "xnnpack-flags",
                               "%.*s is no flag of XNNPACK's; these are: %s",
                               (int)(length > 64 ? 64 : length), at,
                               retime_xnnpack_words());
        }
        *(no ? cleared : set) |= bit;
        at += length + (at[length] == ' ');
    }
    return RETIME_OK;
}
