//! Runs: small numbers in Parquet's hybrid of run lengths and bit-packed numbers.

/// Equal numbers are a run of their own if they are at least so many; shorter ones take no more room bit-packed.
const SHORTEST: usize = 16;
/// Numbers are bit-packed in groups of this many.
const GROUP: usize = 8;

/// The number of bits of the largest number.
pub(super) fn width_of(largest: u32) -> u32 {
    (u32::BITS - largest.leading_zeros()).max(1)
}

/// Appends numbers, each of which has at most `width` bits.
pub(super) fn push_runs(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let (mut at, mut packed_from) = (0, 0);
    while let Some(group) = numbers.get(at..at + GROUP) {
        let value = group[0];
        if group.iter().all(|number| *number == value) {
            let length = run_length(&numbers[at..], value);
            if length >= SHORTEST {
                push_packed(&numbers[packed_from..at], width, out);
                push_run(value, length, width, out);
                at += length;
                packed_from = at;
                continue;
            }
        }
        at += GROUP;
    }
    push_packed(&numbers[packed_from..], width, out);
}

/// Appends `length` times the same number.
pub(super) fn push_run(value: u32, length: usize, width: u32, out: &mut Vec<u8>) {
    push_varint((length as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// How often `value` occurs at the beginning of `numbers`.
fn run_length(numbers: &[u32], value: u32) -> usize {
    let groups = numbers.chunks_exact(GROUP);
    let whole = groups.take_while(|group| group.iter().all(|number| *number == value)).count() * GROUP;
    whole + numbers[whole..].iter().take_while(|number| **number == value).count()
}

/// Appends bit-packed numbers. Zeros fill the last group.
fn push_packed(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.chunks_exact(GROUP);
    let rest = groups.remainder();
    push_varint((numbers.len().div_ceil(GROUP) as u64) << 1 | 1, out);
    pack(&numbers[..numbers.len() - rest.len()], width, out);
    if !rest.is_empty() {
        let mut last = [0; GROUP];
        last[..rest.len()].copy_from_slice(rest);
        pack(&last, width, out);
    }
}

/// Appends whole groups, bit by bit from the least significant one.
fn pack(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if width == 16 {
        out.extend(numbers.iter().flat_map(|number| (*number as u16).to_le_bytes()));
        return;
    }
    let (mut bits, mut held) = (0u64, 0);
    for number in numbers {
        bits |= u64::from(*number) << held;
        held += width;
        if held >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            held -= 32;
        }
    }
    // A group has as many bytes as a number has bits, so whole bytes are left.
    out.extend_from_slice(&bits.to_le_bytes()[..held as usize / 8]);
}

fn push_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_format() {
        // 0 to 7 with three bits, as in the description of Parquet's encodings.
        let mut out = Vec::new();
        push_runs(&[0, 1, 2, 3, 4, 5, 6, 7], 3, &mut out);
        assert_eq!(out, [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010]);
    }

    #[test]
    fn long_runs_are_counted() {
        let mut out = Vec::new();
        push_runs(&[300; 100], 9, &mut out);
        assert_eq!(out, [200, 1, 44, 1]);
        out.clear();
        push_runs(&[5; SHORTEST - 1], 3, &mut out);
        assert_eq!((out[0], out.len()), (2 << 1 | 1, 1 + 2 * 3));
    }

    #[test]
    fn a_width_has_at_least_one_bit() {
        assert_eq!([0, 1, 2, 255, 256, u32::MAX].map(width_of), [1, 1, 2, 8, 9, 32]);
    }
}
