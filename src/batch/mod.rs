//! Batches: rows in threads, in order, as Arrow columns.

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
