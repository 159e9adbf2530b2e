//! `"%s" % value`, and the filter `format`.

use num_bigint::Sign;

use super::strings::{self, Align, to_str};
use crate::provenance::Str;
use crate::runtime::{
    Arguments, Dict, EvalResult, Interpreter, Kind, LONG_FLOAT, PyError, PyErrorKind, Value, big, float, integer, repr,
};
use crate::text::number::{parse_float, parse_int, whole};
use crate::text::number_format::{self, zero_filled};
use crate::text::quote::{ascii, quoted};

/// `format % values`.
pub(crate) fn format_value<'d>(
    interpreter: &mut Interpreter<'d>,
    format: &Str<'d>,
    values: &Value<'d>,
) -> EvalResult<Value<'d>> {
    let mut formatter = PercentFormatter { interpreter, format, values, next: 0, used: false, parts: Vec::new() };
    formatter.run()?;
    let PercentFormatter { interpreter, parts, .. } = formatter;
    let text = strings::join(interpreter, &parts.iter().collect::<Vec<_>>())?;
    Ok(Value::Str(text.markup_if(format.is_markup())))
}

struct PercentFormatter<'f, 'd> {
    interpreter: &'f mut Interpreter<'d>,
    format: &'f Str<'d>,
    values: &'f Value<'d>,
    /// The number of values that were taken by place.
    next: usize,
    /// Whether a value was taken by name.
    used: bool,
    parts: Vec<Str<'d>>,
}

