//! `StoredRows`: the rows of a plan, in memory or in files, so that packs can read them in any order.
//!
//! A label is nearly always the id of its token, or -100. Then both are stored as one number: the id, with the highest bit
//! set if the token is trained. This halves what is written and read.
//!
//! Tried and dropped: an Arrow file that is mapped into memory. Packs read rows in any order, and Linux maps up to 512 KiB
//! around each place that is read: 1.7 GB for a million short rows, and a third of the time for page faults.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int32Type};
use arrow_array::{Array, ListArray, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_schema::DataType;

use super::number_file::NumberFile;
use super::plan::{PackPlan, Slice};
use super::rows::{PackedColumn, PackedRows};
use crate::error::{Error, ErrorKind, Result};
use crate::label::MASKED;

/// The bytes of a stored number.
const WIDTH: usize = 4;
/// The bit of an id whose token is trained.
const TRAINED: u32 = 1 << 31;

/// A place for the rows of a plan. Threads append rows in any order.
#[derive(Debug)]
pub struct RowStore {
    layout: StoredColumns,
    /// None for rows in memory.
    file: Option<NumberFile>,
    blocks: Mutex<Vec<Block>>,
}

/// All rows of a plan, in memory or in a file.
#[derive(Debug)]
pub struct StoredRows {
    layout: StoredColumns,
    file: Option<NumberFile>,
    blocks: Vec<Block>,
}

#[derive(Debug)]
struct StoredColumns {
    all: Vec<PackedColumn>,
    ids: usize,
    labels: Option<usize>,
}

/// Consecutive rows.
#[derive(Debug)]
struct Block {
    first_row: usize,
    /// The number of tokens before each row, and of all rows.
    offsets: Vec<u32>,
    /// Whether labels and ids are one column: that of the ids.
    has_marked_ids: bool,
    /// The numbers of each column, one column after the other.
    numbers: Numbers,
}

#[derive(Debug)]
enum Numbers {
    InMemory(Buffer),
    /// At this place of the file.
    InFile(u64),
}

impl RowStore {
    /// A place for rows with these columns: float32 for `weights`, int32 for others. They stay in memory unless there is a
    /// path for a file.
    ///
    /// # Errors
    ///
    /// Fails if there is no `input_ids`, or if the file cannot be created.
    pub fn new(columns: &[String], file: Option<PathBuf>) -> Result<RowStore> {
        let place = |name: &str| columns.iter().position(|column| column == name);
        let Some(ids) = place("input_ids") else {
            return Err(Error::new(ErrorKind::Batch, "there is no column input_ids; give the token ids"));
        };
        let column = |name: &String| {
            let item = if name == "weights" { DataType::Float32 } else { DataType::Int32 };
            PackedColumn { name: name.clone(), item, width: WIDTH }
        };
        let layout = StoredColumns { all: columns.iter().map(column).collect(), ids, labels: place("labels") };
        Ok(RowStore { layout, file: file.map(NumberFile::create).transpose()?, blocks: Mutex::default() })
    }

    /// Appends consecutive rows.
    ///
    /// # Errors
    ///
    /// Fails if rows have other lengths than in the plan, if a column is missing or has no lists of numbers, or if the file
    /// cannot be written.
    pub fn append(&self, first_row: usize, batch: &RecordBatch, plan: &PackPlan) -> Result<()> {
        let rows = first_row..first_row.saturating_add(batch.num_rows());
        let lengths = plan.lengths().get(rows).ok_or_else(|| changed(plan.lengths().len()))?;
        let lists = self.layout.all.iter().map(|column| lists_of(column, batch, lengths, first_row));
        let (has_marked_ids, numbers) = self.layout.numbers(&lists.collect::<Result<Vec<_>>>()?)?;
        let numbers = match &self.file {
            None => Numbers::InMemory(numbers),
            Some(file) => Numbers::InFile(file.append(&numbers)?),
        };
        let mut before = 0;
        let ends = lengths.iter().map(|length| {
            before += length;
            before
        });
        let offsets = std::iter::once(0).chain(ends).collect();
        let block = Block { first_row, offsets, has_marked_ids, numbers };
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).push(block);
        Ok(())
    }

    /// The rows, after all were appended.
    ///
    /// # Errors
    ///
    /// Fails if a row of the plan was not appended, or more than once.
    pub fn finish(self, plan: &PackPlan) -> Result<StoredRows> {
        let mut blocks = self.blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        blocks.sort_by_key(|block| (block.first_row, block.offsets.len()));
        let mut row = 0;
        for block in &blocks {
            if block.first_row != row {
                return Err(changed(row));
            }
            row += block.offsets.len() - 1;
        }
        if row != plan.lengths().len() {
            return Err(changed(row));
        }
        Ok(StoredRows { layout: self.layout, file: self.file, blocks })
    }
}

impl StoredColumns {
    /// The numbers of the lists of all columns, and whether labels are marks of ids. Marked ids come first.
    fn numbers(&self, lists: &[&ListArray]) -> Result<(bool, Buffer)> {
        let mut numbers = Vec::with_capacity(lists.iter().map(|lists| tokens_of(lists).len()).sum());
        let has_marked_ids = match self.labels {
            Some(labels) => push_marked(&mut numbers, int32_values(lists[self.ids])?, int32_values(lists[labels])?),
            None => false,
        };
        for (index, (column, lists)) in self.all.iter().zip(lists).enumerate() {
            if has_marked_ids && self.is_marked(index) {
                continue;
            }
            match column.item {
                DataType::Float32 => numbers.extend(float32_values(lists)?.iter().map(|value| value.to_bits())),
                _ => numbers.extend(int32_values(lists)?.iter().map(|value| value.cast_unsigned())),
            }
        }
        Ok((has_marked_ids, Buffer::from_vec(numbers)))
    }

