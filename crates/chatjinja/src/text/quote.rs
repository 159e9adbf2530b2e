//! `repr` and `ascii` of strings.

use std::fmt::Write as _;

use super::characters::is_printable;

/// `repr(text)`.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_quoted(&mut out, text);
    out
}

/// Appends `repr(text)` to `out`.
pub(crate) fn write_quoted(out: &mut String, text: &str) {
    write_quoted_start(out, text, usize::MAX);
}

/// The same for a text of which only the first characters are needed.
pub(crate) fn write_quoted_start(out: &mut String, text: &str, most: usize) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars().take(most) {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => {
                out.push('\\');
                out.push(quote);
            }
            ' '..='~' => out.push(character),
            _ if is_printable(character) => out.push(character),
            _ => push_escape(out, character),
        }
    }
    out.push(quote);
}

/// The most bytes that `text` may have with escapes, as `repr` or as JSON.
pub(crate) fn most_escaped(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\'' | b'\\' => 2,
        b' '..=b'~' => 1,
        // The longest escapes are \U0001f600 for four bytes, two of \u0000 for four bytes, and \u0000 for one byte.
        0x80.. => 3,
        _ => 6,
    };
    text.bytes().map(escaped).sum::<usize>().saturating_add(2)
}

/// The text of a `repr` with every character outside ASCII escaped, as `ascii()` gives it.
pub(crate) fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() { out.push(character) } else { push_escape(&mut out, character) }
    }
    out
}

fn push_escape(out: &mut String, character: char) {
    // Writing to a String cannot fail.
    let _ = match u32::from(character) {
        code @ 0..=0xff => write!(out, "\\x{code:02x}"),
        code @ 0x100..=0xffff => write!(out, "\\u{code:04x}"),
        code => write!(out, "\\U{code:08x}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_as_python_quotes_them() {
        for (text, expected) in [
            ("it's", "\"it's\""),
            ("it's \"x\"", "'it\\'s \"x\"'"),
            ("a\\\n\u{1}é\u{a0}\u{2028}\u{e0001}中", "'a\\\\\\n\\x01é\\xa0\\u2028\\U000e0001中'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
        assert_eq!(ascii("'é中😀'"), "'\\xe9\\u4e2d\\U0001f600'");
    }
}
