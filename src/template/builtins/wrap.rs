//! The filter `wordwrap`: lines of a width, broken between words.

use super::{casing, str_split};
use crate::python_text::is_space;
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Value, repr};

/// `value|wordwrap(width=79, break_long_words=true, wrapstring="\n", break_on_hyphens=true)`.
pub(super) fn wordwrap<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let names = ["width", "break_long_words", "wrapstring", "break_on_hyphens"];
    let [width, break_words, wrapstring, hyphens] = args.bind("wordwrap", names, 0)?;
    let width = match width {
        None => 79,
        Some(Value::Int(width)) if width > 0 => usize::try_from(width).unwrap_or(usize::MAX),
        Some(_) => return Err(Raise::new(Exception::Value, "invalid width (must be > 0)")),
    };
    let is_true = |value: Option<Value<'d>>| value.is_none_or(|value| value.is_true());
    let (break_words, hyphens) = (is_true(break_words), is_true(hyphens));
    let separator = match &wrapstring {
        None | Some(Value::None) => "\n".to_owned(),
        Some(other) => repr::to_str(machine, other)?.to_string(),
    };
    let text = super::filters::needs_str(&value, "splitlines")?;
    let mut lines = Vec::new();
    for line in str_split::lines(&text, false) {
        machine.charge_items(line.len())?;
        lines.push(wrap(line, width, break_words, hyphens).join(&separator));
    }
    machine.remade(&text, lines.join(&separator)).map(Value::Str)
}

/// Python's `textwrap.wrap` of one line, white space kept within lines.
fn wrap(line: &str, width: usize, break_words: bool, hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<String> = chunks(line, hyphens);
    chunks.reverse();
    let mut lines = Vec::new();
    let count = |text: &str| text.chars().count();
    let blank = |text: &str| text.chars().all(is_space);
    while let Some(last) = chunks.last() {
        if !lines.is_empty() && blank(last) {
            chunks.pop();
            if chunks.is_empty() {
                break;
            }
        }
        let (mut current, mut length): (Vec<String>, usize) = (Vec::new(), 0);
        while let Some(chunk) = chunks.last() {
            let size = count(chunk);
            if length + size > width {
                break;
            }
            length += size;
            current.extend(chunks.pop());
        }
        if let Some(chunk) = chunks.last_mut()
            && count(chunk) > width
        {
            let room = if width > length { width - length } else { 1 };
            if break_words {
                let mut end = chunk.char_indices().nth(room).map_or(chunk.len(), |(at, _)| at);
                if hyphens && count(chunk) > room {
                    // A break behind the last hyphen that fits, if letters stand before it.
                    let hyphen = chunk[..end].rfind('-').filter(|at| *at > 0 && chunk[..*at].contains(|it| it != '-'));
                    end = hyphen.map_or(end, |at| at + 1);
                }
                let rest = chunk.split_off(end);
                current.push(std::mem::replace(chunk, rest));
            } else if current.is_empty() {
                current.extend(chunks.pop());
            }
        }
        if current.last().is_some_and(|chunk| blank(chunk)) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.concat());
        }
    }
    lines
}

/// Words, white space and, where asked for, the parts of words with hyphens.
fn chunks(line: &str, hyphens: bool) -> Vec<String> {
    let mut chunks = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let space = is_space(first);
        let end = rest.find(|it| is_space(it) != space).unwrap_or(rest.len());
        let (chunk, behind) = rest.split_at(end);
        rest = behind;
        if space || !hyphens {
            chunks.push(chunk.to_owned());
            continue;
        }
        let mut from = 0;
        let letter = |it: Option<char>| it.is_some_and(|it| casing::is_alpha(it) || it == '_');
        for (at, _) in chunk.match_indices('-') {
            let two_before = chunk[from..at].chars().rev().take(2).filter(|it| letter(Some(*it))).count() == 2;
            let mut behind = chunk[at + 1..].chars();
            if two_before && letter(behind.next()) && letter(behind.next()) {
                chunks.push(chunk[from..at + 1].to_owned());
                from = at + 1;
            }
        }
        chunks.push(chunk[from..].to_owned());
    }
    chunks
}
