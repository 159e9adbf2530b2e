//! `Kind`: the type of a value, with the names that Python and Jinja2 use for it.

/// A Python type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    None,
    Undefined,
    Bool,
    Int,
    Float,
    Str,
    Markup,
    List,
    Tuple,
    Dict,
    Range,
    Namespace,
    Generator,
    Group,
    /// The result of the filter `reverse`.
    Reversed,
    Keys,
    Values,
    Items,
    Set,
    Macro,
    TemplateDict,
    Type,
    Function,
    Method,
    Loop,
    Cycler,
    Joiner,
    Template,
    Block,
}

impl Kind {
    /// Python's `type(value).__name__`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::None => "NoneType",
            Kind::Undefined => "Undefined",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Str => "str",
            Kind::Markup => "Markup",
            Kind::List => "list",
            Kind::Tuple => "tuple",
            Kind::Dict => "dict",
            Kind::Range => "range",
            Kind::Namespace => "TemplateNamespace",
            Kind::Generator => "generator",
            Kind::Group => "_GroupTuple",
            Kind::Reversed => "reversed",
            Kind::Keys => "dict_keys",
            Kind::Values => "dict_values",
            Kind::Items => "dict_items",
            Kind::Set => "set",
            Kind::Macro => "Macro",
            Kind::TemplateDict => "TemplateDict",
            Kind::Type => "type",
            Kind::Function => "function",
            Kind::Method => "builtin_function_or_method",
            Kind::Loop => "LoopContext",
            Kind::Cycler => "Cycler",
            Kind::Joiner => "Joiner",
            Kind::Template => "TemplateReference",
            Kind::Block => "BlockReference",
        }
    }

    /// The name of a value of this type in Jinja2's message that it has no such attribute.
    pub(crate) fn owner_name(self) -> &'static str {
        match self {
            Kind::None => "None",
            Kind::Undefined => "Undefined object",
            Kind::Bool => "bool object",
            Kind::Int => "int object",
            Kind::Float => "float object",
            Kind::Str => "str object",
            Kind::Markup => "markupsafe.Markup object",
            Kind::List => "list object",
            Kind::Tuple => "tuple object",
            Kind::Dict => "dict object",
            Kind::Range => "range object",
            Kind::Namespace => {
                "transformers.utils.chat_template_utils._compile_jinja_template.<locals>.TemplateNamespace object"
            }
            Kind::Generator => "generator object",
            Kind::Group => "jinja2.filters._GroupTuple object",
            Kind::Reversed => "reversed object",
            Kind::Keys => "dict_keys object",
            Kind::Values => "dict_values object",
            Kind::Items => "dict_items object",
            Kind::Set => "set object",
            Kind::Macro => "jinja2.runtime.Macro object",
            Kind::TemplateDict => {
                "transformers.utils.chat_template_utils._compile_jinja_template.<locals>.TemplateDict object"
            }
            Kind::Type => "type object",
            Kind::Function => "function object",
            Kind::Method => "builtin_function_or_method object",
            Kind::Loop => "jinja2.runtime.LoopContext object",
            Kind::Cycler => "jinja2.utils.Cycler object",
            Kind::Joiner => "jinja2.utils.Joiner object",
            Kind::Template => "jinja2.runtime.TemplateReference object",
            Kind::Block => "jinja2.runtime.BlockReference object",
        }
    }
}
