//! `chatmill.ChatTemplate`.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};

use super::arrow::{ArrowInput, Table};
use super::conversation::{ConversationArgs, conversation, time};
use super::convert::{self, PinnedStrings};
use super::detach::{attached, detach};
use super::encoding::{PyRegion, python_regions};
use super::errors;
use super::hooks;
use super::limits::{limits_dict, limits_option};
use super::text_batch::PyTextBatch;
use super::tokenizer::{dict, pairs};
use crate::attribution::Attributor;
use crate::batch::{BatchRequest, render_batches};
use crate::data::RowLayout;
use crate::error::Result;
use crate::rows::TemplateVariables;
use crate::template::{self, ChatTemplate, Request};

/// A compiled chat template.
///
/// Args:
///     source: The Jinja source.
///     name: The name of the template in reports and errors.
///     tool_use: The source for conversations with tools, if they have a separate one.
///     limits: What one render may use, as a dict: `steps` of work, bytes of `memory`, `depth` of calls and of nested
///         values, and bytes of `output`. A limit that is left out has its default: 25 million, 256 MiB, 200, 128 MiB.
///     special_tokens: Special tokens as template variables, such as `bos_token="<s>"`.
///
/// Raises:
///     TemplateError: The source does not compile; the error shows the line.
///     DataError: A limit is unknown, or not a number in its range.
///
/// Example:
///     >>> template = chatmill.ChatTemplate("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
///     >>> template.render([{"role": "user", "content": "Hi"}])
///     'user: Hi\n'
#[pyclass(frozen, module = "chatmill._chatmill", name = "ChatTemplate")]
pub(super) struct PyChatTemplate(Arc<Attributor>);

impl PyChatTemplate {
    fn of(template: ChatTemplate) -> Self {
        PyChatTemplate(Arc::new(Attributor::new(Arc::new(template))))
    }

    /// The template of a mill, with the profiles that the mill learned.
    pub(super) fn sharing(attributor: &Arc<Attributor>) -> Self {
        PyChatTemplate(Arc::clone(attributor))
    }

    /// The template.
    pub(super) fn inner(&self) -> Arc<ChatTemplate> {
        Arc::clone(self.0.template())
    }

    fn template(&self) -> &ChatTemplate {
        self.0.template()
    }
}

/// Runs `work` without the GIL, with a request for the conversation of Python objects.
fn with_request<T: Send>(
    py: Python<'_>,
    parts: ConversationArgs<'_, '_>,
    add_generation_prompt: bool,
    now: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(Request<'_, '_>) -> Result<T> + Send,
) -> PyResult<T> {
    let pinned = PinnedStrings::default();
    let conversation = conversation(py, &pinned, parts)?;
    let now = time(now)?;
    detach(py, |_| {
        let none = TemplateVariables::default();
        work(Request { add_generation_prompt, now, ..Request::of(&conversation, &none) })
    })
}

#[pymethods]
impl PyChatTemplate {
    #[new]
    #[pyo3(signature = (source, *, name="chat_template", tool_use=None, limits=None, **special_tokens))]
    fn new(
        py: Python<'_>,
        source: &str,
        name: &str,
        tool_use: Option<&str>,
        limits: Option<&Bound<'_, PyAny>>,
        special_tokens: Option<BTreeMap<String, String>>,
    ) -> PyResult<Self> {
        let limits = limits_option(limits)?.unwrap_or_default();
        let tokens = pairs(special_tokens);
        detach(py, |_| {
            let template = ChatTemplate::new(name, source, &tokens)?.with_limits(limits);
            match tool_use {
                Some(tool_use) => template.with_tool_use(tool_use),
                None => Ok(template),
            }
        })
        .map(PyChatTemplate::of)
    }

