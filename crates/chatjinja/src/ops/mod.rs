//! Python's operators on values: attributes and items, arithmetic, comparison, iteration, slices, and joining strings.

pub(crate) mod access;
pub(crate) mod arithmetic;
mod attributes;
pub(crate) mod compare;
pub(crate) mod iterate;
mod loop_attributes;
pub(crate) mod namespace;
mod numbers;
pub(crate) mod percent_format;
mod sandbox;
pub(crate) mod slice;
pub(crate) mod sorting;
pub(crate) mod strings;

pub(crate) use sandbox::modifies;
