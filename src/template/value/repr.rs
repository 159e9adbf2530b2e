//! `str(value)` and `repr(value)` as Python writes them.

use std::fmt::Write as _;

use unicode_general_category::{GeneralCategory, get_general_category};

use super::{Function, Kind, Object, Str, Text, Value, ViewKind, What};
use crate::python_text::write_float;
use crate::template::run::{Machine, Run};

/// `str(value)`, with what is known of its parts where it is a string already.
pub(crate) fn to_str<'d>(machine: &mut Machine<'d>, value: &Value<'d>) -> Run<Str<'d>> {
    Ok(match value {
        Value::Str(text) => text.clone(),
        Value::Undefined(_) => Str::fixed(""),
        Value::None => Str::fixed("None"),
        Value::Bool(true) => Str::fixed("True"),
        Value::Bool(false) => Str::fixed("False"),
        other => {
            let mut writer = Writer { out: Text::default(), trace: machine.traces() };
            writer.value(other);
            machine.charge_bytes(writer.out.text.len())?;
            Str::noted(writer.out)
        }
    })
}

/// `repr(value)`, shortened for messages.
pub(crate) fn brief(value: &Value<'_>) -> String {
    let mut text = String::new();
    write(&mut text, value);
    if text.chars().count() > 80 {
        text = text.chars().take(79).collect::<String>() + "…";
    }
    text
}

/// `repr(value)`.
pub(crate) fn write(out: &mut String, value: &Value<'_>) {
    let mut writer = Writer { out: Text { text: std::mem::take(out), notes: Vec::new() }, trace: false };
    writer.value(value);
    *out = writer.out.text;
}

struct Writer {
    out: Text,
    /// Whether to note which strings of the row are written where.
    trace: bool,
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.out.text.push_str(text);
    }

    fn format(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.text.write_fmt(text);
    }

    fn value(&mut self, value: &Value<'_>) {
        match value {
            Value::Undefined(_) => self.push("Undefined"),
            Value::None => self.push("None"),
            Value::Bool(value) => self.push(if *value { "True" } else { "False" }),
            Value::Int(value) => self.format(format_args!("{value}")),
            Value::Big(value) => self.format(format_args!("{value}")),
            Value::Float(value) => {
                let _ = write_float(&mut self.out.text, *value);
            }
            Value::Str(text) if text.is_markup() => {
                self.push("Markup(");
                self.string(text);
                self.push(")");
            }
            Value::Str(text) => self.string(text),
            Value::List(list) => {
                self.push("[");
                self.items(list.iter());
                self.push("]");
            }
            Value::Tuple(items) => {
                self.push("(");
                self.items(items.iter().cloned());
                self.push(if items.len() == 1 { ",)" } else { ")" });
            }
            Value::Dict(dict) => {
                self.push("{");
                for (index, (key, value)) in dict.entries().enumerate() {
                    self.push(if index > 0 { ", " } else { "" });
                    self.value(&key);
                    self.push(": ");
                    self.value(&value);
                }
                self.push("}");
            }
            Value::Object(object) => self.object(object),
        }
    }

    fn items<'d>(&mut self, items: impl Iterator<Item = Value<'d>>) {
        for (index, item) in items.enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            self.value(&item);
        }
    }

    fn string(&mut self, text: &Str<'_>) {
        let start = self.out.text.len() + 1;
        write_quoted(&mut self.out.text, text);
        let end = self.out.text.len() - 1;
        if let (true, Some(address)) = (self.trace, text.address()) {
            let verbatim = text.lasting().is_some() && self.out.text[start..end] == **text;
            self.out.note(start, end, if verbatim { What::Copied(address) } else { What::Derived(address) });
        }
    }

    /// Python prints the address of objects without a form of their own; here it is always the same.
    fn object(&mut self, object: &Object<'_>) {
        match object {
            Object::Range { start, stop, step: 1 } => self.format(format_args!("range({start}, {stop})")),
            Object::Range { start, stop, step } => self.format(format_args!("range({start}, {stop}, {step})")),
            Object::Namespace(attributes) => {
                self.push("<Namespace {");
                for (index, (name, value)) in attributes.borrow().iter().enumerate() {
                    self.push(if index > 0 { ", " } else { "" });
                    write_quoted(&mut self.out.text, name);
                    self.push(": ");
                    self.nested(value);
                }
                self.push("}>");
            }
            Object::View(kind, dict) => {
                self.push(match kind {
                    ViewKind::Keys => "dict_keys([",
                    ViewKind::Values => "dict_values([",
                    ViewKind::Items => "dict_items([",
                });
                self.items(dict.entries().map(|(key, value)| match kind {
                    ViewKind::Keys => key,
                    ViewKind::Values => value,
                    ViewKind::Items => Value::tuple(vec![key, value]),
                }));
                self.push("])");
            }
            Object::Macro(value) => self.format(format_args!("<Macro {}>", quoted(&value.code.name))),
            Object::Function(function) => self.format(format_args!("<function {}>", function_name(*function))),
            Object::Method(owner, name) => {
                self.format(format_args!("<built-in method {name} of {} object at 0x7f0000000000>", owner.type_name()));
            }
            Object::Loop(state) => {
                self.format(format_args!("<LoopContext {}/{}>", state.index.get() + 1, state.items.borrow().len()));
            }
            Object::Group(pair) => {
                self.push("(");
                self.items(pair.iter().cloned());
                self.push(")");
            }
            Object::Template => self.push("<TemplateReference None>"),
            Object::Generator(generator) if object.kind() == Kind::Generator => {
                self.format(format_args!("<generator object {} at 0x7f0000000000>", generator.name));
            }
            Object::Generator(generator) => self.format(format_args!("<{} object at 0x7f0000000000>", generator.name)),
            other => self.format(format_args!("<{} object at 0x7f0000000000>", other.kind().name())),
        }
    }

    /// A value inside a namespace, which may be that namespace.
    fn nested(&mut self, value: &Value<'_>) {
        match value {
            Value::Object(object) if matches!(&**object, Object::Namespace(_)) => self.push("<Namespace {...}>"),
            other => self.value(other),
        }
    }
}

