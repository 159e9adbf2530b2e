//! Breaks text into lines of a maximum width, as Python's `textwrap` does.

use super::characters::is_alpha;
use super::is_space;

/// `textwrap.wrap(line, width, …)` of one line, which keeps white space inside the lines.
///
/// `break_words` breaks words that are longer than a line. `hyphens` allows breaks after hyphens.
pub(crate) fn wrap(line: &str, width: usize, break_words: bool, hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<Chunk<'_>> = chunks(line, hyphens).into_iter().map(Chunk::of).collect();
    chunks.reverse();
    let mut lines = Vec::new();
    while let Some(last) = chunks.last() {
        if !lines.is_empty() && last.is_blank() {
            chunks.pop();
            if chunks.is_empty() {
                break;
            }
        }
        let (mut current, mut length): (Vec<&str>, usize) = (Vec::new(), 0);
        while let Some(chunk) = chunks.last() {
            if length + chunk.size > width {
                break;
            }
            length += chunk.size;
            current.extend(chunks.pop().map(|chunk| chunk.text));
        }
        if let Some(chunk) = chunks.last_mut()
            && chunk.size > width
        {
            let room = if width > length { width - length } else { 1 };
            if break_words {
                current.push(chunk.cut(room, hyphens));
            } else if current.is_empty() {
                current.extend(chunks.pop().map(|chunk| chunk.text));
            }
        }
        if current.last().is_some_and(|text| is_blank(text)) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.concat());
        }
    }
    lines
}

fn is_blank(text: &str) -> bool {
    text.chars().all(is_space)
}

/// A word, or white space.
struct Chunk<'l> {
    text: &'l str,
    /// Its characters.
    size: usize,
}

impl<'l> Chunk<'l> {
    fn of(text: &'l str) -> Chunk<'l> {
        Chunk { text, size: text.chars().count() }
    }

    fn is_blank(&self) -> bool {
        is_blank(self.text)
    }

    /// Cuts off what fits into `room` characters, and returns it.
    fn cut(&mut self, room: usize, hyphens: bool) -> &'l str {
        let mut end = self.text.char_indices().nth(room).map_or(self.text.len(), |(at, _)| at);
        if hyphens && self.size > room {
            // The break is after the last hyphen that fits, if a letter is before it.
            let text = self.text;
            let hyphen = text[..end].rfind('-').filter(|at| *at > 0 && text[..*at].contains(|it| it != '-'));
            end = hyphen.map_or(end, |at| at + 1);
        }
        let (cut, rest) = self.text.split_at(end);
        self.size -= cut.chars().count();
        self.text = rest;
        cut
    }
}

/// The words and the white space of a line. With `hyphens`, words are split after their hyphens.
fn chunks(line: &str, hyphens: bool) -> Vec<&str> {
    let mut chunks = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let space = is_space(first);
        let end = rest.find(|it| is_space(it) != space).unwrap_or(rest.len());
        let (chunk, behind) = rest.split_at(end);
        rest = behind;
        if space || !hyphens {
            chunks.push(chunk);
            continue;
        }
        let mut from = 0;
        let letter = |it: Option<char>| it.is_some_and(|it| is_alpha(it) || it == '_');
        for (at, _) in chunk.match_indices('-') {
            let two_before = chunk[from..at].chars().rev().take(2).filter(|it| letter(Some(*it))).count() == 2;
            let mut behind = chunk[at + 1..].chars();
            if two_before && letter(behind.next()) && letter(behind.next()) {
                chunks.push(&chunk[from..=at]);
                from = at + 1;
            }
        }
        chunks.push(&chunk[from..]);
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
