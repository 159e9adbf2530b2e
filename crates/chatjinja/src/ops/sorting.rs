//! A stable sort that compares only with "less than", as Python's `sorted` does.
//!
//! The sort of the standard library cannot fail, and may panic if an order contradicts itself. One NaN is enough for
//! that.

use crate::runtime::EvalResult;

/// Up to this length, items are sorted by insertion in the same way as CPython does. So even an order that contradicts
/// itself gives the same result as in Python.
const INSERTION: usize = 63;

/// The items, sorted. An error of `less` ends the sorting.
pub(crate) fn sorted<T: Clone>(items: Vec<T>, less: &mut dyn FnMut(&T, &T) -> EvalResult<bool>) -> EvalResult<Vec<T>> {
    if items.len() <= INSERTION {
        return inserted(items, less);
    }
    let mut left = items;
    let right = left.split_off(left.len() / 2);
    let (left, right) = (sorted(left, less)?, sorted(right, less)?);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        let from = if less(second, first)? { &mut right } else { &mut left };
        merged.extend(from.next());
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

/// Sorts by binary insertion after the ascending run at the start. If the run is descending, it is reversed first.
fn inserted<T: Clone>(mut items: Vec<T>, less: &mut dyn FnMut(&T, &T) -> EvalResult<bool>) -> EvalResult<Vec<T>> {
    if items.len() < 2 {
        return Ok(items);
    }
    let falling = less(&items[1], &items[0])?;
    let mut run = 2;
    while run < items.len() && less(&items[run], &items[run - 1])? == falling {
        run += 1;
    }
    if falling {
        items[..run].reverse();
    }
    for at in run..items.len() {
        let (mut low, mut high) = (0, at);
        while low < high {
            let middle = low + (high - low) / 2;
            if less(&items[at], &items[middle])? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        items[low..=at].rotate_right(1);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts_as_the_standard_library_does(items in prop::collection::vec((0u8..20, 0u16..1000), 0..300)) {
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            let found = sorted(items, &mut |left, right| Ok(left.0 < right.0)).unwrap();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn contradictions_do_no_harm(items in prop::collection::vec(any::<f64>(), 0..200)) {
            let found = sorted(items.clone(), &mut |left, right| Ok(left < right)).unwrap();
            prop_assert_eq!(found.len(), items.len());
        }
    }
}
