//! `chatmill.ChatTemplate`.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};

use super::arguments::{conversation, time};
use super::convert::{self, Held};
use super::encoding::{PyRegion, python_regions};
use super::text_batch::PyTextBatch;
use super::tokenizer::{dict, pairs};
use super::{arrow, gate};
use crate::conversation::Layout;
use crate::error::Error;
use crate::template::{self, BatchRequest, ChatTemplate, Request};

/// A compiled chat template.
///
/// Args:
///     source: The Jinja source.
///     name: What to call it in errors and reports.
///     tool_use: The source for conversations with tools, where they have one of their own.
///     special_tokens: Variables such as `bos_token="<s>"`.
///
/// Raises:
///     TemplateError: The source does not compile; the error shows the line.
///
/// Example:
///     >>> template = chatmill.ChatTemplate("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
///     >>> template.render([{"role": "user", "content": "Hi"}])
///     'user: Hi\n'
#[pyclass(frozen, module = "chatmill._chatmill", name = "ChatTemplate")]
pub(super) struct PyChatTemplate(pub(super) Arc<ChatTemplate>);

#[pymethods]
impl PyChatTemplate {
    #[new]
    #[pyo3(signature = (source, *, name="chat_template", tool_use=None, **special_tokens))]
    fn new(
        py: Python<'_>,
        source: &str,
        name: &str,
        tool_use: Option<&str>,
        special_tokens: Option<BTreeMap<String, String>>,
    ) -> PyResult<Self> {
        let tokens = pairs(special_tokens);
        gate::enter(py, |_| {
            let template = ChatTemplate::new(name, source, &tokens)?;
            match tool_use {
                Some(tool_use) => template.with_tool_use(tool_use),
                None => Ok(template),
            }
        })
        .map(|inner| PyChatTemplate(Arc::new(inner)))
    }

    /// Loads a template as transformers finds it.
    ///
    /// Args:
    ///     source: A folder, a `.jinja` file, Jinja text, a Hub id, or a transformers tokenizer or processor.
    ///     name: Which template, where there are several. Without it `tool_use` serves conversations with tools and
    ///         `default` the others.
    ///     fallback: The named template to take where the source has none; see `ChatTemplate.names()`.
    ///
    /// Raises:
    ///     TemplateError: There is no template, or it does not compile.
    #[staticmethod]
    #[pyo3(signature = (source, *, name=None, fallback=None))]
    fn from_pretrained(
        py: Python<'_>,
        source: &Bound<'_, PyAny>,
        name: Option<&str>,
        fallback: Option<&str>,
    ) -> PyResult<Self> {
        let found = py.import("chatmill.sources")?.call_method1("load_template", (source, name, fallback))?;
        let tokens: Option<BTreeMap<String, String>> = Some(found.getattr("special_tokens")?.extract()?);
        if let Some(library) = found.getattr("library")?.extract::<Option<String>>()? {
            return PyChatTemplate::named(py, &library, tokens);
        }
        let text: String = found.getattr("source")?.extract()?;
        let name: String = found.getattr("name")?.extract()?;
        let tool_use: Option<String> = found.getattr("tool_use")?.extract()?;
        PyChatTemplate::new(py, &text, &name, tool_use.as_deref(), tokens)
    }

    /// One of the templates that come with chatmill, with its own special tokens or those given here.
    #[staticmethod]
    #[pyo3(signature = (name, **special_tokens))]
    fn named(py: Python<'_>, name: &str, special_tokens: Option<BTreeMap<String, String>>) -> PyResult<Self> {
        let tokens = pairs(special_tokens);
        gate::enter(py, |_| template::named(name, &tokens)).map(|inner| PyChatTemplate(Arc::new(inner)))
    }

