//! The texts of a whole batch, as a column.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::builder::LargeStringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use chrono::NaiveDateTime;

use super::{ChatTemplate, Request};
use crate::conversation::{Fields, Layout, Rows};
use crate::error::{Error, Kind, Result};

/// How the rows of a batch are rendered.
#[derive(Debug, Default)]
pub struct BatchRequest {
    /// Variables for every row; those of a row win.
    pub variables: Fields<'static>,
    /// Whether the texts shall end in the prompt for the next assistant turn.
    pub add_generation_prompt: bool,
    /// What `strftime_now` takes for the time; None for the clock's.
    pub now: Option<NaiveDateTime>,
}

/// How often the rendering thread asks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(50);

impl ChatTemplate {
    /// One column `text` with the text of each row of `batch`, in their order. The first row that fails ends it.
    pub fn texts(
        &self,
        batch: &RecordBatch,
        layout: Layout<'_>,
        request: &BatchRequest,
        interrupted: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<RecordBatch> {
        let rows = Rows::new(batch, layout)?;
        let mut texts = LargeStringBuilder::with_capacity(rows.len(), rows.len() * 1024);
        let mut asked = Instant::now();
        for row in 0..rows.len() {
            let text = || -> Result<String> {
                let (conversation, _) = rows.conversation(row)?;
                self.text(Request {
                    conversation: &conversation,
                    variables: &request.variables,
                    add_generation_prompt: request.add_generation_prompt,
                    now: request.now,
                })
            };
            texts.append_value(text().map_err(|error| error.at_row(row))?);
            if asked.elapsed() >= PATIENCE {
                asked = Instant::now();
                if interrupted() {
                    return Err(Error::new(Kind::Interrupted, "stopped before the batch was done"));
                }
            }
        }
        let column: ArrayRef = Arc::new(texts.finish());
        RecordBatch::try_from_iter([("text", column)])
            .map_err(|error| Error::new(Kind::Internal, format!("the texts make no column: {error}")))
    }
}
