#include "edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum {
    KEY_CTRL_A = 1,
    KEY_CTRL_B = 2,
    KEY_CTRL_C = 3,
    KEY_CTRL_D = 4,
    KEY_CTRL_E = 5,
    KEY_CTRL_F = 6,
    KEY_CTRL_H = 8,
    KEY_ENTER_LF = 10,
    KEY_CTRL_K = 11,
    KEY_ENTER = 13,
    KEY_CTRL_N = 14,
    KEY_CTRL_P = 16,
    KEY_CTRL_U = 21,
    KEY_CTRL_W = 23,
    KEY_ESCAPE = 27,
    KEY_BACKSPACE = 127,
    KEY_DELETE = 256,
    KEY_END_OF_INPUT = -1,
};

typedef struct state {
    const char *prompt;
    buffer *line;
    size_t at;    /* byte of the cursor */
    size_t shown; /* history entry on display; n_history: the new line */
    bool is_over, is_end;
} state;

static bool is_inner(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static size_t before(const buffer *line, size_t at)
{
    if (at)
        at--;
    while (at && is_inner(line->at[at]))
        at--;
    return at;
}

static size_t after(const buffer *line, size_t at)
{
    if (at < line->size)
        at++;
    while (at < line->size && is_inner(line->at[at]))
        at++;
    return at;
}

static size_t characters(const char *at, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += !is_inner(at[i]);
    return n;
}

static size_t columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* What fits of the line, the cursor within it. */
static void show(const state *s)
{
    const size_t room = columns() - characters(s->prompt, strlen(s->prompt)) - 1;
    size_t from = 0, to;
    buffer out = { 0 };

    while (characters(s->line->at + from, s->at - from) > room)
        from = after(s->line, from);
    for (to = from; to < s->line->size && characters(s->line->at + from, to - from) < room;)
        to = after(s->line, to);
    text_printf(&out, "\r\x1b[K%s", s->prompt);
    text_add(&out, s->line->at + from, to - from);
    size_t back = s->at < to ? characters(s->line->at + s->at, to - s->at) : 0;
    if (back)
        text_printf(&out, "\x1b[%zuD", back);
    fwrite(out.at, 1, out.size, stdout);
    fflush(stdout);
    text_free(&out);
}

static void cut(state *s, size_t begin, size_t end)
{
    if (begin == end)
        return;
    memmove(s->line->at + begin, s->line->at + end, s->line->size - end);
    s->line->size -= end - begin;
    s->at = begin;
}

static void insert(state *s, char byte)
{
    text_room(s->line, 1);
    memmove(s->line->at + s->at + 1, s->line->at + s->at, s->line->size - s->at);
    s->line->at[s->at++] = byte;
    s->line->size++;
}

static size_t word_begin(const state *s)
{
    size_t at = s->at;
    while (at && s->line->at[at - 1] == ' ')
        at--;
    while (at && s->line->at[at - 1] != ' ')
        at--;
    return at;
}

static void recall(editor *e, state *s, size_t which)
{
    if (which > e->n_history)
        return;
    s->shown = which;
    s->line->size = 0;
    if (which < e->n_history)
        text_puts(s->line, e->history[which]);
    s->at = s->line->size;
}

static int read_byte(void)
{
    unsigned char byte;
    return read(STDIN_FILENO, &byte, 1) == 1 ? byte : KEY_END_OF_INPUT;
}

/* Arrows and their neighbours come as ESC [ letter or ESC [ digit ~; they become control keys. */
static int read_key(void)
{
    static const char letters[] = "ABCDHF";
    static const int keys[] = { KEY_CTRL_P, KEY_CTRL_N, KEY_CTRL_F,
                                KEY_CTRL_B, KEY_CTRL_A, KEY_CTRL_E };
    int key = read_byte();
    if (key != KEY_ESCAPE)
        return key;
    key = read_byte();
    if (key != '[' && key != 'O')
        return 0;
    key = read_byte();
    const char *letter = key > 0 ? strchr(letters, key) : NULL;
    if (letter)
        return keys[letter - letters];
    int digit = key;
    while (key >= '0' && key <= ';')
        key = read_byte();
    return digit == '3'                   ? KEY_DELETE
           : digit == '1' || digit == '7' ? KEY_CTRL_A
           : digit == '4' || digit == '8' ? KEY_CTRL_E
                                          : 0;
}

static void handle(editor *e, state *s, int key)
{
    buffer *line = s->line;
    switch (key) {
    case KEY_ENTER:
    case KEY_ENTER_LF:
        s->is_over = true;
        break;
    case KEY_END_OF_INPUT:
        s->is_over = s->is_end = true;
        break;
    case KEY_CTRL_D:
        s->is_over = s->is_end = !line->size;
        cut(s, s->at, after(line, s->at));
        break;
    case KEY_DELETE:
        cut(s, s->at, after(line, s->at));
        break;
    case KEY_CTRL_H:
    case KEY_BACKSPACE:
        cut(s, before(line, s->at), s->at);
        break;
    case KEY_CTRL_C:
        recall(e, s, e->n_history);
        break;
    case KEY_CTRL_A:
        s->at = 0;
        break;
    case KEY_CTRL_E:
        s->at = line->size;
        break;
    case KEY_CTRL_B:
        s->at = before(line, s->at);
        break;
    case KEY_CTRL_F:
        s->at = after(line, s->at);
        break;
    case KEY_CTRL_K:
        line->size = s->at;
        break;
    case KEY_CTRL_U:
        cut(s, 0, s->at);
        break;
    case KEY_CTRL_W:
        cut(s, word_begin(s), s->at);
        break;
    case KEY_CTRL_P:
        recall(e, s, s->shown - (s->shown > 0));
        break;
    case KEY_CTRL_N:
        recall(e, s, s->shown + 1);
        break;
    default:
        if (key >= ' ')
            insert(s, (char)key);
        break;
    }
}

static void remember(editor *e, const buffer *line)
{
    bool is_same = e->n_history && strlen(e->history[e->n_history - 1]) == line->size &&
                   !memcmp(e->history[e->n_history - 1], line->at, line->size);
    if (!line->size || is_same)
        return;
    char *copy = allocate(line->size + 1, 1);
    memcpy(copy, line->at, line->size);
    e->history = reallocate(e->history, e->n_history + 1, sizeof(*e->history));
    e->history[e->n_history++] = copy;
}

bool edit_line(editor *e, const char *prompt, buffer *line)
{
    struct termios before_us, raw;
    state s = { .prompt = prompt, .line = line, .shown = e->n_history };

    line->size = 0;
    text_room(line, 1);
    if (tcgetattr(STDIN_FILENO, &before_us) != 0)
        return false;
    raw = before_us;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    while (!s.is_over) {
        show(&s);
        handle(e, &s, read_key());
    }
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before_us);
    putchar('\n');
    if (!s.is_end)
        remember(e, line);
    return !s.is_end;
}

void edit_end(editor *e)
{
    for (size_t i = 0; i < e->n_history; i++)
        free(e->history[i]);
    free(e->history);
}
