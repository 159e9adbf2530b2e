//! `chatmill.Mill`.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments::{conversation, python_time, time};
use super::convert::{self, Held};
use super::encoding::PyEncoding;
use super::errors::DataError;
use super::template::PyChatTemplate;
use super::token_batch::PyTokenBatch;
use super::tokenizer::PyTokenizer;
use super::{arrow, gate};
use crate::conversation::{Layout, Node};
use crate::error::{Error, Kind};
use crate::format::{Format, FormattedRows};
use crate::label::Labels;
use crate::mill::{AllMasked, Mill, OnError, Options, Padding, Samples, SpecialTokens, Truncation};

/// Rows of one batch of the output: far fewer tokens than the 2^31 that the offsets of a list column can count.
const ROWS: usize = 65_536;

/// Turns conversations into token ids with labels, in threads and without the GIL.
///
/// A mill may be shared between threads, and pickles as the things it was made from.
///
/// Args:
///     tokenizer: The tokenizer.
///     template: The chat template; give it the tokenizer's special tokens if it needs them. None where the format has
///         a text of its own.
///     format: What the rows look like: a `Format`, or what `Format.of` reads, such as `"alpaca"`. None for rows of
///         messages, tools and documents, which may be ShareGPT turns.
///     labels: Which tokens are trained: a `Labels`, or what `Labels.of` reads. `"assistant"` trains what the model would
///         have to generate: each assistant turn after its generation prompt, through its stop token, or what the
///         template's author put between `{% generation %}` tags. `"all"` trains every token, `"none"` no token;
///         `"axolotl"` and others label as that tool does.
///     split: `"per_turn"` makes a sample of each trained turn: the conversation up to it, rendered as at inference. The
///         output then has a column `row`, the number of the row that a sample comes from.
///     max_length: Tokens that a sample may have. Labels are made first.
///     truncation: Of a longer row `"keep_start"` keeps the first tokens, `"keep_end"` the last ones, `"turns"` the first
///         turns that fit whole; `"drop"` makes it fail, `"raise"` ends the run, `"split"` makes several samples of it.
///     segment_length: Tokens that each prompt and each answer of a format may have, cut each on its own before
///         anything else, as axolotl does with its `sequence_len`.
///     padding: Fill rows up with `pad_token` to the `"longest"` of a batch or to `"max_length"`, masked.
///     special_tokens: Control tokens in texts of messages: `"allow"` encodes them as such, as transformers does, `"text"`
///         encodes them as plain text, `"raise"` makes the row fail.
///     allowed_special_tokens: Control tokens that may be there all the same, such as `<think>`.
///     all_masked: A row without a single trained token stays (`"keep"`) or fails (`"reject"`).
///     threads: Worker threads; None takes as many as the process may use. The output does not depend on it.
///     on_error: `"raise"` raises a `RowError` for the first row that fails; `"null"` makes the row null and says why
///         in a column `error`.
///     keep_columns: Columns of the input to carry along. Those of JSON rows come out as strings.
///     attention_mask: Whether to add a column `attention_mask` of ones.
///     chat_template_kwargs: Template variables for every row; those of a row win.
///     now: The time that `strftime_now` shows, a datetime without a time zone; None for the clock's at each row.
///
/// Raises:
///     DataError: An option is not valid.
///
/// Example:
///     >>> import chatmill
///     >>> tokenizer = chatmill.Tokenizer(TOKENIZER_JSON)
///     >>> mill = chatmill.Mill(tokenizer, chatmill.ChatTemplate.named("chatml"))
///     >>> mill.encode([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}])
///     Encoding(28 tokens, 6 trained)
#[pyclass(frozen, module = "chatmill._chatmill", name = "Mill")]
pub(super) struct PyMill {
    mill: Mill,
    /// The labels as JSON, from which Python makes them again.
    labels: String,
    /// The format as JSON, from which Python makes it again.
    format: Option<String>,
}

/// What a mill is made from: the template is None where the format has a text.
type Parts = (PyTokenizer, Option<PyChatTemplate>);

