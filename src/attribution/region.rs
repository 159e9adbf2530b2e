//! `Regions`: for every byte of a rendered text, the message and the part of the message that it belongs to.

use crate::error::{Error, ErrorKind, Result};

/// The part of a message that a piece of text belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RegionKind {
    /// Text outside of all messages: begin-of-text, tool declarations, a generation prompt at the end.
    Scaffold,
    /// The start of a turn. In an assistant turn: the part that the generation prompt supplies.
    Header,
    /// Text that the template puts between the header and the first word of the model, such as an empty think block.
    Prefix,
    /// Reasoning with its delimiters.
    Reasoning,
    /// The answer, or the text of another role.
    Content,
    /// Tool calls with all their syntax.
    ToolCall,
    /// A tool result.
    ToolResult,
    /// The end of a turn, up to and including the stop token.
    Closer,
    /// Text between the stop token and the next turn.
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

    /// The public name.
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

    /// Whether the model generates this part of an assistant turn.
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

/// A piece of a text that belongs to one part of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Index of the message. None for scaffold.
    pub message: Option<usize>,
    /// The part of the message.
    pub kind: RegionKind,
}

/// The regions of a text in order, without gaps or overlaps. No region is empty, and neighbors differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Regions(Vec<Region>);

impl Regions {
    /// An empty list with room for this number of regions.
    pub fn with_capacity(regions: usize) -> Regions {
        Regions(Vec::with_capacity(regions))
    }

    /// Appends a region from the end of the last one to `end`. Drops it if it is empty, and joins it to the last region
    /// if message and kind are the same.
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

    /// The end of the last region.
    pub fn end(&self) -> usize {
        self.0.last().map_or(0, |region| region.end)
    }

    /// The end of each region.
    pub fn ends(&self) -> Vec<usize> {
        self.0.iter().map(|region| region.end).collect()
    }

    /// The regions in order.
    pub fn as_slice(&self) -> &[Region] {
        &self.0
    }

    /// Checks that the regions cover `text` completely and do not cut a character.
    pub fn check(&self, text: &str) -> Result<()> {
        if self.end() == text.len() && self.0.iter().all(|region| text.is_char_boundary(region.end)) {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Internal, "the regions do not cover the text"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [RegionKind; 3] = [RegionKind::Header, RegionKind::Content, RegionKind::Closer];

    proptest! {
        #[test]
        fn regions_have_no_gaps_after_any_push(ends in proptest::collection::vec((0usize..60, 0usize..3, 0usize..3), 0..20)) {
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
        }
    }

    #[test]
    fn a_gap_at_the_end_is_an_error() {
        let mut regions = Regions::default();
        regions.push(2, None, RegionKind::Scaffold);
        assert!(regions.check("abc").is_err());
        assert!(regions.check("ab").is_ok());
    }
}
