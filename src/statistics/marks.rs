//! `RowMark`: something about a row that may need attention, and `Marked`: the rows that have it.

use serde::{Deserialize, Serialize};

/// Something about a row that may need attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowMark {
    /// A message of another role than the assistant's has no text.
    EmptyMessage,
    /// Two messages in a row are from the user, or from the assistant.
    RepeatedRole,
    /// The last message is not the assistant's.
    Unanswered,
    /// A system message is not the first message.
    LateSystem,
    /// No sample of the row has a trained token.
    Untrained,
    /// A turn of the assistant has no trained token.
    UntrainedTurn,
    /// The stop token of a trained turn is not trained.
    StopMasked,
    /// The stop token of a trained turn was cut off.
    StopCut,
    /// A trained turn has no stop token.
    StopMissing,
    /// Reasoning is not in the text.
    ReasoningDropped,
    /// The text of a message is not in the text of the row.
    ContentDropped,
    /// The text of a message has a control token, which is encoded as one.
    ControlToken,
}

impl RowMark {
    /// Those that only regions tell.
    pub(super) const OF_REGIONS: [RowMark; 7] = [
        RowMark::UntrainedTurn,
        RowMark::StopMasked,
        RowMark::StopCut,
        RowMark::StopMissing,
        RowMark::ReasoningDropped,
        RowMark::ContentDropped,
        RowMark::ControlToken,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            RowMark::EmptyMessage => "empty_message",
            RowMark::RepeatedRole => "repeated_role",
            RowMark::Unanswered => "unanswered",
            RowMark::LateSystem => "late_system",
            RowMark::Untrained => "untrained",
            RowMark::UntrainedTurn => "untrained_turn",
            RowMark::StopMasked => "stop_masked",
            RowMark::StopCut => "stop_cut",
            RowMark::StopMissing => "stop_missing",
            RowMark::ReasoningDropped => "reasoning_dropped",
            RowMark::ContentDropped => "content_dropped",
            RowMark::ControlToken => "control_token",
        }
    }
}

/// The rows with a mark or a note.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// Number of rows.
    pub rows: u64,
    /// The first of them.
    pub first: u64,
}
