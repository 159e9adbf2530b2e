//! Python's `repr(value)`.

use std::fmt::Write as _;

use super::{GeneratorName, Object, Value, ViewKind};
use crate::provenance::{Provenance, Str, Text};
use crate::text::float::write_float;
use crate::text::quote::{quoted, write_quoted};

/// The `repr` of a value, with spans if `trace` is set.
pub(crate) fn text(value: &Value<'_>, trace: bool) -> Text {
    let mut writer = ReprWriter { out: Text::default(), trace };
    writer.value(value);
    writer.out
}

/// Appends the `repr` of a value to `out`.
pub(crate) fn write(out: &mut String, value: &Value<'_>) {
    let mut writer = ReprWriter { out: Text::plain(std::mem::take(out)), trace: false };
    writer.value(value);
    *out = writer.out.text;
}

/// The `repr` of a value, shortened for messages.
pub(crate) fn brief(value: &Value<'_>) -> String {
    let mut text = String::new();
    write(&mut text, value);
    if text.chars().count() > 80 {
        text = text.chars().take(79).collect::<String>() + "…";
    }
    text
}

struct ReprWriter {
    out: Text,
    /// Whether to add spans for strings of the input.
    trace: bool,
}

impl ReprWriter {
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
            let verbatim = text.borrowed().is_some() && self.out.text[start..end] == **text;
            let provenance = if verbatim { Provenance::Copied(address) } else { Provenance::Derived(address) };
            self.out.add_span(start, end, provenance);
        }
    }

    /// For objects without a special form, Python prints their address. Here the address is always the same, so that
    /// each render gives the same text.
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
                    self.attribute(value);
                }
                self.push("}>");
            }
            Object::View(kind, dict) => {
                self.push(match kind {
                    ViewKind::Keys => "dict_keys([",
                    ViewKind::Values => "dict_values([",
                    ViewKind::Items => "dict_items([",
                });
                self.items(dict.entries().map(|entry| kind.item(entry)));
                self.push("])");
            }
            Object::Macro(value) => self.format(format_args!("<Macro {}>", quoted(&value.code.name))),
            Object::Function(function) => self.format(format_args!("<function {}>", function.name())),
            Object::Method(owner, method) => {
                let (name, owner) = (method.name(), owner.type_name());
                self.format(format_args!("<built-in method {name} of {owner} object at 0x7f0000000000>"));
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
            Object::Generator(generator) => match generator.name {
                GeneratorName::Function(name) => {
                    self.format(format_args!("<generator object {name} at 0x7f0000000000>"));
                }
                GeneratorName::Class(name) => self.format(format_args!("<{name} object at 0x7f0000000000>")),
            },
            Object::Cycler { .. } | Object::Joiner { .. } | Object::Block(_) => {
                self.format(format_args!("<{} object at 0x7f0000000000>", object.kind().name()));
            }
        }
    }

    /// A value inside a namespace, which may be the same namespace.
    fn attribute(&mut self, value: &Value<'_>) {
        match value {
            Value::Object(object) if matches!(&**object, Object::Namespace(_)) => self.push("<Namespace {...}>"),
            other => self.value(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_repr_writes_them() {
        let list =
            Value::list(vec![Value::fixed("a"), Value::None, Value::Float(1.0), Value::tuple(vec![Value::Int(1)])]);
        let mut text = String::from("x = ");
        write(&mut text, &list);
        assert_eq!(text, "x = ['a', None, 1.0, (1,)]");
        assert_eq!(brief(&Value::text("y".repeat(100))).chars().count(), 80);
    }

    #[test]
    fn strings_of_the_input_have_spans() {
        let (input, escaped) = (String::from("ab"), String::from("a'\n"));
        let text = text(&Value::list(vec![Value::Str(Str::input(&input)), Value::Str(Str::input(&escaped))]), true);
        assert_eq!(text.text, "['ab', \"a'\\n\"]");
        let spans: Vec<_> = text.spans.iter().map(|span| (span.range(), span.provenance)).collect();
        let (copied, derived) = (input.as_ptr() as usize, escaped.as_ptr() as usize);
        assert_eq!(spans, [(2..4, Provenance::Copied(copied)), (8..12, Provenance::Derived(derived))]);
    }
}
