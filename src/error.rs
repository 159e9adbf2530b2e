//! One error type for the whole core.
//!
//! Inner layers say *what* went wrong; each outer layer adds *where*: the template adds its line, the render adds the
//! message, the pipeline adds the row.

use std::fmt;

/// What kind of thing went wrong. [`Kind::code`] is stable and ends up in reject files and summaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The bytes are not JSON.
    InvalidJson,
    /// The bytes are not UTF-8.
    InvalidUtf8,
    /// A row or a batch lacks the messages.
    MissingMessages,
    /// A value has a type that cannot be read in its place.
    WrongType,
    /// A row or a message lacks a field that it must have, or it is null.
    MissingField,
    /// A field without text, where text is wanted.
    EmptyField,
    /// Two answers of which none is better, since they are equal.
    EqualAnswers,
    /// A conversation without a single message.
    EmptyConversation,
    /// A speaker's name that has no role.
    UnknownRole,
    /// A batch whose columns cannot be read.
    Batch,
    /// A setting that is not valid.
    Option,
    /// A chat template that does not compile.
    TemplateSyntax,
    /// The template itself refused the conversation with `raise_exception`.
    TemplateRaised,
    /// The template failed on the conversation.
    TemplateFailed,
    /// No named template or no such template.
    TemplateMissing,
    /// A tokenizer that does not load.
    TokenizerLoad,
    /// A text that the tokenizer cannot encode.
    TokenizerFailed,
    /// Labels that could not be proved right, with the reason's stable word.
    Unproved(&'static str),
    /// A row whose tokens all are masked, with the reason's stable word.
    AllMasked(&'static str),
    /// A row with more tokens than are wanted.
    TooLong,
    /// Text of a user that reads as a control token.
    ControlToken,
    /// The work was stopped from outside.
    Interrupted,
    /// A defect of chatmill.
    Internal,
}

impl Kind {
    /// The stable word for this kind, as it appears in reject files.
    pub fn code(self) -> &'static str {
        match self {
            Kind::InvalidJson => "invalid_json",
            Kind::InvalidUtf8 => "invalid_utf8",
            Kind::MissingMessages => "missing_messages",
            Kind::WrongType => "wrong_type",
            Kind::MissingField => "missing_field",
            Kind::EmptyField => "empty_field",
            Kind::EqualAnswers => "equal_answers",
            Kind::EmptyConversation => "empty_conversation",
            Kind::UnknownRole => "unknown_role",
            Kind::Batch => "batch",
            Kind::Option => "option",
            Kind::TemplateSyntax => "template_syntax",
            Kind::TemplateRaised => "template_raised",
            Kind::TemplateFailed => "template_failed",
            Kind::TemplateMissing => "template_missing",
            Kind::TokenizerLoad => "tokenizer_load",
            Kind::TokenizerFailed => "tokenizer_failed",
            Kind::Unproved(reason) | Kind::AllMasked(reason) => reason,
            Kind::TooLong => "too_long",
            Kind::ControlToken => "control_token",
            Kind::Interrupted => "interrupted",
            Kind::Internal => "internal",
        }
    }
}

/// An error of the core, with as much of its place as is known so far.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// What kind of error.
    pub kind: Kind,
    /// What went wrong and what to do about it.
    pub text: String,
    /// Index of the row in its batch, from 0.
    pub row: Option<usize>,
    /// Index of the message in its conversation, from 0.
    pub message: Option<usize>,
    /// Line of the chat template, from 1.
    pub template_line: Option<usize>,
}

/// Result of the core.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A new error without a place.
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Error { kind, text: text.into(), row: None, message: None, template_line: None }
    }

    /// Adds the row, unless an inner layer knew it.
    pub fn at_row(mut self, row: usize) -> Self {
        self.row.get_or_insert(row);
        self
    }

    /// Adds the message, unless an inner layer knew it.
    pub fn at_message(mut self, message: usize) -> Self {
        self.message.get_or_insert(message);
        self
    }

    /// Adds the template line, unless an inner layer knew it.
    pub fn at_template_line(mut self, line: usize) -> Self {
        self.template_line.get_or_insert(line);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = [("row", self.row), ("message", self.message), ("template line", self.template_line)];
        let mut separator = "";
        for (name, index) in places {
            if let Some(index) = index {
                write!(f, "{separator}{name} {index}")?;
                separator = ", ";
            }
        }
        if separator.is_empty() { f.write_str(&self.text) } else { write!(f, ": {}", self.text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_layers_add_the_place_and_inner_ones_win() {
        let error = Error::new(Kind::TemplateRaised, "roles must alternate").at_template_line(4).at_message(2);
        assert_eq!(error.clone().at_row(7).to_string(), "row 7, message 2, template line 4: roles must alternate");
        assert_eq!(error.at_message(9).message, Some(2));
        assert_eq!(Error::new(Kind::Option, "x").to_string(), "x");
    }
}
