//! `IdDictionary`: the different values of a token column, in the order in which they occur.

use std::ops::RangeInclusive;

/// The values that a dictionary can hold: token ids, the label -100, positions and lengths.
pub(super) const VALUES: RangeInclusive<i32> = -128..=(1 << 22) - 1;
const ABSENT: u32 = u32::MAX;

/// The different values of a column, each with its place among them.
#[derive(Debug, Default)]
pub(super) struct IdDictionary {
    values: Vec<i32>,
    /// The place of each value, by the value. A hash of the value took half of the time of writing a column.
    places: Vec<u32>,
}

impl IdDictionary {
    /// The values in the order of their places.
    pub(super) fn values(&self) -> &[i32] {
        &self.values
    }

    /// Makes room for values up to `largest`, which must be in [`VALUES`].
    pub(super) fn reserve(&mut self, largest: i32) {
        let places = slot(largest) + 1;
        if places > self.places.len() {
            self.places.resize(places, ABSENT);
        }
    }

    /// Appends the places of `numbers`, for which there must be [room](Self::reserve).
    pub(super) fn push_places(&mut self, numbers: &[i32], places: &mut Vec<u32>) {
        places.extend(numbers.iter().map(|&number| {
            let place = &mut self.places[slot(number)];
            if *place == ABSENT {
                *place = self.values.len() as u32;
                self.values.push(number);
            }
            *place
        }));
    }

    /// Removes all values.
    pub(super) fn clear(&mut self) {
        for value in self.values.drain(..) {
            self.places[slot(value)] = ABSENT;
        }
    }
}

fn slot(value: i32) -> usize {
    (value - VALUES.start()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_places_in_the_order_of_their_first_occurrence() {
        let mut dictionary = IdDictionary::default();
        for _ in 0..2 {
            let mut places = Vec::new();
            dictionary.reserve(900);
            dictionary.push_places(&[7, -100, 7, 900], &mut places);
            dictionary.push_places(&[900, 0], &mut places);
            assert_eq!((dictionary.values(), places.as_slice()), (&[7, -100, 900, 0][..], &[0, 1, 0, 2, 2, 3][..]));
            dictionary.clear();
        }
    }
}
