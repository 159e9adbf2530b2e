//! Python's format mini-language, such as `{:>8.2f}`.

use num_bigint::Sign;

use crate::ops::strings::{self, to_str};
use crate::provenance::Str;
use crate::runtime::{EvalResult, Interpreter, LONG_FLOAT, PyError, PyErrorKind, Value, big, float, repr};
use crate::text::float::write_float;
use crate::text::number_format;

fn value_error(text: impl Into<String>) -> PyError {
    PyError::new(PyErrorKind::Value, text)
}

#[derive(Debug)]
struct FormatSpec {
    fill: char,
    align: Option<char>,
    sign: Option<char>,
    /// The flag `z`: a number that is rounded to zero has no sign.
    positive_zero: bool,
    alternate: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl FormatSpec {
    /// The parts of a specifier; None if it is not valid. `number` is whether it is the one of a number.
    fn parse(text: &str, number: bool) -> Option<FormatSpec> {
        let characters: Vec<char> = text.chars().collect();
        let mut at = 0;
        let mut spec = FormatSpec {
            fill: ' ',
            align: None,
            sign: None,
            positive_zero: false,
            alternate: false,
            width: 0,
            grouping: None,
            precision: None,
            kind: None,
        };
        let is_align = |it: Option<&char>| matches!(it, Some('<' | '>' | '=' | '^'));
        if is_align(characters.get(1)) {
            spec.fill = characters[0];
            spec.align = Some(characters[1]);
            at = 2;
        } else if is_align(characters.first()) {
            spec.align = Some(characters[0]);
            at = 1;
        }
        let fills = at == 2;
        if let Some(sign @ ('+' | '-' | ' ')) = characters.get(at) {
            spec.sign = Some(*sign);
            at += 1;
        }
        if characters.get(at) == Some(&'z') {
            spec.positive_zero = true;
            at += 1;
        }
        if characters.get(at) == Some(&'#') {
            spec.alternate = true;
            at += 1;
        }
        if !fills && characters.get(at) == Some(&'0') {
            // The fill of this place, after the sign of a number.
            spec.fill = '0';
            spec.align = spec.align.or(number.then_some('='));
            at += 1;
        }
        let digits = |at: &mut usize| -> String {
            let digits: String = characters[*at..].iter().take_while(|it| it.is_ascii_digit()).collect();
            *at += digits.len();
            digits
        };
        let width = digits(&mut at);
        spec.width = if width.is_empty() { 0 } else { width.parse().ok()? };
        if let Some(grouping @ (',' | '_')) = characters.get(at) {
            spec.grouping = Some(*grouping);
            at += 1;
        }
        if characters.get(at) == Some(&'.') {
            at += 1;
            spec.precision = Some(digits(&mut at).parse().ok()?);
        }
        if let Some(kind) = characters.get(at) {
            spec.kind = Some(*kind);
            at += 1;
        }
        (at == characters.len()).then_some(spec)
    }

    /// Fails if digits have no groups in this form.
    fn check_grouping(&self, default: char) -> EvalResult<()> {
        let Some(separator) = self.grouping else { return Ok(()) };
        match self.kind.unwrap_or(default) {
            'd' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' => Ok(()),
            'b' | 'o' | 'x' | 'X' if separator == '_' => Ok(()),
            kind => Err(value_error(format!("Cannot specify '{separator}' with '{kind}'."))),
        }
    }
}

/// Python's `format(value, spec)`.
pub(super) fn formatted<'d>(interpreter: &mut Interpreter<'d>, value: &Value<'d>, spec: &str) -> EvalResult<Str<'d>> {
    if spec.is_empty() {
        return to_str(interpreter, value);
    }
    interpreter.charge_bytes(spec.len().saturating_mul(size_of::<char>()))?;
    let is_number = matches!(value, Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_));
    let parsed = FormatSpec::parse(spec, is_number).ok_or_else(|| {
        value_error(format!("Invalid format specifier '{spec}' for object of type '{}'", value.type_name()))
    })?;
    interpreter.charge_bytes(parsed.width.saturating_add(parsed.precision.unwrap_or(0)).saturating_mul(4))?;
    match value {
        Value::Str(text) => {
            if !matches!(parsed.kind, None | Some('s')) {
                return Err(unknown_code(parsed.kind, value));
            }
            parsed.check_grouping('s')?;
            let refused = match &parsed {
                FormatSpec { sign: Some(' '), .. } => Some("Space"),
                FormatSpec { sign: Some(_), .. } => Some("Sign"),
                FormatSpec { positive_zero: true, .. } => Some("Negative zero coercion (z)"),
                FormatSpec { alternate: true, .. } => Some("Alternate form (#)"),
                FormatSpec { align: Some('='), .. } => Some("'=' alignment"),
                _ => None,
            };
            if let Some(refused) = refused {
                return Err(value_error(format!("{refused} not allowed in string format specifier")));
            }
            interpreter.budget.search(text.weight())?;
            let end = parsed.precision.and_then(|most| text.char_indices().nth(most)).map_or(text.len(), |(at, _)| at);
            padded(interpreter, text.part(0..end), &parsed, '<')
        }
        Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => {
            if let Value::Big(value) = value {
                interpreter.budget.copy_integer(value)?;
            }
            interpreter.budget.spend(LONG_FLOAT)?;
            number(interpreter, value, &parsed)
        }
        Value::Undefined(undefined) => Err(PyError::undefined(undefined)),
        other => {
            let text = format!("unsupported format string passed to {}.__format__", other.type_name());
            Err(PyError::new(PyErrorKind::Type, text))
        }
    }
}

