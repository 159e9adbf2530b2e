//! What templates find there: filters, tests, functions and methods, as Python and Jinja2 define them.

mod attribute_path;
mod casing;
mod filters;
mod format_spec;
pub(crate) mod functions;
pub(crate) mod markup;
pub(crate) mod methods;
mod number_format;
mod ordering_filters;
pub(crate) mod percent_format;
mod pretty;
mod selecting_filters;
mod sequence_filters;
mod str_format;
mod str_methods;
mod str_search;
mod str_split;
mod str_table;
mod strftime;
mod tests_of_values;
mod text_filters;
mod tojson;
mod wrap;

use super::run::{Arguments, Machine, Run};
use super::value::Value;

/// A filter: the value, and the arguments behind it.
pub(crate) type Filter = for<'d> fn(&mut Machine<'d>, Value<'d>, Arguments<'d>) -> Run<Value<'d>>;

/// A test: the value, and the arguments behind it.
pub(crate) type Test = for<'d> fn(&mut Machine<'d>, &Value<'d>, Arguments<'d>) -> Run<bool>;

/// A test for the kind of a value.
pub(crate) type KindTest = fn(&Value<'_>) -> bool;

/// The test of this name, if it is one for the kind of a value.
pub(crate) fn kind_test(name: &str) -> Option<KindTest> {
    tests_of_values::find_kind(name)
}

/// The filter of this name.
pub(crate) fn filter(name: &str) -> Option<Filter> {
    filters::find(name)
}

/// The test of this name.
pub(crate) fn test(name: &str) -> Option<Test> {
    tests_of_values::find(name)
}
