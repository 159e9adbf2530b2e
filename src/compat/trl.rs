//! The `assistant_only_loss` of TRL: the mask of transformers, which must not be empty.

use super::inputs::{Emulated, Inputs};
use super::transformers;
use crate::error::{Error, ErrorKind, Result};
use crate::label::MASKED;
use crate::tokenizer::Tokens;

pub(super) fn label(inputs: &Inputs<'_, '_>, tokens: &mut Tokens, labels: &mut Vec<i32>) -> Result<Emulated> {
    if !inputs.template().for_row(inputs.request.conversation).has_generation() {
        let text = "`emulate: trl` trains the text in {% generation %} tags, and this template has none; use the training \
                    template of TRL, or remove `emulate`";
        return Err(Error::new(ErrorKind::Option, text));
    }
    let emulated = transformers::label(inputs, tokens, labels)?;
    if labels.iter().all(|&label| label == MASKED) {
        let text = "`emulate: trl` rejects a row without trained tokens, and no turn is in {% generation %} tags; remove \
                    this row";
        return Err(Error::new(ErrorKind::NothingToTrain, text));
    }
    Ok(emulated)
}
