//! `PackedRows`: the rows of a plan, wherever they are.

use arrow_buffer::MutableBuffer;
use arrow_schema::DataType;

use super::plan::Slice;
use crate::error::Result;

/// Rows with lists of numbers, in the order in which a plan numbers them. All lists of a row have the length of the plan.
pub trait PackedRows: Send + Sync {
    /// The columns, one of which is `input_ids`.
    fn columns(&self) -> &[PackedColumn];

    /// Appends the values of a slice of a row to `out`.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be read.
    fn append(&self, column: usize, slice: Slice, out: &mut MutableBuffer) -> Result<()>;
}

/// A column of lists of numbers.
#[derive(Debug, Clone)]
pub struct PackedColumn {
    /// Its name.
    pub name: String,
    /// The type of the numbers: int8, int32, int64 or float32.
    pub(super) item: DataType,
    /// The bytes of a number.
    pub(super) width: usize,
}

impl PackedColumn {
    /// The column, if packs can hold it.
    pub(super) fn of(name: &str, item: &DataType) -> Option<PackedColumn> {
        let width = match (name, item) {
            (_, DataType::Int32) => 4,
            (_, DataType::Int64) => 8,
            ("input_ids" | "labels", _) => return None,
            (_, DataType::Int8) => 1,
            (_, DataType::Float32) => 4,
            _ => return None,
        };
        Some(PackedColumn { name: name.to_owned(), item: item.clone(), width })
    }

    /// The bytes of a number.
    pub(super) fn bytes_of(&self, number: i64) -> Vec<u8> {
        match self.item {
            DataType::Int8 => (number as i8).to_ne_bytes().to_vec(),
            DataType::Int64 => number.to_ne_bytes().to_vec(),
            DataType::Float32 => (number as f32).to_ne_bytes().to_vec(),
            _ => (number as i32).to_ne_bytes().to_vec(),
        }
    }
}
