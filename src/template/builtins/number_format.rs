//! Numbers in the forms of `%` and `str.format`: `e`, `f`, `g`, integers in a base, grouping of digits.

/// `value` with a fixed number of digits behind the point.
pub(super) fn fixed(value: f64, precision: usize) -> String {
    special(value, false).unwrap_or_else(|| format!("{value:.precision$}"))
}

/// `value` with an exponent of two digits at least.
pub(super) fn exponent(value: f64, precision: usize) -> String {
    if let Some(word) = special(value, false) {
        return word;
    }
    let text = format!("{value:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// `value` in the shorter of both forms, with so many significant digits; `keep` keeps zeros at the end.
pub(super) fn general(value: f64, precision: usize, keep: bool) -> String {
    if let Some(word) = special(value, false) {
        return word;
    }
    let precision = precision.max(1);
    let scientific = exponent(value, precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    if power < -4 || power >= i32::try_from(precision).unwrap_or(i32::MAX) {
        let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
        return format!("{}e{power}", if keep { digits } else { bare(digits) });
    }
    let behind = usize::try_from(i32::try_from(precision).unwrap_or(0) - 1 - power).unwrap_or(0);
    let text = format!("{value:.behind$}");
    if keep { text } else { bare(&text).to_owned() }
}

/// Without zeros behind the point.
fn bare(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// The word for a value that is not finite.
fn special(value: f64, upper: bool) -> Option<String> {
    let word = match value {
        _ if value.is_nan() => "nan",
        f64::INFINITY => "inf",
        f64::NEG_INFINITY => "-inf",
        _ => return None,
    };
    Some(if upper { word.to_uppercase() } else { word.to_owned() })
}

/// Puts `separator` between groups of digits before the point.
pub(super) fn grouped(digits: &str, separator: char, size: usize) -> String {
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
        assert_eq!(grouped("1234567.891", ',', 3), "1,234,567.891");
    }
}