    /// Whether the column is that of the ids or of the labels.
    fn is_marked(&self, column: usize) -> bool {
        column == self.ids || Some(column) == self.labels
    }

    /// The place of a column among the columns of a block.
    fn place(&self, column: usize, has_marked_ids: bool) -> usize {
        match has_marked_ids {
            false => column,
            true if self.is_marked(column) => 0,
            true => 1 + (0..column).filter(|other| !self.is_marked(*other)).count(),
        }
    }
}

impl PackedRows for StoredRows {
    fn columns(&self) -> &[PackedColumn] {
        &self.layout.all
    }

    fn append(&self, column: usize, slice: Slice, out: &mut MutableBuffer) -> Result<()> {
        let row = slice.row as usize;
        // A block without rows begins at the same row as the next one, and is before it.
        let block = &self.blocks[self.blocks.partition_point(|block| block.first_row <= row) - 1];
        let tokens = block.offsets.last().map_or(0, |tokens| *tokens as usize);
        let in_column = block.offsets[row - block.first_row] as usize + slice.start as usize;
        let first = WIDTH * (self.layout.place(column, block.has_marked_ids) * tokens + in_column);
        let (start, bytes) = (out.len(), WIDTH * slice.len() as usize);
        match (&block.numbers, &self.file) {
            (Numbers::InMemory(numbers), _) => out.extend_from_slice(&numbers[first..first + bytes]),
            (Numbers::InFile(at), Some(file)) => {
                out.extend_zeros(bytes);
                file.read(at + first as u64, &mut out[start..])?;
            }
            (Numbers::InFile(_), None) => return Err(Error::new(ErrorKind::Internal, "the rows have no file")),
        }
        if block.has_marked_ids && column == self.layout.ids {
            replace(&mut out[start..], |marked| marked & !TRAINED);
        } else if block.has_marked_ids && Some(column) == self.layout.labels {
            let label = |marked| if marked & TRAINED == 0 { MASKED.cast_unsigned() } else { marked & !TRAINED };
            replace(&mut out[start..], label);
        }
        Ok(())
    }
}

/// Replaces each number.
fn replace(numbers: &mut [u8], by: impl Fn(u32) -> u32) {
    for bytes in numbers.as_chunks_mut::<WIDTH>().0 {
        *bytes = by(u32::from_ne_bytes(*bytes)).to_ne_bytes();
    }
}

/// The lists of a column, which must have the lengths of the plan. `first` is the number of the first row.
fn lists_of<'a>(column: &PackedColumn, batch: &'a RecordBatch, lengths: &[u32], first: usize) -> Result<&'a ListArray> {
    let name = &column.name;
    let wrong = |text: String| Err(Error::new(ErrorKind::Batch, text));
    let lists = batch.column_by_name(name).and_then(|found| found.as_list_opt::<i32>());
    let Some(lists) = lists.filter(|lists| *lists.values().data_type() == column.item) else {
        return wrong(format!("the rows have no column {name} with lists of {}; add it", column.item));
    };
    let found = lists.offsets().lengths();
    if let Some((at, (found, length))) =
        found.zip(lengths).enumerate().find(|(_, (it, length))| *it != **length as usize)
    {
        let row = first + at;
        return wrong(format!("row {row} has {found} values in {name}, but {length} tokens; make the output again"));
    }
    if lists.null_count() > 0 || lists.values().null_count() > 0 {
        return wrong(format!("the column {name} has nulls; make the output again"));
    }
    Ok(lists)
}

/// The places of the values of lists.
fn tokens_of(lists: &ListArray) -> Range<usize> {
    let offsets = lists.offsets();
    offsets.first() as usize..offsets.last() as usize
}

fn int32_values(lists: &ListArray) -> Result<&[i32]> {
    let values = lists.values().as_primitive_opt::<Int32Type>().map(|values| &values.values()[tokens_of(lists)]);
    values.ok_or_else(|| Error::new(ErrorKind::Internal, "the numbers are not int32"))
}

fn float32_values(lists: &ListArray) -> Result<&[f32]> {
    let values = lists.values().as_primitive_opt::<Float32Type>().map(|values| &values.values()[tokens_of(lists)]);
    values.ok_or_else(|| Error::new(ErrorKind::Internal, "the numbers are not float32"))
}

/// Appends ids, of which trained ones have the highest bit. If a label is neither the id of its token nor -100, appends none
/// and gives false.
fn push_marked(numbers: &mut Vec<u32>, ids: &[i32], labels: &[i32]) -> bool {
    let (before, mut is_marked) = (numbers.len(), true);
    numbers.extend(ids.iter().zip(labels).map(|(&id, &label)| {
        let is_trained = label == id;
        is_marked &= (id >= 0) & (is_trained | (label == MASKED));
        id.cast_unsigned() | if is_trained { TRAINED } else { 0 }
    }));
    if !is_marked {
        numbers.truncate(before);
    }
    is_marked
}

fn changed(row: usize) -> Error {
    let text = format!("the rows changed while they were read (at row {row}); run it again");
    Error::new(ErrorKind::Batch, text)
}
