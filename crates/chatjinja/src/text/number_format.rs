//! The forms of numbers in `%` formatting and `str.format`: `e`, `f`, `g`, and groups of digits.

/// A float has no more digits than this. `format!` accepts no precision beyond 65,535, so further zeros are appended.
const MOST_DIGITS: usize = 1100;

/// `value` with `precision` digits after the point.
pub(crate) fn fixed(value: f64, precision: usize) -> String {
    if let Some(word) = not_finite(value) {
        return word.to_owned();
    }
    let digits = precision.min(MOST_DIGITS);
    format!("{value:.digits$}") + &"0".repeat(precision - digits)
}

/// `digits` with zeros before them, up to `width` characters.
pub(crate) fn zero_filled(digits: String, width: usize) -> String {
    match width.saturating_sub(digits.chars().count()) {
        0 => digits,
        missing => "0".repeat(missing) + &digits,
    }
}

/// `digits` in groups, with zeros before them in groups too, up to at least `width` characters.
pub(crate) fn zero_filled_groups(digits: &str, separator: char, size: usize, width: usize) -> String {
    let whole = whole_part(digits, size);
    let behind = digits[whole..].chars().count();
    let grouped_len = |whole: usize| whole + whole.saturating_sub(1) / size + behind;
    // At least this many digits are needed; at most two more are.
    let mut needed = (width.saturating_sub(behind) / (size + 1) * size).max(whole);
    while grouped_len(needed) < width {
        needed += 1;
    }
    grouped(&("0".repeat(needed - whole) + digits), separator, size)
}

/// `value` with an exponent of at least two digits.
pub(crate) fn exponent(value: f64, precision: usize) -> String {
    if let Some(word) = not_finite(value) {
        return word.to_owned();
    }
    let written = precision.min(MOST_DIGITS);
    let text = format!("{value:.written$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    let zeros = "0".repeat(precision - written);
    format!("{digits}{zeros}e{sign}{:02}", exponent.unsigned_abs())
}

/// `value` with `precision` significant digits, in the shorter of both forms. `keep` keeps zeros at the end.
pub(crate) fn general(value: f64, precision: usize, keep: bool) -> String {
    shorter(value, precision.max(1), keep, false)
}

/// As [`general`], and always with a point or an exponent: a form of `str(value)` with this precision.
pub(crate) fn general_float(value: f64, precision: usize, keep: bool) -> String {
    shorter(value, precision.max(1), keep, true)
}

fn shorter(value: f64, precision: usize, keep: bool, dotted: bool) -> String {
    if let Some(word) = not_finite(value) {
        return word.to_owned();
    }
    let scientific = exponent(value, precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    // A digit after the point needs a place too.
    let most = i32::try_from(precision).unwrap_or(i32::MAX) - i32::from(dotted);
    if power < -4 || power >= most {
        let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
        return format!("{}e{power}", if keep { digits } else { without_zeros(digits) });
    }
    let behind = usize::try_from(i32::try_from(precision).unwrap_or(0) - 1 - power).unwrap_or(0);
    let text = fixed(value, behind);
    match (keep, without_zeros(&text)) {
        (true, _) => text,
        (false, whole) if dotted && !whole.contains('.') => format!("{whole}.0"),
        (false, short) => short.to_owned(),
    }
}

/// The digits with a point, also if no digit follows it: the form with the flag `#`.
pub(crate) fn with_point(digits: String) -> String {
    if digits.contains('.') || digits.contains(['n', 'N']) {
        return digits;
    }
    let end = digits.find(['e', 'E']).unwrap_or(digits.len());
    format!("{}.{}", &digits[..end], &digits[end..])
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

/// The length of the digits before the point or the exponent. Groups of four are those of other bases, without exponent.
fn whole_part(digits: &str, size: usize) -> usize {
    let end = digits.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(digits.len());
    digits.find(['e', 'E']).filter(|_| size == 3).map_or(end, |at| at.min(end))
}

/// The digits with `separator` between groups of `size` digits before the point.
pub(crate) fn grouped(digits: &str, separator: char, size: usize) -> String {
    let (whole, rest) = digits.split_at(whole_part(digits, size));
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
        assert_eq!(general_float(12.5, 2, false), "1.2e+01");
        assert_eq!(general_float(100.0, 17, false), "100.0");
        assert_eq!(with_point("1e+00".to_owned()), "1.e+00");
        assert_eq!(with_point("inf".to_owned()), "inf");
        assert_eq!(grouped("1234567.891", ',', 3), "1,234,567.891");
    }
}
