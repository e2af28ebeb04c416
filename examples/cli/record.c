#include "record.h"

#include "json.h"
#include "npy.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const kinds[] = { "logits", "hidden", "experts", "gates" };

void record_init(record *r, size_t n_tokens, size_t n_experts, bool wants_layers,
                 bool wants_routers)
{
    *r = (record){ .n_tokens = n_tokens, .n_experts = n_experts };
    r->wants_layers = wants_layers;
    r->wants_routers = wants_routers;
}

/* The entry of a layer, made when it is seen first. */
static layer_record *layer_of(layer_record **layers, size_t *n, int32_t layer, size_t n_values)
{
    size_t at = (size_t)layer;
    if (at >= *n) {
        *layers = reallocate(*layers, at + 1, sizeof(**layers));
        memset(*layers + *n, 0, (at + 1 - *n) * sizeof(**layers));
        *n = at + 1;
    }
    if (!(*layers)[at].values)
        (*layers)[at].values = allocate(n_values, sizeof(float));
    return &(*layers)[at];
}

static void store(void *to, size_t width, const ins1_observation *seen, const void *from)
{
    memcpy((char *)to + seen->first * width * 4, from, seen->n_tokens * width * 4);
}

ins1_status record_add(record *r, const ins1_observation *seen, ins1_error *error)
{
    layer_record *layer;
    if (seen->first > r->n_tokens || seen->n_tokens > r->n_tokens - seen->first)
        return fail(error, INS1_E_INTERNAL, "position %zu was seen in a sequence of %zu tokens",
                    seen->first, r->n_tokens);

    switch (seen->what) {
    case INS1_OBSERVE_LOGITS:
        r->n_vocab = seen->width;
        if (!r->logits)
            r->logits = allocate(r->n_tokens, seen->width * sizeof(*r->logits));
        store(r->logits, seen->width, seen, seen->values);
        break;
    case INS1_OBSERVE_HIDDEN:
        r->n_hidden = seen->width;
        layer = layer_of(&r->layers, &r->n_layers, seen->layer, r->n_tokens * seen->width);
        store(layer->values, seen->width, seen, seen->values);
        break;
    case INS1_OBSERVE_ROUTER:
        r->n_experts = seen->width;
        layer = layer_of(&r->routers, &r->n_routers, seen->layer, r->n_tokens * seen->width);
        if (!layer->experts)
            layer->experts = allocate(r->n_tokens, seen->width * sizeof(*layer->experts));
        store(layer->values, seen->width, seen, seen->values);
        store(layer->experts, seen->width, seen, seen->experts);
        break;
    default:
        break;
    }
    return INS1_OK;
}

static ins1_status write_layers(const record *r, const char *path, const layer_record *layers,
                                size_t n_layers, size_t width, bool is_experts, ins1_error *error)
{
    size_t dim[3] = { 0, r->n_tokens, width };
    FILE *file;

    for (size_t i = 0; i < n_layers; i++)
        dim[0] += layers[i].values != NULL;
    ins1_status status = npy_create(&file, path, is_experts ? "<i4" : "<f4", dim, 3, error);
    if (status != INS1_OK)
        return status;
    for (size_t i = 0; i < n_layers; i++)
        if (layers[i].values)
            fwrite(is_experts ? (void *)layers[i].experts : (void *)layers[i].values, 4,
                   r->n_tokens * width, file);
    return npy_close(file, path, error);
}

static ins1_status write_kind(const record *r, size_t kind, const char *path,
                              const ins1_model_info *info, ins1_error *error)
{
    const size_t logits_dim[2] = { r->n_tokens, r->logits ? r->n_vocab : (size_t)info->n_vocab };
    const size_t hidden = r->n_layers ? r->n_hidden : (size_t)info->n_embd;
    const size_t experts = r->n_routers ? r->n_experts : 0;

    if (kind == 0)
        return npy_write(path, "<f4", logits_dim, 2, r->logits, error);
    if (kind == 1)
        return write_layers(r, path, r->layers, r->n_layers, hidden, false, error);
    return write_layers(r, path, r->routers, r->n_routers, experts, kind == 2, error);
}

ins1_status record_write(const record *r, const char *stem, const ins1_model_info *info,
                         ins1_error *error)
{
    const bool wanted[] = { true, r->wants_layers, r->wants_routers, r->wants_routers };
    ins1_status status = INS1_OK;

    for (int pass = 0; pass < 2 && (pass == 0 || status != INS1_OK); pass++)
        for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
            buffer path = { 0 };
            text_printf(&path, "%s.%s.npy", stem, kinds[kind]);
            if (pass == 0 && wanted[kind] && status == INS1_OK)
                status = write_kind(r, kind, path.at, info, error);
            else if (pass == 1 && wanted[kind])
                unlink(path.at);
            text_free(&path);
        }
    return status;
}

static void free_layers(layer_record *layers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(layers[i].values);
        free(layers[i].experts);
    }
    free(layers);
}

void record_free(record *r)
{
    free_layers(r->layers, r->n_layers);
    free_layers(r->routers, r->n_routers);
    free(r->logits);
    *r = (record){ 0 };
}
