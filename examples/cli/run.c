#include "attached.h"
#include "commands.h"
#include "edit.h"
#include "encoders.h"
#include "lines.h"
#include "places.h"
#include "reply.h"
#include "talk.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct task {
    engine e;
    settings s;
    talk_options o;
    talk t;
    encoders all;
    flag_list images, videos, series; /* files that stand before the first message */
    float fps;                        /* of the videos; 0: not known */
    float rate;                       /* of the series; 0: their own */
    const char *prompt;
    bool wants_json, wants_stats;
} task;

/* --- Ctrl-C stops the reply --- */

static ins1_cancel *running; /* what the handler may ask to stop; NULL between replies */

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    if (running)
        ins1_cancel_request(running);
}

/* From here on; while input is read, Ctrl-C ends the program as it ends others. */
static void catch_interrupts(task *k)
{
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART };
    running = k->e.call.cancel;
    sigaction(SIGINT, &action, NULL);
}

static void forget_interrupts(task *k)
{
    signal(SIGINT, SIG_DFL);
    running = NULL;
    ins1_cancel_release(k->e.call.cancel);
}

/* --- a reply for people --- */

typedef struct screen {
    bool is_terminal;
    int32_t kind;   /* of what was printed last; 0: nothing */
    buffer content; /* what counts as the assistant's message */
} screen;

static void leave_reasoning(screen *to, bool is_over)
{
    if (to->kind == INS1_EVENT_REASONING)
        printf("</think>%s%s", to->is_terminal ? "\x1b[0m" : "", is_over ? "" : "\n\n");
}

/* The reasoning is part of the visible answer: dimmed on a terminal, between its tags everywhere.
 */
static void show(void *user, const ins1_event *event)
{
    screen *to = user;
    const char *text = event->text;
    size_t size = event->size;

    if (event->kind == INS1_EVENT_REASONING && to->kind != INS1_EVENT_REASONING)
        printf("%s<think>", to->is_terminal ? "\x1b[2m" : "");
    if (event->kind == INS1_EVENT_TEXT && to->kind != INS1_EVENT_TEXT) {
        for (; size && *text == '\n' && to->kind; text++)
            size--;
        if (!size)
            return;
    }
    if (event->kind != INS1_EVENT_REASONING && event->kind != INS1_EVENT_NONE)
        leave_reasoning(to, event->kind == INS1_EVENT_END);
    if (event->kind == INS1_EVENT_TOOL_BEGIN)
        fputs(to->kind ? "\n[call " : "[call ", stdout);
    if (event->kind == INS1_EVENT_TOOL_ARGUMENTS && to->kind != INS1_EVENT_TOOL_ARGUMENTS)
        putchar(' ');
    if (event->kind == INS1_EVENT_TOOL_END)
        putchar(']');
    if (size)
        fwrite(text, 1, size, stdout);
    if (event->kind == INS1_EVENT_TEXT)
        text_add(&to->content, text, size);
    if (event->kind != INS1_EVENT_NONE)
        to->kind = event->kind;
    fflush(stdout);
}

static void print_stats(const talk *t)
{
    fprintf(stderr, "prompt: %zu tokens, %zu of them kept, %.2f s", t->n_prompt, t->n_cached,
            t->prompt_s);
    if (t->prompt_s > 0)
        fprintf(stderr, " (%.1f/s)", (double)(t->n_prompt - t->n_cached) / t->prompt_s);
    fprintf(stderr, "; reply: %zu tokens, %.2f s", t->n_reply, t->reply_s);
    if (t->reply_s > 0)
        fprintf(stderr, " (%.1f/s)", (double)t->n_reply / t->reply_s);
    fputc('\n', stderr);
    places_print(t->e);
}

static int32_t thinking_of(const task *k)
{
    return k->o.has_no_thinking ? INS1_CHAT_OFF : INS1_CHAT_DEFAULT;
}

static ins1_status encode_file(task *k, int32_t modality, const char *path, ins1_embeds **out)
{
    if (modality == INS1_MODALITY_IMAGE)
        return encoders_image(&k->all, path, out);
    if (modality == INS1_MODALITY_VIDEO)
        return encoders_video(&k->all, path, (double)k->fps, out);
    return encoders_series(&k->all, path, (double)k->rate, out);
}

