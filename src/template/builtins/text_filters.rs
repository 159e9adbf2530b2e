//! Filters for texts.

use std::fmt::Write as _;

use super::filters::needs_str;
use super::{casing, markup, percent_format, pretty, str_methods, str_search, str_split};
use crate::python_text::is_space;
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Str, Value, arithmetic, iterate, repr};

/// `str(value)`; a `Markup` stays one.
fn soft<'d>(machine: &mut Machine<'d>, value: &Value<'d>) -> Run<Str<'d>> {
    repr::to_str(machine, value)
}

/// A changed text; a `Markup` stays one.
fn changed<'d>(machine: &mut Machine<'d>, text: &Str<'d>, new: String) -> Run<Value<'d>> {
    let made = machine.remade(text, new)?;
    Ok(Value::Str(if text.is_markup() { made.into_markup() } else { made }))
}

pub(super) fn string<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("string", [], 0)?;
    soft(machine, &value).map(Value::Str)
}

pub(super) fn lower<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("lower", [], 0)?;
    let text = soft(machine, &value)?;
    let new = text.to_lowercase();
    changed(machine, &text, new)
}

pub(super) fn upper<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("upper", [], 0)?;
    let text = soft(machine, &value)?;
    let new = text.to_uppercase();
    changed(machine, &text, new)
}

pub(super) fn capitalize<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("capitalize", [], 0)?;
    let text = soft(machine, &value)?;
    let new = casing::capitalize(&text);
    changed(machine, &text, new)
}

/// Jinja2's own rule: a capital at the start and behind white space, hyphens and opening brackets.
pub(super) fn title<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("title", [], 0)?;
    let text = soft(machine, &value)?;
    let mut new = String::with_capacity(text.len());
    let mut word = String::new();
    let separates = |it: char| is_space(it) || matches!(it, '-' | '(' | '{' | '[' | '<');
    let flush = |word: &mut String, new: &mut String| {
        let mut characters = word.chars();
        if let Some(first) = characters.next() {
            new.extend(first.to_uppercase());
            new.push_str(&characters.as_str().to_lowercase());
        }
        word.clear();
    };
    for character in text.chars() {
        if separates(character) {
            flush(&mut word, &mut new);
            new.push(character);
        } else {
            word.push(character);
        }
    }
    flush(&mut word, &mut new);
    machine.remade(&text, new).map(Value::Str)
}

pub(super) fn trim<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [characters] = args.bind("trim", ["chars"], 0)?;
    let text = soft(machine, &value)?;
    str_methods::strip(&text, characters.as_ref(), true, true).map(Value::Str)
}

pub(super) fn center<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [width] = args.bind("center", ["width"], 0)?;
    let text = soft(machine, &value)?;
    let width = whole(width, 80)?;
    str_methods::centered(machine, &text, width, ' ', "center").map(Value::Str)
}

fn whole(value: Option<Value<'_>>, default: i64) -> Run<i64> {
    match value {
        None => Ok(default),
        Some(Value::Int(value)) => Ok(value),
        Some(Value::Bool(value)) => Ok(i64::from(value)),
        Some(Value::Undefined(undefined)) => Err(Raise::undefined(&undefined)),
        Some(other) => {
            let text = format!("'{}' object cannot be interpreted as an integer", other.type_name());
            Err(Raise::new(Exception::Type, text))
        }
    }
}

pub(super) fn replace<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [old, new, count] = args.bind("replace", ["old", "new", "count"], 2)?;
    let (old, new) = (old.unwrap_or(Value::None), new.unwrap_or(Value::None));
    let count = match count {
        None | Some(Value::None) => -1,
        count => whole(count, -1)?,
    };
    let (text, old, new) = (soft(machine, &value)?, soft(machine, &old)?, soft(machine, &new)?);
    if !machine.autoescapes() {
        return str_search::replace(machine, &text.plain(), &old, &new, count).map(Value::Str);
    }
    let text = if old.is_markup() || (new.is_markup() && !text.is_markup()) { markup::escape(&text) } else { text };
    let (old, new) = match text.is_markup() {
        true => (markup::escape(&old), markup::escape(&new)),
        false => (old, new),
    };
    let replaced = str_search::replace(machine, &text, &old, &new, count)?;
    Ok(Value::Str(if text.is_markup() { replaced.into_markup() } else { replaced }))
}

