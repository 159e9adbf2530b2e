//! `with_label_mask` and `with_labels`: labels as one bit for each token, which halves what is kept of a batch.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int32Array, ListArray, RecordBatch};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use arrow_schema::{DataType, Field, Schema};

use crate::label::MASKED;

/// The batch with lists of booleans as `labels`: whether each token is trained. The batch itself, if its labels are
/// something else than the ids of trained tokens.
pub fn with_label_mask(batch: &RecordBatch) -> RecordBatch {
    masked(batch).unwrap_or_else(|| batch.clone())
}

/// The batch of [`with_label_mask`], as it was before.
pub fn with_labels(batch: &RecordBatch) -> RecordBatch {
    unmasked(batch).unwrap_or_else(|| batch.clone())
}

fn masked(batch: &RecordBatch) -> Option<RecordBatch> {
    let (ids, labels) = (list(batch, "input_ids")?, list(batch, "labels")?);
    let (of_ids, of_labels) = (ids.values().as_primitive_opt::<Int32Type>()?, labels.values());
    let of_labels = of_labels.as_primitive_opt::<Int32Type>()?;
    if ids.offsets() != labels.offsets() || of_ids.null_count() + of_labels.null_count() > 0 {
        return None;
    }
    let mask = mask_of(of_ids.values(), of_labels.values())?;
    Some(replaced(batch, labels, Arc::new(BooleanArray::new(mask, None))))
}

/// A bit for each token that is trained; None if a label is neither the id nor -100.
fn mask_of(ids: &[i32], labels: &[i32]) -> Option<BooleanBuffer> {
    let mut mask = BooleanBufferBuilder::new(ids.len());
    if ids.len() != labels.len() {
        return None;
    }
    // 64 at a time, without branches, so that the compiler uses vectors.
    for (ids, labels) in ids.chunks(64).zip(labels.chunks(64)) {
        let (mut bits, mut others) = (0_u64, 0_u64);
        for (place, (id, label)) in ids.iter().zip(labels).enumerate() {
            bits |= u64::from(id == label) << place;
            others |= u64::from(*label != MASKED) << place;
        }
        if others & !bits != 0 {
            return None;
        }
        mask.append_packed_range(0..ids.len(), &bits.to_le_bytes());
    }
    Some(mask.finish())
}

fn unmasked(batch: &RecordBatch) -> Option<RecordBatch> {
    let (ids, labels) = (list(batch, "input_ids")?, list(batch, "labels")?);
    let (of_ids, mask) = (ids.values().as_primitive_opt::<Int32Type>()?, labels.values().as_boolean_opt()?);
    if of_ids.len() != mask.len() {
        return None;
    }
    let values = of_ids.values().iter().zip(mask.values()).map(|(id, trained)| if trained { *id } else { MASKED });
    Some(replaced(batch, labels, Arc::new(Int32Array::from_iter_values(values))))
}

fn list<'batch>(batch: &'batch RecordBatch, name: &str) -> Option<&'batch ListArray> {
    // A kept column may have the same name.
    let mut places = batch.schema_ref().fields().iter().enumerate().filter(|(_, field)| field.name() == name);
    let (place, _) = places.next()?;
    if places.next().is_some() { None } else { batch.column(place).as_list_opt::<i32>() }
}

/// The batch with other values in the lists of labels.
fn replaced(batch: &RecordBatch, labels: &ListArray, values: ArrayRef) -> RecordBatch {
    let schema = batch.schema_ref();
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    let mut columns = batch.columns().to_vec();
    let Some(place) = fields.iter().position(|field| field.name() == "labels") else { return batch.clone() };
    let DataType::List(item) = fields[place].data_type() else { return batch.clone() };
    let item = Arc::new(item.as_ref().clone().with_data_type(values.data_type().clone()));
    fields[place] = Arc::new(fields[place].as_ref().clone().with_data_type(DataType::List(item.clone())));
    columns[place] = Arc::new(ListArray::new(item, labels.offsets().clone(), values, labels.nulls().cloned()));
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    RecordBatch::try_new(schema, columns).unwrap_or_else(|_| batch.clone())
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::{Int32Builder, ListBuilder};

    use super::*;

    fn batch(ids: &[Option<Vec<i32>>], labels: &[Option<Vec<i32>>]) -> RecordBatch {
        let column = |rows: &[Option<Vec<i32>>]| -> ArrayRef {
            let mut lists = ListBuilder::new(Int32Builder::new());
            for row in rows {
                match row {
                    Some(values) => lists.append_value(values.iter().map(|value| Some(*value))),
                    None => lists.append_null(),
                }
            }
            Arc::new(lists.finish())
        };
        RecordBatch::try_from_iter_with_nullable([("input_ids", column(ids), true), ("labels", column(labels), true)])
            .unwrap()
    }

    #[test]
    fn labels_come_back() {
        for length in [0_i32, 1, 63, 64, 65, 1000] {
            let ids: Vec<i32> = (0..length).map(|id| id * 7).collect();
            let labels = ids.iter().map(|id| if id % 3 == 0 { MASKED } else { *id }).collect();
            let whole = batch(&[Some(ids), None, Some(vec![])], &[Some(labels), None, Some(vec![])]);
            let masked = with_label_mask(&whole);
            assert!(masked.column(1).as_list::<i32>().values().as_boolean_opt().is_some());
            assert_eq!(with_labels(&masked), whole);
        }
    }

    #[test]
    fn other_labels_stay() {
        let whole = batch(&[Some(vec![1, 2])], &[Some(vec![1, 3])]);
        assert_eq!(with_label_mask(&whole), whole);
        assert_eq!(with_labels(&whole), whole);
        let longer = batch(&[Some(vec![1, 2])], &[Some(vec![1])]);
        assert_eq!(with_label_mask(&longer), longer);
    }

    #[test]
    fn slices_come_back() {
        let whole = batch(&[Some(vec![1, 2]), Some(vec![3])], &[Some(vec![1, MASKED]), Some(vec![3])]);
        let part = whole.slice(1, 1);
        assert_eq!(with_labels(&with_label_mask(&part)), part);
    }
}
