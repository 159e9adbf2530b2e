//! The names of filters, tests, global functions and methods. Names only, no behavior.

mod filters;
mod functions;
mod methods;
mod tests;

pub(crate) use filters::Filter;
pub(crate) use functions::Function;
pub(crate) use methods::{
    CyclerMethod, DictMethod, FloatMethod, IntMethod, ListMethod, LoopMethod, MarkupMethod, Method, SequenceMethod,
    StrMethod, ViewMethod,
};
pub(crate) use tests::{KindTest, Test, ValueTest};

/// Declares an enum whose variants have names in templates. The first name is the main one, the others are aliases.
macro_rules! named {
    ($(#[$doc:meta])* enum $Type:ident { $($(#[$note:meta])* $Variant:ident = $name:literal $(| $alias:literal)*,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $Type {
            $($(#[$note])* $Variant,)*
        }

        impl $Type {
            /// The variant with this name.
            pub(crate) fn named(name: &str) -> Option<$Type> {
                match name {
                    $($name $(| $alias)* => Some($Type::$Variant),)*
                    _ => None,
                }
            }

            /// The name of the variant.
            #[allow(dead_code, reason = "some names are only looked up")]
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $($Type::$Variant => $name,)*
                }
            }
        }
    };
}
use named;
