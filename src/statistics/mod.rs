//! Statistics: what is counted of rows while they are encoded, and of samples when they are written.
//!
//! | type | counts |
//! |---|---|
//! | [`RowStatistics`] | rows: messages, roles, regions, turns, stop tokens, and sequences before they are cut |
//! | [`SampleStatistics`] | written samples: lengths, trained shares, first and last trained tokens, duplicates |
//!
//! A [`RowFigures`] collects the figures of one row. It is added to the statistics when the row has become samples, so
//! rows that fail leave no trace but the length of a sequence that was too long.

mod chunk_statistics;
mod grid;
mod id_map;
mod marks;
mod outline;
mod role_names;
mod row_figures;
mod row_statistics;
mod sample_statistics;
mod sequence_figures;
mod sums;
mod trained_runs;

pub(crate) use chunk_statistics::ChunkStatistics;
pub use grid::{LIMITS, limit_cells};
pub use marks::{Marked, RowMark};
pub(crate) use row_figures::RowFigures;
pub use row_statistics::RowStatistics;
pub use sample_statistics::{SampleStatistics, SampleTotals};
pub(crate) use sequence_figures::WholeSequence;
pub use sums::{Extreme, RegionTokens, StopCounts, TurnTokens};
