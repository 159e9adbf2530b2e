//! `"{}".format(…)`: replacement fields.

use super::format_spec::formatted;
use crate::ops::access;
use crate::ops::strings::{self, to_str};
use crate::provenance::Str;
use crate::runtime::{Arguments, EvalResult, Interpreter, PyError, PyErrorKind, Value, repr};
use crate::text::quote::{ascii, quoted};

/// The deepest nesting of fields in a format, as in Python.
const MAX_DEPTH: usize = 2;

/// `format.format(*args, **kwargs)`.
pub(super) fn format<'d>(
    interpreter: &mut Interpreter<'d>,
    format: &Str<'d>,
    args: &Arguments<'d>,
) -> EvalResult<Str<'d>> {
    let mut formatter = FieldFormatter { interpreter, args, markup: format.is_markup(), automatic: None, next: 0 };
    let parts = formatter.parts(format, MAX_DEPTH)?;
    strings::join(formatter.interpreter, &parts.iter().collect::<Vec<_>>())
}

struct FieldFormatter<'f, 'd> {
    interpreter: &'f mut Interpreter<'d>,
    args: &'f Arguments<'d>,
    markup: bool,
    /// Whether fields are numbered by their order. None before the first field.
    automatic: Option<bool>,
    /// The number of the next field, if they are numbered by their order.
    next: usize,
}

fn value_error(text: impl Into<String>) -> PyError {
    PyError::new(PyErrorKind::Value, text)
}

