//! Regions: which message, and which part of it, put each byte of a text there.

use std::ops::Range;

use crate::error::{Error, Kind, Result};

/// What a stretch of text is, seen from the message that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RegionKind {
    /// Text of no message: begin-of-text, tool declarations, the generation prompt at the end.
    Scaffold,
    /// What opens a turn. For an assistant turn: what the generation prompt supplies.
    Header,
    /// What the template itself puts between the header and the model's own first word, such as an empty think block.
    Prefix,
    /// Reasoning with its delimiters.
    Reasoning,
    /// The answer, or another role's text.
    Content,
    /// Calls of tools, with all their syntax.
    ToolCall,
    /// What a tool answered.
    ToolResult,
    /// What ends a turn: through the stop token.
    Closer,
    /// Text after the stop token, up to the next turn.
    Trailing,
}

impl RegionKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [RegionKind; 9] = [
        RegionKind::Scaffold,
        RegionKind::Header,
        RegionKind::Prefix,
        RegionKind::Reasoning,
        RegionKind::Content,
        RegionKind::ToolCall,
        RegionKind::ToolResult,
        RegionKind::Closer,
        RegionKind::Trailing,
    ];

    /// The name that users see.
    pub fn name(self) -> &'static str {
        match self {
            RegionKind::Scaffold => "scaffold",
            RegionKind::Header => "header",
            RegionKind::Prefix => "prefix",
            RegionKind::Reasoning => "reasoning",
            RegionKind::Content => "content",
            RegionKind::ToolCall => "tool_call",
            RegionKind::ToolResult => "tool_result",
            RegionKind::Closer => "closer",
            RegionKind::Trailing => "trailing",
        }
    }

    /// Whether the model itself writes this part of an assistant turn.
    pub fn is_generated(self) -> bool {
        matches!(
            self,
            RegionKind::Prefix
                | RegionKind::Reasoning
                | RegionKind::Content
                | RegionKind::ToolCall
                | RegionKind::Closer
        )
    }
}

/// A stretch of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The message it belongs to; None for scaffold.
    pub message: Option<usize>,
    /// What it is.
    pub kind: RegionKind,
}

/// Regions that cover a text without gap or overlap, in order, none empty, neighbours different.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Regions(Vec<Region>);

impl Regions {
    /// None yet, with room for so many.
    pub fn with_capacity(regions: usize) -> Regions {
        Regions(Vec::with_capacity(regions))
    }

    /// Appends a region that ends at `end` and begins where the last one ended. Empty ones vanish; one like its
    /// neighbour is joined to it.
    pub fn push(&mut self, end: usize, message: Option<usize>, kind: RegionKind) {
        let start = self.end();
        if end <= start {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.message == message && last.kind == kind => last.end = end,
            _ => self.0.push(Region { start, end, message, kind }),
        }
    }

    /// Where the last region ends.
    pub fn end(&self) -> usize {
        self.0.last().map_or(0, |region| region.end)
    }

    /// The regions in their order.
    pub fn as_slice(&self) -> &[Region] {
        &self.0
    }

    /// Checks that the regions cover `text` to the last byte and cut no character.
    pub fn check(&self, text: &str) -> Result<()> {
        if self.end() == text.len() && self.0.iter().all(|region| text.is_char_boundary(region.end)) {
            Ok(())
        } else {
            Err(Error::new(Kind::Internal, "the regions do not cover the text"))
        }
    }

    /// The byte ranges of the regions that `chosen` picks, neighbours joined.
    pub fn spans(&self, chosen: impl Fn(&Region) -> bool) -> Vec<Range<usize>> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        for region in self.0.iter().filter(|region| chosen(region)) {
            match spans.last_mut() {
                Some(last) if last.end == region.start => last.end = region.end,
                _ => spans.push(region.start..region.end),
            }
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [RegionKind; 3] = [RegionKind::Header, RegionKind::Content, RegionKind::Closer];

    proptest! {
        #[test]
        fn pushing_keeps_the_cover(ends in proptest::collection::vec((0usize..60, 0usize..3, 0usize..3), 0..20)) {
            let mut regions = Regions::default();
            for (end, message, kind) in ends {
                regions.push(end, Some(message), KINDS[kind]);
            }
            let mut at = 0;
            for pair in regions.as_slice().windows(2) {
                prop_assert!((pair[0].message, pair[0].kind) != (pair[1].message, pair[1].kind));
            }
            for region in regions.as_slice() {
                prop_assert_eq!(region.start, at);
                prop_assert!(region.end > region.start);
                at = region.end;
            }
            let all: usize = regions.spans(|_| true).iter().map(|span| span.len()).sum();
            prop_assert_eq!(all, at);
        }
    }

    #[test]
    fn a_hole_at_the_end_is_seen() {
        let mut regions = Regions::default();
        regions.push(2, None, RegionKind::Scaffold);
        assert!(regions.check("abc").is_err());
        assert!(regions.check("ab").is_ok());
    }
}