static ins1_status attach_list(task *k, int32_t modality, flag_list *files)
{
    ins1_status status = INS1_OK;
    for (size_t i = 0; i < files->n && status == INS1_OK; i++) {
        ins1_embeds *embeds;
        status = encode_file(k, modality, files->at[i], &embeds);
        if (status == INS1_OK)
            talk_attach(&k->t, modality, embeds);
    }
    files->n = 0;
    return status;
}

/* The files of the command line, once. */
static ins1_status attach_files(task *k)
{
    ins1_status status = attach_list(k, INS1_MODALITY_IMAGE, &k->images);
    if (status == INS1_OK)
        status = attach_list(k, INS1_MODALITY_VIDEO, &k->videos);
    return status == INS1_OK ? attach_list(k, INS1_MODALITY_TIMESERIES, &k->series) : status;
}

/* The user's turn and the model's. */
static ins1_status take_turn(task *k, const char *text, size_t size)
{
    ins1_prompt *prompt = NULL;
    screen to = { .is_terminal = isatty(STDOUT_FILENO) };

    talk_add(&k->t, "user", text, size);
    ins1_status status = attach_files(k);
    if (status == INS1_OK)
        status = talk_prompt(&k->t, thinking_of(k), &prompt);
    if (status == INS1_OK)
        status = talk_reply(&k->t, prompt, show, &to);
    if (status != INS1_OK && to.kind)
        leave_reasoning(&to, true);
    if (to.kind)
        putchar('\n');
    fflush(stdout);
    talk_add(&k->t, "assistant", to.content.at, to.content.size);
    if (k->wants_stats)
        print_stats(&k->t);
    text_free(&to.content);
    ins1_prompt_release(prompt);
    return status;
}

static int run_once(task *k, const char *text, size_t size)
{
    catch_interrupts(k);
    return take_turn(k, text, size) == INS1_OK ? 0 : engine_failed(&k->e, &run_command);
}

static int run_stdin(task *k)
{
    buffer text = { 0 };
    size_t got;
    do {
        got = fread(text_room(&text, 65536), 1, 65536, stdin);
        text.size += got;
    } while (got);
    while (text.size && (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == '\r'))
        text.size--;
    int status = run_once(k, text.at, text.size);
    text_free(&text);
    return status;
}

static int run_terminal(task *k)
{
    editor e = { 0 };
    buffer text = { 0 };
    catch_interrupts(k);
    while (edit_line(&e, "> ", &text)) {
        if (!text.size)
            continue;
        ins1_cancel_reset(k->e.call.cancel);
        ins1_status status = take_turn(k, text.at, text.size);
        if (status == INS1_E_CANCELED)
            fputs("(stopped)\n", stderr);
        else if (status != INS1_OK)
            engine_failed(&k->e, &run_command);
    }
    text_free(&text);
    edit_end(&e);
    return 0;
}

/* --- JSON lines --- */

typedef struct line_task {
    ins1_error error;
    const json *text, *system;
    int32_t thinking;
    attached media;
} line_task;

static ins1_status read_thinking(const json *in, line_task *out)
{
    bool is_on = true;
    ins1_status status = json_flag(in, "thinking", &is_on, &out->error);
    if (status == INS1_OK && json_get(in, "thinking"))
        out->thinking = is_on ? INS1_CHAT_ON : INS1_CHAT_OFF;
    return status;
}

static ins1_status read_line_task(task *k, const input *in, line_task *out)
{
    *out = (line_task){ .error = in->error, .thinking = thinking_of(k) };
    if (out->error.status != INS1_OK || read_thinking(&in->value, out) != INS1_OK)
        return out->error.status;
    out->text = json_get(&in->value, "text");
    out->system = json_get(&in->value, "system");
    if (!out->text || out->text->kind != JSON_STRING ||
        (out->system && out->system->kind != JSON_STRING))
        return fail(&out->error, INS1_E_FORMAT,
                    "\"text\" and \"system\" are expected to be strings");
    return attached_read(&out->media, &k->all, &in->value, &out->error);
}

