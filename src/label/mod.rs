//! Labels: which tokens of a rendered conversation are trained, and with what weight.
//!
//! ```text
//! Labels, the policy ── select ──► spans of the text ── assign ──► one label per token
//! ```
//!
//! | to change | look in |
//! |---|---|
//! | the fields of a policy | `policy`, `spec` |
//! | the effect of fields of a message | `flags`, `detail`, `ranges` |
//! | the parts of a text that are trained | `select` |
//! | the label of a token across an edge | `assign` |

mod assign;
mod detail;
mod flags;
pub(crate) mod json_fields;
mod policy;
mod ranges;
mod select;
mod spec;

pub use assign::{MASKED, assign};
pub use policy::{Boundary, Labels, Roles, Stop, Turns, Unproved};
pub(crate) use ranges::read_ranges;
pub use select::{Span, TrainedSpans, edges};
pub use spec::LabelsSpec;
