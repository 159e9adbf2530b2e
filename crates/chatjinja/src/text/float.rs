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
    // Rust's scientific form has the shortest digits too, such as `-1.5e-7`. Only the layout differs.
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        out.write_str(&plain)?;
        if !plain.contains('.') {
            out.write_str(".0")?;
        }
        Ok(())
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs())
    }
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
