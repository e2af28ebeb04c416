#include "talk.h"

#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- the sampler --- */

/* A number of generation_config.json, `otherwise` when it has none. */
static double default_of(engine *e, const char *key, double otherwise)
{
    const char *value = NULL;
    size_t size = 0;
    json number;
    double out = otherwise;
    buffer path = { 0 };

    text_printf(&path, "generation_config.json/%s", key);
    if (ins1_model_meta(e->model, path.at, &value, &size, &e->call) == INS1_OK && value &&
        json_parse(&number, value, size, &e->error) == INS1_OK) {
        if (number.kind == JSON_TRUE || number.kind == JSON_FALSE)
            out = number.kind == JSON_TRUE;
        else
            json_real(&number, &out);
        json_free(&number);
    }
    text_free(&path);
    return out;
}

static float chosen(engine *e, float given, const char *key, double otherwise)
{
    return isnan(given) ? (float)default_of(e, key, otherwise) : given;
}

static ins1_status make_sampler(talk *t)
{
    const talk_options *o = t->o;
    ins1_sampler_options options = INS1_INIT(ins1_sampler_options);
    bool samples = default_of(t->e, "do_sample", 0) != 0;

    options.temperature =
        isnan(o->temperature) && !samples ? 0 : chosen(t->e, o->temperature, "temperature", 1);
    options.top_p = chosen(t->e, o->top_p, "top_p", 0);
    options.min_p = chosen(t->e, o->min_p, "min_p", 0);
    options.top_k = o->top_k < 0 ? (int32_t)default_of(t->e, "top_k", 50) : o->top_k;
    options.repeat_penalty = chosen(t->e, o->repeat_penalty, "repetition_penalty", 0);
    options.frequency_penalty = o->frequency_penalty;
    options.presence_penalty = o->presence_penalty;
    options.repeat_last = o->repeat_last;
    options.seed = o->seed;
    options.tokenizer = t->e->tokenizer;
    return ins1_sampler_create(&t->sampler, t->e->runtime, &options, &t->e->call);
}

/* --- the messages --- */

ins1_status talk_begin(talk *t, engine *e, const settings *s, const talk_options *o)
{
    *t = (talk){ .e = e, .s = s, .o = o };
    ins1_status status = make_sampler(t);
    if (status == INS1_OK && o->system)
        talk_add(t, "system", o->system, strlen(o->system));
    return status;
}

static void drop_messages(talk *t)
{
    for (size_t i = 0; i < t->n_messages; i++) {
        struct talk_message *m = &t->messages[i];
        for (size_t k = 0; k < m->n_media; k++)
            ins1_embeds_release(m->media[k].embeds);
        free(m->media);
        free(m->text);
    }
    free(t->messages);
    t->messages = NULL;
    t->n_messages = 0;
    /* What comes from embeddings that are gone is not found again. */
    for (size_t i = 0; i < t->n_ids; i++)
        if (t->rows[i])
            t->n_ids = i;
}

void talk_end(talk *t)
{
    drop_messages(t);
    free(t->ids);
    free(t->rows);
    text_free(&t->snapshot);
    ins1_session_release(t->session);
    ins1_sampler_release(t->sampler);
}

ins1_status talk_restart(talk *t, const char *system, size_t system_size)
{
    drop_messages(t);
    if (system)
        talk_add(t, "system", system, system_size);
    return ins1_sampler_reset(t->sampler, t->o->seed, &t->e->call);
}

void talk_add(talk *t, const char *role, const char *text, size_t size)
{
    buffer copy = { 0 };
    text_add(&copy, text, size);
    t->messages = reallocate(t->messages, t->n_messages + 1, sizeof(*t->messages));
    t->messages[t->n_messages++] =
        (struct talk_message){ .role = role, .text = copy.at, .size = size };
}

void talk_attach(talk *t, int32_t modality, ins1_embeds *embeds)
{
    struct talk_message *m = &t->messages[t->n_messages - 1];
    m->media = reallocate(m->media, m->n_media + 1, sizeof(*m->media));
    ins1_part *part = &m->media[m->n_media++];
    *part = (ins1_part)INS1_INIT(ins1_part);
    part->kind = modality;
    part->embeds = embeds;
}

ins1_status talk_prompt(talk *t, int32_t thinking, ins1_prompt **out)
{
    ins1_chat_options options = INS1_INIT(ins1_chat_options);
    ins1_message *messages = allocate(t->n_messages, sizeof(*messages));
    size_t n_parts = t->n_messages;

    for (size_t i = 0; i < t->n_messages; i++)
        n_parts += t->messages[i].n_media;
    ins1_part *parts = allocate(n_parts, sizeof(*parts)), *part = parts;
    for (size_t i = 0; i < t->n_messages; i++) {
        const struct talk_message *m = &t->messages[i];
        messages[i] = (ins1_message)INS1_INIT(ins1_message);
        messages[i].role = m->role;
        messages[i].parts = part;
        messages[i].n_parts = m->n_media + 1;
        for (size_t k = 0; k < m->n_media; k++)
            *part++ = m->media[k];
        *part = (ins1_part)INS1_INIT(ins1_part);
        part->kind = INS1_MODALITY_TEXT;
        part->text = m->text;
        part++->size = m->size;
    }
    options.thinking = thinking;
    options.add_generation_prompt = INS1_CHAT_ON;
    ins1_status status =
        ins1_prompt_create(out, t->e->tokenizer, messages, t->n_messages, &options, &t->e->call);
    free(parts);
    free(messages);
    return status;
}
