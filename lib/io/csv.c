#include "series.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Numbers in lines: separated by tabs, semicolons or commas, whichever the first line has. With
 * semicolons a comma is a decimal point too. Lines that are empty or begin with '#' are skipped. A
 * first line that is not all numbers names the columns, "name", "name (unit)" or "name [unit]"; a
 * first column named as time gives the rate and is no channel. An empty cell, "nan" and "NA" are
 * gaps. */

enum { LOOK = 4096 }; /* rows between two looks at the cancel token */

typedef struct table {
    const char *text;
    size_t size;
    char separator;
    bool is_headed;
    size_t n_columns, n_rows;
    bool has_time;
    double unit; /* seconds of a step of the time column */
} table;

typedef struct slice {
    const char *at;
    size_t size;
} slice;

static slice trim(slice s)
{
    while (s.size && (s.at[0] == ' ' || s.at[0] == '\t' || s.at[0] == '\r')) {
        s.at++;
        s.size--;
    }
    while (s.size && strchr(" \t\r", s.at[s.size - 1]))
        s.size--;
    return s;
}

/* The next line that says something, and its number from 1. */
static bool next_line(const table *t, size_t *at, slice *line, size_t *number)
{
    while (*at < t->size) {
        const char *start = t->text + *at;
        const char *end = memchr(start, '\n', t->size - *at);
        *line = (slice){ start, end ? (size_t)(end - start) : t->size - *at };
        *at += line->size + 1;
        ++*number;
        if (line->size && line->at[line->size - 1] == '\r')
            line->size--;
        slice said = trim(*line);
        if (said.size && said.at[0] != '#')
            return true;
    }
    return false;
}

/* The next cell of a line; quotes around it go, and separators between quotes are text. */
static bool next_cell(slice *line, char separator, slice *cell, bool *more)
{
    if (!*more)
        return false;
    size_t n = 0;
    bool is_quoted = false;
    while (n < line->size && (is_quoted || line->at[n] != separator)) {
        is_quoted ^= line->at[n] == '"';
        n++;
    }
    *cell = trim((slice){ line->at, n });
    if (cell->size >= 2 && cell->at[0] == '"' && cell->at[cell->size - 1] == '"')
        *cell = trim((slice){ cell->at + 1, cell->size - 2 });
    *more = n < line->size;
    line->at += n + *more;
    line->size -= n + *more;
    return true;
}

static bool is_cell(slice cell, char separator, double *value)
{
    if (cell.size == 0 || (cell.size == 2 && memcmp(cell.at, "NA", 2) == 0)) {
        *value = NAN;
        return true;
    }
    return s1_io_number(cell.at, cell.size, separator == ';', value) == cell.size;
}

/* Text without control characters at its start: more than that a table cannot promise. */
bool s1_io_csv_is(const s1_io_bytes *file)
{
    size_t n = file->size < 4096 ? file->size : 4096;
    for (size_t i = 0; i < n; i++)
        if (file->data[i] < ' ' && !strchr("\t\r\n", file->data[i] ? file->data[i] : 1))
            return false;
    return true;
}

static bool same_word(slice cell, const char *word)
{
    if (cell.size != strlen(word))
        return false;
    for (size_t i = 0; i < cell.size; i++) {
        char c = cell.at[i];
        if ((c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c) != word[i])
            return false;
    }
    return true;
}

/* "name (unit)" in its two halves; no unit is an empty one. */
static void split_unit(slice cell, slice *name, slice *unit)
{
    char close = cell.size ? cell.at[cell.size - 1] : 0;
    char open = close == ')' ? '(' : close == ']' ? '[' : 0;
    *name = cell;
    *unit = (slice){ cell.at, 0 };
    for (size_t i = cell.size; open && i-- > 0;)
        if (cell.at[i] == open) {
            *name = trim((slice){ cell.at, i });
            *unit = trim((slice){ cell.at + i + 1, cell.size - i - 2 });
            return;
        }
}

