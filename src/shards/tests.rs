//! What is encoded can be read, whatever the lists are.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Encoding;
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;

use super::dictionary::VALUES;
use super::{Compression, ParquetEncoder};
use crate::choice::Choice;

type Lists = Vec<Vec<i32>>;

/// A list column; `nullable` tells whether lists and values may be null.
fn schema(nullable: (bool, bool)) -> Arc<Schema> {
    let value = Field::new("item", DataType::Int32, nullable.1);
    Arc::new(Schema::new(vec![Field::new("input_ids", DataType::List(Arc::new(value)), nullable.0)]))
}

fn batch(schema: &Arc<Schema>, lists: &[Vec<i32>]) -> RecordBatch {
    let DataType::List(field) = schema.field(0).data_type() else { panic!("no list") };
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(Vec::len));
    let values = Arc::new(arrow_array::Int32Array::from(lists.concat()));
    let column: ArrayRef = Arc::new(ListArray::new(Arc::clone(field), offsets, values, None));
    RecordBatch::try_new(Arc::clone(schema), vec![column]).unwrap()
}

fn encoded(schema: &Arc<Schema>, compression: Compression, groups: &[Vec<RecordBatch>]) -> Bytes {
    let mut encoder = ParquetEncoder::new(Arc::clone(schema), compression, &[]).unwrap();
    let mut file = Vec::new();
    for group in groups {
        file.extend(encoder.row_group(group).unwrap());
    }
    file.extend(encoder.finish().unwrap());
    file.into()
}

fn lists_of(file: &Bytes) -> Lists {
    let mut found = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let lists = batch.column(0).as_list::<i32>();
        found.extend(lists.iter().map(|list| list.unwrap().as_primitive::<Int32Type>().values().to_vec()));
    }
    found
}

fn number() -> impl Strategy<Value = i32> {
    prop_oneof![8 => 0..300, 4 => Just(-100), 2 => 0..152_000, 1 => VALUES]
}

fn list() -> impl Strategy<Value = Vec<i32>> {
    let run = (number(), 0..60usize).prop_map(|(value, length)| vec![value; length]);
    let some = prop::collection::vec(number(), 0..40);
    prop::collection::vec(prop_oneof![some, run], 0..4).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn lists_are_read_back(
        groups in prop::collection::vec(prop::collection::vec(prop::collection::vec(list(), 0..12), 1..4), 0..3),
        nullable in any::<(bool, bool)>(),
        compression in 0..Compression::NAMES.len(),
        skipped in 0..3usize,
    ) {
        let schema = schema(nullable);
        // Slices of longer columns, whose offsets do not begin at 0.
        let slice = |lists: &Lists| {
            let batch = batch(&schema, lists);
            let skipped = skipped.min(batch.num_rows());
            batch.slice(skipped, batch.num_rows() - skipped)
        };
        let batches: Vec<Vec<RecordBatch>> = groups.iter().map(|group| group.iter().map(slice).collect()).collect();
        let file = encoded(&schema, Compression::NAMES[compression].1, &batches);
        let expected: Lists =
            groups.concat().iter().flat_map(|lists| lists[skipped.min(lists.len())..].to_vec()).collect();
        prop_assert_eq!(lists_of(&file), expected);
    }
}

#[test]
fn a_column_has_many_pages_and_one_dictionary() {
    let schema = schema((true, true));
    // More than 65,536 values need more than two bytes, but only after the first pages.
    let lists: Lists = (0..900).map(|row| (0..997).map(|at| (row * 331 + at * 17) % 140_000).collect()).collect();
    for compression in [Compression::Zstd, Compression::None] {
        let file = encoded(&schema, compression, &[vec![batch(&schema, &lists[..100]), batch(&schema, &lists[100..])]]);
        assert_eq!(lists_of(&file), lists);
        let reader = SerializedFileReader::new(file).unwrap();
        let pages = reader.get_row_group(0).unwrap().get_column_page_reader(0).unwrap();
        let found: Vec<_> = pages.map(|page| page.unwrap()).map(|page| (page.encoding(), page.num_values())).collect();
        assert_eq!(found[0].0, Encoding::PLAIN);
        assert!(found.len() > 4 && found[1..].iter().all(|(encoding, _)| *encoding == Encoding::RLE_DICTIONARY));
        assert_eq!(found[1..].iter().map(|(_, values)| *values).sum::<u32>(), 900 * 997);
    }
}

#[test]
fn other_columns_are_written_too() {
    let fields = vec![
        Field::new("input_ids", DataType::new_list(DataType::Int32, true), true),
        Field::new("source", DataType::Utf8, true),
        Field::new("number", DataType::Int64, false),
    ];
    let schema = Arc::new(Schema::new(fields).with_metadata([("key".to_owned(), "value".to_owned())]));
    // A null list and a number beyond the dictionary: not the form of tokens.
    for ids in [vec![Some(vec![Some(1)]), None], vec![Some(vec![Some(i32::MAX)]), Some(vec![None])]] {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(ids)),
            Arc::new(StringArray::from(vec![Some("a"), None])),
            Arc::new(Int64Array::from(vec![5, -7])),
        ];
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let mut encoder = ParquetEncoder::new(Arc::clone(&schema), Compression::Snappy, &["number".into()]).unwrap();
        let mut file = encoder.row_group(std::slice::from_ref(&rows)).unwrap();
        file.extend(encoder.finish().unwrap());
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap();
        assert_eq!(reader.schema().metadata().get("key").map(String::as_str), Some("value"));
        let group = reader.metadata().row_group(0);
        assert!(group.column(2).statistics().is_some() && group.column(1).statistics().is_none());
        let read = reader.build().unwrap().next().unwrap().unwrap();
        assert_eq!(read.columns()[1..], rows.columns()[1..]);
        assert_eq!(
            format!("{:?}", read.column(0).as_list::<i32>()),
            format!("{:?}", rows.column(0).as_list::<i32>()).replace("item", "element")
        );
    }
}

#[test]
fn faults_are_errors() {
    let date = Arc::new(Schema::new(vec![Field::new("day", DataType::Date32, true)]));
    assert!(!ParquetEncoder::knows(&date));
    assert!(ParquetEncoder::new(date, Compression::Zstd, &[]).is_err());
    let ids = schema((true, true));
    let mut encoder = ParquetEncoder::new(Arc::clone(&ids), Compression::Zstd, &[]).unwrap();
    let numbers = Arc::new(Schema::new(vec![Field::new("input_ids", DataType::Int64, true)]));
    let other = RecordBatch::try_new(numbers, vec![Arc::new(Int64Array::from(vec![1]))]).unwrap();
    assert!(encoder.row_group(&[other]).unwrap_err().text.contains("not those of the file"));
    assert!(Compression::parse("gzip").is_err());
}
