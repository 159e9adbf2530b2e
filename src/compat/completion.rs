//! The prompt and completion of TRL: trains every token after the tokens that the text shares with the prompt of the
//! last turn.

use super::inputs::{Emulated, Inputs};
use crate::error::Result;
use crate::label::MASKED;
use crate::template::RenderedText;
use crate::tokenizer::Tokens;

pub(super) fn label(inputs: &Inputs<'_, '_>, tokens: &mut Tokens, labels: &mut Vec<i32>) -> Result<Emulated> {
    let last = inputs.request.conversation.messages.len().saturating_sub(1);
    let RenderedText { text, written, .. } = inputs.template().render(inputs.request)?;
    inputs.tokenizer.tokens(&text, &[], tokens)?;
    let mut prompt = Vec::new();
    if last > 0 {
        inputs.tokenizer.ids(&inputs.prefix(last, true)?, &mut prompt)?;
    }
    let shared = prompt.iter().zip(&tokens.ids).take_while(|(left, right)| left == right).count();
    labels.resize(shared, MASKED);
    labels.extend(tokens.ids[shared..].iter().map(|&id| i32::try_from(id).unwrap_or(MASKED)));
    Ok(Emulated { text, written })
}
