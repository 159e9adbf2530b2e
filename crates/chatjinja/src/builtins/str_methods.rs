//! The methods of `str`.

use super::filters::is_set;
use super::str_format;
use super::str_search::{affix, count, find, index, replace};
use super::str_split::split;
use super::str_table::{make_table, translate};
use crate::names::StrMethod;
use crate::ops::strings::{self, Align};
use crate::provenance::Str;
use crate::runtime::{Arguments, EvalResult, Interpreter, PyError, PyErrorKind, Value};
use crate::text::characters::{is_alnum, is_alpha, is_decimal, is_digit, is_identifier, is_numeric, is_printable};
use crate::text::lines::lines;
use crate::text::{casing, is_space};

/// `text.method(args)`. Methods of a `Markup` escape their arguments and give `Markup`.
pub(super) fn call<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    method: StrMethod,
    mut args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    if !text.is_markup() {
        return call_plain(interpreter, text, method, args);
    }
    if escapes_arguments(method) {
        for value in args.positional.iter_mut().chain(args.named.iter_mut().map(|(_, value)| value)) {
            if let Value::Str(text) = value {
                *text = text.escaped();
            }
        }
    }
    call_plain(interpreter, text, method, args).map(into_markup)
}

/// Whether the method of a `Markup` escapes its arguments.
fn escapes_arguments(method: StrMethod) -> bool {
    matches!(
        method,
        StrMethod::Capitalize
            | StrMethod::Title
            | StrMethod::Lower
            | StrMethod::Upper
            | StrMethod::Replace
            | StrMethod::LJust
            | StrMethod::RJust
            | StrMethod::LStrip
            | StrMethod::RStrip
            | StrMethod::Center
            | StrMethod::Strip
            | StrMethod::Translate
            | StrMethod::ExpandTabs
            | StrMethod::SwapCase
            | StrMethod::ZFill
            | StrMethod::Casefold
            | StrMethod::RemovePrefix
            | StrMethod::RemoveSuffix
    )
}

fn into_markup(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Str(text) => Value::Str(text.into_markup()),
        Value::List(list) => Value::list(list.iter().map(into_markup).collect()),
        Value::Tuple(items) => Value::tuple(items.iter().cloned().map(into_markup).collect()),
        other => other,
    }
}

