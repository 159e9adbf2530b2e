//! Rows: the five kinds of rows, and how the fields of a row become one of them.
//!
//! ```text
//! fields of a row ── RowReader, by a Format or as plain messages ──► Row::{Chat, Segments, Answers, Tokens, Text}
//! ```

mod content;
mod conversation;
mod format;
mod kinds;
mod reader;
mod role;
mod sharegpt;
mod variables;

pub(crate) use content::{has_empty_answer, has_reasoning, is_empty_message, unusual_values};
pub(crate) use conversation::REASONING_FIELDS;
pub use conversation::{Conversation, MESSAGE_FIELDS};
pub use format::{AnswersSpec, FieldValues, Format};
pub use kinds::{AnswersRow, PromptAnswers, Row, RowKind, SegmentsRow, TextRow, TokensRow};
pub use reader::RowReader;
pub use role::Role;
pub use variables::TemplateVariables;
