//! Packing: which rows share a sequence of a fixed length.
//!
//! ```text
//!  lengths ─▶ Pieces ─▶ bins of pieces ─▶ PackPlan
//!            pieces    best_fit, first_fit,  plan
//!                      next_fit, knapsack
//!
//!
//!  PackPlan + PackedRows ─▶ PackLayout ─▶ Arrow lists of packs
//!             row_lists,    layout        packed, marks
//!             stored_rows
//! ```
//!
//! A plan says for each pack which tokens of which rows it has. It depends on the lengths, the options and the seed
//! alone, and no token is needed to make it.

mod best_fit;
mod bins;
mod first_fit;
mod keys;
mod knapsack;
mod layout;
mod marks;
mod next_fit;
mod number_file;
mod options;
mod packed;
#[cfg(test)]
mod packed_tests;
mod pieces;
mod plan;
mod report;
mod row_lists;
mod rows;
mod spaces;
mod stored_rows;
mod strategy;
#[cfg(test)]
mod tests;

pub use layout::pack_lengths;
pub use marks::Mark;
pub use options::{PackOptions, Remainder, Strategy};
pub use packed::{PackPadding, pack_rows, trained_tokens};
pub use plan::{PackPlan, Slice};
pub use report::PackReport;
pub use row_lists::RowLists;
pub use rows::{PackedColumn, PackedRows};
pub use stored_rows::{RowStore, StoredRows};
