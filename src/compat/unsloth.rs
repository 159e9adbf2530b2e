//! The `train_on_responses_only` of unsloth: everything from the end of an assistant header to the start of the next
//! user header.
//!
//! This includes the assistant headers and tool results in between. unsloth searches for the tokens of the two headers.
//! It misses a header whose last token merges with the line break at the start of an answer. chatmill takes the headers
//! from the regions, so such rows keep their labels.

use std::ops::Range;

use super::inputs::{Emulated, Inputs};
use crate::attribution::{Ambiguity, RegionKind};
use crate::error::{Error, Result};
use crate::rows::Role;
use crate::tokenizer::Tokens;

pub(super) fn label(
    inputs: &Inputs<'_, '_>,
    last_response_only: bool,
    tokens: &mut Tokens,
    labels: &mut Vec<i32>,
) -> Result<Emulated> {
    let conversation = inputs.request.conversation;
    let (text, attributed) = inputs.attributor.regions(inputs.request)?;
    let attributed = attributed?;
    let unproved = |(message, it): &(usize, Ambiguity)| Some((*message, *it, it.error_kind()?));
    if let Some((message, ambiguity, kind)) = attributed.ambiguities.iter().find_map(unproved) {
        let text = format!(
            "`emulate: unsloth` cannot find the header of this turn ({}): {}; remove this row or use another template",
            ambiguity.code(),
            ambiguity.explanation()
        );
        return Err(Error::new(kind, text).at_message(message));
    }
    let mut spans: Vec<Range<usize>> = Vec::new();
    let mut open: Option<usize> = None;
    let mut before = None;
    for region in attributed.regions.as_slice() {
        let Some(message) = region.message else { continue };
        let starts = before != Some(message);
        before = Some(message);
        match Role::of(conversation.role(message)) {
            Role::Assistant if open.is_none() => {
                open = Some(if region.kind == RegionKind::Header { region.end } else { region.start });
            }
            Role::User if starts => spans.extend(open.take().map(|start| start..region.start)),
            _ => {}
        }
    }
    spans.extend(open.map(|start| start..text.len()));
    let first = if last_response_only { spans.len().saturating_sub(1) } else { 0 };
    let spans = spans.split_off(first);
    inputs.label_spans(&text, spans, tokens, labels)?;
    Ok(Emulated { text, written: attributed.written })
}
