//! Tells the linker where libinterns1 is: the folders in INTERNS1_LIB_DIR, else what pkg-config says.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=INTERNS1_LIB_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    if let Ok(folders) = std::env::var("INTERNS1_LIB_DIR") {
        for folder in folders.split(':') {
            println!("cargo:rustc-link-search=native={}", folder);
        }
        return;
    }
    let packages: &[&str] =
        if std::env::var("CARGO_FEATURE_IO").is_ok() { &["interns1", "interns1_io"] } else { &["interns1"] };
    let found = Command::new("pkg-config").arg("--libs-only-L").args(packages).output();
    match found {
        Ok(output) if output.status.success() => {
            for flag in String::from_utf8_lossy(&output.stdout).split_whitespace() {
                println!("cargo:rustc-link-search=native={}", flag.trim_start_matches("-L"));
            }
        }
        _ => println!(
            "cargo:warning=pkg-config does not know {:?}: the linker's own folders are searched",
            packages
        ),
    }
}