static ins1_status make_prompt(task *k, const line_task *in, ins1_prompt **out)
{
    const char *system = in->system ? in->system->text : k->o.system;
    size_t size = in->system ? in->system->n : system ? strlen(system) : 0;
    ins1_status status = talk_restart(&k->t, system, size);
    if (status != INS1_OK)
        return status;
    talk_add(&k->t, "user", in->text->text, in->text->n);
    for (size_t i = 0; i < in->media.n; i++) {
        ins1_embeds_retain(in->media.at[i].embeds);
        talk_attach(&k->t, in->media.at[i].kind, in->media.at[i].embeds);
    }
    return talk_prompt(&k->t, in->thinking, out);
}

static void collect(void *user, const ins1_event *event)
{
    reply_add(user, event);
}

static const char *end_name(int32_t end)
{
    static const char *const names[] = { "", "eos", "stop", "length", "full" };
    return end > 0 && end < 5 ? names[end] : "";
}

static ins1_status answer(task *k, const line_task *in, buffer *out)
{
    ins1_prompt *prompt = NULL;
    reply r = { 0 };
    ins1_status status = make_prompt(k, in, &prompt);
    if (status == INS1_OK)
        status = talk_reply(&k->t, prompt, collect, &r);
    text_puts(out, "{");
    reply_print(&r, false, out);
    text_printf(out, ", \"end\": \"%s\", \"prompt_tokens\": %zu, \"tokens\": %zu}",
                end_name(k->t.end), k->t.n_prompt, k->t.n_reply);
    reply_free(&r);
    ins1_prompt_release(prompt);
    return status;
}

/* The session must hold the longest prompt; a prompt that fails here fails again in its turn. */
static ins1_status make_room(task *k, line_task *tasks, size_t n)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        ins1_prompt_info info = INS1_INIT(ins1_prompt_info);
        ins1_prompt *prompt = NULL;
        if (tasks[i].error.status == INS1_OK && make_prompt(k, &tasks[i], &prompt) == INS1_OK &&
            ins1_prompt_info_get(prompt, &info, &k->e.call) == INS1_OK)
            most = info.n_tokens > most ? info.n_tokens : most;
        ins1_prompt_release(prompt);
    }
    return talk_make_room(&k->t, most);
}

static int run_json(task *k)
{
    int exit_status = 0;
    inputs all;
    lines_read(&all);
    catch_interrupts(k);
    line_task *tasks = allocate(all.n, sizeof(*tasks));
    for (size_t i = 0; i < all.n; i++)
        read_line_task(k, &all.at[i], &tasks[i]);

    ins1_status made = make_room(k, tasks, all.n);
    ins1_error why_not = k->e.error;
    for (size_t i = 0; i < all.n; i++) {
        ins1_error *error = &tasks[i].error;
        buffer out = { 0 };
        k->e.call.error = error;
        if (error->status == INS1_OK && made != INS1_OK)
            *error = why_not;
        else if (error->status == INS1_OK)
            error->status = answer(k, &tasks[i], &out);
        exit_status |= line_print(&out, error);
        if (k->wants_stats)
            print_stats(&k->t);
        text_free(&out);
    }
    k->e.call.error = &k->e.error;
    for (size_t i = 0; i < all.n; i++)
        attached_release(&tasks[i].media);
    free(tasks);
    lines_free(&all);
    return exit_status;
}

/* --- the command --- */

static int run_open(task *k)
{
    if (k->wants_json)
        return run_json(k);
    if (k->prompt)
        return run_once(k, k->prompt, strlen(k->prompt));
    return isatty(STDIN_FILENO) ? run_terminal(k) : run_stdin(k);
}

