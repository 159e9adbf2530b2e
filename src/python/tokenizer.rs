//! `chatmill.Tokenizer`.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::detach::detach;
use super::hooks;
use crate::choice::Choice;
use crate::tokenizer::{Engine, EngineChoice, TOKENIZER_JSON, Tokenizer, VerdictStore};

/// The tokenizer engine in use, with the reason.
#[pyclass(frozen, module = "chatmill._chatmill", name = "Engine")]
pub(super) struct PyEngine {
    engine: Engine,
    rules: String,
}

#[pymethods]
impl PyEngine {
    /// `"fast"` (fastokens or tokenizers 1.0) or `"reference"` (tokenizers 0.23).
    #[getter]
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    /// Why this engine is used, as one sentence.
    #[getter]
    fn reason(&self) -> &str {
        &self.engine.reason
    }

    /// The crate behind the engine, with its version.
    #[getter]
    fn version(&self) -> &'static str {
        self.engine.version
    }

    /// The rules that made the definition: the class of transformers that made it from the vocabulary, such as
    /// `"LlamaTokenizer"`, or `"tokenizer.json"` for a definition that is used as it is.
    #[getter]
    fn rules(&self) -> &str {
        &self.rules
    }

    fn __repr__(&self) -> String {
        let Engine { version, reason, .. } = &self.engine;
        format!("Engine(name='{}', version='{version}', reason={reason:?}, rules='{}')", self.engine.name(), self.rules)
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
///     rules: What made the text: `"tokenizer.json"` for a file as it is, or the class of transformers that made it from
///         the vocabulary. For reports.
///     warnings: Sentences for `Mill.warnings`.
///     verdict: The result of the self-test, as pickling passes it on. It is ignored if it belongs to another tokenizer,
///         version or processor; the self-test then runs again.
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
    #[pyo3(signature = (tokenizer_json, *, special_tokens=None, stop_tokens=Vec::new(), name="tokenizer", engine="auto",
                        rules=TOKENIZER_JSON, warnings=Vec::new(), verdict=None),
           text_signature = "(tokenizer_json, *, special_tokens=None, stop_tokens=(), name='tokenizer', engine='auto', \
                             rules='tokenizer.json', warnings=(), verdict=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are keyword arguments in Python")]
    fn new(
        py: Python<'_>,
        tokenizer_json: &str,
        special_tokens: Option<BTreeMap<String, String>>,
        stop_tokens: Vec<String>,
        name: &str,
        engine: &str,
        rules: &str,
        warnings: Vec<String>,
        verdict: Option<&str>,
    ) -> PyResult<Self> {
        let tokens = pairs(special_tokens);
        let load = || {
            let (engine, store) = (EngineChoice::parse(engine)?, VerdictStore::of_user());
            Tokenizer::with_verdicts(name, tokenizer_json, &tokens, engine, verdict, &store)
        };
        detach(py, |_| load()).map(|inner| {
            let inner = inner.with_stop_tokens(stop_tokens).with_rules(rules.to_owned(), warnings);
            PyTokenizer(Arc::new(inner))
        })
    }

    /// Loads from a folder, a `tokenizer.json`, a Hub id, or a transformers tokenizer.
    ///
    /// The ids are those of `transformers.AutoTokenizer`. For a folder, a file and a Hub id, some of its classes make the
    /// tokenizer from the vocabulary and do not follow all of `tokenizer.json`; `Tokenizer.rules` names such a class.
    ///
    /// Args:
    ///     source: The place, or the object.
    ///     engine: As for `Tokenizer`.
    ///     rebuild: Whether to follow such a class. False takes `tokenizer.json` as it is.
    ///
    /// Raises:
    ///     TokenizerError: There is nothing to load, or it cannot be loaded.
    #[staticmethod]
    #[pyo3(signature = (source, *, engine="auto", rebuild=true))]
    fn from_pretrained(py: Python<'_>, source: &Bound<'_, PyAny>, engine: &str, rebuild: bool) -> PyResult<Self> {
        let found = hooks::load_tokenizer(source, rebuild)?;
        let json: String = found.getattr("tokenizer_json")?.extract()?;
        let tokens = found.getattr("special_tokens")?.extract()?;
        let name: String = found.getattr("name")?.extract()?;
        let stop_tokens = found.getattr("stop_tokens")?.extract()?;
        let rules: String = found.getattr("rules")?.extract()?;
        let warnings = found.getattr("warnings")?.extract()?;
        PyTokenizer::new(py, &json, Some(tokens), stop_tokens, &name, engine, &rules, warnings, None)
    }

    /// The ids of a text, without added special tokens.
    fn encode(&self, py: Python<'_>, text: &str) -> PyResult<Vec<u32>> {
        detach(py, |_| {
            let mut ids = Vec::new();
            self.0.expect_few();
            self.0.ids(text, &mut ids)?;
            Ok(ids)
        })
    }

    /// Begins to load the engine for many texts, on a thread, and returns at once. Otherwise the first batch loads it.
    fn load_soon(&self) {
        self.0.expect_many_soon();
    }

    /// The text of ids, special tokens included.
    fn decode(&self, py: Python<'_>, ids: Vec<u32>) -> PyResult<String> {
        detach(py, |_| self.0.decode(&ids))
    }

    /// The text of each token on its own. A part of a character is U+FFFD.
    fn token_texts(&self, py: Python<'_>, ids: Vec<u32>) -> PyResult<Vec<String>> {
        detach(py, |_| ids.iter().map(|id| Ok(self.0.spell(&[*id])?.0)).collect())
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

    /// The number of ids: the largest one, plus one. Added tokens count too.
    #[getter]
    fn vocabulary_size(&self) -> usize {
        self.0.vocabulary_size()
    }

    /// The engine in use, with the reason.
    #[getter]
    fn engine(&self) -> PyEngine {
        PyEngine { engine: self.0.engine().clone(), rules: self.0.rules().to_owned() }
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

    /// The rules that made the definition: the class of transformers that made it from the vocabulary, such as
    /// `"LlamaTokenizer"`, or `"tokenizer.json"` for a definition that is used as it is.
    #[getter]
    fn rules(&self) -> &str {
        self.0.rules()
    }

    /// Why ids may differ from those of `transformers.AutoTokenizer`, as sentences.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.0.warnings().to_vec()
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
        kwargs.set_item("rules", self.0.rules())?;
        kwargs.set_item("warnings", self.0.warnings())?;
        kwargs.set_item("verdict", Some(self.0.verdict()).filter(|verdict| !verdict.is_empty()))?;
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
