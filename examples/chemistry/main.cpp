/* What a checkpoint says about the molecules of a file, beside what RDKit knows:
 *     molecules MODEL FILE.sdf|FILE.smi [THREADS]
 */

#include "checkpoint.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <numeric>

namespace
{

constexpr uint64_t N_GROWN = 8;

double product(const std::vector<float> &a, const std::vector<float> &b)
{
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/* Answers beside the truth. What the model says is shown as it is; SMILES inside it are checked. */
void ask_all(checkpoint &model, const std::vector<molecule> &molecules)
{
    size_t right = 0, asked = 0;
    const auto ask = [&](const molecule &m, const char *question, const std::string &truth) {
        const std::string answer = model.ask(m, question);
        right += answer == truth;
        asked++;
        for (const written &w : model.molecules_in(answer))
            std::printf("answer\t%s\t%s\t%s\n", m.name.c_str(), w.smiles.c_str(),
                        w.valid ? "a molecule" : "no molecule");
        return answer + (answer == truth ? "\tright" : "\tRDKit says " + truth);
    };

    for (const molecule &m : molecules) {
        std::printf("formula\t%s\t%s\n", m.name.c_str(),
                    ask(m, "What is the molecular formula?", m.formula).c_str());
        std::printf("rings\t%s\t%s\n", m.name.c_str(),
                    ask(m, "How many rings does it have?", std::to_string(m.rings)).c_str());
    }
    std::printf("right\t%zu of %zu\n", right, asked);
}

/* All molecules by their likeness to the first: the model's cosine, and Tanimoto's beside it. */
void rank(checkpoint &model, const std::vector<molecule> &molecules)
{
    std::vector<std::vector<float>> rows;
    std::vector<std::pair<double, size_t>> order;

    for (const molecule &m : molecules)
        rows.push_back(model.embed(m));
    for (size_t i = 1; i < rows.size(); i++)
        order.emplace_back(product(rows[0], rows[i]), i);
    std::sort(order.begin(), order.end(),
              [](const auto &a, const auto &b) { return a.first > b.first; });
    for (const auto &[cosine, i] : order)
        std::printf("similar\t%s\t%.4f\t%.3f\t%s\n", molecules[i].name.c_str(), cosine,
                    tanimoto(molecules[0], molecules[i]), molecules[i].smiles.c_str());
}

/* New molecules that begin as the first does. Nothing is called a molecule that RDKit refuses. */
void grow(checkpoint &model, const std::vector<molecule> &molecules, bool guided)
{
    const char *how = guided ? "guided" : "free";
    size_t valid = 0;

    for (uint64_t seed = 0; seed < N_GROWN; seed++) {
        const written w = model.grow(molecules[0].smiles, molecules, seed, guided);
        valid += w.valid.has_value();
        if (w.valid)
            std::printf("%s\t%s\t%s\n", how, w.valid->smiles.c_str(), w.valid->formula.c_str());
        else
            std::printf("%s\t%s\tno molecule\n", how, w.smiles.c_str());
    }
    std::printf("%s valid\t%zu of %zu\n", how, valid, static_cast<size_t>(N_GROWN));
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4)
        return std::fprintf(stderr, "usage: molecules MODEL FILE [THREADS]\n"), 2;
    try {
        std::vector<std::string> refused;
        quiet_rdkit();
        const std::vector<molecule> molecules = read_molecules(argv[2], &refused);
        std::printf("read\t%zu\n", molecules.size());
        if (molecules.empty())
            return 1;
        checkpoint model(argv[1], argc == 4 ? std::atoi(argv[3]) : 1);
        for (const std::string &text : refused)
            std::printf("refused\t%s\tby the tokenizer's rules %s\twith RDKit %s\n", text.c_str(),
                        model.detects(text, false) ? "a molecule" : "text",
                        model.detects(text, true) ? "a molecule" : "text");
        ask_all(model, molecules);
        rank(model, molecules);
        grow(model, molecules, false);
        grow(model, molecules, true);
    } catch (const std::exception &e) {
        return std::fprintf(stderr, "%s\n", e.what()), 1;
    }
    return 0;
}
