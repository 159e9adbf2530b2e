//! The methods of `str`.

use super::str_search::{affix, find, replace};
use super::str_split::{lines, split};
use super::str_table::{make_table, translate};
use super::{casing, markup, str_format};
use crate::python_text::is_space;
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Method, Str, Value, arithmetic, repr};

/// Calls a method of a string. Methods of a `Markup` escape their arguments and give `Markup`.
pub(super) fn call<'d>(
    machine: &mut Machine<'d>,
    text: &Str<'d>,
    method: Method,
    mut args: Arguments<'d>,
) -> Run<Value<'d>> {
    if !text.is_markup() {
        return plain(machine, text, method, args);
    }
    let escapes = matches!(
        method,
        "capitalize"
            | "title"
            | "lower"
            | "upper"
            | "replace"
            | "ljust"
            | "rjust"
            | "lstrip"
            | "rstrip"
            | "center"
            | "strip"
            | "translate"
            | "expandtabs"
            | "swapcase"
            | "zfill"
            | "casefold"
            | "removeprefix"
            | "removesuffix"
    );
    if escapes {
        for value in args.positional.iter_mut().chain(args.named.iter_mut().map(|(_, value)| value)) {
            if let Value::Str(text) = value {
                *text = markup::escape(text);
            }
        }
    }
    let value = plain(machine, text, method, args)?;
    Ok(into_markup(value))
}

fn into_markup(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Str(text) => Value::Str(text.into_markup()),
        Value::List(list) => Value::list(list.iter().map(into_markup).collect()),
        Value::Tuple(items) => Value::tuple(items.iter().cloned().map(into_markup).collect()),
        other => other,
    }
}

