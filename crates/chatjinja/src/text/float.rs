//! Floats as `repr` and `json.dumps` write them.

use std::fmt::{self, Write};

/// Writes `value` as `repr` does: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on.
pub(crate) fn write_float(out: &mut impl Write, value: f64) -> fmt::Result {
    if value.is_nan() {
        return out.write_str("nan");
    }
    if value.is_infinite() {
        return out.write_str(if value > 0.0 { "inf" } else { "-inf" });
    }
    let scientific = shortest(value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if mantissa.starts_with('-') {
        out.write_char('-')?;
    }
    match usize::try_from(exponent) {
        Ok(whole) if whole + 1 < digits.len() => write!(out, "{}.{}", &digits[..=whole], &digits[whole + 1..]),
        Ok(whole) => write!(out, "{digits:0<0$}.0", whole + 1),
        Err(_) => write!(out, "0.{:0<1$}{digits}", "", exponent.unsigned_abs() as usize - 1),
    }
}

/// The shortest digits that read back, in scientific form, such as `-1.5e-7`.
///
/// Two strings of the same length may be equally near to a value, such as 698974850550462.2 and .3 to
/// 698974850550462.25. Python takes the even digit, Rust's shortest form does not; its rounding to a number of digits
/// does. Fewer than 15 digits that read back are exact, or the only ones.
fn shortest(value: f64) -> String {
    let shortest = format!("{value:e}");
    let digits = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    if digits < 15 {
        return shortest;
    }
    let nearest = format!("{value:.*e}", digits - 1);
    if nearest.parse() == Ok(value) { nearest } else { shortest }
}

/// Writes `value` as `json.dumps` does: like `repr`, but with the words of JSON for infinity and NaN.
pub(crate) fn write_json_float(out: &mut impl Write, value: f64) -> fmt::Result {
    match value {
        _ if value.is_nan() => out.write_str("NaN"),
        f64::INFINITY => out.write_str("Infinity"),
        f64::NEG_INFINITY => out.write_str("-Infinity"),
        _ => write_float(out, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_repr_writes_them() {
        for (value, expected) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e-7, "1.5e-07"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.00012, "0.00012"),
            (123.456, "123.456"),
            (-120.0, "-120.0"),
            (9007199254740993.0, "9007199254740992.0"),
            (698974850550462.2, "698974850550462.2"),
            (-698974850550462.8, "-698974850550462.8"),
            (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut text = String::new();
            write_float(&mut text, value).unwrap();
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn json_has_its_own_words() {
        for (value, expected) in [(f64::NAN, "NaN"), (f64::NEG_INFINITY, "-Infinity"), (1e16, "1e+16")] {
            let mut text = String::new();
            write_json_float(&mut text, value).unwrap();
            assert_eq!(text, expected);
        }
    }
}
