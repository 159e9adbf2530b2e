//! `AnswerTexts`: builds the prompt and the answers of a row from its fields.

use super::answers::{AnswersSpec, empty_answer};
use super::builder::MessageBuilder;
use super::fields::FieldValues;
use super::mapping::message_node;
use super::text::FormatText;
use crate::data::{Fields, Node};
use crate::error::Result;
use crate::rows::{Conversation, PromptAnswers};

/// The texts of a format that build the prompt and the answers of a row from its fields.
#[derive(Debug)]
pub(super) struct AnswerTexts {
    pub(super) prompt: PromptText,
    pub(super) answers: Vec<FormatText>,
}

/// How to build the prompt of a row.
#[derive(Debug)]
pub(super) enum PromptText {
    /// A text, and the string that ends each answer.
    Text(Box<FormatText>, String),
    /// Messages for the chat template.
    Messages(MessageBuilder),
}

impl AnswersSpec {
    /// The prompt and the answers that `texts` build.
    pub(super) fn build<'a>(
        &self,
        texts: &AnswerTexts,
        fields: &FieldValues<'a>,
        row: &Fields<'a>,
    ) -> Result<PromptAnswers<'a>> {
        let mut answers = Vec::with_capacity(texts.answers.len());
        for (name, answer) in self.columns.iter().zip(&texts.answers) {
            let text = answer.render(fields, None)?;
            if text.trim().is_empty() {
                return Err(empty_answer(name));
            }
            answers.push(text);
        }
        self.check_differ(&answers)?;
        match &texts.prompt {
            PromptText::Text(prompt, stop) => {
                answers.iter_mut().for_each(|answer| answer.push_str(stop));
                Ok(PromptAnswers::Texts { prompt: prompt.render(fields, None)?, answers })
            }
            PromptText::Messages(builder) => {
                let prompt = builder.messages(fields)?;
                let conversation = |messages| self.mapping.with_context(Conversation::new(Node::List(messages))?, row);
                let answer = |text: String| {
                    conversation(prompt.iter().cloned().chain([message_node("assistant", text)]).collect())
                };
                let answers = answers.into_iter().map(answer).collect::<Result<_>>()?;
                let prompt = if self.whole { None } else { Some(conversation(prompt)?) };
                Ok(PromptAnswers::Chats { prompt, answers })
            }
        }
    }
}
