//! Python's `repr(value)`.

use std::fmt::Write as _;

use num_bigint::BigInt;

use super::{BoundedText, Budget, EvalResult, GeneratorName, Limits, Object, PyError, PyErrorKind, Value, ViewKind};
use crate::names::{Function, MarkupMethod, Method};
use crate::provenance::{Provenance, Str, Text};
use crate::text::float::write_float;
use crate::text::quote::{quoted, write_quoted, write_quoted_start};

/// The most digits of an integer that Python writes in decimal.
const MAX_DIGITS: usize = 4300;

/// If less than this is left of the stack, it grows by [`STACK`].
const RED_ZONE: usize = 1 << 20;
const STACK: usize = 4 << 20;

/// The characters of a value that a message shows.
const BRIEF: usize = 80;

/// The `repr` of a value, with spans if `trace` is set.
pub(crate) fn text<'d>(budget: &Budget<'d>, value: &Value<'d>, trace: bool) -> EvalResult<Text> {
    let mut writer = ReprWriter { out: BoundedText::new(budget), trace, brief: false, open: Vec::new() };
    writer.value(value)?;
    writer.out.finish()
}

/// Appends the `repr` of a value to `out`.
pub(crate) fn write<'d>(out: &mut BoundedText<'_, 'd>, value: &Value<'d>) -> EvalResult<()> {
    // The writer takes the text, and gives it back.
    let budget = out.budget;
    let mut writer = ReprWriter {
        out: std::mem::replace(out, BoundedText::new(budget)),
        trace: false,
        brief: false,
        open: Vec::new(),
    };
    let result = writer.value(value);
    *out = writer.out;
    result
}

/// The digits of an integer in decimal.
///
/// # Errors
/// If it has more digits than Python writes.
pub(crate) fn decimal(int: &BigInt) -> EvalResult<String> {
    // Each digit has more than three bits.
    let digits = if int.bits() <= 4 * MAX_DIGITS as u64 { int.to_string() } else { String::new() };
    if digits.is_empty() || digits.trim_start_matches('-').len() > MAX_DIGITS {
        let text = format!(
            "Exceeds the limit ({MAX_DIGITS} digits) for integer string conversion; \
             use sys.set_int_max_str_digits() to increase the limit"
        );
        return Err(PyError::new(PyErrorKind::Value, text));
    }
    Ok(digits)
}

/// The `repr` of a value, shortened for messages.
pub(crate) fn brief(value: &Value<'_>) -> String {
    let budget = Budget::new(Limits::default(), None);
    let mut writer = ReprWriter { out: BoundedText::new(&budget), trace: false, brief: true, open: Vec::new() };
    // The writer stops with an error once it has enough.
    let _ = writer.value(value);
    let text = &writer.out.short().text;
    if text.chars().count() > BRIEF { text.chars().take(BRIEF - 1).collect::<String>() + "…" } else { text.clone() }
}

struct ReprWriter<'b, 'd> {
    out: BoundedText<'b, 'd>,
    /// Whether to add spans for strings of the input.
    trace: bool,
    /// Whether only the first characters are needed.
    brief: bool,
    /// The addresses of the namespaces that are being written: they may contain themselves.
    open: Vec<*const Object<'d>>,
}