const ON_ERROR: [(&str, OnError); 2] = [("raise", OnError::Raise), ("null", OnError::Null)];
const SPLIT: [(&str, Samples); 1] = [("per_turn", Samples::PerTurn)];
const TRUNCATION: [(&str, Truncation); 6] = [
    ("keep_start", Truncation::KeepStart),
    ("keep_end", Truncation::KeepEnd),
    ("turns", Truncation::Turns),
    ("drop", Truncation::Drop),
    ("raise", Truncation::Raise),
    ("split", Truncation::Split),
];
const PADDING: [(&str, Padding); 2] = [("longest", Padding::Longest), ("max_length", Padding::MaxLength)];
const SPECIAL_TOKENS: [(&str, SpecialTokens); 3] =
    [("allow", SpecialTokens::Allow), ("text", SpecialTokens::Text), ("raise", SpecialTokens::Raise)];
const ALL_MASKED: [(&str, AllMasked); 2] = [("keep", AllMasked::Keep), ("reject", AllMasked::Reject)];

/// The labels that `given` names, as JSON.
fn labels_json(py: Python<'_>, given: Option<&Bound<'_, PyAny>>) -> PyResult<String> {
    let class = py.import("chatmill.labels")?.getattr("Labels")?;
    let labels = match given {
        Some(given) => class.call_method1("of", (given,))?,
        None => class.call0()?,
    };
    labels.call_method0("to_json")?.extract()
}

/// The format that `given` names, as JSON.
fn format_json(py: Python<'_>, given: &Bound<'_, PyAny>) -> PyResult<String> {
    let class = py.import("chatmill.formats")?.getattr("Format")?;
    class.call_method1("of", (given,))?.call_method0("to_json")?.extract()
}

/// Raises a `DataError` if a JSON object is no format.
#[pyfunction]
#[pyo3(name = "_check_format")]
pub(super) fn check_format(py: Python<'_>, json: &str) -> PyResult<()> {
    gate::enter(py, |_| Format::from_json(json).map(|_| ()))
}

/// Raises a `DataError` if a JSON object names no labels.
#[pyfunction]
#[pyo3(name = "_check_labels")]
pub(super) fn check_labels(py: Python<'_>, json: &str) -> PyResult<()> {
    gate::enter(py, |_| Labels::from_json(json).map(|_| ()))
}

fn choose<T: Copy>(what: &str, name: &str, choices: &[(&str, T)]) -> PyResult<T> {
    choices.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<String> = choices.iter().map(|(known, _)| format!("{known:?}")).collect();
        DataError::new_err(format!("{what} must be one of {}, not {name:?}", known.join(", ")))
    })
}

