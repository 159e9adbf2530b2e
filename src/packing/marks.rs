//! `Mark`: the columns that tell a trainer where the rows of a pack are.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{ArrayRef, Int8Array, Int32Array, ListArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};

use super::layout::{PackLayout, Sequences};
use crate::choice::Choice;
use crate::error::{Error, ErrorKind, Result};
use crate::label::MASKED;

/// A column that tells where the rows of a pack are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The length of each row: TRL.
    SeqLengths,
    /// The tokens of each row numbered from 0: transformers, axolotl.
    PositionIds,
    /// Where each row ends, after a 0.
    CuSeqlens,
    /// The number of its row for each token, from 1; 0 for padding: LLaMA-Factory and Automodel, as `attention_mask`.
    SegmentIds,
    /// Where each row starts: `NeMo`.
    SeqStartId,
    /// Whether the next token of the row is trained, for each token: `NeMo`.
    LossMask,
}

impl Choice for Mark {
    const OPTION: &'static str = "marks";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("seq_lengths", Mark::SeqLengths),
        ("position_ids", Mark::PositionIds),
        ("cu_seqlens", Mark::CuSeqlens),
        ("segment_ids", Mark::SegmentIds),
        ("seq_start_id", Mark::SeqStartId),
        ("loss_mask", Mark::LossMask),
    ];
}

impl Mark {
    /// The name of the column.
    pub(super) fn column(self) -> &'static str {
        self.name()
    }

    /// The column, with `labels` for the marks that need them.
    pub(super) fn of(self, layout: &PackLayout, labels: Option<&ListArray>) -> Result<ArrayRef> {
        let packs = layout.packs();
        Ok(match self {
            Mark::SeqLengths => ints(packs, |pack, values| values.extend(pack.lengths().map(|length| length as i32))),
            Mark::CuSeqlens => ints(packs, |pack, values| {
                values.push(0);
                values.extend(ends(pack));
            }),
            Mark::SeqStartId => ints(packs, |pack, values| {
                values.extend(ends(pack).zip(pack.lengths()).map(|(end, length)| end - length as i32));
            }),
            Mark::PositionIds => {
                ints(packs, |pack, values| pack.lengths().for_each(|length| values.extend(0..length as i32)))
            }
            Mark::SegmentIds => ints(packs, |pack, values| {
                for (number, (length, width)) in (1..).zip(&pack.rows) {
                    values.resize(values.len() + length, number);
                    values.resize(values.len() + width - length, 0);
                }
                values.resize(values.len() + pack.tail, 0);
            }),
            Mark::LossMask => {
                let text = "`loss_mask` needs the column labels; give rows with labels";
                loss_mask(packs, labels.ok_or_else(|| Error::new(ErrorKind::Batch, text))?)
            }
        })
    }
}

/// Where each sequence of a pack ends.
fn ends(pack: &Sequences) -> impl Iterator<Item = i32> {
    pack.lengths().scan(0, |end, length| {
        *end += length as i32;
        Some(*end)
    })
}

/// A list of numbers for each pack.
fn ints(packs: &[Sequences], add: impl Fn(&Sequences, &mut Vec<i32>)) -> ArrayRef {
    let (mut values, mut lengths) = (Vec::new(), Vec::with_capacity(packs.len()));
    for pack in packs {
        let start = values.len();
        add(pack, &mut values);
        lengths.push(values.len() - start);
    }
    let item = Arc::new(Field::new("item", DataType::Int32, true));
    Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths), Arc::new(Int32Array::from(values)), None))
}

fn loss_mask(packs: &[Sequences], labels: &ListArray) -> ArrayRef {
    let is_trained: Vec<bool> = match labels.values().as_primitive_opt::<Int32Type>() {
        Some(labels) => labels.values().iter().map(|label| *label != MASKED).collect(),
        None => {
            labels.values().as_primitive::<Int64Type>().values().iter().map(|it| *it != i64::from(MASKED)).collect()
        }
    };
    let mut mask = Vec::with_capacity(is_trained.len());
    for length in packs.iter().flat_map(Sequences::lengths) {
        let start = mask.len();
        mask.extend(is_trained[start..start + length].iter().skip(1).copied().map(i8::from));
        mask.resize(start + length, 0);
    }
    let item = Arc::new(Field::new("item", DataType::Int8, true));
    Arc::new(ListArray::new(item, labels.offsets().clone(), Arc::new(Int8Array::from(mask)), None))
}
