//! Breaks text into lines of a maximum width, as Python's `textwrap` does.

use super::characters::is_alpha;
use super::is_space;

/// `textwrap.wrap(line, width, …)` of one line, which keeps white space inside the lines.
///
/// `break_words` breaks words that are longer than a line. `hyphens` allows breaks after hyphens.
pub(crate) fn wrap(line: &str, width: usize, break_words: bool, hyphens: bool) -> Vec<String> {
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
                    // The break is after the last hyphen that fits, if a letter is before it.
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

/// The words and the white space of a line. With `hyphens`, words are split after their hyphens.
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
        let letter = |it: Option<char>| it.is_some_and(|it| is_alpha(it) || it == '_');
        for (at, _) in chunk.match_indices('-') {
            let two_before = chunk[from..at].chars().rev().take(2).filter(|it| letter(Some(*it))).count() == 2;
            let mut behind = chunk[at + 1..].chars();
            if two_before && letter(behind.next()) && letter(behind.next()) {
                chunks.push(chunk[from..=at].to_owned());
                from = at + 1;
            }
        }
        chunks.push(chunk[from..].to_owned());
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_as_textwrap_breaks_them() {
        for (width, break_words, hyphens, expected) in [
            (9, true, true, &["the well-", "known", "sentence"][..]),
            (9, true, false, &["the well-", "known", "sentence"]),
            (5, false, false, &["the", "well-known", "sentence"]),
        ] {
            assert_eq!(wrap("the well-known sentence", width, break_words, hyphens), expected);
        }
        assert_eq!(wrap("  a   b", 3, true, true), ["  a", "b"]);
    }
}
