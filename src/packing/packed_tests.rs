//! Packs of rows equal those that are written token by token.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{ArrayRef, ListArray, RecordBatch};
use proptest::prelude::*;

use super::{Mark, PackOptions, PackPadding, PackPlan, RowFiles, RowLists, Strategy, pack_rows};
use crate::choice::Choice;
use crate::label::MASKED;

fn lists(rows: &[Vec<i32>]) -> ArrayRef {
    let mut builder = ListBuilder::new(Int32Builder::new());
    rows.iter().for_each(|row| builder.append_value(row.iter().copied().map(Some)));
    Arc::new(builder.finish())
}

fn numbers(batch: &RecordBatch, name: &str) -> Vec<Vec<i32>> {
    let column: &ListArray = batch.column_by_name(name).unwrap().as_list();
    let row = |at: usize| match column.value(at).as_primitive_opt::<Int8Type>() {
        Some(values) => values.values().iter().copied().map(i32::from).collect(),
        None => column.value(at).as_primitive::<Int32Type>().values().to_vec(),
    };
    (0..batch.num_rows()).map(row).collect()
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("chatmill-packs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

proptest! {
    #[test]
    fn packs_have_the_tokens_of_their_rows(
        lengths in prop::collection::vec(0_u32..20, 1..30),
        max_length in 1_u32..30,
        (align, shifted) in (1_u32..4, any::<bool>()),
        strategy in proptest::sample::select(Strategy::NAMES.iter().map(|(_, strategy)| *strategy).collect::<Vec<_>>()),
        batch_size in 1_usize..10,
        (multiple_of, to_max_length) in (1_u32..3, any::<bool>()),
        (start, stop) in (0_usize..4, 0_usize..12),
    ) {
        let is_wrapped = strategy == Strategy::Wrapped;
        let non_zero = |number: u32| NonZeroU32::new(number).unwrap();
        let options = PackOptions {
            strategy,
            align: non_zero(if is_wrapped { 1 } else { align.min(max_length) }),
            shifted: shifted && !is_wrapped,
            multiple_of: non_zero(multiple_of),
            ..PackOptions::new(non_zero(max_length))
        };
        let plan = PackPlan::of(lengths.clone(), &options).unwrap();
        let ids = |row: usize| (0..lengths[row] as i32).map(|at| 100 * row as i32 + at).collect::<Vec<i32>>();
        let labels = |row: usize| ids(row).into_iter().map(|id| if id % 3 == 0 { MASKED } else { id }).collect::<Vec<i32>>();
        let rows: Vec<usize> = (0..lengths.len()).collect();
        let batches = rows.chunks(batch_size).map(|rows| {
            let columns = [("input_ids", rows.iter().map(|&row| ids(row)).collect::<Vec<_>>()), ("labels", rows.iter().map(|&row| labels(row)).collect())];
            RecordBatch::try_from_iter(columns.iter().map(|(name, rows)| (*name, lists(rows)))).unwrap()
        });
        let table = RowLists::new(&batches.collect::<Vec<_>>(), &plan).unwrap();
        let all: Vec<Mark> = Mark::NAMES.iter().map(|(_, mark)| *mark).collect();
        let padding = PackPadding { id: Some(7), to_max_length };
        let range = start.min(plan.num_packs())..stop.max(start).min(plan.num_packs());
        let batch = pack_rows(&plan, &table, range.clone(), &all, padding).unwrap();
        prop_assert_eq!(batch.num_rows(), range.len());
        let folder = folder();
        let files = [("input_ids", &ids as &dyn Fn(usize) -> Vec<i32>), ("labels", &labels)].map(|(name, values)| {
            let bytes: Vec<u8> = rows.iter().flat_map(|&row| values(row)).flat_map(i32::to_ne_bytes).collect();
            std::fs::write(folder.join(name), bytes).unwrap();
            (name.to_owned(), folder.join(name))
        });
        let files = RowFiles::open(files.to_vec(), &plan).unwrap();
        prop_assert_eq!(&pack_rows(&plan, &files, range.clone(), &all, padding).unwrap(), &batch);
        let found: Vec<Vec<Vec<i32>>> = ["input_ids", "labels", "seq_lengths", "position_ids", "cu_seqlens", "segment_ids", "seq_start_id", "loss_mask"]
            .iter().map(|name| numbers(&batch, name)).collect();
        let used = plan.options();
        for (at, pack) in plan.packs().skip(range.start).take(range.len()).enumerate() {
            let (mut own_ids, mut own_labels, mut own_segments, mut own_lengths) = (vec![], vec![], vec![], vec![]);
            for (number, slice) in pack.iter().enumerate() {
                let part = slice.start as usize..slice.stop as usize;
                let (tokens, trained) = (&ids(slice.row as usize)[part.clone()], &labels(slice.row as usize)[part]);
                let width = (tokens.len() - usize::from(used.shifted)).next_multiple_of(used.align.get() as usize) + usize::from(used.shifted);
                own_ids.extend_from_slice(tokens);
                own_labels.push(MASKED);
                own_labels.extend_from_slice(&trained[1..]);
                own_segments.extend(std::iter::repeat_n(number as i32 + 1, tokens.len()));
                for _ in tokens.len()..width {
                    own_ids.push(7);
                    own_labels.push(MASKED);
                    own_segments.push(0);
                }
                own_lengths.push(width as i32);
            }
            if to_max_length || pack.is_empty() {
                let tail = (max_length as usize).saturating_sub(own_ids.len());
                own_ids.extend(vec![7; tail]);
                own_labels.extend(vec![MASKED; tail]);
                own_segments.extend(vec![0; tail]);
                own_lengths.extend((tail > 0).then_some(tail as i32));
            }
            let positions: Vec<i32> = own_lengths.iter().flat_map(|&length| 0..length).collect();
            let mut ends = vec![0];
            own_lengths.iter().for_each(|length| ends.push(ends[ends.len() - 1] + length));
            let starts_next = |token: usize| positions.get(token + 1).is_none_or(|position| *position == 0);
            let mask: Vec<i32> = (0..own_ids.len()).map(|token| i32::from(!starts_next(token) && own_labels[token + 1] != MASKED)).collect();
            let starts = ends[..own_lengths.len()].to_vec();
            let expected = [own_ids, own_labels, own_lengths, positions, ends, own_segments, starts, mask];
            for (column, expected) in found.iter().zip(expected) {
                prop_assert_eq!(&column[at], &expected);
            }
        }
    }
}

#[test]
fn rows_of_other_lengths_are_errors() {
    let plan = PackPlan::of(vec![2, 1], &PackOptions::new(NonZeroU32::new(4).unwrap())).unwrap();
    let error = |ids: &[Vec<i32>], labels: &[Vec<i32>]| {
        let batch = RecordBatch::try_from_iter([("input_ids", lists(ids)), ("labels", lists(labels))]).unwrap();
        RowLists::new(&[batch], &plan).unwrap_err().text
    };
    let right = [vec![1, 2], vec![3]];
    for wrong in [[vec![1, 2, 3], vec![3]], [vec![1], vec![3]]] {
        let text =
            |column: &str| format!("row 0 has {} values in the column {column}, but 2 in the plan", wrong[0].len());
        assert!(error(&wrong, &right).starts_with(&text("input_ids")));
        assert!(error(&right, &wrong).starts_with(&text("labels")));
    }
    assert!(error(&right[..1], &right[..1]).starts_with("there are 1 rows, but the plan was made for 2"));
}

#[test]
fn files_of_another_size_are_errors() {
    let plan = PackPlan::of(vec![2, 1], &PackOptions::new(NonZeroU32::new(4).unwrap())).unwrap();
    let path = folder().join("short");
    let error = |name: &str| RowFiles::open(vec![(name.to_owned(), path.clone())], &plan).unwrap_err().text;
    std::fs::write(&path, [0; 8]).unwrap();
    assert!(error("input_ids").contains("short has 8 bytes, but the 3 tokens of the plan need 12 bytes"));
    std::fs::write(&path, [0; 12]).unwrap();
    assert!(error("labels").starts_with("there is no file for input_ids"));
    let rows = RowFiles::open(vec![("input_ids".to_owned(), path.clone())], &plan).unwrap();
    std::fs::write(&path, [0; 8]).unwrap();
    let text = pack_rows(&plan, &rows, 0..1, &[], PackPadding::default()).unwrap_err().text;
    assert!(text.starts_with(&format!("cannot read {}", path.display())), "{text}");
    std::fs::remove_file(&path).unwrap();
    assert!(error("input_ids").starts_with("cannot read"));
}
