//! `Text`: an owned text with provenance spans.

use std::ops::Range;

use super::{Provenance, ProvenanceSpan};

/// A text, and the provenance of its parts.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) spans: Vec<ProvenanceSpan>,
}

impl Text {
    /// A text without spans.
    pub(crate) fn plain(text: String) -> Text {
        Text { text, spans: Vec::new() }
    }

    /// An empty text with room for `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Text {
        Text::plain(String::with_capacity(capacity))
    }

    /// Adds a span over the bytes `start..end`, which are the last of the text. Empty spans are left out, except those
    /// of an empty `{% generation %}`.
    pub(crate) fn add_span(&mut self, start: usize, end: usize, provenance: Provenance) {
        if let Some(last) = self.spans.last_mut().filter(|last| last.end == start) {
            let continues = match (last.provenance, provenance) {
                (Provenance::Copied(before), Provenance::Copied(address)) => {
                    before + (last.end - last.start) == address
                }
                (Provenance::Within(before), Provenance::Within(record)) => before == record,
                (Provenance::Template, Provenance::Template) => true,
                _ => false,
            };
            if continues {
                last.end = end;
                return;
            }
        }
        if start < end || provenance == Provenance::Generation {
            self.spans.push(ProvenanceSpan { start, end, provenance });
        }
    }

    /// Adds the parts of `spans` that lie in `range`, moved so that the start of `range` is at `at`.
    pub(super) fn add_part(&mut self, spans: &[ProvenanceSpan], range: &Range<usize>, at: usize) {
        for span in spans {
            let (start, end) = (span.start.max(range.start), span.end.min(range.end));
            if start > end || (start == end && span.provenance != Provenance::Generation) {
                continue;
            }
            let provenance = match span.provenance {
                Provenance::Copied(address) => Provenance::Copied(address + (start - span.start)),
                other => other,
            };
            self.add_span(start - range.start + at, end - range.start + at, provenance);
        }
    }

    /// Cuts the text at `start`, and returns the rest with its spans.
    pub(crate) fn split_off(&mut self, start: usize) -> Text {
        let mut rest = Text::plain(self.text.split_off(start));
        rest.add_part(&self.spans, &(start..start + rest.text.len()), 0);
        self.spans.retain_mut(|span| {
            let kept = span.start < start || span.end <= start;
            span.end = span.end.min(start);
            kept
        });
        rest
    }

    /// Adds a span over the whole text, before all others.
    pub(crate) fn enclose(&mut self, provenance: Provenance) {
        self.spans.insert(0, ProvenanceSpan { start: 0, end: self.text.len(), provenance });
    }
}
