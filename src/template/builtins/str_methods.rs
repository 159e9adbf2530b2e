//! The methods of `str`.

use super::{casing, markup, str_format};
use crate::python_text::is_space;
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Dict, Method, Str, Value, arithmetic, repr};

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

fn needed_str<'d>(value: Option<Value<'d>>, why: &str) -> Run<Str<'d>> {
    match value {
        Some(Value::Str(text)) => Ok(text),
        Some(Value::Undefined(undefined)) => Err(Raise::undefined(&undefined)),
        other => {
            let kind = other.map_or("NoneType", |value| value.type_name());
            Err(Raise::new(Exception::Type, format!("{why}, not {kind}")))
        }
    }
}

fn int(value: &Value<'_>, method: &str) -> Run<i64> {
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

fn split<'d>(machine: &mut Machine<'d>, text: &Str<'d>, args: Arguments<'d>, from_right: bool) -> Run<Value<'d>> {
    let name = if from_right { "rsplit" } else { "split" };
    let [separator, limit] = args.bind(name, ["sep", "maxsplit"], 0)?;
    let limit = limit.as_ref().map_or(Ok(-1), |limit| int(limit, name))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts: Vec<&str> = match separator {
        None | Some(Value::None) if from_right => words_from_right(text, limit),
        None | Some(Value::None) => words(text, limit),
        Some(Value::Str(separator)) => {
            if separator.is_empty() {
                return Err(Raise::new(Exception::Value, "empty separator"));
            }
            let most = limit.saturating_add(1);
            if from_right {
                text.rsplitn(most, &*separator).collect()
            } else {
                text.splitn(most, &*separator).collect()
            }
        }
        Some(Value::Undefined(undefined)) => return Err(Raise::undefined(&undefined)),
        Some(other) => {
            let text = format!("must be str or None, not {}", other.type_name());
            return Err(Raise::new(Exception::Type, text));
        }
    };
    if from_right {
        parts.reverse();
    }
    machine.charge_items(parts.len())?;
    Ok(Value::list(parts.into_iter().map(|part| Value::Str(text.part_of(part))).collect()))
}

/// Words between white space, at most `limit` of them cut off the rest.
fn words(text: &str, limit: usize) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let end = if words.len() < limit { rest.find(is_space) } else { None };
        match end {
            Some(end) => {
                words.push(&rest[..end]);
                rest = rest[end..].trim_start_matches(is_space);
            }
            None => {
                words.push(if words.len() < limit { rest } else { rest.trim_end_matches(is_space) });
                rest = "";
            }
        }
    }
    // The rest behind the last cut keeps the white space at its end.
    if words.len() > limit
        && let Some(last) = words.last_mut()
    {
        let start = last.as_ptr() as usize - text.as_ptr() as usize;
        *last = &text[start..];
    }
    words
}

/// The same from the right; the last word first.
fn words_from_right(text: &str, limit: usize) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while !rest.is_empty() {
        if words.len() == limit {
            words.push(rest);
            break;
        }
        match rest.char_indices().rev().find(|(_, character)| is_space(*character)) {
            Some((at, space)) => {
                words.push(&rest[at + space.len_utf8()..]);
                rest = rest[..at].trim_end_matches(is_space);
            }
            None => {
                words.push(rest);
                rest = "";
            }
        }
    }
    words
}

/// The lines of a text by Python's line ends, with them or without.
pub(super) fn lines(text: &str, keep: bool) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = |it: char| {
            matches!(it, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
        };
        let (line, width) = match rest.char_indices().find(|(_, character)| ends(*character)) {
            Some((at, '\r')) if rest[at + 1..].starts_with('\n') => (at, 2),
            Some((at, character)) => (at, character.len_utf8()),
            None => (rest.len(), 0),
        };
        let found = &rest[..if keep { line + width } else { line }];
        rest = &rest[line + width..];
        Some(found)
    })
}

/// The bytes of the characters `start..stop`, by Python's rules for bounds; None where start lies behind the end.
fn bounded(text: &str, start: Option<&Value<'_>>, stop: Option<&Value<'_>>) -> Run<Option<std::ops::Range<usize>>> {
    if start.is_none() && stop.is_none() {
        return Ok(Some(0..text.len()));
    }
    let len = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let place = |bound: Option<&Value<'_>>, default: i64| -> Run<i64> {
        Ok(match bound {
            None | Some(Value::None) => default,
            Some(bound) => {
                let bound = int(bound, "slice")?;
                if bound < 0 { (bound + len).max(0) } else { bound }
            }
        })
    };
    let (start, stop) = (place(start, 0)?, place(stop, len)?.min(len));
    if start > stop || start > len {
        return Ok(None);
    }
    let byte = |at: i64| text.char_indices().nth(at as usize).map_or(text.len(), |(byte, _)| byte);
    Ok(Some(byte(start)..byte(stop)))
}

