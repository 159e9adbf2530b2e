//! Filters for texts.

use super::filters::{is_set, needs_str, no_attribute, no_integer, no_len};
use super::{pretty, str_markup, str_methods, str_search};
use crate::ir::Operator;
use crate::ops::strings::{self, Align, to_str};
use crate::ops::{arithmetic, iterate, percent_format};
use crate::provenance::Str;
use crate::runtime::{Arguments, BoundedText, EvalResult, Interpreter, PyError, PyErrorKind, Value};
use crate::text::characters::is_alnum;
use crate::text::lines::{is_line_end, lines as lines_of};
use crate::text::quote::quoted;
use crate::text::url::url_quoted;
use crate::text::{casing, wrap};

/// The size of a key and a value with their texts, in values.
const PAIR: usize = 6;

/// A text in percent encoding has at most this many times the bytes.
const PERCENT: usize = 3;

/// A filter that changes the whole text. A `Markup` stays one.
fn changed<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    args: Arguments<'d>,
    name: &str,
    change: impl Fn(&str) -> String,
) -> EvalResult<Value<'d>> {
    let [] = args.bind(name, [], 0)?;
    let text = to_str(interpreter, value)?;
    interpreter.charge_change(&text, str_methods::GROWTH)?;
    Ok(Value::Str(interpreter.derived(&text, change(&text))?.markup_if(text.is_markup())))
}

pub(super) fn string<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("string", [], 0)?;
    to_str(interpreter, &value).map(Value::Str)
}

pub(super) fn lower<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    changed(interpreter, &value, args, "lower", str::to_lowercase)
}

pub(super) fn upper<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    changed(interpreter, &value, args, "upper", str::to_uppercase)
}

pub(super) fn capitalize<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    changed(interpreter, &value, args, "capitalize", casing::capitalize)
}

pub(super) fn title<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("title", [], 0)?;
    let text = to_str(interpreter, &value)?;
    interpreter.charge_change(&text, str_methods::GROWTH)?;
    interpreter.derived(&text, casing::jinja_title(&text)).map(Value::Str)
}

pub(super) fn striptags<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("striptags", [], 0)?;
    let text = to_str(interpreter, &value)?;
    str_markup::striptags(interpreter, &text)
}

pub(super) fn trim<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [characters] = args.bind("trim", ["chars"], 0)?;
    let text = to_str(interpreter, &value)?;
    str_methods::strip(interpreter, &text, characters.as_ref(), true, true).map(Value::Str)
}

pub(super) fn center<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [width] = args.bind("center", ["width"], 0)?;
    let text = to_str(interpreter, &value)?;
    let width = int_or(width, 80)?;
    let padded = strings::pad(interpreter, &text, width, ' ', Align::Center)?;
    Ok(Value::Str(padded.markup_if(text.is_markup())))
}

/// An optional argument that must be an integer.
fn int_or(value: Option<Value<'_>>, default: i64) -> EvalResult<i64> {
    match value {
        None => Ok(default),
        Some(Value::Int(value)) => Ok(value),
        Some(Value::Bool(value)) => Ok(i64::from(value)),
        Some(Value::Undefined(undefined)) => Err(PyError::undefined(&undefined)),
        Some(other) => Err(no_integer(&other)),
    }
}

pub(super) fn replace<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [old, new, count] = args.bind("replace", ["old", "new", "count"], 2)?;
    let (old, new) = (old.unwrap_or(Value::None), new.unwrap_or(Value::None));
    let count = match count {
        None | Some(Value::None) => -1,
        count => int_or(count, -1)?,
    };
    let text = to_str(interpreter, &value)?;
    let (old, new) = (to_str(interpreter, &old)?, to_str(interpreter, &new)?);
    if !interpreter.autoescape {
        return str_search::replace(interpreter, &text.plain(), &old, &new, count).map(Value::Str);
    }
    let text = if old.is_markup() || (new.is_markup() && !text.is_markup()) { text.escaped() } else { text };
    let new = if text.is_markup() { strings::escaped(interpreter, &new)? } else { new };
    let replaced = str_search::replace(interpreter, &text, &old, &new, count)?;
    Ok(Value::Str(replaced.markup_if(text.is_markup())))
}

