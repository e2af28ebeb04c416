/* What the program asks RDKit, without RDKit's headers: they are compiled once, in rdkit_side.cpp.
 */
#ifndef CHEMISTRY_RDKIT_SIDE_HPP
#define CHEMISTRY_RDKIT_SIDE_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/* A molecule that RDKit has understood. */
struct molecule {
    std::string name;      /* from the file; its number when the file has none */
    std::string smiles;    /* canonical */
    std::string formula;   /* in Hill order */
    unsigned rings = 0;    /* smallest set */
    unsigned heavy = 0;    /* atoms that are not hydrogen */
    std::string bits = ""; /* Morgan fingerprint, radius 2, 2048 bits, as '0' and '1' */
};

/* RDKit writes no messages from now on; call it once, before threads are made. */
void quiet_rdkit();

/* nothing: RDKit refuses the text. Any thread. */
std::optional<molecule> understand(std::string_view smiles);

/* Molecules of a file, SDF when its name ends with .sdf or .sd, else one SMILES and a name a line.
 * Records that RDKit refuses are told. Throws std::runtime_error when there is no such file. */
std::vector<molecule> read_molecules(const std::string &path, std::vector<std::string> *refused);

/* Similarity of two fingerprints, 0 to 1. */
double tanimoto(const molecule &a, const molecule &b);

/* ins1_tokenizer_options.smiles_valid: RDKit decides what is a molecule, as it does in the
 * reference where it is installed. */
int32_t smiles_valid(void *user, const char *text, size_t size);

#endif