static int run(int argc, char **argv)
{
    task k = { .s = { .is_computing = true }, .o = TALK_OPTIONS };
    const char *model;
    const flag flags[] = {
        { "-p", FLAG_TEXT, &k.prompt, "TEXT", "what to ask; without it, stdin is asked" },
        { "--system", FLAG_TEXT, &k.o.system, "TEXT", "the system message" },
        { "--no-think", FLAG_SET, &k.o.has_no_thinking, NULL, "no reasoning before the answer" },
        { "--max-tokens", FLAG_SIZE, &k.o.max_tokens, "N", "end a reply after N tokens" },
        { "--stop", FLAG_TEXTS, &k.o.stop, "TEXT", "end a reply before TEXT; may be given often" },
        { "--seed", FLAG_SIZE, &k.o.seed, "N", "of the draws (default: 0)" },
        { "--temperature", FLAG_REAL, &k.o.temperature, "T", "0: always the most probable token" },
        { "--top-k", FLAG_INT, &k.o.top_k, "N", "draw among the N best; 0: all" },
        { "--top-p", FLAG_REAL, &k.o.top_p, "P", "draw among the best that make up P; 0: all" },
        { "--min-p", FLAG_REAL, &k.o.min_p, "P", "at least P times as probable as the best" },
        { "--repeat-penalty", FLAG_REAL, &k.o.repeat_penalty, "X",
          "divides what was there before" },
        { "--repeat-last", FLAG_INT, &k.o.repeat_last, "N", "tokens that penalties look back" },
        { "--frequency-penalty", FLAG_REAL, &k.o.frequency_penalty, "X", "for each time before" },
        { "--presence-penalty", FLAG_REAL, &k.o.presence_penalty, "X", "once for what was there" },
        { "--image", FLAG_TEXTS, &k.images, "FILE", "an image, PNG or JPEG; may be given often" },
        { "--video", FLAG_TEXTS, &k.videos, "FOLDER",
          "frames, PNG or JPEG, in the order of their names; may be given often" },
        { "--fps", FLAG_REAL, &k.fps, "N", "frames per second of the videos (default: 24)" },
        { "--series", FLAG_TEXTS, &k.series, "FILE", "a time series; may be given often" },
        { "--rate", FLAG_REAL, &k.rate, "HZ", "samples per second (default: the file's)" },
        { "--stats", FLAG_SET, &k.wants_stats, NULL, "tokens, seconds and devices, on stderr" },
        { "--json", FLAG_SET, &k.wants_json, NULL, "JSON lines in and out" },
    };
    int status =
        args_parse(&run_command, flags, sizeof(flags) / sizeof(*flags), &k.s, argc, argv, &model);
    if (status != ARGS_OK)
        return status;
    if (k.fps != 0 && !k.videos.n)
        return usage_error(&run_command, "--fps is given without --video");
    if (k.rate != 0 && !k.series.n)
        return usage_error(&run_command, "--rate is given without --series");

    k.all = (encoders){ .e = &k.e, .s = &k.s, .model = model };
    if (engine_open(&k.e, &k.s, model, INS1_PART_TOKENIZER | INS1_PART_DECODER) != INS1_OK ||
        talk_begin(&k.t, &k.e, &k.s, &k.o) != INS1_OK ||
        ins1_cancel_create(&k.e.call.cancel, k.e.runtime, &k.e.call) != INS1_OK)
        status = engine_failed(&k.e, &run_command);
    else
        status = run_open(&k);
    talk_end(&k.t);
    encoders_end(&k.all);
    forget_interrupts(&k);
    engine_stop(&k.e);
    return status;
}

const command run_command = {
    .name = "run",
    .operands = "MODEL",
    .summary = "Ask a model",
    .about =
        "Prints the reply as it comes. Without -p it asks what stdin says; on a terminal it holds "
        "a\n"
        "conversation, where Ctrl-C stops a reply and Ctrl-D ends. Sampling is as the "
        "checkpoint's\n"
        "generation_config.json says unless options say otherwise. With --json it reads lines of\n"
        "{\"text\": ..., \"system\": ..., \"thinking\": true or false, \"images\": [file, ...],\n"
        "\"videos\": [{\"folder\": ..., \"fps\": hertz}],\n"
        "\"series\": [{\"file\": ..., \"rate\": hertz}]}, each its own conversation; media stand\n"
        "before the text.",
    .example = "ins1 run MODEL -p 'How many rings does <SMILES>c1ccccc1</SMILES> have?' --stats",
    .run = run,
};
