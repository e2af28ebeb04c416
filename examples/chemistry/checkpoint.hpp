/* A checkpoint that is asked about molecules. */
#ifndef CHEMISTRY_CHECKPOINT_HPP
#define CHEMISTRY_CHECKPOINT_HPP

#include "rdkit_side.hpp"

#include <interns1/interns1.hpp>

/* One string that a model wrote, and what RDKit says of it. */
struct written {
    std::string smiles;
    std::optional<molecule> valid;
};

class checkpoint
{
  public:
    struct piece {
        int32_t id;
        std::string text;
    };

    checkpoint(const std::string &path, int32_t threads);

    /* The answer to a question about a molecule, without the reasoning before it. */
    std::string ask(const molecule &about, const std::string &question);

    /* The mean of the final hidden states of the molecule's tokens, of length 1: products are
     * cosines. */
    std::vector<float> embed(const molecule &of);

    /* Let the model write on after the beginning of a SMILES, for a while or until RDKit has a
     * molecule that is none of `known`. With `guided`, RDKit looks at every token before it may
     * come. The result is checked again, whatever it is. */
    written grow(const std::string &beginning, const std::vector<molecule> &known, uint64_t seed,
                 bool guided);

    /* Stretches of a text that are molecules by their tags or by the tokenizer's own detector, each
     * checked. */
    std::vector<written> molecules_in(const std::string &text);

    /* Does the tokenizer take something in the text for a molecule, by its own rules or by RDKit's?
     */
    bool detects(const std::string &text, bool with_rdkit) const;

  private:
    interns1::runtime runtime_;
    interns1::model model_;
    interns1::tokenizer rules_;     /* knows molecules by its own rules */
    interns1::tokenizer tokenizer_; /* asks RDKit */
    interns1::session session_;
    std::vector<piece> pieces_; /* tokens that may stand in a SMILES */
};

#endif