static void look_for_time(table *t, slice first)
{
    static const char *const names[] = { "t", "time", "timestamp", "seconds", "elapsed time" };
    static const struct {
        const char *name;
        double seconds;
    } units[] = { { "", 1.0 },    { "s", 1.0 },   { "sec", 1.0 }, { "seconds", 1.0 },
                  { "ms", 1e-3 }, { "us", 1e-6 }, { "min", 60.0 } };
    slice name, unit;

    split_unit(first, &name, &unit);
    if (same_word(name, "time_s") || same_word(name, "time_ms")) {
        t->has_time = true;
        t->unit = name.size == 7 ? 1e-3 : 1.0;
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        for (size_t k = 0; same_word(name, names[i]) && k < sizeof(units) / sizeof(*units); k++)
            if (same_word(unit, units[k].name)) {
                t->has_time = true;
                t->unit = units[k].seconds;
            }
}

/* What the first line says: separator, number of columns, whether it names them. */
static bool read_first_line(table *t, slice *header)
{
    size_t at = 0, number = 0;
    slice line, cell, first = { NULL, 0 };
    bool more = true;
    double value;

    if (!next_line(t, &at, header, &number))
        return false;
    t->separator = memchr(header->at, '\t', header->size)  ? '\t'
                   : memchr(header->at, ';', header->size) ? ';'
                                                           : ',';
    line = *header;
    while (next_cell(&line, t->separator, &cell, &more)) {
        if (t->n_columns++ == 0)
            first = cell;
        t->is_headed |= !is_cell(cell, t->separator, &value);
    }
    if (t->is_headed && t->n_columns > 1)
        look_for_time(t, first);
    return true;
}

/* How many lines of numbers there are, each with all columns. */
static ins1_status count_rows(table *t, const s1_io_job *job, const char *name)
{
    size_t at = 0, number = 0;
    slice line, cell;

    for (bool is_first = true; next_line(t, &at, &line, &number); is_first = false) {
        size_t n = 0;
        bool more = true;
        ins1_status status = t->n_rows % LOOK ? INS1_OK : s1_io_job_check(job);
        if (status != INS1_OK)
            return status;
        if (is_first && t->is_headed)
            continue;
        for (; next_cell(&line, t->separator, &cell, &more); n++) {
            double value;
            if (!is_cell(cell, t->separator, &value))
                return s1_io_fail(job->error, INS1_E_FORMAT,
                                  "%s: line %zu, column %zu: '%.*s' is no number", name, number,
                                  n + 1, (int)(cell.size < 40 ? cell.size : 40), cell.at);
        }
        if (n != t->n_columns)
            return s1_io_fail(job->error, INS1_E_FORMAT,
                              "%s: line %zu has %zu columns, the first line has %zu", name, number,
                              n, t->n_columns);
        t->n_rows++;
    }
    return INS1_OK;
}

/* What the time column has said so far. */
typedef struct clock {
    double first, last;
    double shortest, longest; /* step */
} clock;

static ins1_status tick(clock *c, double now, size_t row, const s1_io_job *job, const char *name)
{
    double step = now - c->last;
    if (!isfinite(now) || (row && !(step > 0.0)))
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: time does not rise at row %zu", name,
                          row + 1);
    if (row == 0)
        c->first = now;
    else {
        c->shortest = row == 1 || step < c->shortest ? step : c->shortest;
        c->longest = row == 1 || step > c->longest ? step : c->longest;
    }
    c->last = now;
    return INS1_OK;
}

static ins1_status fill(ins1_io_series *series, const table *t, clock *c, const s1_io_job *job,
                        const char *name)
{
    size_t at = 0, number = 0, row = 0;
    double *to = series->samples;
    slice line, cell;

    for (bool is_first = true; next_line(t, &at, &line, &number); is_first = false) {
        bool more = true;
        ins1_status status = row % LOOK ? INS1_OK : s1_io_job_check(job);
        if (status != INS1_OK)
            return status;
        if (is_first && t->is_headed)
            continue;
        for (size_t n = 0; next_cell(&line, t->separator, &cell, &more); n++) {
            double value = 0.0;
            is_cell(cell, t->separator, &value);
            if (t->has_time && n == 0) {
                status = tick(c, value, row, job, name);
                if (status != INS1_OK)
                    return status;
                continue;
            }
            if (isnan(value))
                series->view.flags |= INS1_TIMESERIES_FILL_GAPS;
            *to++ = value;
        }
        row++;
    }
    return INS1_OK;
}

static ins1_status set_rate(ins1_io_series *series, const table *t, const clock *c,
                            const s1_io_job *job, const char *name)
{
    double span = (c->last - c->first) * t->unit;
    if (t->n_rows < 2)
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: a time column of one row gives no rate",
                          name);
    /* Times are printed with few digits, so steps may differ by a part of themselves; a lost row
     * doubles one. */
    if (c->longest > 1.75 * ((c->last - c->first) / (double)(t->n_rows - 1)))
        return s1_io_fail(job->error, INS1_E_UNSUPPORTED,
                          "%s: steps of time from %g to %g, even ones are expected", name,
                          c->shortest, c->longest);
    double rate = (double)(t->n_rows - 1) / span;
    if (!isfinite(rate))
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: the time column gives no rate", name);
    double even = nearbyint(rate);
    series->view.sample_rate_hz = fabs(rate - even) <= 1e-9 * even ? even : rate;
    return INS1_OK;
}

static void name_channels(ins1_io_series *series, const table *t, slice header)
{
    bool more = true;
    slice cell, name, unit;

    for (size_t n = 0; next_cell(&header, t->separator, &cell, &more); n++) {
        if (n < t->has_time)
            continue;
        s1_io_label *label = &series->labels[n - t->has_time];
        split_unit(cell, &name, &unit);
        s1_io_text(label->name, sizeof(label->name), name.at, name.size);
        s1_io_text(label->unit, sizeof(label->unit), unit.at, unit.size);
    }
}

ins1_status s1_io_csv_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file)
{
    bool has_mark = file->size >= 3 && memcmp(file->data, "\xEF\xBB\xBF", 3) == 0;
    table t = { .text = (const char *)file->data + (has_mark ? 3 : 0),
                .size = file->size - (has_mark ? 3 : 0) };
    clock c = { 0 };
    slice header;

    if (!read_first_line(&t, &header))
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s has no line of numbers", file->name);
    ins1_status status = count_rows(&t, job, file->name);
    if (status == INS1_OK)
        status = s1_io_series_shape(series, job, file->name, INS1_SAMPLE_F64, t.n_rows,
                                    t.n_columns - t.has_time, false);
    if (status == INS1_OK && t.is_headed)
        status = s1_io_series_labels(series, job);
    if (status == INS1_OK)
        status = fill(series, &t, &c, job, file->name);
    if (status == INS1_OK && t.has_time)
        status = set_rate(series, &t, &c, job, file->name);
    if (status == INS1_OK && t.is_headed)
        name_channels(series, &t, header);
    return status;
}
