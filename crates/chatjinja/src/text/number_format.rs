//! The forms of numbers in `%` formatting and `str.format`: `e`, `f`, `g`, and groups of digits.

/// `value` with `precision` digits after the point.
pub(crate) fn fixed(value: f64, precision: usize) -> String {
    not_finite(value).map_or_else(|| format!("{value:.precision$}"), str::to_owned)
}

/// `value` with an exponent of at least two digits.
pub(crate) fn exponent(value: f64, precision: usize) -> String {
    if let Some(word) = not_finite(value) {
        return word.to_owned();
    }
    let text = format!("{value:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// `value` with `precision` significant digits, in the shorter of both forms. `keep` keeps zeros at the end.
pub(crate) fn general(value: f64, precision: usize, keep: bool) -> String {
    if let Some(word) = not_finite(value) {
        return word.to_owned();
    }
    let precision = precision.max(1);
    let scientific = exponent(value, precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    if power < -4 || power >= i32::try_from(precision).unwrap_or(i32::MAX) {
        let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
        return format!("{}e{power}", if keep { digits } else { without_zeros(digits) });
    }
    let behind = usize::try_from(i32::try_from(precision).unwrap_or(0) - 1 - power).unwrap_or(0);
    let text = format!("{value:.behind$}");
    if keep { text } else { without_zeros(&text).to_owned() }
}

/// The digits without zeros at the end of the fraction.
fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// The word for infinity and NaN.
fn not_finite(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("nan"),
        f64::INFINITY => Some("inf"),
        f64::NEG_INFINITY => Some("-inf"),
        _ => None,
    }
}

/// The digits with `separator` between groups of `size` digits before the point.
pub(crate) fn grouped(digits: &str, separator: char, size: usize) -> String {
    let end = digits.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(digits.len());
    let end = digits.find(['e', 'E']).filter(|_| size == 3).map_or(end, |at| at.min(end));
    let (whole, rest) = digits.split_at(end);
    let mut out = String::with_capacity(digits.len() + whole.len() / size);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % size == 0 {
            out.push(separator);
        }
        out.push(digit);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_pythons() {
        assert_eq!(fixed(2.675, 2), "2.67");
        assert_eq!(exponent(12345.678, 2), "1.23e+04");
        assert_eq!(general(0.0001, 6, false), "0.0001");
        assert_eq!(general(1e-5, 6, false), "1e-05");
        assert_eq!(general(1234567.0, 6, false), "1.23457e+06");
        assert_eq!(general(100.0, 6, false), "100");
        assert_eq!(general(f64::NAN, 6, false), "nan");
        assert_eq!(grouped("1234567.891", ',', 3), "1,234,567.891");
    }
}
