//! Provenance: the values of the input that the bytes of a text come from.
//!
//! A string of the input, or a part of it, stays a pointer into the input, so its address identifies the value. A
//! text that the template makes is owned, and has spans: some bytes are copies of the input, others were printed by a
//! `{% generation %}` block. A render without a trace makes only spans of the second kind.

mod str;
mod text;

pub(crate) use self::str::Str;
pub(crate) use text::Text;

use std::ops::Range;

/// Where the bytes of a [`ProvenanceSpan`] come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// A copy of the bytes of the input that begin at this address.
    Copied(usize),
    /// Made from the value of the input at this address, but not a copy of its bytes.
    Derived(usize),
    /// Built by the template while the loop was at this record.
    Within(u32),
    /// Printed inside a `{% generation %}` block.
    Generation,
    /// A copy of text of the template itself, or of a [`Global::Str`](crate::Global::Str).
    Template,
}

/// The texts that get spans in a render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tracked {
    /// Texts of the input.
    pub(crate) input: bool,
    /// Texts of the template.
    pub(crate) template: bool,
}

/// A part of a text, with its provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenanceSpan {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Where the bytes come from.
    pub provenance: Provenance,
}

impl ProvenanceSpan {
    /// The bytes of the span.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}
