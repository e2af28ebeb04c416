"""SMILES files -> strings, running counts and facts, in one folder of NumPy files.

    python prepare.py --out DATA FILE...          (folders are searched for .smi and .csv files)
"""

import argparse
import json
import multiprocessing
import os
import random

import numpy as np
from rdkit import Chem

import molecules
from questions import GROUPS, corpus
from tokenizer import BASE_SIZE, Tokenizer, train_merges

STRINGS = ["canonical", "random", "random", "stereo", "random", "kekule"]


def label_one(job):
    """Strings of one molecule: list of (piece ids, rows), its facts, or None when something does not fit."""
    number, smiles, ways = job
    rng = random.Random(number)
    mol = Chem.MolFromSmiles(smiles)
    facts = molecules.facts_of(mol)
    if not molecules.plain_hydrogens(facts):
        return None
    out = []
    for how in ways:
        try:
            text, order, shown = molecules.write_string(mol, how, rng)
            ids = TOKENIZER.smiles(text)
        except (KeyError, ValueError):
            continue
        pieces = [PIECES[i - OFFSET] for i in ids]
        rows, walk = molecules.running_counts(shown, pieces, order, how == "kekule")
        if how == "kekule":                 # aromaticity is RDKit's verdict on the whole molecule
            rows[-1, -len(GROUPS):] = [min(facts["groups"][g], 4) for g in GROUPS]
        else:
            for g in GROUPS:
                if (walk.counts[g] > 0) != (facts["groups"][g] > 0):
                    print("dropped %s: %s %d, RDKit %d" % (text, g, walk.counts[g], facts["groups"][g]), flush=True)
                    return None
            facts["groups"] = {g: walk.counts[g] for g in GROUPS}
        if walk.counts["H"] != facts["elements"].get("H", 0):
            print("dropped %s: hydrogens %d" % (text, walk.counts["H"]), flush=True)
            return None
        out.append((np.array(ids, dtype=np.uint16), rows))
    return number, smiles, molecules.ring_closures(mol), facts, out


def start_worker(merges):
    global TOKENIZER, PIECES, OFFSET
    TOKENIZER = Tokenizer(merges)
    PIECES = TOKENIZER.domains["SMILES"]
    OFFSET = TOKENIZER.offsets["SMILES"]


def collect(paths):
    """Distinct usable molecules of all files: canonical SMILES -> part."""
    files = [f for p in paths for f in (molecules.default_files(p) if os.path.isdir(p) else [p])]
    found, read = {}, 0
    for path in files:
        strings = molecules.read_smiles(path)
        read += len(strings)
        print("%7d lines  %s" % (len(strings), path), flush=True)
        for text in strings:
            mol = Chem.MolFromSmiles(text)
            if not molecules.usable(mol):
                continue
            canonical = Chem.MolToSmiles(mol)
            if canonical not in found:
                mol = Chem.MolFromSmiles(canonical)
                if molecules.usable(mol):
                    found[canonical] = molecules.part(mol, canonical)
    print("%d lines, %d distinct usable molecules" % (read, len(found)), flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--out", required=True)
    parser.add_argument("--joined", type=int, default=30000, help="new molecules made by joining two (default 30000)")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)

    merges = train_merges(corpus(), BASE_SIZE - 256)
    tokenizer = Tokenizer(merges)
    tokenizer.write(os.path.join(args.out, "tokenizer"))

    found = collect(args.files)
    jobs = {"train": [], "valid": [], "test": []}
    for smiles, where in found.items():
        jobs[where].append((smiles, STRINGS))
    rng = random.Random(1)
    small = [m for m in map(Chem.MolFromSmiles, rng.sample([s for s, _ in jobs["train"]], len(jobs["train"]) // 2))
             if m.GetNumAtoms() <= 24]
    made = set()
    tries = 0
    while len(made) < args.joined and tries < 20 * args.joined and small:
        tries += 1
        mol = molecules.joined(small, rng)
        if molecules.usable(mol):
            smiles = Chem.MolToSmiles(mol)
            if smiles not in found and smiles not in made and molecules.part(mol, smiles) == "train":
                made.add(smiles)
    jobs["train"] += [(s, ["random", "random"]) for s in sorted(made)]
    print("%d joined molecules" % len(made), flush=True)

    with multiprocessing.Pool(args.workers, start_worker, (merges,)) as pool:
        for name, todo in jobs.items():
            numbered = [(i, smiles, ways) for i, (smiles, ways) in enumerate(todo)]
            done = [r for r in pool.imap(label_one, numbered, chunksize=200) if r]
            save(os.path.join(args.out, name), done)
            odd = sum(r[2] != r[3]["rings"] for r in done)
            print("%-5s %6d molecules, %7d strings, rings other than ring closures: %d" % (
                name, len(done), sum(len(r[4]) for r in done), odd), flush=True)


def save(stem, done):
    """stem.npz: pieces, rows, start of each string, molecule of each string; stem.jsonl: facts of each molecule."""
    strings = [(n, ids, rows) for n, r in enumerate(done) for ids, rows in r[4]]
    start = np.cumsum([0] + [len(ids) for _, ids, _ in strings])
    np.savez(stem + ".npz", pieces=np.concatenate([s[1] for s in strings]), rows=np.concatenate([s[2] for s in strings]),
             start=start, molecule=np.array([s[0] for s in strings], dtype=np.int32))
    with open(stem + ".jsonl", "w", encoding="utf-8") as f:
        for _, smiles, closures, facts, _ in done:
            f.write(json.dumps({"smiles": smiles, "closures": closures, **facts}) + "\n")


if __name__ == "__main__":
    main()
