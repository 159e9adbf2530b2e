//! `Str`: a Python string with its provenance.

use std::ops::{Deref, Range};
use std::rc::Rc;

use super::{Provenance, ProvenanceSpan, Text, Tracked};
use crate::memory::Held;
use crate::text::html;

/// A Python string.
#[derive(Debug, Clone)]
pub(crate) struct Str<'d> {
    source: StrSource<'d>,
    /// Whether it is a `Markup`, which escapes every text that is added to it.
    markup: bool,
}

#[derive(Debug, Clone)]
enum StrSource<'d> {
    /// Text of the input.
    Input(&'d str),
    /// Text of the template, or of a variable that the caller passes as fixed text.
    Fixed(&'d str),
    Owned(Rc<OwnText>),
}

/// A text of up to this many bytes is counted by the list or dict that holds it; see [`Str::short_bytes`].
const SHORT: usize = 128;

/// A text that the template made.
#[derive(Debug)]
struct OwnText {
    inner: Text,
    _held: Held,
}

impl OwnText {
    fn new(inner: Text) -> Rc<OwnText> {
        let bytes = inner.text.capacity() + inner.spans.capacity() * size_of::<ProvenanceSpan>();
        let held = if bytes > SHORT { Held::new(bytes + size_of::<OwnText>()) } else { Held::default() };
        Rc::new(OwnText { inner, _held: held })
    }
}

impl Deref for OwnText {
    type Target = Text;

    #[inline]
    fn deref(&self) -> &Text {
        &self.inner
    }
}

impl<'d> Str<'d> {
    /// Text of the input.
    pub(crate) fn input(text: &'d str) -> Self {
        Str { source: StrSource::Input(text), markup: false }
    }

    /// Text of the template.
    pub(crate) fn fixed(text: &'d str) -> Self {
        Str { source: StrSource::Fixed(text), markup: false }
    }

    /// Text without provenance.
    pub(crate) fn owned(text: String) -> Self {
        Str::from_text(Text::plain(text))
    }

    /// Text with its spans.
    pub(crate) fn from_text(text: Text) -> Self {
        Str { source: StrSource::Owned(OwnText::new(text)), markup: false }
    }

    pub(crate) fn is_markup(&self) -> bool {
        self.markup
    }

    pub(crate) fn into_markup(mut self) -> Self {
        self.markup = true;
        self
    }

    /// The string as `Markup` if `markup` is set, else as it is.
    pub(crate) fn markup_if(self, markup: bool) -> Self {
        if markup { self.into_markup() } else { self }
    }

    /// A plain `str` with the same text.
    pub(crate) fn plain(mut self) -> Self {
        self.markup = false;
        self
    }

    /// The string as a `Markup`. The special characters of HTML are escaped, unless it is a `Markup` already.
    pub(crate) fn escaped(&self) -> Str<'d> {
        if self.markup || !html::needs_escape(self) {
            return self.clone().into_markup();
        }
        Str::owned(html::escaped(self)).into_markup()
    }

    /// The text, if it is part of the input or of the template and so lives as long as they do.
    pub(crate) fn borrowed(&self) -> Option<&'d str> {
        match self.source {
            StrSource::Input(text) | StrSource::Fixed(text) => Some(text),
            StrSource::Owned(_) => None,
        }
    }

    /// Whether it is text of the template itself.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self.source, StrSource::Fixed(_))
    }

    /// Python's `len`: the number of characters.
    pub(crate) fn char_count(&self) -> usize {
        if self.is_ascii() { self.len() } else { self.chars().count() }
    }

    /// The part of the string in a range of bytes, which must be borders of characters.
    pub(crate) fn part(&self, range: Range<usize>) -> Str<'d> {
        let source = match &self.source {
            StrSource::Input(text) => StrSource::Input(&text[range]),
            StrSource::Fixed(text) => StrSource::Fixed(&text[range]),
            StrSource::Owned(own) if range.len() == own.text.len() => StrSource::Owned(Rc::clone(own)),
            StrSource::Owned(own) => {
                let mut part = Text::plain(own.text[range.clone()].to_owned());
                part.add_part(&own.spans, &range, 0);
                StrSource::Owned(OwnText::new(part))
            }
        };
        Str { source, markup: self.markup }
    }

    /// The same for `part`, a slice of this string.
    pub(crate) fn part_of(&self, part: &str) -> Str<'d> {
        let start = part.as_ptr() as usize - self.as_ptr() as usize;
        self.part(start..start + part.len())
    }

    /// The bytes that a list or dict counts for this string.
    #[inline]
    pub(crate) fn short_bytes(&self) -> usize {
        if let StrSource::Owned(_) = &self.source { SHORT + size_of::<OwnText>() } else { 0 }
    }

    /// The number of spans, which operations on the string look at.
    pub(crate) fn spans(&self) -> usize {
        if let StrSource::Owned(own) = &self.source { own.spans.len() } else { 0 }
    }

    /// The length of the text and of its spans in bytes: the work to look at all of it.
    pub(crate) fn weight(&self) -> usize {
        self.len() + self.spans() * size_of::<ProvenanceSpan>()
    }

    /// The address in the input of the text, or of the first text that it was made from.
    pub(crate) fn address(&self) -> Option<usize> {
        match &self.source {
            StrSource::Input(text) => Some(text.as_ptr() as usize),
            StrSource::Fixed(_) => None,
            StrSource::Owned(own) => own.spans.iter().find_map(|span| match span.provenance {
                Provenance::Copied(address) | Provenance::Derived(address) => Some(address),
                Provenance::Within(_) | Provenance::Generation | Provenance::Template => None,
            }),
        }
    }

    /// Appends the string and its spans to `text`, with new spans for what is tracked.
    pub(crate) fn append_to(&self, text: &mut Text, tracked: Tracked) {
        let start = text.text.len();
        text.text.push_str(self);
        match &self.source {
            StrSource::Input(input) if tracked.input && !input.is_empty() => {
                text.add_span(start, text.text.len(), Provenance::Copied(input.as_ptr() as usize));
            }
            StrSource::Fixed(_) if tracked.template => text.add_span(start, text.text.len(), Provenance::Template),
            StrSource::Owned(own) if !own.spans.is_empty() => text.add_part(&own.spans, &(0..own.text.len()), start),
            _ => {}
        }
    }

    /// Whether a `{% generation %}` printed a part of it.
    pub(crate) fn has_generation(&self) -> bool {
        let generated = |text: &Text| text.spans.iter().any(|span| span.provenance == Provenance::Generation);
        matches!(&self.source, StrSource::Owned(own) if generated(own))
    }

    /// Whether a text made from this one must carry provenance.
    pub(crate) fn has_provenance(&self, tracked: Tracked) -> bool {
        match &self.source {
            StrSource::Input(_) => tracked.input,
            StrSource::Fixed(_) => tracked.template,
            StrSource::Owned(own) => !own.spans.is_empty(),
        }
    }
}

