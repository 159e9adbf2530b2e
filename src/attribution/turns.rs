//! `split`: the gaps between values, told apart by the facts of the template.

mod closing;

use super::Doubt;
use super::facts::{Facts, Speaker, back_to_border, common_prefix};
use super::layout::Layout;
use super::prefixes::ProvedHeader;
use crate::conversation::{Conversation, Fields};
use crate::python_text::is_space;
use crate::region::{RegionKind, Regions};
use crate::template::{Part, Printed};

/// A header is a part of the generation prompt only if so much of it is there, or all up to the first value.
const LEAST_PART: usize = 4;

/// How much of a generation prompt makes a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    /// All of it, or a part that ends where a token or a word does.
    Strict,
    /// Any part that is long enough: the best guess for a turn that is doubtful anyway.
    Loose,
}

/// Regions for all of a text, and the turns that are doubtful.
pub(super) struct Split {
    pub(super) regions: Regions,
    pub(super) doubts: Vec<(usize, Doubt)>,
    /// Turns of a template without generation prompts, whose header is what such turns mostly begin with.
    pub(super) customary: Vec<usize>,
}

/// Regions for all of `text`; `proved` are headers whose ends are known.
pub(super) fn split(
    conversation: &Conversation<'_>,
    text: &str,
    (layout, printed): (&Layout, &[Printed]),
    facts: &Facts,
    proved: &[ProvedHeader],
) -> Split {
    let mut splitter = Splitter {
        text,
        layout,
        printed,
        facts,
        speakers: (0..layout.turns.len()).map(|index| Speaker::of(conversation.role(index))).collect(),
        messages: &conversation.messages,
        starts: layout.turns.iter().map(|turn| turn.start).collect(),
        regions: Regions::with_capacity(5 * layout.turns.len()),
        doubts: Vec::new(),
        customary: Vec::new(),
        proved,
        claimed: 0,
    };
    splitter.undo_peeking();
    splitter.regions.push(splitter.starts.first().copied().unwrap_or(0), None, RegionKind::Scaffold);
    for index in 0..layout.turns.len() {
        match splitter.speakers[index] {
            Speaker::Assistant => splitter.assistant(index),
            _ => splitter.other(index),
        }
    }
    splitter.regions.push(text.len(), None, RegionKind::Scaffold);
    splitter.doubt_displaced();
    Split { regions: splitter.regions, doubts: splitter.doubts, customary: splitter.customary }
}

struct Splitter<'s> {
    text: &'s str,
    layout: &'s Layout,
    printed: &'s [Printed],
    facts: &'s Facts,
    speakers: Vec<Speaker>,
    messages: &'s [Fields<'s>],
    starts: Vec<usize>,
    regions: Regions,
    doubts: Vec<(usize, Doubt)>,
    customary: Vec<usize>,
    proved: &'s [ProvedHeader],
    /// Where the last generation prompt ends that an assistant turn took for its header.
    claimed: usize,
}

