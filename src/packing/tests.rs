//! Properties of all plans, for any lengths and options.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::{PackOptions, PackPlan, Remainder, Slice, Strategy};
use crate::choice::Choice;
use crate::encode::Truncation;

fn non_zero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    proptest::sample::select(Strategy::NAMES.iter().map(|(_, strategy)| *strategy).collect::<Vec<_>>())
}

fn truncations() -> impl proptest::strategy::Strategy<Value = Truncation> {
    proptest::sample::select(vec![Truncation::KeepStart, Truncation::KeepEnd, Truncation::Drop, Truncation::Split])
}

prop_compose! {
    fn options()(
        max_length in 1_u32..70,
        strategy in strategies(),
        truncation in truncations(),
        seed in prop::option::of(any::<u64>()),
        max_rows in prop::option::of(1_u32..5),
        align in 1_u32..5,
        shifted in any::<bool>(),
        group_size in prop::option::of(1_u32..30),
        multiple_of in 1_u32..4,
        pads in any::<bool>(),
    ) -> PackOptions {
        let is_wrapped = strategy == Strategy::Wrapped;
        let splits = is_wrapped || strategy == Strategy::BfdSplit;
        PackOptions {
            max_length: non_zero(max_length),
            strategy,
            truncation: if splits { Truncation::Split } else { truncation },
            seed,
            max_rows: max_rows.filter(|_| !is_wrapped).map(non_zero),
            align: non_zero(if is_wrapped { 1 } else { align.min(max_length) }),
            shifted: shifted && !is_wrapped,
            group_size: group_size.map(non_zero),
            multiple_of: non_zero(multiple_of),
            remainder: if pads { Remainder::Pad } else { Remainder::Drop },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_token_is_in_one_pack_or_counted(
        lengths in prop::collection::vec(0_u32..100, 0..80),
        options in options(),
    ) {
        let plan = PackPlan::of(lengths.clone(), &options).unwrap();
        prop_assert_eq!(&plan, &PackPlan::of(lengths.clone(), &options).unwrap());
        let used = plan.options();
        let report = plan.report();
        let mut seen: Vec<Vec<bool>> = lengths.iter().map(|&length| vec![false; length as usize]).collect();
        for pack in plan.packs() {
            let size: u32 = pack.iter().map(|slice| used.room(slice.len())).sum();
            prop_assert!(size <= used.max_length.get(), "{pack:?}");
            prop_assert!(used.max_rows.is_none_or(|most| pack.len() <= most.get() as usize), "{pack:?}");
            let group = |slice: &Slice| used.group_size.map(|size| slice.row / size);
            prop_assert!(pack.windows(2).all(|pair| group(&pair[0]) == group(&pair[1])), "{pack:?}");
            for slice in pack {
                prop_assert!(slice.start < slice.stop);
                for token in slice.start..slice.stop {
                    let place = &mut seen[slice.row as usize][token as usize];
                    prop_assert!(!*place, "token {token} of row {} is in two places", slice.row);
                    *place = true;
                }
            }
        }
        let in_packs: u64 = seen.iter().flatten().filter(|seen| **seen).count() as u64;
        let tokens: u64 = lengths.iter().map(|&length| u64::from(length)).sum();
        prop_assert_eq!(in_packs, report.tokens);
        prop_assert_eq!(tokens, report.tokens + report.cut_tokens + report.dropped_tokens);
        prop_assert_eq!(report.packs % u64::from(used.multiple_of.get()), 0);
        prop_assert_eq!(report.packs, plan.num_packs() as u64);
        prop_assert_eq!(report.empty_rows, lengths.iter().filter(|length| **length == 0).count() as u64);
        for (row, seen) in seen.iter().enumerate() {
            let is_whole = seen.iter().all(|seen| *seen);
            let is_long = lengths[row] > used.longest();
            let is_dropped = plan.dropped().contains(&(row as u32));
            prop_assert!(is_whole || is_dropped || is_long, "row {row} lost tokens");
            let splits = matches!(used.strategy, Strategy::BfdSplit | Strategy::Wrapped) || used.truncation == Truncation::Split;
            prop_assert!(!splits || is_whole || is_dropped, "row {row} lost tokens");
        }
        let split = plan.packs().flatten().filter(|slice| slice.start > 0 && slice.stop < lengths[slice.row as usize]);
        let may_split = used.truncation == Truncation::Split || used.strategy == Strategy::Wrapped;
        prop_assert!(may_split || split.count() == 0);
    }

    #[test]
    fn the_order_of_packs_is_all_that_a_seed_changes(
        lengths in prop::collection::vec(1_u32..100, 0..80),
        options in options(),
        seed in any::<u64>(),
    ) {
        // The seed of a random order of rows changes the packs too.
        let strategy = match options.strategy {
            Strategy::FirstFitShuffle => Strategy::FirstFit,
            strategy => strategy,
        };
        let packs = |seed| {
            let options = PackOptions { strategy, seed, multiple_of: NonZeroU32::MIN, ..options.clone() };
            let plan = PackPlan::of(lengths.clone(), &options).unwrap();
            let mut packs: Vec<Vec<(u32, u32)>> = plan.packs().map(|pack| pack.iter().map(|it| (it.row, it.start)).collect()).collect();
            packs.sort_unstable();
            packs
        };
        prop_assert_eq!(packs(None), packs(Some(seed)));
    }

    /// The strategies, written in the simplest way.
    #[test]
    fn packs_are_those_of_the_simple_way(
        lengths in prop::collection::vec(1_u32..60, 0..60),
        capacity in 1_u32..60,
        max_rows in prop::option::of(1_u32..6),
        strategy in proptest::sample::select(vec![
            Strategy::Bfd, Strategy::Ffd, Strategy::FirstFit, Strategy::Multipack, Strategy::Knapsack, Strategy::Sequential,
        ]),
    ) {
        let lengths: Vec<u32> = lengths.into_iter().map(|length| length.min(capacity)).collect();
        let options = PackOptions { strategy, max_rows: max_rows.map(non_zero), ..PackOptions::new(non_zero(capacity)) };
        let plan = PackPlan::of(lengths.clone(), &options).unwrap();
        let found: Vec<Vec<u32>> = plan.packs().map(|pack| pack.iter().map(|slice| slice.row).collect()).collect();
        let most = plan.options().max_rows.map_or(u32::MAX, NonZeroU32::get) as usize;
        prop_assert_eq!(found, simple(&lengths, capacity, most, strategy));
    }
}

fn simple(lengths: &[u32], capacity: u32, most: usize, strategy: Strategy) -> Vec<Vec<u32>> {
    let mut rows: Vec<u32> = (0..lengths.len() as u32).collect();
    let length = |row: u32| lengths[row as usize];
    if matches!(strategy, Strategy::Bfd | Strategy::Ffd) {
        rows.sort_by_key(|&row| std::cmp::Reverse(length(row)));
    }
    let mut packs: Vec<Vec<u32>> = Vec::new();
    if strategy == Strategy::Knapsack {
        while !rows.is_empty() {
            let (mut pack, mut room) = (Vec::new(), capacity);
            while let Some(at) =
                (0..rows.len()).filter(|&at| length(rows[at]) <= room).max_by_key(|&at| (length(rows[at]), at))
                && pack.len() < most
            {
                room -= length(rows[at]);
                pack.push(rows.remove(at));
            }
            packs.push(pack);
        }
        return packs;
    }
    // When each pack got its last row, which orders the queues of best fit.
    let mut since: Vec<usize> = Vec::new();
    for (time, row) in rows.into_iter().enumerate() {
        let room = |pack: &Vec<u32>| capacity - pack.iter().map(|&row| length(row)).sum::<u32>();
        let fits = |at: &usize| room(&packs[*at]) >= length(row) && packs[*at].len() < most;
        let found = match strategy {
            Strategy::Bfd => (0..packs.len()).filter(fits).min_by_key(|&at| (room(&packs[at]), since[at])),
            Strategy::Sequential => packs.len().checked_sub(1).filter(fits),
            _ => (0..packs.len()).find(fits),
        };
        match found {
            Some(at) => {
                packs[at].push(row);
                since[at] = time;
            }
            None => {
                packs.push(vec![row]);
                since.push(time);
            }
        }
    }
    packs
}

#[test]
fn options_that_contradict_are_errors() {
    let options = PackOptions::new(non_zero(8));
    let error = |options: PackOptions| PackPlan::of(vec![9], &options).unwrap_err().text;
    assert!(error(PackOptions { truncation: Truncation::Raise, ..options.clone() }).starts_with("row 0 has 9 tokens"));
    assert!(error(PackOptions { truncation: Truncation::Turns, ..options.clone() }).contains("turns are not known"));
    assert!(error(PackOptions { align: non_zero(9), ..options.clone() }).starts_with("`align` is 9, but a pack has 8"));
    for strategy in [Strategy::Wrapped, Strategy::BfdSplit] {
        let options = PackOptions { strategy, truncation: Truncation::KeepEnd, ..options.clone() };
        assert!(error(options).contains("so `truncation` \"keep_end\" has no effect"));
    }
    let wrapped = PackOptions { strategy: Strategy::Wrapped, max_rows: Some(non_zero(1)), ..options };
    assert!(error(wrapped).starts_with("`strategy=\"wrapped\"` cuts"));
}
