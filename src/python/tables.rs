//! Tables that the core defines and Python reads: choices of options, error codes, notes, kinds of regions, formats.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyTuple};

use super::detach::detach;
use crate::attribution::RegionKind;
use crate::choice::Choice;
use crate::compat::Emulation;
use crate::encode::{AllMasked, LabelChoice, Note, OnError, Padding, PaddingSide, SpecialTokens, Split, Truncation};
use crate::error::ErrorKind;
use crate::label::{Boundary, Stop, Unproved};
use crate::packing::{Mark, Remainder, Strategy};
use crate::rows::{Format, RowKind};
use crate::shards::Compression;
use crate::statistics::LIMITS;
use crate::tokenizer::EngineChoice;

/// The names of all values of an option.
fn names<C: Choice>() -> Vec<&'static str> {
    C::NAMES.iter().map(|(name, _)| *name).collect()
}

/// Adds the tables to the module.
pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let choices = PyDict::new(py);
    let add = |option: &str, names: Vec<&'static str>| choices.set_item(option, PyTuple::new(py, names)?);
    add(Truncation::OPTION, names::<Truncation>())?;
    add(Split::OPTION, names::<Split>())?;
    add(Strategy::OPTION, names::<Strategy>())?;
    add(Remainder::OPTION, names::<Remainder>())?;
    add(Mark::OPTION, names::<Mark>())?;
    add(Padding::OPTION, names::<Padding>())?;
    add(PaddingSide::OPTION, names::<PaddingSide>())?;
    add(SpecialTokens::OPTION, names::<SpecialTokens>())?;
    add(AllMasked::OPTION, names::<AllMasked>())?;
    add(OnError::OPTION, names::<OnError>())?;
    add(EngineChoice::OPTION, names::<EngineChoice>())?;
    add(Boundary::OPTION, names::<Boundary>())?;
    add(Unproved::OPTION, names::<Unproved>())?;
    add(Stop::OPTION, names::<Stop>())?;
    add(Compression::OPTION, names::<Compression>())?;
    add("emulate", Emulation::NAMES.to_vec())?;
    add("region_kind", RegionKind::ALL.iter().map(|kind| kind.name()).collect())?;
    add("row_kind", RowKind::ALL.iter().map(|kind| kind.name()).collect())?;
    module.add("CHOICES", choices)?;
    module.add("LENGTH_LIMITS", LIMITS.as_slice())?;
    let codes: BTreeMap<&str, &str> = ErrorKind::ALL.iter().map(|kind| (kind.code(), kind.meaning())).collect();
    module.add("ERROR_CODES", codes)?;
    let notes = PyDict::new(py);
    for note in Note::ALL {
        let info = PyNoteInfo { rows: note.rows(), sentence: note.sentence(), is_about_labels: note.is_about_labels() };
        notes.set_item(note.code(), info)?;
    }
    module.add("NOTES", notes)
}

/// The meaning of a note.
#[pyclass(frozen, get_all, module = "chatmill._chatmill", name = "NoteInfo")]
#[derive(Debug)]
pub(super) struct PyNoteInfo {
    /// The phrase after a number of rows, such as `rows with verified labels`.
    rows: &'static str,
    /// A sentence about one row.
    sentence: &'static str,
    /// Whether the note tells how the labels were made. All other notes may need attention.
    is_about_labels: bool,
}

#[pymethods]
impl PyNoteInfo {
    fn __repr__(&self) -> String {
        format!("NoteInfo(rows={:?}, sentence={:?})", self.rows, self.sentence)
    }
}

/// The columns and the rows of a format.
#[pyclass(frozen, get_all, module = "chatmill._chatmill", name = "FormatInfo")]
#[derive(Debug)]
pub(super) struct PyFormatInfo {
    /// The kind of its rows: `chat`, `segments`, `answers`, `tokens` or `text`.
    kind: &'static str,
    /// The columns that are read; some may be optional.
    columns: Vec<String>,
    /// Whether the chat template renders its rows.
    needs_template: bool,
    /// Whether its rows hold messages, or become messages.
    has_messages: bool,
    /// The names of the answers in the output, for rows with answers.
    answers: Vec<String>,
    /// The name of the label in the output, if rows have a label.
    label: Option<String>,
}

#[pymethods]
impl PyFormatInfo {
    fn __repr__(&self) -> String {
        format!("FormatInfo(kind='{}', columns={:?})", self.kind, self.columns)
    }
}

/// Reads a format from JSON and describes it. Raises a `DataError` if it is not valid.
#[pyfunction]
pub(super) fn format_info(py: Python<'_>, json: &str) -> PyResult<PyFormatInfo> {
    detach(py, |_| {
        let format = Format::from_json(json)?;
        let answers = format.answers();
        Ok(PyFormatInfo {
            kind: format.kind().name(),
            columns: format.columns().into_iter().map(str::to_owned).collect(),
            needs_template: format.needs_template(),
            has_messages: format.kind() == RowKind::Chat || format.text_has_messages(),
            answers: answers.map(|answers| answers.names().to_vec()).unwrap_or_default(),
            label: answers.and_then(|answers| answers.label()).map(str::to_owned),
        })
    })
}

/// Raises a `DataError` if a JSON object does not describe labels.
#[pyfunction]
pub(super) fn check_labels(py: Python<'_>, json: &str) -> PyResult<()> {
    detach(py, |_| LabelChoice::from_json(json).map(|_| ()))
}