fn name_of<T: PartialEq>(value: &T, choices: &[(&'static str, T)]) -> &'static str {
    choices.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}

#[pymethods]
impl PyMill {
    #[new]
    #[pyo3(signature = (tokenizer, template=None, *, format=None, labels=None, split=None, max_length=None,
                        truncation="keep_start", segment_length=None, padding=None, special_tokens="allow", allowed_special_tokens=Vec::new(), all_masked="keep",
                        threads=None, on_error="raise", keep_columns=Vec::new(), attention_mask=false,
                        chat_template_kwargs=None, now=None),
           text_signature = "(tokenizer, template=None, *, format=None, labels='assistant', split=None, \
                             max_length=None, truncation='keep_start', segment_length=None, padding=None, special_tokens='allow', \
                             allowed_special_tokens=(), all_masked='keep', threads=None, on_error='raise', \
                             keep_columns=(), attention_mask=False, chat_template_kwargs=None, now=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn new(
        py: Python<'_>,
        tokenizer: &PyTokenizer,
        template: Option<&PyChatTemplate>,
        format: Option<&Bound<'_, PyAny>>,
        labels: Option<&Bound<'_, PyAny>>,
        split: Option<&str>,
        max_length: Option<usize>,
        truncation: &str,
        segment_length: Option<usize>,
        padding: Option<&str>,
        special_tokens: &str,
        allowed_special_tokens: Vec<String>,
        all_masked: &str,
        threads: Option<usize>,
        on_error: &str,
        keep_columns: Vec<String>,
        attention_mask: bool,
        chat_template_kwargs: Option<&Bound<'_, PyAny>>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let json = labels_json(py, labels)?;
        let labels = gate::enter(py, |_| Labels::from_json(&json))?;
        let format_json = format.map(|format| format_json(py, format)).transpose()?;
        let format = match &format_json {
            Some(json) => Some(Arc::new(gate::enter(py, |_| Format::from_json(json))?)),
            None => None,
        };
        let template = match &format {
            Some(format) if format.has_text() => {
                if template.is_some() {
                    return Err(DataError::new_err(format!(
                        "the format {} has a text of its own: leave the template out, or take a form of it that makes \
                         messages",
                        format.name()
                    )));
                }
                gate::enter(py, |_| format.template(&tokenizer.0))?.map(Arc::new)
            }
            _ => template.map(|template| template.0.clone()),
        };
        let Some(template) = template else {
            return Err(DataError::new_err("a mill needs a template, unless its format has a text of its own"));
        };
        let options = Options {
            format,
            labels,
            samples: split.map_or(Ok(Samples::PerRow), |split| choose("split", split, &SPLIT))?,
            max_length,
            segment_length,
            truncation: choose("truncation", truncation, &TRUNCATION)?,
            padding: padding.map_or(Ok(Padding::None), |padding| choose("padding", padding, &PADDING))?,
            special_tokens: choose("special_tokens", special_tokens, &SPECIAL_TOKENS)?,
            allowed_special_tokens,
            all_masked: choose("all_masked", all_masked, &ALL_MASKED)?,
            threads,
            on_error: choose("on_error", on_error, &ON_ERROR)?,
            keep_columns,
            attention_mask,
            chat_template_kwargs: convert::fields(chat_template_kwargs, "chat_template_kwargs")?,
            now: time(now)?,
        };
        let mill = gate::enter(py, |_| Mill::new(tokenizer.0.clone(), template, options))?;
        Ok(PyMill { mill, labels: json, format: format_json })
    }

    /// Tokens and labels for every row of a batch.
    ///
    /// Args:
    ///     batch: Anything with `__arrow_c_stream__` or `__arrow_c_array__`, or a `datasets.Dataset`. Columns:
    ///         `messages` or `conversations` (a list of structs, or JSON text), and `tools`, `documents`,
    ///         `chat_template_kwargs` (likewise, optional).
    ///     json_column: Read each row from this column of strings or bytes instead, as one JSON object.
    ///
    /// Returns:
    ///     A `TokenBatch` with one row for each row of the input, in the same order; with `split` or
    ///     `truncation="split"` a row may become several, or none.
    ///
    /// Raises:
    ///     RowError: A row failed, and `on_error` is `"raise"`.
    ///     DataError: The batch has no such columns, or cannot be read.
    #[pyo3(signature = (batch, *, json_column=None))]
    fn __call__(&self, py: Python<'_>, batch: &Bound<'_, PyAny>, json_column: Option<&str>) -> PyResult<PyTokenBatch> {
        let input = arrow::batches(batch)?;
        gate::enter(py, |interrupted| {
            let layout = json_column.map_or(Layout::Columns, Layout::Json);
            let mut output = PyTokenBatch::default();
            let mut base = 0;
            for batch in &input {
                let mut from = 0;
                // An empty batch gives an empty batch with the right columns.
                while from < batch.num_rows() || (from == 0 && output.is_empty()) {
                    let part = batch.slice(from, ROWS.min(batch.num_rows() - from));
                    let shift = |error: Error| Error { row: error.row.map(|row| row + base + from), ..error };
                    let tokens = self.mill.batch(&part, base + from, layout, interrupted).map_err(shift)?;
                    output.push(tokens, shift);
                    from += ROWS;
                }
                base += batch.num_rows();
            }
            Ok(output)
        })
    }

    /// Encodes one conversation.
    ///
    /// Args:
    ///     messages: A list of dicts with `role` and `content`. For a mill with a format: a row, as a dict.
    ///     tools: A list of JSON schemas, or None.
    ///     documents: A list of dicts, or None.
    ///     variables: Further template variables.
    ///
    /// Returns:
    ///     An `Encoding`: text, ids, labels, regions, tokens.
    ///
    /// Raises:
    ///     TemplateError: The template fails on the conversation.
    ///     DataError: The messages do not have the form of messages.
    ///     ChatmillError: The labels cannot be proved.
    #[pyo3(signature = (messages, tools=None, documents=None, **variables))]
    fn encode(
        &self,
        py: Python<'_>,
        messages: &Bound<'_, PyAny>,
        tools: Option<&Bound<'_, PyAny>>,
        documents: Option<&Bound<'_, PyAny>>,
        variables: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyEncoding> {
        if let Some(format) = &self.mill.options().format {
            if tools.is_some() || documents.is_some() || variables.is_some() {
                let text = "with a format, encode takes one row; tools, documents and variables are fields of it";
                return Err(DataError::new_err(text));
            }
            let row = convert::fields(Some(messages), "a row")?;
            return gate::enter(py, |_| self.mill.encode(&format.conversation(&row)?)).map(PyEncoding);
        }
        let held = Held::default();
        let conversation = conversation(py, &held, messages, tools, documents, variables)?;
        gate::enter(py, |_| self.mill.encode(&conversation)).map(PyEncoding)
    }

    /// Encodes one row of a batch, read in the way that calling the mill reads it.
    #[pyo3(signature = (batch, row, *, json_column=None))]
    fn encode_row(
        &self,
        py: Python<'_>,
        batch: &Bound<'_, PyAny>,
        row: usize,
        json_column: Option<&str>,
    ) -> PyResult<PyEncoding> {
        let input = arrow::batches(batch)?;
        gate::enter(py, |_| {
            let layout = json_column.map_or(Layout::Columns, Layout::Json);
            let mut base = 0;
            for batch in &input {
                if row < base + batch.num_rows() {
                    let format = self.mill.options().format.as_deref();
                    let rows = FormattedRows::new(batch, layout, format)?;
                    let (conversation, _) = rows.conversation(row - base).map_err(|error| error.at_row(row))?;
                    return self.mill.encode(&conversation).map_err(|error| error.at_row(row));
                }
                base += batch.num_rows();
            }
            Err(Error::new(Kind::Option, format!("there is no row {row}; the batch has {base} rows, counted from 0")))
        })
        .map(PyEncoding)
    }

    /// The tokenizer.
    #[getter]
    fn tokenizer(&self) -> PyTokenizer {
        PyTokenizer(self.mill.tokenizer().clone())
    }

    /// The chat template.
    #[getter]
    fn template(&self) -> PyChatTemplate {
        PyChatTemplate(self.mill.template().clone())
    }

    /// The labels.
    #[getter]
    fn labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let written = py.import("json")?.call_method1("loads", (&self.labels,))?;
        py.import("chatmill.labels")?.getattr("Labels")?.call_method1("of", (written,))
    }

    /// The format of the rows, or None.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(json) = &self.format else { return Ok(None) };
        let written = py.import("json")?.call_method1("loads", (json,))?;
        Ok(Some(py.import("chatmill.formats")?.getattr("Format")?.call_method1("from_json", (written,))?))
    }

    /// What is worth a warning of the tokenizer with these options.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.mill.warnings()
    }

    /// The keyword arguments that make this mill again.
    #[getter]
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let options = self.mill.options();
        let dict = PyDict::new(py);
        dict.set_item("format", self.format(py)?)?;
        dict.set_item("labels", self.labels(py)?.call_method0("spec")?)?;
        let or_none = |name: &'static str| (!name.is_empty()).then_some(name);
        dict.set_item("split", or_none(name_of(&options.samples, &SPLIT)))?;
        dict.set_item("max_length", options.max_length)?;
        dict.set_item("truncation", name_of(&options.truncation, &TRUNCATION))?;
        dict.set_item("segment_length", options.segment_length)?;
        dict.set_item("padding", or_none(name_of(&options.padding, &PADDING)))?;
        dict.set_item("special_tokens", name_of(&options.special_tokens, &SPECIAL_TOKENS))?;
        dict.set_item("allowed_special_tokens", &options.allowed_special_tokens)?;
        dict.set_item("all_masked", name_of(&options.all_masked, &ALL_MASKED))?;
        dict.set_item("threads", options.threads)?;
        dict.set_item("on_error", name_of(&options.on_error, &ON_ERROR))?;
        dict.set_item("keep_columns", &options.keep_columns)?;
        dict.set_item("attention_mask", options.attention_mask)?;
        let kwargs = Node::Map(options.chat_template_kwargs.clone()).to_json();
        dict.set_item("chat_template_kwargs", py.import("json")?.call_method1("loads", (kwargs,))?)?;
        dict.set_item("now", python_time(py, options.now)?)?;
        Ok(dict)
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Parts, Bound<'py, PyDict>)> {
        let has_text = self.mill.options().format.as_ref().is_some_and(|format| format.has_text());
        Ok(((self.tokenizer(), (!has_text).then(|| self.template())), self.options(py)?))
    }

    fn __repr__(&self) -> String {
        format!("Mill(tokenizer={:?}, template={:?})", self.mill.tokenizer().name(), self.mill.template().name())
    }
}
