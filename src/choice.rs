//! `Choice`: a choice among named values, such as `truncation`.
//!
//! The names are written once, in [`Choice::NAMES`]; errors, the Python package and the command line read them from
//! there.

use crate::error::{Error, ErrorKind, Result};
use crate::names;

/// A choice among named values.
pub trait Choice: Copy + PartialEq + Sized + 'static {
    /// The option that the choice belongs to.
    const OPTION: &'static str;
    /// The names that users write, with their values.
    const NAMES: &'static [(&'static str, Self)];

    /// The name of this value.
    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, value)| *value == self).map_or("", |(name, _)| name)
    }

    /// The value of a name.
    ///
    /// # Errors
    ///
    /// Fails for an unknown name. The error lists the known names.
    fn parse(name: &str) -> Result<Self> {
        Self::parse_option(Self::OPTION, name)
    }

    /// The value of a name, for an option that has another name than [`OPTION`](Self::OPTION).
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    fn parse_option(option: &str, name: &str) -> Result<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).ok_or_else(|| {
            let advice = names::advice(name, Self::NAMES.iter().map(|(known, _)| *known));
            Error::new(ErrorKind::Option, format!("`{option}` is {name:?}; {advice}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Size {
        Small,
        Large,
    }

    impl Choice for Size {
        const OPTION: &'static str = "size";
        const NAMES: &'static [(&'static str, Self)] = &[("small", Size::Small), ("large", Size::Large)];
    }

    #[test]
    fn names_are_read_back() {
        for (name, value) in Size::NAMES {
            assert_eq!((Size::parse(name).unwrap(), value.name()), (*value, *name));
        }
        let error = Size::parse("smal").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Option);
        assert_eq!(error.text, "`size` is \"smal\"; did you mean `small`? use one of `small`, `large`");
    }
}
