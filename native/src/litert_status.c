/* litert_status.c: what LiteRT says of a failure. */
#include "internal.h"

#include <stdlib.h>

/* What a status means, for those that a user can meet. */
static const char *meaning(int status) {
    static const struct {
        int status;
        const char *text;
    } known[] = {
        {1, "invalid argument"},   {2, "no memory"},
        {3, "runtime failure"},    {4, "missing input tensor"},
        {5, "unsupported"},        {6, "not found"},
        {8, "wrong version"},      {500, "file can't be read"},
        {501, "no valid model"},   {502, "dynamic loading"},
        {504, "compilation"},      {1000, "index out of bounds"},
        {1001, "invalid IR type"}, {1002, "invalid graph"},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].status == status) {
            return known[i].text;
        }
    }
    return "no text for it";
}

/* Takes over what the library said since it was last asked. */
void retime_litert_explain(retime_session *session) {
    struct retime_litert_session *own = &session->own.litert;
    char *text = NULL;

    if (own->compiled == NULL || own->call->messages == NULL ||
        own->call->messages_clear == NULL ||
        own->call->messages(own->compiled, &text) != LITERT_OK ||
        text == NULL) {
        return;
    }
    retime_log_add(&session->log, "%s", text);
    free(text);
    (void)own->call->messages_clear(own->compiled);
}

/* Fails with the library's status and, where it had any, its words. */
int retime_litert_fail(retime_session *session, int status, const char *step,
                       int code, retime_error *error) {
    retime_litert_explain(session);
    return retime_fail(error, status, step, "LiteRT's status is %d (%s)%s%s",
                       code, meaning(code),
                       session->log.length > 0
                           ? ": "
                           : "; what else it says is on standard error",
                       session->log.text);
}