fn plain<'d>(machine: &mut Machine<'d>, text: &Str<'d>, method: Method, args: Arguments<'d>) -> Run<Value<'d>> {
    match method {
        "strip" | "lstrip" | "rstrip" => {
            let [characters] = args.bind(method, ["chars"], 0)?;
            strip(text, characters.as_ref(), method != "rstrip", method != "lstrip").map(Value::Str)
        }
        "split" => split(machine, text, args, false),
        "rsplit" => split(machine, text, args, true),
        "splitlines" => {
            let [keep] = args.bind(method, ["keepends"], 0)?;
            let keep = keep.is_some_and(|keep| keep.is_true());
            Ok(Value::list(lines(text, keep).map(|line| Value::Str(text.part_of(line))).collect()))
        }
        "partition" | "rpartition" => {
            let [separator] = args.bind(method, ["sep"], 1)?;
            let separator = needed_str(separator, "must be str")?;
            if separator.is_empty() {
                return Err(Raise::new(Exception::Value, "empty separator"));
            }
            let found = if method == "partition" { text.find(&*separator) } else { text.rfind(&*separator) };
            let empty = || text.part(0..0);
            let parts = match found {
                Some(at) => {
                    [text.part(0..at), text.part(at..at + separator.len()), text.part(at + separator.len()..text.len())]
                }
                None if method == "partition" => [text.clone(), empty(), empty()],
                None => [empty(), empty(), text.clone()],
            };
            Ok(Value::tuple(parts.map(Value::Str).to_vec()))
        }
        "startswith" | "endswith" => affix(text, method, args),
        "find" | "rfind" | "index" | "rindex" | "count" => find(text, method, args),
        "replace" => {
            let [old, new, count] = args.bind(method, ["old", "new", "count"], 2)?;
            let old = needed_str(old, "replace() argument 1 must be str")?;
            let new = needed_str(new, "replace() argument 2 must be str")?;
            let count = count.as_ref().map_or(Ok(-1), |count| int(count, method))?;
            replace(machine, text, &old, &new, count).map(Value::Str)
        }
        "removeprefix" | "removesuffix" => {
            let [affix] = args.bind(method, ["affix"], 1)?;
            let affix = needed_str(affix, "argument must be str")?;
            Ok(Value::Str(match method {
                "removeprefix" => text.strip_prefix(&*affix).map_or(text.clone(), |rest| text.part_of(rest)),
                _ => text.strip_suffix(&*affix).map_or(text.clone(), |rest| text.part_of(rest)),
            }))
        }
        "join" => {
            let [items] = args.bind(method, ["iterable"], 1)?;
            let items = machine.items(&items.unwrap_or(Value::None))?;
            let mut parts = Vec::with_capacity(items.len() * 2);
            for (index, item) in items.iter().enumerate() {
                let Value::Str(item) = item else {
                    let text = format!("sequence item {index}: expected str instance, {} found", item.type_name());
                    return Err(Raise::new(Exception::Type, text));
                };
                if index > 0 {
                    parts.push(text.clone().plain());
                }
                parts.push(if text.is_markup() { markup::escape(item) } else { item.clone() });
            }
            arithmetic::join(machine, &parts.iter().collect::<Vec<_>>()).map(Value::Str)
        }
        "format" => str_format::format(machine, text, &args).map(Value::Str),
        "format_map" => {
            let [mapping] = args.bind(method, ["mapping"], 1)?;
            let Some(Value::Dict(dict)) = mapping else {
                return Err(Raise::new(Exception::Type, "format_map() argument must be a dict"));
            };
            let named = dict.entries().filter_map(|(key, value)| Some((key.as_str()?.clone(), value))).collect();
            let args = Arguments { positional: Vec::new(), named };
            str_format::format(machine, text, &args).map(Value::Str)
        }
        "center" | "ljust" | "rjust" => pad(machine, text, method, args),
        "zfill" => {
            let [width] = args.bind(method, ["width"], 1)?;
            let width = usize::try_from(int(&width.unwrap_or(Value::None), method)?.max(0)).unwrap_or(0);
            machine.charge_bytes(width)?;
            let zeros = "0".repeat(width.saturating_sub(text.char_count()));
            let sign = usize::from(text.starts_with(['+', '-']));
            let filled = format!("{}{zeros}{}", &text[..sign], &text[sign..]);
            machine.remade(text, filled).map(Value::Str)
        }
        "expandtabs" => {
            let [size] = args.bind(method, ["tabsize"], 0)?;
            let size = size.as_ref().map_or(Ok(8), |size| int(size, method))?;
            expand_tabs(machine, text, size).map(Value::Str)
        }
        "translate" => {
            let [table] = args.bind(method, ["table"], 1)?;
            translate(machine, text, &table.unwrap_or(Value::None)).map(Value::Str)
        }
        "maketrans" => make_table(args),
        "encode" => Err(Raise::new(Exception::Type, "bytes are no text: chat templates have no use for encode()")),
        _ if !args.is_empty() => {
            let count = args.positional.len() + args.named.len();
            Err(Raise::new(Exception::Type, format!("str.{method}() takes no arguments ({count} given)")))
        }
        "lower" => machine.remade(text, text.to_lowercase()).map(Value::Str),
        "upper" => machine.remade(text, text.to_uppercase()).map(Value::Str),
        "title" => machine.remade(text, casing::title(text)).map(Value::Str),
        "capitalize" => machine.remade(text, casing::capitalize(text)).map(Value::Str),
        "swapcase" => machine.remade(text, casing::swapcase(text)).map(Value::Str),
        "casefold" => machine.remade(text, casing::casefold(text)).map(Value::Str),
        _ => Ok(Value::Bool(is_kind(text, method))),
    }
}

