"""The crates as they would be published, used by a program of somebody else's, away from this tree:

    outside.py CARGO MODEL
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

cargo, model = sys.argv[1:]
source = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = """
use interns1::*;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).unwrap();
    let model = Model::open(&Runtime::new()?, path)?;
    println!("{}", Chat::new(&model)?.ask("How many rings does <SMILES>C1CCCCC1</SMILES> have?")?);
    Ok(())
}
"""
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    for crate in ("interns1-sys", "interns1"):
        listed = subprocess.run([cargo, "package", "--list", "--allow-dirty", "--offline"], cwd=source / crate, check=True,
                                text=True, capture_output=True).stdout.split()
        for file in listed:
            if (source / crate / file).exists():
                (folder / crate / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source / crate / file, folder / crate / file)
    (folder / "app" / "src").mkdir(parents=True)
    (folder / "app" / "src" / "main.rs").write_text(PROGRAM, encoding="utf-8")
    (folder / "app" / "Cargo.toml").write_text(
        '[package]\nname = "app"\nversion = "1.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n'
        'interns1 = { path = "../interns1" }\n', encoding="utf-8")
    env = dict(os.environ, CARGO_TARGET_DIR=str(folder / "target"))
    said = subprocess.run([cargo, "run", "-q", "--offline", "--", model], cwd=folder / "app", env=env, check=True, text=True,
                          capture_output=True).stdout
    assert said == "1\n", said
