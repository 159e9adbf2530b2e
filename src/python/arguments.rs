//! What Python hands over with a call: the parts of a conversation, and a time.

use chrono::NaiveDateTime;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::convert::{self, Held};
use super::errors::{self, DataError};
use crate::conversation::{Conversation, Node};

/// A conversation from Python objects, whose strings `held` keeps. Functions among the tools become their schemas.
pub(super) fn conversation<'h>(
    py: Python<'_>,
    held: &'h Held,
    messages: &Bound<'_, PyAny>,
    tools: Option<&Bound<'_, PyAny>>,
    documents: Option<&Bound<'_, PyAny>>,
    variables: Option<&Bound<'_, PyDict>>,
) -> PyResult<Conversation<'h>> {
    let variables = convert::fields(variables.map(|dict| dict.as_any()), "variables")?;
    let node = |object: &Bound<'_, PyAny>| convert::node(object, held);
    let optional = |object: Option<&Bound<'_, PyAny>>| object.map(node).transpose();
    let tools = match tools {
        Some(tools) if has_function(tools) => {
            Some(py.import("chatmill.tool_schema")?.call_method1("schemas_of", (tools,))?)
        }
        tools => tools.cloned(),
    };
    let (messages, tools, documents) = (node(messages)?, optional(tools.as_ref())?, optional(documents)?);
    Conversation::new(messages)
        .and_then(|conversation| conversation.with_tools(tools))
        .and_then(|conversation| conversation.with_documents(documents))
        .and_then(|conversation| conversation.with_variables(Some(Node::Map(variables))))
        .map(|conversation| Conversation { shares_strings: true, ..conversation })
        .map_err(|error| errors::to_python(py, error))
}

fn has_function(tools: &Bound<'_, PyAny>) -> bool {
    tools.cast::<PyList>().is_ok_and(|tools| tools.iter().any(|tool| tool.is_callable()))
        || tools.cast::<pyo3::types::PyTuple>().is_ok_and(|tools| tools.iter().any(|tool| tool.is_callable()))
}

/// A `datetime` without a time zone.
pub(super) fn time(now: Option<&Bound<'_, PyAny>>) -> PyResult<Option<NaiveDateTime>> {
    let Some(now) = now.filter(|now| !now.is_none()) else { return Ok(None) };
    let naive = now.getattr("tzinfo").is_ok_and(|zone| zone.is_none());
    let text: Option<String> = now.call_method0("isoformat").and_then(|text| text.extract()).ok();
    match text.and_then(|text| text.parse().ok()).filter(|_| naive) {
        Some(now) => Ok(Some(now)),
        None => Err(DataError::new_err(
            "now must be a datetime without a time zone, as datetime.now() gives it: templates see no zone",
        )),
    }
}

/// The datetime of `now`.
pub(super) fn python_time<'py>(py: Python<'py>, now: Option<NaiveDateTime>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(now) = now else { return Ok(None) };
    let text = now.format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    py.import("datetime")?.getattr("datetime")?.call_method1("fromisoformat", (text,)).map(Some)
}
