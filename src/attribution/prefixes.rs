//! Doubtful turns, settled by rendering the conversation up to them.
//!
//! If the text of a row begins with what the template makes of the messages before a turn and a generation prompt, the
//! header of that turn ends where that text ends: this is how the turn would be prompted. It costs a render or two for
//! each doubtful turn, which is why it comes second. Where a template rewrites history, or prints another header than
//! its prompt, it settles nothing and the doubt stays.

use super::Doubt;
use super::layout::Layout;
use super::turns::Split;
use crate::conversation::Conversation;
use crate::template::{ChatTemplate, Request};

/// A header whose end is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProvedHeader {
    pub(super) message: usize,
    pub(super) end: usize,
}

impl ChatTemplate {
    /// The headers of those doubtful turns that can be settled.
    pub(super) fn settle(
        &self,
        request: Request<'_, '_>,
        text: &str,
        layout: &Layout,
        split: &Split,
    ) -> Vec<ProvedHeader> {
        let mut proved = Vec::new();
        let doubtful = split
            .doubts
            .iter()
            .filter(|(_, doubt)| matches!(doubt, Doubt::HeaderMismatch | Doubt::OtherRole | Doubt::Merged));
        let mut doubtful: Vec<(usize, Doubt)> = doubtful.copied().collect();
        if !doubtful.is_empty() {
            // Where custom fails for one turn it proves nothing for the others.
            let known: Vec<usize> = doubtful.iter().map(|(message, _)| *message).collect();
            let others = split.customary.iter().filter(|message| !known.contains(message));
            doubtful.extend(others.map(|&message| (message, Doubt::HeaderMismatch)));
        }
        for (message, doubt) in doubtful {
            let cores = layout.cores(message);
            // Without words of its own nothing says that the text behind the prompt is this turn's.
            let Some((first, last)) = cores.first().zip(cores.last()) else { continue };
            let Some(end) = self.prefix(request, text, message, true) else { continue };
            let begins = (layout.values_end_before(message)..=first.words).contains(&end);
            // A turn without a place of its own needs proof of its end as well.
            let ends = doubt != Doubt::Merged
                || self.prefix(request, text, message + 1, false).is_some_and(|end| end >= last.span.end);
            if begins && ends && text.is_char_boundary(end) {
                proved.push(ProvedHeader { message, end });
            }
        }
        proved
    }

    /// The length of what the first messages render to, if `text` begins with it.
    fn prefix(&self, request: Request<'_, '_>, text: &str, messages: usize, prompt: bool) -> Option<usize> {
        let whole = request.conversation;
        if messages == 0 {
            return None;
        }
        let conversation = Conversation { messages: whole.messages[..messages].to_vec(), ..whole.clone() };
        let request = Request { conversation: &conversation, add_generation_prompt: prompt, ..request };
        let prefix = self.text(request).ok()?;
        text.starts_with(&prefix).then_some(prefix.len())
    }
}