fn unknown_code(kind: Option<char>, value: &Value<'_>) -> PyError {
    let kind = kind.unwrap_or(' ');
    value_error(format!("Unknown format code '{kind}' for object of type '{}'", value.type_name()))
}

fn number<'d>(interpreter: &mut Interpreter<'d>, value: &Value<'d>, spec: &FormatSpec) -> EvalResult<Str<'d>> {
    // The form of a float without a letter has groups too.
    spec.check_grouping('d')?;
    let (mut digits, mut negative, prefix, group) = match (value, spec.kind) {
        (Value::Bool(_) | Value::Int(_) | Value::Big(_), None | Some('b' | 'c' | 'd' | 'o' | 'x' | 'X' | 'n')) => {
            let Some(int) = big(value) else { return Ok(Str::fixed("")) };
            if spec.precision.is_some() {
                return Err(value_error("Precision not allowed in integer format specifier"));
            }
            if spec.positive_zero {
                let text = "Negative zero coercion (z) not allowed in format specifier with integer presentation type";
                return Err(value_error(text));
            }
            if spec.kind == Some('c') {
                if spec.sign.is_some() || spec.alternate {
                    return Err(value_error(
                        "Sign or alternate form (#) not allowed with integer format specifier 'c'",
                    ));
                }
                let character = u32::try_from(&int).ok().and_then(char::from_u32);
                let out_of_range = || PyError::new(PyErrorKind::Overflow, "%c arg not in range(0x110000)");
                let text = Str::owned(character.ok_or_else(out_of_range)?.to_string());
                return padded(interpreter, text, spec, '>');
            }
            let (radix, prefix, group) = match spec.kind {
                Some('b') => (2, "0b", 4),
                Some('o') => (8, "0o", 4),
                Some('x') => (16, "0x", 4),
                Some('X') => (16, "0X", 4),
                _ => (10, "", 3),
            };
            let digits = match radix {
                10 => repr::decimal(&int.magnitude().clone().into())?,
                _ => int.magnitude().to_str_radix(radix),
            };
            let digits = if spec.kind == Some('X') { digits.to_uppercase() } else { digits };
            (digits, int.sign() == Sign::Minus, if spec.alternate { prefix } else { "" }, group)
        }
        (_, Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%')) | (Value::Float(_), None) => {
            let Some(float) = float(value)? else { return Ok(Str::fixed("")) };
            let magnitude = float.abs();
            let precision = spec.precision.unwrap_or(6);
            let text = match spec.kind {
                None => match spec.precision {
                    None => {
                        let mut text = String::new();
                        // Writing to a String cannot fail.
                        let _ = write_float(&mut text, magnitude);
                        text
                    }
                    Some(precision) => number_format::general_float(magnitude, precision, spec.alternate),
                },
                Some('e' | 'E') => number_format::exponent(magnitude, precision),
                Some('f' | 'F') => number_format::fixed(magnitude, precision),
                Some('%') => number_format::fixed(magnitude * 100.0, precision),
                _ => number_format::general(magnitude, precision, spec.alternate),
            };
            let text = if spec.alternate { number_format::with_point(text) } else { text };
            let text = if spec.kind == Some('%') { text + "%" } else { text };
            let upper = spec.kind.is_some_and(char::is_uppercase);
            (if upper { text.to_uppercase() } else { text }, float.is_sign_negative() && !float.is_nan(), "", 3)
        }
        _ => return Err(unknown_code(spec.kind, value)),
    };
    if let Some(separator) = spec.grouping {
        digits = number_format::grouped(&digits, separator, group);
    }
    let is_zero = |digits: &str| {
        let mut mantissa = digits.bytes().take_while(|it| !matches!(it, b'e' | b'E'));
        mantissa.all(|it| !matches!(it, b'1'..=b'9' | b'i' | b'I'))
    };
    if spec.positive_zero && is_zero(&digits) {
        negative = false;
    }
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (_, Some('+')) => "+",
        (_, Some(' ')) => " ",
        _ => "",
    };
    if spec.align == Some('=') {
        // Infinity and NaN have none.
        let has_digits = group == 4 || digits.starts_with(|it: char| it.is_ascii_digit());
        let width = spec.width.saturating_sub(sign.len() + prefix.len());
        match spec.grouping {
            // Zeros are grouped like digits, and never begin with a separator.
            Some(separator) if spec.fill == '0' && has_digits => {
                let plain: String = digits.chars().filter(|it| *it != separator).collect();
                digits = number_format::zero_filled_groups(&plain, separator, group, width);
            }
            _ => {
                let missing = width.saturating_sub(digits.chars().count());
                digits.insert_str(0, &spec.fill.to_string().repeat(missing));
            }
        }
    }
    let text = Str::owned(format!("{sign}{prefix}{digits}"));
    padded(interpreter, text, spec, '>')
}

fn padded<'d>(
    interpreter: &mut Interpreter<'d>,
    text: Str<'d>,
    spec: &FormatSpec,
    default: char,
) -> EvalResult<Str<'d>> {
    let missing = spec.width.saturating_sub(text.char_count());
    if missing == 0 {
        return Ok(text);
    }
    let left = match spec.align.filter(|align| *align != '=').unwrap_or(default) {
        '<' => 0,
        '^' => missing / 2,
        _ => missing,
    };
    strings::surround(interpreter, left, &text, missing - left, spec.fill)
}
