//! Resolves ambiguous turns by rendering the conversation up to them.
//!
//! The messages before a turn are rendered with a generation prompt. If the text of the row starts with this render,
//! the header of the turn ends where the render ends. This takes one or two renders for each ambiguous turn, so it is
//! only tried if the template profile does not suffice. If a template rewrites earlier turns, or prints a header that
//! differs from its generation prompt, the turn stays ambiguous.

use super::Ambiguity;
use super::layout::Layout;
use super::turns::{ProvedHeader, SplitTurns};
use crate::template::{ChatTemplate, Request};

/// The headers of the ambiguous turns that can be resolved.
pub(super) fn resolve(
    template: &ChatTemplate,
    request: Request<'_, '_>,
    text: &str,
    layout: &Layout,
    split: &SplitTurns,
) -> Vec<ProvedHeader> {
    let mut proved = Vec::new();
    let resolvable = |ambiguity: &Ambiguity| {
        matches!(ambiguity, Ambiguity::HeaderMismatch | Ambiguity::OtherRole | Ambiguity::Merged)
    };
    let mut ambiguous: Vec<(usize, Ambiguity)> =
        split.ambiguities.iter().filter(|(_, ambiguity)| resolvable(ambiguity)).copied().collect();
    if !ambiguous.is_empty() {
        // If one turn does not start with the usual header, the usual header proves nothing for the other turns.
        let known: Vec<usize> = ambiguous.iter().map(|(message, _)| *message).collect();
        let others = split.by_usual_header.iter().filter(|message| !known.contains(message));
        ambiguous.extend(others.map(|&message| (message, Ambiguity::HeaderMismatch)));
    }
    for (message, ambiguity) in ambiguous {
        let values = layout.values(message);
        // Only words of the turn show that the text after the prompt belongs to it.
        let Some((first, last)) = values.first().zip(values.last()) else { continue };
        let Some(end) = prefix_end(template, request, text, message, true) else { continue };
        let starts = (layout.values_end_before(message)..=first.words).contains(&end);
        // A turn that is mixed with another message also needs a proof of its end.
        let ends = ambiguity != Ambiguity::Merged
            || prefix_end(template, request, text, message + 1, false).is_some_and(|end| end >= last.span.end);
        if starts && ends && text.is_char_boundary(end) {
            proved.push(ProvedHeader { message, end });
        }
    }
    proved
}

/// The length of the render of the first messages, if `text` starts with it.
fn prefix_end(
    template: &ChatTemplate,
    request: Request<'_, '_>,
    text: &str,
    messages: usize,
    add_generation_prompt: bool,
) -> Option<usize> {
    if messages == 0 {
        return None;
    }
    let conversation = request.conversation.prefix(messages);
    let request = Request { conversation: &conversation, add_generation_prompt, ..request };
    let prefix = template.text(request).ok()?;
    text.starts_with(&prefix).then_some(prefix.len())
}