pub(super) fn indent<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [width, first, blank] = args.bind("indent", ["width", "first", "blank"], 0)?;
    let (first, blank) = (is_set(first), is_set(blank));
    let indention = match width {
        Some(Value::Str(indention)) => indention,
        width => {
            let width = usize::try_from(int_or(width, 4)?.max(0)).unwrap_or(0);
            interpreter.charge_bytes(width)?;
            Str::owned(" ".repeat(width))
        }
    };
    let text = match value {
        Value::Str(text) => text,
        Value::Undefined(undefined) => return Err(PyError::undefined(&undefined)),
        other => {
            // Jinja2 first appends a line break, which fails for values that are not strings.
            arithmetic::apply(interpreter, Operator::Add, &other, &Value::fixed("\n"))?;
            return Err(no_attribute(&other, "splitlines"));
        }
    };
    let newline = Str::fixed("\n");
    // An indention that is `Markup` escapes the lines of a plain text that it is added to.
    let escapes = indention.is_markup() && !text.is_markup();
    interpreter.budget.walk(text.weight())?;
    let count = lines_of(&text, false).count() + 1;
    interpreter.budget.parts(&text, count)?;
    interpreter.charge_items(count * 2)?;
    // The appended line break ends the last line. So a text that ends in a line break has an empty line after it.
    let mut lines: Vec<Str<'d>> = lines_of(&text, false).map(|line| text.part_of(line)).collect();
    if text.is_empty() || (text.ends_with(is_line_end) && !text.ends_with('\r')) {
        lines.push(text.part(text.len()..text.len()));
    }
    if escapes {
        for line in lines.iter_mut().skip(usize::from(!blank)) {
            *line = strings::escaped(interpreter, line)?.plain();
        }
    }
    interpreter.charge_bytes(lines.len().saturating_mul(indention.len()))?;
    let mut parts: Vec<&Str<'d>> = Vec::with_capacity(lines.len() * 3);
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            parts.push(&newline);
        }
        if (index == 0 && first && (blank || !escapes)) || (index > 0 && (blank || !line.is_empty())) {
            parts.push(&indention);
        }
        parts.push(line);
    }
    let joined = strings::join(interpreter, &parts)?;
    match first && escapes && !blank {
        // Only the lines were joined to plain text, and they are escaped once more.
        true => strings::concat(interpreter, &indention, &joined),
        false => Ok(Value::Str(joined.markup_if(text.is_markup() || escapes && blank))),
    }
}

pub(super) fn format<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    if !args.positional.is_empty() && !args.named.is_empty() {
        let text = "can't handle positional and keyword arguments at the same time";
        return Err(PyError::new(PyErrorKind::Runtime, text));
    }
    let text = to_str(interpreter, &value)?;
    percent_format::format_arguments(interpreter, &text, args)
}

pub(super) fn truncate<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [length, killwords, end, leeway] = args.bind("truncate", ["length", "killwords", "end", "leeway"], 0)?;
    let length = int_or(length, 255)?;
    let leeway = match leeway {
        None | Some(Value::None) => 5,
        leeway => int_or(leeway, 5)?,
    };
    let end = match end {
        None => Str::fixed("..."),
        Some(end) => needs_str(&end, "end")?,
    };
    let end_length = end.char_count() as i64;
    if length < end_length {
        let text = format!("expected length >= {end_length}, got {length}");
        return Err(PyError::new(PyErrorKind::Runtime, text));
    }
    if leeway < 0 {
        return Err(PyError::new(PyErrorKind::Runtime, format!("expected leeway >= 0, got {leeway}")));
    }
    if let Value::Str(text) = &value {
        interpreter.budget.search(text.weight().saturating_mul(3))?;
    }
    let count = value.len().map(|count| count as i64);
    let text = match (count, value) {
        (Some(count), value) if count <= length.saturating_add(leeway) => return Ok(value),
        (Some(_), Value::Str(text)) => text,
        (_, other) => return Err(no_len(&other)),
    };
    let cut = text.char_indices().nth((length - end_length) as usize).map_or(text.len(), |(at, _)| at);
    let kept = match is_set(killwords) {
        true => &text[..cut],
        false => text[..cut].rsplit_once(' ').map_or(&text[..cut], |(before, _)| before),
    };
    strings::concat(interpreter, &text.part_of(kept), &end)
}

pub(super) fn wordcount<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("wordcount", [], 0)?;
    let text = to_str(interpreter, &value)?;
    interpreter.budget.walk(text.len().saturating_mul(4))?;
    let words = text.split(|it: char| !(is_alnum(it) || it == '_')).filter(|word| !word.is_empty());
    Ok(Value::Int(words.count() as i64))
}