fn affix<'d>(text: &Str<'d>, method: &str, args: Arguments<'d>) -> Run<Value<'d>> {
    let [affix, start, stop] = args.bind(method, ["prefix", "start", "end"], 1)?;
    let part = bounded(text, start.as_ref(), stop.as_ref())?;
    let holds = |affix: &Value<'d>| match affix {
        Value::Str(affix) => Ok(part.clone().is_some_and(|range| {
            let part = &text[range];
            if method == "startswith" { part.starts_with(&**affix) } else { part.ends_with(&**affix) }
        })),
        Value::Undefined(undefined) => Err(Raise::undefined(undefined)),
        other => {
            let kind = other.type_name();
            Err(Raise::new(Exception::Type, format!("{method} first arg must be str or a tuple of str, not {kind}")))
        }
    };
    match affix {
        Some(Value::Tuple(any)) => {
            for affix in any.iter() {
                if holds(affix)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        Some(affix) => holds(&affix).map(Value::Bool),
        None => Ok(Value::Bool(false)),
    }
}

fn find<'d>(text: &Str<'d>, method: &str, args: Arguments<'d>) -> Run<Value<'d>> {
    let [wanted, start, stop] = args.bind(method, ["sub", "start", "end"], 1)?;
    let wanted = needed_str(wanted, "must be str")?;
    let range = bounded(text, start.as_ref(), stop.as_ref())?;
    if method == "count" {
        let count = range.map_or(0, |range| match wanted.is_empty() {
            true => text[range].chars().count() + 1,
            false => text[range].matches(&*wanted).count(),
        });
        return Ok(Value::Int(count as i64));
    }
    let found = range.and_then(|range| {
        let part = &text[range.clone()];
        let at = if method.starts_with('r') { part.rfind(&*wanted) } else { part.find(&*wanted) };
        at.map(|at| range.start + at)
    });
    match found {
        Some(at) => Ok(Value::Int(text[..at].chars().count() as i64)),
        None if method.ends_with("index") => Err(Raise::new(Exception::Value, "substring not found")),
        None => Ok(Value::Int(-1)),
    }
}

/// `text.replace(old, new, count)`, with what is known of the parts that stay.
pub(super) fn replace<'d>(
    machine: &mut Machine<'d>,
    text: &Str<'d>,
    old: &Str<'d>,
    new: &Str<'d>,
    count: i64,
) -> Run<Str<'d>> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let places: Vec<usize> = match old.is_empty() {
        true => text.char_indices().map(|(at, _)| at).chain([text.len()]).take(count).collect(),
        false => memchr::memmem::find_iter(text.as_bytes(), old.as_bytes()).take(count).collect(),
    };
    if places.is_empty() {
        return Ok(text.clone());
    }
    machine.charge_bytes(text.len().saturating_add(new.len().saturating_mul(places.len())))?;
    if !text.has_notes(machine.traces()) && !new.has_notes(machine.traces()) {
        let mut out = String::with_capacity(text.len() + new.len().saturating_sub(old.len()) * places.len());
        let mut from = 0;
        for at in places {
            out.push_str(&text[from..at]);
            out.push_str(new);
            from = at + old.len();
        }
        out.push_str(&text[from..]);
        return Ok(Str::own(out));
    }
    let mut parts = Vec::with_capacity(places.len() * 2 + 1);
    let mut from = 0;
    for at in places {
        parts.push(text.part(from..at));
        parts.push(new.clone());
        from = at + old.len();
    }
    parts.push(text.part(from..text.len()));
    arithmetic::join(machine, &parts.iter().collect::<Vec<_>>())
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

fn translate<'d>(machine: &mut Machine<'d>, text: &Str<'d>, table: &Value<'d>) -> Run<Str<'d>> {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let code = Value::Int(i64::from(u32::from(character)));
        let found = match table {
            Value::Dict(dict) => dict.get(&code),
            _ => return Err(Raise::new(Exception::Type, "translate() needs a dict of characters")),
        };
        match found {
            None => out.push(character),
            Some(Value::None) => {}
            Some(Value::Str(text)) => out.push_str(&text),
            Some(Value::Int(code)) => match u32::try_from(code).ok().and_then(char::from_u32) {
                Some(character) => out.push(character),
                None => return Err(Raise::new(Exception::Value, "character mapping must be in range(0x110000)")),
            },
            Some(_) => {
                let text = "character mapping must return integer, None or str";
                return Err(Raise::new(Exception::Type, text));
            }
        }
    }
    machine.remade(text, out)
}

fn make_table<'d>(args: Arguments<'d>) -> Run<Value<'d>> {
    let [from, to, drop] = args.bind("maketrans", ["x", "y", "z"], 1)?;
    let code = |character: char| Value::Int(i64::from(u32::from(character)));
    let mut entries = Vec::new();
    match (from, to) {
        (Some(Value::Dict(dict)), None) => {
            for (key, value) in dict.entries() {
                let key = match &key {
                    Value::Str(text) if text.char_count() == 1 => text.chars().next().map(code).unwrap_or(Value::None),
                    other => other.clone(),
                };
                entries.push((key, value));
            }
        }
        (Some(Value::Str(from)), Some(Value::Str(to))) if from.char_count() == to.char_count() => {
            entries.extend(from.chars().zip(to.chars()).map(|(from, to)| (code(from), code(to))));
            if let Some(Value::Str(drop)) = drop {
                entries.extend(drop.chars().map(|character| (code(character), Value::None)));
            }
        }
        _ => return Err(Raise::new(Exception::Value, "maketrans() needs a dict, or two strings of equal length")),
    }
    Ok(Value::Dict(Dict::own(entries)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_pythons() {
        assert_eq!(words(" a  b\u{1c}c ", usize::MAX), ["a", "b", "c"]);
        assert_eq!(words(" a  b c ", 1), ["a", "b c "]);
        assert_eq!(words(" a ", 0), ["a "]);
        assert_eq!(words_from_right(" a  b c ", 1), ["c", " a  b"]);
        assert_eq!(words_from_right(" a b ", usize::MAX), ["b", "a"]);
    }

    #[test]
    fn lines_are_pythons() {
        assert_eq!(lines("a\r\nb\u{85}c\n\nd", false).collect::<Vec<_>>(), ["a", "b", "c", "", "d"]);
        assert_eq!(lines("a\r\nb\n", true).collect::<Vec<_>>(), ["a\r\n", "b\n"]);
        assert_eq!(lines("", false).count(), 0);
    }
}
