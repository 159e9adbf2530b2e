//! Reads and rounds numbers as Python's `int()`, `float()` and `round()` do.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint};

use super::characters::is_decimal;
use super::is_space;

/// The most digits of an integer that Python reads from text.
const MAX_DIGITS: usize = 4300;

/// `int(text, base)`; None if the text is not an integer in this base.
pub(crate) fn parse_int(text: &str, base: i64) -> Option<BigInt> {
    let text = trimmed(text);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixed = |prefix: &str| lower.strip_prefix(prefix).map(|rest| rest.strip_prefix('_').unwrap_or(rest));
    let (radix, digits) = match (base, prefixed("0x"), prefixed("0o"), prefixed("0b")) {
        (16 | 0, Some(rest), ..) => (16, rest),
        (8 | 0, _, Some(rest), _) => (8, rest),
        (2 | 0, .., Some(rest)) => (2, rest),
        (0, ..) => (10, lower.as_str()),
        (2..=36, ..) => (base as u32, lower.as_str()),
        _ => return None,
    };
    let valid = !digits.is_empty()
        && !digits.starts_with('_')
        && !digits.ends_with('_')
        && !digits.contains("__")
        && digits.chars().all(|it| it == '_' || it.is_digit(radix) || is_decimal(it));
    if !valid || digits.len() > MAX_DIGITS {
        return None;
    }
    let digits: String = digits.chars().filter(|it| *it != '_').map(ascii_digit).collect();
    let value = BigInt::parse_bytes(digits.as_bytes(), radix)?;
    Some(if negative { -value } else { value })
}

/// `float(text)`; None if the text is not a number.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let text = trimmed(text);
    let digits = text.trim_start_matches(['+', '-']);
    let misplaced =
        digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") || text.len() - digits.len() > 1;
    let near = |sign: &str| digits.contains(&format!("_{sign}")) || digits.contains(&format!("{sign}_"));
    if misplaced || [".", "e", "E", "+", "-"].iter().any(|sign| near(sign)) {
        return None;
    }
    text.chars().filter(|it| *it != '_').map(ascii_digit).collect::<String>().parse().ok()
}

/// The text without the white space around it. In an ASCII text, Python takes only that of C as white space here.
fn trimmed(text: &str) -> &str {
    match text.is_ascii() {
        true => text.trim_matches(|it| matches!(it, '\t'..='\r' | ' ')),
        false => text.trim_matches(is_space),
    }
}

/// The ASCII digit for a decimal digit of any script; every other character as it is.
fn ascii_digit(character: char) -> char {
    if character.is_ascii() || !is_decimal(character) {
        return character;
    }
    // The ten digits of a script follow each other, from its zero on.
    let code = u32::from(character);
    let zero = (0..10).map(|back| code - back).take_while(|code| char::from_u32(*code).is_some_and(is_decimal));
    let value = zero.count() as u32 - 1;
    char::from_digit(value.min(9), 10).unwrap_or(character)
}

/// The integer part of a float; None for infinity and NaN.
pub(crate) fn whole(float: f64) -> Option<BigInt> {
    let float = float.trunc();
    if float.abs() < 9e18 {
        return Some(BigInt::from(float as i64));
    }
    // Rust writes all digits of a whole float, without an exponent.
    float.is_finite().then(|| format!("{float:.0}").parse().ok()).flatten()
}

/// `round(float, precision)`: the nearest decimal; if two are equally near, the even one. Infinity if it is too large.
pub(crate) fn round_float(float: f64, precision: i32) -> f64 {
    if !float.is_finite() || precision > 323 {
        return float;
    }
    match usize::try_from(precision) {
        // Rust rounds the exact value correctly when it writes it.
        Ok(precision) => format!("{float:.precision$}").parse().unwrap_or(float),
        Err(_) => {
            // An odd number stands for any fraction, because only whole numbers are halfway between two multiples of 10.
            let fraction = if float.fract() == 0.0 { 0 } else { float.signum() as i32 };
            let twice = whole(float).map(|whole| (whole << 1u8) + fraction).unwrap_or_default();
            let rounded = nearest_multiple(&twice, u64::from(precision.unsigned_abs()));
            // Parsing the digits rounds to the nearest float; infinity if there is none.
            rounded.to_string().parse::<f64>().unwrap_or(f64::INFINITY).copysign(float)
        }
    }
}

