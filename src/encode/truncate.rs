//! `truncate`: the tokens of a long row that are kept.

use std::ops::Range;

use super::Truncation;
use crate::error::{Error, ErrorKind, Result};

/// The token ranges to keep of a row with `length` tokens, one for each sample.
///
/// `turn_ends` gives the number of tokens up to the end of each turn. It is called only if whole turns are kept.
pub(super) fn truncate(
    length: usize,
    max_length: Option<usize>,
    truncation: Truncation,
    turn_ends: impl FnOnce() -> Result<Vec<usize>>,
) -> Result<Vec<Range<usize>>> {
    let Some(max) = max_length.filter(|max| *max < length) else { return Ok(vec![0..length]) };
    let too_long = |text: String| Error::new(ErrorKind::TooLong, text);
    Ok(match truncation {
        Truncation::KeepStart => vec![0..max],
        Truncation::KeepEnd => vec![length - max..length],
        Truncation::Split => (0..length).step_by(max).map(|start| start..(start + max).min(length)).collect(),
        Truncation::Turns => match turn_ends()?.into_iter().rev().find(|end| *end <= max && *end > 0) {
            Some(end) => vec![0..end],
            None => {
                return Err(too_long(format!(
                    "the row has {length} tokens, and its first turn alone exceeds `max_length` {max}"
                )));
            }
        },
        Truncation::Drop | Truncation::Raise => {
            return Err(too_long(format!(
                "the row has {length} tokens, more than `max_length` {max}; increase it or use another `truncation`"
            )));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(truncation: Truncation) -> Result<Vec<Range<usize>>> {
        truncate(10, Some(4), truncation, || Ok(vec![2, 3, 7, 10]))
    }

    #[test]
    fn each_way_keeps_its_part() {
        assert_eq!(by(Truncation::KeepStart).unwrap(), [0..4]);
        assert_eq!(by(Truncation::KeepEnd).unwrap(), [6..10]);
        assert_eq!(by(Truncation::Split).unwrap(), [0..4, 4..8, 8..10]);
        assert_eq!(by(Truncation::Turns).unwrap(), [0..3]);
        assert_eq!(by(Truncation::Drop).unwrap_err().kind, ErrorKind::TooLong);
        assert!(truncate(10, Some(1), Truncation::Turns, || Ok(vec![2, 10])).is_err());
    }

    #[test]
    fn a_row_that_fits_stays_whole() {
        for max in [None, Some(10), Some(11)] {
            assert_eq!(truncate(10, max, Truncation::Raise, || Ok(Vec::new())).unwrap(), [0..10]);
        }
    }
}
