"""Reads SMILES files, writes the training strings with a label for every token.

A label says what a reader who stopped after this token would have counted: atoms, rings closed, hydrogens and matches of
the functional groups in the molecule written so far. These running counts are what the first layers of the model learn.
"""

import csv
import hashlib
import os
import random

import numpy as np
from rdkit import Chem, RDLogger
from rdkit.Chem.Scaffolds import MurckoScaffold

from questions import GROUPS

RDLogger.DisableLog("rdApp.*")

ELEMENTS = ["C", "N", "O", "S", "P", "F", "Cl", "Br", "I", "B", "Si"]
MAX_HEAVY = 32
SMARTS = {
    "carboxylic acid": "[CX3](=O)[OX2H1]",
    "ester": "[CX3](=O)[OX2H0][#6]",
    "amide": "[CX3](=O)[NX3]",
    "amine": "[NX3;!$(N-[C,S,P]=[O,S,N]);!$(N=*);!$(N-[N,O]);!$([N+])]-[#6]",
    "hydroxyl": "[OX2H1]-[#6]",
    "halogen": "[F,Cl,Br,I]",
    "nitro": "[N+](=O)[O-]",
    "nitrile": "[CX2]#[NX1]",
    "ketone": "[#6][CX3](=O)[#6]",
    "aromatic ring": "a",
    "sulfur": "[#16]",
}
PATTERNS = {name: Chem.MolFromSmarts(smarts) for name, smarts in SMARTS.items()}
HALOGENS = {9, 17, 35, 53}

# (name, classes) of the running counts; a count above the last class is counted as the last one.
HEADS = ([("heavy", 40), ("C", 36), ("H", 80), ("rings", 12), ("N", 16), ("O", 20), ("S", 6), ("F", 8), ("Cl", 8),
          ("Br", 6)] + [(g, 5) for g in GROUPS])
UNKNOWN = 255


def read_smiles(path):
    """Strings that may be SMILES: a .csv file's column `smiles`, or the first word or cell of every line."""
    with open(path, encoding="utf-8", errors="replace", newline="") as f:
        if not path.endswith(".csv"):
            words = [line.split() for line in f]
            return [w[0] for w in words if w and not w[0].startswith("#")]
        rows = [row for row in csv.reader(f) if row and not row[0].startswith("#")]
    names = [name.strip().lower() for name in rows[0]] if rows else []
    if "smiles" in names:
        column, rows = names.index("smiles"), rows[1:]
    else:
        column = 0
    return [row[column].strip() for row in rows if column < len(row) and row[column].strip()]


def usable(mol):
    if mol is None or mol.GetNumAtoms() == 0 or mol.GetNumAtoms() > MAX_HEAVY:
        return False
    return (Chem.GetFormalCharge(mol) == 0 and len(Chem.GetMolFrags(mol)) == 1 and
            all(a.GetSymbol() in ELEMENTS and a.GetIsotope() == 0 and a.GetNumRadicalElectrons() == 0
                for a in mol.GetAtoms()))


def share(mol, canonical):
    """Where a molecule falls in [0, 1): all molecules with one scaffold fall together."""
    scaffold = MurckoScaffold.MurckoScaffoldSmiles(mol=mol) or canonical
    return int(hashlib.md5(scaffold.encode()).hexdigest()[:8], 16) / 2.0**32


def part(mol, canonical):
    at = share(mol, canonical)
    return "test" if at < 0.04 else "valid" if at < 0.06 else "train"


def elements_of(mol):
    counts = {}
    for atom in mol.GetAtoms():
        counts[atom.GetSymbol()] = counts.get(atom.GetSymbol(), 0) + 1
        counts["H"] = counts.get("H", 0) + atom.GetTotalNumHs()
    return {e: n for e, n in counts.items() if n}


def facts_of(mol):
    """What RDKit says: the truth that answers are compared with."""
    groups = {name: len(mol.GetSubstructMatches(pattern)) for name, pattern in PATTERNS.items()}
    return {"elements": elements_of(mol), "rings": mol.GetRingInfo().NumRings(), "groups": groups}


def ring_closures(mol):
    return mol.GetNumBonds() - mol.GetNumAtoms() + 1


def plain_hydrogens(facts):
    """False for the rare molecules whose valences do not add up to whole rings and double bonds."""
    from questions import unsaturation
    twice = unsaturation(facts["elements"])
    return twice >= 0 and twice % 2 == 0


# ---------------------------------------------------------------------------------------------------- running counts

