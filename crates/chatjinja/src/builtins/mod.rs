//! The filters, tests, functions and methods of every template, as Python and Jinja2 define them.
//!
//! Each list of `names` has one exhaustive `match` here, from its names to the functions that do the work.

mod attribute_path;
pub(crate) mod filters;
mod format_spec;
pub(crate) mod functions;
pub(crate) mod methods;
mod number_filters;
mod ordering_filters;
mod pretty;
mod selecting_filters;
mod sequence_filters;
mod str_format;
mod str_methods;
mod str_search;
mod str_split;
mod str_table;
pub(crate) mod tests;
mod text_filters;
mod tojson;
mod value_filters;
