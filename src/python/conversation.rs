//! Arguments of Python calls as types of the core: conversations and times.

use chrono::NaiveDateTime;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::convert::{self, PinnedStrings};
use super::detach::attached;
use super::errors::{self, DataError};
use super::hooks;
use crate::data::Node;
use crate::rows::{Conversation, TemplateVariables};

/// The parts of a conversation, as Python passes them.
#[derive(Clone, Copy)]
pub(super) struct ConversationArgs<'a, 'py> {
    pub(super) messages: &'a Bound<'py, PyAny>,
    pub(super) tools: Option<&'a Bound<'py, PyAny>>,
    pub(super) documents: Option<&'a Bound<'py, PyAny>>,
    pub(super) variables: Option<&'a Bound<'py, PyDict>>,
}

/// A conversation of Python objects, whose strings `pinned` keeps alive. Python functions among the tools become their
/// JSON schemas.
pub(super) fn conversation<'h>(
    py: Python<'_>,
    pinned: &'h PinnedStrings,
    parts: ConversationArgs<'_, '_>,
) -> PyResult<Conversation<'h>> {
    attached(py, || {
        let variables = convert::fields(parts.variables.map(|dict| dict.as_any()), "variables")?;
        let variables = TemplateVariables::new(variables).map_err(|error| errors::to_python(py, error))?;
        let node = |object: &Bound<'_, PyAny>| convert::node(object, pinned);
        let optional = |object: Option<&Bound<'_, PyAny>>| object.map(node).transpose();
        let tools = match parts.tools {
            Some(tools) if has_function(tools) => Some(hooks::schemas_of(tools)?),
            tools => tools.cloned(),
        };
        let (messages, tools, documents) =
            (node(parts.messages)?, optional(tools.as_ref())?, optional(parts.documents)?);
        Conversation::new(messages)
            .and_then(|conversation| conversation.with_tools(tools))
            .and_then(|conversation| conversation.with_documents(documents))
            .map(|conversation| Conversation { shares_strings: true, ..conversation.with_variables(variables) })
            .map_err(|error| errors::to_python(py, error))
    })
}

fn has_function(tools: &Bound<'_, PyAny>) -> bool {
    let any = |mut tools: Box<dyn Iterator<Item = Bound<'_, PyAny>> + '_>| tools.any(|tool| tool.is_callable());
    tools.cast::<PyList>().is_ok_and(|tools| any(Box::new(tools.iter())))
        || tools.cast::<PyTuple>().is_ok_and(|tools| any(Box::new(tools.iter())))
}

/// A `datetime` without a time zone.
pub(super) fn time(now: Option<&Bound<'_, PyAny>>) -> PyResult<Option<NaiveDateTime>> {
    let Some(now) = now.filter(|now| !now.is_none()) else { return Ok(None) };
    let naive = now.getattr("tzinfo").is_ok_and(|zone| zone.is_none());
    let text: Option<String> = now.call_method0("isoformat").and_then(|text| text.extract()).ok();
    match text.and_then(|text| text.parse().ok()).filter(|_| naive) {
        Some(now) => Ok(Some(now)),
        None => Err(DataError::new_err(
            "`now` must be a datetime without a time zone, such as datetime.now(), because templates have no time zones",
        )),
    }
}

/// The `datetime` of `now`.
pub(super) fn python_time<'py>(py: Python<'py>, now: Option<NaiveDateTime>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(now) = now else { return Ok(None) };
    let text = now.format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    py.import("datetime")?.getattr("datetime")?.call_method1("fromisoformat", (text,)).map(Some)
}

/// A JSON value of the core as a Python object.
pub(super) fn python_value<'py>(py: Python<'py>, value: &Node<'_>) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (value.to_json(),))
}