fn call_plain<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    method: StrMethod,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let all = |args: Arguments<'d>, is: fn(char) -> bool| {
        without_arguments(method, args)?;
        Ok(Value::Bool(!text.is_empty() && text.chars().all(is)))
    };
    let holds = |args: Arguments<'d>, is: fn(&str) -> bool| {
        without_arguments(method, args)?;
        Ok(Value::Bool(is(text)))
    };
    let mut changed = |args: Arguments<'d>, change: fn(&str) -> String| {
        without_arguments(method, args)?;
        interpreter.derived(text, change(text)).map(Value::Str)
    };
    match method {
        StrMethod::Strip | StrMethod::LStrip | StrMethod::RStrip => {
            let [characters] = args.bind(method.name(), ["chars"], 0)?;
            let (left, right) = (method != StrMethod::RStrip, method != StrMethod::LStrip);
            strip(text, characters.as_ref(), left, right).map(Value::Str)
        }
        StrMethod::Split => split(interpreter, text, args, false),
        StrMethod::RSplit => split(interpreter, text, args, true),
        StrMethod::SplitLines => {
            let [keep] = args.bind(method.name(), ["keepends"], 0)?;
            let lines = lines(text, is_set(keep)).map(|line| Value::Str(text.part_of(line)));
            Ok(Value::list(lines.collect()))
        }
        StrMethod::Partition | StrMethod::RPartition => partition(text, method, args),
        StrMethod::StartsWith => affix(text, method, args, |text, affix| text.starts_with(affix)),
        StrMethod::EndsWith => affix(text, method, args, |text, affix| text.ends_with(affix)),
        StrMethod::Find => find(text, method, args, |text, wanted| text.find(wanted)),
        StrMethod::RFind => find(text, method, args, |text, wanted| text.rfind(wanted)),
        StrMethod::Index => index(text, method, args, |text, wanted| text.find(wanted)),
        StrMethod::RIndex => index(text, method, args, |text, wanted| text.rfind(wanted)),
        StrMethod::Count => count(text, method, args),
        StrMethod::Replace => {
            let [old, new, count] = args.bind(method.name(), ["old", "new", "count"], 2)?;
            let old = needed_str(old, "replace() argument 1 must be str")?;
            let new = needed_str(new, "replace() argument 2 must be str")?;
            let count = count.as_ref().map_or(Ok(-1), |count| int(count, method.name()))?;
            replace(interpreter, text, &old, &new, count).map(Value::Str)
        }
        StrMethod::RemovePrefix => without_affix(text, method, args, |text, affix| text.strip_prefix(affix)),
        StrMethod::RemoveSuffix => without_affix(text, method, args, |text, affix| text.strip_suffix(affix)),
        StrMethod::Join => join(interpreter, text, method, args),
        StrMethod::Format => str_format::format(interpreter, text, &args).map(Value::Str),
        StrMethod::FormatMap => {
            let [mapping] = args.bind(method.name(), ["mapping"], 1)?;
            let Some(Value::Dict(dict)) = mapping else {
                return Err(PyError::new(PyErrorKind::Type, "format_map() argument must be a dict"));
            };
            let named = dict.entries().filter_map(|(key, value)| Some((key.as_str()?.clone(), value))).collect();
            let args = Arguments { positional: Vec::new(), named };
            str_format::format(interpreter, text, &args).map(Value::Str)
        }
        StrMethod::Center => pad(interpreter, text, method, args, Align::Center),
        StrMethod::LJust => pad(interpreter, text, method, args, Align::Left),
        StrMethod::RJust => pad(interpreter, text, method, args, Align::Right),
        StrMethod::ZFill => {
            let [width] = args.bind(method.name(), ["width"], 1)?;
            let width = int(&width.unwrap_or(Value::None), method.name())?;
            let width = usize::try_from(width.max(0)).unwrap_or(0);
            interpreter.charge_bytes(width)?;
            let zeros = "0".repeat(width.saturating_sub(text.char_count()));
            let sign = usize::from(text.starts_with(['+', '-']));
            let filled = format!("{}{zeros}{}", &text[..sign], &text[sign..]);
            interpreter.derived(text, filled).map(Value::Str)
        }
        StrMethod::ExpandTabs => {
            let [size] = args.bind(method.name(), ["tabsize"], 0)?;
            let size = size.as_ref().map_or(Ok(8), |size| int(size, method.name()))?;
            expand_tabs(interpreter, text, size).map(Value::Str)
        }
        StrMethod::Translate => {
            let [table] = args.bind(method.name(), ["table"], 1)?;
            translate(interpreter, text, &table.unwrap_or(Value::None)).map(Value::Str)
        }
        StrMethod::MakeTrans => make_table(args),
        StrMethod::Encode => {
            let text = "encode() gives bytes, which are not supported in chat templates";
            Err(PyError::new(PyErrorKind::Type, text))
        }
        StrMethod::Lower => changed(args, str::to_lowercase),
        StrMethod::Upper => changed(args, str::to_uppercase),
        StrMethod::Title => changed(args, casing::title),
        StrMethod::Capitalize => changed(args, casing::capitalize),
        StrMethod::SwapCase => changed(args, casing::swapcase),
        StrMethod::Casefold => changed(args, casing::casefold),
        StrMethod::IsAlnum => all(args, is_alnum),
        StrMethod::IsAlpha => all(args, is_alpha),
        StrMethod::IsDecimal => all(args, is_decimal),
        StrMethod::IsDigit => all(args, is_digit),
        StrMethod::IsNumeric => all(args, is_numeric),
        StrMethod::IsSpace => all(args, is_space),
        StrMethod::IsAscii => holds(args, str::is_ascii),
        StrMethod::IsIdentifier => holds(args, is_identifier),
        StrMethod::IsLower => holds(args, casing::is_lower_text),
        StrMethod::IsPrintable => holds(args, |text| text.chars().all(is_printable)),
        StrMethod::IsTitle => holds(args, casing::is_title_text),
        StrMethod::IsUpper => holds(args, casing::is_upper_text),
    }
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
pub(super) fn int(value: &Value<'_>, method: &str) -> EvalResult<i64> {
    match value {
        Value::Int(value) => Ok(*value),
        Value::Bool(value) => Ok(i64::from(*value)),
        other => {
            let text = format!("'{}' object cannot be interpreted as an integer ({method})", other.type_name());
            Err(PyError::new(PyErrorKind::Type, text))
        }
    }
}

/// `text` without certain characters at its ends: white space, or those given.
pub(super) fn strip<'d>(
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
    let goes = |character: char| match characters {
        Some(characters) => characters.contains(character),
        None => is_space(character),
    };
    let kept: &str = text;
    let kept = if left { kept.trim_start_matches(goes) } else { kept };
    let kept = if right { kept.trim_end_matches(goes) } else { kept };
    Ok(text.part_of(kept))
}

fn partition<'d>(text: &Str<'d>, method: StrMethod, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [separator] = args.bind(method.name(), ["sep"], 1)?;
    let separator = needed_str(separator, "must be str")?;
    if separator.is_empty() {
        return Err(PyError::new(PyErrorKind::Value, "empty separator"));
    }
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
    text: &Str<'d>,
    method: StrMethod,
    args: Arguments<'d>,
    strip: impl for<'t> Fn(&'t str, &str) -> Option<&'t str>,
) -> EvalResult<Value<'d>> {
    let [affix] = args.bind(method.name(), ["affix"], 1)?;
    let affix = needed_str(affix, "argument must be str")?;
    Ok(Value::Str(strip(text, &affix).map_or_else(|| text.clone(), |rest| text.part_of(rest))))
}

fn join<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    method: StrMethod,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [items] = args.bind(method.name(), ["iterable"], 1)?;
    let items = interpreter.items(&items.unwrap_or(Value::None))?;
    let mut parts = Vec::with_capacity(items.len() * 2);
    for (index, item) in items.iter().enumerate() {
        let Value::Str(item) = item else {
            let text = format!("sequence item {index}: expected str instance, {} found", item.type_name());
            return Err(PyError::new(PyErrorKind::Type, text));
        };
        if index > 0 {
            parts.push(text.clone().plain());
        }
        parts.push(if text.is_markup() { item.escaped() } else { item.clone() });
    }
    strings::join(interpreter, &parts.iter().collect::<Vec<_>>()).map(Value::Str)
}

fn pad<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    method: StrMethod,
    args: Arguments<'d>,
    align: Align,
) -> EvalResult<Value<'d>> {
    let [width, fill] = args.bind(method.name(), ["width", "fillchar"], 1)?;
    let width = int(&width.unwrap_or(Value::None), method.name())?;
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
