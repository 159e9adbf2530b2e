//! The global functions: those of Jinja2's sandbox, and those that transformers adds.

use super::named;

named! {
    /// A function that every template can call.
    enum Function {
        Cycler = "cycler",
        Dict = "dict",
        /// `dict.fromkeys`, which is no global name.
        DictFromKeys = "fromkeys",
        Joiner = "joiner",
        Lipsum = "lipsum",
        Namespace = "namespace",
        RaiseException = "raise_exception",
        Range = "range",
        StrftimeNow = "strftime_now",
    }
}

impl Function {
    /// The global function with this name.
    pub(crate) fn global(name: &str) -> Option<Function> {
        Function::named(name).filter(|function| *function != Function::DictFromKeys)
    }
}
