//! Words between white space, and lines by Python's line ends.

use super::is_space;

/// The words of `text.split(None, limit)`. After the last cut the rest is one word.
pub(crate) fn words(text: &str, limit: usize) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        // The rest after the last cut keeps the white space at its end.
        let Some(end) = rest.find(is_space).filter(|_| words.len() < limit) else {
            words.push(rest);
            break;
        };
        words.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(is_space);
    }
    words
}

/// The words of `text.rsplit(None, limit)`, the last one first.
pub(crate) fn words_from_right(text: &str, limit: usize) -> Vec<&str> {
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

/// The lines of `text.splitlines(keep)`.
pub(crate) fn lines(text: &str, keep: bool) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, width) = match rest.char_indices().find(|(_, character)| is_line_end(*character)) {
            Some((at, '\r')) if rest[at + 1..].starts_with('\n') => (at, 2),
            Some((at, character)) => (at, character.len_utf8()),
            None => (rest.len(), 0),
        };
        let found = &rest[..if keep { line + width } else { line }];
        rest = &rest[line + width..];
        Some(found)
    })
}

/// Whether Python's `splitlines` ends a line at this character.
pub(crate) fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_pythons() {
        assert_eq!(words(" a  b\u{1c}c ", usize::MAX), ["a", "b", "c"]);
        assert_eq!(words(" a  b c ", 1), ["a", "b c "]);
        assert_eq!(words(" a ", 0), ["a "]);
        assert_eq!(words(" a ", 1), ["a"]);
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
