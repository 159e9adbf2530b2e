//! `Ambiguity`: the reasons why the borders of a turn are uncertain.

use crate::error::ErrorKind;

/// Why the regions of a turn are not proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ambiguity {
    /// The text before the first value of the turn is not a generation prompt.
    HeaderMismatch,
    /// The template printed none of the values of the turn.
    ValueDropped,
    /// The template printed the turn under a user header.
    OtherRole,
    /// The text of the turn is mixed with that of another message.
    Merged,
    /// The turn has no words and text follows its stop token, so its end is unknown.
    Unanchored,
}

impl Ambiguity {
    /// The kind of error of a row with this ambiguity in a trained turn. None if the text has no assistant turn for the
    /// message: then there is nothing to train, and the rest of the row is not affected.
    pub fn error_kind(self) -> Option<ErrorKind> {
        match self {
            Ambiguity::HeaderMismatch => Some(ErrorKind::HeaderMismatch),
            Ambiguity::Merged => Some(ErrorKind::Merged),
            Ambiguity::Unanchored => Some(ErrorKind::Unanchored),
            Ambiguity::ValueDropped | Ambiguity::OtherRole => None,
        }
    }

    /// The stable code for reject files and summaries.
    pub fn code(self) -> &'static str {
        match self {
            Ambiguity::HeaderMismatch => ErrorKind::HeaderMismatch.code(),
            Ambiguity::Merged => ErrorKind::Merged.code(),
            Ambiguity::Unanchored => ErrorKind::Unanchored.code(),
            Ambiguity::ValueDropped => "value_dropped",
            Ambiguity::OtherRole => "other_role",
        }
    }

    /// Whether the text has no assistant turn for this message.
    pub fn is_no_turn(self) -> bool {
        self.error_kind().is_none()
    }

    /// The meaning, for error messages.
    pub fn explanation(self) -> &'static str {
        match self {
            Ambiguity::HeaderMismatch => "the text before the answer is not the generation prompt",
            Ambiguity::ValueDropped => "the template does not print this message",
            Ambiguity::OtherRole => "the template prints this message under a user header",
            Ambiguity::Merged => "the template mixes this message with another one",
            Ambiguity::Unanchored => "the message has no words, so the end of its turn cannot be found",
        }
    }
}
