//! The methods of `str`.

use std::collections::HashSet;

use super::filters::{is_set, no_integer};
use super::str_format;
use super::str_markup::join;
use super::str_search::{affix, charge_search, count, find, index, replace};
use super::str_split::split;
use super::str_table::{make_table, translate};
use crate::names::StrMethod;
use crate::ops::strings::{self, Align};
use crate::provenance::Str;
use crate::runtime::{Arguments, EvalResult, Interpreter, PyError, PyErrorKind, Value};
use crate::text::characters::{is_alnum, is_alpha, is_decimal, is_digit, is_identifier, is_numeric, is_printable};
use crate::text::lines::lines;
use crate::text::{casing, is_space};

/// A text in other letters has at most this many times the bytes.
pub(super) const GROWTH: usize = 3;

/// More characters to strip than this are looked up in a table.
const FEW: usize = 16;

/// A text up to this length is stripped without a charge.
const LONG: usize = 256;

/// The method of a string that is no `Markup`.
pub(super) fn call_plain<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    method: StrMethod,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    if !args.named.is_empty() && !has_names(method) {
        let text = format!("str.{}() takes no keyword arguments", method.name());
        return Err(PyError::new(PyErrorKind::Type, text));
    }
    let slow = |interpreter: &Interpreter<'d>| interpreter.budget.walk(text.len().saturating_mul(4));
    let all = |interpreter: &Interpreter<'d>, args: Arguments<'d>, is: fn(char) -> bool| {
        without_arguments(method, args)?;
        slow(interpreter)?;
        Ok(Value::Bool(!text.is_empty() && text.chars().all(is)))
    };
    let holds = |interpreter: &Interpreter<'d>, args: Arguments<'d>, is: fn(&str) -> bool| {
        without_arguments(method, args)?;
        slow(interpreter)?;
        Ok(Value::Bool(is(text)))
    };
    let changed = |interpreter: &mut Interpreter<'d>, args: Arguments<'d>, change: fn(&str) -> String| {
        without_arguments(method, args)?;
        interpreter.charge_change(text, GROWTH)?;
        interpreter.derived(text, change(text)).map(Value::Str)
    };
    match method {
        StrMethod::Strip | StrMethod::LStrip | StrMethod::RStrip => {
            let [characters] = args.bind(method.name(), ["chars"], 0)?;
            let (left, right) = (method != StrMethod::RStrip, method != StrMethod::LStrip);
            strip(interpreter, text, characters.as_ref(), left, right).map(Value::Str)
        }
        StrMethod::Split => split(interpreter, text, args, false),
        StrMethod::RSplit => split(interpreter, text, args, true),
        StrMethod::SplitLines => {
            let [keep] = args.bind(method.name(), ["keepends"], 0)?;
            interpreter.budget.walk(text.len())?;
            interpreter.budget.parts(text, lines(text, false).count())?;
            let lines = lines(text, is_set(keep)).map(|line| Value::Str(text.part_of(line)));
            Ok(Value::list(lines.collect()))
        }
        StrMethod::Partition | StrMethod::RPartition => partition(interpreter, text, method, args),
        StrMethod::StartsWith => affix(interpreter, text, method, args, |text, affix| text.starts_with(affix)),
        StrMethod::EndsWith => affix(interpreter, text, method, args, |text, affix| text.ends_with(affix)),
        StrMethod::Find => find(interpreter, text, method, args, |text, wanted| text.find(wanted)),
        StrMethod::RFind => find(interpreter, text, method, args, |text, wanted| text.rfind(wanted)),
        StrMethod::Index => index(interpreter, text, method, args, |text, wanted| text.find(wanted)),
        StrMethod::RIndex => index(interpreter, text, method, args, |text, wanted| text.rfind(wanted)),
        StrMethod::Count => count(interpreter, text, method, args),
        StrMethod::Replace => {
            let [old, new, count] = args.bind(method.name(), ["old", "new", "count"], 2)?;
            let old = needed_str(old, "replace() argument 1 must be str")?;
            let new = needed_str(new, "replace() argument 2 must be str")?;
            let count = count.as_ref().map_or(Ok(-1), |count| int(count))?;
            replace(interpreter, text, &old, &new, count).map(Value::Str)
        }
        StrMethod::RemovePrefix => {
            without_affix(interpreter, text, method, args, |text, affix| text.strip_prefix(affix))
        }
        StrMethod::RemoveSuffix => {
            without_affix(interpreter, text, method, args, |text, affix| text.strip_suffix(affix))
        }
        StrMethod::Join => join(interpreter, text, args),
        StrMethod::Format => str_format::format(interpreter, text, &args).map(Value::Str),
        StrMethod::FormatMap => {
            let [mapping] = args.bind(method.name(), ["mapping"], 1)?;
            let Some(Value::Dict(dict)) = mapping else {
                return Err(PyError::new(PyErrorKind::Type, "format_map() argument must be a dict"));
            };
            interpreter.charge_items(dict.len() * 2)?;
            let named = dict.entries().filter_map(|(key, value)| Some((key.as_str()?.clone(), value))).collect();
            let args = Arguments { positional: Vec::new(), named };
            str_format::format(interpreter, text, &args).map(Value::Str)
        }
        StrMethod::Center => pad(interpreter, text, method, args, Align::Center),
        StrMethod::LJust => pad(interpreter, text, method, args, Align::Left),
        StrMethod::RJust => pad(interpreter, text, method, args, Align::Right),
        StrMethod::ZFill => {
            let [width] = args.bind(method.name(), ["width"], 1)?;
            let width = int(&width.unwrap_or(Value::None))?;
            let width = usize::try_from(width.max(0)).unwrap_or(0);
            interpreter.budget.search(text.weight())?;
            interpreter.charge_bytes(width.saturating_mul(2))?;
            let zeros = "0".repeat(width.saturating_sub(text.char_count()));
            let sign = usize::from(text.starts_with(['+', '-']));
            let filled = format!("{}{zeros}{}", &text[..sign], &text[sign..]);
            interpreter.derived(text, filled).map(Value::Str)
        }
        StrMethod::ExpandTabs => {
            let [size] = args.bind(method.name(), ["tabsize"], 0)?;
            let size = size.as_ref().map_or(Ok(8), |size| int(size))?;
            expand_tabs(interpreter, text, size).map(Value::Str)
        }
        StrMethod::Translate => {
            let [table] = args.bind(method.name(), ["table"], 1)?;
            translate(interpreter, text, &table.unwrap_or(Value::None)).map(Value::Str)
        }
        StrMethod::MakeTrans => make_table(interpreter, args),
        StrMethod::Encode => {
            let text = "encode() gives bytes, which are not supported in chat templates";
            Err(PyError::new(PyErrorKind::Type, text))
        }
        StrMethod::Lower => changed(interpreter, args, str::to_lowercase),
        StrMethod::Upper => changed(interpreter, args, str::to_uppercase),
        StrMethod::Title => changed(interpreter, args, casing::title),
        StrMethod::Capitalize => changed(interpreter, args, casing::capitalize),
        StrMethod::SwapCase => changed(interpreter, args, casing::swapcase),
        StrMethod::Casefold => changed(interpreter, args, casing::casefold),
        StrMethod::IsAlnum => all(interpreter, args, is_alnum),
        StrMethod::IsAlpha => all(interpreter, args, is_alpha),
        StrMethod::IsDecimal => all(interpreter, args, is_decimal),
        StrMethod::IsDigit => all(interpreter, args, is_digit),
        StrMethod::IsNumeric => all(interpreter, args, is_numeric),
        StrMethod::IsSpace => all(interpreter, args, is_space),
        StrMethod::IsAscii => holds(interpreter, args, str::is_ascii),
        StrMethod::IsIdentifier => holds(interpreter, args, is_identifier),
        StrMethod::IsLower => holds(interpreter, args, casing::is_lower_text),
        StrMethod::IsPrintable => holds(interpreter, args, |text| text.chars().all(is_printable)),
        StrMethod::IsTitle => holds(interpreter, args, casing::is_title_text),
        StrMethod::IsUpper => holds(interpreter, args, casing::is_upper_text),
    }
}

