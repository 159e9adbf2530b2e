//! The closing delimiter of reasoning before tool calls.

use super::super::shared_text::{back_to_border, common_prefix};
use super::Splitter;
use crate::rows::Role;
use crate::template::{Part, think_tags};
use chatjinja::is_space;

impl Splitter<'_> {
    /// The length of the delimiter of reasoning at the start of `gap`, the text between a value that is this `part` of a
    /// message and its tool calls. Content may hold reasoning too: some templates cut it into its parts.
    pub(super) fn delimiter(&self, part: Part, gap: &str) -> usize {
        let known = match part {
            Part::Reasoning => self.profile.reasoning_end.as_deref().map_or(0, |end| self.shared(gap, end)),
            Part::Content => 0,
            Part::ToolCall => return 0,
        };
        known.max(closing_tag(gap))
    }

    /// The length of the start that `gap` has in common with `end`, the text between reasoning and content. A template
    /// may begin a new part of the turn there, as it begins the turn; this part belongs to what comes after.
    fn shared(&self, gap: &str, end: &str) -> usize {
        let length = back_to_border(gap, common_prefix(gap, end));
        let prompt = self.profile.prompt_after(Role::User).map(|prompt| prompt.trim_matches(is_space));
        let next = prompt.filter(|prompt| !prompt.is_empty()).and_then(|prompt| gap[..length].find(prompt));
        next.unwrap_or(length)
    }
}

/// The end of a closing think tag at the start of `gap`, or 0.
pub(super) fn closing_tag(gap: &str) -> usize {
    let text = gap.trim_start_matches(is_space);
    let tag = think_tags::ALL.iter().map(|(_, close)| *close).find(|close| text.starts_with(close));
    tag.map_or(0, |tag| gap.len() - text.len() + tag.len())
}
