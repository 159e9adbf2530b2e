//! The filter `tojson` as transformers defines it: Python's `json.dumps`, without escapes for text outside ASCII.

use std::cmp::Ordering;

use super::filters::is_set;
use crate::ops::{compare, sorting};
use crate::provenance::{Provenance, Str, Text};
use crate::runtime::{Arguments, EvalResult, Interpreter, Object, PyError, PyErrorKind, Value, repr};
use crate::text::float::write_json_float;
use crate::text::json::write_json_string;

/// The layout of the text.
#[derive(Debug)]
struct JsonLayout {
    ensure_ascii: bool,
    indent: Option<String>,
    item_separator: String,
    key_separator: String,
    sort_keys: bool,
    /// Whether to add spans for strings of the input.
    trace: bool,
}

/// `value|tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`, by name or by place.
pub(super) fn tojson<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [ensure_ascii, indent, separators, sort_keys] =
        args.bind("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"], 0)?;
    let indent = match indent {
        None | Some(Value::None) => None,
        Some(Value::Str(text)) => Some(text.to_string()),
        Some(Value::Bool(width)) => Some(" ".repeat(usize::from(width))),
        Some(Value::Int(width)) => {
            let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
            interpreter.charge_bytes(width)?;
            Some(" ".repeat(width))
        }
        Some(Value::Undefined(undefined)) => return Err(PyError::undefined(&undefined)),
        Some(other) => {
            let text = format!("can't multiply sequence by non-int of type '{}'", other.type_name());
            return Err(PyError::new(PyErrorKind::Type, text));
        }
    };
    let mut layout = JsonLayout {
        ensure_ascii: is_set(ensure_ascii),
        item_separator: if indent.is_some() { ",".into() } else { ", ".into() },
        key_separator: ": ".into(),
        indent,
        sort_keys: is_set(sort_keys),
        trace: interpreter.tracked().input,
    };
    if let Some(separators) = separators.filter(|separators| !matches!(separators, Value::None)) {
        match interpreter.items(&separators)?.as_slice() {
            [Value::Str(item), Value::Str(key)] => {
                (layout.item_separator, layout.key_separator) = (item.to_string(), key.to_string());
            }
            _ => return Err(PyError::new(PyErrorKind::Value, "`separators` must be two strings")),
        }
    }
    let mut writer = JsonWriter { interpreter, layout: &layout, out: Text::default() };
    writer.value(&value, 0)?;
    let JsonWriter { out, .. } = writer;
    interpreter.charge_bytes(out.text.len())?;
    Ok(Value::Str(Str::from_text(out)))
}

struct JsonWriter<'w, 'd> {
    interpreter: &'w mut Interpreter<'d>,
    layout: &'w JsonLayout,
    out: Text,
}

impl<'d> JsonWriter<'_, 'd> {
    fn value(&mut self, value: &Value<'d>, depth: usize) -> EvalResult<()> {
        self.interpreter.charge_items(1)?;
        match value {
            Value::None => self.out.text.push_str("null"),
            Value::Bool(value) => self.out.text.push_str(if *value { "true" } else { "false" }),
            Value::Int(_) | Value::Big(_) => repr::write(&mut self.out.text, value),
            // Writing to a String cannot fail.
            Value::Float(value) => drop(write_json_float(&mut self.out.text, *value)),
            Value::Str(text) => self.string(text),
            Value::List(list) => self.items(list.iter(), depth)?,
            Value::Tuple(items) => self.items(items.iter().cloned(), depth)?,
            Value::Dict(dict) => {
                let mut entries: Vec<_> = dict.entries().collect();
                if entries.is_empty() {
                    self.out.text.push_str("{}");
                    return Ok(());
                }
                if self.layout.sort_keys {
                    entries = sorting::sorted(entries, &mut |left, right| {
                        compare::order(&left.0, &right.0, "<").map(|order| order == Some(Ordering::Less))
                    })?;
                }
                self.out.text.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.separate(index, depth + 1);
                    self.key(key)?;
                    self.out.text.push_str(&self.layout.key_separator);
                    self.value(value, depth + 1)?;
                }
                self.new_line(depth);
                self.out.text.push('}');
            }
            Value::Object(object) if matches!(&**object, Object::Group(_)) => {
                let pair = self.interpreter.items(value)?;
                self.items(pair.into_iter(), depth)?;
            }
            Value::Undefined(_) | Value::Object(_) => {
                let text = format!("Object of type {} is not JSON serializable", value.type_name());
                return Err(PyError::new(PyErrorKind::Type, text));
            }
        }
        Ok(())
    }

    fn items(&mut self, items: impl Iterator<Item = Value<'d>>, depth: usize) -> EvalResult<()> {
        let mut any = false;
        for (index, item) in items.enumerate() {
            if !any {
                self.out.text.push('[');
            }
            any = true;
            self.separate(index, depth + 1);
            self.value(&item, depth + 1)?;
        }
        if any {
            self.new_line(depth);
            self.out.text.push(']');
        } else {
            self.out.text.push_str("[]");
        }
        Ok(())
    }

    fn string(&mut self, text: &Str<'d>) {
        let start = self.out.text.len();
        write_json_string(&mut self.out.text, text, self.layout.ensure_ascii);
        let (from, to) = (start + 1, self.out.text.len() - 1);
        if let (true, Some(address)) = (self.layout.trace, text.address()) {
            let verbatim = self.out.text[from..to] == **text && text.borrowed().is_some();
            let provenance = if verbatim { Provenance::Copied(address) } else { Provenance::Derived(address) };
            self.out.add_span(from, to, provenance);
        }
    }

    fn key(&mut self, key: &Value<'d>) -> EvalResult<()> {
        match key {
            Value::Str(text) => self.string(text),
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => {
                self.out.text.push('"');
                self.value(key, 0)?;
                self.out.text.push('"');
            }
            other => {
                let text = format!("keys must be str, int, float, bool or None, not {}", other.type_name());
                return Err(PyError::new(PyErrorKind::Type, text));
            }
        }
        Ok(())
    }

    fn separate(&mut self, index: usize, depth: usize) {
        if index > 0 {
            self.out.text.push_str(&self.layout.item_separator);
        }
        self.new_line(depth);
    }

    fn new_line(&mut self, depth: usize) {
        if let Some(indent) = &self.layout.indent {
            self.out.text.push('\n');
            for _ in 0..depth {
                self.out.text.push_str(indent);
            }
        }
    }
}
