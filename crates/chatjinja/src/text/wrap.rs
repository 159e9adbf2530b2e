//! Breaks text into lines of a maximum width, as Python's `textwrap` does.

use super::characters::{is_alnum, is_decimal};
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
            if break_words {
                // On a full line this is an empty part, which keeps white space before it, as in Python.
                current.push(chunk.cut(width - length, hyphens));
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

/// The words and the white space of a line. With `hyphens`, words are split after their hyphens and around dashes.
fn chunks(line: &str, hyphens: bool) -> Vec<&str> {
    let splitter = Splitter { characters: line.char_indices().collect(), end: line.len() };
    let mut chunks = Vec::new();
    let mut from = 0;
    while from < splitter.characters.len() {
        let to = splitter.chunk_end(from, hyphens);
        chunks.push(&line[splitter.byte(from)..splitter.byte(to)]);
        from = to;
    }
    chunks
}

/// The characters of a line with their places: `TextWrapper.wordsep_re` of `textwrap` looks at both sides of a place.
struct Splitter {
    characters: Vec<(usize, char)>,
    /// The length of the line in bytes.
    end: usize,
}

impl Splitter {
    fn byte(&self, at: usize) -> usize {
        self.characters.get(at).map_or(self.end, |(byte, _)| *byte)
    }

    /// Whether the character at `at` is of a kind. There is none before the line and after it.
    fn is(&self, at: Option<usize>, kind: impl Fn(char) -> bool) -> bool {
        at.and_then(|at| self.characters.get(at)).is_some_and(|(_, it)| kind(*it))
    }

    fn is_hyphen(&self, at: usize) -> bool {
        self.is(Some(at), |it| it == '-')
    }

    /// The end of the chunk that begins at `from`.
    fn chunk_end(&self, from: usize, hyphens: bool) -> usize {
        let is_gap = |at: usize| self.is(Some(at), is_break);
        let len = self.characters.len();
        if is_gap(from) {
            return (from..len).find(|at| !is_gap(*at)).unwrap_or(len);
        }
        if hyphens && let Some(end) = self.dash(from) {
            return end;
        }
        for at in from + 1..len {
            if is_gap(at) || (hyphens && self.dash(at).is_some()) {
                return at;
            }
            if hyphens && self.joins(at) {
                return at + 1;
            }
        }
        len
    }

    /// The end of the dash between two words that begins at `at`: two hyphens or more.
    fn dash(&self, at: usize) -> Option<usize> {
        if !self.is_hyphen(at) || !self.is(at.checked_sub(1), is_word_end) {
            return None;
        }
        let end = (at..).find(|at| !self.is_hyphen(*at))?;
        (end >= at + 2 && self.is(Some(end), is_word)).then_some(end)
    }

    /// Whether the hyphen at `at` joins two parts of a word: `ab-cd`, `a-b-c` before it, or `c-d` after it.
    fn joins(&self, at: usize) -> bool {
        let letter_before = |distance: usize| self.is(at.checked_sub(distance), is_letter);
        let letter_behind = |distance: usize| self.is(Some(at + distance), is_letter);
        let before =
            letter_before(1) && (letter_before(2) || (self.is(at.checked_sub(2), |it| it == '-') && letter_before(3)));
        let behind = letter_behind(1) && (letter_behind(2) || (self.is_hyphen(at + 2) && letter_behind(3)));
        self.is_hyphen(at) && before && behind
    }
}

/// Lines break only at these characters, and not at other white space of Unicode.
fn is_break(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\x0b' | '\x0c' | '\r' | ' ')
}

fn is_word(character: char) -> bool {
    is_alnum(character) || character == '_'
}

fn is_letter(character: char) -> bool {
    is_word(character) && !is_decimal(character)
}

/// A character that may come before a dash.
fn is_word_end(character: char) -> bool {
    is_word(character) || matches!(character, '!' | '"' | '\'' | '&' | '.' | ',' | '?')
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
        assert_eq!(wrap("well--known fox", 6, false, true), ["well--", "known", "fox"]);
        assert_eq!(wrap("bar 1-2-3", 4, true, true), ["bar ", "1-2-", "3"]);
        assert_eq!(wrap("a\u{a0}b c", 1, false, true), ["a\u{a0}b", "c"]);
        assert_eq!(wrap("  a   b", 3, true, true), ["  a", "b"]);
    }
}
