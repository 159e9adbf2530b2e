//! The filter `tojson` as transformers defines it: Python's `json.dumps` without escaping of non-ASCII text.

use std::fmt::Write;

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Error, ErrorKind, Value};

use crate::python_text::{write_json_float, write_json_string};

/// How `json.dumps` lays its text out.
#[derive(Debug, Default)]
struct Layout {
    ensure_ascii: bool,
    indent: Option<String>,
    item_separator: String,
    key_separator: String,
    sort_keys: bool,
}

/// `value|tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`, also by position.
pub(super) fn tojson(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let argument = |position: usize, name: &str| -> Result<Option<Value>, Error> {
        let by_name: Option<Value> = if kwargs.has(name) { Some(kwargs.get(name)?) } else { None };
        Ok(args.get(position).cloned().or(by_name).filter(|value| !value.is_none()))
    };
    let mut layout = Layout::default();
    if let Some(value) = argument(0, "ensure_ascii")? {
        layout.ensure_ascii = value.is_true();
    }
    if let Some(value) = argument(1, "indent")? {
        layout.indent = Some(match value.as_str() {
            Some(text) => text.to_owned(),
            None => " ".repeat(usize::try_from(i64::try_from(value)?.max(0)).unwrap_or(0)),
        });
    }
    let separators = argument(2, "separators")?;
    if let Some(value) = argument(3, "sort_keys")? {
        layout.sort_keys = value.is_true();
    }
    kwargs.assert_all_used()?;
    layout.item_separator = if layout.indent.is_some() { ",".into() } else { ", ".into() };
    layout.key_separator = ": ".into();
    if let Some(separators) = separators {
        let text = |index| separators.get_item_by_index(index).map(|value| value.to_string());
        (layout.item_separator, layout.key_separator) = (text(0)?, text(1)?);
    }
    let mut out = String::new();
    write_value(&mut out, value, &layout, 0)?;
    Ok(Value::from(out))
}

fn not_serializable(value: &Value) -> Error {
    let kind = if value.is_undefined() { "Undefined".to_owned() } else { value.kind().to_string() };
    Error::new(ErrorKind::InvalidOperation, format!("Object of type {kind} is not JSON serializable"))
}

fn write_value(out: &mut String, value: &Value, layout: &Layout, depth: usize) -> Result<(), Error> {
    match value.kind() {
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => write_number(out, value)?,
        ValueKind::String => write_json_string(out, value.as_str().unwrap_or_default(), layout.ensure_ascii),
        ValueKind::Seq | ValueKind::Iterable => {
            let mut items = value.try_iter()?.checked().peekable();
            if items.peek().is_none() {
                out.push_str("[]");
                return Ok(());
            }
            out.push('[');
            let mut first = true;
            for item in items {
                separate(out, layout, depth + 1, &mut first);
                write_value(out, &item?, layout, depth + 1)?;
            }
            close(out, layout, depth, ']');
        }
        ValueKind::Map => {
            let mut keys = value.try_iter()?.checked().collect::<Result<Vec<Value>, Error>>()?;
            if keys.is_empty() {
                out.push_str("{}");
                return Ok(());
            }
            if layout.sort_keys {
                keys.sort();
            }
            out.push('{');
            let mut first = true;
            for key in keys {
                separate(out, layout, depth + 1, &mut first);
                write_key(out, &key, layout)?;
                out.push_str(&layout.key_separator);
                write_value(out, &value.get_item(&key)?, layout, depth + 1)?;
            }
            close(out, layout, depth, '}');
        }
        _ => return Err(not_serializable(value)),
    }
    Ok(())
}

fn separate(out: &mut String, layout: &Layout, depth: usize, first: &mut bool) {
    if !*first {
        out.push_str(&layout.item_separator);
    }
    *first = false;
    new_line(out, layout, depth);
}

fn close(out: &mut String, layout: &Layout, depth: usize, bracket: char) {
    new_line(out, layout, depth);
    out.push(bracket);
}

fn new_line(out: &mut String, layout: &Layout, depth: usize) {
    if let Some(indent) = &layout.indent {
        out.push('\n');
        for _ in 0..depth {
            out.push_str(indent);
        }
    }
}

fn write_number(out: &mut String, value: &Value) -> Result<(), Error> {
    if value.is_integer() {
        return write!(out, "{value}").map_err(|_| not_serializable(value));
    }
    let float = f64::try_from(value.clone())?;
    write_json_float(out, float).map_err(|_| not_serializable(value))
}

fn write_key(out: &mut String, key: &Value, layout: &Layout) -> Result<(), Error> {
    match key.kind() {
        ValueKind::String => write_json_string(out, key.as_str().unwrap_or_default(), layout.ensure_ascii),
        ValueKind::None | ValueKind::Bool | ValueKind::Number => {
            out.push('"');
            write_value(out, key, layout, 0)?;
            out.push('"');
        }
        _ => {
            return Err(Error::new(ErrorKind::InvalidOperation, "keys must be str, int, float, bool or None"));
        }
    }
    Ok(())
}
