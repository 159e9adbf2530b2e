//! `SampleStatistics`: counts of the samples that are written, from their columns.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, Int32Array, ListArray, RecordBatch};
use arrow_buffer::ToByteSlice;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::id_map::IdMap;
use super::trained_runs::TrainedRuns;
use crate::error::{Error, ErrorKind, Result};
use crate::label::MASKED;

/// The greatest number of samples that are remembered to find duplicates: about 35 MB. Of more samples, a part is
/// compared.
const MAX_REMEMBERED: usize = 1_800_000;
/// The number of tokens in the lists of the most frequent ones.
const MOST_FREQUENT: usize = 12;
/// None, ten tenths, all.
const SHARES: usize = 12;

/// Counts of written samples.
#[derive(Debug, Clone)]
pub struct SampleStatistics {
    bos: Option<i32>,
    pads_left: bool,
    samples: u64,
    tokens: u64,
    trained: u64,
    begins_with_bos: u64,
    lengths: IdMap<u32, u64>,
    shares: [u64; SHARES],
    first_trained: IdMap<i32, u64>,
    last_trained: IdMap<i32, u64>,
    seen: Seen,
    /// A buffer that each sample uses again.
    runs: TrainedRuns,
}

/// Sums of [`SampleStatistics`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleTotals {
    /// Number of samples.
    pub samples: u64,
    /// Their tokens, without padding.
    pub tokens: u64,
    /// Those of them that are trained.
    pub trained_tokens: u64,
    /// Samples that begin with the begin-of-text token.
    pub begins_with_bos: u64,
    /// Samples by length, ascending.
    pub lengths: Vec<(u32, u64)>,
    /// Samples by trained share: none, up to a tenth, up to two tenths and so on, and all.
    pub trained_shares: [u64; SHARES],
    /// The most frequent first trained tokens, with their numbers of samples.
    pub first_trained: Vec<(i32, u64)>,
    /// The most frequent last trained tokens, with their numbers of samples.
    pub last_trained: Vec<(i32, u64)>,
    /// Samples that equal an earlier one.
    pub duplicates: u64,
    /// Whether all samples were compared.
    pub duplicates_are_exact: bool,
}

impl SampleStatistics {
    /// Without any sample. `bos` is the begin-of-text token, and `pads_left` tells the side of padding.
    pub fn new(bos: Option<i32>, pads_left: bool) -> SampleStatistics {
        SampleStatistics {
            bos,
            pads_left,
            samples: 0,
            tokens: 0,
            trained: 0,
            begins_with_bos: 0,
            lengths: IdMap::default(),
            shares: [0; SHARES],
            first_trained: IdMap::default(),
            last_trained: IdMap::default(),
            seen: Seen::default(),
            runs: TrainedRuns::default(),
        }
    }

    /// Adds the samples of a batch: the columns `input_ids` and `labels`, or `prompt_ids` and one column for each
    /// answer, `answers`. `length` tells where padding begins.
    ///
    /// # Errors
    ///
    /// Fails if a column is missing, or is no list of 32-bit numbers.
    pub fn add(&mut self, batch: &RecordBatch, answers: &[String]) -> Result<()> {
        if answers.is_empty() {
            let (ids, labels) = (lists(batch, "input_ids")?, lists(batch, "labels")?);
            let lengths = batch.column_by_name("length").and_then(|it| it.as_primitive_opt::<Int32Type>());
            for row in (0..batch.num_rows()).filter(|row| ids.is_valid(*row)) {
                let (ids, labels) = (values(ids, row)?, values(labels, row)?);
                let length = lengths.map_or(ids.len(), |lengths| lengths.value(row) as usize).min(ids.len());
                let range = if self.pads_left { ids.len() - length..ids.len() } else { 0..length };
                let (Some(ids), Some(labels)) = (ids.get(range.clone()), labels.get(range)) else {
                    return Err(Error::new(ErrorKind::Batch, "`labels` are shorter than `input_ids`"));
                };
                self.push(ids, labels);
            }
            return Ok(());
        }
        let prompts = batch.column_by_name("prompt_ids").map(|_| lists(batch, "prompt_ids")).transpose()?;
        let answers = answers.iter().map(|name| lists(batch, name)).collect::<Result<Vec<_>>>()?;
        let (mut ids, mut labels) = (Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            for answer in answers.iter().filter(|answer| answer.is_valid(row)) {
                let prompt = prompts.map_or(Ok(&[][..]), |prompts| values(prompts, row))?;
                let answer = values(answer, row)?;
                ids.clear();
                ids.extend_from_slice(prompt);
                ids.extend_from_slice(answer);
                labels.clear();
                labels.resize(prompt.len(), MASKED);
                labels.extend_from_slice(answer);
                self.push(&ids, &labels);
            }
        }
        Ok(())
    }

