//! The rendered texts of all rows, as a column.

use std::sync::Arc;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use chrono::NaiveDateTime;

use super::interrupt::{InterruptPoll, stopped};
use super::pipeline::without_panic;
use super::table::BatchList;
use crate::data::RowLayout;
use crate::error::{Error, ErrorKind, Result};
use crate::rows::{Conversation, RowReader, TemplateVariables};
use crate::template::{ChatTemplate, Request};

/// How the rows of a batch are rendered.
#[derive(Debug, Default)]
pub struct BatchRequest {
    /// Template variables for every row. The variables of a row replace those of the same names.
    pub variables: TemplateVariables<'static>,
    /// Whether the texts end with the generation prompt.
    pub add_generation_prompt: bool,
    /// The time that `strftime_now` prints; None for the clock.
    pub now: Option<NaiveDateTime>,
}

/// Batches with one column `text`, the text of each row of `input`, in order.
///
/// # Errors
///
/// Fails at the first row that cannot be rendered, or if the input cannot be read.
pub fn render_batches(
    template: &ChatTemplate,
    input: &mut dyn Iterator<Item = Result<RecordBatch>>,
    layout: RowLayout<'_>,
    request: &BatchRequest,
    interrupted: &mut (dyn FnMut() -> bool + Send),
) -> Result<BatchList> {
    let (mut output, mut first_row) = (BatchList::default(), 0);
    for batch in input {
        let batch = batch?;
        output.push(render_batch(template, &batch, first_row, layout, request, interrupted)?);
        first_row += batch.num_rows();
    }
    Ok(output)
}

fn render_batch(
    template: &ChatTemplate,
    batch: &RecordBatch,
    first_row: usize,
    layout: RowLayout<'_>,
    request: &BatchRequest,
    interrupted: &mut (dyn FnMut() -> bool + Send),
) -> Result<RecordBatch> {
    let rows = RowReader::default().table(batch, layout)?;
    let mut texts = LargeStringBuilder::with_capacity(rows.len(), rows.len() * 1024);
    let mut poll = InterruptPoll::new(interrupted);
    for row in 0..rows.len() {
        let text = without_panic(|| {
            let conversation = Conversation::from_fields(rows.fields(row)?)?;
            let BatchRequest { variables, add_generation_prompt, now } = request;
            let request = Request::of(&conversation, variables);
            template.text(Request { add_generation_prompt: *add_generation_prompt, now: *now, ..request })
        });
        texts.append_value(text.map_err(|error| error.at_row(first_row + row))?);
        if poll.is_interrupted() {
            return Err(stopped());
        }
    }
    let column: ArrayRef = Arc::new(texts.finish());
    RecordBatch::try_from_iter([("text", column)])
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the texts are not a valid column: {error}")))
}
