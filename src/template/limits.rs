//! The limits of a chat template as options: names and numbers.

use chatjinja::Limits;

use crate::error::{Error, ErrorKind, Result};
use crate::names::advice;

/// The name of each limit, its value, and the largest value it may have.
fn named(limits: &Limits) -> [(&'static str, u64, u64); 4] {
    [
        ("steps", limits.steps, u64::MAX),
        ("memory", limits.memory as u64, usize::MAX as u64),
        ("depth", u64::from(limits.depth), u64::from(Limits::MAX_DEPTH)),
        ("output", limits.output as u64, usize::MAX as u64),
    ]
}

/// The limits as options.
pub fn limit_options(limits: &Limits) -> impl Iterator<Item = (&'static str, u64)> {
    named(limits).into_iter().map(|(name, value, _)| (name, value))
}

/// Limits from options; the others have their defaults.
///
/// # Errors
///
/// Fails for an unknown name, and for a value that is zero or too large.
pub fn limits_of<'n>(options: impl IntoIterator<Item = (&'n str, u64)>) -> Result<Limits> {
    let mut limits = Limits::default();
    for (name, value) in options {
        let known = named(&limits);
        let Some((_, _, most)) = known.iter().find(|(known, ..)| *known == name) else {
            let advice = advice(name, known.iter().map(|(name, ..)| *name));
            return Err(Error::new(ErrorKind::Option, format!("`limits` has no `{name}`; {advice}")));
        };
        if value == 0 || value > *most {
            let range = if *most < u64::MAX { format!("1 to {most}") } else { "at least 1".to_owned() };
            return Err(Error::new(ErrorKind::Option, format!("`limits`: `{name}` is {value}; use {range}")));
        }
        let size = usize::try_from(value).unwrap_or(usize::MAX);
        match name {
            "steps" => limits.steps = value,
            "memory" => limits.memory = size,
            "depth" => limits.depth = u32::try_from(value).unwrap_or(Limits::MAX_DEPTH),
            _ => limits.output = size,
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_back() {
        let limits = limits_of([("steps", 5), ("memory", 6), ("depth", 7), ("output", 8)]).unwrap();
        assert_eq!(limits, Limits { steps: 5, memory: 6, depth: 7, output: 8 });
        assert_eq!(limits_of(limit_options(&limits)).unwrap(), limits);
        assert_eq!(limits_of([]).unwrap(), Limits::default());
    }

    #[test]
    fn wrong_limits_are_errors() {
        for (name, value, text) in [
            (
                "step",
                5,
                "`limits` has no `step`; did you mean `steps`? use one of `steps`, `memory`, `depth`, `output`",
            ),
            ("depth", 501, "`limits`: `depth` is 501; use 1 to 500"),
            ("memory", 0, "`limits`: `memory` is 0; use at least 1"),
        ] {
            assert_eq!(limits_of([(name, value)]).unwrap_err().text, text);
        }
    }
}
