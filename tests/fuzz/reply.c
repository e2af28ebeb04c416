/* The first byte gives the flags, the second how the text is cut; cutting must change nothing. */

#include "session/reply.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All events, neighbours of one kind joined, as one number. */
typedef struct digest {
    uint64_t hash;
    int32_t open;
    uint64_t end;
} digest;

static void mix(digest *d, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        d->hash = (d->hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
}

static void note(digest *d, const s1_reply_event *event)
{
    if (event->end < d->end)
        abort();
    d->end = event->end;
    if (event->kind != d->open || event->kind > INS1_EVENT_REASONING)
        mix(d, &event->kind, sizeof(event->kind));
    d->open = event->kind;
    mix(d, event->text, event->size);
}

static void take(s1_reply *reply, digest *d)
{
    s1_reply_event event;
    do {
        if (s1_reply_next(reply, &event, NULL) != INS1_OK)
            abort();
        if (event.kind != INS1_EVENT_NONE)
            note(d, &event);
    } while (event.kind != INS1_EVENT_NONE && event.kind != INS1_EVENT_END);
}

static digest parse(uint32_t flags, const char *text, size_t size, size_t step)
{
    digest d = { 0 };
    s1_reply reply;
    if (s1_reply_init(&reply, &s1_heap, flags, NULL, NULL) != INS1_OK)
        abort();
    for (size_t at = 0; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        if (s1_reply_push(&reply, text + at, n, NULL) != INS1_OK)
            abort();
        take(&reply, &d);
    }
    if (s1_reply_close(&reply, NULL) != INS1_OK)
        abort();
    take(&reply, &d);
    s1_reply_finish(&reply);
    return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *text = (const char *)data + 2;
    const digest whole = parse(data[0] & 15, text, size - 2, size);
    const digest cut = parse(data[0] & 15, text, size - 2, data[1] % 40u + 1);
    if (whole.hash != cut.hash || whole.end != cut.end)
        abort();
    return 0;
}