    /// Loads a template as transformers finds it.
    ///
    /// Args:
    ///     source: A folder, a `.jinja` file, Jinja source, a Hub id, or a transformers tokenizer or processor.
    ///     name: The template to load if there are several. Without it, conversations with tools use `tool_use` and all
    ///         others `default`.
    ///     fallback: The named template to use if the source has none; see `ChatTemplate.names()`.
    ///     limits: As for `ChatTemplate`.
    ///
    /// Raises:
    ///     TemplateError: There is no template, or it does not compile.
    #[staticmethod]
    #[pyo3(signature = (source, *, name=None, fallback=None, limits=None))]
    fn from_pretrained(
        py: Python<'_>,
        source: &Bound<'_, PyAny>,
        name: Option<&str>,
        fallback: Option<&str>,
        limits: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let found = hooks::load_template(source, name, fallback)?;
        let tokens: Option<BTreeMap<String, String>> = Some(found.getattr("special_tokens")?.extract()?);
        if let Some(library) = found.getattr("library")?.extract::<Option<String>>()? {
            return PyChatTemplate::named(py, &library, limits, tokens);
        }
        let text: String = found.getattr("source")?.extract()?;
        let name: String = found.getattr("name")?.extract()?;
        let tool_use: Option<String> = found.getattr("tool_use")?.extract()?;
        PyChatTemplate::new(py, &text, &name, tool_use.as_deref(), limits, tokens)
    }

    /// A template of the library, with its default special tokens or those given here.
    #[staticmethod]
    #[pyo3(signature = (name, *, limits=None, **special_tokens))]
    fn named(
        py: Python<'_>,
        name: &str,
        limits: Option<&Bound<'_, PyAny>>,
        special_tokens: Option<BTreeMap<String, String>>,
    ) -> PyResult<Self> {
        let limits = limits_option(limits)?.unwrap_or_default();
        let tokens = pairs(special_tokens);
        detach(py, |_| Ok(template::named(name, &tokens)?.with_limits(limits))).map(PyChatTemplate::of)
    }

