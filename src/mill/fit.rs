//! Truncation: which tokens of a row are kept.

use std::ops::Range;

use super::Truncation;
use crate::error::{Error, Kind, Result};

/// The tokens to keep of `length`, one range for each sample. `turn_ends` gives the number of tokens before the end of
/// each turn; it is asked for only where whole turns are to be kept.
pub(super) fn fit(
    length: usize,
    max_length: Option<usize>,
    truncation: Truncation,
    turn_ends: impl FnOnce() -> Result<Vec<usize>>,
) -> Result<Vec<Range<usize>>> {
    let Some(most) = max_length.filter(|most| *most < length) else { return Ok(vec![0..length]) };
    let too_long = |what: &str| Error::new(Kind::TooLong, format!("the row has {length} tokens, {what}"));
    Ok(match truncation {
        Truncation::KeepStart => vec![0..most],
        Truncation::KeepEnd => vec![length - most..length],
        Truncation::Split => (0..length).step_by(most).map(|start| start..(start + most).min(length)).collect(),
        Truncation::Turns => match turn_ends()?.into_iter().rev().find(|end| *end <= most && *end > 0) {
            Some(end) => vec![0..end],
            None => return Err(too_long(&format!("and not even its first turn fits into {most}"))),
        },
        Truncation::Drop | Truncation::Raise => return Err(too_long(&format!("more than the {most} of max_length"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(truncation: Truncation) -> Result<Vec<Range<usize>>> {
        fit(10, Some(4), truncation, || Ok(vec![2, 3, 7, 10]))
    }

    #[test]
    fn each_way_keeps_its_part() {
        assert_eq!(by(Truncation::KeepStart).unwrap(), [0..4]);
        assert_eq!(by(Truncation::KeepEnd).unwrap(), [6..10]);
        assert_eq!(by(Truncation::Split).unwrap(), [0..4, 4..8, 8..10]);
        assert_eq!(by(Truncation::Turns).unwrap(), [0..3]);
        assert_eq!(by(Truncation::Drop).unwrap_err().kind, Kind::TooLong);
        assert!(fit(10, Some(1), Truncation::Turns, || Ok(vec![2, 10])).is_err());
    }

    #[test]
    fn what_fits_is_whole() {
        for most in [None, Some(10), Some(11)] {
            assert_eq!(fit(10, most, Truncation::Raise, || Ok(Vec::new())).unwrap(), [0..10]);
        }
    }
}
