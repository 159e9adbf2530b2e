//! Batches: encodes rows in threads and in order, and writes the samples as Arrow columns.

mod answer_columns;
mod chunk;
mod columns;
mod counts;
mod interrupt;
mod keep;
mod label_mask;
mod mill;
mod pipeline;
mod render;
mod single_rows;
mod table;
mod workers;

pub use chunk::Counting;
pub use counts::BatchCounts;
pub use label_mask::{with_label_mask, with_labels};
pub use mill::{Mill, TokenBatch, TokenBatches};
pub use render::{BatchRequest, render_batches};
pub use table::BatchList;
