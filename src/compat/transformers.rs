//! The `return_assistant_tokens_mask` of transformers.
//!
//! The mask is made from the first and the last token of each `{% generation %}` span. If the last character of a span
//! has no token, or has token 0, the span extends to the end of the text. If the first character has no token, the
//! search ends. The spans of blocks in macros are those of transformers, which start too early.

use super::inputs::{Emulated, Inputs};
use crate::error::Result;
use crate::label::MASKED;
use crate::template::RenderedText;
use crate::tokenizer::Tokens;

pub(super) fn label(inputs: &Inputs<'_, '_>, tokens: &mut Tokens, labels: &mut Vec<i32>) -> Result<Emulated> {
    let RenderedText { text, generation_as_transformers: spans, written, .. } =
        inputs.template().render(inputs.request)?;
    let offsets = inputs.tokenizer.offsets(&text, tokens)?;
    labels.resize(tokens.ids.len(), MASKED);
    let token_at = |byte: usize| offsets.iter().position(|offset| offset.contains(&byte));
    for span in spans {
        let Some(first) = token_at(span.start) else { break };
        // Any byte of the last character works, because offsets cover whole characters.
        let last = span.end.checked_sub(1).and_then(token_at).filter(|last| *last > 0);
        let end = last.map_or(labels.len(), |last| last + 1);
        for (label, &id) in labels.iter_mut().zip(&tokens.ids).take(end).skip(first) {
            *label = i32::try_from(id).unwrap_or(MASKED);
        }
    }
    Ok(Emulated { text, written })
}