/// `value|wordwrap(width=79, break_long_words=true, wrapstring="\n", break_on_hyphens=true)`.
pub(super) fn wordwrap<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let names = ["width", "break_long_words", "wrapstring", "break_on_hyphens"];
    let [width, break_words, wrapstring, hyphens] = args.bind("wordwrap", names, 0)?;
    let width = match width {
        None => 79,
        Some(Value::Int(width)) if width > 0 => usize::try_from(width).unwrap_or(usize::MAX),
        Some(_) => return Err(PyError::new(PyErrorKind::Value, "invalid width (must be > 0)")),
    };
    let is_true = |value: Option<Value<'d>>| value.is_none_or(|value| value.is_true());
    let (break_words, hyphens) = (is_true(break_words), is_true(hyphens));
    let separator = match &wrapstring {
        None | Some(Value::None) => "\n".to_owned(),
        Some(other) => to_str(interpreter, other)?.to_string(),
    };
    let text = needs_str(&value, "splitlines")?;
    interpreter.budget.walk(text.weight().saturating_mul(2))?;
    let mut out = BoundedText::new(&interpreter.budget);
    for (index, line) in lines_of(&text, false).enumerate() {
        interpreter.charge_items(line.len().saturating_mul(2))?;
        if index > 0 {
            out.push(&separator)?;
        }
        for (index, part) in wrap::wrap(line, width, break_words, hyphens).iter().enumerate() {
            if index > 0 {
                out.push(&separator)?;
            }
            out.push(part)?;
        }
    }
    let out = out.finish()?.text;
    interpreter.derived(&text, out).map(Value::Str)
}

pub(super) fn pprint<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("pprint", [], 0)?;
    pretty::pformat(&interpreter.budget, &value).map(Value::text)
}

pub(super) fn urlencode<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("urlencode", [], 0)?;
    let pairs = match &value {
        Value::Dict(dict) => {
            interpreter.charge_items(dict.len() * PAIR)?;
            dict.entries().map(|(key, value)| vec![key, value]).collect()
        }
        value if !matches!(value, Value::Str(_)) && iterate::is_iterable(value) => {
            let mut pairs = Vec::new();
            let all = interpreter.items(value)?;
            interpreter.charge_items(all.len().saturating_mul(PAIR))?;
            for pair in all {
                pairs.push(interpreter.items(&pair)?);
            }
            pairs
        }
        other => {
            let text = to_str(interpreter, other)?;
            interpreter.charge_change(&text, PERCENT)?;
            return interpreter.derived(&text, url_quoted(&text, false)).map(Value::Str);
        }
    };
    let mut texts = Vec::with_capacity(pairs.len());
    for pair in &pairs {
        let [key, value] = pair.as_slice() else {
            return Err(PyError::new(PyErrorKind::Value, "`urlencode` needs pairs of keys and values"));
        };
        texts.push((to_str(interpreter, key)?, to_str(interpreter, value)?));
    }
    let mut out = BoundedText::new(&interpreter.budget);
    for (index, (key, value)) in texts.iter().enumerate() {
        interpreter.charge_change(key, PERCENT)?;
        interpreter.charge_change(value, PERCENT)?;
        out.push(if index > 0 { "&" } else { "" })?;
        out.push(&url_quoted(key, true))?;
        out.push("=")?;
        out.push(&url_quoted(value, true))?;
    }
    Ok(Value::text(out.finish()?.text))
}

pub(super) fn xmlattr<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [autospace] = args.bind("xmlattr", ["autospace"], 0)?;
    let autospace = autospace.is_none_or(|value| value.is_true());
    let Value::Dict(dict) = &value else { return Err(no_attribute(&value, "items")) };
    interpreter.charge_items(dict.len() * PAIR)?;
    let mut texts = Vec::new();
    for (key, value) in dict.entries() {
        if matches!(value, Value::None | Value::Undefined(_)) {
            continue;
        }
        let (key, value) = (to_str(interpreter, &key)?, to_str(interpreter, &value)?);
        interpreter.budget.walk(key.len())?;
        if key.contains(|it: char| it.is_ascii_whitespace() || matches!(it, '\x0b' | '/' | '>' | '=')) {
            let text = format!("Invalid character in attribute name: {}", quoted(&key));
            return Err(PyError::new(PyErrorKind::Value, text));
        }
        texts.push((strings::escaped(interpreter, &key)?, strings::escaped(interpreter, &value)?));
    }
    let mut out = BoundedText::new(&interpreter.budget);
    for (index, (key, value)) in texts.iter().enumerate() {
        out.push(if index == 0 && !autospace { "" } else { " " })?;
        out.push(key)?;
        out.push("=\"")?;
        out.push(value)?;
        out.push("\"")?;
    }
    let out = out.finish()?.text;
    Ok(Value::Str(Str::owned(out).markup_if(interpreter.autoescape)))
}