class Walk:
    """The molecule as far as its SMILES has been read, and the counts of what has been read."""

    def __init__(self, mol):
        self.bonds = {}
        for bond in mol.GetBonds():
            order = 1.0 if bond.GetIsAromatic() else bond.GetBondTypeAsDouble()
            kind = 0 if bond.GetIsAromatic() else int(order)
            self.bonds[bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()] = (int(order), kind)
            self.bonds[bond.GetEndAtomIdx(), bond.GetBeginAtomIdx()] = (int(order), kind)
        n = mol.GetNumAtoms()
        total = [0] * n
        for (a, _), (order, _) in self.bonds.items():
            total[a] += order
        self.number = [a.GetAtomicNum() for a in mol.GetAtoms()]
        self.charge = [a.GetFormalCharge() for a in mol.GetAtoms()]
        self.aromatic = [a.GetIsAromatic() for a in mol.GetAtoms()]
        self.symbol = [a.GetSymbol() for a in mol.GetAtoms()]
        self.last = [total[a.GetIdx()] + a.GetTotalNumHs() for a in mol.GetAtoms()]     # valence in the whole molecule
        self.steps = [self.valences(a) for a in range(n)]
        self.near = [[] for _ in range(n)]       # (neighbour, kind of bond: 0 aromatic, 1, 2, 3)
        self.order = [0] * n
        self.hydrogens = [0] * n
        self.found = [()] * n
        self.counts = {name: 0 for name, _ in HEADS}

    def valences(self, a):
        """Valences the atom passes through while bonds are added; only these atoms can still grow."""
        last = self.last[a]
        if self.charge[a] == 0 and self.number[a] == 16 and not self.aromatic[a]:
            return [v for v in (2, 4, 6) if v < last] + [last]
        if self.charge[a] == 0 and self.number[a] == 15:
            return [v for v in (3, 5) if v < last] + [last]
        if self.charge[a] == 0 and self.number[a] == 7 and self.aromatic[a] and not self.pyrrole(a):
            return [v for v in (2, 3) if v < last] + [last]
        return [last]

    def pyrrole(self, a):
        return self.last[a] == 3 and sum(1 for x, _ in self.bonds if x == a) == 2      # [nH]

    def set_hydrogens(self, a):
        valence = next((v for v in self.steps[a] if v >= self.order[a]), self.steps[a][-1])
        self.counts["H"] += valence - self.order[a] - self.hydrogens[a]
        self.hydrogens[a] = valence - self.order[a]

    def add_atom(self, a):
        self.counts["heavy"] += 1
        if self.symbol[a] in self.counts:
            self.counts[self.symbol[a]] += 1
        self.set_hydrogens(a)
        self.recount((a,))

    def add_bond(self, a, b):
        order, kind = self.bonds[a, b]
        self.near[a].append((b, kind))
        self.near[b].append((a, kind))
        for x in (a, b):
            self.order[x] += order
            self.set_hydrogens(x)
        self.recount({a, b, *(x for x, _ in self.near[a]), *(x for x, _ in self.near[b])})

    def recount(self, atoms):
        for a in atoms:
            for g in self.found[a]:
                self.counts[g] -= 1
            self.found[a] = self.groups_at(a)
            for g in self.found[a]:
                self.counts[g] += 1

    def groups_at(self, a):
        """Names of the groups centred on atom a; one name for every match."""
        out = []
        z, near = self.number[a], self.near[a]
        if self.aromatic[a]:
            out.append("aromatic ring")
        if z in HALOGENS:
            out.append("halogen")
        elif z == 16:
            out.append("sulfur")
        elif z == 6 and not self.aromatic[a]:
            links = len(near) + self.hydrogens[a]
            double_o = [b for b, kind in near if kind == 2 and self.number[b] == 8]
            if links == 3 and double_o:
                for b, kind in near:
                    if self.aromatic[b] or kind != 1:
                        continue
                    if self.number[b] == 8 and len(self.near[b]) + self.hydrogens[b] == 2:
                        if self.hydrogens[b] == 1:
                            out.append("carboxylic acid")
                        elif any(self.number[c] == 6 for c, _ in self.near[b] if c != a):
                            out.append("ester")
                    if self.number[b] == 7 and len(self.near[b]) + self.hydrogens[b] == 3:
                        out.append("amide")
                if sum(self.number[b] == 6 and kind == 1 for b, kind in near) == 2:
                    out.append("ketone")
            if links == 2 and any(kind == 3 and self.number[b] == 7 and len(self.near[b]) + self.hydrogens[b] == 1
                                  for b, kind in near):
                out.append("nitrile")
        elif z == 7 and not self.aromatic[a]:
            if self.charge[a] > 0:
                if (any(kind == 2 and self.number[b] == 8 for b, kind in near) and
                        any(kind == 1 and self.number[b] == 8 and self.charge[b] < 0 for b, kind in near)):
                    out.append("nitro")
            elif len(near) + self.hydrogens[a] == 3 and any(kind == 1 and self.number[b] == 6 for b, kind in near):
                if not any(self.spoils_amine(a, b, kind) for b, kind in near):
                    out.append("amine")
        elif z == 8 and not self.aromatic[a]:
            if (len(near) == 1 and self.hydrogens[a] == 1 and near[0][1] == 1 and self.number[near[0][0]] == 6):
                out.append("hydroxyl")
        return tuple(out)

    def spoils_amine(self, a, b, kind):
        if kind == 2:
            return True
        if kind != 1 or self.aromatic[b]:
            return False
        if self.number[b] in (7, 8):
            return True
        return self.number[b] in (6, 15, 16) and any(
            k == 2 and self.number[c] in (7, 8, 16) and not self.aromatic[c] for c, k in self.near[b] if c != a)

    def row(self):
        return [min(self.counts[name], classes - 1) for name, classes in HEADS]