/// The flags, the width and the precision of a directive.
#[derive(Debug, Default)]
struct PercentSpec {
    left: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

fn type_error(text: impl Into<String>) -> PyError {
    PyError::new(PyErrorKind::Type, text)
}

impl<'d> PercentFormatter<'_, 'd> {
    fn take(&mut self) -> EvalResult<Value<'d>> {
        let value = match self.values {
            Value::Tuple(items) => items.get(self.next).cloned(),
            single if self.next == 0 => Some(single.clone()),
            _ => None,
        };
        self.next += 1;
        value.ok_or_else(|| type_error("not enough arguments for format string"))
    }

    fn run(&mut self) -> EvalResult<()> {
        let format = self.format;
        self.interpreter.budget.walk(format.weight())?;
        let mut at = 0;
        while let Some(found) = format[at..].find('%') {
            self.interpreter.budget.parts(format, 2)?;
            self.interpreter.charge_call()?;
            self.parts.push(format.part(at..at + found));
            at += found + 1;
            at = self.directive(at)?;
        }
        self.parts.push(format.part(at..format.len()));
        let left = match self.values {
            Value::Tuple(items) => self.next < items.len(),
            // Mappings and sequences need not be used.
            Value::Dict(_) | Value::List(_) | Value::Undefined(_) => false,
            Value::Object(object) if matches!(object.kind(), Kind::Range | Kind::Namespace | Kind::Template) => false,
            _ => self.next == 0 && !self.used,
        };
        if left {
            return Err(type_error("not all arguments converted during string formatting"));
        }
        Ok(())
    }

    /// Formats the directive at `at`, and returns the place after it.
    fn directive(&mut self, mut at: usize) -> EvalResult<usize> {
        let format = self.format;
        if format[at..].starts_with('%') {
            self.parts.push(Str::fixed("%"));
            return Ok(at + 1);
        }
        let incomplete = || PyError::new(PyErrorKind::Value, "incomplete format");
        let mut by_name = None;
        if format[at..].starts_with('(') {
            let mut depth = 0;
            let end = format[at..].char_indices().find(|(_, it)| {
                depth += i32::from(*it == '(') - i32::from(*it == ')');
                depth == 0
            });
            let end = at + end.ok_or_else(|| PyError::new(PyErrorKind::Value, "incomplete format key"))?.0;
            let Value::Dict(dict) = self.values else { return Err(type_error("format requires a mapping")) };
            let name = format.part(at + 1..end);
            let value = dict.get_str(&self.interpreter.budget, &name)?;
            let value = value.ok_or_else(|| PyError::new(PyErrorKind::Value, quoted(&name)))?;
            by_name = Some(value);
            self.used = true;
            at = end + 1;
        }
        let mut spec = PercentSpec::default();
        loop {
            match format[at..].chars().next() {
                Some('-') => spec.left = true,
                Some('+') => spec.plus = true,
                Some(' ') => spec.space = true,
                Some('0') => spec.zero = true,
                Some('#') => spec.alternate = true,
                _ => break,
            }
            at += 1;
        }
        let width;
        (width, at) = self.number(at)?;
        if let Some(width) = width {
            spec.left |= width < 0;
            spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        }
        if format[at..].starts_with('.') {
            let precision;
            (precision, at) = self.number(at + 1)?;
            spec.precision = Some(usize::try_from(precision.unwrap_or(0).max(0)).unwrap_or(usize::MAX));
        }
        self.interpreter.charge_bytes(spec.width.saturating_add(spec.precision.unwrap_or(0)).saturating_mul(2))?;
        while format[at..].starts_with(['h', 'l', 'L']) {
            at += 1;
        }
        let kind = format[at..].chars().next().ok_or_else(incomplete)?;
        let value = match by_name {
            Some(value) => value,
            None => self.take()?,
        };
        let value = if format.is_markup() { self.wrapped(kind, &value)? } else { value };
        let part = self.converted(kind, &spec, &value, at)?;
        self.parts.push(part);
        Ok(at + kind.len_utf8())
    }

    /// A width or a precision, and the place after it: digits, or `*` for the next value.
    fn number(&mut self, mut at: usize) -> EvalResult<(Option<i64>, usize)> {
        if self.format[at..].starts_with('*') {
            return match self.take()? {
                Value::Int(number) if !self.format.is_markup() => Ok((Some(number), at + 1)),
                _ => Err(type_error("* wants int")),
            };
        }
        let digits = self.format[at..].bytes().take_while(u8::is_ascii_digit).count();
        let number = self.format[at..at + digits].parse().ok();
        if digits > 0 && number.is_none() {
            return Err(PyError::new(PyErrorKind::Value, "width too big"));
        }
        at += digits;
        Ok((number, at))
    }

    /// A value of a `Markup`. `MarkupSafe` wraps it, so that only its text, its `int` and its `float` are left.
    fn wrapped(&mut self, kind: char, value: &Value<'d>) -> EvalResult<Value<'d>> {
        match (kind, value) {
            ('c' | 'o' | 'x' | 'X', _) => Err(type_error(format!("%{kind} format: a number is required"))),
            ('d' | 'i' | 'u', Value::Str(text)) => {
                self.interpreter.charge_change(text, 2)?;
                self.interpreter.budget.walk(text.len().saturating_mul(2))?;
                parse_int(text, 10).map(integer).ok_or_else(|| type_error("a number is required, not str"))
            }
            ('e' | 'E' | 'f' | 'F' | 'g' | 'G', Value::Str(text)) => {
                self.interpreter.charge_change(text, 2)?;
                self.interpreter.budget.walk(text.len().saturating_mul(2))?;
                parse_float(text).map(Value::Float).ok_or_else(|| type_error("could not convert string to float"))
            }
            _ => Ok(value.clone()),
        }
    }

    fn converted(&mut self, kind: char, spec: &PercentSpec, value: &Value<'d>, at: usize) -> EvalResult<Str<'d>> {
        let undefined = |value: &Value<'d>| match value {
            Value::Undefined(undefined) => Some(PyError::undefined(undefined)),
            _ => None,
        };
        match kind {
            's' | 'r' | 'a' => {
                let mut text = match kind {
                    's' if self.format.is_markup() => {
                        let text = to_str(self.interpreter, value)?;
                        strings::escaped(self.interpreter, &text)?
                    }
                    's' => to_str(self.interpreter, value)?,
                    _ => {
                        let mut text = repr::text(&self.interpreter.budget, value, false)?.text;
                        if self.format.is_markup() {
                            text = strings::escaped(self.interpreter, &Str::owned(text))?.to_string();
                        }
                        if kind == 'a' {
                            self.interpreter.charge_escapes(&text)?;
                        }
                        Str::owned(if kind == 'a' { ascii(&text) } else { text })
                    }
                };
                if let Some(precision) = spec.precision {
                    self.interpreter.budget.search(text.weight())?;
                    let end = text.char_indices().nth(precision).map_or(text.len(), |(end, _)| end);
                    text = text.part(0..end);
                }
                self.padded(text, spec)
            }
            'c' => {
                let text = match value {
                    Value::Str(text) if text.chars().take(2).count() == 1 => text.clone(),
                    Value::Int(_) | Value::Bool(_) | Value::Big(_) => {
                        let code = big(value).and_then(|code| u32::try_from(code).ok());
                        let character = code.and_then(char::from_u32);
                        let out_of_range = || PyError::new(PyErrorKind::Overflow, "%c arg not in range(0x110000)");
                        Str::owned(character.ok_or_else(out_of_range)?.to_string())
                    }
                    _ => return Err(type_error("%c requires int or char")),
                };
                self.padded(text, spec)
            }
            'd' | 'i' | 'u' => {
                self.charge_number(value)?;
                let int = match value {
                    Value::Float(value) => whole(*value),
                    other => big(other),
                };
                let Some(int) = int else {
                    return Err(undefined(value).unwrap_or_else(|| {
                        type_error(format!("%{kind} format: a real number is required, not {}", value.type_name()))
                    }));
                };
                self.number_text(
                    repr::decimal(&int.magnitude().clone().into())?,
                    int.sign() == Sign::Minus,
                    "",
                    spec,
                    true,
                )
            }
            'o' | 'x' | 'X' => {
                self.charge_number(value)?;
                let Some(int) = big(value) else {
                    return Err(undefined(value).unwrap_or_else(|| {
                        type_error(format!("%{kind} format: an integer is required, not {}", value.type_name()))
                    }));
                };
                let (radix, prefix) = match kind {
                    'o' => (8, "0o"),
                    'x' => (16, "0x"),
                    _ => (16, "0X"),
                };
                let digits = int.magnitude().to_str_radix(radix);
                let digits = if kind == 'X' { digits.to_uppercase() } else { digits };
                let prefix = if spec.alternate { prefix } else { "" };
                self.number_text(digits, int.sign() == Sign::Minus, prefix, spec, true)
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                self.charge_number(value)?;
                let Some(float) = float(value)? else {
                    return Err(undefined(value)
                        .unwrap_or_else(|| type_error(format!("must be real number, not {}", value.type_name()))));
                };
                let precision = spec.precision.unwrap_or(6);
                let magnitude = float.abs();
                let text = match kind {
                    'e' | 'E' => number_format::exponent(magnitude, precision),
                    'f' | 'F' => number_format::fixed(magnitude, precision),
                    _ => number_format::general(magnitude, precision, spec.alternate),
                };
                let text = if spec.alternate { number_format::with_point(text) } else { text };
                let text = if kind.is_uppercase() { text.to_uppercase() } else { text };
                self.number_text(text, float.is_sign_negative() && !float.is_nan(), "", spec, false)
            }
            other => {
                let index = self.format[..at].chars().count();
                let code = u32::from(other);
                let text = format!("unsupported format character '{other}' (0x{code:x}) at index {index}");
                Err(PyError::new(PyErrorKind::Value, text))
            }
        }
    }

    /// Charges the digits of a number.
    fn charge_number(&self, value: &Value<'d>) -> EvalResult<()> {
        if let Value::Big(value) = value {
            self.interpreter.budget.copy_integer(value)?;
        }
        self.interpreter.budget.spend(LONG_FLOAT)
    }

    fn number_text(
        &mut self,
        digits: String,
        negative: bool,
        prefix: &str,
        spec: &PercentSpec,
        whole: bool,
    ) -> EvalResult<Str<'d>> {
        let sign = match (negative, spec.plus, spec.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (.., true) => " ",
            _ => "",
        };
        let digits = match spec.precision {
            Some(precision) if whole => zero_filled(digits, precision),
            _ => digits,
        };
        let digits = if spec.zero && !spec.left {
            let width = spec.width.saturating_sub(sign.len() + prefix.len());
            zero_filled(digits, width)
        } else {
            digits
        };
        self.padded(Str::owned(format!("{sign}{prefix}{digits}")), spec)
    }

    fn padded(&mut self, text: Str<'d>, spec: &PercentSpec) -> EvalResult<Str<'d>> {
        let align = if spec.left { Align::Left } else { Align::Right };
        let width = i64::try_from(spec.width).unwrap_or(i64::MAX);
        strings::pad(self.interpreter, &text, width, ' ', align)
    }
}

/// The filter `format`: `format % args`.
pub(crate) fn format_arguments<'d>(
    interpreter: &mut Interpreter<'d>,
    format: &Str<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let values = match args.named.is_empty() {
        true => Value::tuple(args.positional),
        false => Value::Dict(Dict::of_named(args.named)),
    };
    format_value(interpreter, format, &values)
}
