//! `chatmill.Encoding`: one conversation with places counted in characters, as Python counts them.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::errors;
use crate::label::MASKED;
use crate::mill::Encoding;
use crate::region::Regions;

/// A stretch of the rendered text that one part of one message put there.
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
    /// First character that it touches, an index into `Encoding.text`.
    start: usize,
    /// One past the last character that it touches.
    end: usize,
    /// These characters.
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

/// One conversation, rendered, tokenized and labelled.
#[pyclass(frozen, module = "chatmill._chatmill", name = "Encoding")]
pub(super) struct PyEncoding(pub(super) Encoding);

/// Where the characters of a text begin, in bytes.
struct Characters(Vec<usize>);

impl Characters {
    fn of(text: &str) -> Self {
        Characters(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    }

    /// The first and the end character of the bytes; a character that is only touched counts whole.
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
    /// The rendered text.
    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    /// The token ids.
    #[getter]
    fn input_ids(&self) -> Vec<u32> {
        self.0.tokens.ids.clone()
    }

    /// One label a token: its id where it is trained, else -100.
    #[getter]
    fn labels(&self) -> Vec<i32> {
        self.0.labels.clone()
    }

    /// One weight a token, or None where the labels are not weighted.
    #[getter]
    fn weights(&self) -> Option<Vec<f32>> {
        self.0.weights.clone()
    }

    /// What was noted of the row, such as how its labels are proved.
    #[getter]
    fn notes(&self) -> Vec<&'static str> {
        self.0.notes.iter().map(|note| note.code()).collect()
    }

    /// What put each part of the text there; they cover it without gaps. Raises if that cannot be proved.
    #[getter]
    fn regions(&self, py: Python<'_>) -> PyResult<Vec<PyRegion>> {
        let regions = self.0.regions.as_ref().map_err(|error| errors::to_python(py, error.clone()))?;
        Ok(python_regions(&self.0.text, regions, &self.0.roles))
    }

    /// The tokens with their places in the text.
    #[getter]
    fn tokens(&self) -> Vec<PyToken> {
        let characters = Characters::of(&self.0.text);
        let mut from = 0;
        let mut tokens = Vec::with_capacity(self.0.tokens.ids.len());
        for ((&id, &end), &label) in self.0.tokens.ids.iter().zip(&self.0.tokens.ends).zip(&self.0.labels) {
            let (first, last) = characters.range(from, end as usize);
            let text = self.0.text[characters.0[first]..characters.0[last]].to_owned();
            tokens.push(PyToken { id, start: first, end: last, text, label });
            from = end as usize;
        }
        tokens
    }

    /// Prints the text with its trained part coloured, and with the names of its regions.
    #[pyo3(signature = (*, regions=true))]
    fn show(slf: &Bound<'_, Self>, regions: bool) -> PyResult<()> {
        let kwargs = PyDict::new(slf.py());
        kwargs.set_item("regions", regions)?;
        slf.py().import("chatmill.show")?.call_method("print_encoding", (slf,), Some(&kwargs))?;
        Ok(())
    }

    /// The same for a notebook.
    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        slf.py().import("chatmill.show_html")?.call_method1("to_html", (slf,))?.extract()
    }

    fn __len__(&self) -> usize {
        self.0.tokens.ids.len()
    }

    fn __repr__(&self) -> String {
        let trained = self.0.labels.iter().filter(|label| **label != MASKED).count();
        format!("Encoding({} tokens, {trained} trained)", self.0.tokens.ids.len())
    }
}
