//! White space by Python's rules.

pub(crate) use chatjinja::is_space;
