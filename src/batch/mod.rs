//! Batches: encodes rows in threads and in order, and writes the samples as Arrow columns.

mod answer_columns;
mod chunk;
mod columns;
mod mill;
mod pipeline;
mod render;
mod table;
mod workers;

pub use mill::{Mill, TokenBatch, TokenBatches};
pub use render::{BatchRequest, render_batches};
pub use table::BatchList;
