//! `chatmill.Mill`.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arrow::ArrowInput;
use super::conversation::{ConversationArgs, conversation, python_time, python_value, time};
use super::convert::{self, PinnedStrings};
use super::detach::{attached, detach};
use super::encoding::PyEncoding;
use super::errors::{DataError, to_python};
use super::hooks;
use super::limits::{limits_dict, limits_option};
use super::numbers::{count, number};
use super::template::PyChatTemplate;
use super::token_batch::PyTokenBatch;
use super::tokenizer::PyTokenizer;
use crate::batch::{Counting, Mill};
use crate::choice::Choice;
use crate::data::{Node, RowLayout};
use crate::encode::{AllMasked, LabelChoice, OnError, Options, Padding, PaddingSide, SpecialTokens, Split, Truncation};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::{Format, RowReader, TemplateVariables};
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;

/// Turns rows into token ids with labels, in threads and without the GIL.
///
/// A mill can be shared between threads, and can be pickled.
///
/// Args:
///     tokenizer: The tokenizer.
///     template: The chat template. If it has no special tokens, it gets those of the tokenizer, and `warnings` says so.
///         None for a format with its own text.
///     format: The format of the rows: a `Format`, or anything `Format.of` reads, such as `"alpaca"`. None for rows of
///         messages, tools and documents; the messages may be ShareGPT turns.
///     labels: Which tokens are trained: a `Labels`, or anything `Labels.of` reads. `"assistant"` trains what the model
///         generates: each assistant turn after its generation prompt, up to and including its stop token; or the parts
///         that the template's author put between `{% generation %}` tags. `"all"` trains every token, `"none"` no
///         token; `"axolotl"` and others make the labels of that tool.
///     split: `"per_turn"` makes one sample for each trained turn: the conversation up to this turn, rendered as at
///         inference. The output then has a column `row` with the number of the row of each sample.
///     max_length: Maximum number of tokens per sample. Labels are made before a row is cut.
///     reserve: The number of virtual tokens that the model puts before each row, as in prompt tuning. Rows are cut and
///         padded to `max_length - reserve`, which is the `max_length` in `options`.
///     truncation: What to do with longer rows: `"keep_start"` keeps the first tokens, `"keep_end"` the last ones,
///         `"turns"` the first turns that fit completely; `"drop"` rejects the row, `"raise"` ends the run, `"split"`
///         makes several samples.
///     segment_length: Maximum number of tokens of each prompt and each answer of a format; each is cut separately
///         before `max_length` applies, as axolotl does with its `sequence_len`.
///     padding: Pad rows with `pad_token` to the `"longest"` row of a batch or to `"max_length"`. Padding is masked.
///     padding_side: The side of the padding: `"right"` or `"left"`.
///     pad_to_multiple_of: Round the length of padded rows up to a multiple of this number, also beyond `max_length`, as
///         transformers does.
///     special_tokens: What to do with control tokens in texts of messages: `"allow"` encodes them as control tokens, as
///         transformers does, `"text"` encodes them as plain text, `"raise"` rejects the row.
///     allowed_special_tokens: Control tokens that texts may hold in spite of `special_tokens`, such as `<think>`.
///     all_masked: What to do with a row that has no trained token: `"keep"` or `"reject"` it.
///     threads: Number of worker threads; None for one per core. The output does not depend on it.
///     on_error: `"raise"` raises a `RowError` for the first row that fails; `"null"` makes such rows null and adds a
///         column `error` with the reason.
///     keep_columns: Input columns to keep. Columns of JSON rows become strings.
///     attention_mask: Whether to add a column `attention_mask` of ones.
///     position_ids: Whether to add a column `position_ids` with the numbers of the tokens of each sample, from 0.
///     chat_template_kwargs: Template variables for every row. The variables of a row replace those of the same names.
///     limits: What one render of the template may use, as for `ChatTemplate`; None for the limits of `template`.
///     now: The time that `strftime_now` prints, a datetime without a time zone; None for the clock at each row.
///
/// Raises:
///     DataError: An option is not valid, or the rows do not support it.
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
    /// The labels as a `Labels`.
    labels: Py<PyAny>,
    /// The format as a `Format`.
    format: Option<Py<PyAny>>,
    /// A warning that the template got the special tokens of the tokenizer.
    filled_in: Option<String>,
}

/// The positional arguments of a mill; the template is None if the format needs none.
type Positional = (PyTokenizer, Option<PyChatTemplate>);

impl PyMill {
    /// The mill of the core.
    pub(super) fn core(&self) -> &Mill {
        &self.mill
    }

