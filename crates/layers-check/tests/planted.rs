//! Tests of the checks with planted violations, and with sources that have none.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};

use layers_check::{SourceFile, assert_layers, circles, duplicate_types, read_sources, upward_paths};

const LAYERS: [&str; 3] = ["low", "middle", "high"];

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: PathBuf::from(path), text: text.to_owned() }
}

/// A crate without violations, and `text` in `middle/part.rs`.
fn with(text: &str) -> Vec<SourceFile> {
    vec![
        file("lib.rs", "pub mod low; mod middle; mod high; pub use high::Top;"),
        file("low/mod.rs", "pub struct Bottom;"),
        file("middle/mod.rs", "mod part; use crate::low::Bottom; pub struct Centre(Bottom);"),
        file("middle/part.rs", text),
        file("high.rs", "use crate::{low::Bottom, middle::Centre}; pub struct Top(Bottom, Centre);"),
    ]
}

#[test]
fn paths_downwards_and_inside_a_folder_pass() {
    for text in [
        "",
        "use super::Centre; use crate::low::{self, Bottom};",
        "use crate::middle::Centre; fn f() -> super::super::low::Bottom { crate::low::make::<u8>() }",
        "mod tests { use super::*; use super::super::Centre; use crate::low; }",
        "pub(in crate::high) struct Restricted; pub(crate) fn f() {} fn g(self: &Self) {}",
        "// crate::high::Top\n/// crate::high::Top\nfn f() { let text = \"crate::high::Top\"; }",
        "use std::fmt; use other::high::Top;",
    ] {
        assert_eq!(upward_paths(&with(text), &LAYERS), [], "{text}");
    }
}

#[test]
fn every_form_of_an_upward_path_is_found() {
    for (text, line) in [
        ("use crate::high::Top;", 1),
        ("use crate::{low::Bottom,\n    high::Top};", 2),
        ("use crate::{low::{Bottom, self}, high};", 1),
        ("\nfn f() { crate::high::make(); }", 2),
        ("fn f() -> Vec<crate::high::Top> { Vec::new() }", 1),
        ("fn f() { g(|| [super::super::high::VALUE]); }", 1),
        ("use super::super::high as renamed;", 1),
        ("use super::super::*;", 1),
        ("fn f() { println!(\"{}\", crate::high::NAME); }", 1),
        ("mod tests { use super::super::super::high::Top; }", 1),
        ("mod inner { fn f() { self::super::super::super::high::make(); } }", 1),
        ("impl crate::high::Trait for Centre {}", 1),
        // The crate root re-exports items of later layers.
        ("use crate::Top;", 1),
        ("use crate::*;", 1),
        ("macro_rules! make { () => { $crate::high::make() } }", 1),
    ] {
        let violations = upward_paths(&with(text), &LAYERS);
        assert_eq!(violations.len(), 1, "{text}: {violations:?}");
        assert_eq!((violations[0].file.as_path(), violations[0].line), (Path::new("middle/part.rs"), line), "{text}");
    }
}

#[test]
fn the_list_and_the_modules_must_agree() {
    let violations = upward_paths(&with(""), &["low", "middle"]);
    assert!(violations.iter().any(|it| it.text.contains("`high` is not in the list")), "{violations:?}");
    let violations = upward_paths(&with(""), &["low", "middle", "high", "gone"]);
    assert!(violations.iter().any(|it| it.text.contains("`gone`, which has no module")), "{violations:?}");
}

/// Two folders inside `middle`, whose module re-exports a type of the second.
fn nested(first: &str, second: &str) -> Vec<SourceFile> {
    vec![
        file("lib.rs", "pub mod middle;"),
        file("middle/mod.rs", "mod first; mod second; mod other; pub use second::Second; use first::work::run;"),
        file("middle/other.rs", "use super::third;"),
        file("middle/third.rs", "use super::other;"),
        file("middle/first/mod.rs", "pub mod work;"),
        file("middle/first/work.rs", first),
        file("middle/second/mod.rs", "mod made; pub use made::Second;"),
        file("middle/second/made.rs", second),
    ]
}

#[test]
fn circles_across_folders_are_found() {
    let none: [&str; 3] = ["", "use super::Other;", "use crate::middle::other::Third;"];
    for (first, second) in none.iter().flat_map(|first| none.iter().map(move |second| (first, second))) {
        assert_eq!(circles(&nested(first, second)), [], "{first} {second}");
    }
    // The name leads through two re-exports.
    assert_eq!(circles(&nested("use crate::middle::Second;", "")), []);
    let violations = circles(&nested("use crate::middle::Second;", "use super::super::first::work;"));
    assert_eq!(violations.len(), 1, "{violations:?}");
    let expected = "these files import each other: middle/first/work.rs, middle/second/made.rs";
    assert!(violations[0].text.ends_with(expected), "{violations:?}");
    // A file that uses an item of its own module, which uses the file.
    let violations = circles(&nested("use crate::middle::Whole;", ""));
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(violations[0].text.ends_with("middle/mod.rs, middle/first/work.rs"), "{violations:?}");
}

#[test]
fn types_of_one_name_are_found() {
    assert_eq!(duplicate_types(&with("enum Part { Bottom } impl Iterator for Part { type Item = u8; }")), []);
    let violations = duplicate_types(&with("fn f() { struct Bottom; }"));
    assert_eq!(violations.len(), 1);
    let expected = "middle/part.rs:1: the type `Bottom` has the same name as the one in low/mod.rs; rename one of them";
    assert_eq!(violations[0].to_string(), expected);
}

#[test]
fn a_folder_on_disk_is_read_and_a_planted_import_fails() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layers");
    let write = |files: &[SourceFile]| {
        let _ = fs::remove_dir_all(&folder);
        for file in files {
            let path = folder.join(&file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &file.text).unwrap();
        }
    };
    write(&with("use crate::low::Bottom;"));
    assert_eq!(read_sources(&folder).unwrap().len(), 5);
    assert_layers(&folder, &LAYERS);
    write(&with("use crate::high::Top;"));
    let message = std::panic::catch_unwind(|| assert_layers(&folder, &LAYERS)).unwrap_err();
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.contains("middle/part.rs:1: `crate::high::Top` leads from `middle` up to `high`"), "{message}");
}