impl Deref for Str<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match &self.source {
            StrSource::Input(text) | StrSource::Fixed(text) => text,
            StrSource::Owned(own) => &own.text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ProvenanceSpan;
    use super::*;

    const INPUT: Tracked = Tracked { input: true, template: false };
    const NOTHING: Tracked = Tracked { input: false, template: false };

    #[test]
    fn spans_follow_the_parts_of_a_text() {
        let input = String::from("hello world");
        let data = Str::input(&input);
        let address = input.as_ptr() as usize;
        let mut text = Text::default();
        Str::fixed("<").append_to(&mut text, INPUT);
        data.part(0..5).append_to(&mut text, INPUT);
        data.part(5..8).append_to(&mut text, INPUT);
        assert_eq!(text.spans, [ProvenanceSpan { start: 1, end: 9, provenance: Provenance::Copied(address) }]);
        let part = Str::from_text(text).part(3..6);
        assert_eq!(&*part, "llo");
        assert_eq!(part.address(), Some(address + 2));
        let mut plain = Text::default();
        data.append_to(&mut plain, NOTHING);
        assert!(plain.spans.is_empty());
    }

    #[test]
    fn a_cut_keeps_the_spans_of_both_sides() {
        let input = String::from("hello");
        let address = input.as_ptr() as usize;
        let mut text = Text::default();
        Str::input(&input).append_to(&mut text, INPUT);
        Str::fixed("!").append_to(&mut text, INPUT);
        let rest = text.split_off(2);
        assert_eq!(text.spans, [ProvenanceSpan { start: 0, end: 2, provenance: Provenance::Copied(address) }]);
        assert_eq!(rest.text, "llo!");
        assert_eq!(rest.spans, [ProvenanceSpan { start: 0, end: 3, provenance: Provenance::Copied(address + 2) }]);
    }

    #[test]
    fn texts_of_the_template_have_spans_if_they_are_tracked() {
        let input = String::from("hello");
        let tracked = Tracked { input: true, template: true };
        let mut text = Text::default();
        Str::fixed("<a>").append_to(&mut text, tracked);
        Str::fixed("<b>").append_to(&mut text, tracked);
        Str::input(&input).append_to(&mut text, tracked);
        Str::owned("made".to_owned()).append_to(&mut text, tracked);
        let of_template = |text: &Text| -> Vec<_> {
            let spans = text.spans.iter().filter(|span| span.provenance == Provenance::Template);
            spans.map(ProvenanceSpan::range).collect()
        };
        assert_eq!(of_template(&text), [0..6]);
        let part = Str::from_text(text).part(2..8);
        let mut copy = Text::default();
        part.append_to(&mut copy, NOTHING);
        assert_eq!((copy.text.as_str(), of_template(&copy)), ("><b>he", vec![0..4]));
    }

    #[test]
    fn escaping_gives_markup_and_copies_only_where_it_must() {
        let plain = Str::fixed("a b");
        assert!(plain.escaped().is_markup() && plain.escaped().borrowed().is_some());
        assert_eq!(&*Str::fixed("<").escaped(), "&lt;");
        assert_eq!(&*Str::fixed("<").into_markup().escaped(), "<");
    }
}
