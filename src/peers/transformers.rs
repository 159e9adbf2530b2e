//! transformers' `return_assistant_tokens_mask`, and TRL's `assistant_only_loss`, which rests on it.
//!
//! The mask is made from the first and the last token of each span. A span whose last character has no token, or has
//! token 0, reaches to the end of the text; one whose first character has none ends the search. Spans inside macros lie
//! where transformers takes them to be.

use super::Tools;
use crate::error::{Error, Kind, Result};
use crate::label::MASKED;
use crate::tokenizer::Tokens;

/// What a template without tags means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Untagged {
    /// No token is trained.
    Masked,
    /// The row fails.
    Refused,
}

pub(super) fn label(
    tools: &Tools<'_, '_>,
    untagged: Untagged,
    tokens: &mut Tokens,
    labels: &mut Vec<i32>,
) -> Result<String> {
    if untagged == Untagged::Refused && !tools.template.for_row(tools.request.conversation).has_generation() {
        let text = "TRL trains what {% generation %} encloses, and this template has no such tags: give it TRL's \
                    training template, or take the labels of chatmill";
        return Err(Error::new(Kind::Option, text));
    }
    let (text, spans) = tools.template.render_as_transformers(tools.request)?;
    let offsets = tools.tokenizer.offsets(&text, tokens)?;
    labels.resize(tokens.ids.len(), MASKED);
    let token_at = |byte: usize| offsets.iter().position(|offset| offset.contains(&byte));
    for span in spans {
        let Some(first) = token_at(span.start) else { break };
        // The character before the end: any byte of it will do, since offsets hold whole characters.
        let last = span.end.checked_sub(1).and_then(token_at).filter(|last| *last > 0);
        let end = last.map_or(labels.len(), |last| last + 1);
        for (label, &id) in labels.iter_mut().zip(&tokens.ids).take(end).skip(first) {
            *label = i32::try_from(id).unwrap_or(MASKED);
        }
    }
    if untagged == Untagged::Refused && labels.iter().all(|&label| label == MASKED) {
        let text = "TRL refuses a row whose mask is empty: no turn of it is inside {% generation %}";
        return Err(Error::new(Kind::AllMasked("nothing_to_train"), text));
    }
    Ok(text)
}
