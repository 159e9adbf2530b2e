//! The folders of the core import only downwards, files of different folders make no circle, and no two types share a
//! name.

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// The folders and files, lowest first. Each may import only those before it.
const LAYERS: [&str; 18] = [
    "error",
    "exchange",
    "interrupt",
    "names",
    "choice",
    "data",
    "tokenizer",
    "rows",
    "template",
    "attribution",
    "label",
    "compat",
    "statistics",
    "encode",
    "packing",
    "batch",
    "shards",
    "python",
];

#[test]
fn folders_import_only_downwards() {
    layers_check::assert_layers(SOURCE, &LAYERS);
}

#[test]
fn no_circle_of_files_crosses_folders() {
    layers_check::assert_no_circles(SOURCE);
}

#[test]
fn no_two_types_share_a_name() {
    layers_check::assert_distinct_types(SOURCE);
}
