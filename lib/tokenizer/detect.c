/* Molecules and sequences in untagged text. */
#include "tokenizer/encode.h"
#include "tokenizer/unicode.h"

#include <string.h>

enum { MIN_SEQUENCE = 27, MIN_UNITS = 10, MIN_LETTERS = 5 };

typedef struct marker {
    const char *text;
    uint8_t what, kind;
} marker;

static const marker pro_markers[] = {
    { "<SMILES_AUTO_DETECT>", S1_PART_BEGIN, INS1_SEGMENT_SMILES },
    { "</SMILES_AUTO_DETECT>", S1_PART_END, INS1_SEGMENT_SMILES },
    { "<PROT_AUTO_DETECT>", S1_PART_BEGIN, INS1_SEGMENT_PROTEIN },
    { "</PROT_AUTO_DETECT>", S1_PART_END, INS1_SEGMENT_PROTEIN },
    { "<XNA_AUTO_DETECT>", S1_PART_BEGIN, INS1_SEGMENT_XNA },
    { "</XNA_AUTO_DETECT>", S1_PART_END, INS1_SEGMENT_XNA },
};

static const marker s1_markers[] = {
    { "<SMILES_AUTO_DETECT>", S1_PART_BEGIN, INS1_SEGMENT_SMILES },
    { "</SMILES_AUTO_DETECT>", S1_PART_END, INS1_SEGMENT_SMILES },
    { "<FASTA_AUTO_DETECT>", S1_PART_BEGIN, INS1_SEGMENT_FASTA },
    { "</FASTA_AUTO_DETECT>", S1_PART_END, INS1_SEGMENT_FASTA },
};

/* Are all bytes of text[begin, end) where markers may stand? */
static bool is_trusted(const s1_encoder *e, uint32_t begin, uint32_t end)
{
    const s1_stretch *stretches = e->text.stretches;
    size_t low = 0, high = e->text.n_stretches;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stretches[middle].end <= begin)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < e->text.n_stretches && begin < end; begin = stretches[low++].end)
        if (stretches[low].end > begin && !stretches[low].special)
            return false;
    return true;
}

bool s1_detect_marker(const s1_encoder *e, uint32_t begin, uint32_t end, unsigned *what,
                      int32_t *kind)
{
    bool pro = e->tokenizer->rules == S1_RULES_PRO;
    const marker *markers = pro ? pro_markers : s1_markers;
    size_t n = pro ? sizeof(pro_markers) / sizeof(*markers) : sizeof(s1_markers) / sizeof(*markers);

    if (e->tokenizer->rules == S1_RULES_NONE || end - begin < 16 || end - begin > 21 ||
        e->text.bytes[begin] != '<' || e->tokenizer->flags & INS1_TOKENIZER_NO_MARKERS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strlen(markers[i].text) == end - begin &&
            !memcmp(markers[i].text, e->text.bytes + begin, end - begin)) {
            if (!is_trusted(e, begin, end))
                return false;
            *what = markers[i].what;
            *kind = markers[i].kind;
            return true;
        }
    return false;
}

/* Two-letter element symbols, by first letter. */
static const char *const seconds[26] = {
    ['A' - 'A'] = "cglmrstu", ['B' - 'A'] = "aehikr",   ['C' - 'A'] = "adeflmnorsu",
    ['D' - 'A'] = "bsy",      ['E' - 'A'] = "rsu",      ['F' - 'A'] = "elmr",
    ['G' - 'A'] = "ade",      ['H' - 'A'] = "efgos",    ['I' - 'A'] = "nr",
    ['K' - 'A'] = "r",        ['L' - 'A'] = "airuv",    ['M' - 'A'] = "cdgnot",
    ['N' - 'A'] = "abdehiop", ['O' - 'A'] = "gs",       ['P' - 'A'] = "abdmortu",
    ['R' - 'A'] = "abefghnu", ['S' - 'A'] = "bcegimnr", ['T' - 'A'] = "abcehilms",
    ['X' - 'A'] = "e",        ['Y' - 'A'] = "b",        ['Z' - 'A'] = "nr",
};

bool s1_smiles_is_element(const uint8_t *at, size_t left)
{
    if (left < 2 || at[0] < 'A' || at[0] > 'Z' || !seconds[at[0] - 'A'] || !at[1])
        return false;
    return strchr(seconds[at[0] - 'A'], at[1]) != NULL;
}

