//! Checks that the folders of a crate import only from folders before them in a written list.
//!
//! The list names the top-level modules of the crate, lowest first. A module is a folder or a file beside `lib.rs`. The
//! check reads every path that begins with `crate`, `super` or `self`: in `use` items, in expressions, in types and in
//! macros. A path that leads to a later module, or to an item of the crate root, is a violation. `lib.rs` may use
//! everything.
//!
//! ```no_run
//! layers_check::assert_layers(concat!(env!("CARGO_MANIFEST_DIR"), "/src"), &["text", "data", "eval"]);
//! ```

mod circles;
mod paths;
mod types;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use proc_macro2::TokenStream;

/// A broken rule, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file, relative to the source folder.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The message.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.text)
    }
}

/// One source file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The path, relative to the source folder.
    pub path: PathBuf,
    /// The text of the file.
    pub text: String,
}

impl SourceFile {
    /// The path of the module that the file holds, without `crate`. Empty for `lib.rs` and `main.rs`.
    fn module(&self) -> Vec<String> {
        let mut module: Vec<String> =
            self.path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|last| last == "mod")
            || matches!(module.as_slice(), [only] if only == "lib" || only == "main")
        {
            module.pop();
        }
        module
    }

    fn tokens(&self) -> Result<TokenStream, Violation> {
        TokenStream::from_str(&self.text).map_err(|error| Violation {
            file: self.path.clone(),
            line: error.span().start().line,
            text: format!("not Rust source: {error}"),
        })
    }

    fn violation(&self, line: usize, text: String) -> Violation {
        Violation { file: self.path.clone(), line, text }
    }
}

/// All `.rs` files below `source`, in the order of their paths.
///
/// # Errors
/// If a folder or a file cannot be read.
pub fn read_sources(source: impl AsRef<Path>) -> io::Result<Vec<SourceFile>> {
    let source = source.as_ref();
    let mut folders = vec![source.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path)?;
                files.push(SourceFile { path: path.strip_prefix(source).unwrap_or(&path).to_path_buf(), text });
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

/// Every path that leads from a module to a later one of `layers`, every top-level module that is not in the list, and
/// every name in the list without a module.
pub fn upward_paths(files: &[SourceFile], layers: &[&str]) -> Vec<Violation> {
    let layer_of = |name: &str| layers.iter().position(|layer| *layer == name);
    let mut violations = Vec::new();
    for layer in layers {
        if !files.iter().any(|file| file.module().first().is_some_and(|first| first == layer)) {
            let text = format!("the list of layers has `{layer}`, which has no module; remove it");
            violations.push(Violation { file: PathBuf::from("lib.rs"), line: 0, text });
        }
    }
    for file in files {
        let module = file.module();
        let Some(own) = module.first() else { continue };
        let Some(own_layer) = layer_of(own) else {
            let text = format!("the module `{own}` is not in the list of layers; add it at its place");
            violations.push(file.violation(1, text));
            continue;
        };
        let tokens = match file.tokens() {
            Ok(tokens) => tokens,
            Err(violation) => {
                violations.push(violation);
                continue;
            }
        };
        for found in paths::paths(tokens, &module) {
            // The crate root may use all layers, so a path to one of its items always leads upwards.
            let target = found.target.first().and_then(|first| layer_of(first));
            if target.is_some_and(|target| target <= own_layer) {
                continue;
            }
            let text = match &target {
                Some(target) => format!(
                    "`{}` leads from `{own}` up to `{}`; `{own}` may use only modules before it in the list",
                    found.written, layers[*target]
                ),
                None => format!(
                    "`{}` leads from `{own}` up to the crate root; name the module that holds the item",
                    found.written
                ),
            };
            violations.push(file.violation(found.line, text));
        }
    }
    violations
}

/// Every struct, enum, union and trait with the same name as an earlier one of the crate.
pub fn duplicate_types(files: &[SourceFile]) -> Vec<Violation> {
    let mut known: Vec<(String, String)> = Vec::new();
    let mut violations = Vec::new();
    for file in files {
        let tokens = match file.tokens() {
            Ok(tokens) => tokens,
            Err(violation) => {
                violations.push(violation);
                continue;
            }
        };
        for (name, line) in types::names(tokens) {
            match known.iter().find(|(other, _)| *other == name) {
                Some((_, first)) => {
                    let text = format!("the type `{name}` has the same name as the one in {first}; rename one of them");
                    violations.push(file.violation(line, text));
                }
                None => known.push((name, file.path.display().to_string())),
            }
        }
    }
    violations
}

/// Every circle of imports between files of different folders. Files of one folder may use each other.
///
/// The import of a re-exported name counts as an import of the file that defines the name.
pub fn circles(files: &[SourceFile]) -> Vec<Violation> {
    circles::circles(files)
}

/// Panics with a list of all upward paths in the crate whose sources are below `source`.
///
/// # Panics
/// If there is an upward path, or if the sources cannot be read.
pub fn assert_layers(source: impl AsRef<Path>, layers: &[&str]) {
    let files = sources_of(source.as_ref());
    assert_none(&upward_paths(&files, layers));
}

/// Panics with a list of all circles of files across folders in the crate whose sources are below `source`.
///
/// # Panics
/// If there is a circle, or if the sources cannot be read.
pub fn assert_no_circles(source: impl AsRef<Path>) {
    let files = sources_of(source.as_ref());
    assert_none(&circles(&files));
}

/// Panics with a list of all types that share a name with another one in the crate whose sources are below `source`.
///
/// # Panics
/// If two types share a name, or if the sources cannot be read.
pub fn assert_distinct_types(source: impl AsRef<Path>) {
    let files = sources_of(source.as_ref());
    assert_none(&duplicate_types(&files));
}

fn sources_of(source: &Path) -> Vec<SourceFile> {
    match read_sources(source) {
        Ok(files) if !files.is_empty() => files,
        Ok(_) => panic!("there are no sources in {}", source.display()),
        Err(error) => panic!("cannot read {}: {error}", source.display()),
    }
}

fn assert_none(violations: &[Violation]) {
    let lines: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert!(lines.is_empty(), "{} violations:\n{}", lines.len(), lines.join("\n"));
}
