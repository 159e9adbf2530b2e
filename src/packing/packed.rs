//! `pack_rows`: the tokens of the rows of packs, one row after the other.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float32Array, Int8Array, Int32Array, Int64Array, ListArray, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field};

use super::layout::PackLayout;
use super::marks::Mark;
use super::plan::{PackPlan, Slice};
use super::rows::{PackedColumn, PackedRows};
use crate::error::{Error, ErrorKind, Result};
use crate::label::MASKED;

/// Tokens that belong to no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PackPadding {
    /// Their id.
    pub id: Option<u32>,
    /// Whether packs are filled with them up to the length of a pack.
    pub to_max_length: bool,
}

/// The packs of a range: all lists of the rows, and the columns that mark where each row is. The label of the first
/// token of each row is -100, since no token before it belongs to its row.
///
/// # Errors
///
/// Fails if there is no id for padding where some is needed, if the packs have too many tokens for one batch, or if rows
/// cannot be read.
pub fn pack_rows(
    plan: &PackPlan,
    rows: &dyn PackedRows,
    range: Range<usize>,
    marks: &[Mark],
    padding: PackPadding,
) -> Result<RecordBatch> {
    let packs: Vec<&[Slice]> = plan.packs().skip(range.start).take(range.len()).collect();
    let layout = PackLayout::of(&packs, plan.options(), padding)?;
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for (index, column) in rows.columns().iter().enumerate() {
        columns.push((&column.name, packed(index, rows, &packs, &layout, padding)?));
    }
    for mark in marks {
        let labels = columns.iter().find(|(name, _)| *name == "labels").map(|(_, column)| column.as_list::<i32>());
        columns.push((mark.column(), mark.of(&layout, labels)?));
    }
    RecordBatch::try_from_iter(columns)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the packs are no table: {error}")))
}

/// The number of trained tokens of each pack.
pub fn trained_tokens(packs: &RecordBatch) -> Vec<usize> {
    let labels = packs.column_by_name("labels").and_then(|labels| labels.as_list_opt::<i32>());
    let Some(labels) = labels else { return vec![0; packs.num_rows()] };
    let trained = |range: Range<usize>| match labels.values().as_primitive_opt::<Int32Type>() {
        Some(values) => values.values()[range].iter().filter(|label| **label != MASKED).count(),
        None => {
            let values = labels.values().as_primitive_opt::<Int64Type>().map_or(&[][..], |values| values.values());
            values.get(range).map_or(0, |labels| labels.iter().filter(|label| **label != i64::from(MASKED)).count())
        }
    };
    labels.offsets().windows(2).map(|ends| trained(ends[0] as usize..ends[1] as usize)).collect()
}

/// A column of packs.
fn packed(
    index: usize,
    rows: &dyn PackedRows,
    packs: &[&[Slice]],
    layout: &PackLayout,
    padding: PackPadding,
) -> Result<ArrayRef> {
    let column = &rows.columns()[index];
    // What fills the places that belong to no row, and what replaces the first value of each row.
    let (pad, first) = match column.name.as_str() {
        "input_ids" => (i64::from(padding.id.unwrap_or(0)), None),
        "labels" => (i64::from(MASKED), Some(i64::from(MASKED))),
        "weights" => (0, Some(0)),
        _ => (0, None),
    };
    let (pad, first) = (column.bytes_of(pad), first.map(|first| column.bytes_of(first)));
    let mut values = MutableBuffer::with_capacity(layout.total() * column.width);
    let fill = |values: &mut MutableBuffer, tokens: usize| (0..tokens).for_each(|_| values.extend_from_slice(&pad));
    for (pack, sequences) in packs.iter().zip(layout.packs()) {
        for (slice, (length, padded)) in pack.iter().zip(&sequences.rows) {
            let start = values.len();
            rows.append(index, *slice, &mut values)?;
            if let Some(first) = &first {
                values[start..start + column.width].copy_from_slice(first);
            }
            fill(&mut values, padded - length);
        }
        fill(&mut values, sequences.tail);
    }
    Ok(list_of(layout, numbers(column, values.into())))
}

/// The numbers of a column.
fn numbers(column: &PackedColumn, values: Buffer) -> ArrayRef {
    match column.item {
        DataType::Int8 => Arc::new(Int8Array::new(values.into(), None)),
        DataType::Int64 => Arc::new(Int64Array::new(values.into(), None)),
        DataType::Float32 => Arc::new(Float32Array::new(values.into(), None)),
        _ => Arc::new(Int32Array::new(values.into(), None)),
    }
}

/// A list for each pack, of values that lie one after the other.
fn list_of(layout: &PackLayout, values: ArrayRef) -> ArrayRef {
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    let mut last = 0;
    let lengths = layout.ends().map(|end| end - std::mem::replace(&mut last, end));
    Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths), values, None))
}
