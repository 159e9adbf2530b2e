//! `Column`: any Arrow column as a source of [`Node`]s, without copying strings.
//!
//! The physical type is resolved once per batch, not once per value.

use std::borrow::Cow;
use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, BooleanArray, GenericListArray, GenericListViewArray, OffsetSizeTrait, PrimitiveArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use chatjinja::Node;

use crate::error::{Error, ErrorKind, Result};

/// A column of a batch, or of a nested field.
#[derive(Debug)]
pub struct Column<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

#[derive(Debug)]
enum Values<'a> {
    Null,
    Bool(&'a BooleanArray),
    Number(Number<'a>),
    Text(Text<'a>),
    Dictionary { keys: Vec<usize>, values: Box<Column<'a>> },
    List { ranges: Ranges<'a>, items: Box<Column<'a>> },
    Struct(Vec<(&'a str, Column<'a>)>),
    Map { ranges: &'a [i32], keys: Box<Column<'a>>, values: Box<Column<'a>> },
}

#[derive(Debug)]
enum Text<'a> {
    Utf8(&'a arrow_array::StringArray),
    LargeUtf8(&'a arrow_array::LargeStringArray),
    Utf8View(&'a arrow_array::StringViewArray),
    Binary(&'a arrow_array::BinaryArray),
    LargeBinary(&'a arrow_array::LargeBinaryArray),
    BinaryView(&'a arrow_array::BinaryViewArray),
}

impl<'a> Text<'a> {
    fn bytes(&self, row: usize) -> &'a [u8] {
        match self {
            // Not `value(row)`: a producer may have filled the column without a check that it is UTF-8.
            Text::Utf8(array) => slice(array.value_data(), array.value_offsets(), row),
            Text::LargeUtf8(array) => slice(array.value_data(), array.value_offsets(), row),
            Text::Utf8View(array) => array.value(row).as_bytes(),
            Text::Binary(array) => array.value(row),
            Text::LargeBinary(array) => array.value(row),
            Text::BinaryView(array) => array.value(row),
        }
    }
}

fn slice<'a, O: OffsetSizeTrait>(data: &'a [u8], offsets: &[O], row: usize) -> &'a [u8] {
    &data[offsets[row].as_usize()..offsets[row + 1].as_usize()]
}

#[derive(Debug)]
enum Number<'a> {
    I8(&'a PrimitiveArray<Int8Type>),
    I16(&'a PrimitiveArray<Int16Type>),
    I32(&'a PrimitiveArray<Int32Type>),
    I64(&'a PrimitiveArray<Int64Type>),
    U8(&'a PrimitiveArray<UInt8Type>),
    U16(&'a PrimitiveArray<UInt16Type>),
    U32(&'a PrimitiveArray<UInt32Type>),
    U64(&'a PrimitiveArray<UInt64Type>),
    F16(&'a PrimitiveArray<Float16Type>),
    F32(&'a PrimitiveArray<Float32Type>),
    F64(&'a PrimitiveArray<Float64Type>),
}

impl Number<'_> {
    fn node(&self, row: usize) -> Node<'static> {
        fn int<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, row: usize) -> Node<'static>
        where
            i64: From<T::Native>,
        {
            Node::Int(i64::from(array.value(row)))
        }
        match self {
            Number::I8(array) => int(array, row),
            Number::I16(array) => int(array, row),
            Number::I32(array) => int(array, row),
            Number::I64(array) => int(array, row),
            Number::U8(array) => int(array, row),
            Number::U16(array) => int(array, row),
            Number::U32(array) => int(array, row),
            Number::U64(array) => {
                let value = array.value(row);
                i64::try_from(value).map_or(Node::BigInt(value.into()), Node::Int)
            }
            Number::F16(array) => Node::Float(f64::from(array.value(row))),
            Number::F32(array) => Node::Float(f64::from(array.value(row))),
            Number::F64(array) => Node::Float(array.value(row)),
        }
    }
}

#[derive(Debug)]
enum Ranges<'a> {
    List(&'a GenericListArray<i32>),
    LargeList(&'a GenericListArray<i64>),
    ListView(&'a GenericListViewArray<i32>),
    LargeListView(&'a GenericListViewArray<i64>),
    FixedSize(usize),
}

impl Ranges<'_> {
    fn get(&self, row: usize) -> Range<usize> {
        fn list<O: OffsetSizeTrait>(array: &GenericListArray<O>, row: usize) -> Range<usize> {
            let offsets = array.value_offsets();
            offsets[row].as_usize()..offsets[row + 1].as_usize()
        }
        fn view<O: OffsetSizeTrait>(array: &GenericListViewArray<O>, row: usize) -> Range<usize> {
            let start = array.value_offset(row).as_usize();
            start..start + array.value_size(row).as_usize()
        }
        match self {
            Ranges::List(array) => list(array, row),
            Ranges::LargeList(array) => list(array, row),
            Ranges::ListView(array) => view(array, row),
            Ranges::LargeListView(array) => view(array, row),
            Ranges::FixedSize(size) => row * size..(row + 1) * size,
        }
    }
}

impl<'a> Column<'a> {
    /// Resolves the physical type of `array`. `name` is the name of the column in errors.
    pub fn new(array: &'a dyn Array, name: &str) -> Result<Column<'a>> {
        let number = |number| Ok(Values::Number(number));
        let values = match array.data_type() {
            DataType::Null => Ok(Values::Null),
            DataType::Boolean => Ok(Values::Bool(array.as_boolean())),
            DataType::Int8 => number(Number::I8(array.as_primitive())),
            DataType::Int16 => number(Number::I16(array.as_primitive())),
            DataType::Int32 => number(Number::I32(array.as_primitive())),
            DataType::Int64 => number(Number::I64(array.as_primitive())),
            DataType::UInt8 => number(Number::U8(array.as_primitive())),
            DataType::UInt16 => number(Number::U16(array.as_primitive())),
            DataType::UInt32 => number(Number::U32(array.as_primitive())),
            DataType::UInt64 => number(Number::U64(array.as_primitive())),
            DataType::Float16 => number(Number::F16(array.as_primitive())),
            DataType::Float32 => number(Number::F32(array.as_primitive())),
            DataType::Float64 => number(Number::F64(array.as_primitive())),
            DataType::Utf8 => Ok(Values::Text(Text::Utf8(array.as_string()))),
            DataType::LargeUtf8 => Ok(Values::Text(Text::LargeUtf8(array.as_string()))),
            DataType::Utf8View => Ok(Values::Text(Text::Utf8View(array.as_string_view()))),
            DataType::Binary => Ok(Values::Text(Text::Binary(array.as_binary()))),
            DataType::LargeBinary => Ok(Values::Text(Text::LargeBinary(array.as_binary()))),
            DataType::BinaryView => Ok(Values::Text(Text::BinaryView(array.as_binary_view()))),
            DataType::Dictionary(_, _) => {
                let dictionary = array.as_any_dictionary();
                let values = Box::new(Column::new(dictionary.values(), name)?);
                // An all-null dictionary may be empty; it then has no key to normalize.
                let keys = if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
                Ok(Values::Dictionary { keys, values })
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Ok(Values::List { ranges: Ranges::List(list), items: Box::new(Column::new(list.values(), name)?) })
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                Ok(Values::List { ranges: Ranges::LargeList(list), items: Box::new(Column::new(list.values(), name)?) })
            }
            DataType::ListView(_) => {
                let list = array.as_list_view::<i32>();
                Ok(Values::List { ranges: Ranges::ListView(list), items: Box::new(Column::new(list.values(), name)?) })
            }
            DataType::LargeListView(_) => {
                let list = array.as_list_view::<i64>();
                let items = Box::new(Column::new(list.values(), name)?);
                Ok(Values::List { ranges: Ranges::LargeListView(list), items })
            }
            DataType::FixedSizeList(_, _) => {
                let list = array.as_fixed_size_list();
                let size = list.value_length().unsigned_abs() as usize;
                Ok(Values::List { ranges: Ranges::FixedSize(size), items: Box::new(Column::new(list.values(), name)?) })
            }
            DataType::Struct(fields) => {
                let array = array.as_struct();
                let mut columns = Vec::with_capacity(fields.len());
                for (field, child) in fields.iter().zip(array.columns()) {
                    columns.push((field.name().as_str(), Column::new(child, &format!("{name}.{}", field.name()))?));
                }
                Ok(Values::Struct(columns))
            }
            DataType::Map(_, _) => {
                let map = array.as_map();
                Ok(Values::Map {
                    ranges: map.value_offsets(),
                    keys: Box::new(Column::new(map.keys(), name)?),
                    values: Box::new(Column::new(map.values(), name)?),
                })
            }
            other => Err(Error::new(
                ErrorKind::Batch,
                format!(
                    "the column `{name}` has the Arrow type {other}, which cannot be read; cast it to strings, numbers, lists or structs"
                ),
            )),
        }?;
        Ok(Column { nulls: array.nulls(), values })
    }

    /// Whether the value of `row` is null.
    pub fn is_null(&self, row: usize) -> bool {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return true;
        }
        match &self.values {
            Values::Null => true,
            Values::Dictionary { keys, values } => keys.get(row).is_none_or(|key| values.is_null(*key)),
            _ => false,
        }
    }

    /// The value of `row`; None where it is null.
    ///
    /// Arrow fills the fields that a struct lacks with nulls, so null fields are removed. A null item of a list is a
    /// value and stays.
    pub fn node(&self, row: usize) -> Result<Option<Node<'a>>> {
        if self.is_null(row) {
            return Ok(None);
        }
        Ok(Some(match &self.values {
            Values::Null => return Ok(None),
            Values::Bool(array) => Node::Bool(array.value(row)),
            Values::Number(number) => number.node(row),
            Values::Text(text) => {
                let bytes = text.bytes(row);
                Node::Str(Cow::Borrowed(simdutf8::compat::from_utf8(bytes).map_err(|error| {
                    let at = error.valid_up_to();
                    Error::new(
                        ErrorKind::InvalidUtf8,
                        format!(
                            "a string is not UTF-8 (byte 0x{:02x} at offset {at}); convert the file to UTF-8",
                            bytes[at]
                        ),
                    )
                })?))
            }
            Values::Dictionary { keys, values } => return values.node(keys[row]),
            Values::List { ranges, items } => {
                let range = ranges.get(row);
                let mut list = Vec::with_capacity(range.len());
                for item in range {
                    list.push(items.node(item)?.unwrap_or(Node::Null));
                }
                Node::List(list)
            }
            Values::Struct(columns) => {
                let mut fields = Vec::with_capacity(columns.len());
                for (name, column) in columns {
                    if let Some(value) = column.node(row)? {
                        fields.push((Cow::Borrowed(*name), value));
                    }
                }
                Node::Map(fields)
            }
            Values::Map { ranges, keys, values } => {
                let mut fields = Vec::new();
                for item in ranges[row] as usize..ranges[row + 1] as usize {
                    match (keys.node(item)?, values.node(item)?) {
                        (Some(Node::Str(key)), Some(value)) => fields.push((key, value)),
                        (Some(Node::Str(_)) | None, _) => {}
                        (Some(key), _) => {
                            let text = format!("a map has {} as a key; cast the keys to strings", key.type_name());
                            return Err(Error::wrong_type(text));
                        }
                    }
                }
                Node::Map(fields)
            }
        }))
    }

    /// The bytes of `row` if this is a column of text or bytes, else None. Null gives no bytes either.
    pub fn bytes(&self, row: usize) -> Option<&'a [u8]> {
        if self.is_null(row) {
            return None;
        }
        match &self.values {
            Values::Text(text) => Some(text.bytes(row)),
            Values::Dictionary { keys, values } => values.bytes(keys[row]),
            _ => None,
        }
    }

    /// Whether this is a column of text or bytes.
    pub fn is_text(&self) -> bool {
        match &self.values {
            Values::Text(_) => true,
            Values::Dictionary { values, .. } => values.is_text(),
            _ => false,
        }
    }
}
