//! Checks of Arrow columns that come from other libraries, before a value of them is read.
//!
//! Everything inside a column that points to another place is checked: offsets, sizes, views and dictionary keys. A
//! column from the C data interface does not say how large its buffers are, so two things cannot be checked: that a
//! buffer is as large as the length of its column demands, and that the text of a column ends where its last offset
//! says. UTF-8 is checked when a string is read, so that one wrong string fails one row.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, ByteArrayType, ByteViewType};
use arrow_array::{
    Array, DictionaryArray, GenericByteArray, GenericByteViewArray, GenericListArray, GenericListViewArray,
    OffsetSizeTrait, RecordBatch, downcast_dictionary_array,
};
use arrow_buffer::ArrowNativeType;
use arrow_schema::DataType;

use crate::error::{Error, ErrorKind, Result};

/// Strings of at most this many bytes are inside their view.
const INLINE: u32 = 12;

/// Checks all columns of a batch. The error names the column.
pub fn check_batch(batch: &RecordBatch) -> Result<()> {
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        check(column).map_err(|problem| {
            let text = format!(
                "the column `{}` is damaged ({problem}); make the data again, or download it again",
                field.name()
            );
            Error::new(ErrorKind::Batch, text)
        })?;
    }
    Ok(())
}

type Checked = std::result::Result<(), String>;

fn check(array: &dyn Array) -> Checked {
    match array.data_type() {
        DataType::Utf8 => bytes(array.as_string::<i32>()),
        DataType::LargeUtf8 => bytes(array.as_string::<i64>()),
        DataType::Binary => bytes(array.as_binary::<i32>()),
        DataType::LargeBinary => bytes(array.as_binary::<i64>()),
        DataType::Utf8View => views(array.as_string_view()),
        DataType::BinaryView => views(array.as_binary_view()),
        DataType::List(_) => list(array.as_list::<i32>()),
        DataType::LargeList(_) => list(array.as_list::<i64>()),
        DataType::ListView(_) => list_view(array.as_list_view::<i32>()),
        DataType::LargeListView(_) => list_view(array.as_list_view::<i64>()),
        DataType::FixedSizeList(_, _) => {
            let list = array.as_fixed_size_list();
            let size = usize::try_from(list.value_length()).map_err(|_| "a list has a size below 0".to_owned())?;
            let needed = size.checked_mul(list.len());
            if needed.is_none_or(|needed| needed > list.values().len()) {
                return Err(format!("{} lists of {size} items have only {} items", list.len(), list.values().len()));
            }
            check(list.values())
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            offsets(map.value_offsets(), map.entries().len())?;
            check(map.entries())
        }
        DataType::Struct(_) => array.as_struct().columns().iter().try_for_each(|column| check(column)),
        DataType::Dictionary(_, _) => {
            downcast_dictionary_array!(
                array => keys(array)?,
                other => return Err(format!("the keys of a dictionary have the type {other}"))
            );
            check(array.as_any_dictionary().values())
        }
        // Types that chatmill only passes on, in a kept column.
        DataType::Union(_, _) | DataType::RunEndEncoded(_, _) => {
            array.to_data().validate_full().map_err(|error| error.to_string())
        }
        // The place of a value follows from its number.
        _ => Ok(()),
    }
}

/// Checks that offsets never decrease, and do not exceed `length`.
fn offsets<O: OffsetSizeTrait>(offsets: &[O], length: usize) -> Checked {
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return Ok(()) };
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (from, to) = (first.to_i64().unwrap_or(-1), last.to_i64().unwrap_or(-1));
    if from < 0 || to > length || !offsets.is_sorted() {
        return Err(format!("its offsets decrease, or exceed {length}"));
    }
    Ok(())
}

fn bytes<T: ByteArrayType>(array: &GenericByteArray<T>) -> Checked {
    offsets(array.value_offsets(), array.value_data().len())
}

fn list<O: OffsetSizeTrait>(list: &GenericListArray<O>) -> Checked {
    offsets(list.value_offsets(), list.values().len())?;
    check(list.values())
}