impl Splitter<'_> {
    /// Templates with `loop.nextitem` fetch a message while they still print the one before it. The real start is
    /// where the message was read right behind that one's closer.
    fn undo_peeking(&mut self) {
        if !self.facts.peeks {
            return;
        }
        for index in 1..self.starts.len() {
            let before = self.layout.values_end_before(index);
            // A turn without values shows nothing that its closer could stand behind.
            if before < self.starts[index - 1] {
                continue;
            }
            let Some(closer) = self.facts.end_closer(self.speakers[index - 1]) else {
                continue;
            };
            let behind = before + closer.len();
            if self.text[before..self.first_value(index)].starts_with(closer) && self.layout.is_read_at(index, behind) {
                self.starts[index] = behind;
            }
        }
    }

    /// Where the first value of turn `index` or of one after it begins, or the text ends. What a template puts around
    /// values lies before it, even if the value itself reads like a closer.
    fn first_value(&self, index: usize) -> usize {
        self.layout.first_core_from(index).map_or(self.text.len(), |core| core.span.start)
    }

    /// Where the turn after `index` begins, or where the loop or the text ends.
    fn next_start(&self, index: usize) -> usize {
        let floor = self.layout.cores(index).last().map_or(self.starts[index], |core| core.span.end);
        match self.starts.get(index + 1) {
            Some(start) => *start,
            None => self.layout.end.unwrap_or(self.text.len()),
        }
        .max(floor)
    }

    /// A value amid those of another message makes both turns doubtful: which of them the text around it belongs to is
    /// not known. Templates that print what tools answered before the content of the message that called them do this.
    fn doubt_displaced(&mut self) {
        for (message, span) in &self.layout.displaced {
            let regions = self.regions.as_slice();
            let around = regions.partition_point(|region| region.end <= span.start);
            let owner = regions.get(around).and_then(|region| region.message);
            for turn in owner.filter(|owner| owner != message).into_iter().chain([*message]) {
                let known = self.doubts.contains(&(turn, Doubt::Merged));
                if self.speakers[turn] == Speaker::Assistant && owner != Some(*message) && !known {
                    self.doubts.push((turn, Doubt::Merged));
                }
            }
        }
    }

    fn other(&mut self, index: usize) {
        let message = Some(index);
        let next = self.next_start(index);
        let kind = if self.speakers[index] == Speaker::Tool { RegionKind::ToolResult } else { RegionKind::Content };
        let cores = self.layout.cores(index);
        let words = cores.first().zip(cores.last()).map(|(first, last)| (first.span.start, last.span.end));
        let Some((start, end)) = words.or_else(|| self.blank_value(index, next)) else {
            return self.empty(index, next);
        };
        self.regions.push(start, message, RegionKind::Header);
        self.regions.push(end, message, kind);
        let gap = self.text[end..next].trim_end_matches(is_space);
        if self.speakers[index] == Speaker::System
            && let Some(closer) = self.facts.end_closer(Speaker::System).map(|closer| closer.trim_matches(is_space))
            && gap.ends_with(closer)
        {
            // What stands between a system prompt and its closer, such as tool declarations, is not the message's.
            self.regions.push(end + gap.len() - closer.len(), None, RegionKind::Scaffold);
        }
        self.regions.push(end + gap.len(), message, RegionKind::Closer);
        self.regions.push(next, message, RegionKind::Trailing);
    }

    /// Where a value without words stands in turn `index`, which ends at `next`.
    fn blank_value(&self, index: usize, next: usize) -> Option<(usize, usize)> {
        let turn = self.starts[index]..next;
        let of_turn = |printed: &&Printed| {
            printed.message == index && turn.start <= printed.span.start && printed.span.end <= turn.end
        };
        let mut printed = self.printed.iter().filter(of_turn).map(|printed| &printed.span);
        let first = printed.next()?;
        Some((first.start, printed.next_back().unwrap_or(first).end))
    }

    /// The turn of another role that shows no value: its closer is known from turns that do.
    fn empty(&mut self, index: usize, next: usize) {
        let message = Some(index);
        let text = self.text[self.starts[index]..next].trim_end_matches(is_space);
        let closer = self.facts.end_closer(self.speakers[index]).map(|closer| closer.trim_matches(is_space));
        let end = self.starts[index] + text.len();
        let closer = closer.filter(|closer| text.ends_with(closer)).map_or(0, str::len);
        self.regions.push(if closer == 0 { next } else { end - closer }, message, RegionKind::Header);
        self.regions.push(end, message, RegionKind::Closer);
        self.regions.push(next, message, RegionKind::Trailing);
    }

    fn assistant(&mut self, index: usize) {
        let message = Some(index);
        let layout = self.layout;
        let (turn, cores) = (&layout.turns[index], layout.cores(index));
        let next = self.next_start(index);
        let first_value = cores.first().map_or(next, |core| core.words);
        let proved = self.proved.iter().find(|header| header.message == index).map(|header| header.end);
        let header_end = match proved.or_else(|| self.header_end(index, first_value, Likeness::Strict)) {
            Some(end) => end,
            // Nothing stands before the first value, and nothing should: there is no border to find.
            None if first_value == self.starts[index]
                && !turn.merged
                && !self.customary.contains(&index)
                && !self.needs_prompt(index) =>
            {
                first_value
            }
            None => {
                let other = self.facts.user_header.as_deref();
                let gap = &self.text[self.starts[index]..first_value];
                let is_other = other.is_some_and(|header| gap.contains(header));
                self.doubts.push((index, if is_other { Doubt::OtherRole } else { Doubt::HeaderMismatch }));
                self.header_end(index, first_value, Likeness::Loose).unwrap_or(first_value)
            }
        };
        self.claimed = header_end;
        if turn.dropped {
            self.doubts.push((index, Doubt::ValueDropped));
        }
        if turn.merged && proved.is_none() {
            self.doubts.push((index, Doubt::Merged));
        }
        self.regions.push(header_end, message, RegionKind::Header);
        let (Some(first), Some(last)) = (cores.first(), cores.last()) else {
            return self.closing(index, header_end, next, RegionKind::Prefix);
        };
        // Between the header and the first value.
        let opening = if first.part == Part::Content { RegionKind::Prefix } else { kind_of(first.part) };
        self.regions.push(first.span.start.max(header_end), message, opening);
        // The values, and the gaps between them.
        for pair in cores.windows(2) {
            self.regions.push(pair[0].span.end, message, kind_of(pair[0].part));
            self.regions.push(pair[1].span.start, message, gap_kind(pair[0].part, pair[1].part));
        }
        self.regions.push(last.span.end, message, kind_of(last.part));
        self.closing(index, last.span.end, next, kind_of(last.part));
    }

    /// Who spoke before turn `index`.
    fn before(&self, index: usize) -> Speaker {
        if index == 0 { Speaker::User } else { self.speakers[index - 1] }
    }

    fn prompt_after_user(&self) -> Option<&str> {
        self.facts.prompt_after(Speaker::User).filter(|prompt| !prompt.is_empty())
    }

    /// The generation prompt that an assistant turn should begin with: where none is known for who spoke before, that
    /// behind a user.
    fn known_prompt(&self, index: usize) -> Option<&str> {
        let known = self.facts.prompt_after(self.before(index)).or(self.prompt_after_user());
        known.filter(|prompt| !prompt.is_empty())
    }

    /// Whether an assistant turn must have a header. Where one follows another the template may go on with it.
    fn needs_prompt(&self, index: usize) -> bool {
        self.before(index) != Speaker::Assistant && self.known_prompt(index).is_some()
    }

    /// Where the part of the turn ends that the generation prompt supplies. None if nothing there looks like it.
    fn header_end(&mut self, index: usize, first_value: usize, likeness: Likeness) -> Option<usize> {
        let start = self.starts[index];
        // The prompt may have been printed with the turn before, but not be that turn's own.
        let from = self.layout.values_end_before(index).max(self.claimed).min(start);
        let find = |prompt: &str| {
            self.prompt_end(prompt, from, start, first_value, likeness)
                .or_else(|| self.prompt_end(prompt.trim_start_matches(is_space), from, start, first_value, likeness))
        };
        if let Some(prompt) = self.known_prompt(index) {
            return find(prompt);
        }
        if let Some(prompt) = self.prompt_after_user() {
            // After this speaker the model goes on without any prompt, unless the template prints one all the same.
            let has_prompt = self.text[start..first_value].starts_with(prompt);
            return Some(if has_prompt { start + prompt.len() } else { start });
        }
        if let Some(prompt) = &self.facts.always_prompt {
            return find(prompt);
        }
        let header = self.facts.header.as_deref()?;
        if header.trim_matches(is_space).is_empty() {
            return Some(start);
        }
        let end = find(header);
        self.customary.push(index);
        end
    }

    /// The end of `prompt`, or of as much of it as is there, between `from` and `limit`, not before `start`.
    fn prompt_end(&self, prompt: &str, from: usize, start: usize, limit: usize, likeness: Likeness) -> Option<usize> {
        if prompt.is_empty() {
            return None;
        }
        if self.text[start..limit].starts_with(prompt) {
            return Some(start + prompt.len());
        }
        let gap = &self.text[from..limit];
        if let Some(end) = gap.match_indices(prompt).map(|(at, _)| from + at + prompt.len()).find(|end| *end >= start) {
            return Some(end);
        }
        let first = prompt.chars().next()?;
        let (length, end) = gap
            .match_indices(first)
            .map(|(at, _)| {
                let length = back_to_border(prompt, common_prefix(&gap[at..], prompt));
                (length, from + at + length)
            })
            .filter(|(length, end)| *length > 0 && *end >= start)
            .max_by_key(|(length, end)| (*length, std::cmp::Reverse(*end)))?;
        // What is missing of the prompt must be white space or a token: a prompt that breaks off amid a word, as one
        // with an unfilled placeholder does, is another text than the one that stands here.
        let rest = &prompt[length..];
        let clean = likeness == Likeness::Loose
            || rest.is_empty()
            || rest.starts_with(is_space)
            || rest.starts_with(['<', '[']);
        if (length < LEAST_PART || !clean) && end < limit {
            return None;
        }
        // The prompt closes a block of reasoning, and so does the text, only with other words before: all of it is
        // what the prompt supplies.
        let closes = |text: &str| {
            let text = text.trim_end_matches(is_space);
            ["</think>", "[/THINK]", "</reasoning>"].into_iter().find(|tag| text.ends_with(tag))
        };
        match (closes(rest), closes(&self.text[end..limit])) {
            (Some(left), Some(right)) if left == right => Some(limit),
            _ => Some(end),
        }
    }
}

fn kind_of(part: Part) -> RegionKind {
    match part {
        Part::Content => RegionKind::Content,
        Part::Reasoning => RegionKind::Reasoning,
        Part::ToolCall => RegionKind::ToolCall,
    }
}

fn gap_kind(before: Part, after: Part) -> RegionKind {
    match (before, after) {
        (Part::ToolCall, _) | (_, Part::ToolCall) => RegionKind::ToolCall,
        (Part::Reasoning, _) | (_, Part::Reasoning) => RegionKind::Reasoning,
        (Part::Content, Part::Content) => RegionKind::Content,
    }
}