pub(super) fn indent<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [width, first, blank] = args.bind("indent", ["width", "first", "blank"], 0)?;
    let is_true = |value: Option<Value<'d>>| value.is_some_and(|value| value.is_true());
    let (first, blank) = (is_true(first), is_true(blank));
    let indention = match width {
        Some(Value::Str(indention)) => indention,
        width => {
            let width = usize::try_from(whole(width, 4)?.max(0)).unwrap_or(0);
            machine.charge_bytes(width)?;
            Str::own(" ".repeat(width))
        }
    };
    let text = match value {
        Value::Str(text) => text,
        Value::Undefined(undefined) => return Err(Raise::undefined(&undefined)),
        other => {
            // Jinja2 appends a line end before all else, which fails for what is no string.
            arithmetic::apply(machine, arithmetic::Operator::Add, &other, &Value::fixed("\n"))?;
            let text = format!("'{}' object has no attribute 'splitlines'", other.type_name());
            return Err(Raise::new(Exception::Attribute, text));
        }
    };
    let newline = Str::fixed("\n");
    let indention = if text.is_markup() { markup::escape(&indention) } else { indention };
    // The line end that is appended ends the last line, so a text that ends in one has a blank line behind it.
    let mut lines: Vec<Str<'d>> = str_split::lines(&text, false).map(|line| text.part_of(line)).collect();
    if text.is_empty() || (ends_in_line_end(&text) && !text.ends_with('\r')) {
        lines.push(text.part(text.len()..text.len()));
    }
    machine.charge_bytes(lines.len().saturating_mul(indention.len()))?;
    let mut parts: Vec<&Str<'d>> = Vec::with_capacity(lines.len() * 3);
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            parts.push(&newline);
        }
        if (index == 0 && first) || (index > 0 && (blank || !line.is_empty())) {
            parts.push(&indention);
        }
        parts.push(line);
    }
    let joined = arithmetic::join(machine, &parts)?;
    Ok(Value::Str(if text.is_markup() { joined.into_markup() } else { joined }))
}

fn ends_in_line_end(text: &str) -> bool {
    str_split::lines(text, true).last().zip(str_split::lines(text, false).last()).is_some_and(|(a, b)| a != b)
}

pub(super) fn format<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    if !args.positional.is_empty() && !args.named.is_empty() {
        let text = "can't handle positional and keyword arguments at the same time";
        return Err(Raise::new(Exception::Runtime, text));
    }
    let text = soft(machine, &value)?;
    let values = match args.named.is_empty() {
        true => Value::tuple(args.positional),
        false => crate::template::run::dict_of(
            args.named.into_iter().map(|(name, value)| (Value::Str(name), value)).collect(),
        ),
    };
    percent_format::format_value(machine, &text, &values)
}

pub(super) fn truncate<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [length, killwords, end, leeway] = args.bind("truncate", ["length", "killwords", "end", "leeway"], 0)?;
    let length = whole(length, 255)?;
    let leeway = match leeway {
        None | Some(Value::None) => 5,
        leeway => whole(leeway, 5)?,
    };
    let end = match end {
        None => Str::fixed("..."),
        Some(end) => needs_str(&end, "end")?,
    };
    let end_length = end.char_count() as i64;
    if length < end_length {
        let text = format!("expected length >= {end_length}, got {length}");
        return Err(Raise::new(Exception::Runtime, text));
    }
    if leeway < 0 {
        return Err(Raise::new(Exception::Runtime, format!("expected leeway >= 0, got {leeway}")));
    }
    let count = value.len().map(|count| count as i64);
    let text = match (count, value) {
        (Some(count), value) if count <= length + leeway => return Ok(value),
        (Some(_), Value::Str(text)) => text,
        (_, other) => {
            let text = format!("object of type '{}' has no len()", other.type_name());
            return Err(Raise::new(Exception::Type, text));
        }
    };
    let cut = text.char_indices().nth((length - end_length) as usize).map_or(text.len(), |(at, _)| at);
    let kept = match killwords.is_some_and(|value| value.is_true()) {
        true => &text[..cut],
        false => text[..cut].rsplit_once(' ').map_or(&text[..cut], |(before, _)| before),
    };
    arithmetic::concat(machine, &text.part_of(kept), &end)
}

