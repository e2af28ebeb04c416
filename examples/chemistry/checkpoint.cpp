#include "checkpoint.hpp"

#include <algorithm>

namespace
{

constexpr size_t MOST_TOKENS = 8; /* of what grow() adds */

interns1::tokenizer tokenizer_of(const interns1::model &model)
{
    ins1_tokenizer_options options = interns1::make<ins1_tokenizer_options>();

    options.smiles_valid = smiles_valid;
    return interns1::tokenizer(model, &options);
}

interns1::session session_on(const interns1::model &model)
{
    ins1_session_options options = interns1::make<ins1_session_options>();

    options.flags = INS1_SESSION_KEEP_HIDDEN;
    options.n_ctx = 1024;
    return interns1::session(interns1::decoder(model), &options);
}

/* Whole atoms, bonds, branches and rings of a SMILES, nothing else. */
bool is_piece_of_smiles(std::string_view text)
{
    static constexpr std::string_view single = "BCNOPSFIbcnops()=#123456789";

    for (size_t i = 0; i < text.size(); i++) {
        if (text.substr(i, 2) == "Cl" || text.substr(i, 2) == "Br")
            i++;
        else if (single.find(text[i]) == std::string_view::npos)
            return false;
    }
    return !text.empty();
}

/* Tokens that may stand in a SMILES, with their text. */
std::vector<checkpoint::piece> pieces_of_smiles(const interns1::tokenizer &tokenizer,
                                                int32_t n_vocab)
{
    std::vector<checkpoint::piece> out;

    for (int32_t id = 0; id < n_vocab; id++) {
        const std::string text = tokenizer.token(id);
        if (is_piece_of_smiles(text))
            out.push_back({ id, text });
    }
    return out;
}

/* Would it be a molecule if it ended here, with an atom where one is due and branches closed? */
bool can_become_molecule(std::string smiles)
{
    const auto opened = std::count(smiles.begin(), smiles.end(), '(');
    const auto closed = std::count(smiles.begin(), smiles.end(), ')');

    if (opened < closed)
        return false;
    if (std::string_view("(=#").find(smiles.back()) != std::string_view::npos)
        smiles += 'C';
    smiles.append(static_cast<size_t>(opened - closed), ')');
    return smiles_valid(nullptr, smiles.data(), smiles.size()) == 1;
}

void allow(uint32_t *allowed, int32_t id)
{
    allowed[id / 32] |= 1u << (id % 32);
}

} // namespace

checkpoint::checkpoint(const std::string &path, int32_t threads)
    : runtime_(interns1::runtime::with_threads(threads)), model_(runtime_, path), rules_(model_),
      tokenizer_(tokenizer_of(model_)), session_(session_on(model_)),
      pieces_(pieces_of_smiles(tokenizer_, model_.info().n_vocab))
{
}

std::string checkpoint::ask(const molecule &about, const std::string &question)
{
    const interns1::prompt prompt(
        tokenizer_, { { "user", "<SMILES>" + about.smiles + "</SMILES>\n" + question } });
    ins1_stream_options options = interns1::make<ins1_stream_options>();
    interns1::sampler greedy(runtime_);
    interns1::reply reply;

    options.reply_flags = prompt.info().reply_flags;
    options.max_tokens = 256;
    session_.truncate(0);
    session_.prefill(prompt.spans());
    interns1::stream stream(session_, tokenizer_, greedy, &options);
    for (interns1::event e; e.kind != INS1_EVENT_END; reply.add(e))
        e = stream.next();
    return reply.text;
}

std::vector<float> checkpoint::embed(const molecule &of)
{
    session_.truncate(0);
    session_.prefill(tokenizer_.encode("<SMILES>" + of.smiles + "</SMILES>", INS1_SEGMENT_SPECIAL));
    return session_.embeds(INS1_POOL_MEAN).pool(INS1_POOL_NONE, INS1_POOL_UNIT).read();
}

written checkpoint::grow(const std::string &beginning, const std::vector<molecule> &known,
                         uint64_t seed, bool guided)
{
    const int32_t end = tokenizer_.encode("</SMILES>", INS1_SEGMENT_SPECIAL).at(0);
    std::string smiles = beginning;
    const auto is_new = [&] {
        const std::optional<molecule> found = understand(smiles);
        return found && std::none_of(known.begin(), known.end(),
                                     [&](const molecule &m) { return m.smiles == found->smiles; });
    };
    const auto mask = [&](const int32_t *, size_t, uint32_t *allowed, size_t n_vocab) {
        bool any = false;
        std::fill_n(allowed, (n_vocab + 31) / 32, 0u);
        for (const piece &p : pieces_) {
            if (guided && !can_become_molecule(smiles + p.text))
                continue;
            allow(allowed, p.id);
            any = true;
        }
        if (!any || is_new())
            allow(allowed, end);
        return true;
    };
    ins1_sampler_options options = interns1::make<ins1_sampler_options>();
    options.temperature = 1;
    options.top_p = 0.9f;
    options.seed = seed;
    options.tokenizer = tokenizer_.get();
    interns1::sampler sampler(runtime_, options, mask);

    session_.truncate(0);
    session_.prefill(tokenizer_.encode("<SMILES>" + beginning, INS1_SEGMENT_SPECIAL));
    for (size_t i = 0; i < MOST_TOKENS; i++) {
        size_t count = 0;
        const float *logits = session_.logits(&count);
        const int32_t token = sampler.pick(logits, count).token;
        if (token == end)
            break;
        smiles += tokenizer_.token(token);
        session_.step(token);
    }
    return { smiles, understand(smiles) };
}

std::vector<written> checkpoint::molecules_in(const std::string &text)
{
    const std::vector<ins1_piece> pieces =
        tokenizer_.segments({ interns1::segment(text, INS1_SEGMENT_SPECIAL) });
    std::vector<written> out;

    for (const ins1_piece &p : pieces) {
        if (p.kind != INS1_SEGMENT_SMILES)
            continue;
        const std::string smiles = text.substr(p.begin, p.end - p.begin);
        out.push_back({ smiles, understand(smiles) });
    }
    return out;
}

bool checkpoint::detects(const std::string &text, bool with_rdkit) const
{
    const std::vector<ins1_piece> pieces =
        (with_rdkit ? tokenizer_ : rules_).segments({ interns1::segment(text) });

    return std::any_of(pieces.begin(), pieces.end(),
                       [](const ins1_piece &p) { return p.kind == INS1_SEGMENT_SMILES; });
}
