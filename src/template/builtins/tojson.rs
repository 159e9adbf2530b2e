//! The filter `tojson` as transformers defines it: Python's `json.dumps` without escaping of non-ASCII text.

use std::cmp::Ordering;

use crate::python_text::{write_json_float, write_json_string};
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Object, Str, Text, Value, What, compare, repr, sorting};

/// How `json.dumps` lays its text out.
#[derive(Debug)]
struct Layout {
    ensure_ascii: bool,
    indent: Option<String>,
    item_separator: String,
    key_separator: String,
    sort_keys: bool,
    trace: bool,
}

/// `value|tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`, also by position.
pub(super) fn tojson<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [ensure_ascii, indent, separators, sort_keys] =
        args.bind("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"], 0)?;
    let is_true = |value: Option<Value<'d>>| value.is_some_and(|value| value.is_true());
    let indent = match indent {
        None | Some(Value::None) => None,
        Some(Value::Str(text)) => Some(text.to_string()),
        Some(Value::Bool(width)) => Some(" ".repeat(usize::from(width))),
        Some(Value::Int(width)) => {
            let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
            machine.charge_bytes(width)?;
            Some(" ".repeat(width))
        }
        Some(Value::Undefined(undefined)) => return Err(Raise::undefined(&undefined)),
        Some(other) => {
            let text = format!("can't multiply sequence by non-int of type '{}'", other.type_name());
            return Err(Raise::new(Exception::Type, text));
        }
    };
    let mut layout = Layout {
        ensure_ascii: is_true(ensure_ascii),
        item_separator: if indent.is_some() { ",".into() } else { ", ".into() },
        key_separator: ": ".into(),
        indent,
        sort_keys: is_true(sort_keys),
        trace: machine.traces(),
    };
    if let Some(separators) = separators.filter(|separators| !matches!(separators, Value::None)) {
        match machine.items(&separators)?.as_slice() {
            [Value::Str(item), Value::Str(key)] => {
                (layout.item_separator, layout.key_separator) = (item.to_string(), key.to_string());
            }
            _ => return Err(Raise::new(Exception::Value, "separators are two strings")),
        }
    }
    let mut writer = Writer { machine, layout: &layout, out: Text::default() };
    writer.value(&value, 0)?;
    let Writer { out, .. } = writer;
    machine.charge_bytes(out.text.len())?;
    Ok(Value::Str(Str::noted(out)))
}

struct Writer<'w, 'd> {
    machine: &'w mut Machine<'d>,
    layout: &'w Layout,
    out: Text,
}

impl<'d> Writer<'_, 'd> {
    fn value(&mut self, value: &Value<'d>, depth: usize) -> Run<()> {
        self.machine.charge_items(1)?;
        match value {
            Value::None => self.out.text.push_str("null"),
            Value::Bool(value) => self.out.text.push_str(if *value { "true" } else { "false" }),
            Value::Int(_) | Value::Big(_) => repr::write(&mut self.out.text, value),
            Value::Float(value) => {
                // Writing to a String cannot fail.
                let _ = write_json_float(&mut self.out.text, *value);
            }
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
                let pair = self.machine.items(value)?;
                self.items(pair.into_iter(), depth)?;
            }
            Value::Undefined(_) | Value::Object(_) => {
                let text = format!("Object of type {} is not JSON serializable", value.type_name());
                return Err(Raise::new(Exception::Type, text));
            }
        }
        Ok(())
    }

    fn items(&mut self, items: impl Iterator<Item = Value<'d>>, depth: usize) -> Run<()> {
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
            let verbatim = self.out.text[from..to] == **text && text.lasting().is_some();
            self.out.note(from, to, if verbatim { What::Copied(address) } else { What::Derived(address) });
        }
    }

    fn key(&mut self, key: &Value<'d>) -> Run<()> {
        match key {
            Value::Str(text) => self.string(text),
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => {
                self.out.text.push('"');
                self.value(key, 0)?;
                self.out.text.push('"');
            }
            other => {
                let text = format!("keys must be str, int, float, bool or None, not {}", other.type_name());
                return Err(Raise::new(Exception::Type, text));
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
