//! `Pieces`: rows, or parts of them, that fit into a pack.

use super::options::PackOptions;
use super::plan::Slice;
use crate::encode::Truncation;
use crate::error::{Error, ErrorKind, Result};

/// Rows or parts of rows, none of which is longer than a pack.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) slices: Vec<Slice>,
    /// The rows that were dropped because they are longer than a pack.
    pub(super) dropped: Vec<u32>,
    /// The rows that lost tokens, and those tokens, without the dropped rows.
    pub(super) cut: (u64, u64),
    /// The rows without tokens.
    pub(super) empty: u64,
}

impl Pieces {
    /// The pieces of rows of these lengths.
    ///
    /// # Errors
    ///
    /// Fails if there are more rows than a number of 32 bits, or if a long row is an error.
    pub(super) fn of(lengths: &[u32], options: &PackOptions) -> Result<Pieces> {
        let count = u32::try_from(lengths.len()).map_err(|_| {
            let text = format!("there are {} rows, more than a plan can have ({})", lengths.len(), u32::MAX);
            Error::new(ErrorKind::Option, text)
        })?;
        let longest = options.longest();
        let mut pieces = Pieces { slices: Vec::with_capacity(lengths.len()), ..Pieces::default() };
        for (row, &length) in (0..count).zip(lengths) {
            if length == 0 {
                pieces.empty += 1;
            } else if length <= longest {
                pieces.slices.push(Slice { row, start: 0, stop: length });
            } else {
                pieces.add_long(row, length, longest, options.truncation)?;
            }
        }
        Ok(pieces)
    }

    fn add_long(&mut self, row: u32, length: u32, longest: u32, truncation: Truncation) -> Result<()> {
        let (start, stop) = match truncation {
            Truncation::Raise => {
                let text = format!(
                    "row {row} has {length} tokens, but a pack has room for {longest}; raise `max_length`, or choose \
                     another `truncation`"
                );
                return Err(Error::new(ErrorKind::TooLong, text));
            }
            Truncation::Drop => {
                self.dropped.push(row);
                return Ok(());
            }
            Truncation::Split => {
                let starts = (0..length).step_by(longest as usize);
                let stop = |start: u32| start.saturating_add(longest).min(length);
                self.slices.extend(starts.map(|start| Slice { row, start, stop: stop(start) }));
                return Ok(());
            }
            Truncation::KeepEnd => (length - longest, length),
            Truncation::KeepStart | Truncation::Turns => (0, longest),
        };
        self.cut.0 += 1;
        self.cut.1 += u64::from(length - longest);
        self.slices.push(Slice { row, start, stop });
        Ok(())
    }
}
