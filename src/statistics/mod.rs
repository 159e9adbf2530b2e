//! Statistics: what is counted of rows while they are encoded, and of samples when they are written.
//!
//! | type | counts |
//! |---|---|
//! | [`RowStatistics`] | rows: messages, roles, regions, turns, stop tokens, and sequences before they are cut |
//! | [`SampleStatistics`] | written samples: lengths, trained shares, first and last trained tokens, duplicates |
//!
//! A [`RowFigures`] collects the figures of one row. It is added to the statistics when the row has become samples, so
//! rows that fail leave no trace but the length of a sequence that was too long.

mod grid;
mod id_map;
mod outline;
mod role_names;
mod row_figures;
mod row_statistics;
mod sample_statistics;
mod sequence_figures;
mod trained_runs;

pub use grid::{LIMITS, limit_cells};
pub(crate) use row_figures::RowFigures;
pub(crate) use row_statistics::ChunkStatistics;
pub use row_statistics::{Extreme, Marked, RegionTokens, RowMark, RowStatistics, StopCounts, TurnTokens};
pub use sample_statistics::{SampleStatistics, SampleTotals};
pub(crate) use sequence_figures::WholeSequence;
