//! `pack_rows`: the tokens of the rows of packs, one row after the other.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Int8Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, ListArray, PrimitiveArray, RecordBatch};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};

use super::layout::PackLayout;
use super::marks::Mark;
use super::options::PackOptions;
use super::plan::{PackPlan, Slice};
use crate::error::{Error, ErrorKind, Result};
use crate::label::MASKED;

/// The columns of numbers that tell about whole rows. They have no place in a pack.
const OF_ROWS: [&str; 2] = ["length", "row"];

/// Rows with lists of tokens, in the order in which a plan numbers them.
#[derive(Debug)]
pub struct RowLists {
    batches: Vec<RecordBatch>,
    /// The number of rows before each batch, and of all rows.
    starts: Vec<usize>,
    columns: Vec<String>,
}

/// Tokens that belong to no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PackPadding {
    /// Their id.
    pub id: Option<u32>,
    /// Whether packs are filled with them up to the length of a pack.
    pub to_max_length: bool,
}

impl RowLists {
    /// The rows of batches with the same columns.
    ///
    /// # Errors
    ///
    /// Fails if a column is no list of numbers, or has nulls, or if rows have other lengths than in the plan.
    pub fn new(batches: Vec<RecordBatch>, plan: &PackPlan) -> Result<RowLists> {
        let wrong = |text: String| Err(Error::new(ErrorKind::Batch, text));
        let mut starts = vec![0];
        for batch in &batches {
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
        let mut columns = Vec::new();
        for field in fields.filter(|field| !OF_ROWS.contains(&field.name().as_str())) {
            let name = field.name();
            if !matches!(field.data_type(), DataType::List(item) if is_packed(name, item.data_type())) {
                return wrong(format!(
                    "the column {name} has the type {}, so it cannot be packed; leave it out (packs hold lists of int8, \
                     int32, int64 or float32; `input_ids` and `labels` are int32 or int64)",
                    field.data_type()
                ));
            }
            for (batch, first) in batches.iter().zip(&starts) {
                let lists = batch.column_by_name(name).map(|column| column.as_list::<i32>());
                check_lists(name, lists, *first, plan.lengths())?;
            }
            columns.push(name.clone());
        }
        if !columns.iter().any(|name| name == "input_ids") {
            return wrong("there is no column input_ids; give rows with token ids".to_owned());
        }
        Ok(RowLists { batches, starts, columns })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the columns that are packed.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The batch of a row, and its index there.
    fn place(&self, row: u32) -> (usize, usize) {
        let batch = self.starts.partition_point(|&start| start <= row as usize) - 1;
        (batch, row as usize - self.starts[batch])
    }
}

/// Whether packs can hold lists of a column.
fn is_packed(name: &str, item: &DataType) -> bool {
    match name {
        "input_ids" | "labels" => matches!(item, DataType::Int32 | DataType::Int64),
        _ => matches!(item, DataType::Int8 | DataType::Int32 | DataType::Int64 | DataType::Float32),
    }
}

/// Checks that the lists of a column have the lengths of the plan. `first` is the number of the first row.
fn check_lists(name: &str, lists: Option<&ListArray>, first: usize, lengths: &[u32]) -> Result<()> {
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
        None => Ok(()),
    }
}

/// The packs of a range: all lists of the rows, and the columns that mark where each row is. The label of the first
/// token of each row is -100, since no token before it belongs to its row.
///
/// # Errors
///
/// Fails if there is no id for padding where some is needed, or if the packs have too many tokens for one batch.
pub fn pack_rows(
    plan: &PackPlan,
    rows: &RowLists,
    range: Range<usize>,
    marks: &[Mark],
    padding: PackPadding,
) -> Result<RecordBatch> {
    let packs: Vec<&[Slice]> = plan.packs().skip(range.start).take(range.len()).collect();
    let layout = PackLayout::of(&packs, plan.options(), padding)?;
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for name in &rows.columns {
        columns.push((name, packed(name, rows, &packs, plan.options(), &layout, padding)));
    }
    for mark in marks {
        let labels = columns.iter().find(|(name, _)| *name == "labels").map(|(_, column)| column.as_list::<i32>());
        columns.push((mark.column(), mark.of(&layout, labels)?));
    }
    RecordBatch::try_from_iter(columns)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the packs are no table: {error}")))
}

/// A column of packs.
fn packed(
    name: &str,
    rows: &RowLists,
    packs: &[&[Slice]],
    options: &PackOptions,
    layout: &PackLayout,
    padding: PackPadding,
) -> ArrayRef {
    let lists = rows.batches.iter().map(|batch| batch.column_by_name(name).map(|it| it.as_list::<i32>()));
    let lists: Vec<&ListArray> = lists.flatten().collect();
    let id = padding.id.unwrap_or(0);
    let (pad, first) = match name {
        "input_ids" => (i64::from(id), None),
        "labels" => (i64::from(MASKED), Some(i64::from(MASKED))),
        "weights" => (0, Some(0)),
        _ => (0, None),
    };
    let copy = Copy { lists, rows, packs, options, layout };
    match rows.batches[0].column_by_name(name).map(|column| column.as_list::<i32>().values().data_type()) {
        Some(DataType::Int8) => copy.column::<Int8Type>(pad as i8, first.map(|it| it as i8)),
        Some(DataType::Int32) => copy.column::<Int32Type>(pad as i32, first.map(|it| it as i32)),
        Some(DataType::Int64) => copy.column::<Int64Type>(pad, first),
        _ => copy.column::<Float32Type>(pad as f32, first.map(|it| it as f32)),
    }
}

/// The lists of a column, and where their values go.
struct Copy<'a> {
    lists: Vec<&'a ListArray>,
    rows: &'a RowLists,
    packs: &'a [&'a [Slice]],
    options: &'a PackOptions,
    layout: &'a PackLayout,
}

impl Copy<'_> {
    /// Copies the values. `pad` fills what belongs to no row, and `first` replaces the first value of each row.
    fn column<T: ArrowPrimitiveType>(&self, pad: T::Native, first: Option<T::Native>) -> ArrayRef {
        let mut values: Vec<T::Native> = Vec::with_capacity(self.layout.total());
        for (pack, end) in self.packs.iter().zip(self.layout.ends()) {
            for slice in *pack {
                let start = values.len();
                values.extend_from_slice(self.slice::<T>(*slice));
                if let Some(first) = first {
                    values[start] = first;
                }
                values.resize(start + self.options.width(slice.len()) as usize, pad);
            }
            values.resize(end, pad);
        }
        list_of(self.layout, Arc::new(PrimitiveArray::<T>::from_iter_values(values)))
    }

    fn slice<T: ArrowPrimitiveType>(&self, slice: Slice) -> &[T::Native] {
        let (batch, index) = self.rows.place(slice.row);
        let list = self.lists[batch];
        let start = list.value_offsets()[index] as usize;
        &list.values().as_primitive::<T>().values()[start + slice.start as usize..start + slice.stop as usize]
    }
}

/// A list for each pack, of values that lie one after the other.
fn list_of(layout: &PackLayout, values: ArrayRef) -> ArrayRef {
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    let mut last = 0;
    let lengths = layout.ends().map(|end| end - std::mem::replace(&mut last, end));
    Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths), values, None))
}