/// Whether the arguments of a method have names in Python 3.11.
fn has_names(method: StrMethod) -> bool {
    matches!(
        method,
        StrMethod::Split
            | StrMethod::RSplit
            | StrMethod::SplitLines
            | StrMethod::ExpandTabs
            | StrMethod::Encode
            | StrMethod::Format
    )
}

fn without_arguments(method: StrMethod, args: Arguments<'_>) -> EvalResult<()> {
    if args.is_empty() {
        return Ok(());
    }
    let text = format!("str.{}() takes no arguments ({} given)", method.name(), args.len());
    Err(PyError::new(PyErrorKind::Type, text))
}

/// An argument that must be a string. `why` begins the error message.
pub(super) fn needed_str<'d>(value: Option<Value<'d>>, why: &str) -> EvalResult<Str<'d>> {
    match value {
        Some(Value::Str(text)) => Ok(text),
        Some(Value::Undefined(undefined)) => Err(PyError::undefined(&undefined)),
        other => {
            let kind = other.map_or("NoneType", |value| value.type_name());
            Err(PyError::new(PyErrorKind::Type, format!("{why}, not {kind}")))
        }
    }
}

/// An argument that must be an integer.
pub(super) fn int(value: &Value<'_>) -> EvalResult<i64> {
    match value {
        Value::Int(value) => Ok(*value),
        Value::Bool(value) => Ok(i64::from(*value)),
        other => Err(no_integer(other)),
    }
}