impl<'d> FieldFormatter<'_, 'd> {
    /// The texts and the values of a format, in their order.
    fn parts(&mut self, format: &Str<'d>, depth: usize) -> EvalResult<Vec<Str<'d>>> {
        if depth == 0 {
            return Err(value_error("Max string recursion exceeded"));
        }
        self.interpreter.budget.walk(format.weight())?;
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(found) = format[at..].find(['{', '}']) {
            self.interpreter.budget.parts(format, 2)?;
            parts.push(format.part(at..at + found));
            at += found;
            let rest = &format[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                parts.push(format.part(at..at + 1));
                at += 2;
                continue;
            }
            if rest.starts_with('}') {
                return Err(value_error("Single '}' encountered in format string"));
            }
            let end = field_end(rest).ok_or_else(|| match rest.len() {
                1 => value_error("Single '{' encountered in format string"),
                _ => value_error("expected '}' before end of string"),
            })?;
            let field = format.part(at + 1..at + end);
            parts.push(self.field(&field, depth)?);
            at += end + 1;
        }
        parts.push(format.part(at..format.len()));
        Ok(parts)
    }

    /// The text of a field, such as `name!r:>8`.
    fn field(&mut self, field: &Str<'d>, depth: usize) -> EvalResult<Str<'d>> {
        self.interpreter.charge_call()?;
        self.interpreter.budget.walk(field.weight())?;
        self.interpreter.budget.parts(field, 4)?;
        let bracket = |it: &mut bool, character: char| match character {
            '[' => *it = true,
            ']' => *it = false,
            _ => {}
        };
        let mut inside = false;
        let name_end = field
            .char_indices()
            .find(|(_, character)| {
                bracket(&mut inside, *character);
                !inside && matches!(character, '!' | ':')
            })
            .map_or(field.len(), |(at, _)| at);
        let name = field.part(0..name_end);
        let rest = &field[name_end..];
        let (conversion, spec_at) = match rest.strip_prefix('!') {
            Some(behind) => {
                let mut characters = behind.chars();
                let conversion = characters.next();
                if !matches!(characters.next(), None | Some(':')) {
                    return Err(value_error("expected ':' after conversion specifier"));
                }
                let conversion = conversion.ok_or_else(|| value_error("unmatched '{' in format spec"))?;
                (Some(conversion), name_end + 1 + conversion.len_utf8())
            }
            None => (None, name_end),
        };
        let value = self.named(&name)?;
        let value = match conversion {
            None => value,
            Some('s') => Value::Str(to_str(self.interpreter, &value)?),
            Some(kind @ ('r' | 'a')) => {
                let text = repr::text(&self.interpreter.budget, &value, false)?.text;
                if kind == 'a' {
                    self.interpreter.charge_escapes(&text)?;
                }
                Value::text(if kind == 'a' { ascii(&text) } else { text })
            }
            Some(other) => return Err(value_error(format!("Unknown conversion specifier {other}"))),
        };
        let spec = match field[spec_at..].starts_with(':') {
            true => {
                let spec = field.part(spec_at + 1..field.len());
                let parts = self.parts(&spec, depth - 1).or_else(|error| match spec.contains(['{', '}']) {
                    true => Err(error),
                    false => Ok(vec![spec.clone()]),
                })?;
                parts.iter().map(|part| part.to_string()).collect()
            }
            false => String::new(),
        };
        if self.markup && !spec.is_empty() && value.as_str().is_some_and(Str::is_markup) {
            return Err(value_error("Unsupported format specification for Markup."));
        }
        let text = formatted(self.interpreter, &value, &spec)?;
        if self.markup { strings::escaped(self.interpreter, &text) } else { Ok(text) }
    }

    /// The value of a name with attributes and items, such as `0.name[key]`.
    fn named(&mut self, name: &Str<'d>) -> EvalResult<Value<'d>> {
        let first_end = name.find(['.', '[']).unwrap_or(name.len());
        let first = name.part(0..first_end);
        // Only a field without any name is numbered: `{.x}` names an argument with an empty name.
        let index = match name.is_empty() {
            true => {
                if self.automatic == Some(false) {
                    let text = "cannot switch from manual field specification to automatic field numbering";
                    return Err(value_error(text));
                }
                self.automatic = Some(true);
                self.next += 1;
                Some(self.next - 1)
            }
            false if !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()) => {
                if self.automatic == Some(true) && first.len() == name.len() {
                    let text = "cannot switch from automatic field numbering to manual field specification";
                    return Err(value_error(text));
                }
                if first.len() == name.len() {
                    self.automatic = Some(false);
                }
                first.parse().ok()
            }
            false => None,
        };
        let mut value = match index {
            Some(index) => {
                let found = self.args.positional.get(index).cloned();
                found.ok_or_else(|| {
                    value_error(format!("Replacement index {index} out of range for positional args tuple"))
                })?
            }
            None => {
                self.interpreter.charge_items(self.args.named.len() / 4)?;
                let found = self.args.named.iter().find(|(known, _)| **known == *first);
                found.map(|(_, value)| value.clone()).ok_or_else(|| value_error(quoted(&first)))?
            }
        };
        let mut at = first_end;
        while at < name.len() {
            self.interpreter.budget.parts(name, 1)?;
            let rest = &name[at..];
            if let Some(attribute) = rest.strip_prefix('.') {
                let end = attribute.find(['.', '[']).unwrap_or(attribute.len());
                if end == 0 {
                    return Err(value_error("Empty attribute in format string"));
                }
                let key = Value::Str(name.part(at + 1..at + 1 + end));
                value = access::attribute_or_item(self.interpreter, &value, &key)?;
                at += 1 + end;
            } else if let Some(item) = rest.strip_prefix('[') {
                let end = item.find(']').ok_or_else(|| value_error("Missing ']' in format string"))?;
                let key = &item[..end];
                let key = match key.parse::<i64>() {
                    Ok(index) if key.bytes().all(|byte| byte.is_ascii_digit()) => Value::Int(index),
                    _ if key.is_empty() => return Err(value_error("Empty attribute in format string")),
                    _ => Value::Str(name.part(at + 1..at + 1 + end)),
                };
                value = access::item(self.interpreter, &value, &key)?;
                at += end + 2;
            } else {
                return Err(value_error("Only '.' or '[' may follow ']' in format field specifier"));
            }
        }
        Ok(value)
    }
}

/// The place of the brace that ends the field at the start of `rest`. Braces may nest in its format.
fn field_end(rest: &str) -> Option<usize> {
    let mut depth = 0;
    let mut inside = false;
    for (at, character) in rest.char_indices() {
        match character {
            '[' if depth == 1 => inside = true,
            ']' => inside = false,
            _ if inside => {}
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
