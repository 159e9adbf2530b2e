//! `split`: splits the text between values into regions, with the profile of the template.

mod closing;
mod delimiter;
mod header;
mod omitted;

use super::layout::Layout;
use super::profile::TemplateProfile;
use super::{Ambiguity, RegionKind, Regions};
use crate::data::Fields;
use crate::rows::Conversation;
use crate::rows::Role;
use crate::template::{Part, Printed};
use chatjinja::is_space;
use header::Likeness;
use omitted::omits;

/// A header with a proved end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProvedHeader {
    pub(super) message: usize,
    pub(super) end: usize,
}

/// The regions of a text, and the turns that are ambiguous.
pub(super) struct SplitTurns {
    pub(super) regions: Regions,
    pub(super) ambiguities: Vec<(usize, Ambiguity)>,
    /// Assistant turns of a template without a generation prompt. Their header is the text that usually starts an
    /// assistant turn.
    pub(super) by_usual_header: Vec<usize>,
}

/// The regions of `text`. `proved` are the headers with a known end.
pub(super) fn split(
    conversation: &Conversation<'_>,
    text: &str,
    (layout, printed): (&Layout, &[Printed]),
    profile: &TemplateProfile,
    proved: &[ProvedHeader],
) -> SplitTurns {
    let mut splitter = Splitter {
        text,
        layout,
        printed,
        profile,
        roles: (0..layout.turns.len()).map(|index| Role::of(conversation.role(index))).collect(),
        messages: &conversation.messages,
        starts: layout.turns.iter().map(|turn| turn.start).collect(),
        regions: Regions::with_capacity(5 * layout.turns.len()),
        ambiguities: Vec::new(),
        by_usual_header: Vec::new(),
        proved,
        claimed: 0,
    };
    splitter.correct_starts();
    splitter.regions.push(splitter.starts.first().copied().unwrap_or(0), None, RegionKind::Scaffold);
    for index in 0..layout.turns.len() {
        match splitter.roles[index] {
            Role::Assistant => splitter.assistant(index),
            _ => splitter.other(index),
        }
    }
    splitter.regions.push(text.len(), None, RegionKind::Scaffold);
    splitter.mark_out_of_order();
    SplitTurns {
        regions: splitter.regions,
        ambiguities: splitter.ambiguities,
        by_usual_header: splitter.by_usual_header,
    }
}

struct Splitter<'s> {
    text: &'s str,
    layout: &'s Layout,
    printed: &'s [Printed],
    profile: &'s TemplateProfile,
    roles: Vec<Role>,
    messages: &'s [Fields<'s>],
    /// The start of each turn.
    starts: Vec<usize>,
    regions: Regions,
    ambiguities: Vec<(usize, Ambiguity)>,
    by_usual_header: Vec<usize>,
    proved: &'s [ProvedHeader],
    /// The end of the last generation prompt that became the header of an assistant turn.
    claimed: usize,
}