/// `text` without certain characters at its ends: white space, or those given.
pub(super) fn strip<'d>(
    interpreter: &Interpreter<'d>,
    text: &Str<'d>,
    characters: Option<&Value<'d>>,
    left: bool,
    right: bool,
) -> EvalResult<Str<'d>> {
    let characters = match characters {
        None | Some(Value::None) => None,
        Some(Value::Str(characters)) => Some(characters),
        Some(Value::Undefined(undefined)) => return Err(PyError::undefined(undefined)),
        Some(_) => return Err(PyError::new(PyErrorKind::Type, "strip arg must be None or str")),
    };
    // Many characters are looked up in a table.
    let table: Option<HashSet<char>> = match characters {
        Some(characters) if characters.len() > FEW => {
            interpreter.budget.walk(characters.len())?;
            interpreter.charge_bytes(characters.len().saturating_mul(16))?;
            Some(characters.chars().collect())
        }
        _ => None,
    };
    interpreter.budget.parts(text, 1)?;
    let kept = match (&table, characters) {
        (Some(table), _) => trimmed(interpreter, text, left, right, |character| table.contains(&character)),
        (None, Some(characters)) => trimmed(interpreter, text, left, right, |character| characters.contains(character)),
        (None, None) => trimmed(interpreter, text, left, right, is_space),
    }?;
    Ok(text.part_of(kept))
}

/// `text` without the characters at its ends that `goes` removes. Those of an ordinary text are few.
fn trimmed<'t>(
    interpreter: &Interpreter<'_>,
    text: &'t str,
    left: bool,
    right: bool,
    goes: impl Fn(char) -> bool,
) -> EvalResult<&'t str> {
    let few = |character: Option<char>| character.is_some_and(&goes);
    if text.len() > LONG && ((left && few(text.chars().next())) || (right && few(text.chars().next_back()))) {
        interpreter.budget.walk(text.len())?;
    }
    let kept = if left { text.trim_start_matches(&goes) } else { text };
    Ok(if right { kept.trim_end_matches(&goes) } else { kept })
}

fn partition<'d>(
    interpreter: &Interpreter<'d>,
    text: &Str<'d>,
    method: StrMethod,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [separator] = args.bind(method.name(), ["sep"], 1)?;
    let separator = needed_str(separator, "must be str")?;
    if separator.is_empty() {
        return Err(PyError::new(PyErrorKind::Value, "empty separator"));
    }
    charge_search(interpreter, text, &separator)?;
    interpreter.budget.parts(text, 3)?;
    let from_left = method == StrMethod::Partition;
    let found = if from_left { text.find(&*separator) } else { text.rfind(&*separator) };
    let empty = || text.part(0..0);
    let parts = match found {
        Some(at) => {
            let end = at + separator.len();
            [text.part(0..at), text.part(at..end), text.part(end..text.len())]
        }
        None if from_left => [text.clone(), empty(), empty()],
        None => [empty(), empty(), text.clone()],
    };
    Ok(Value::tuple(parts.map(Value::Str).to_vec()))
}

fn without_affix<'d>(
    interpreter: &Interpreter<'d>,
    text: &Str<'d>,
    method: StrMethod,
    args: Arguments<'d>,
    strip: impl for<'t> Fn(&'t str, &str) -> Option<&'t str>,
) -> EvalResult<Value<'d>> {
    let [affix] = args.bind(method.name(), ["affix"], 1)?;
    let affix = needed_str(affix, "argument must be str")?;
    interpreter.budget.search(affix.len().min(text.len()))?;
    interpreter.budget.parts(text, 1)?;
    Ok(Value::Str(strip(text, &affix).map_or_else(|| text.clone(), |rest| text.part_of(rest))))
}

fn pad<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    method: StrMethod,
    args: Arguments<'d>,
    align: Align,
) -> EvalResult<Value<'d>> {
    let [width, fill] = args.bind(method.name(), ["width", "fillchar"], 1)?;
    let width = int(&width.unwrap_or(Value::None))?;
    let fill = match fill {
        None => ' ',
        Some(fill) => {
            let fill = needed_str(Some(fill), "The fill character must be a unicode character")?;
            let mut characters = fill.chars();
            match (characters.next(), characters.next()) {
                (Some(fill), None) => fill,
                _ => {
                    let text = "The fill character must be exactly one character long";
                    return Err(PyError::new(PyErrorKind::Type, text));
                }
            }
        }
    };
    strings::pad(interpreter, text, width, fill, align).map(Value::Str)
}

fn expand_tabs<'d>(interpreter: &mut Interpreter<'d>, text: &Str<'d>, size: i64) -> EvalResult<Str<'d>> {
    let size = usize::try_from(size.max(0)).unwrap_or(0);
    interpreter.budget.walk(text.weight())?;
    interpreter.charge_bytes(text.matches('\t').count().saturating_mul(size).saturating_add(text.len()))?;
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for character in text.chars() {
        match character {
            '\t' if size > 0 => {
                let spaces = size - column % size;
                out.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            '\t' => {}
            '\n' | '\r' => {
                out.push(character);
                column = 0;
            }
            other => {
                out.push(other);
                column += 1;
            }
        }
    }
    interpreter.derived(text, out)
}
