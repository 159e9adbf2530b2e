//! `Row`: the kinds of rows that chatmill turns into samples, one type for each.

use std::borrow::Cow;

use super::{Conversation, FieldValues};
use crate::data::Node;

/// One row of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub enum Row<'a> {
    /// Messages for the chat template.
    Chat(Conversation<'a>),
    /// Input of a format's own text, which defines its segments and their mask.
    Segments(SegmentsRow<'a>),
    /// A prompt with one answer or two.
    Answers(AnswersRow<'a>),
    /// Token ids, labels and an attention mask.
    Tokens(TokensRow<'a>),
    /// Plain text for pretraining.
    Text(TextRow<'a>),
}

/// The kind of a [`Row`]. A mill reads rows of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// [`Row::Chat`]
    Chat,
    /// [`Row::Segments`]
    Segments,
    /// [`Row::Answers`]
    Answers,
    /// [`Row::Tokens`]
    Tokens,
    /// [`Row::Text`]
    Text,
}

impl RowKind {
    /// All kinds.
    pub const ALL: [RowKind; 5] = [RowKind::Chat, RowKind::Segments, RowKind::Answers, RowKind::Tokens, RowKind::Text];

    /// The name of the kind, such as `chat`.
    pub fn name(self) -> &'static str {
        match self {
            RowKind::Chat => "chat",
            RowKind::Segments => "segments",
            RowKind::Answers => "answers",
            RowKind::Tokens => "tokens",
            RowKind::Text => "text",
        }
    }
}

/// A row of a format with its own text.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentsRow<'a> {
    /// The fields that the text prints.
    pub fields: FieldValues<'a>,
    /// The messages that the text prints, if the format has messages.
    pub conversation: Option<Conversation<'a>>,
    /// Labels of a process reward model, one for each trained span of the text.
    pub step_labels: Option<Vec<i32>>,
}

/// A prompt with its answers.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswersRow<'a> {
    /// The prompt and the answers.
    pub content: PromptAnswers<'a>,
    /// Whether the answer is good, if rows have a label.
    pub label: Option<bool>,
}

/// A prompt and its answers, as texts or as conversations.
#[derive(Debug, Clone, PartialEq)]
pub enum PromptAnswers<'a> {
    /// Texts: each answer follows the prompt.
    Texts {
        /// The prompt.
        prompt: String,
        /// The answers.
        answers: Vec<String>,
    },
    /// Conversations.
    Chats {
        /// The messages of the prompt alone; None if the answers are whole conversations.
        prompt: Option<Conversation<'a>>,
        /// For each answer, the messages of the prompt and of the answer.
        answers: Vec<Conversation<'a>>,
    },
}

/// A row that is already tokenized. Ids and labels are not checked against a vocabulary yet.
#[derive(Debug, Clone, PartialEq)]
pub struct TokensRow<'a> {
    /// The token ids; not empty.
    pub input_ids: Vec<Node<'a>>,
    /// One label for each id; None to train all tokens.
    pub labels: Option<Vec<Node<'a>>>,
    /// One 0 or 1 for each id; a 0 marks padding.
    pub attention_mask: Option<Vec<Node<'a>>>,
}

/// A text without structure.
#[derive(Debug, Clone, PartialEq)]
pub struct TextRow<'a> {
    /// The text.
    pub text: Cow<'a, str>,
}
