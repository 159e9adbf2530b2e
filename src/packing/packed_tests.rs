//! Packs of rows equal those that are written token by token.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{ArrayRef, ListArray, RecordBatch};
use proptest::prelude::*;

use super::{
    Mark, PackOptions, PackPadding, PackPlan, RowLists, RowStore, StoredRows, Strategy, pack_rows, trained_tokens,
};
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

/// A new folder for one test.
fn folder() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("chatmill-packs-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The rows of batches, which are appended in the wrong order.
fn stored(batches: &[RecordBatch], plan: &PackPlan, file: Option<PathBuf>) -> StoredRows {
    let columns: Vec<String> = batches[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    let store = RowStore::new(&columns, file).unwrap();
    let mut row = plan.report().rows as usize;
    for batch in batches.iter().rev() {
        row -= batch.num_rows();
        store.append(row, batch, plan).unwrap();
    }
    store.finish(plan).unwrap()
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
        odd in proptest::option::of((0_usize..30, prop_oneof![Just(-1), Just(0), any::<i32>()])),
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
        // Labels are ids or -100, perhaps except for one row.
        let label = |row: usize, id: i32| match odd {
            Some((odd, label)) if odd == row => label,
            _ if id % 3 == 0 => MASKED,
            _ => id,
        };
        let labels = |row: usize| ids(row).into_iter().map(|id| label(row, id)).collect::<Vec<i32>>();
        let rows: Vec<usize> = (0..lengths.len()).collect();
        let batches = rows.chunks(batch_size).map(|rows| {
            let columns = [("input_ids", rows.iter().map(|&row| ids(row)).collect::<Vec<_>>()), ("labels", rows.iter().map(|&row| labels(row)).collect())];
            RecordBatch::try_from_iter(columns.iter().map(|(name, rows)| (*name, lists(rows)))).unwrap()
        });
        let batches: Vec<RecordBatch> = batches.collect();
        let table = RowLists::new(&batches, &plan).unwrap();
        let all: Vec<Mark> = Mark::NAMES.iter().map(|(_, mark)| *mark).collect();
        let padding = PackPadding { id: Some(7), to_max_length };
        let range = start.min(plan.num_packs())..stop.max(start).min(plan.num_packs());
        let batch = pack_rows(&plan, &table, range.clone(), &all, padding).unwrap();
        prop_assert_eq!(batch.num_rows(), range.len());
        let trained: Vec<usize> = numbers(&batch, "labels").iter().map(|labels| labels.iter().filter(|it| **it != MASKED).count()).collect();
        prop_assert_eq!(trained_tokens(&batch), trained);
        let folder = folder();
        for place in [None, Some(folder.join("numbers"))] {
            let stored = stored(&batches, &plan, place);
            prop_assert_eq!(&pack_rows(&plan, &stored, range.clone(), &all, padding).unwrap(), &batch);
        }
        std::fs::remove_dir_all(&folder).unwrap();
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
fn stored_rows_are_those_of_the_plan() {
    let plan = PackPlan::of(vec![2, 1, 1], &PackOptions::new(NonZeroU32::new(4).unwrap())).unwrap();
    let store = || RowStore::new(&["input_ids".to_owned(), "labels".to_owned()], None).unwrap();
    let batch = |ids: &[Vec<i32>], labels: &[Vec<i32>]| {
        RecordBatch::try_from_iter([("input_ids", lists(ids)), ("labels", lists(labels))]).unwrap()
    };
    let error =
        |row, ids: &[Vec<i32>], labels: &[Vec<i32>]| store().append(row, &batch(ids, labels), &plan).unwrap_err().text;
    let right = [vec![1, 2], vec![3]];
    assert!(error(0, &[vec![1, 2], vec![]], &right).starts_with("row 1 has 0 values in input_ids, but 1 tokens"));
    assert!(error(0, &right, &[vec![1], vec![3]]).starts_with("row 0 has 1 values in labels, but 2 tokens"));
    let changed = "the rows changed while they were read";
    let all = [vec![1, 2], vec![3], vec![4]];
    assert!(error(1, &all, &all).starts_with(changed));
    assert!(error(usize::MAX, &all, &all).starts_with(changed));
    let finished = |ranges: &[std::ops::Range<usize>]| {
        let store = store();
        for range in ranges {
            let rows = &all[range.clone()];
            store.append(range.start, &batch(rows, rows), &plan).unwrap();
        }
        store.finish(&plan).map(|_| ()).map_err(|error| error.text)
    };
    for ranges in [&[][..], &[0..2], &[1..3], &[0..2, 1..3], &[0..3, 0..3], &[0..1, 2..3]] {
        assert!(finished(ranges).unwrap_err().starts_with(changed), "{ranges:?}");
    }
    for ranges in [&[0..3][..], &[2..3, 0..2], &[2..2, 0..2, 2..3, 3..3]] {
        assert_eq!(finished(ranges), Ok(()), "{ranges:?}");
    }
    let error = RowStore::new(&["labels".to_owned()], None).unwrap_err();
    assert!(error.text.starts_with("there is no column input_ids"));
}

#[test]
fn a_file_of_stored_rows_that_is_cut_is_an_error() {
    let plan = PackPlan::of(vec![2, 1], &PackOptions::new(NonZeroU32::new(4).unwrap())).unwrap();
    let folder = folder();
    let path = folder.join("rows");
    let batch = RecordBatch::try_from_iter([("input_ids", lists(&[vec![1, 2], vec![3]]))]).unwrap();
    let store = || RowStore::new(&["input_ids".to_owned()], Some(path.clone()));
    let rows = store().unwrap();
    rows.append(0, &batch, &plan).unwrap();
    // A file is never written over.
    assert!(store().unwrap_err().text.starts_with("cannot create"));
    let rows = rows.finish(&plan).unwrap();
    std::fs::write(&path, [0; 8]).unwrap();
    let text = pack_rows(&plan, &rows, 0..1, &[], PackPadding::default()).unwrap_err().text;
    assert!(text.starts_with(&format!("cannot read {}", path.display())), "{text}");
    std::fs::remove_dir_all(&folder).unwrap();
}
