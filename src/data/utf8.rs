//! The rows of a column that hold a string that is not UTF-8, for columns that are passed on without being read.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;
use arrow_array::types::ByteArrayType;
use arrow_array::{Array, GenericByteArray, GenericListArray, GenericListViewArray, OffsetSizeTrait};
use arrow_buffer::ArrowNativeType;
use arrow_schema::DataType;

/// The rows of `array` with such a string, at any depth.
pub(crate) fn rows_not_utf8(array: &dyn Array) -> BTreeSet<usize> {
    match array.data_type() {
        DataType::Utf8 => texts(array.as_string::<i32>()),
        DataType::LargeUtf8 => texts(array.as_string::<i64>()),
        DataType::Utf8View => {
            let array = array.as_string_view();
            rows(array, |row| is_not_utf8(array.value(row).as_bytes()))
        }
        DataType::List(_) => list(array.as_list::<i32>()),
        DataType::LargeList(_) => list(array.as_list::<i64>()),
        DataType::Map(_, _) => {
            let map = array.as_map();
            owners(map.value_offsets(), &rows_not_utf8(map.entries()))
        }
        DataType::ListView(_) => list_view(array.as_list_view::<i32>()),
        DataType::LargeListView(_) => list_view(array.as_list_view::<i64>()),
        DataType::FixedSizeList(_, _) => {
            let list = array.as_fixed_size_list();
            let size = list.value_length().max(1) as usize;
            rows_not_utf8(list.values()).into_iter().map(|item| item / size).collect()
        }
        DataType::Struct(_) => array.as_struct().columns().iter().flat_map(|column| rows_not_utf8(column)).collect(),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let values = rows_not_utf8(dictionary.values());
            if values.is_empty() {
                return values;
            }
            let keys = dictionary.normalized_keys();
            rows(array, |row| values.contains(&keys[row]))
        }
        _ => BTreeSet::new(),
    }
}

fn texts<T: ByteArrayType>(array: &GenericByteArray<T>) -> BTreeSet<usize> {
    let (data, offsets) = (array.value_data(), array.value_offsets());
    rows(array, |row| is_not_utf8(&data[offsets[row].as_usize()..offsets[row + 1].as_usize()]))
}

fn list<O: OffsetSizeTrait>(list: &GenericListArray<O>) -> BTreeSet<usize> {
    owners(list.value_offsets(), &rows_not_utf8(list.values()))
}

fn list_view<O: OffsetSizeTrait>(list: &GenericListViewArray<O>) -> BTreeSet<usize> {
    let items = rows_not_utf8(list.values());
    rows(list, |row| {
        let start = list.value_offset(row).as_usize();
        items.range(start..start + list.value_size(row).as_usize()).next().is_some()
    })
}

fn is_not_utf8(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_err()
}

fn rows(array: &dyn Array, wanted: impl Fn(usize) -> bool) -> BTreeSet<usize> {
    (0..array.len()).filter(|&row| array.is_valid(row) && wanted(row)).collect()
}

/// The lists that these items are in.
fn owners<O: OffsetSizeTrait>(offsets: &[O], items: &BTreeSet<usize>) -> BTreeSet<usize> {
    items
        .iter()
        .filter_map(|&item| offsets.partition_point(|offset| offset.as_usize() <= item).checked_sub(1))
        .filter(|row| row + 1 < offsets.len())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int8Type;
    use arrow_array::{ArrayRef, DictionaryArray, Int8Array, ListArray, StringArray, StructArray};
    use arrow_buffer::{Buffer, OffsetBuffer};
    use arrow_schema::Field;

    use super::*;

    /// `a`, a byte that is not UTF-8, `b`.
    fn strings() -> ArrayRef {
        let offsets = OffsetBuffer::from_lengths([1, 1, 1]);
        // SAFETY: wrong on purpose; only the function under test reads the array.
        Arc::new(unsafe { StringArray::new_unchecked(offsets, Buffer::from(b"a\xffb"), None) })
    }

    #[test]
    fn the_row_is_found_at_any_depth() {
        let row = BTreeSet::from([1]);
        assert_eq!(rows_not_utf8(&strings()), row);
        let field = Arc::new(Field::new("text", DataType::Utf8, true));
        let inner: ArrayRef = Arc::new(StructArray::from(vec![(field, strings())]));
        let item = Arc::new(Field::new("item", inner.data_type().clone(), true));
        let list = ListArray::new(item, OffsetBuffer::from_lengths([1, 2, 0]), inner, None);
        assert_eq!(rows_not_utf8(&list), row);
        let keys = Int8Array::from(vec![Some(0), Some(1), None, Some(2)]);
        assert_eq!(rows_not_utf8(&DictionaryArray::<Int8Type>::new(keys, strings())), row);
        assert!(rows_not_utf8(&StringArray::from(vec!["é"])).is_empty());
    }
}
