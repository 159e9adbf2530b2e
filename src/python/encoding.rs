//! `chatmill.Encoding`: one sample with positions in characters, as in Python strings.

use std::sync::Arc;

use pyo3::prelude::*;

use super::{errors, hooks};
use crate::attribution::Regions;
use crate::encode::{EncodedRow, Encoding};
use crate::label::MASKED;

/// A span of the rendered text that comes from one part of one message.
#[pyclass(frozen, get_all, eq, module = "chatmill._chatmill", name = "Region")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PyRegion {
    /// First character, an index into `Encoding.text`.
    start: usize,
    /// One past the last character.
    end: usize,
    /// Index of the message, or None for scaffold.
    message: Option<usize>,
    /// Role of that message, or None for scaffold.
    role: Option<String>,
    /// `scaffold`, `header`, `prefix`, `reasoning`, `content`, `tool_call`, `tool_result`, `closer` or `trailing`.
    kind: &'static str,
}

#[pymethods]
impl PyRegion {
    fn __repr__(&self) -> String {
        let owner = match (&self.message, &self.role) {
            (Some(message), Some(role)) => format!("message={message}, role='{role}'"),
            _ => "message=None, role=None".to_owned(),
        };
        format!("Region({}, {}, {owner}, kind='{}')", self.start, self.end, self.kind)
    }
}

/// One token of an `Encoding`.
#[pyclass(frozen, get_all, eq, module = "chatmill._chatmill", name = "Token")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PyToken {
    /// The token id.
    id: u32,
    /// First character that the token covers, at least in part: an index into `Encoding.text`.
    start: usize,
    /// One past the last character that the token covers.
    end: usize,
    /// The text of these characters.
    text: String,
    /// The id if the token is trained, else -100.
    label: i32,
}

#[pymethods]
impl PyToken {
    fn __repr__(&self) -> String {
        format!("Token({}, {:?}, {}, {}, label={})", self.id, self.text, self.start, self.end, self.label)
    }
}

/// One sample: a row rendered, tokenized and labeled, exactly as a batch of this one row.
#[pyclass(frozen, module = "chatmill._chatmill", name = "Encoding")]
pub(super) struct PyEncoding {
    row: Arc<EncodedRow>,
    /// Index of the sample in the row.
    index: usize,
}

impl PyEncoding {
    /// The first sample of a row.
    pub(super) fn new(row: EncodedRow) -> Self {
        PyEncoding { row: Arc::new(row), index: 0 }
    }

    fn sample(&self) -> &Encoding {
        &self.row.samples[self.index]
    }

    /// The characters of each token.
    fn offsets_in(&self, characters: &Characters) -> Vec<(usize, usize)> {
        let sample = self.sample();
        let starts = std::iter::once(sample.start).chain(sample.ends.iter().copied());
        starts.zip(&sample.ends).map(|(start, &end)| characters.range(start as usize, end as usize)).collect()
    }
}

/// The byte at which each character of a text begins.
struct Characters(Vec<usize>);

impl Characters {
    fn of(text: &str) -> Self {
        Characters(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    }

    /// The characters that the bytes cover, at least in part.
    fn range(&self, start: usize, end: usize) -> (usize, usize) {
        let first = self.0.partition_point(|at| *at <= start).saturating_sub(1);
        (first, self.0.partition_point(|at| *at < end).max(first))
    }
}

/// The regions of `text`, counted in characters; `roles` are those of the messages.
pub(super) fn python_regions(text: &str, regions: &Regions, roles: &[String]) -> Vec<PyRegion> {
    let characters = Characters::of(text);
    let python = regions.as_slice().iter().map(|region| {
        let (start, end) = characters.range(region.start, region.end);
        let role = region.message.and_then(|message| roles.get(message).cloned());
        PyRegion { start, end, message: region.message, role, kind: region.kind.name() }
    });
    python.collect()
}

#[pymethods]
impl PyEncoding {
    /// The rendered text. The tokens of a truncated sample cover only a part of it.
    #[getter]
    fn text(&self) -> &str {
        self.sample().text()
    }

    /// The token ids.
    #[getter]
    fn input_ids(&self) -> Vec<u32> {
        self.sample().ids.clone()
    }

    /// One label for each token: its id if it is trained, else -100.
    #[getter]
    fn labels(&self) -> Vec<i32> {
        self.sample().labels.clone()
    }

    /// One weight for each token, or None if labels are not weighted.
    #[getter]
    fn weights(&self) -> Option<Vec<f32>> {
        self.sample().weights.clone()
    }

    /// The codes of the notes of the row, such as how its labels were verified.
    #[getter]
    fn notes(&self) -> Vec<&'static str> {
        self.row.notes.iter().map(|note| note.code()).collect()
    }

    /// The name of the answer, such as `chosen`, for rows of a prompt with answers; else None.
    #[getter]
    fn answer(&self) -> Option<&str> {
        self.sample().answer.as_deref()
    }

    /// All samples of the row, this one included. There are several with `split="per_turn"`, with `truncation="split"`,
    /// and for rows with answers.
    #[getter]
    fn samples(&self) -> Vec<PyEncoding> {
        (0..self.row.samples.len()).map(|index| PyEncoding { row: Arc::clone(&self.row), index }).collect()
    }

    /// The regions of the text: the message and the part of the message that each span comes from. They cover the text
    /// without gaps. Raises a `ChatmillError` (`another_text`) if the regions are unknown.
    #[getter]
    fn regions(&self, py: Python<'_>) -> PyResult<Vec<PyRegion>> {
        let sample = self.sample();
        let regions = sample.regions().as_ref().map_err(|error| errors::to_python(py, error.clone()))?;
        Ok(python_regions(sample.text(), regions, sample.roles()))
    }

    /// For each token, the first character that it covers, at least in part, and one past the last one: indices into
    /// `text`.
    #[getter]
    fn offsets(&self) -> Vec<(usize, usize)> {
        self.offsets_in(&Characters::of(self.sample().text()))
    }

    /// The tokens with their places in the text.
    #[getter]
    fn tokens(&self) -> Vec<PyToken> {
        let sample = self.sample();
        let characters = Characters::of(sample.text());
        let tokens = sample.ids.iter().zip(&sample.labels).zip(self.offsets_in(&characters));
        let tokens = tokens.map(|((&id, &label), (start, end))| {
            let text = sample.text()[characters.0[start]..characters.0[end]].to_owned();
            PyToken { id, start, end, text, label }
        });
        tokens.collect()
    }

    /// Prints the text with its trained part in color, and the names of its regions.
    #[pyo3(signature = (*, regions=true))]
    fn show(slf: &Bound<'_, Self>, regions: bool) -> PyResult<()> {
        hooks::print_encoding(slf.as_any(), regions)
    }

    /// The same for a notebook.
    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        hooks::to_html(slf.as_any())
    }

    fn __len__(&self) -> usize {
        self.sample().ids.len()
    }

    fn __repr__(&self) -> String {
        let sample = self.sample();
        let trained = sample.labels.iter().filter(|label| **label != MASKED).count();
        let which = match (&sample.answer, self.row.samples.len()) {
            (Some(answer), _) => format!(", {answer}"),
            (None, 1) => String::new(),
            (None, count) => format!(", sample {} of {count}", self.index + 1),
        };
        format!("Encoding({} tokens, {trained} trained{which})", sample.ids.len())
    }
}
