//! Writes the list of `templates/*.jinja`, each with its settings in the `.json` file beside it, for
//! `src/template/library.rs`. To add a template, add these two files.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let folder = root.join("templates");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut sources = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jinja")
            && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
        {
            println!("cargo::rerun-if-changed={}", path.display());
            sources.push((name.to_owned(), path.clone()));
        }
    }
    sources.sort();
    let mut code = String::from("const LIBRARY: &[Entry] = &[\n");
    for (name, path) in sources {
        let settings = path.with_extension("json");
        let _ = writeln!(
            code,
            "    Entry {{ name: {name:?}, source: include_str!({path:?}), settings: include_str!({settings:?}) }},"
        );
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("library.rs");
    fs::write(out, code)
}