    /// Whether rows are rendered by a chat template, and not by the text of their format.
    fn needs_template(&self) -> bool {
        self.mill.encoder().options().rows.format().is_none_or(|format| format.needs_template())
    }
}

#[pymethods]
impl PyMill {
    #[new]
    #[pyo3(signature = (tokenizer, template=None, *, format=None, labels=None, split=None, max_length=None, reserve=None,
                        truncation="keep_start", segment_length=None, padding=None,
                        padding_side="right", pad_to_multiple_of=None, special_tokens="allow",
                        allowed_special_tokens=Vec::new(), all_masked="keep", threads=None, on_error="raise",
                        keep_columns=Vec::new(), attention_mask=false, position_ids=false, chat_template_kwargs=None,
                        limits=None, now=None),
           text_signature = "(tokenizer, template=None, *, format=None, labels='assistant', split=None, \
                             max_length=None, reserve=0, truncation='keep_start', segment_length=None, padding=None, \
                             padding_side='right', pad_to_multiple_of=None, special_tokens='allow', \
                             allowed_special_tokens=(), all_masked='keep', threads=None, on_error='raise', \
                             keep_columns=(), attention_mask=False, position_ids=False, chat_template_kwargs=None, limits=None, \
                             now=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are keyword arguments in Python")]
    fn new(
        py: Python<'_>,
        tokenizer: &Bound<'_, PyAny>,
        template: Option<&Bound<'_, PyAny>>,
        format: Option<&Bound<'_, PyAny>>,
        labels: Option<&Bound<'_, PyAny>>,
        split: Option<&str>,
        max_length: Option<&Bound<'_, PyAny>>,
        reserve: Option<&Bound<'_, PyAny>>,
        truncation: &str,
        segment_length: Option<&Bound<'_, PyAny>>,
        padding: Option<&str>,
        padding_side: &str,
        pad_to_multiple_of: Option<&Bound<'_, PyAny>>,
        special_tokens: &str,
        allowed_special_tokens: Vec<String>,
        all_masked: &str,
        threads: Option<&Bound<'_, PyAny>>,
        on_error: &str,
        keep_columns: Vec<String>,
        attention_mask: bool,
        position_ids: bool,
        chat_template_kwargs: Option<&Bound<'_, PyAny>>,
        limits: Option<&Bound<'_, PyAny>>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let tokenizer = instance::<PyTokenizer>(tokenizer, "tokenizer", "Tokenizer")?.0.clone();
        let template = match template {
            Some(template) => Some(instance::<PyChatTemplate>(template, "template", "ChatTemplate")?.inner()),
            None => None,
        };
        let limits = limits_option(limits)?;
        let (template, filled_in) = match template {
            Some(template) => with_tokens_of(template, &tokenizer).map_err(|error| to_python(py, error))?,
            None => (None, None),
        };
        let labels = hooks::labels_of(py, labels)?;
        let format = format.map(hooks::format_of).transpose()?;
        let json = |object: &Bound<'_, PyAny>| object.call_method0("to_json")?.extract::<String>();
        let (labels_json, format_json) = (json(&labels)?, format.as_ref().map(json).transpose()?);
        let variables = attached(py, || convert::fields(chat_template_kwargs, "chat_template_kwargs"))?;
        let now = time(now)?;
        let (max_length, reserve) = (count("max_length", max_length)?, count("reserve", reserve)?.unwrap_or(0));
        let segment_length = count("segment_length", segment_length)?;
        let (pad_to_multiple_of, threads) =
            (count("pad_to_multiple_of", pad_to_multiple_of)?, count("threads", threads)?);
        let mill = detach(py, |_| {
            let max_length = Options::max_length_without(reserve, max_length)?;
            let template = match (template, limits) {
                (None, Some(_)) => {
                    let text = "`limits` belong to a chat template, and there is none; remove `limits`";
                    return Err(Error::new(ErrorKind::Option, text));
                }
                (Some(template), Some(limits)) if template.limits() != limits => {
                    Some(Arc::new(template.with_special_tokens(&[])?.with_limits(limits)))
                }
                (template, _) => template,
            };
            let format = format_json.map(|json| Format::from_json(&json).map(Arc::new)).transpose()?;
            let options = Options {
                rows: RowReader::new(format),
                labels: LabelChoice::from_json(&labels_json)?,
                split: split.map(Split::parse).transpose()?,
                max_length,
                segment_length,
                truncation: Truncation::parse(truncation)?,
                padding: padding.map(Padding::parse).transpose()?,
                padding_side: PaddingSide::parse(padding_side)?,
                pad_to_multiple_of,
                special_tokens: SpecialTokens::parse(special_tokens)?,
                allowed_special_tokens,
                all_masked: AllMasked::parse(all_masked)?,
                threads,
                on_error: OnError::parse(on_error)?,
                keep_columns,
                attention_mask,
                position_ids,
                chat_template_kwargs: TemplateVariables::new(variables)?,
                now,
            };
            Mill::new(tokenizer, template, options)
        })?;
        Ok(PyMill { mill, labels: labels.unbind(), format: format.map(Bound::unbind), filled_in })
    }

    /// Loads the tokenizer of a model, its template and its special tokens, and makes a mill of them.
    ///
    /// Args:
    ///     source: A folder, a `tokenizer.json`, a Hub id, or a transformers tokenizer.
    ///     template: The chat template: a name of `ChatTemplate.names()`, or anything `ChatTemplate.from_pretrained` reads.
    ///         None for that of the model.
    ///     rebuild: As for `Tokenizer.from_pretrained`.
    ///     options: The keyword arguments of `Mill`.
    ///
    /// Raises:
    ///     TokenizerError: The tokenizer cannot be loaded.
    ///     TemplateError: The template cannot be loaded, or the model has none.
    ///     DataError: An option is not valid.
    ///
    /// Example:
    ///     >>> mill = chatmill.Mill.from_pretrained("Qwen/Qwen3-8B", max_length=8192)  # doctest: +SKIP
    #[staticmethod]
    #[pyo3(signature = (source, template=None, *, rebuild=true, **options))]
    fn from_pretrained<'py>(
        py: Python<'py>,
        source: &Bound<'py, PyAny>,
        template: Option<&Bound<'py, PyAny>>,
        rebuild: bool,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let format = options.map(|options| options.get_item("format")).transpose()?.flatten();
        let format = format.filter(|format| !format.is_none());
        let (tokenizer, template) = hooks::parts_of_mill(source, template, format.as_ref(), rebuild)?;
        py.get_type::<PyMill>().call((tokenizer, template), options)
    }

    /// Encodes every row of a batch.
    ///
    /// Args:
    ///     batch: Rows: a list of dicts, a dict of columns, a table of pyarrow, polars, pandas or duckdb (anything with
    ///         `__arrow_c_stream__` or `__arrow_c_array__`), a `datasets.Dataset`, or the batch that its `map` passes. Dicts
    ///         are read as lines of JSON: `None` is a JSON null, and `keep_columns` become strings. Columns: `messages` or
    ///         `conversations` (a list of structs, or JSON text), and optionally `tools`, `documents` and
    ///         `chat_template_kwargs` (likewise). With a format, the columns that the format reads.
    ///     json_column: Read each row from this column of strings or bytes instead, as one JSON object.
    ///     statistics: Whether to count what `TokenBatch.statistics` has. Tokens by role and kind are counted for rows
    ///         whose labels need regions; with `"all"` for all rows, which takes up to twice as long.
    ///
    /// Returns:
    ///     A `TokenBatch` with one row for each row of the input, in the same order. With `split` or `truncation="split"`
    ///     a row may become several rows, or none.
    ///
    /// Raises:
    ///     RowError: A row failed, and `on_error` is `"raise"`.
    ///     DataError: The batch lacks a column, or cannot be read.
    #[pyo3(signature = (batch, *, json_column=None, statistics=None))]
    fn __call__(
        &self,
        py: Python<'_>,
        batch: &Bound<'_, PyAny>,
        json_column: Option<&str>,
        statistics: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyTokenBatch> {
        let counting = counting(statistics)?;
        let (input, json_column) = ArrowInput::rows(batch, json_column)?;
        let layout = json_column.as_deref().map_or(RowLayout::Columns, RowLayout::Json);
        detach(py, |interrupted| self.mill.batches(&mut *input.batches()?, layout, counting, interrupted))
            .map(|batches| PyTokenBatch::new(batches, self.mill.encoder().tokenizer().clone()))
    }

    /// Encodes a stream of rows, as a stream: a batch is read and processed when the consumer asks for the next one.
    ///
    /// Args:
    ///     rows: A stream of Arrow data: a `RecordBatchReader`, anything with `__arrow_c_stream__`, a dataset or scanner
    ///         of pyarrow, or an iterable of record batches or tables.
    ///     json_column: As for calling the mill.
    ///
    /// Returns:
    ///     A `pyarrow.RecordBatchReader` with the columns of a `TokenBatch`; a column `row` counts all rows of the stream.
    ///     The tokens of a batch take about 16 MiB.
    ///
    /// Raises:
    ///     RowError: A row failed, and `on_error` is `"raise"`; the error names the row in the stream.
    ///     DataError: It is no stream of Arrow data, a column is missing, or a batch cannot be read.
    ///
    /// Example:
    ///     >>> import pyarrow as pa
    ///     >>> rows = pa.table({"messages": [[{"role": "user", "content": "Hi"}]] * 3})
    ///     >>> mill = chatmill.Mill(chatmill.Tokenizer(TOKENIZER_JSON), chatmill.ChatTemplate.named("chatml"))
    ///     >>> mill.stream(rows.to_reader(2)).read_all().num_rows
    ///     3
    #[pyo3(signature = (rows, *, json_column=None))]
    fn stream<'py>(
        slf: &Bound<'py, Self>,
        rows: &Bound<'py, PyAny>,
        json_column: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        hooks::stream_of(slf.as_any(), rows, json_column)
    }

    /// Encodes one row, exactly as a batch of this one row.
    ///
    /// Args:
    ///     messages: A list of dicts with `role` and `content`. For a mill with a format: a row, as a dict.
    ///     tools: A list of JSON schemas or Python functions, or None.
    ///     documents: A list of dicts, or None.
    ///     variables: Further template variables.
    ///
    /// Returns:
    ///     An `Encoding` with text, ids, labels, regions and tokens. If the row becomes several samples it is the first
    ///     one, and `Encoding.samples` lists all of them. Padding is added to batches only.
    ///
    /// Raises:
    ///     TemplateError: The template fails on the conversation.
    ///     DataError: The row is not valid, too long, or has no trained token while `all_masked` is `"reject"`.
    ///     ChatmillError: The labels cannot be verified.
    #[pyo3(signature = (messages, tools=None, documents=None, **variables))]
    fn encode(
        &self,
        py: Python<'_>,
        messages: &Bound<'_, PyAny>,
        tools: Option<&Bound<'_, PyAny>>,
        documents: Option<&Bound<'_, PyAny>>,
        variables: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyEncoding> {
        if self.format.is_some() {
            if tools.is_some() || documents.is_some() || variables.is_some() {
                let text = "a mill with a format encodes one row, given as a dict; put tools, documents and variables into the row";
                return Err(DataError::new_err(text));
            }
            let row = attached(py, || convert::fields(Some(messages), "row"))?;
            return detach(py, |_| self.mill.encode_fields(row)).map(PyEncoding::new);
        }
        let pinned = PinnedStrings::default();
        let conversation = conversation(py, &pinned, ConversationArgs { messages, tools, documents, variables })?;
        detach(py, |_| self.mill.encode(conversation)).map(PyEncoding::new)
    }

    /// Encodes one row of a batch, exactly as calling the mill does.
    ///
    /// Args:
    ///     batch: As for calling the mill.
    ///     row: The number of the row, from 0.
    ///     json_column: As for calling the mill.
    ///
    /// Raises:
    ///     RowError: The row failed.
    ///     DataError: There is no such row, or the batch cannot be read.
    #[pyo3(signature = (batch, row, *, json_column=None))]
    fn encode_row(
        &self,
        py: Python<'_>,
        batch: &Bound<'_, PyAny>,
        row: &Bound<'_, PyAny>,
        json_column: Option<&str>,
    ) -> PyResult<PyEncoding> {
        let row = number("row", row, 0, u64::from(u32::MAX))? as usize;
        let (input, json_column) = ArrowInput::rows(batch, json_column)?;
        let layout = json_column.as_deref().map_or(RowLayout::Columns, RowLayout::Json);
        detach(py, |_| self.mill.encode_row_of(&mut *input.batches()?, row, layout)).map(PyEncoding::new)
    }

    /// The tokenizer.
    #[getter]
    fn tokenizer(&self) -> PyTokenizer {
        PyTokenizer(self.mill.encoder().tokenizer().clone())
    }

    /// The template that renders the rows: the chat template, or the text of the format.
    #[getter]
    fn template(&self) -> PyChatTemplate {
        PyChatTemplate::sharing(self.mill.encoder().attributor())
    }

    /// The labels.
    #[getter]
    fn labels<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.labels.bind(py).clone()
    }

    /// The format of the rows, or None.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.format.as_ref().map(|format| format.bind(py).clone())
    }

    /// Warnings about the tokenizer with these options, as sentences.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.filled_in.iter().cloned().chain(self.mill.encoder().warnings()).collect()
    }

    /// The number of template profiles learned so far: one for each combination of the template variables that the
    /// template reads.
    #[getter]
    fn profiles_learned(&self) -> usize {
        self.mill.encoder().attributor().profiles().learned()
    }

    /// The keyword arguments to make an equal mill.
    #[getter]
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let options = self.mill.encoder().options();
        let dict = PyDict::new(py);
        dict.set_item("format", self.format(py))?;
        dict.set_item("labels", self.labels(py).call_method0("spec")?)?;
        dict.set_item("split", options.split.map(Choice::name))?;
        dict.set_item("max_length", options.max_length)?;
        dict.set_item("truncation", options.truncation.name())?;
        dict.set_item("segment_length", options.segment_length)?;
        dict.set_item("padding", options.padding.map(Choice::name))?;
        dict.set_item("padding_side", options.padding_side.name())?;
        dict.set_item("pad_to_multiple_of", options.pad_to_multiple_of)?;
        dict.set_item("special_tokens", options.special_tokens.name())?;
        dict.set_item("allowed_special_tokens", &options.allowed_special_tokens)?;
        dict.set_item("all_masked", options.all_masked.name())?;
        dict.set_item("threads", options.threads)?;
        dict.set_item("on_error", options.on_error.name())?;
        dict.set_item("keep_columns", &options.keep_columns)?;
        dict.set_item("attention_mask", options.attention_mask)?;
        dict.set_item("position_ids", options.position_ids)?;
        let kwargs = Node::Map(options.chat_template_kwargs.clone().into_fields());
        dict.set_item("chat_template_kwargs", python_value(py, &kwargs)?)?;
        let limits = self.needs_template().then(|| limits_dict(py, self.mill.encoder().template()));
        dict.set_item("limits", limits.transpose()?)?;
        dict.set_item("now", python_time(py, options.now)?)?;
        Ok(dict)
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Positional, Bound<'py, PyDict>)> {
        Ok(((self.tokenizer(), self.needs_template().then(|| self.template())), self.options(py)?))
    }

    fn __repr__(&self) -> String {
        let encoder = self.mill.encoder();
        format!("Mill(tokenizer={:?}, template={:?})", encoder.tokenizer().name(), encoder.template().name())
    }
}

