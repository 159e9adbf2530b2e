//! Resolves ambiguous turns by rendering the conversation up to them.
//!
//! If the text of a row starts with the render of the messages before a turn and a generation prompt, then the header
//! of the turn ends where that render ends: this is how the turn would be prompted. It takes one or two renders for
//! each ambiguous turn, so it is only tried second. If a template rewrites earlier turns, or prints a header that is
//! not its prompt, this resolves nothing and the turn stays ambiguous.

use super::Ambiguity;
use super::layout::Layout;
use super::turns::{ProvedHeader, SplitTurns};
use crate::rows::Conversation;
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
        // If the usual header is not found for one turn, it proves nothing for the other turns.
        let known: Vec<usize> = ambiguous.iter().map(|(message, _)| *message).collect();
        let others = split.by_usual_header.iter().filter(|message| !known.contains(message));
        ambiguous.extend(others.map(|&message| (message, Ambiguity::HeaderMismatch)));
    }
    for (message, ambiguity) in ambiguous {
        let values = layout.values(message);
        // Without words of its own, nothing shows that the text after the prompt belongs to this turn.
        let Some((first, last)) = values.first().zip(values.last()) else { continue };
        let Some(end) = prefix_end(template, request, text, message, true) else { continue };
        let starts = (layout.values_end_before(message)..=first.words).contains(&end);
        // A turn without a place of its own also needs a proof of its end.
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
    let whole = request.conversation;
    if messages == 0 {
        return None;
    }
    let conversation = Conversation { messages: whole.messages[..messages].to_vec(), ..whole.clone() };
    let request = Request { conversation: &conversation, add_generation_prompt, ..request };
    let prefix = template.text(request).ok()?;
    text.starts_with(&prefix).then_some(prefix.len())
}
