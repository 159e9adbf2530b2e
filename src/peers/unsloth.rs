//! unsloth's `train_on_responses_only`: all from the end of an assistant header to the start of the next user's.
//!
//! Headers of assistants and what tools answer lie in between, and are trained with it. unsloth looks for the tokens of
//! the two headers, and misses one whose last token merges with an answer that begins with a line break; here the
//! headers are those of the regions, and such rows keep their labels.

use std::ops::Range;

use super::Tools;
use crate::attribution::Speaker;
use crate::error::{Error, Kind, Result};
use crate::region::RegionKind;
use crate::tokenizer::Tokens;

pub(super) fn label(
    tools: &Tools<'_, '_>,
    last_response_only: bool,
    tokens: &mut Tokens,
    labels: &mut Vec<i32>,
) -> Result<String> {
    let conversation = tools.request.conversation;
    let (text, attributed) = tools.template.regions(tools.request)?;
    let attributed = attributed?;
    if let Some((message, doubt)) = attributed.doubts.iter().find(|(_, doubt)| !doubt.is_no_turn()) {
        let text =
            format!("the headers that unsloth looks for are not found ({}): {}", doubt.code(), doubt.explanation());
        return Err(Error::new(Kind::Unproved(doubt.code()), text).at_message(*message));
    }
    let mut spans: Vec<Range<usize>> = Vec::new();
    let mut open: Option<usize> = None;
    let mut before = None;
    for region in attributed.regions.as_slice() {
        let Some(message) = region.message else { continue };
        let begins = before != Some(message);
        before = Some(message);
        match Speaker::of(conversation.role(message)) {
            Speaker::Assistant if open.is_none() => {
                open = Some(if region.kind == RegionKind::Header { region.end } else { region.start });
            }
            Speaker::User if begins => spans.extend(open.take().map(|start| start..region.start)),
            _ => {}
        }
    }
    spans.extend(open.map(|start| start..text.len()));
    let first = if last_response_only { spans.len().saturating_sub(1) } else { 0 };
    let spans = spans.split_off(first);
    tools.by_spans(&text, spans, tokens, labels)?;
    Ok(text)
}