def running_counts(mol, pieces, order, hide_groups=False):
    """One row of HEADS for every piece of the SMILES that RDKit wrote with this order of atoms."""
    walk = Walk(mol)
    rows, stack, previous, rings, at = [], [], None, {}, 0
    row = walk.row()
    i = 0
    while i < len(pieces):
        piece, size = pieces[i], 1
        if piece == "(":
            stack.append(previous)
        elif piece == ")":
            previous = stack.pop()
        elif piece[0].isalpha() or piece[0] == "[":
            if piece[0] == "[" and piece[-1] != "]":           # a rare atom, spelled by several pieces
                size = pieces.index("]", i) - i + 1
            atom = order[at]
            at += 1
            walk.add_atom(atom)
            if previous is not None:
                walk.add_bond(previous, atom)
            previous = atom
        elif piece.isdigit() or piece == "%":
            size = 3 if piece == "%" else 1
            label = "".join(pieces[i:i + size])
            if label in rings:
                walk.add_bond(rings.pop(label), previous)
                walk.counts["rings"] += 1
            else:
                rings[label] = previous
        rows += [row] * (size - 1)
        row = walk.row()
        rows.append(row)
        i += size
    assert at == mol.GetNumAtoms() and not rings and not stack
    rows = np.array(rows, dtype=np.uint8)
    if hide_groups:                  # alternating double bonds: the groups depend on what follows
        rows[:-1, -len(GROUPS):] = UNKNOWN
    return rows, walk


# ----------------------------------------------------------------------------------------------------------- strings

def write_string(mol, how, rng):
    """(SMILES, order of its atoms, molecule whose bonds it shows)."""
    shown = mol
    if how == "stereo":
        shown = Chem.Mol(mol)
        for index, mark in Chem.FindMolChiralCenters(shown, includeUnassigned=True, useLegacyImplementation=True):
            if mark == "?":
                shown.GetAtomWithIdx(index).SetChiralTag(rng.choice(
                    [Chem.ChiralType.CHI_TETRAHEDRAL_CW, Chem.ChiralType.CHI_TETRAHEDRAL_CCW]))
    if how == "kekule":
        shown = Chem.Mol(mol)
        Chem.Kekulize(shown, clearAromaticFlags=True)
    if how == "canonical":
        text = Chem.MolToSmiles(shown)
    else:
        shuffled = list(range(shown.GetNumAtoms()))
        rng.shuffle(shuffled)
        shown = Chem.RenumberAtoms(shown, shuffled)
        text = Chem.MolToSmiles(shown, canonical=False, rootedAtAtom=rng.randrange(shown.GetNumAtoms()))
    order = [int(i) for i in shown.GetProp("_smilesAtomOutputOrder").strip("[],").split(",") if i]
    return text, order, shown


def joined(mols, rng):
    """A new molecule: two known ones connected by a single bond between atoms that have a hydrogen to spare."""
    a, b = rng.choice(mols), rng.choice(mols)
    if a.GetNumAtoms() + b.GetNumAtoms() > MAX_HEAVY:
        return None
    ends = [[x.GetIdx() for x in m.GetAtoms() if x.GetNumImplicitHs() and x.GetFormalCharge() == 0 and
             x.GetAtomicNum() in (6, 7, 8)] for m in (a, b)]
    if not all(ends):
        return None
    both = Chem.RWMol(Chem.CombineMols(a, b))
    both.AddBond(rng.choice(ends[0]), a.GetNumAtoms() + rng.choice(ends[1]), Chem.BondType.SINGLE)
    try:
        Chem.SanitizeMol(both)
    except ValueError:
        return None
    return Chem.MolFromSmiles(Chem.MolToSmiles(both))


def default_files(folder):
    names = [os.path.join(top, name) for top, _, files in os.walk(folder) for name in files]
    return sorted(n for n in names if n.endswith((".smi", ".csv")))
