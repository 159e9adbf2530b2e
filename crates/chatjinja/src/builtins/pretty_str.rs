//! `pprint` of a string that is longer than a line: its lines and words, each group quoted on a line of its own.

use crate::runtime::{BoundedText, EvalResult};
use crate::text::is_space;
use crate::text::lines::lines;
use crate::text::quote::quoted;

/// The place of a string in the output of `pprint`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Whether the string is the whole value. Then it has parentheses.
    pub(super) alone: bool,
    pub(super) indent: usize,
    /// The characters that must fit behind it.
    pub(super) allowance: usize,
    pub(super) width: usize,
}

/// Writes the `repr` of a string that is not empty, in parts that fit into the lines if they can.
pub(super) fn write<'d>(out: &mut BoundedText<'_, 'd>, text: &str, place: Place) -> EvalResult<()> {
    out.budget.walk(text.len().saturating_mul(8))?;
    out.budget.bytes(text.len().saturating_mul(2))?;
    let extra = usize::from(place.alone);
    let (indent, allowance) = (place.indent + extra, place.allowance + extra);
    let mut parts = Parts { out, alone: place.alone, indent, first: None, many: false };
    let room = place.width.saturating_sub(indent);
    let mut rest = lines(text, true).peekable();
    while let Some(line) = rest.next() {
        let is_last = rest.peek().is_none();
        // The characters that follow the string take room only from its last part.
        let room_at_end = if is_last { room.saturating_sub(allowance) } else { room };
        if Quoted::of(line).len() <= room_at_end {
            parts.push(line)?;
            continue;
        }
        let (mut from, mut at, mut current) = (0, 0, Quoted::default());
        while at < line.len() {
            let end = word_end(line, at);
            let word = Quoted::of(&line[at..end]);
            let candidate = current.with(word);
            if candidate.len() > if end == line.len() { room_at_end } else { room } {
                if from < at {
                    parts.push(&line[from..at])?;
                }
                (from, current) = (at, word);
            } else {
                current = candidate;
            }
            at = end;
        }
        parts.push(&line[from..])?;
    }
    parts.finish()
}

/// The end of the word at `at`, and of the white space after it.
fn word_end(line: &str, at: usize) -> usize {
    let space = line[at..].find(is_space).map_or(line.len(), |found| at + found);
    line[space..].find(|it| !is_space(it)).map_or(line.len(), |found| space + found)
}

/// Writes the parts of a string. A single part has no parentheses.
struct Parts<'o, 'b, 'd> {
    out: &'o mut BoundedText<'b, 'd>,
    alone: bool,
    indent: usize,
    /// The first part, until it is known whether there are others.
    first: Option<String>,
    many: bool,
}

impl Parts<'_, '_, '_> {
    fn push(&mut self, part: &str) -> EvalResult<()> {
        if !self.many && self.first.is_none() {
            self.first = Some(quoted(part));
            return Ok(());
        }
        if let Some(first) = self.first.take() {
            self.many = true;
            self.out.push(if self.alone { "(" } else { "" })?;
            self.out.push(&first)?;
        }
        self.out.push("\n")?;
        self.out.before(self.indent)?;
        self.out.push(&" ".repeat(self.indent))?;
        self.out.push(&quoted(part))
    }

    fn finish(self) -> EvalResult<()> {
        match self.first {
            Some(only) => self.out.push(&only),
            None => self.out.push(if self.alone { ")" } else { "" }),
        }
    }
}

/// The length of the `repr` of a text, which depends on the quotes in it.
#[derive(Debug, Clone, Copy, Default)]
struct Quoted {
    /// The characters between the quotation marks, without a backslash before quotes.
    inner: usize,
    single: usize,
    has_double: bool,
}

impl Quoted {
    fn of(text: &str) -> Quoted {
        let (single, has_double) = (text.matches('\'').count(), text.contains('"'));
        let escaped = if has_double { single } else { 0 };
        Quoted { inner: quoted(text).chars().count() - 2 - escaped, single, has_double }
    }

    /// The length of both texts in one.
    fn with(self, other: Quoted) -> Quoted {
        Quoted {
            inner: self.inner + other.inner,
            single: self.single + other.single,
            has_double: self.has_double || other.has_double,
        }
    }

    fn len(self) -> usize {
        self.inner + 2 + if self.has_double { self.single } else { 0 }
    }
}
