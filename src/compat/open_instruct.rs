//! open-instruct: trains the text between the prompt for an assistant turn and the end of the turn.
//!
//! The renders up to both positions must be prefixes of the whole text. If one is not, open-instruct counts tokens
//! instead and masks the row if this fails too; here the row fails at once.

use std::ops::Range;

use super::inputs::{Emulated, Inputs};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::Role;
use crate::template::RenderedText;
use crate::tokenizer::Tokens;

pub(super) fn label(inputs: &Inputs<'_, '_>, tokens: &mut Tokens, labels: &mut Vec<i32>) -> Result<Emulated> {
    let conversation = inputs.request.conversation;
    let RenderedText { text, written, .. } = inputs.template().render(inputs.request)?;
    let mut spans: Vec<Range<usize>> = Vec::new();
    for turn in 0..conversation.messages.len() {
        if Role::of(conversation.role(turn)) != Role::Assistant {
            continue;
        }
        let header = if turn == 0 { String::new() } else { inputs.prefix(turn, true)? };
        let through = inputs.prefix(turn + 1, false)?;
        if !text.starts_with(&header) || !text.starts_with(&through) || header.len() > through.len() {
            let text = "`emulate: open-instruct` works only if the text of a row starts with the text of its first \
                        messages, but this template rewrites earlier turns or prints a header that is not its \
                        generation prompt; remove this row or use another template";
            return Err(Error::new(ErrorKind::PrefixMismatch, text).at_message(turn));
        }
        spans.push(header.len()..through.len());
    }
    inputs.label_spans(&text, spans, tokens, labels)?;
    Ok(Emulated { text, written })
}
