//! The rules of Jinja2's sandbox: it forbids methods that change a value, and private attributes.

use crate::names::{DictMethod, ListMethod, Method};
use crate::runtime::{Undefined, Value};
use crate::text::quote::quoted;

/// Whether a method changes its owner.
pub(crate) fn modifies(method: Method) -> bool {
    match method {
        Method::List(method) => match method {
            ListMethod::Append
            | ListMethod::Clear
            | ListMethod::Extend
            | ListMethod::Insert
            | ListMethod::Pop
            | ListMethod::Remove
            | ListMethod::Reverse
            | ListMethod::Sort => true,
            ListMethod::Copy | ListMethod::Count | ListMethod::Index => false,
        },
        Method::Dict(method) => dict_method_modifies(method),
        Method::Str(_)
        | Method::Markup(_)
        | Method::Sequence(_)
        | Method::Int(_)
        | Method::Float(_)
        | Method::View(_)
        | Method::Cycler(_)
        | Method::Loop(_) => false,
    }
}

fn dict_method_modifies(method: DictMethod) -> bool {
    match method {
        DictMethod::Clear | DictMethod::Pop | DictMethod::PopItem | DictMethod::SetDefault | DictMethod::Update => true,
        DictMethod::Copy
        | DictMethod::FromKeys
        | DictMethod::Get
        | DictMethod::Items
        | DictMethod::Keys
        | DictMethod::Values => false,
    }
}

/// The names of the private attributes that every Python object has, without their underscores.
const OF_ALL: &str = "class delattr dir doc eq format ge getattribute getstate gt hash init init_subclass le lt ne new \
                      reduce reduce_ex repr setattr sizeof str subclasshook";
const OF_NONE: &str = "bool";
const OF_NUMBER: &str = "abs add and bool ceil divmod float floor floordiv getnewargs index int invert lshift mod mul \
                         neg or pos pow radd rand rdivmod rfloordiv rlshift rmod rmul ror round rpow rrshift rshift \
                         rsub rtruediv rxor sub truediv trunc xor";
const OF_CONTAINER: &str = "len iter contains getitem class_getitem getnewargs add mul rmul mod rmod";
const OF_LIST: &str = "setitem delitem iadd imul reversed len iter contains getitem class_getitem add mul rmul";
const OF_DICT: &str = "setitem delitem reversed or ior ror len iter contains getitem class_getitem";
const OF_UNDEFINED: &str = "add bool call float getattr getitem int iter len mod mul neg pos pow sub truediv floordiv";
const OF_OBJECT: &str = "call iter len getitem dict module next name qualname self weakref";

/// Whether Python has a private attribute of this name, such as `__class__`. The sandbox forbids these.
pub(super) fn is_private(value: &Value<'_>, name: &str) -> bool {
    let Some(name) = name.strip_prefix("__").and_then(|name| name.strip_suffix("__")) else { return false };
    let of_kind = match value {
        Value::None => OF_NONE,
        Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => OF_NUMBER,
        Value::Str(_) | Value::Tuple(_) => OF_CONTAINER,
        Value::List(_) => OF_LIST,
        Value::Dict(_) => OF_DICT,
        Value::Undefined(_) => OF_UNDEFINED,
        Value::Object(_) => OF_OBJECT,
    };
    OF_ALL.split(' ').chain(of_kind.split(' ')).any(|known| known == name)
}

/// The undefined value for an attribute that the sandbox forbids.
pub(super) fn unsafe_attribute<'d>(name: &str, owner: &str) -> Value<'d> {
    let text = format!("access to attribute {} of {} object is unsafe.", quoted(name), quoted(owner));
    Value::Undefined(Undefined::Unsafe(text.into()))
}
