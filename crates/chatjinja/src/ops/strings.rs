//! `str(value)`, and joining and padding strings with their provenance.

use crate::provenance::{Provenance, Str, Text};
use crate::runtime::{EvalResult, Interpreter, Value, repr};

/// More parts and spans than this are charged.
const MANY: usize = 8;

/// `str(value)`. A string keeps its provenance.
pub(crate) fn to_str<'d>(interpreter: &mut Interpreter<'d>, value: &Value<'d>) -> EvalResult<Str<'d>> {
    Ok(match value {
        Value::Str(text) => text.clone(),
        Value::Undefined(_) => Str::fixed(""),
        Value::None => Str::fixed("None"),
        Value::Bool(true) => Str::fixed("True"),
        Value::Bool(false) => Str::fixed("False"),
        other => Str::from_text(repr::text(&interpreter.budget, other, interpreter.tracked().input)?),
    })
}

/// All `parts` joined, with their provenance.
pub(crate) fn join<'d>(interpreter: &mut Interpreter<'d>, parts: &[&Str<'d>]) -> EvalResult<Str<'d>> {
    let (size, weight) = parts.iter().fold((0usize, 0usize), |(size, weight), part| {
        (size.saturating_add(part.len()), weight.saturating_add(part.spans()))
    });
    interpreter.charge_bytes(size)?;
    if weight + parts.len() > MANY {
        interpreter.charge_items(weight + parts.len() / 4)?;
    }
    let mut text = Text::with_capacity(size);
    let within = interpreter.current_record();
    for part in parts {
        let start = text.text.len();
        part.append_to(&mut text, interpreter.tracked());
        if let (true, Some(record)) = (part.is_fixed(), within) {
            text.add_span(start, text.text.len(), Provenance::Within(record));
        }
    }
    Ok(Str::from_text(text))
}

/// `left + right` of two strings. A `Markup` escapes the other side.
pub(crate) fn concat<'d>(interpreter: &mut Interpreter<'d>, left: &Str<'d>, right: &Str<'d>) -> EvalResult<Value<'d>> {
    let text = match (left.is_markup(), right.is_markup()) {
        (false, false) => join(interpreter, &[left, right])?,
        (true, true) => join(interpreter, &[left, right])?.into_markup(),
        (true, false) => {
            let right = escaped(interpreter, right)?;
            join(interpreter, &[left, &right])?.into_markup()
        }
        (false, true) => {
            let left = escaped(interpreter, left)?;
            join(interpreter, &[&left, right])?.into_markup()
        }
    };
    Ok(Value::Str(text))
}

/// `a ~ b ~ c`. Literals, which Jinja2 joins at compile time, are joined as plain strings.
pub(crate) fn concat_all<'d>(
    interpreter: &mut Interpreter<'d>,
    values: &[Value<'d>],
    literal: bool,
) -> EvalResult<Value<'d>> {
    let mut strings = values.iter().map(|value| to_str(interpreter, value)).collect::<EvalResult<Vec<_>>>()?;
    let markup = !literal && interpreter.autoescape && strings.iter().any(Str::is_markup);
    if markup {
        for text in &mut strings {
            *text = escaped(interpreter, text)?;
        }
    }
    let text = join(interpreter, &strings.iter().collect::<Vec<_>>())?;
    Ok(Value::Str(text.markup_if(markup)))
}

/// The string as a `Markup`, with the special characters of HTML escaped.
pub(crate) fn escaped<'d>(interpreter: &Interpreter<'d>, text: &Str<'d>) -> EvalResult<Str<'d>> {
    interpreter.charge_escapes(text)?;
    Ok(text.escaped())
}

/// The place of a text in its padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
    /// In the middle, as `str.center` places it.
    Center,
}

/// `text` padded to `width` characters.
pub(crate) fn pad<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    width: i64,
    fill: char,
    align: Align,
) -> EvalResult<Str<'d>> {
    let width = usize::try_from(width.max(0)).unwrap_or(0);
    interpreter.budget.search(text.len())?;
    let missing = width.saturating_sub(text.char_count());
    if missing == 0 {
        return Ok(text.clone());
    }
    // The padding is made, and then joined to the text.
    interpreter.charge_bytes(missing.saturating_mul(fill.len_utf8()))?;
    let left = match align {
        Align::Left => 0,
        Align::Right => missing,
        Align::Center => missing / 2 + (missing & width & 1),
    };
    surround(interpreter, left, text, missing - left, fill)
}

/// `text` with `left` characters `fill` before it and `right` after it.
pub(crate) fn surround<'d>(
    interpreter: &mut Interpreter<'d>,
    left: usize,
    text: &Str<'d>,
    right: usize,
    fill: char,
) -> EvalResult<Str<'d>> {
    let space = |count: usize| Str::owned(std::iter::repeat_n(fill, count).collect());
    join(interpreter, &[&space(left), text, &space(right)])
}
