//! `Limits`: what one render may use.

/// What one render of a template may use. Reaching a limit is an error of the kind
/// [`Limit`](crate::RenderErrorKind::Limit).
///
/// The defaults are far above what real conversations need. They end every template within seconds and within 1 GiB,
/// whatever it does.
///
/// ```
/// use chatjinja::{Fields, Input, Limits, RenderErrorKind, Template};
///
/// let limits = Limits { steps: 1000, ..Limits::default() };
/// let template = Template::new("example", "{% for i in range(5000) %}{{ i }}{% endfor %}")?.with_limits(limits);
/// let error = template.render(Input::new(&Fields::new())).unwrap_err();
/// assert_eq!(error.kind(), RenderErrorKind::Limit);
/// # Ok::<(), chatjinja::SyntaxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most steps: statements, operations, calls, items of lists, and pieces of texts. Each takes about 100
    /// nanoseconds or less. The default is 25 million.
    pub steps: u64,
    /// The most bytes that the values of the template may hold at one time. Values of the input and the output do not
    /// count. The default is 256 MiB.
    pub memory: usize,
    /// The deepest nesting of calls, and of the lists and dicts that the template makes; at most
    /// [`MAX_DEPTH`](Limits::MAX_DEPTH). The default is 200. Python stops at a similar depth, which depends on the
    /// caller.
    pub depth: u32,
    /// The most bytes that the template may print, and that one text may have. The default is 128 MiB.
    pub output: usize,
}

impl Limits {
    /// The most that [`depth`](Limits::depth) may be. A larger value counts as this one.
    pub const MAX_DEPTH: u32 = 500;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { steps: 25_000_000, memory: 256 << 20, depth: 200, output: 128 << 20 }
    }
}
