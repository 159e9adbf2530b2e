//! `Str`: a string, and where it comes from.
//!
//! A string of the row or a part of it stays a pointer into the row, so its address says which value of which message
//! it is. Text that a template puts together is owned, and carries notes: which bytes are copies of the row's, and
//! which a `{% generation %}` printed. Plain renders make no notes of the first kind.

use std::ops::{Deref, Range};
use std::rc::Rc;

/// A Python string.
#[derive(Debug, Clone)]
pub(crate) struct Str<'d> {
    kind: Kind<'d>,
    /// Whether it is a `Markup`, which escapes what is added to it.
    markup: bool,
}

#[derive(Debug, Clone)]
enum Kind<'d> {
    /// Text of the row.
    Data(&'d str),
    /// Text of the template or its special tokens.
    Fixed(&'d str),
    Own(Rc<Text>),
}

/// Text with notes on its parts, by their start.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) notes: Vec<Note>,
}

/// Something known of a stretch of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A copy of the row's bytes that begin at this address.
    Copied(usize),
    /// Made from the row's value at this address, not byte for byte.
    Derived(usize),
    /// Put together while a loop over messages was at this one.
    Within(u32),
    /// Printed inside `{% generation %}`.
    Generation,
}

impl<'d> Str<'d> {
    pub(crate) fn data(text: &'d str) -> Self {
        Str { kind: Kind::Data(text), markup: false }
    }

    pub(crate) fn fixed(text: &'d str) -> Self {
        Str { kind: Kind::Fixed(text), markup: false }
    }

    pub(crate) fn own(text: String) -> Self {
        Str { kind: Kind::Own(Rc::new(Text { text, notes: Vec::new() })), markup: false }
    }

    pub(crate) fn noted(text: Text) -> Self {
        Str { kind: Kind::Own(Rc::new(text)), markup: false }
    }

    pub(crate) fn is_markup(&self) -> bool {
        self.markup
    }

    pub(crate) fn into_markup(mut self) -> Self {
        self.markup = true;
        self
    }

    /// A plain `str` of the same text.
    pub(crate) fn plain(mut self) -> Self {
        self.markup = false;
        self
    }

    /// The text while the row and the template live, if it is one of theirs.
    pub(crate) fn lasting(&self) -> Option<&'d str> {
        match self.kind {
            Kind::Data(text) | Kind::Fixed(text) => Some(text),
            Kind::Own(_) => None,
        }
    }

    /// Whether it is text of the template itself.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self.kind, Kind::Fixed(_))
    }

    /// Number of characters, which is Python's length.
    pub(crate) fn char_count(&self) -> usize {
        if self.is_ascii() { self.len() } else { self.chars().count() }
    }

    /// A part of it, by bytes at borders of characters.
    pub(crate) fn part(&self, range: Range<usize>) -> Str<'d> {
        let kind = match &self.kind {
            Kind::Data(text) => Kind::Data(&text[range]),
            Kind::Fixed(text) => Kind::Fixed(&text[range]),
            Kind::Own(own) if range.len() == own.text.len() => Kind::Own(Rc::clone(own)),
            Kind::Own(own) => {
                let mut part = Text { text: own.text[range.clone()].to_owned(), notes: Vec::new() };
                part.note_part(&own.notes, &range, 0);
                Kind::Own(Rc::new(part))
            }
        };
        Str { kind, markup: self.markup }
    }

    /// The part that `part`, a slice of this string, is.
    pub(crate) fn part_of(&self, part: &str) -> Str<'d> {
        let start = part.as_ptr() as usize - self.as_ptr() as usize;
        self.part(start..start + part.len())
    }

    /// Where the row's value begins that this string is, or is made of.
    pub(crate) fn address(&self) -> Option<usize> {
        match &self.kind {
            Kind::Data(text) => Some(text.as_ptr() as usize),
            Kind::Fixed(_) => None,
            Kind::Own(own) => own.notes.iter().find_map(|note| match note.what {
                What::Copied(address) | What::Derived(address) => Some(address),
                What::Within(_) | What::Generation => None,
            }),
        }
    }

    /// Appends this string and what is known of it to `text`; `trace` says whether copies are noted.
    pub(crate) fn append_to(&self, text: &mut Text, trace: bool) {
        let start = text.text.len();
        text.text.push_str(self);
        match &self.kind {
            Kind::Data(data) if trace && !data.is_empty() => {
                text.note(start, text.text.len(), What::Copied(data.as_ptr() as usize));
            }
            Kind::Own(own) if !own.notes.is_empty() => text.note_part(&own.notes, &(0..own.text.len()), start),
            _ => {}
        }
    }

    /// Whether a `{% generation %}` printed a part of it.
    pub(crate) fn has_generation(&self) -> bool {
        matches!(&self.kind, Kind::Own(own) if own.notes.iter().any(|note| note.what == What::Generation))
    }

    /// Whether something is known of its parts that a change of it must carry along.
    pub(crate) fn has_notes(&self, trace: bool) -> bool {
        match &self.kind {
            Kind::Data(_) => trace,
            Kind::Fixed(_) => false,
            Kind::Own(own) => !own.notes.is_empty(),
        }
    }
}

impl Deref for Str<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.kind {
            Kind::Data(text) | Kind::Fixed(text) => text,
            Kind::Own(own) => &own.text,
        }
    }
}

impl Text {
    /// Notes something of the bytes `start..end`. Empty stretches are not worth a note, but empty generations are.
    pub(crate) fn note(&mut self, start: usize, end: usize, what: What) {
        if let Some(last) = self.notes.last_mut().filter(|last| last.end == start) {
            let goes_on = match (last.what, what) {
                (What::Copied(before), What::Copied(address)) => before + (last.end - last.start) == address,
                (What::Within(before), What::Within(message)) => before == message,
                _ => false,
            };
            if goes_on {
                last.end = end;
                return;
            }
        }
        if start < end || what == What::Generation {
            self.notes.push(Note { start, end, what });
        }
    }

    /// Cuts the text at `start` and returns the rest with what is known of it.
    pub(crate) fn split_off(&mut self, start: usize) -> Text {
        let mut rest = Text { text: self.text.split_off(start), notes: Vec::new() };
        rest.note_part(&self.notes, &(start..start + rest.text.len()), 0);
        self.notes.retain(|note| note.end <= start);
        rest
    }

    /// Takes over what `notes` say of `range`, which now begins at `at`.
    fn note_part(&mut self, notes: &[Note], range: &Range<usize>, at: usize) {
        for note in notes {
            let (start, end) = (note.start.max(range.start), note.end.min(range.end));
            if start > end || (start == end && note.what != What::Generation) {
                continue;
            }
            let what = match note.what {
                What::Copied(address) => What::Copied(address + (start - note.start)),
                other => other,
            };
            self.note(start - range.start + at, end - range.start + at, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_follow_the_parts() {
        let row = String::from("hello world");
        let data = Str::data(&row);
        let address = row.as_ptr() as usize;
        let mut text = Text::default();
        Str::fixed("<").append_to(&mut text, true);
        data.part(0..5).append_to(&mut text, true);
        data.part(5..8).append_to(&mut text, true);
        assert_eq!(text.notes, [Note { start: 1, end: 9, what: What::Copied(address) }]);
        let part = Str::noted(text).part(3..6);
        assert_eq!(&*part, "llo");
        assert_eq!(part.address(), Some(address + 2));
        let mut plain = Text::default();
        data.append_to(&mut plain, false);
        assert!(plain.notes.is_empty());
    }
}
