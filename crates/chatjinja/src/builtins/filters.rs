//! `apply`: calls the function of a filter. Also the helpers that several filters share.

use super::{
    number_filters as number, ordering_filters as ordering, selecting_filters as selecting,
    sequence_filters as sequence, text_filters as text, tojson, value_filters as value,
};
use crate::names::Filter;
use crate::provenance::Str;
use crate::runtime::{
    Arguments, EvalResult, Generator, GeneratorName, Interpreter, LazyIter, Object, PyError, PyErrorKind, Step, Value,
};

/// `owner|filter(args)`.
pub(crate) fn apply<'d>(
    interpreter: &mut Interpreter<'d>,
    filter: Filter,
    owner: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    match filter {
        Filter::Abs => number::abs(interpreter, owner, args),
        Filter::Attr => value::attr(interpreter, owner, args),
        Filter::Batch => sequence::batch(owner, args),
        Filter::Capitalize => text::capitalize(interpreter, owner, args),
        Filter::Center => text::center(interpreter, owner, args),
        Filter::Default => value::default(owner, args),
        Filter::DictSort => ordering::dictsort(interpreter, owner, args),
        Filter::Escape => value::escape(interpreter, owner, args),
        Filter::FileSizeFormat => number::filesizeformat(interpreter, owner, args),
        Filter::First => sequence::first(interpreter, owner, args),
        Filter::Float => number::float(interpreter, owner, args),
        Filter::ForceEscape => value::forceescape(interpreter, owner, args),
        Filter::Format => text::format(interpreter, owner, args),
        Filter::GroupBy => ordering::groupby(interpreter, owner, args),
        Filter::Indent => text::indent(interpreter, owner, args),
        Filter::Int => number::int(interpreter, owner, args),
        Filter::Items => sequence::items(owner, args),
        Filter::Join => sequence::join(interpreter, owner, args),
        Filter::Last => sequence::last(interpreter, owner, args),
        Filter::Length => sequence::length(interpreter, owner, args),
        Filter::List => sequence::list(interpreter, owner, args),
        Filter::Lower => text::lower(interpreter, owner, args),
        Filter::Map => selecting::map(owner, args),
        Filter::Max => ordering::max(interpreter, owner, args),
        Filter::Min => ordering::min(interpreter, owner, args),
        Filter::Pprint => text::pprint(interpreter, owner, args),
        Filter::Random => value::random(interpreter, owner, args),
        Filter::Reject => Ok(selecting::select(owner, args, false, false)),
        Filter::RejectAttr => Ok(selecting::select(owner, args, false, true)),
        Filter::Replace => text::replace(interpreter, owner, args),
        Filter::Reverse => sequence::reverse(interpreter, owner, args),
        Filter::Round => number::round(interpreter, owner, args),
        Filter::Safe => value::safe(interpreter, owner, args),
        Filter::Select => Ok(selecting::select(owner, args, true, false)),
        Filter::SelectAttr => Ok(selecting::select(owner, args, true, true)),
        Filter::Slice => sequence::slice(owner, args),
        Filter::Sort => ordering::sort(interpreter, owner, args),
        Filter::String => text::string(interpreter, owner, args),
        Filter::StripTags => text::striptags(interpreter, owner, args),
        Filter::Sum => sequence::sum(interpreter, owner, args),
        Filter::Title => text::title(interpreter, owner, args),
        Filter::ToJson => tojson::tojson(interpreter, owner, args),
        Filter::Trim => text::trim(interpreter, owner, args),
        Filter::Truncate => text::truncate(interpreter, owner, args),
        Filter::Unique => ordering::unique(owner, args),
        Filter::Upper => text::upper(interpreter, owner, args),
        Filter::UrlEncode => text::urlencode(interpreter, owner, args),
        Filter::Urlize => value::urlize(),
        Filter::WordCount => text::wordcount(interpreter, owner, args),
        Filter::WordWrap => text::wordwrap(interpreter, owner, args),
        Filter::XmlAttr => text::xmlattr(interpreter, owner, args),
    }
}

/// A generator of the Python function `name`, not started. `depth` is that of the values in `start`.
pub(super) fn generator<'d>(
    name: &'static str,
    depth: u32,
    start: impl FnOnce(&mut Interpreter<'d>) -> EvalResult<Step<'d>> + 'd,
) -> Value<'d> {
    let (name, state) = (GeneratorName::Function(name), LazyIter::later(start).into());
    Value::object(Object::Generator(Generator { name, state, depth }))
}

/// The value if it is a string; otherwise the error that it has no such method.
pub(super) fn needs_str<'d>(value: &Value<'d>, method: &str) -> EvalResult<Str<'d>> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        Value::Undefined(undefined) => Err(PyError::undefined(undefined)),
        other => Err(no_attribute(other, method)),
    }
}

/// The error that a value has no such attribute.
pub(super) fn no_attribute(value: &Value<'_>, name: &str) -> PyError {
    PyError::new(PyErrorKind::Attribute, format!("'{}' object has no attribute '{name}'", value.type_name()))
}

/// The error that a value has no length.
pub(super) fn no_len(value: &Value<'_>) -> PyError {
    PyError::new(PyErrorKind::Type, format!("object of type '{}' has no len()", value.type_name()))
}

/// The error that a value is not an integer.
pub(super) fn no_integer(value: &Value<'_>) -> PyError {
    let text = format!("'{}' object cannot be interpreted as an integer", value.type_name());
    PyError::new(PyErrorKind::Type, text)
}

/// Whether an optional argument is given and true.
pub(super) fn is_set(value: Option<Value<'_>>) -> bool {
    value.is_some_and(|value| value.is_true())
}

/// An optional argument, unless it is `None`.
pub(super) fn not_none(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(|value| !matches!(value, Value::None))
}
