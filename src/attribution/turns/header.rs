//! The header of an assistant turn: the part of the turn that the generation prompt supplies.

use super::super::shared_text::{back_to_border, common_prefix};
use super::Splitter;
use crate::rows::Role;
use crate::template::think_tags;
use chatjinja::is_space;

/// Part of a generation prompt is a header only if it has this many bytes, or reaches up to the first value.
const MIN_PART: usize = 4;

/// How much of a generation prompt counts as a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// All of it, or a part that ends at the end of a token or a word.
    Strict,
    /// Any part that is long enough. This is the best guess for a turn that is ambiguous anyway.
    Loose,
}

impl Splitter<'_> {
    /// The role of the message before turn `index`.
    fn role_before(&self, index: usize) -> Role {
        if index == 0 { Role::User } else { self.roles[index - 1] }
    }

    fn prompt_after_user(&self) -> Option<&str> {
        self.profile.prompt_after(Role::User).filter(|prompt| !prompt.is_empty())
    }

    /// The generation prompt that should start an assistant turn: the one after the role before it, or else the one
    /// after a user.
    fn known_prompt(&self, index: usize) -> Option<&str> {
        let known = self.profile.prompt_after(self.role_before(index)).or(self.prompt_after_user());
        known.filter(|prompt| !prompt.is_empty())
    }

    /// Whether an assistant turn must have a header. A template may continue one assistant turn with the next.
    pub(super) fn needs_prompt(&self, index: usize) -> bool {
        self.role_before(index) != Role::Assistant && self.known_prompt(index).is_some()
    }

    /// The end of the part of the turn that the generation prompt supplies. None if the turn does not start with such a
    /// text.
    pub(super) fn header_end(&mut self, index: usize, first_value: usize, likeness: Likeness) -> Option<usize> {
        let start = self.starts[index];
        // The template may have printed the prompt together with the turn before, but as no part of that turn.
        let from = self.layout.values_end_before(index).max(self.claimed).min(start);
        let find = |prompt: &str| {
            self.prompt_end(prompt, from, start, first_value, likeness)
                .or_else(|| self.prompt_end(prompt.trim_start_matches(is_space), from, start, first_value, likeness))
        };
        if let Some(prompt) = self.known_prompt(index) {
            return find(prompt);
        }
        if let Some(prompt) = self.prompt_after_user() {
            // After this role the model continues without a prompt, unless the template prints one anyway.
            let has_prompt = self.text[start..first_value].starts_with(prompt);
            return Some(if has_prompt { start + prompt.len() } else { start });
        }
        if let Some(prompt) = &self.profile.always_prompt {
            return find(prompt);
        }
        let header = self.profile.header.as_deref()?;
        if header.trim_matches(is_space).is_empty() {
            return Some(start);
        }
        let end = find(header);
        self.by_usual_header.push(index);
        end
    }

    /// The end of `prompt`, or of the part of it that is printed, between `from` and `limit` and not before `start`.
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
        // The missing rest of the prompt must start with white space or a token. A prompt that breaks off within a
        // word, such as one with an unfilled placeholder, is a different text.
        let rest = &prompt[length..];
        let clean = likeness == Likeness::Loose
            || rest.is_empty()
            || rest.starts_with(is_space)
            || rest.starts_with(['<', '[']);
        if (length < MIN_PART || !clean) && end < limit {
            return None;
        }
        // If the prompt closes a block of reasoning and the text closes the same block with other words inside, the
        // prompt supplies all of the block, and the white space after it: most often it is a remnant of the reasoning.
        let closing_tag = |text: &str| {
            let text = text.trim_end_matches(is_space);
            think_tags::ALL.iter().map(|(_, close)| *close).find(|tag| text.ends_with(tag))
        };
        match (closing_tag(rest), closing_tag(&self.text[end..limit])) {
            (Some(of_prompt), Some(of_text)) if of_prompt == of_text => Some(limit),
            _ => Some(end),
        }
    }
}
