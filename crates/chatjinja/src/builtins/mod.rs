//! The filters, tests, functions and methods of every template, as Python and Jinja2 define them.
//!
//! Each list of `names` has one exhaustive `match` here, which maps its names to functions.

mod attribute_path;
pub(crate) mod filters;
mod format_spec;
pub(crate) mod functions;
pub(crate) mod methods;
mod number_filters;
mod ordering_filters;
mod pretty;
mod pretty_str;
mod selecting_filters;
mod sequence_filters;
mod str_format;
mod str_markup;
mod str_methods;
mod str_search;
mod str_split;
mod str_table;
pub(crate) mod tests;
mod text_filters;
mod tojson;
mod value_filters;