impl<'d> ReprWriter<'_, 'd> {
    fn push(&mut self, text: &str) {
        self.out.short().text.push_str(text);
    }

    fn format(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.short().text.write_fmt(text);
    }

    /// Charges a value, and what was written before it.
    fn begin(&mut self) -> EvalResult<()> {
        self.out.budget.spend(2)?;
        if self.brief && self.out.short().text.len() > 4 * BRIEF {
            return Err(PyError::new(PyErrorKind::Limit, "the text is long enough"));
        }
        self.out.grown()
    }

    fn value(&mut self, value: &Value<'d>) -> EvalResult<()> {
        self.begin()?;
        match value {
            Value::Undefined(_) => self.push("Undefined"),
            Value::None => self.push("None"),
            Value::Bool(value) => self.push(if *value { "True" } else { "False" }),
            Value::Int(value) => self.format(format_args!("{value}")),
            Value::Big(value) => {
                let digits = decimal(value)?;
                self.push(&digits);
            }
            Value::Float(value) => {
                let _ = write_float(&mut self.out.short().text, *value);
            }
            Value::Str(text) if text.is_markup() => {
                self.push("Markup(");
                self.string(text)?;
                self.push(")");
            }
            Value::Str(text) => self.string(text)?,
            Value::List(list) => {
                self.push("[");
                self.items(list.iter())?;
                self.push("]");
            }
            Value::Tuple(items) => {
                self.push("(");
                self.items(items.iter().cloned())?;
                self.push(if items.len() == 1 { ",)" } else { ")" });
            }
            Value::Dict(dict) => {
                self.push("{");
                for (index, (key, value)) in dict.entries().enumerate() {
                    self.push(if index > 0 { ", " } else { "" });
                    self.value(&key)?;
                    self.push(": ");
                    self.value(&value)?;
                }
                self.push("}");
            }
            Value::Object(object) => self.object(object)?,
        }
        Ok(())
    }

    fn items(&mut self, items: impl Iterator<Item = Value<'d>>) -> EvalResult<()> {
        for (index, item) in items.enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            self.value(&item)?;
        }
        Ok(())
    }

    fn string(&mut self, text: &Str<'d>) -> EvalResult<()> {
        if self.brief {
            write_quoted_start(&mut self.out.short().text, text, BRIEF);
            return Ok(());
        }
        self.out.before_escaped(text)?;
        let out = self.out.short();
        let start = out.text.len() + 1;
        write_quoted(&mut out.text, text);
        let end = out.text.len() - 1;
        if let (true, Some(address)) = (self.trace, text.address()) {
            let verbatim = text.borrowed().is_some() && out.text[start..end] == **text;
            let provenance = if verbatim { Provenance::Copied(address) } else { Provenance::Derived(address) };
            out.add_span(start, end, provenance);
        }
        Ok(())
    }

    /// For objects without a special form, Python prints their address. Here the address is always the same, so that
    /// each render gives the same text.
    fn object(&mut self, object: &Object<'d>) -> EvalResult<()> {
        match object {
            Object::Range { start, stop, step: 1 } => self.format(format_args!("range({start}, {stop})")),
            Object::Range { start, stop, step } => self.format(format_args!("range({start}, {stop}, {step})")),
            Object::Namespace(attributes, _) => {
                let address = std::ptr::from_ref(object);
                if self.open.contains(&address) {
                    self.push("<Namespace {...}>");
                    return Ok(());
                }
                self.open.push(address);
                self.out.budget.check_namespaces(self.open.len())?;
                self.push("<Namespace {");
                for (index, (name, value)) in attributes.borrow().iter().enumerate() {
                    self.push(if index > 0 { ", " } else { "" });
                    self.value(name)?;
                    self.push(": ");
                    // A chain of namespaces may be longer than the stack.
                    stacker::maybe_grow(RED_ZONE, STACK, || self.value(value))?;
                }
                self.push("}>");
                self.open.pop();
            }
            Object::View(ViewKind::Set, dict) if dict.len() == 0 => self.push("set()"),
            Object::View(ViewKind::Set, dict) => {
                self.push("{");
                self.items(dict.entries().map(|(key, _)| key))?;
                self.push("}");
            }
            Object::View(kind, dict) => {
                self.push(match kind {
                    ViewKind::Keys | ViewKind::Set => "dict_keys([",
                    ViewKind::Values => "dict_values([",
                    ViewKind::Items => "dict_items([",
                });
                self.items(dict.entries().map(|entry| kind.item(entry)))?;
                self.push("])");
            }
            Object::Macro(value) => match &value.code.name {
                Some(name) => self.format(format_args!("<Macro {}>", quoted(name))),
                None => self.push("<Macro anonymous>"),
            },
            Object::Function(function) => self.push(function_text(*function)),
            Object::Method(_, Method::Markup(MarkupMethod::Escape)) => {
                self.push("<bound method Markup.escape of <class 'markupsafe.Markup'>>");
            }
            Object::Method(owner @ Value::Str(text), method) if text.is_markup() && is_of_markup(*method) => {
                self.format(format_args!("<bound method Markup.{} of ", method.name()));
                self.value(owner)?;
                self.push(">");
            }
            Object::Method(owner, method) => {
                let (name, owner) = (method.name(), owner.type_name());
                self.format(format_args!("<built-in method {name} of {owner} object at 0x7f0000000000>"));
            }
            Object::Loop(state) => {
                self.format(format_args!("<LoopContext {}/{}>", state.index.get() + 1, state.items.borrow().len()));
            }
            Object::Group(pair) => {
                self.push("(");
                self.items(pair.iter().cloned())?;
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
                self.format(format_args!("<{} at 0x7f0000000000>", object.kind().owner_name()));
            }
        }
        Ok(())
    }
}