/// A template without special tokens gets those of the tokenizer, with a warning if it reads one of them.
fn with_tokens_of(
    template: Arc<ChatTemplate>,
    tokenizer: &Tokenizer,
) -> Result<(Option<Arc<ChatTemplate>>, Option<String>)> {
    if !template.special_tokens().is_empty() || tokenizer.special_tokens().is_empty() {
        return Ok((Some(template), None));
    }
    let tokens = tokenizer.special_tokens();
    let read: Vec<&str> =
        tokens.iter().map(|(name, _)| &**name).filter(|name| template.variables().any(|it| it == *name)).collect();
    let warning = (!read.is_empty()).then(|| {
        format!(
            "the template {} has no special tokens: {} {} taken from the tokenizer {}; to set others, give the template \
             its own, such as ChatTemplate(source, bos_token=\"\")",
            template.name(),
            read.join(", "),
            if read.len() == 1 { "is" } else { "are" },
            tokenizer.name()
        )
    });
    Ok((Some(Arc::new(template.with_special_tokens(tokens)?)), warning))
}

/// What a value of `statistics` means.
fn counting(statistics: Option<&Bound<'_, PyAny>>) -> PyResult<Counting> {
    let Some(given) = statistics.filter(|given| !given.is_none()) else { return Ok(Counting::Nothing) };
    match (given.extract::<bool>(), given.extract::<String>().as_deref()) {
        (Ok(false), _) => Ok(Counting::Nothing),
        (Ok(true), _) => Ok(Counting::Statistics),
        (_, Ok("all")) => Ok(Counting::All),
        _ => Err(DataError::new_err(format!("`statistics` is {}; use True, None or \"all\"", given.repr()?))),
    }
}

/// An argument that must be an instance of a chatmill class. The error tells how to make one.
fn instance<'py, T: pyo3::PyClass>(object: &Bound<'py, PyAny>, argument: &str, class: &str) -> PyResult<PyRef<'py, T>> {
    object.extract::<PyRef<'py, T>>().map_err(|_| {
        let found = object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
        DataError::new_err(format!(
            "`{argument}` must be a chatmill.{class}, found a {found}; use chatmill.Mill.from_pretrained(model, template), \
             or chatmill.{class}.from_pretrained(...)"
        ))
    })
}
