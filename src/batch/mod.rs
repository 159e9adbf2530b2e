//! Batches: encodes rows in threads and in order, and writes the samples as Arrow columns.

mod answer_columns;
mod chunk;
mod columns;
mod counts;
mod interrupt;
mod keep;
mod mill;
mod pipeline;
mod render;
mod table;
mod workers;

pub use counts::BatchCounts;
pub use mill::{Mill, TokenBatch, TokenBatches};
pub use render::{BatchRequest, render_batches};
pub use table::BatchList;