/// Whether `Markup` has a method of its own.
fn is_of_markup(method: Method) -> bool {
    match method {
        Method::Str(method) => method.is_of_markup(),
        Method::Markup(_) => true,
        _ => false,
    }
}

/// The `repr` of a function, with the names that Jinja2 and transformers give it.
fn function_text(function: Function) -> &'static str {
    match function {
        Function::Range => "<function safe_range at 0x7f0000000000>",
        Function::Lipsum => "<function generate_lorem_ipsum at 0x7f0000000000>",
        Function::Cycler => "<class 'jinja2.utils.Cycler'>",
        Function::Joiner => "<class 'jinja2.utils.Joiner'>",
        Function::Namespace => {
            "<class 'transformers.utils.chat_template_utils._cached_compile_jinja_template.<locals>.TemplateNamespace'>"
        }
        Function::Dict => {
            "<transformers.utils.chat_template_utils._cached_compile_jinja_template.<locals>.TemplateDict object at 0x7f0000000000>"
        }
        Function::DictFromKeys => "<bound method TemplateDict.fromkeys>",
        Function::RaiseException => {
            "<function _cached_compile_jinja_template.<locals>.raise_exception at 0x7f0000000000>"
        }
        Function::StrftimeNow => "<function _cached_compile_jinja_template.<locals>.strftime_now at 0x7f0000000000>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_repr_writes_them() {
        let list =
            Value::list(vec![Value::fixed("a"), Value::None, Value::Float(1.0), Value::tuple(vec![Value::Int(1)])]);
        let budget = Budget::new(Limits::default(), None);
        let mut text = BoundedText::new(&budget);
        text.push("x = ").unwrap();
        write(&mut text, &list).unwrap();
        assert_eq!(text.finish().unwrap().text, "x = ['a', None, 1.0, (1,)]");
        assert_eq!(brief(&Value::text("y".repeat(100))).chars().count(), 80);
    }

    #[test]
    fn strings_of_the_input_have_spans() {
        let (input, escaped) = (String::from("ab"), String::from("a'\n"));
        let list = Value::list(vec![Value::Str(Str::input(&input)), Value::Str(Str::input(&escaped))]);
        let text = text(&Budget::new(Limits::default(), None), &list, true).unwrap();
        assert_eq!(text.text, "['ab', \"a'\\n\"]");
        let spans: Vec<_> = text.spans.iter().map(|span| (span.range(), span.provenance)).collect();
        let (copied, derived) = (input.as_ptr() as usize, escaped.as_ptr() as usize);
        assert_eq!(spans, [(2..4, Provenance::Copied(copied)), (8..12, Provenance::Derived(derived))]);
    }
}