    /// The names of the templates in the library.
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
    ///     add_generation_prompt: Whether the text ends with the prompt for the next assistant turn.
    ///     continue_final_message: True ends the text where the content of the last message ends, so that a model
    ///         continues it; the name of a field ends it where that field ends.
    ///     now: The time that `strftime_now` prints, a datetime without a time zone; None for the clock.
    ///     variables: Further template variables. They replace special tokens of the same names.
    ///
    /// Raises:
    ///     TemplateError: The template fails; the error names the message, the template line and the expression.
    ///     DataError: The messages are not valid.
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
        let continued: Option<String> = match continue_final_message {
            None => None,
            Some(flag) => match flag.cast::<PyBool>() {
                Ok(flag) => flag.is_true().then(|| "content".to_owned()),
                Err(_) => flag.extract::<Option<String>>()?.filter(|field| !field.is_empty()),
            },
        };
        let parts = ConversationArgs { messages, tools, documents, variables };
        with_request(py, parts, add_generation_prompt, now, |request| match &continued {
            Some(field) => self.template().continued(request, field),
            None => self.template().text(request),
        })
    }

    /// The texts of all rows of a batch, without the GIL.
    ///
    /// Args:
    ///     batch: Anything with `__arrow_c_stream__` or `__arrow_c_array__`, or a `datasets.Dataset`. Columns as for
    ///         `Mill`.
    ///     json_column: Read each row from this column of strings or bytes instead, as one JSON object.
    ///     add_generation_prompt: Whether the texts end with the prompt for the next assistant turn.
    ///     chat_template_kwargs: Template variables for every row. The variables of a row replace those of the same names.
    ///     now: The time that `strftime_now` prints; None for the clock.
    ///
    /// Returns:
    ///     A `TextBatch` with one row for each row of the input, in the same order.
    ///
    /// Raises:
    ///     RowError: The template fails on a row; the error names the first one.
    ///     DataError: The batch lacks a column, or cannot be read.
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
        let (input, json_column) = ArrowInput::rows(batch, json_column)?;
        let variables = attached(py, || convert::fields(chat_template_kwargs, "chat_template_kwargs"))?;
        let variables = TemplateVariables::new(variables).map_err(|error| errors::to_python(py, error))?;
        let request = BatchRequest { variables, add_generation_prompt, now: time(now)? };
        let layout = json_column.as_deref().map_or(RowLayout::Columns, RowLayout::Json);
        detach(py, |interrupted| render_batches(self.template(), &mut *input.batches()?, layout, &request, interrupted))
            .map(|batches| PyTextBatch(Table(batches)))
    }

    /// The regions of the text of a conversation: the message and the part of the message that each span comes from.
    ///
    /// Args:
    ///     messages, tools, documents, now, variables: As for `render`.
    ///
    /// Returns:
    ///     Regions that cover the text without gaps, with positions in characters.
    ///
    /// Raises:
    ///     TemplateError: The template fails.
    ///
    /// A message whose labels cannot be verified has regions here too; `mill.encode` rejects it.
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
        let parts = ConversationArgs { messages, tools, documents, variables };
        with_request(py, parts, add_generation_prompt, now, |request| {
            let (text, attributed) = self.0.regions(request)?;
            Ok(python_regions(&text, &attributed?.regions, &request.conversation.roles()))
        })
    }

    /// The keys of messages that the template reads while it renders a conversation; the value says whether any message
    /// has the key.
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
        let parts = ConversationArgs { messages, tools, documents, variables };
        with_request(py, parts, add_generation_prompt, now, |request| {
            Ok(self.template().keys_read(request)?.into_iter().collect())
        })
    }

    /// Checks the template for errors and for problems in training.
    ///
    /// Args:
    ///     data: Rows to check it with: dicts with `messages`, and optionally `tools` and other fields of a row.
    ///     tools: Tools for the test conversations; None for invented ones.
    ///     tokenizer: A `Tokenizer`, to check that stop tokens are single tokens.
    ///     now: The time that `strftime_now` prints.
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
        hooks::lint_template(slf.as_any(), &options)
    }

    /// The same template with further special tokens. They replace special tokens of the same names.
    #[pyo3(signature = (**special_tokens))]
    fn with_special_tokens(&self, py: Python<'_>, special_tokens: Option<BTreeMap<String, String>>) -> PyResult<Self> {
        let tokens = pairs(special_tokens);
        detach(py, |_| self.template().with_special_tokens(&tokens)).map(PyChatTemplate::of)
    }

    /// The name of the template in reports and errors.
    #[getter]
    fn name(&self) -> &str {
        self.template().name()
    }

    /// The Jinja source.
    #[getter]
    fn source(&self) -> &str {
        self.template().source()
    }

    /// The special tokens that are template variables.
    #[getter]
    fn special_tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, self.template().special_tokens())
    }

    /// The limits on one render; see `ChatTemplate`.
    #[getter]
    fn limits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        limits_dict(py, self.template())
    }

    /// The source for conversations with tools, or None if they have no separate one.
    #[getter]
    fn tool_use(&self) -> Option<&str> {
        self.template().tool_use()
    }

    /// Whether the template reads the clock, so that its text depends on `now`.
    #[getter]
    fn reads_clock(&self) -> bool {
        self.template().reads_clock()
    }

    /// The names of the variables that the template may read, such as `messages` and `tools`.
    #[getter]
    fn variables(&self) -> Vec<&str> {
        self.template().variables().collect()
    }

    /// Whether the source has `{% generation %}` tags.
    #[getter]
    fn has_generation(&self) -> bool {
        self.template().has_generation()
    }

    /// SHA-256 of source and special tokens, as 64 hexadecimal digits.
    #[getter]
    fn fingerprint(&self) -> String {
        self.template().fingerprint()
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((String,), Bound<'py, PyDict>)> {
        let kwargs = self.special_tokens(py)?;
        kwargs.set_item("name", self.template().name())?;
        kwargs.set_item("tool_use", self.template().tool_use())?;
        kwargs.set_item("limits", self.limits(py)?)?;
        Ok(((self.template().source().to_owned(),), kwargs))
    }

    fn __repr__(&self) -> String {
        format!(
            "ChatTemplate({:?}, has_generation={})",
            self.template().name(),
            if self.template().has_generation() { "True" } else { "False" }
        )
    }
}
