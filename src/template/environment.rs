//! The engine set up as transformers sets up Jinja2.

use chrono::Local;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

use super::generation::GenerationEdge;
use super::python_str::{trim, unknown_method};
use super::source::FIRST;
use super::tojson::tojson;
use crate::python_text::write_float;

/// Instructions that one render may take: seconds of work, far above what the longest real conversations need.
const FUEL: u64 = 200_000_000;

/// Marks the error of a `raise_exception`, so that the template's own refusal is known from a failure.
#[derive(Debug, thiserror::Error)]
#[error("raised by the template")]
pub(super) struct Raised;

/// An environment without a template.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_syntax(syntax());
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(format_value);
    environment.set_unknown_method_callback(unknown_method);
    environment.add_filter("tojson", tojson);
    environment.add_filter("trim", trim);
    environment.add_filter("length", length);
    environment.add_filter("count", length);
    environment.add_test("iterable", is_iterable);
    environment.add_test("sequence", is_sequence);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    environment.add_function(FIRST, |first: Value, _second: Value| first);
    environment.add_function("dict", dict);
    environment
}

/// How white space around blocks counts.
pub(super) fn syntax() -> SyntaxConfig {
    // The builder fails on delimiters only, and none are set.
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap_or_default()
}

fn format_value(out: &mut Output<'_>, _state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let written = if let Some(text) = value.as_str() {
        out.write_str(text)
    } else if let Some(edge) = value.downcast_object_ref::<GenerationEdge>() {
        edge.reached(out)
    } else if value.kind() == ValueKind::Number && !value.is_integer() {
        write_float(out, f64::try_from(value.clone())?)
    } else {
        write!(out, "{value}")
    };
    written.map_err(|_| Error::from(ErrorKind::WriteFailure))
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message).with_source(Raised))
}

fn strftime_now(format: &str) -> Result<String, Error> {
    use std::fmt::Write as _;
    let mut text = String::new();
    write!(text, "{}", Local::now().format(format)).map_err(|_| {
        Error::new(ErrorKind::InvalidOperation, format!("strftime_now cannot write the format {format:?}"))
    })?;
    Ok(text)
}

fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() {
        return Ok(0);
    }
    value.len().ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("object of type {} has no length", value.kind()))
    })
}

fn is_iterable(value: &Value) -> bool {
    !value.is_none() && value.try_iter().is_ok()
}

fn is_sequence(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map | ValueKind::Iterable)
        || value.is_undefined()
}

fn dict(pairs: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let mut entries: Vec<(Value, Value)> = Vec::new();
    if let Some(pairs) = pairs {
        let is_map = pairs.kind() == ValueKind::Map;
        for item in pairs.try_iter()?.checked() {
            let item = item?;
            entries.push(if is_map {
                let value = pairs.get_item(&item)?;
                (item, value)
            } else {
                (item.get_item_by_index(0)?, item.get_item_by_index(1)?)
            });
        }
    }
    for name in kwargs.args() {
        entries.push((Value::from(name), kwargs.get(name)?));
    }
    Ok(Value::from_pairs(entries))
}
