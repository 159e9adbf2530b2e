//! `chatmill.Tokenizer`.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::detach::detach;
use super::hooks;
use crate::choice::Choice;
use crate::tokenizer::{Engine, EngineChoice, Tokenizer};

/// The tokenizer engine in use, with the reason.
#[pyclass(frozen, module = "chatmill._chatmill", name = "Engine")]
pub(super) struct PyEngine(Engine);

#[pymethods]
impl PyEngine {
    /// `"fast"` (fastokens or tokenizers 1.0) or `"reference"` (tokenizers 0.23).
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Why this engine is used, as one sentence.
    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The crate behind the engine, with its version.
    #[getter]
    fn version(&self) -> &'static str {
        self.0.version
    }

    fn __repr__(&self) -> String {
        format!("Engine(name='{}', version='{}', reason={:?})", self.0.name(), self.0.version, self.0.reason)
    }
}

/// A tokenizer, loaded once and shared by all threads.
///
/// Args:
///     tokenizer_json: The text of a `tokenizer.json`.
///     special_tokens: Special tokens by name, such as `{"eos_token": "<|im_end|>"}`.
///     stop_tokens: Tokens that end a turn, in addition to `eos_token`. If a template ends a turn without a stop token,
///         labels may take one of these from the start of the next turn.
///     name: The name of the tokenizer in reports and errors.
///     engine: `"auto"` uses a fast engine if its ids equal the reference's on a self-test at load, `"fast"` fails
///         without a fast engine, `"reference"` uses none.
///
/// Raises:
///     TokenizerError: `tokenizers` cannot load the text.
///
/// Example:
///     >>> tokenizer = chatmill.Tokenizer(TOKENIZER_JSON)
///     >>> tokenizer.decode(tokenizer.encode("Hello"))
///     'Hello'
///     >>> tokenizer.engine.name
///     'fast'
#[pyclass(frozen, module = "chatmill._chatmill", name = "Tokenizer")]
pub(super) struct PyTokenizer(pub(super) Arc<Tokenizer>);

/// `{"bos_token": "<s>"}` as pairs sorted by name, so that equal tokens have equal fingerprints.
pub(super) fn pairs(tokens: Option<BTreeMap<String, String>>) -> Vec<(String, String)> {
    tokens.unwrap_or_default().into_iter().collect()
}

#[pymethods]
impl PyTokenizer {
    #[new]
    #[pyo3(signature = (tokenizer_json, *, special_tokens=None, stop_tokens=Vec::new(), name="tokenizer", engine="auto"),
           text_signature = "(tokenizer_json, *, special_tokens=None, stop_tokens=(), name='tokenizer', engine='auto')")]
    fn new(
        py: Python<'_>,
        tokenizer_json: &str,
        special_tokens: Option<BTreeMap<String, String>>,
        stop_tokens: Vec<String>,
        name: &str,
        engine: &str,
    ) -> PyResult<Self> {
        let tokens = pairs(special_tokens);
        detach(py, |_| Tokenizer::new(name, tokenizer_json, &tokens, EngineChoice::parse(engine)?))
            .map(|inner| PyTokenizer(Arc::new(inner.with_stop_tokens(stop_tokens))))
    }

    /// Loads from a folder, a `tokenizer.json`, a Hub id, or a transformers tokenizer.
    #[staticmethod]
    #[pyo3(signature = (source, *, engine="auto"))]
    fn from_pretrained(py: Python<'_>, source: &Bound<'_, PyAny>, engine: &str) -> PyResult<Self> {
        let found = hooks::load_tokenizer(source)?;
        let json: String = found.getattr("tokenizer_json")?.extract()?;
        let tokens = found.getattr("special_tokens")?.extract()?;
        let name: String = found.getattr("name")?.extract()?;
        let stop_tokens = found.getattr("stop_tokens")?.extract()?;
        PyTokenizer::new(py, &json, Some(tokens), stop_tokens, &name, engine)
    }

    /// The ids of a text, without added special tokens.
    fn encode(&self, py: Python<'_>, text: &str) -> PyResult<Vec<u32>> {
        detach(py, |_| {
            let mut ids = Vec::new();
            self.0.ids(text, &mut ids)?;
            Ok(ids)
        })
    }

    /// The text of ids, special tokens included.
    fn decode(&self, py: Python<'_>, ids: Vec<u32>) -> PyResult<String> {
        detach(py, |_| self.0.decode(&ids))
    }

    /// The id of a token, or None.
    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.0.token_to_id(token)
    }

    /// The name of the tokenizer in reports and errors.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The engine in use, with the reason.
    #[getter]
    fn engine(&self) -> PyEngine {
        PyEngine(self.0.engine().clone())
    }

    /// Special tokens by name.
    #[getter]
    fn special_tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, self.0.special_tokens())
    }

    /// Tokens that end a turn, in addition to `eos_token`.
    #[getter]
    fn stop_tokens(&self) -> Vec<String> {
        self.0.stop_tokens().to_vec()
    }

    /// SHA-256 of the definition, as 64 hexadecimal digits.
    #[getter]
    fn fingerprint(&self) -> String {
        self.0.fingerprint()
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((String,), Bound<'py, PyDict>)> {
        let kwargs = PyDict::new(py);
        kwargs.set_item("special_tokens", self.special_tokens(py)?)?;
        kwargs.set_item("stop_tokens", self.0.stop_tokens())?;
        kwargs.set_item("name", self.0.name())?;
        kwargs.set_item("engine", self.0.choice().name())?;
        Ok(((self.0.definition().to_owned(),), kwargs))
    }

    fn __repr__(&self) -> String {
        format!("Tokenizer({:?}, engine='{}')", self.0.name(), self.0.engine().name())
    }
}

pub(super) fn dict<'py>(py: Python<'py>, pairs: &[(String, String)]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, token) in pairs {
        dict.set_item(name, token)?;
    }
    Ok(dict)
}