/// What Python calls a function in messages.
pub(crate) fn function_name(function: Function) -> &'static str {
    match function {
        Function::Range => "range",
        Function::Dict => "dict",
        Function::DictFromKeys => "fromkeys",
        Function::Namespace => "namespace",
        Function::RaiseException => "raise_exception",
        Function::StrftimeNow => "strftime_now",
        Function::Cycler => "cycler",
        Function::Joiner => "joiner",
        Function::Lipsum => "lipsum",
    }
}

/// `repr` of a string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_quoted(&mut out, text);
    out
}

pub(crate) fn write_quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => {
                out.push('\\');
                out.push(quote);
            }
            ' '..='~' => out.push(character),
            _ if is_printable(character) => out.push(character),
            _ => match u32::from(character) {
                // Writing to a String cannot fail.
                code @ 0..=0xff => drop(write!(out, "\\x{code:02x}")),
                code @ 0x100..=0xffff => drop(write!(out, "\\u{code:04x}")),
                code => drop(write!(out, "\\U{code:08x}")),
            },
        }
    }
    out.push(quote);
}

/// Python's `str.isprintable` for one character.
pub(crate) fn is_printable(character: char) -> bool {
    character == ' '
        || !matches!(
            get_general_category(character),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::Surrogate
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::SpaceSeparator
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_as_python_quotes_them() {
        for (text, expected) in [
            ("it's", "\"it's\""),
            ("it's \"x\"", "'it\\'s \"x\"'"),
            ("a\\\n\u{1}é\u{a0}\u{2028}\u{e0001}中", "'a\\\\\\n\\x01é\\xa0\\u2028\\U000e0001中'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
