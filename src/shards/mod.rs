//! Shards: samples as Parquet files.
//!
//! ```text
//!  Arrow batches ─▶ row group ─▶ column chunks ─▶ bytes of the file
//!                   encoder      column           encoder
//!                                dictionary, levels, runs
//! ```
//!
//! The crate `parquet` makes the file, and all columns that are no token columns. Token columns have an encoder of their
//! own: it finds the place of an id in the dictionary by the id, not by a hash, and its levels cost a few steps a row,
//! not a few a token. `docs/performance.md` has the figures.

mod column;
mod compressor;
mod dictionary;
mod encoder;
mod levels;
mod runs;
#[cfg(test)]
mod tests;

pub use compressor::Compression;
pub use encoder::ParquetEncoder;

use crate::error::{Error, ErrorKind};

/// The error for rows that the crates for Parquet refuse.
fn unwritten(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("the rows cannot be written as Parquet: {error}"))
}
