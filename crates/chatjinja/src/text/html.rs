//! Escaping for HTML, and removing tags, as `markupsafe` does it.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::is_space;

/// Whether a text has a character that must be escaped in HTML.
pub(crate) fn needs_escape(text: &str) -> bool {
    text.contains(['&', '<', '>', '\'', '"'])
}

/// The text with the special characters of HTML escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            other => out.push(other),
        }
    }
    out
}

/// The text without tags and comments, with its white space joined and its entities resolved.
pub(crate) fn striptags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let tag = &rest[start..];
        let end = match tag.strip_prefix("<!--") {
            Some(comment) => comment.find("-->").map(|end| end + 7),
            None => tag.find('>').map(|end| end + 1),
        };
        let Some(end) = end else { break };
        kept.push_str(&rest[..start]);
        rest = &tag[end..];
    }
    kept.push_str(rest);
    let words: Vec<&str> = kept.split(is_space).filter(|word| !word.is_empty()).collect();
    unescaped(&words.join(" "))
}

/// The text with its entities resolved, as Python's `html.unescape` does it.
pub(crate) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let end = match rest.strip_prefix('#') {
            Some(number) => numbered(number, &mut out).map(|end| end + 1),
            None => named(rest, &mut out),
        };
        match end {
            Some(end) => rest = &rest[end..],
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

/// Appends the character of a number such as `65;` or `x41`, and returns the length of the number.
fn numbered(number: &str, out: &mut String) -> Option<usize> {
    let (radix, prefix) = if number.starts_with(['x', 'X']) { (16, 1) } else { (10, 0) };
    let digits = &number[prefix..];
    let digits = &digits[..digits.find(|it: char| !it.is_digit(radix)).unwrap_or(digits.len())];
    if digits.is_empty() {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    // A code that is too large for 32 bits is no character either.
    let code = if significant.is_empty() { 0 } else { u32::from_str_radix(significant, radix).unwrap_or(u32::MAX) };
    out.extend(character(code));
    let end = prefix + digits.len();
    Some(end + usize::from(number[end..].starts_with(';')))
}

/// The characters of the codes 0x80 to 0x9F, which HTML reads as those of Windows-1252.
const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// The character of a code; None if HTML has none for it.
fn character(code: u32) -> Option<char> {
    match code {
        0 => Some('\u{fffd}'),
        0x80..=0x9f => WINDOWS.chars().nth((code - 0x80) as usize),
        1..=8 | 0xb | 0xe..=0x1f | 0x7f | 0xfdd0..=0xfdef => None,
        0x11_0000.. => Some('\u{fffd}'),
        _ if code & 0xfffe == 0xfffe => None,
        // The rest are surrogates.
        _ => Some(char::from_u32(code).unwrap_or('\u{fffd}')),
    }
}

/// The most characters of a name, without its semicolon.
const LONGEST: usize = 32;

/// The most characters of a name that needs no semicolon.
const LONGEST_BARE: usize = 6;

/// Appends the text of a named entity at the start of `text`, and returns the length of its name.
fn named(text: &str, out: &mut String) -> Option<usize> {
    let ends = |it: char| matches!(it, '\t' | '\n' | '\x0c' | ' ' | '<' | '&' | '#' | ';');
    let end = text.char_indices().take(LONGEST).take_while(|(_, it)| !ends(*it)).last();
    let end = end.map(|(at, it)| at + it.len_utf8())?;
    if text[end..].starts_with(';')
        && let Some(found) = ENTITIES.get(&text[..=end])
    {
        out.push_str(found);
        return Some(end + 1);
    }
    // The longest name that begins the word, such as `not` in `notit`. It has two characters or more.
    (2..=LONGEST_BARE.min(end)).rev().find_map(|end| {
        out.push_str(ENTITIES.get(text.get(..end)?)?);
        Some(end)
    })
}

/// The text of each named entity. Names have their semicolon; some are valid without it too.
static ENTITIES: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    // Each line has a name and the codes of its characters. It is `html.entities.html5` of Python.
    let lines = include_str!("entities.txt").lines().filter_map(|line| line.split_once(' '));
    let read = |code: &str| u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
    lines.map(|(name, codes)| (name, codes.split(' ').filter_map(read).collect())).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped_and_stripped() {
        assert_eq!(escaped("a<b & 'c'"), "a&lt;b &amp; &#39;c&#39;");
        assert!(needs_escape("\"") && !needs_escape("a/b"));
        assert_eq!(striptags("<p>a<!-- <b> -->\n  b</p> &lt;&#x41;&#66;&unknown; 1 < 2"), "a b <AB&unknown; 1 < 2");
        assert_eq!(striptags("<!-->x-->y"), "y");
    }

    #[test]
    fn entities_are_resolved_as_python_resolves_them() {
        assert_eq!(ENTITIES.len(), 2231);
        assert!(ENTITIES.keys().all(|name| name.ends_with(';') || name.len() <= LONGEST_BARE));
        assert!(ENTITIES.keys().all(|name| name.trim_end_matches(';').len() <= LONGEST));
        assert_eq!(unescaped("&eacute; &copyright &notit; &acE; &unknown &;"), "é ©right ¬it; ∾̳ &unknown &;");
        assert_eq!(unescaped("&#0; &#x80 &#xD800; &#1; &#x110000; &#; &#x;"), "� € �  � &#; &#x;");
    }
}