pub(super) fn wordcount<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("wordcount", [], 0)?;
    let text = soft(machine, &value)?;
    let words = text.split(|it: char| !(casing::is_alnum(it) || it == '_')).filter(|word| !word.is_empty());
    Ok(Value::Int(words.count() as i64))
}

pub(super) fn striptags<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("striptags", [], 0)?;
    let text = soft(machine, &value)?;
    machine.remade(&text, markup::striptags(&text)).map(Value::Str)
}

pub(super) fn pprint<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("pprint", [], 0)?;
    let text = pretty::pformat(&value);
    machine.charge_bytes(text.len())?;
    Ok(Value::text(text))
}

pub(super) fn filesizeformat<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [binary] = args.bind("filesizeformat", ["binary"], 0)?;
    let binary = binary.is_some_and(|value| value.is_true());
    let bytes = match &value {
        Value::Str(text) => text.trim().parse().ok(),
        other => arithmetic::float(other)?,
    };
    let Some(bytes) = bytes else {
        return Err(Raise::new(Exception::Value, "could not convert the size to float"));
    };
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok(Value::fixed("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::text(format!("{} Bytes", bytes.trunc())));
    }
    let prefixes = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    let mut unit = base;
    let mut prefix = "";
    for next in prefixes {
        unit *= base;
        prefix = next;
        if bytes < unit {
            break;
        }
    }
    let number = base * bytes / unit;
    Ok(Value::text(match binary {
        true => format!("{number:.1} {}iB", prefix.to_uppercase()),
        false => format!("{number:.1} {prefix}B"),
    }))
}

/// Bytes that need no quoting in a URL.
fn url_quoted(text: &str, query: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(byte as char),
            b'/' if !query => out.push('/'),
            b' ' if query => out.push('+'),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

pub(super) fn urlencode<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("urlencode", [], 0)?;
    let pairs = match &value {
        Value::Dict(dict) => dict.entries().map(|(key, value)| vec![key, value]).collect(),
        value if !matches!(value, Value::Str(_)) && iterate::is_iterable(value) => {
            let mut pairs = Vec::new();
            for pair in machine.items(value)? {
                pairs.push(machine.items(&pair)?);
            }
            pairs
        }
        other => {
            let text = soft(machine, other)?;
            return machine.remade(&text, url_quoted(&text, false)).map(Value::Str);
        }
    };
    let mut out = String::new();
    for (index, pair) in pairs.iter().enumerate() {
        let [key, value] = pair.as_slice() else {
            return Err(Raise::new(Exception::Value, "urlencode needs pairs of keys and values"));
        };
        out.push_str(if index > 0 { "&" } else { "" });
        let (key, value) = (soft(machine, key)?, soft(machine, value)?);
        out.push_str(&url_quoted(&key, true));
        out.push('=');
        out.push_str(&url_quoted(&value, true));
    }
    Ok(Value::text(out))
}

pub(super) fn xmlattr<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [autospace] = args.bind("xmlattr", ["autospace"], 0)?;
    let autospace = autospace.is_none_or(|value| value.is_true());
    let Value::Dict(dict) = &value else {
        let text = format!("'{}' object has no attribute 'items'", value.type_name());
        return Err(Raise::new(Exception::Attribute, text));
    };
    let mut out = String::new();
    for (key, value) in dict.entries() {
        if matches!(value, Value::None | Value::Undefined(_)) {
            continue;
        }
        let (key, value) = (soft(machine, &key)?, soft(machine, &value)?);
        if key.contains(|it: char| it.is_ascii_whitespace() || matches!(it, '\x0b' | '/' | '>' | '=')) {
            let text = format!("Invalid character in attribute name: {}", repr::quoted(&key));
            return Err(Raise::new(Exception::Value, text));
        }
        out.push_str(if out.is_empty() && !autospace { "" } else { " " });
        // Writing to a String cannot fail.
        let _ = write!(out, "{}=\"{}\"", &*markup::escape(&key), &*markup::escape(&value));
    }
    let text = Str::own(out);
    Ok(Value::Str(if machine.autoescapes() { text.into_markup() } else { text }))
}
