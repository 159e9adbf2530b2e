//! Finds circles of imports between files of different folders.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::paths::{self, FoundPath};
use crate::{SourceFile, Violation};

/// Every circle of imports between files of different folders. Files of one folder may use each other.
pub(crate) fn circles(files: &[SourceFile]) -> Vec<Violation> {
    let modules: Vec<Vec<String>> = files.iter().map(SourceFile::module).collect();
    let mut violations = Vec::new();
    let mut reexports = Vec::new();
    for (file, module) in files.iter().zip(&modules) {
        match file.tokens() {
            Ok(tokens) => reexports.extend(reexports_of(tokens, module, &modules)),
            Err(violation) => violations.push(violation),
        }
    }
    let file_of = |target: &[String]| -> Option<usize> {
        let target = follow_reexports(target, &reexports);
        (0..=target.len()).rev().find_map(|length| modules.iter().position(|module| *module == target[..length]))
    };
    let edges: Vec<BTreeSet<usize>> = files
        .iter()
        .zip(&modules)
        .map(|(file, module)| {
            let tokens = file.tokens().unwrap_or_default();
            let mut found = paths::paths(tokens.clone(), module);
            found.extend(paths_to_children(tokens, module, &modules));
            found.iter().filter_map(|path| file_of(&path.target)).collect()
        })
        .collect();
    let reached: Vec<BTreeSet<usize>> = (0..files.len()).map(|file| reachable(file, &edges)).collect();
    let mut named = BTreeSet::new();
    for file in 0..files.len() {
        let circle: Vec<usize> =
            reached[file].iter().copied().filter(|other| reached[*other].contains(&file)).collect();
        let folders: BTreeSet<_> = circle.iter().map(|member| files[*member].path.parent()).collect();
        if folders.len() > 1 && named.insert(circle.clone()) {
            let members: Vec<String> = circle.iter().map(|member| files[*member].path.display().to_string()).collect();
            violations.push(files[file].violation(1, format!("these files import each other: {}", members.join(", "))));
        }
    }
    violations
}

/// The files that imports lead to from `start`, over any number of files.
fn reachable(start: usize, edges: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(file) = open.pop() {
        for &next in &edges[file] {
            if reached.insert(next) {
                open.push(next);
            }
        }
    }
    reached
}

/// A name that a module re-exports, and its target.
struct Reexport {
    name: Vec<String>,
    target: Vec<String>,
}

/// The target of a path after all re-exports.
fn follow_reexports(target: &[String], reexports: &[Reexport]) -> Vec<String> {
    let mut target = target.to_vec();
    // A module may re-export a re-export; a circle of names would not compile.
    while let Some(found) = reexports.iter().find(|it| target.starts_with(&it.name) && it.name != it.target) {
        let rest = target.split_off(found.name.len());
        target = found.target.iter().cloned().chain(rest).collect();
        if found.target.starts_with(&found.name) {
            break;
        }
    }
    target
}

/// The names that a module re-exports with `pub use`.
fn reexports_of(tokens: TokenStream, module: &[String], modules: &[Vec<String>]) -> Vec<Reexport> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let is_use = matches!(&tokens[at], TokenTree::Ident(word) if word == "use");
        let is_public =
            tokens[..at].iter().rev().take(2).any(|it| matches!(it, TokenTree::Ident(word) if word == "pub"));
        if !(is_use && is_public) {
            continue;
        }
        let end = tokens[at..].iter().position(|it| matches!(it, TokenTree::Punct(end) if end.as_char() == ';'));
        let item: TokenStream = tokens[at + 1..at + end.unwrap_or(1)].iter().cloned().collect();
        let mut paths = paths::paths(item.clone(), module);
        paths.extend(paths_to_children(item, module, modules));
        for FoundPath { target, .. } in paths {
            if let Some(last) = target.last() {
                let name = module.iter().chain([last]).cloned().collect();
                found.push(Reexport { name, target });
            }
        }
    }
    found
}

/// Paths that begin with the name of a child module, such as `engines::Fast` in the file that declares `engines`.
fn paths_to_children(tokens: TokenStream, module: &[String], modules: &[Vec<String>]) -> Vec<FoundPath> {
    let children: BTreeSet<&str> = modules
        .iter()
        .filter(|other| other.len() == module.len() + 1 && other.starts_with(module))
        .filter_map(|other| other.last().map(String::as_str))
        .collect();
    paths::paths(with_self(tokens, &children), module)
}

/// The same tokens with `self::` before each path that begins with one of `children`.
fn with_self(tokens: TokenStream, children: &BTreeSet<&str>) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                // The members of a `use` group are not the start of a path.
                let is_member =
                    group.delimiter() == Delimiter::Brace && at >= 2 && paths::is_separator(&tokens, at - 2);
                let inner = if is_member { group.stream() } else { with_self(group.stream(), children) };
                out.push(TokenTree::Group(proc_macro2::Group::new(group.delimiter(), inner)));
            }
            TokenTree::Ident(name)
                if children.contains(name.to_string().as_str())
                    && paths::is_separator(&tokens, at + 1)
                    && !(at >= 2 && paths::is_separator(&tokens, at - 2)) =>
            {
                let path: TokenStream = format!("self::{name}").parse().unwrap_or_default();
                out.extend(path);
            }
            other => out.push(other.clone()),
        }
    }
    out.into_iter().collect()
}