fn views<T: ByteViewType + ?Sized>(array: &GenericByteViewArray<T>) -> Checked {
    let buffers = array.data_buffers();
    for (row, &view) in array.views().iter().enumerate() {
        // The parts of a view: length, first bytes, number of the buffer, offset.
        let (length, buffer, offset) = (view as u32, (view >> 64) as u32, (view >> 96) as u32);
        if length <= INLINE || array.is_null(row) {
            continue;
        }
        let held = buffers.get(buffer as usize).map_or(0, |buffer| buffer.len());
        if u64::from(offset) + u64::from(length) > held as u64 {
            return Err(format!("value {row} points outside its buffers"));
        }
    }
    Ok(())
}

fn list_view<O: OffsetSizeTrait>(list: &GenericListViewArray<O>) -> Checked {
    let items = list.values().len() as i64;
    for (row, (offset, size)) in list.value_offsets().iter().zip(list.value_sizes()).enumerate() {
        let (offset, size) = (offset.to_i64().unwrap_or(-1), size.to_i64().unwrap_or(-1));
        if offset < 0 || size < 0 || offset.checked_add(size).is_none_or(|end| end > items) {
            return Err(format!("value {row} points outside its {items} items"));
        }
    }
    check(list.values())
}

fn keys<K: ArrowDictionaryKeyType>(array: &DictionaryArray<K>) -> Checked {
    let values = array.values().len();
    for (row, key) in array.keys().iter().enumerate() {
        if key.is_some_and(|key| key.to_usize().is_none_or(|key| key >= values)) {
            return Err(format!("value {row} is not one of the {values} values of its dictionary"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, Int32Array, LargeListViewArray, ListArray, StringArray, StringViewArray, StructArray};
    use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
    use arrow_schema::Field;

    use super::*;

    fn complaint(array: ArrayRef) -> String {
        let batch = RecordBatch::try_from_iter([("c", array)]).unwrap();
        check_batch(&batch).expect_err("the column is damaged").text
    }

    fn decreasing_offsets() -> ArrayRef {
        let offsets = ScalarBuffer::from(vec![0_i32, 3, 1, 4]);
        // SAFETY: wrong on purpose; the offsets stay within the text, and only `check` reads the array.
        let offsets = unsafe { OffsetBuffer::new_unchecked(offsets) };
        // SAFETY: as above.
        Arc::new(unsafe { StringArray::new_unchecked(offsets, Buffer::from(b"abcd"), None) })
    }

    #[test]
    fn offsets_must_not_decrease_at_any_depth() {
        assert!(complaint(decreasing_offsets()).starts_with("the column `c` is damaged (its offsets decrease"));
        let field = Arc::new(Field::new("text", DataType::Utf8, true));
        let inner: ArrayRef = Arc::new(StructArray::from(vec![(field, decreasing_offsets())]));
        let item = Arc::new(Field::new("item", inner.data_type().clone(), true));
        let list = ListArray::new(item, OffsetBuffer::from_lengths([3]), inner, None);
        assert!(complaint(Arc::new(list)).contains("its offsets decrease"));
    }

    #[test]
    fn views_stay_inside_their_buffers() {
        let good = StringViewArray::from(vec!["short", "a text of more than twelve bytes"]);
        let view = good.views()[1];
        for wrong in [view | 7 << 64, view + (1 << 96), view | 0x7fff_ffff] {
            let views = ScalarBuffer::from(vec![good.views()[0], wrong]);
            // SAFETY: wrong on purpose; only `check` reads the array.
            let array = unsafe { StringViewArray::new_unchecked(views, good.data_buffers().to_vec().into(), None) };
            assert!(complaint(Arc::new(array)).contains("value 1 points outside"), "{wrong:x}");
        }
        assert_eq!(views(&good), Ok(()));
    }

    #[test]
    fn keys_and_views_of_lists_stay_inside_their_values() {
        let (keys, words) = (Int32Array::from(vec![Some(0), None, Some(1)]), StringArray::from(vec!["a"]));
        // SAFETY: wrong on purpose; only `check` reads the array.
        let array = unsafe { DictionaryArray::<Int32Type>::new_unchecked(keys, Arc::new(words)) };
        assert!(complaint(Arc::new(array)).contains("value 2 is not one of the 1 values"));
        let item = Arc::new(Field::new("item", DataType::Int32, true));
        let (offsets, sizes) = (ScalarBuffer::from(vec![1_i64]), ScalarBuffer::from(vec![2_i64]));
        let values: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        // SAFETY: as above.
        let list = unsafe { LargeListViewArray::new_unchecked(item, offsets, sizes, values, None) };
        assert!(complaint(Arc::new(list)).contains("value 0 points outside its 2 items"));
    }
}
