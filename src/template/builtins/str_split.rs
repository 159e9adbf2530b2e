//! `split`, `rsplit`, `splitlines`: strings in pieces.

use super::str_methods::int;
use crate::python_text::is_space;
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Str, Value};

pub(super) fn split<'d>(
    machine: &mut Machine<'d>,
    text: &Str<'d>,
    args: Arguments<'d>,
    from_right: bool,
) -> Run<Value<'d>> {
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