/// `isalpha()` and its like.
pub(super) fn is_kind(text: &str, method: &str) -> bool {
    let all = |is: fn(char) -> bool| !text.is_empty() && text.chars().all(is);
    match method {
        "isalnum" => all(casing::is_alnum),
        "isalpha" => all(casing::is_alpha),
        "isascii" => text.is_ascii(),
        "isdecimal" => all(casing::is_decimal),
        "isdigit" => all(casing::is_digit),
        "isnumeric" => all(casing::is_numeric),
        "isspace" => all(is_space),
        "isprintable" => text.chars().all(repr::is_printable),
        "isidentifier" => {
            let mut characters = text.chars();
            characters.next().is_some_and(|first| first == '_' || unicode_ident::is_xid_start(first))
                && characters.all(unicode_ident::is_xid_continue)
        }
        "islower" => {
            text.chars().any(char::is_lowercase) && !text.chars().any(|it| it.is_uppercase() || casing::is_title(it))
        }
        "isupper" => {
            text.chars().any(char::is_uppercase) && !text.chars().any(|it| it.is_lowercase() || casing::is_title(it))
        }
        "istitle" => casing::is_title_text(text),
        _ => false,
    }
}

pub(super) fn needed_str<'d>(value: Option<Value<'d>>, why: &str) -> Run<Str<'d>> {
    match value {
        Some(Value::Str(text)) => Ok(text),
        Some(Value::Undefined(undefined)) => Err(Raise::undefined(&undefined)),
        other => {
            let kind = other.map_or("NoneType", |value| value.type_name());
            Err(Raise::new(Exception::Type, format!("{why}, not {kind}")))
        }
    }
}

pub(super) fn int(value: &Value<'_>, method: &str) -> Run<i64> {
    match value {
        Value::Int(value) => Ok(*value),
        Value::Bool(value) => Ok(i64::from(*value)),
        other => {
            let text = format!("'{}' object cannot be interpreted as an integer ({method})", other.type_name());
            Err(Raise::new(Exception::Type, text))
        }
    }
}

/// `text` without the characters at its edges: white space, or those given.
pub(super) fn strip<'d>(text: &Str<'d>, characters: Option<&Value<'d>>, left: bool, right: bool) -> Run<Str<'d>> {
    let characters = match characters {
        None | Some(Value::None) => None,
        Some(Value::Str(characters)) => Some(characters),
        Some(Value::Undefined(undefined)) => return Err(Raise::undefined(undefined)),
        Some(_) => return Err(Raise::new(Exception::Type, "strip arg must be None or str")),
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

fn pad<'d>(machine: &mut Machine<'d>, text: &Str<'d>, method: &str, args: Arguments<'d>) -> Run<Value<'d>> {
    let [width, fill] = args.bind(method, ["width", "fillchar"], 1)?;
    let width = int(&width.unwrap_or(Value::None), method)?;
    let fill = match fill {
        None => ' ',
        Some(fill) => {
            let fill = needed_str(Some(fill), "The fill character must be a unicode character")?;
            let mut characters = fill.chars();
            match (characters.next(), characters.next()) {
                (Some(fill), None) => fill,
                _ => {
                    let text = "The fill character must be exactly one character long";
                    return Err(Raise::new(Exception::Type, text));
                }
            }
        }
    };
    centered(machine, text, width, fill, method).map(Value::Str)
}

/// `text` padded to `width` characters.
pub(super) fn centered<'d>(
    machine: &mut Machine<'d>,
    text: &Str<'d>,
    width: i64,
    fill: char,
    method: &str,
) -> Run<Str<'d>> {
    let width = usize::try_from(width.max(0)).unwrap_or(0);
    let missing = width.saturating_sub(text.char_count());
    if missing == 0 {
        return Ok(text.clone());
    }
    machine.charge_bytes(missing.saturating_mul(fill.len_utf8()))?;
    let left = match method {
        "ljust" => 0,
        "rjust" => missing,
        _ => missing / 2 + (missing & width & 1),
    };
    let space = |count: usize| Str::own(std::iter::repeat_n(fill, count).collect());
    arithmetic::join(machine, &[&space(left), text, &space(missing - left)])
}

fn expand_tabs<'d>(machine: &mut Machine<'d>, text: &Str<'d>, size: i64) -> Run<Str<'d>> {
    let size = usize::try_from(size.max(0)).unwrap_or(0);
    machine.charge_bytes(text.matches('\t').count().saturating_mul(size).saturating_add(text.len()))?;
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
    machine.remade(text, out)
}
