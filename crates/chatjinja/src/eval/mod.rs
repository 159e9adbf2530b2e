//! Runs a compiled template: statements, expressions, loops and calls.

mod assign;
mod calls;
mod expressions;
mod loops;
mod macros;
mod print;
mod statements;

use crate::ir::Program;
use crate::runtime::{EvalResult, Failure, Finished, Input, Interpreter, Limits, Object, Tracing, Value};

/// If less than this is left of the stack, it grows by [`STACK`]. The longest expression that compiles takes half of it
/// in a build without optimization.
const RED_ZONE: usize = 2 << 20;
const STACK: usize = 8 << 20;

/// Renders a template.
pub(crate) fn render<'d>(
    program: &'d Program,
    input: Input<'d>,
    tracing: Tracing,
    limits: Limits,
) -> Result<Finished, Failure> {
    stacker::maybe_grow(RED_ZONE, STACK, || {
        let mut interpreter = Interpreter::new(program, input, tracing, limits);
        let result = interpreter.template();
        interpreter.finish(result)
    })
}

impl<'d> Interpreter<'d> {
    fn template(&mut self) -> EvalResult<()> {
        if let Some(slot) = self.program.self_slot {
            self.set(slot, Value::object(Object::Template));
        }
        self.begin_scope(&self.program.scope)?;
        self.body(&self.program.body).map(|_| ())
    }

    /// Runs `call` one level deeper. The stack of the thread grows if necessary.
    fn deeper<T>(&mut self, call: impl FnOnce(&mut Self) -> EvalResult<T>) -> EvalResult<T> {
        self.check_depth()?;
        self.depth += 1;
        let result = stacker::maybe_grow(RED_ZONE, STACK, || call(self));
        self.depth -= 1;
        result
    }
}