impl Splitter<'_> {
    /// Corrects the starts of turns of templates with `loop.nextitem`. Such a template reads a message while it still
    /// prints the message before it. The real start is the position directly after the closer of the message before, if
    /// the message was read there.
    fn correct_starts(&mut self) {
        if !self.profile.looks_ahead {
            return;
        }
        for index in 1..self.starts.len() {
            let before = self.layout.values_end_before(index);
            // The end of a turn without values is unknown, and so is the place of its closer.
            if before < self.starts[index - 1] {
                continue;
            }
            let Some(closer) = self.profile.end_closer(self.roles[index - 1]) else {
                continue;
            };
            let after = before + closer.len();
            if self.text[before..self.first_value(index)].starts_with(closer) && self.layout.is_read_at(index, after) {
                self.starts[index] = after;
            }
        }
    }

    /// The start of the first value of turn `index` or of a later turn, or the end of the text. The text that a
    /// template prints around values ends before it, even if the value itself looks like a closer.
    fn first_value(&self, index: usize) -> usize {
        self.layout.first_value_from(index).map_or(self.text.len(), |value| value.span.start)
    }

    /// The start of the turn after `index`, or the end of the loop or of the text.
    fn next_start(&self, index: usize) -> usize {
        let floor = self.layout.values(index).last().map_or(self.starts[index], |value| value.span.end);
        match self.starts.get(index + 1) {
            Some(start) => *start,
            None => self.layout.end.unwrap_or(self.text.len()),
        }
        .max(floor)
    }

    /// Marks turns with values of other messages between their own as ambiguous: the text around such a value may
    /// belong to either turn. Templates that print tool results before the content of the message with the calls do
    /// this.
    fn mark_out_of_order(&mut self) {
        for (message, span) in &self.layout.out_of_order {
            let regions = self.regions.as_slice();
            let around = regions.partition_point(|region| region.end <= span.start);
            let owner = regions.get(around).and_then(|region| region.message);
            for turn in owner.filter(|owner| owner != message).into_iter().chain([*message]) {
                let known = self.ambiguities.contains(&(turn, Ambiguity::Merged));
                if self.roles[turn] == Role::Assistant && owner != Some(*message) && !known {
                    self.ambiguities.push((turn, Ambiguity::Merged));
                }
            }
        }
    }

    /// The regions of a turn of another role than the assistant.
    fn other(&mut self, index: usize) {
        let message = Some(index);
        let next = self.next_start(index);
        let kind = if self.roles[index] == Role::Tool { RegionKind::ToolResult } else { RegionKind::Content };
        let values = self.layout.values(index);
        let words = values.first().zip(values.last()).map(|(first, last)| (first.span.start, last.span.end));
        let Some((start, end)) = words.or_else(|| self.blank_value(index, next)) else {
            return self.empty(index, next);
        };
        self.regions.push(start, message, RegionKind::Header);
        self.regions.push(end, message, kind);
        let gap = self.text[end..next].trim_end_matches(is_space);
        if self.roles[index] == Role::System
            && let Some(closer) = self.profile.end_closer(Role::System).map(|closer| closer.trim_matches(is_space))
            && gap.ends_with(closer)
        {
            // Text between a system prompt and its closer, such as tool declarations, does not belong to the message.
            self.regions.push(end + gap.len() - closer.len(), None, RegionKind::Scaffold);
        }
        self.regions.push(end + gap.len(), message, RegionKind::Closer);
        self.regions.push(next, message, RegionKind::Trailing);
    }

    /// The place of a value without words in turn `index`, which ends at `next`.
    fn blank_value(&self, index: usize, next: usize) -> Option<(usize, usize)> {
        let turn = self.starts[index]..next;
        let of_turn = |printed: &&Printed| {
            printed.message == index && turn.start <= printed.span.start && printed.span.end <= turn.end
        };
        let mut printed = self.printed.iter().filter(of_turn).map(|printed| &printed.span);
        let first = printed.next()?;
        Some((first.start, printed.next_back().unwrap_or(first).end))
    }

    /// The regions of a turn of another role without a value. The closer is that of turns with a value.
    fn empty(&mut self, index: usize, next: usize) {
        let message = Some(index);
        let text = self.text[self.starts[index]..next].trim_end_matches(is_space);
        let closer = self.profile.end_closer(self.roles[index]).map(|closer| closer.trim_matches(is_space));
        let end = self.starts[index] + text.len();
        let closer = closer.filter(|closer| text.ends_with(closer)).map_or(0, str::len);
        self.regions.push(if closer == 0 { next } else { end - closer }, message, RegionKind::Header);
        self.regions.push(end, message, RegionKind::Closer);
        self.regions.push(next, message, RegionKind::Trailing);
    }

    /// The regions of an assistant turn.
    fn assistant(&mut self, index: usize) {
        let message = Some(index);
        let layout = self.layout;
        let (turn, values) = (&layout.turns[index], layout.values(index));
        let next = self.next_start(index);
        let first_value = values.first().map_or(next, |value| value.words);
        let proved = self.proved.iter().find(|header| header.message == index).map(|header| header.end);
        let header_end = match proved.or_else(|| self.header_end(index, first_value, Likeness::Strict)) {
            Some(end) => end,
            // There is no text before the first value, and none is expected, so there is no border to find.
            None if first_value == self.starts[index]
                && !turn.merged
                && !self.by_usual_header.contains(&index)
                && !self.needs_prompt(index) =>
            {
                first_value
            }
            None => {
                let other = self.profile.user_header.as_deref();
                let gap = &self.text[self.starts[index]..first_value];
                let is_other = other.is_some_and(|header| gap.contains(header));
                let ambiguity = if is_other { Ambiguity::OtherRole } else { Ambiguity::HeaderMismatch };
                self.ambiguities.push((index, ambiguity));
                self.header_end(index, first_value, Likeness::Loose).unwrap_or(first_value)
            }
        };
        self.claimed = header_end;
        // Not only texts can be dropped, also a content that is a number, or the call in `function_call`.
        let is_dropped =
            turn.dropped || (values.is_empty() && omits(&self.messages[index], &self.text[header_end.min(next)..next]));
        if is_dropped {
            self.ambiguities.push((index, Ambiguity::ValueDropped));
        }
        let has_no_header = turn.follows_blank && header_end == self.starts[index];
        if (turn.merged || has_no_header) && proved.is_none() {
            self.ambiguities.push((index, Ambiguity::Merged));
        }
        self.regions.push(header_end, message, RegionKind::Header);
        let (Some(first), Some(last)) = (values.first(), values.last()) else {
            return self.closing(index, header_end, next, RegionKind::Prefix);
        };
        // Between the header and the first value.
        let opening = if first.part == Part::Content { RegionKind::Prefix } else { kind_of(first.part) };
        self.regions.push(first.span.start.max(header_end), message, opening);
        // The values, and the text between them.
        for pair in values.windows(2) {
            let end = pair[0].span.end;
            let delimiter = match pair[1].part {
                Part::ToolCall => self.delimiter(pair[0].part, &self.text[end..pair[1].span.start]),
                Part::Content | Part::Reasoning => 0,
            };
            self.regions.push(end + delimiter, message, kind_of(pair[0].part));
            self.regions.push(pair[1].span.start, message, gap_kind(pair[0].part, pair[1].part));
        }
        self.regions.push(last.span.end, message, kind_of(last.part));
        self.closing(index, last.span.end, next, kind_of(last.part));
    }
}

/// The kind of a value.
fn kind_of(part: Part) -> RegionKind {
    match part {
        Part::Content => RegionKind::Content,
        Part::Reasoning => RegionKind::Reasoning,
        Part::ToolCall => RegionKind::ToolCall,
    }
}

/// The kind of the text between two values.
fn gap_kind(before: Part, after: Part) -> RegionKind {
    match (before, after) {
        (Part::ToolCall, _) | (_, Part::ToolCall) => RegionKind::ToolCall,
        (Part::Reasoning, _) | (_, Part::Reasoning) => RegionKind::Reasoning,
        (Part::Content, Part::Content) => RegionKind::Content,
    }
}
