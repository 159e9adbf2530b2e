//! The methods of each type that templates can call.

use super::named;

named! {
    /// A method of `str`.
    enum StrMethod {
        Capitalize = "capitalize",
        Casefold = "casefold",
        Center = "center",
        Count = "count",
        Encode = "encode",
        EndsWith = "endswith",
        ExpandTabs = "expandtabs",
        Find = "find",
        Format = "format",
        FormatMap = "format_map",
        Index = "index",
        IsAlnum = "isalnum",
        IsAlpha = "isalpha",
        IsAscii = "isascii",
        IsDecimal = "isdecimal",
        IsDigit = "isdigit",
        IsIdentifier = "isidentifier",
        IsLower = "islower",
        IsNumeric = "isnumeric",
        IsPrintable = "isprintable",
        IsSpace = "isspace",
        IsTitle = "istitle",
        IsUpper = "isupper",
        Join = "join",
        LJust = "ljust",
        Lower = "lower",
        LStrip = "lstrip",
        MakeTrans = "maketrans",
        Partition = "partition",
        RemovePrefix = "removeprefix",
        RemoveSuffix = "removesuffix",
        Replace = "replace",
        RFind = "rfind",
        RIndex = "rindex",
        RJust = "rjust",
        RPartition = "rpartition",
        RSplit = "rsplit",
        RStrip = "rstrip",
        Split = "split",
        SplitLines = "splitlines",
        StartsWith = "startswith",
        Strip = "strip",
        SwapCase = "swapcase",
        Title = "title",
        Translate = "translate",
        Upper = "upper",
        ZFill = "zfill",
    }
}

named! {
    /// A method that only `Markup` has.
    enum MarkupMethod {
        Escape = "escape",
        StripTags = "striptags",
        Unescape = "unescape",
    }
}

named! {
    /// A method of `list`.
    enum ListMethod {
        Append = "append",
        Clear = "clear",
        Copy = "copy",
        Count = "count",
        Extend = "extend",
        Index = "index",
        Insert = "insert",
        Pop = "pop",
        Remove = "remove",
        Reverse = "reverse",
        Sort = "sort",
    }
}

named! {
    /// A method of `tuple` and `range`.
    enum SequenceMethod {
        Count = "count",
        Index = "index",
    }
}

named! {
    /// A method of `dict`.
    enum DictMethod {
        Clear = "clear",
        Copy = "copy",
        FromKeys = "fromkeys",
        Get = "get",
        Items = "items",
        Keys = "keys",
        Pop = "pop",
        PopItem = "popitem",
        SetDefault = "setdefault",
        Update = "update",
        Values = "values",
    }
}

named! {
    /// A method of `int` and `bool`.
    enum IntMethod {
        AsIntegerRatio = "as_integer_ratio",
        BitCount = "bit_count",
        BitLength = "bit_length",
        Conjugate = "conjugate",
        FromBytes = "from_bytes",
        ToBytes = "to_bytes",
    }
}

named! {
    /// A method of `float`.
    enum FloatMethod {
        AsIntegerRatio = "as_integer_ratio",
        Conjugate = "conjugate",
        FromHex = "fromhex",
        Hex = "hex",
        IsInteger = "is_integer",
    }
}

named! {
    /// A method of `dict.keys()` and `dict.items()`.
    enum ViewMethod {
        IsDisjoint = "isdisjoint",
    }
}

named! {
    /// A method of `cycler(…)`.
    enum CyclerMethod {
        Next = "next",
        Reset = "reset",
    }
}

named! {
    /// A method of the variable `loop`.
    enum LoopMethod {
        Changed = "changed",
        Cycle = "cycle",
    }
}

impl StrMethod {
    /// Whether `Markup` has its own method of this name, which is printed in another way.
    pub(crate) fn is_of_markup(self) -> bool {
        match self {
            StrMethod::Capitalize
            | StrMethod::Casefold
            | StrMethod::Center
            | StrMethod::ExpandTabs
            | StrMethod::Format
            | StrMethod::FormatMap
            | StrMethod::Join
            | StrMethod::LJust
            | StrMethod::Lower
            | StrMethod::LStrip
            | StrMethod::Partition
            | StrMethod::RemovePrefix
            | StrMethod::RemoveSuffix
            | StrMethod::Replace
            | StrMethod::RJust
            | StrMethod::RPartition
            | StrMethod::RSplit
            | StrMethod::RStrip
            | StrMethod::Split
            | StrMethod::SplitLines
            | StrMethod::Strip
            | StrMethod::SwapCase
            | StrMethod::Title
            | StrMethod::Translate
            | StrMethod::Upper
            | StrMethod::ZFill => true,
            StrMethod::Count
            | StrMethod::Encode
            | StrMethod::EndsWith
            | StrMethod::Find
            | StrMethod::Index
            | StrMethod::IsAlnum
            | StrMethod::IsAlpha
            | StrMethod::IsAscii
            | StrMethod::IsDecimal
            | StrMethod::IsDigit
            | StrMethod::IsIdentifier
            | StrMethod::IsLower
            | StrMethod::IsNumeric
            | StrMethod::IsPrintable
            | StrMethod::IsSpace
            | StrMethod::IsTitle
            | StrMethod::IsUpper
            | StrMethod::MakeTrans
            | StrMethod::RFind
            | StrMethod::RIndex
            | StrMethod::StartsWith => false,
        }
    }
}

/// A method with the type it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Str(StrMethod),
    Markup(MarkupMethod),
    List(ListMethod),
    Sequence(SequenceMethod),
    Dict(DictMethod),
    Int(IntMethod),
    Float(FloatMethod),
    View(ViewMethod),
    Cycler(CyclerMethod),
    Loop(LoopMethod),
}

impl Method {
    /// The name of the method.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::Str(method) => method.name(),
            Method::Markup(method) => method.name(),
            Method::List(method) => method.name(),
            Method::Sequence(method) => method.name(),
            Method::Dict(method) => method.name(),
            Method::Int(method) => method.name(),
            Method::Float(method) => method.name(),
            Method::View(method) => method.name(),
            Method::Cycler(method) => method.name(),
            Method::Loop(method) => method.name(),
        }
    }
}
