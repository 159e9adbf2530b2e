//! `digest_of_lines`: what rows are, as a checksum. Where they are in memory does not count.

use arrow_array::{Array, LargeBinaryArray};

/// The BLAKE3 checksum of binary values, in hexadecimal digits.
///
/// * `kind`: a text that tells values of one kind from equal ones of another kind.
pub fn digest_of_lines(kind: &str, lines: &LargeBinaryArray) -> String {
    let mut found = blake3::Hasher::new();
    // With their lengths, two texts cannot be taken for one.
    found.update(&(kind.len() as u64).to_le_bytes()).update(kind.as_bytes());
    let lengths: Vec<u8> =
        lines.iter().flat_map(|line| line.map_or(u64::MAX, |line| line.len() as u64).to_le_bytes()).collect();
    found.update(&(lines.len() as u64).to_le_bytes()).update(&lengths);
    match (lines.null_count(), lines.value_offsets().first(), lines.value_offsets().last()) {
        (0, Some(first), Some(last)) => {
            found.update(&lines.value_data()[*first as usize..*last as usize]);
        }
        // A null may hold bytes, which are no part of the rows.
        _ => lines.iter().flatten().for_each(|line| {
            found.update(line);
        }),
    }
    found.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(values: &[Option<&str>]) -> LargeBinaryArray {
        values.iter().map(|it| it.map(str::as_bytes)).collect()
    }

    #[test]
    fn equal_values_have_the_same_digest_wherever_they_are() {
        let all = lines(&[Some("x"), Some("one"), Some(""), Some("two")]);
        let digest = digest_of_lines("a", &lines(&[Some("one"), Some(""), Some("two")]));
        assert_eq!(digest_of_lines("a", &all.slice(1, 3)), digest);
        assert_eq!(digest.len(), 64);
        let with_null = lines(&[Some("one"), None, Some("two")]);
        assert_eq!(
            digest_of_lines("a", &with_null),
            digest_of_lines("a", &lines(&[Some("x"), Some("one"), None, Some("two")]).slice(1, 3))
        );
    }

    #[test]
    fn other_values_have_another_digest() {
        let mut digests: Vec<String> = [
            ("a", &[Some("ab"), Some("c")][..]),
            ("a", &[Some("a"), Some("bc")]),
            ("a", &[Some("abc")]),
            ("a", &[Some("ab"), Some("c"), Some("")]),
            ("a", &[Some("ab"), Some("c"), None]),
            ("b", &[Some("ab"), Some("c")]),
            ("", &[]),
        ]
        .map(|(kind, values)| digest_of_lines(kind, &lines(values)))
        .into();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 7);
    }
}
