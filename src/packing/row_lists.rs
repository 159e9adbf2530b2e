//! `RowLists`: the rows of Arrow batches.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ListArray, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer, OffsetBuffer};
use arrow_schema::DataType;

use super::plan::{PackPlan, Slice};
use super::rows::{PackedColumn, PackedRows};
use crate::error::{Error, ErrorKind, Result};

/// The columns of numbers that tell about whole rows. They have no place in a pack.
const OF_ROWS: [&str; 2] = ["length", "row"];

/// The rows of batches with the same columns.
#[derive(Debug)]
pub struct RowLists {
    columns: Vec<PackedColumn>,
    /// The lists of each column and batch.
    lists: Vec<Vec<ColumnLists>>,
    /// The number of rows before each batch, and of all rows.
    starts: Vec<usize>,
}

/// The lists of a column, and the bytes of their values.
#[derive(Debug)]
struct ColumnLists {
    offsets: OffsetBuffer<i32>,
    values: Buffer,
}

impl RowLists {
    /// The rows of batches.
    ///
    /// # Errors
    ///
    /// Fails if a column is no list of numbers, or has nulls, or if rows have other lengths than in the plan.
    pub fn new(batches: &[RecordBatch], plan: &PackPlan) -> Result<RowLists> {
        let wrong = |text: String| Err(Error::new(ErrorKind::Batch, text));
        let mut starts = vec![0];
        for batch in batches {
            starts.push(starts[starts.len() - 1] + batch.num_rows());
        }
        let (rows, planned) = (starts[starts.len() - 1], plan.report().rows);
        if rows as u64 != planned {
            return wrong(format!(
                "there are {rows} rows, but the plan was made for {planned}; make a plan of their lengths"
            ));
        }
        let schema = batches.first().map(RecordBatch::schema);
        let fields = schema.iter().flat_map(|schema| schema.fields());
        let (mut columns, mut all) = (Vec::new(), Vec::new());
        for field in fields.filter(|field| !OF_ROWS.contains(&field.name().as_str())) {
            let column = match field.data_type() {
                DataType::List(item) => PackedColumn::of(field.name(), item.data_type()),
                _ => None,
            };
            let Some(column) = column else {
                return wrong(format!(
                    "the column {} has the type {}, so it cannot be packed; leave it out (packs hold lists of int8, \
                     int32, int64 or float32; `input_ids` and `labels` are int32 or int64)",
                    field.name(),
                    field.data_type()
                ));
            };
            let mut lists = Vec::with_capacity(batches.len());
            for (batch, first) in batches.iter().zip(&starts) {
                let found = batch.column_by_name(field.name()).map(|column| column.as_list::<i32>());
                lists.push(checked(field.name(), found, *first, plan.lengths())?);
            }
            columns.push(column);
            all.push(lists);
        }
        if !columns.iter().any(|column| column.name == "input_ids") {
            return wrong("there is no column input_ids; give rows with token ids".to_owned());
        }
        Ok(RowLists { columns, lists: all, starts })
    }
}

impl PackedRows for RowLists {
    fn columns(&self) -> &[PackedColumn] {
        &self.columns
    }

    fn append(&self, column: usize, slice: Slice, out: &mut MutableBuffer) -> Result<()> {
        let row = slice.row as usize;
        let batch = self.starts.partition_point(|&start| start <= row) - 1;
        let lists = &self.lists[column][batch];
        let first = lists.offsets[row - self.starts[batch]] as usize + slice.start as usize;
        let width = self.columns[column].width;
        out.extend_from_slice(&lists.values[first * width..(first + slice.len() as usize) * width]);
        Ok(())
    }
}

/// The lists of a column, which must have the lengths of the plan. `first` is the number of the first row.
fn checked(name: &str, lists: Option<&ListArray>, first: usize, lengths: &[u32]) -> Result<ColumnLists> {
    let wrong = |text: String| Err(Error::new(ErrorKind::Batch, text));
    let Some(lists) = lists.filter(|lists| lists.null_count() == 0 && lists.values().null_count() == 0) else {
        return wrong(format!("the column {name} has nulls; remove these rows first"));
    };
    let found = lists.offsets().lengths();
    match found.zip(&lengths[first..]).enumerate().find(|(_, (found, length))| *found != **length as usize) {
        Some((at, (found, length))) => wrong(format!(
            "row {} has {found} values in the column {name}, but {length} in the plan; make a plan of the lengths of \
             these rows",
            first + at
        )),
        // An array of numbers has one buffer, which begins with its first value.
        None => {
            Ok(ColumnLists { offsets: lists.offsets().clone(), values: lists.values().to_data().buffers()[0].clone() })
        }
    }
}
