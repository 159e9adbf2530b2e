//! Reading and changing a `tokenizer.json` without its vocabulary, for the rules that make definitions anew.

use pyo3::prelude::*;

use super::detach::detach;
use crate::tokenizer::{outline, vocabulary_entries, with_outline};

/// The id of a token, and its score if the vocabulary has scores.
type Entry = Option<(u32, Option<f64>)>;

/// The text of a `tokenizer.json` without its vocabulary and merges, as JSON.
#[pyfunction]
pub(super) fn outline_of(py: Python<'_>, tokenizer_json: &str) -> PyResult<String> {
    detach(py, |_| outline(tokenizer_json))
}

/// The text of a `tokenizer.json` with another outline; vocabulary and merges stay.
#[pyfunction]
pub(super) fn replace_outline(py: Python<'_>, tokenizer_json: &str, outline: &str) -> PyResult<String> {
    detach(py, |_| with_outline(tokenizer_json, outline))
}

/// The number of tokens of a vocabulary; and for each of `tokens` its id and score, or None.
#[pyfunction]
pub(super) fn find_in_vocabulary(
    py: Python<'_>,
    tokenizer_json: &str,
    tokens: Vec<String>,
) -> PyResult<(usize, Vec<Entry>)> {
    let found = detach(py, |_| vocabulary_entries(tokenizer_json, &tokens))?;
    Ok((found.size, found.entries))
}
