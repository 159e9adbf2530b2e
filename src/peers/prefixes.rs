//! Tools that render the conversation up to a turn, and train what follows.

use std::ops::Range;

use super::Tools;
use crate::attribution::Speaker;
use crate::conversation::Conversation;
use crate::error::{Error, Kind, Result};
use crate::label::MASKED;
use crate::template::Request;
use crate::tokenizer::Tokens;

impl Tools<'_, '_> {
    /// The text of the first messages.
    fn prefix(&self, messages: usize, add_generation_prompt: bool) -> Result<String> {
        let whole = self.request.conversation;
        let messages = whole.messages[..messages].to_vec();
        let conversation = Conversation { messages, ..whole.clone() };
        self.template.text(Request { conversation: &conversation, add_generation_prompt, ..self.request })
    }
}

/// open-instruct: of each assistant turn what lies between the prompt for it and the text through it. Both must begin
/// the whole text. Where one does not, open-instruct counts tokens and masks the row if that fails too; here the row is
/// refused at once.
pub(super) fn open_instruct(tools: &Tools<'_, '_>, tokens: &mut Tokens, labels: &mut Vec<i32>) -> Result<String> {
    let conversation = tools.request.conversation;
    let text = tools.template.text(tools.request)?;
    let mut spans: Vec<Range<usize>> = Vec::new();
    for turn in 0..conversation.messages.len() {
        if Speaker::of(conversation.role(turn)) != Speaker::Assistant {
            continue;
        }
        let header = if turn == 0 { String::new() } else { tools.prefix(turn, true)? };
        let through = tools.prefix(turn + 1, false)?;
        if !text.starts_with(&header) || !text.starts_with(&through) || header.len() > through.len() {
            let why = "open-instruct's prefixes do not begin the text of the conversation, since the template rewrites \
                       history or prints another header than its prompt";
            return Err(Error::new(Kind::Unproved("prefix_mismatch"), why).at_message(turn));
        }
        spans.push(header.len()..through.len());
    }
    tools.by_spans(&text, spans, tokens, labels)?;
    Ok(text)
}

/// TRL's prompt and completion: every token after those that the prompt of the last turn begins with too.
pub(super) fn completion(tools: &Tools<'_, '_>, tokens: &mut Tokens, labels: &mut Vec<i32>) -> Result<String> {
    let last = tools.request.conversation.messages.len().saturating_sub(1);
    let text = tools.template.text(tools.request)?;
    tools.tokenizer.tokens(&text, &[], tokens)?;
    let mut prompt = Vec::new();
    if last > 0 {
        tools.tokenizer.ids(&tools.prefix(last, true)?, &mut prompt)?;
    }
    let shared = prompt.iter().zip(&tokens.ids).take_while(|(left, right)| left == right).count();
    labels.resize(shared, MASKED);
    labels.extend(tokens.ids[shared..].iter().map(|&id| i32::try_from(id).unwrap_or(MASKED)));
    Ok(text)
}
