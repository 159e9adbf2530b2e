//! `Error`: the error type of the whole core, with the kinds of errors and their stable codes.
//!
//! The code that finds an error describes it; outer layers add its place: the template line, the message, the row.

use std::any::Any;
use std::fmt;

use chatjinja::{RenderError, RenderErrorKind};

/// Declares [`ErrorKind`]: each kind with its stable code and its meaning. The Python package and the documents read
/// them from here.
macro_rules! error_kinds {
    ($($(#[$group:meta])* $kind:ident $code:literal $meaning:literal,)+) => {
        /// What kind of error it is. [`ErrorKind::code`] is stable; reject files and summaries contain it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $(#[doc = $meaning] $kind,)+
        }

        impl ErrorKind {
            /// All kinds.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$kind,)+];

            /// The stable code that reject files contain.
            pub fn code(self) -> &'static str {
                match self { $(ErrorKind::$kind => $code,)+ }
            }

            /// The meaning of the code, as one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(ErrorKind::$kind => $meaning,)+ }
            }
        }
    };
}

error_kinds! {
    InvalidJson "invalid_json" "A row or a value is not valid JSON.",
    InvalidUtf8 "invalid_utf8" "A row or a string is not valid UTF-8.",
    MissingMessages "missing_messages" "A row or a batch has no messages.",
    WrongType "wrong_type" "A value has the wrong type.",
    MissingField "missing_field" "A required field is missing or null.",
    EmptyField "empty_field" "A field or an answer has no text.",
    EqualAnswers "equal_answers" "The two answers of a row are equal, so neither is preferred.",
    EmptyConversation "empty_conversation" "A conversation has no messages.",
    UnknownRole "unknown_role" "The format does not allow the role of a message.",
    Batch "batch" "A batch has columns that cannot be read.",
    Option "option" "An option is not valid, or cannot be combined with another one.",
    TemplateSyntax "template_syntax" "A chat template does not compile.",
    TemplateRaised "template_raised" "The chat template refused the conversation with `raise_exception`.",
    TemplateFailed "template_failed" "The chat template failed on the conversation.",
    TemplateMissing "template_missing" "There is no chat template, or none of this name.",
    TokenizerLoad "tokenizer_load" "A tokenizer cannot be loaded.",
    TokenizerFailed "tokenizer_failed" "The tokenizer cannot encode a text.",
    HeaderMismatch "header_mismatch" "The labels are not verified: the header of a turn is not the generation prompt.",
    Merged "merged" "The labels are not verified: the text of a turn is mixed with that of another message.",
    Unanchored "unanchored" "The labels are not verified: a turn has no text that shows where it ends.",
    GenerationChanged "generation_changed" "The template changes text after a {% generation %} tag enclosed it.",
    PrefixMismatch "prefix_mismatch" "The text of the row does not start with the prefixes that open-instruct renders.",
    AnotherText "another_text" "An emulated tool renders another conversation, so the regions of the text are unknown.",
    TrainedPartCutOff "trained_part_cut_off" "All trained tokens of a row are beyond `max_length`.",
    TrainedTurnsLeftOut "trained_turns_left_out" "No token is trained: every turn is unverified or omitted by the template.",
    NothingToTrain "nothing_to_train" "No token of a row is trained.",
    TooLong "too_long" "A row has more tokens than `max_length`.",
    LineTooLong "line_too_long" "A row of a file is larger than `max_line_bytes`.",
    ControlToken "control_token" "A value of a row holds a control token.",
    Interrupted "interrupted" "The run was interrupted, for example by Ctrl-C.",
    Internal "internal" "A defect of chatmill.",
}

impl ErrorKind {
    /// Whether the labels of the row could not be verified.
    pub fn is_unproved(self) -> bool {
        matches!(
            self,
            ErrorKind::HeaderMismatch
                | ErrorKind::Merged
                | ErrorKind::Unanchored
                | ErrorKind::GenerationChanged
                | ErrorKind::PrefixMismatch
                | ErrorKind::AnotherText
        )
    }

    /// Whether the row has no trained token.
    pub fn is_all_masked(self) -> bool {
        matches!(self, ErrorKind::TrainedPartCutOff | ErrorKind::TrainedTurnsLeftOut | ErrorKind::NothingToTrain)
    }
}

/// An error of the core, with as much of its place as is known so far.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// What kind of error.
    pub kind: ErrorKind,
    /// What is wrong, and what to do about it.
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
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Error { kind, text: text.into(), row: None, message: None, template_line: None }
    }

    /// The error for a value of the wrong type, without a place.
    pub(crate) fn wrong_type(text: impl Into<String>) -> Self {
        Error::new(ErrorKind::WrongType, text)
    }

    /// The error for a panic, which is a defect of chatmill.
    pub fn from_panic(panic: &(dyn Any + Send)) -> Self {
        let what = Error::panic_text(panic);
        Error::new(ErrorKind::Internal, format!("a defect of chatmill ({what}); please report it with this row"))
    }

    /// The message of a panic.
    pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied());
        text.unwrap_or("panic")
    }

    /// The error for a failed render of the template `name`.
    pub(crate) fn from_render(error: &RenderError, name: &str) -> Self {
        if error.kind() == RenderErrorKind::Interrupted {
            return Error::new(ErrorKind::Interrupted, "stopped before the render was complete");
        }
        let raised = error.kind() == RenderErrorKind::Raised;
        let kind = if raised { ErrorKind::TemplateRaised } else { ErrorKind::TemplateFailed };
        let mut text = error.text().to_owned();
        if let (false, Some(expression)) = (raised, error.expression()) {
            text = format!("{text} (in `{expression}` of the template {name})");
        }
        Error { message: error.record(), template_line: error.line(), ..Error::new(kind, text) }
    }

    /// Adds the row, unless an inner layer added one.
    #[must_use]
    pub fn at_row(mut self, row: usize) -> Self {
        self.row.get_or_insert(row);
        self
    }

    /// Adds the message, unless an inner layer added one.
    #[must_use]
    pub fn at_message(mut self, message: usize) -> Self {
        self.message.get_or_insert(message);
        self
    }

    /// Adds the template line, unless an inner layer added one.
    #[must_use]
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
    fn outer_layers_add_the_place_and_inner_places_stay() {
        let error = Error::new(ErrorKind::TemplateRaised, "roles must alternate").at_template_line(4).at_message(2);
        assert_eq!(error.clone().at_row(7).to_string(), "row 7, message 2, template line 4: roles must alternate");
        assert_eq!(error.at_message(9).message, Some(2));
        assert_eq!(Error::new(ErrorKind::Option, "x").to_string(), "x");
    }

    #[test]
    fn a_panic_is_a_defect_of_chatmill() {
        let panic = std::panic::catch_unwind(|| panic!("index {} is out of range", 3)).expect_err("it panics");
        let error = Error::from_panic(panic.as_ref());
        assert_eq!(error.kind.code(), "internal");
        assert_eq!(error.text, "a defect of chatmill (index 3 is out of range); please report it with this row");
    }

    #[test]
    fn codes_differ_and_meanings_are_sentences() {
        let mut codes: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        assert!(ErrorKind::ALL.iter().all(|kind| kind.meaning().ends_with('.')));
    }
}