    fn push(&mut self, ids: &[i32], labels: &[i32]) {
        self.runs.set(labels);
        let trained = self.runs.total();
        let runs = self.runs.as_slice();
        self.samples += 1;
        self.tokens += ids.len() as u64;
        self.trained += trained as u64;
        *self.lengths.entry(ids.len() as u32).or_default() += 1;
        self.shares[share(trained, ids.len())] += 1;
        if self.bos.is_some() && ids.first().copied() == self.bos {
            self.begins_with_bos += 1;
        }
        if let (Some(first), Some(last)) = (runs.first(), runs.last()) {
            *self.first_trained.entry(ids[first.start]).or_default() += 1;
            *self.last_trained.entry(ids[last.end - 1]).or_default() += 1;
        }
        // Equal ids with the same trained tokens have equal labels, also where labels are other numbers than ids.
        self.seen.push(xxh3_64_with_seed(ids.to_byte_slice(), hash_of(runs)));
    }

    /// The sums.
    pub fn totals(&self) -> SampleTotals {
        let mut lengths: Vec<(u32, u64)> = self.lengths.iter().map(|(length, samples)| (*length, *samples)).collect();
        lengths.sort_unstable();
        SampleTotals {
            samples: self.samples,
            tokens: self.tokens,
            trained_tokens: self.trained,
            begins_with_bos: self.begins_with_bos,
            lengths,
            trained_shares: self.shares,
            first_trained: most_frequent(&self.first_trained),
            last_trained: most_frequent(&self.last_trained),
            duplicates: self.seen.duplicates(),
            duplicates_are_exact: self.seen.shift == 0,
        }
    }
}

/// The samples that were seen, by a hash of 64 bits: all of them, or those whose last `shift` bits are 0.
#[derive(Debug, Clone, Default)]
struct Seen {
    shift: u32,
    samples: IdMap<u64, u32>,
}

impl Seen {
    fn push(&mut self, hash: u64) {
        if self.is_chosen(hash) {
            let count = self.samples.entry(hash).or_default();
            *count = count.saturating_add(1);
            if self.samples.len() > MAX_REMEMBERED {
                self.shift += 1;
                let mask = (1 << self.shift) - 1;
                self.samples.retain(|hash, _| hash & mask == 0);
                self.samples.shrink_to_fit();
            }
        }
    }

    fn is_chosen(&self, hash: u64) -> bool {
        hash & ((1 << self.shift) - 1) == 0
    }

    fn duplicates(&self) -> u64 {
        self.samples.values().map(|count| u64::from(count - 1)).sum::<u64>() << self.shift
    }
}

fn share(trained: usize, length: usize) -> usize {
    if trained == length && length > 0 { SHARES - 1 } else { (10 * trained).div_ceil(length.max(1)) }
}

/// A hash of where the trained tokens are.
fn hash_of(runs: &[Range<usize>]) -> u64 {
    runs.iter().fold(0u64, |hash, run| {
        let border = (run.start as u64) << 32 ^ run.end as u64;
        (hash.rotate_left(23) ^ border).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    })
}

fn most_frequent(counts: &IdMap<i32, u64>) -> Vec<(i32, u64)> {
    let mut counts: Vec<(i32, u64)> = counts.iter().map(|(id, samples)| (*id, *samples)).collect();
    counts.sort_unstable_by_key(|(id, samples)| (std::cmp::Reverse(*samples), *id));
    counts.truncate(MOST_FREQUENT);
    counts
}

fn lists<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ListArray> {
    let column = batch.column_by_name(name).and_then(|column| column.as_list_opt::<i32>());
    column.ok_or_else(|| Error::new(ErrorKind::Batch, format!("the batch has no column `{name}` of lists")))
}

