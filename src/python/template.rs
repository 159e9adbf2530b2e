//! `chatmill.ChatTemplate`.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::errors::DataError;
use super::tokenizer::{dict, pairs};
use super::{convert, errors, gate};
use crate::conversation::{Conversation, Fields, Node};
use crate::template::{self, ChatTemplate, Request};

/// A compiled chat template.
///
/// Args:
///     source: The Jinja source.
///     name: What to call it in errors and reports.
///     special_tokens: Variables such as `bos_token="<s>"`.
///
/// Raises:
///     TemplateError: The source does not compile; the error names the line.
///
/// Example:
///     >>> template = chatmill.ChatTemplate("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
///     >>> template.render([{"role": "user", "content": "Hi"}])
///     'user: Hi\n'
#[pyclass(frozen, module = "chatmill._chatmill", name = "ChatTemplate")]
pub(super) struct PyChatTemplate(pub(super) Arc<ChatTemplate>);

/// A conversation from Python objects.
pub(super) fn conversation(
    py: Python<'_>,
    messages: &Bound<'_, PyAny>,
    tools: Option<&Bound<'_, PyAny>>,
    documents: Option<&Bound<'_, PyAny>>,
    variables: Fields<'static>,
) -> PyResult<Conversation<'static>> {
    let optional = |object: Option<&Bound<'_, PyAny>>| object.map(convert::node).transpose();
    if let Some(tools) = tools.and_then(|tools| tools.cast::<PyList>().ok())
        && tools.iter().any(|tool| tool.is_callable())
    {
        return Err(DataError::new_err(
            "a tool is a Python function; pass its JSON schema, such as transformers.utils.get_json_schema gives",
        ));
    }
    let (messages, tools, documents) = (convert::node(messages)?, optional(tools)?, optional(documents)?);
    Conversation::new(messages)
        .and_then(|conversation| conversation.with_tools(tools))
        .and_then(|conversation| conversation.with_documents(documents))
        .and_then(|conversation| conversation.with_variables(Some(Node::Map(variables))))
        .map_err(|error| errors::to_python(py, error))
}

#[pymethods]
impl PyChatTemplate {
    #[new]
    #[pyo3(signature = (source, *, name="chat_template", **special_tokens))]
    fn new(
        py: Python<'_>,
        source: &str,
        name: &str,
        special_tokens: Option<BTreeMap<String, String>>,
    ) -> PyResult<Self> {
        let tokens = pairs(special_tokens);
        gate::enter(py, |_| ChatTemplate::new(name, source, &tokens)).map(|inner| PyChatTemplate(Arc::new(inner)))
    }

    /// Loads from a folder, a file, a Hub id, or a transformers tokenizer. `name` picks one of several templates.
    #[staticmethod]
    #[pyo3(signature = (source, *, name=None))]
    fn from_pretrained(py: Python<'_>, source: &Bound<'_, PyAny>, name: Option<&str>) -> PyResult<Self> {
        let found = py.import("chatmill.sources")?.call_method1("load_template", (source, name))?;
        let text: String = found.getattr("source")?.extract()?;
        let name: String = found.getattr("name")?.extract()?;
        PyChatTemplate::new(py, &text, &name, Some(found.getattr("special_tokens")?.extract()?))
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
    ///     tools: A list of JSON schemas, or None.
    ///     documents: A list of dicts, or None.
    ///     add_generation_prompt: Whether the text shall end in the prompt for the next assistant turn.
    ///     variables: Further template variables; they win over special tokens.
    ///
    /// Raises:
    ///     TemplateError: The template fails; the error names the message and the template line.
    ///     DataError: The messages do not have the form of messages.
    #[pyo3(signature = (messages, tools=None, documents=None, add_generation_prompt=false, **variables))]
    fn render(
        &self,
        py: Python<'_>,
        messages: &Bound<'_, PyAny>,
        tools: Option<&Bound<'_, PyAny>>,
        documents: Option<&Bound<'_, PyAny>>,
        add_generation_prompt: bool,
        variables: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<String> {
        let variables = convert::fields(variables.map(|dict| dict.as_any()), "variables")?;
        if variables.iter().any(|(name, _)| name == "continue_final_message") {
            // As a variable it would be passed over in silence.
            return Err(DataError::new_err("continue_final_message is not there yet; cut the text behind the message"));
        }
        let conversation = conversation(py, messages, tools, documents, variables)?;
        gate::enter(py, |_| {
            let request = Request { conversation: &conversation, variables: &Vec::new(), add_generation_prompt };
            self.0.text(request)
        })
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