/// `round(int, -zeros)`.
pub(crate) fn round_integer(int: &BigInt, zeros: u64) -> BigInt {
    nearest_multiple(&(int << 1u8), zeros)
}

/// The multiple of 10 to the power of `zeros` that is nearest to half of `twice`; if two are equally near, the even one.
fn nearest_multiple(twice: &BigInt, zeros: u64) -> BigInt {
    // Ten has more than three bits, so this power of it exceeds `twice`.
    if zeros.saturating_mul(3) > twice.bits() {
        return BigInt::ZERO;
    }
    let unit = BigUint::from(10u8).pow(zeros as u32);
    let (quotient, rest) = (twice.magnitude() / (&unit << 1u8), twice.magnitude() % (&unit << 1u8));
    let up = match rest.cmp(&unit) {
        Ordering::Less => false,
        Ordering::Equal => quotient.bit(0),
        Ordering::Greater => true,
    };
    BigInt::from_biguint(twice.sign(), (quotient + u8::from(up)) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_int_reads_them() {
        for (text, base, expected) in [
            (" +42 ", 10, Some(42)),
            ("-1_000", 10, Some(-1000)),
            ("0x_ff", 0, Some(255)),
            ("0b11", 2, Some(3)),
            ("٣٤", 10, Some(34)),
            ("zz", 36, Some(1295)),
            ("1__0", 10, None),
            ("12.5", 10, None),
            ("", 10, None),
            ("1", 99, None),
        ] {
            assert_eq!(parse_int(text, base), expected.map(BigInt::from), "{text}");
        }
        assert!(parse_int(&"9".repeat(MAX_DIGITS), 10).is_some());
        assert!(parse_int(&"9".repeat(MAX_DIGITS + 1), 10).is_none());
    }

    #[test]
    fn floats_are_read_as_float_reads_them() {
        for (text, expected) in [
            (" 1_0.5e3 ", Some(10500.0)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("1_.5", None),
            ("--1", None),
            ("x", None),
        ] {
            assert_eq!(parse_float(text), expected, "{text}");
        }
    }

    #[test]
    fn floats_are_rounded_as_round_rounds_them() {
        assert_eq!(round_float(2.675, 2), 2.67);
        assert_eq!(round_float(2.5, 0), 2.0);
        assert_eq!(round_float(1250.0, -2), 1200.0);
        assert_eq!(round_float(1250.5, -2), 1300.0);
        assert_eq!(round_float(-25.5, -1), -30.0);
        assert_eq!(round_float(6.487543873912427e+25, -2), 6.487543873912427e+25);
        assert_eq!(round_float(1.7e308, -308), f64::INFINITY);
        assert!(round_float(-3.0, -1).is_sign_negative());
        assert_eq!(whole(-2.9), Some(BigInt::from(-2)));
        assert_eq!(whole(1e20), Some("100000000000000000000".parse().unwrap()));
        assert_eq!(whole(f64::INFINITY), None);
    }

    #[test]
    fn integers_are_rounded_as_round_rounds_them() {
        for (int, zeros, expected) in [
            (9_007_199_254_740_993_i64, 1, 9_007_199_254_740_990_i64),
            (15, 1, 20),
            (25, 1, 20),
            (-25, 1, -20),
            (-35, 1, -40),
            (5, 1, 0),
            (6, 1, 10),
            (50, 2, 0),
            (51, 2, 100),
            (499, 3, 0),
            (512, 3, 1000),
            (15, u64::MAX, 0),
        ] {
            assert_eq!(round_integer(&BigInt::from(int), zeros), BigInt::from(expected), "{int}");
        }
    }
}