fn values(lists: &ListArray, row: usize) -> Result<&[i32]> {
    let numbers: Option<&Int32Array> = lists.values().as_primitive_opt::<Int32Type>();
    let (start, end) = (lists.value_offsets()[row] as usize, lists.value_offsets()[row + 1] as usize);
    let numbers = numbers.and_then(|numbers| numbers.values().get(start..end));
    numbers.ok_or_else(|| Error::new(ErrorKind::Batch, "token ids and labels must be 32-bit numbers"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::ArrayRef;

    use super::*;

    fn batch(columns: &[(&str, &[Option<&[i32]>])]) -> RecordBatch {
        let list = |rows: &[Option<&[i32]>]| -> ArrayRef {
            let rows = rows.iter().map(|row| row.map(|row| row.iter().map(|id| Some(*id)).collect::<Vec<_>>()));
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(rows))
        };
        RecordBatch::try_from_iter(columns.iter().map(|(name, rows)| (*name, list(rows)))).unwrap()
    }

    #[test]
    fn each_sample_counts_once() {
        let rows = batch(&[
            ("input_ids", &[Some(&[1, 5, 6]), None, Some(&[1, 5, 6]), Some(&[7]), Some(&[1, 5, 6])]),
            ("labels", &[Some(&[-100, 5, 6]), None, Some(&[-100, 5, 6]), Some(&[7]), Some(&[-100, -100, -100])]),
        ]);
        let mut counted = SampleStatistics::new(Some(1), false);
        counted.add(&rows, &[]).unwrap();
        let expected = SampleTotals {
            samples: 4,
            tokens: 10,
            trained_tokens: 5,
            begins_with_bos: 3,
            lengths: vec![(1, 1), (3, 3)],
            trained_shares: [1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1],
            first_trained: vec![(5, 2), (7, 1)],
            last_trained: vec![(6, 2), (7, 1)],
            duplicates: 1,
            duplicates_are_exact: true,
        };
        assert_eq!(counted.totals(), expected);
    }

    #[test]
    fn answers_are_sequences_with_their_prompt() {
        let rows = batch(&[
            ("prompt_ids", &[Some(&[1, 2])]),
            ("chosen_ids", &[Some(&[3])]),
            ("rejected_ids", &[Some(&[4, 5])]),
        ]);
        let mut counted = SampleStatistics::new(None, false);
        counted.add(&rows, &["chosen_ids".into(), "rejected_ids".into()]).unwrap();
        let totals = counted.totals();
        assert_eq!((totals.samples, totals.tokens, totals.trained_tokens), (2, 7, 3));
        assert_eq!(totals.last_trained, [(3, 1), (5, 1)]);
    }

    #[test]
    fn padding_is_left_out() {
        let mut rows = batch(&[("input_ids", &[Some(&[0, 0, 7])]), ("labels", &[Some(&[-100, -100, 7])])]);
        let lengths: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        rows = RecordBatch::try_from_iter([
            ("input_ids", rows.column(0).clone()),
            ("labels", rows.column(1).clone()),
            ("length", lengths),
        ])
        .unwrap();
        for (pads_left, trained) in [(true, 1), (false, 0)] {
            let mut counted = SampleStatistics::new(None, pads_left);
            counted.add(&rows, &[]).unwrap();
            assert_eq!((counted.totals().tokens, counted.totals().trained_tokens), (1, trained));
        }
    }

    #[test]
    fn the_same_ids_with_other_labels_are_another_sample() {
        let mut counted = SampleStatistics::new(None, false);
        for labels in [[-100, 1, 1], [-100, 1, -100], [1, 1, 1], [-100, -100, -100], [-100, 1, 1]] {
            counted.push(&[1, 1, 1], &labels);
        }
        assert_eq!(counted.totals().duplicates, 1);
    }

    #[test]
    fn shares_are_tenths() {
        assert_eq!([0, 1, 10, 11, 99, 100].map(|trained| share(trained, 100)), [0, 1, 1, 2, 10, 11]);
        assert_eq!((share(0, 0), share(1, 3)), (0, 4));
    }

    #[test]
    fn of_too_many_samples_a_part_is_compared() {
        let mut seen = Seen { shift: 1, ..Seen::default() };
        for hash in [2, 2, 3, 3, 4] {
            seen.push(hash);
        }
        assert_eq!((seen.samples.len(), seen.duplicates()), (2, 2));
    }

    #[test]
    fn wrong_columns_are_errors() {
        let mut counted = SampleStatistics::new(None, false);
        let rows = batch(&[("input_ids", &[Some(&[1, 2])]), ("labels", &[Some(&[1])])]);
        assert!(counted.add(&rows, &[]).is_err());
        assert!(counted.add(&batch(&[("input_ids", &[Some(&[1])])]), &[]).is_err());
    }
}
