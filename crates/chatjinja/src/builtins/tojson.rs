//! The filter `tojson` as transformers defines it: Python's `json.dumps`, without escapes for text outside ASCII.

use std::cmp::Ordering;

use super::filters::is_set;
use crate::ops::{compare, sorting};
use crate::provenance::{Provenance, Str};
use crate::runtime::{Arguments, BoundedText, EvalResult, Interpreter, Object, PyError, PyErrorKind, Value, repr};
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
    let mut writer = JsonWriter { layout: &layout, out: BoundedText::new(&interpreter.budget) };
    writer.value(&value, 0)?;
    writer.out.finish().map(|text| Value::Str(Str::from_text(text)))
}

struct JsonWriter<'w, 'd> {
    layout: &'w JsonLayout,
    out: BoundedText<'w, 'd>,
}

impl<'d> JsonWriter<'_, 'd> {
    fn value(&mut self, value: &Value<'d>, depth: usize) -> EvalResult<()> {
        self.out.budget.spend(1)?;
        self.out.grown()?;
        match value {
            Value::None => self.out.push("null")?,
            Value::Bool(value) => self.out.push(if *value { "true" } else { "false" })?,
            Value::Int(_) | Value::Big(_) => repr::write(&mut self.out, value)?,
            // Writing to a String cannot fail.
            Value::Float(value) => drop(write_json_float(&mut self.out.short().text, *value)),
            Value::Str(text) => self.string(text)?,
            Value::List(list) => self.items(list.iter(), depth)?,
            Value::Tuple(items) => self.items(items.iter().cloned(), depth)?,
            Value::Dict(dict) => {
                if dict.len() == 0 {
                    return self.out.push("{}");
                }
                self.out.budget.items(dict.len() * 2)?;
                let mut entries: Vec<_> = dict.entries().collect();
                if self.layout.sort_keys {
                    let budget = self.out.budget;
                    budget.items(dict.len() * 2)?;
                    entries = sorting::sorted(entries, &mut |left, right| {
                        compare::order(budget, &left.0, &right.0, "<").map(|order| order == Some(Ordering::Less))
                    })?;
                }
                self.out.push("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.separate(index, depth + 1)?;
                    self.key(key)?;
                    self.out.push(&self.layout.key_separator)?;
                    self.value(value, depth + 1)?;
                }
                self.new_line(depth)?;
                self.out.push("}")?;
            }
            Value::Undefined(_) => return Err(not_serializable(value)),
            Value::Object(object) => match &**object {
                Object::Group(pair) => self.items(pair.iter().cloned(), depth)?,
                _ => return Err(not_serializable(value)),
            },
        }
        Ok(())
    }

    fn items(&mut self, items: impl Iterator<Item = Value<'d>>, depth: usize) -> EvalResult<()> {
        let mut any = false;
        for (index, item) in items.enumerate() {
            if !any {
                self.out.push("[")?;
            }
            any = true;
            self.separate(index, depth + 1)?;
            self.value(&item, depth + 1)?;
        }
        if any {
            self.new_line(depth)?;
            self.out.push("]")
        } else {
            self.out.push("[]")
        }
    }

    fn string(&mut self, text: &Str<'d>) -> EvalResult<()> {
        self.out.before_escaped(text)?;
        let out = self.out.short();
        let start = out.text.len();
        write_json_string(&mut out.text, text, self.layout.ensure_ascii);
        let (from, to) = (start + 1, out.text.len() - 1);
        if let (true, Some(address)) = (self.layout.trace, text.address()) {
            let verbatim = out.text[from..to] == **text && text.borrowed().is_some();
            let provenance = if verbatim { Provenance::Copied(address) } else { Provenance::Derived(address) };
            out.add_span(from, to, provenance);
        }
        Ok(())
    }

    fn key(&mut self, key: &Value<'d>) -> EvalResult<()> {
        match key {
            Value::Str(text) => self.string(text)?,
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => {
                self.out.push("\"")?;
                self.value(key, 0)?;
                self.out.push("\"")?;
            }
            other => {
                let text = format!("keys must be str, int, float, bool or None, not {}", other.type_name());
                return Err(PyError::new(PyErrorKind::Type, text));
            }
        }
        Ok(())
    }

    fn separate(&mut self, index: usize, depth: usize) -> EvalResult<()> {
        if index > 0 {
            self.out.push(&self.layout.item_separator)?;
        }
        self.new_line(depth)
    }

    fn new_line(&mut self, depth: usize) -> EvalResult<()> {
        if let Some(indent) = &self.layout.indent {
            self.out.push("\n")?;
            for _ in 0..depth {
                self.out.push(indent)?;
            }
        }
        Ok(())
    }
}

fn not_serializable(value: &Value<'_>) -> PyError {
    PyError::new(PyErrorKind::Type, format!("Object of type {} is not JSON serializable", value.type_name()))
}
