#include "rdkit_side.hpp"

#include <DataStructs/BitOps.h>
#include <DataStructs/ExplicitBitVect.h>
#include <GraphMol/Descriptors/MolDescriptors.h>
#include <GraphMol/FileParsers/MolSupplier.h>
#include <GraphMol/Fingerprints/MorganFingerprints.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/RingInfo.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <RDGeneral/RDLog.h>

#include <fstream>
#include <memory>
#include <new>
#include <stdexcept>

namespace
{

molecule described(const RDKit::ROMol &mol)
{
    const std::unique_ptr<ExplicitBitVect> print(
        RDKit::MorganFingerprints::getFingerprintAsBitVect(mol, 2, 2048));
    molecule out;

    if (mol.hasProp("_Name"))
        mol.getProp("_Name", out.name);
    out.smiles = RDKit::MolToSmiles(mol);
    out.formula = RDKit::Descriptors::calcMolFormula(mol);
    out.rings = mol.getRingInfo()->numRings();
    out.heavy = mol.getNumHeavyAtoms();
    out.bits = BitVectToText(*print);
    return out;
}

/* Null where RDKit refuses, by a null pointer or by one of its exceptions. */
std::unique_ptr<RDKit::ROMol> parse(std::string_view smiles)
{
    try {
        return std::unique_ptr<RDKit::ROMol>(RDKit::SmilesToMol(std::string(smiles)));
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &) {
        return nullptr;
    }
}

std::vector<molecule> read_sdf(const std::string &path, std::vector<std::string> *refused)
{
    RDKit::SDMolSupplier records(path);
    std::vector<molecule> out;

    while (!records.atEnd()) {
        std::unique_ptr<RDKit::ROMol> mol;
        try {
            mol.reset(records.next());
        } catch (const std::exception &) {
            mol.reset();
        }
        if (mol)
            out.push_back(described(*mol));
        else
            refused->push_back("a record of " + path);
    }
    return out;
}

std::vector<molecule> read_smiles(const std::string &path, std::vector<std::string> *refused)
{
    std::ifstream file(path);
    std::vector<molecule> out;

    for (std::string line; std::getline(file, line);) {
        const size_t end = line.find_first_of(" \t\r");
        if (line.empty() || line[0] == '#' || end == 0)
            continue;
        std::optional<molecule> found = understand(std::string_view(line).substr(0, end));
        if (!found) {
            refused->push_back(line.substr(0, end));
            continue;
        }
        const size_t name = line.find_first_not_of(" \t\r", end);
        if (name != std::string::npos)
            found->name = line.substr(name, line.find_last_not_of(" \t\r") + 1 - name);
        out.push_back(std::move(*found));
    }
    return out;
}

bool ends_with(const std::string &text, std::string_view end)
{
    return text.size() >= end.size() &&
           text.compare(text.size() - end.size(), end.size(), end) == 0;
}

} // namespace

void quiet_rdkit()
{
    RDLog::InitLogs();
    boost::logging::disable_logs("rdApp.*");
}

std::optional<molecule> understand(std::string_view smiles)
{
    const std::unique_ptr<RDKit::ROMol> mol = parse(smiles);

    return mol && mol->getNumAtoms() > 0 ? std::optional<molecule>(described(*mol)) : std::nullopt;
}

std::vector<molecule> read_molecules(const std::string &path, std::vector<std::string> *refused)
{
    if (!std::ifstream(path))
        throw std::runtime_error("cannot read " + path);
    refused->clear();
    std::vector<molecule> out = ends_with(path, ".sdf") || ends_with(path, ".sd")
                                    ? read_sdf(path, refused)
                                    : read_smiles(path, refused);
    for (size_t i = 0; i < out.size(); i++)
        if (out[i].name.empty())
            out[i].name = std::to_string(i + 1);
    return out;
}

double tanimoto(const molecule &a, const molecule &b)
{
    size_t both = 0, any = 0;

    for (size_t i = 0; i < a.bits.size(); i++) {
        both += a.bits[i] == '1' && b.bits[i] == '1';
        any += a.bits[i] == '1' || b.bits[i] == '1';
    }
    return any ? static_cast<double>(both) / static_cast<double>(any) : 1;
}

/* No exception may pass through the library, which is C. */
int32_t smiles_valid(void *, const char *text, size_t size)
{
    try {
        return parse(std::string_view(text, size)) != nullptr;
    } catch (...) {
        return -1;
    }
}
