#include "problem.h"

#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cut between two characters. */
static void cut(char *line, size_t size)
{
    size_t n = strnlen(line, size - 1);
    if (n < size - 1)
        return;
    while (n && ((unsigned char)line[n - 1] & 0xc0) == 0x80)
        n--;
    line[n ? n - 1 : 0] = '\0';
}

bool refuse(problem *p, int http, const char *code, const char *param, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    p->http = http;
    p->code = code;
    snprintf(p->param, sizeof(p->param), "%s", param ? param : "");
    cut(p->param, sizeof(p->param));
    vsnprintf(p->text, sizeof(p->text), format, args);
    cut(p->text, sizeof(p->text));
    va_end(args);
    return false;
}

bool refuse_status(problem *p, const char *param, const ins1_error *error)
{
    switch (error->status) {
    case INS1_E_FULL:
        return refuse(p, 400, "context_length_exceeded", param, "%s", error->text);
    case INS1_E_ARGUMENT:
    case INS1_E_FORMAT:
    case INS1_E_BUDGET:
    case INS1_E_UNSUPPORTED:
    case INS1_E_IO:
        return refuse(p, 400, ins1_status_name(error->status), param, "%s", error->text);
    case INS1_E_CANCELED:
        return refuse(p, 499, "gone", param, "%s", error->text);
    case INS1_E_DEADLINE:
        return refuse(p, 504, "timeout", param, "%s", error->text);
    case INS1_E_MEMORY:
        return refuse(p, 503, "out_of_memory", param, "%s", error->text);
    default:
        return refuse(p, 500, ins1_status_name(error->status), param, "%s", error->text);
    }
}

static const char *type_of(int http)
{
    return http == 429 ? "rate_limit_error" : http < 500 ? "invalid_request_error" : "server_error";
}

static void put_member(text *to, const char *name, const char *value)
{
    text_print(to, "\"%s\":", name);
    if (value)
        text_string(to, value, strlen(value));
    else
        text_puts(to, "null");
}

char *problem_json(const problem *p)
{
    text out = { 0 };
    text_puts(&out, "{\"error\":{");
    put_member(&out, "message", p->text);
    text_puts(&out, ",");
    put_member(&out, "type", type_of(p->http));
    text_puts(&out, ",");
    put_member(&out, "param", p->param[0] ? p->param : NULL);
    text_puts(&out, ",");
    put_member(&out, "code", p->code);
    text_puts(&out, "}}");
    text_add(&out, "", 1);
    if (out.has_failed)
        text_free(&out);
    return out.at;
}