    /// The names of the templates that come with chatmill.
    #[staticmethod]
    fn names() -> Vec<&'static str> {
        template::names().collect()
    }

    /// The text of a conversation, byte for byte as transformers renders it.
    ///
    /// Args:
    ///     messages: A list of dicts with `role` and `content`.
    ///     tools: A list of JSON schemas or Python functions, or None.
    ///     documents: A list of dicts, or None.
    ///     add_generation_prompt: Whether the text shall end in the prompt for the next assistant turn.
    ///     continue_final_message: True ends the text where the content of the last message ends, the name of a field
    ///         where that field ends, so that a model goes on with it.
    ///     now: The time that `strftime_now` shows, a datetime without a time zone; None for the clock's.
    ///     variables: Further template variables; they win over special tokens.
    ///
    /// Raises:
    ///     TemplateError: The template fails; the error names the message, the template line and the expression.
    ///     DataError: The messages do not have the form of messages.
    ///
    /// Example:
    ///     >>> chatml = chatmill.ChatTemplate.named("chatml")
    ///     >>> chatml.render([{"role": "user", "content": "Hi"}], add_generation_prompt=True)
    ///     '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n'
    #[pyo3(signature = (messages, tools=None, documents=None, add_generation_prompt=false, continue_final_message=None,
                        now=None, **variables),
           text_signature = "($self, messages, tools=None, documents=None, add_generation_prompt=False, \
                             continue_final_message=False, now=None, **variables)")]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn render(
        &self,
        py: Python<'_>,
        messages: &Bound<'_, PyAny>,
        tools: Option<&Bound<'_, PyAny>>,
        documents: Option<&Bound<'_, PyAny>>,
        add_generation_prompt: bool,
        continue_final_message: Option<&Bound<'_, PyAny>>,
        now: Option<&Bound<'_, PyAny>>,
        variables: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<String> {
        let held = Held::default();
        let conversation = conversation(py, &held, messages, tools, documents, variables)?;
        let now = time(now)?;
        let continued: Option<String> = match continue_final_message {
            None => None,
            Some(flag) => match flag.cast::<PyBool>() {
                Ok(flag) => flag.is_true().then(|| "content".to_owned()),
                Err(_) => flag.extract::<Option<String>>()?.filter(|field| !field.is_empty()),
            },
        };
        gate::enter(py, |_| {
            let none = Vec::new();
            let request = Request { add_generation_prompt, now, ..Request::of(&conversation, &none) };
            match &continued {
                Some(field) => self.0.continued(request, field),
                None => self.0.text(request),
            }
        })
    }

    /// The texts of all rows of a batch, without the GIL.
    ///
    /// Args:
    ///     batch: What a `Mill` takes: anything with `__arrow_c_stream__` or `__arrow_c_array__`, or a `datasets.Dataset`.
    ///     json_column: Read each row from this column of strings or bytes instead, as one JSON object.
    ///     add_generation_prompt: Whether the texts shall end in the prompt for the next assistant turn.
    ///     chat_template_kwargs: Template variables for every row; those of a row win.
    ///     now: The time that `strftime_now` shows; None for the clock's.
    ///
    /// Returns:
    ///     A `TextBatch` with one row for each row of the input, in the same order.
    ///
    /// Raises:
    ///     RowError: The template fails on a row; the first one is named.
    ///     DataError: The batch has no such columns, or cannot be read.
    #[pyo3(signature = (batch, *, json_column=None, add_generation_prompt=false, chat_template_kwargs=None, now=None))]
    fn render_batch(
        &self,
        py: Python<'_>,
        batch: &Bound<'_, PyAny>,
        json_column: Option<&str>,
        add_generation_prompt: bool,
        chat_template_kwargs: Option<&Bound<'_, PyAny>>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyTextBatch> {
        let input = arrow::batches(batch)?;
        let variables = convert::fields(chat_template_kwargs, "chat_template_kwargs")?;
        let request = BatchRequest { variables, add_generation_prompt, now: time(now)? };
        gate::enter(py, |interrupted| {
            let layout = json_column.map_or(Layout::Columns, Layout::Json);
            let mut base = 0;
            let mut texts = arrow::Table::default();
            for batch in &input {
                let shift = |error: Error| Error { row: error.row.map(|row| row + base), ..error };
                texts.push(self.0.texts(batch, layout, &request, interrupted).map_err(shift)?);
                base += batch.num_rows();
            }
            Ok(PyTextBatch(texts))
        })
    }

    /// What put each part of the text there, as `Mill.encode(…).regions` tells it.
    ///
    /// Args:
    ///     messages, tools, documents, now, variables: As for `render`.
    ///
    /// Returns:
    ///     Regions that cover the text without gaps, with places counted in characters.
    ///
    /// Raises:
    ///     TemplateError: The template fails.
    ///
    /// A message that is doubtful to the labels (`mill.encode` refuses it) has its regions here all the same.
    #[pyo3(signature = (messages, tools=None, documents=None, add_generation_prompt=false, now=None, **variables))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn regions(
        &self,
        py: Python<'_>,
        messages: &Bound<'_, PyAny>,
        tools: Option<&Bound<'_, PyAny>>,
        documents: Option<&Bound<'_, PyAny>>,
        add_generation_prompt: bool,
        now: Option<&Bound<'_, PyAny>>,
        variables: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Vec<PyRegion>> {
        let held = Held::default();
        let conversation = conversation(py, &held, messages, tools, documents, variables)?;
        let now = time(now)?;
        gate::enter(py, |_| {
            let none = Vec::new();
            let (text, attributed) =
                self.0.regions(Request { add_generation_prompt, now, ..Request::of(&conversation, &none) })?;
            let roles: Vec<String> =
                (0..conversation.messages.len()).map(|index| conversation.role(index).to_owned()).collect();
            Ok(python_regions(&text, &attributed?.regions, &roles))
        })
    }

    /// The keys of messages that the template asks for while it renders a conversation, each with whether any message
    /// has it.
    #[pyo3(signature = (messages, tools=None, documents=None, add_generation_prompt=false, now=None, **variables))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn keys_read(
        &self,
        py: Python<'_>,
        messages: &Bound<'_, PyAny>,
        tools: Option<&Bound<'_, PyAny>>,
        documents: Option<&Bound<'_, PyAny>>,
        add_generation_prompt: bool,
        now: Option<&Bound<'_, PyAny>>,
        variables: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<BTreeMap<String, bool>> {
        let held = Held::default();
        let conversation = conversation(py, &held, messages, tools, documents, variables)?;
        let now = time(now)?;
        gate::enter(py, |_| {
            let none = Vec::new();
            let request = Request { add_generation_prompt, now, ..Request::of(&conversation, &none) };
            Ok(self.0.keys_read(request)?.into_iter().collect())
        })
    }

    /// What may be wrong with the template, or surprising in training.
    ///
    /// Args:
    ///     data: Rows to check it with: dicts with `messages` and what belongs to them.
    ///     tools: Tools for the conversations it is tried on; None for ones that are made up.
    ///     tokenizer: A `Tokenizer`, to see whether the stop tokens are single tokens.
    ///     now: The time that `strftime_now` shows.
    ///     variables: Further template variables.
    ///
    /// Returns:
    ///     A list of `Finding`: code, level, text, example, remedy, line.
    #[pyo3(signature = (data=None, *, tools=None, tokenizer=None, now=None, **variables))]
    fn lint<'py>(
        slf: Bound<'py, Self>,
        data: Option<Bound<'py, PyAny>>,
        tools: Option<Bound<'py, PyAny>>,
        tokenizer: Option<Bound<'py, PyAny>>,
        now: Option<Bound<'py, PyAny>>,
        variables: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let options = variables.unwrap_or_else(|| PyDict::new(py));
        for (name, value) in [("data", data), ("tools", tools), ("tokenizer", tokenizer), ("now", now)] {
            options.set_item(name, value)?;
        }
        py.import("chatmill.lint")?.getattr("lint_template")?.call((slf,), Some(&options))
    }

    /// The same template with other special tokens; those given here win.
    #[pyo3(signature = (**special_tokens))]
    fn with_special_tokens(&self, py: Python<'_>, special_tokens: Option<BTreeMap<String, String>>) -> PyResult<Self> {
        let tokens = pairs(special_tokens);
        gate::enter(py, |_| self.0.with_special_tokens(&tokens)).map(|inner| PyChatTemplate(Arc::new(inner)))
    }

    /// What the template is called in errors and reports.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The source as it was given.
    #[getter]
    fn source(&self) -> &str {
        self.0.source()
    }

    /// The special tokens that the template sees as variables.
    #[getter]
    fn special_tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, self.0.special_tokens())
    }

    /// The source for conversations with tools, where they have one of their own, or None.
    #[getter]
    fn tool_use(&self) -> Option<&str> {
        self.0.tool_use()
    }

    /// Whether the template asks for the time of day, so that its text depends on `now`.
    #[getter]
    fn reads_clock(&self) -> bool {
        self.0.reads_clock()
    }

    /// Names of the variables that the template may take from outside, such as `messages` and `tools`.
    #[getter]
    fn variables(&self) -> Vec<&str> {
        self.0.variables().collect()
    }

    /// Whether the source carries `{% generation %}`.
    #[getter]
    fn has_generation(&self) -> bool {
        self.0.has_generation()
    }

    /// SHA-256 of source and special tokens, as 64 hexadecimal digits.
    #[getter]
    fn fingerprint(&self) -> String {
        self.0.fingerprint()
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((String,), Bound<'py, PyDict>)> {
        let kwargs = self.special_tokens(py)?;
        kwargs.set_item("name", self.0.name())?;
        kwargs.set_item("tool_use", self.0.tool_use())?;
        Ok(((self.0.source().to_owned(),), kwargs))
    }

    fn __repr__(&self) -> String {
        format!(
            "ChatTemplate({:?}, has_generation={})",
            self.0.name(),
            if self.0.has_generation() { "True" } else { "False" }
        )
    }
}