static bool is_in(const char *set, uint8_t c)
{
    return c && strchr(set, c);
}

static bool is_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A stretch of text that the SMILES scanner works on. */
typedef struct scan {
    const uint8_t *text;
    uint32_t end;
    const uint32_t *closes; /* where ']' stands in it, ascending */
    size_t n_closes;
} scan;

/* Past the bracket that opens at `at`, or 0 when nothing closes it or nothing is in it. */
static uint32_t past_bracket(const scan *s, uint32_t at)
{
    size_t low = 0, high = s->n_closes;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->closes[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->n_closes && s->closes[low] > at + 1 ? s->closes[low] + 1 : 0;
}

/* Past the unit at `at`, or 0 when none begins there. */
static uint32_t past_unit(const scan *s, uint32_t at)
{
    uint8_t c = s->text[at];

    if (c == '[')
        return past_bracket(s, at);
    if (s1_smiles_is_element(s->text + at, s->end - at))
        return at + 2;
    if (is_in("BCFHIKNOPSUVWYbcnops().=-#@$%*:+/\\0123456789", c))
        return at + 1;
    if (c >= 0x80) {
        uint32_t code, n = (uint32_t)s1_utf8_item(s->text + at, s->end - at, &code);
        if (code < 0x110000 && s1_char_class(code) == S1_CHAR_DIGIT)
            return at + n;
    }
    return 0;
}

/* The end of the candidate that begins at `at`, or 0. */
static uint32_t past_candidate(const scan *s, uint32_t at)
{
    uint32_t found = 0;
    if (is_in(":.=", s->text[at]))
        return 0;
    for (uint32_t units = 1; at < s->end; units++) {
        at = past_unit(s, at);
        if (!at)
            break;
        if (units >= MIN_UNITS && !is_in(":.=", s->text[at - 1]))
            found = at;
    }
    return found;
}

static ins1_status is_smiles(s1_encoder *e, uint32_t begin, uint32_t end, bool *yes)
{
    const ins1_tokenizer *t = e->tokenizer;
    const uint8_t *text = e->text.bytes + begin;
    uint32_t size = end - begin, letters = 0;

    for (uint32_t i = 0; i < size && letters < MIN_LETTERS; i++)
        letters += is_letter(text[i]);
    *yes = letters == MIN_LETTERS;
    if (!*yes)
        return INS1_OK;
    if (!t->smiles_valid) {
        *yes = s1_smiles_is_legitimate(text, size);
        return INS1_OK;
    }
    int32_t answer = t->smiles_valid(t->user, (const char *)text, size);
    *yes = answer > 0;
    if (answer < 0)
        return s1_fail(e->call.error, INS1_E_CALLBACK, "the SMILES validator answered %d", answer);
    return INS1_OK;
}

/* Three parts for a found stretch, and one for the text before it. */
static ins1_status add_found(s1_encoder *e, uint32_t before, uint32_t begin, uint32_t end,
                             int32_t kind)
{
    ins1_status status = INS1_OK;
    if (before < begin)
        status = s1_part_add(e, &e->spare, before, begin, S1_PART_TEXT, 0, false);
    if (status == INS1_OK)
        status = s1_part_add(e, &e->spare, begin, begin, S1_PART_BEGIN, kind, true);
    if (status == INS1_OK)
        status = s1_part_add(e, &e->spare, begin, end, S1_PART_TEXT, 0, false);
    if (status == INS1_OK)
        status = s1_part_add(e, &e->spare, end, end, S1_PART_END, kind, true);
    return status;
}

static ins1_status list_closes(s1_encoder *e, uint32_t begin, uint32_t end, scan *s)
{
    size_t n = 0;
    const uint8_t *text = e->text.bytes, *at = text + begin;
    if (!memchr(at, '[', end - begin))
        return INS1_OK;
    while ((at = memchr(at, ']', (size_t)(text + end - at)))) {
        if (!s1_scratch_grow(&e->tokenizer->memory, (void **)&e->closes, &e->closes_capacity, n + 1,
                             sizeof(*e->closes), INS1_MEM_SCRATCH))
            return s1_fail(e->call.error, INS1_E_MEMORY, "no memory for %zu brackets", n + 1);
        e->closes[n++] = (uint32_t)(at++ - text);
    }
    s->closes = e->closes;
    s->n_closes = n;
    return INS1_OK;
}

static ins1_status poll(s1_encoder *e, uint32_t at)
{
    return at % 4096 ? INS1_OK : s1_call_check(&e->call);
}

static ins1_status find_smiles(s1_encoder *e, uint32_t begin, uint32_t end)
{
    const uint8_t *text = e->text.bytes;
    scan s = { text, end, NULL, 0 };
    uint32_t done = begin, at = begin;
    ins1_status status = list_closes(e, begin, end, &s);

    while (status == INS1_OK && at < end) {
        uint32_t past = past_candidate(&s, at);
        if (!past) {
            at++;
            while (at < end && (text[at] & 0xC0) == 0x80)
                at++;
            status = poll(e, at);
            continue;
        }
        bool alone =
            !(at > begin && is_letter(text[at - 1])) && !(past < end && is_letter(text[past]));
        bool yes = false;
        if (alone)
            status = is_smiles(e, at, past, &yes);
        if (status == INS1_OK && yes) {
            status = add_found(e, done, at, past, INS1_SEGMENT_SMILES);
            done = past;
        }
        at = past;
    }
    if (status == INS1_OK && done < end)
        status = s1_part_add(e, &e->spare, done, end, S1_PART_TEXT, 0, false);
    return status;
}

static bool is_nucleotide(uint8_t c)
{
    return is_in("ATCGU", c);
}

static bool is_capital(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

/* Runs of letters: of all capitals, or of nucleotides alone. A run for PROTEIN that is nucleotides
 * alone is left for the next detector. */
static ins1_status find_sequences(s1_encoder *e, uint32_t begin, uint32_t end, int32_t kind)
{
    bool (*belongs)(uint8_t) = kind == INS1_SEGMENT_XNA ? is_nucleotide : is_capital;
    const uint8_t *text = e->text.bytes;
    uint32_t done = begin;
    ins1_status status = INS1_OK;

    for (uint32_t at = begin; status == INS1_OK && at < end;) {
        uint32_t past = at;
        bool nucleotides = true;
        for (; past < end && belongs(text[past]); past++)
            nucleotides = nucleotides && is_nucleotide(text[past]);
        if (past - at >= MIN_SEQUENCE && !(kind == INS1_SEGMENT_PROTEIN && nucleotides)) {
            status = add_found(e, done, at, past, kind);
            done = past;
        }
        at = past > at ? past : at + 1;
        if (status == INS1_OK)
            status = poll(e, at);
    }
    if (status == INS1_OK && done < end)
        status = s1_part_add(e, &e->spare, done, end, S1_PART_TEXT, 0, false);
    return status;
}

/* One detector over all parts. In the newer rules what stands between markers is left alone. */
static ins1_status run_detector(s1_encoder *e, int32_t kind)
{
    bool guarded = e->tokenizer->rules == S1_RULES_PRO;
    size_t inside = 0;
    ins1_status status = INS1_OK;

    e->spare.n = 0;
    for (size_t i = 0; status == INS1_OK && i < e->parts.n; i++) {
        s1_part part = e->parts.parts[i];
        unsigned what = part.what;
        int32_t marked = 0;
        if (what == S1_PART_TEXT)
            s1_detect_marker(e, part.begin, part.end, &what, &marked);
        if (what == S1_PART_BEGIN)
            inside++;
        else if (what == S1_PART_END)
            inside -= inside > 0;
        if (what != S1_PART_TEXT || part.plain || (guarded && inside))
            status =
                s1_part_add(e, &e->spare, part.begin, part.end, part.what, part.kind, part.plain);
        else if (kind == INS1_SEGMENT_SMILES)
            status = find_smiles(e, part.begin, part.end);
        else
            status = find_sequences(e, part.begin, part.end, kind);
    }
    s1_part_list swap = e->parts;
    e->parts = e->spare;
    e->spare = swap;
    return status;
}

ins1_status s1_detect(s1_encoder *e)
{
    static const int32_t pro[] = { INS1_SEGMENT_SMILES, INS1_SEGMENT_PROTEIN, INS1_SEGMENT_XNA };
    static const int32_t s1[] = { INS1_SEGMENT_SMILES, INS1_SEGMENT_FASTA };
    bool is_pro = e->tokenizer->rules == S1_RULES_PRO;
    ins1_status status = INS1_OK;

    for (size_t i = 0; status == INS1_OK && i < (is_pro ? 3u : 2u); i++)
        status = run_detector(e, is_pro ? pro[i] : s1[i]);
    return status;
}
