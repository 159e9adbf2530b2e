//! Statements.

use std::rc::Rc;

use super::{Activation, Exception, Flow, MAX_OUTPUT, Machine, Raise, Run};
use crate::template::builtins::markup;
use crate::template::program::{Const, Expr, ExprKind, Stmt, Target};
use crate::template::value::arithmetic::{self, Operator};
use crate::template::value::{Note, Object, Str, Text, Value, What, repr};

impl<'d> Machine<'d> {
    /// Runs statements until one leaves the loop around them.
    pub(super) fn body(&mut self, body: &'d [Stmt]) -> Run<Flow> {
        for statement in body {
            let flow = self.statement(statement)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &'d Stmt) -> Run<Flow> {
        self.step()?;
        match statement {
            Stmt::Text(text) => {
                self.out.text.push_str(text);
                self.check_output()?;
            }
            Stmt::Print(expr) => self.print(expr)?,
            Stmt::If(branches, otherwise) => {
                for (test, body) in branches {
                    if self.test(test)? {
                        return self.body(body);
                    }
                }
                return self.body(otherwise);
            }
            Stmt::For(each) => return self.for_loop(each),
            Stmt::Set(target, expr) => {
                let value = self.eval(expr)?;
                self.assign(target, value)?;
            }
            Stmt::SetBlock(set) => {
                let (flow, text) = self.captured(|machine| {
                    machine.enter(&set.frame);
                    machine.body(&set.body)
                })?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
                let value = Value::Str(if self.autoescape { text.into_markup() } else { text });
                let value = match &set.filter {
                    Some(filter) => self.filtered(filter, value)?,
                    None => value,
                };
                self.assign(&set.target, value)?;
            }
            Stmt::With(with) => {
                let mut values = Vec::with_capacity(with.assignments.len());
                for (_, value) in &with.assignments {
                    values.push(self.eval(value)?);
                }
                self.enter(&with.frame);
                for ((target, _), value) in with.assignments.iter().zip(values) {
                    self.assign(target, value)?;
                }
                return self.body(&with.body);
            }
            Stmt::FilterBlock(block) => {
                let (flow, text) = self.captured(|machine| {
                    machine.enter(&block.frame);
                    machine.body(&block.body)
                })?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
                let text = Value::Str(if self.autoescape { text.into_markup() } else { text });
                let value = self.filtered(&block.filter, text)?;
                self.emit(&value)?;
            }
            Stmt::Macro(slot, code) => {
                let value = self.macro_value(code);
                self.set(*slot, value);
            }
            Stmt::CallBlock(block) => {
                let value = self.call_block(block).map_err(|raise| raise.at(block.span))?;
                self.emit(&value)?;
            }
            Stmt::Generation(frame, body) => {
                let (start, output) = (self.out.text.len(), self.position());
                self.enter(frame);
                let flow = self.body(body)?;
                let end = self.out.text.len();
                self.generation_as_transformers.push((output, self.out.text[start..].chars().count()));
                self.out.note(start, end, What::Generation);
                return Ok(flow);
            }
            Stmt::Autoescape(escape) => {
                let enabled = self.eval(&escape.enabled)?.is_true();
                self.enter(&escape.frame);
                let before = std::mem::replace(&mut self.autoescape, enabled);
                let flow = self.body(&escape.body);
                self.autoescape = before;
                return flow;
            }
            Stmt::Block(index, span) => self.run_block(*index).map_err(|raise| raise.at(*span))?,
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
            Stmt::Load(span) => {
                let raise = Raise::new(Exception::Type, "no loader for this environment specified");
                return Err(raise.at(*span));
            }
        }
        Ok(Flow::Next)
    }

    /// Runs `write` and returns what it wrote.
    pub(super) fn captured<T>(&mut self, write: impl FnOnce(&mut Self) -> Run<T>) -> Run<(T, Str<'d>)> {
        let outermost = self.outer_position.is_none();
        if outermost {
            self.outer_position = Some(self.out.text.len());
        }
        let before = std::mem::take(&mut self.out);
        let result = write(self);
        let text: Text = std::mem::replace(&mut self.out, before);
        if outermost {
            self.outer_position = None;
        }
        let value = result?;
        self.charge_bytes(text.text.len())?;
        let mut text = text;
        if let Some(message) = self.message_in_loop().filter(|_| !text.text.is_empty()) {
            let len = text.text.len();
            text.notes.insert(0, Note { start: 0, end: len, what: What::Within(message) });
        }
        Ok((value, Str::noted(text)))
    }

    pub(super) fn run_block(&mut self, index: usize) -> Run<()> {
        let block = &self.program.blocks[index];
        self.deeper(|machine| {
            let activation = Activation::new(block.slots, None);
            let before = std::mem::replace(&mut machine.activation, activation);
            if let Some(slot) = block.self_slot {
                machine.set(slot, Value::object(Object::Template));
            }
            machine.enter(&block.frame);
            let result = machine.body(&block.body);
            machine.leave(before);
            result.map(|_| ())
        })
    }

    /// Goes back to the activation `before`.
    pub(super) fn leave(&mut self, before: Rc<Activation<'d>>) {
        let left = std::mem::replace(&mut self.activation, before);
        if Rc::strong_count(&left) > 1 {
            self.kept.push(left);
        }
    }

    fn check_output(&self) -> Run<()> {
        if self.out.text.len() > MAX_OUTPUT {
            return Err(Raise::new(Exception::Limit, "the text grows beyond 256 MiB"));
        }
        Ok(())
    }

    /// Prints an expression. Strings that are only joined to be printed are printed one by one.
    fn print(&mut self, expr: &'d Expr) -> Run<()> {
        match &expr.kind {
            ExprKind::Const(Const::Str(text)) if !self.autoescape => {
                self.out.text.push_str(text);
                self.check_output()
            }
            ExprKind::Sum(operands) if !self.autoescape => self.print_sum(operands, expr),
            ExprKind::Concat(operands) if !self.autoescape => operands.iter().try_for_each(|operand| {
                // `~` makes plain text of whatever it joins.
                self.print(operand)
            }),
            ExprKind::If { test, yes, no } => match (self.test(test)?, no) {
                (true, _) => self.print(yes),
                (false, Some(no)) => self.print(no),
                (false, None) => Ok(()),
            },
            _ => {
                let value = self.eval(expr)?;
                self.emit(&value).map_err(|raise| raise.at(expr.span))
            }
        }
    }

    fn print_sum(&mut self, operands: &'d [Expr], expr: &'d Expr) -> Run<()> {
        let traces = self.traces();
        let start = self.out.text.len();
        let mut rest = operands.iter();
        let mut total = loop {
            let Some(operand) = rest.next() else { return self.check_output() };
            if let ExprKind::Const(Const::Str(text)) = &operand.kind {
                self.out.text.push_str(text);
                continue;
            }
            match self.eval(operand)? {
                Value::Str(text) if !text.is_markup() => text.append_to(&mut self.out, traces),
                other if self.out.text.len() == start && std::ptr::eq(operand, &operands[0]) => break other,
                other => {
                    // What was printed so far is the left side.
                    let before = Value::Str(Str::noted(self.out.split_off(start)));
                    break arithmetic::apply(self, Operator::Add, &before, &other)
                        .map_err(|raise| raise.at(expr.span))?;
                }
            }
        };
        for operand in rest {
            let value = self.eval(operand)?;
            total = arithmetic::apply(self, Operator::Add, &total, &value).map_err(|raise| raise.at(expr.span))?;
        }
        self.emit(&total)
    }

    /// Prints a value.
    pub(super) fn emit(&mut self, value: &Value<'d>) -> Run<()> {
        let traces = self.traces();
        match value {
            Value::Str(text) if self.autoescape && !text.is_markup() => {
                let escaped = markup::escape(text);
                escaped.append_to(&mut self.out, traces);
            }
            Value::Str(text) => text.append_to(&mut self.out, traces),
            Value::Undefined(_) => {}
            other => {
                let text = repr::to_str(self, other)?;
                let text = if self.autoescape { markup::escape(&text) } else { text };
                text.append_to(&mut self.out, traces);
            }
        }
        self.check_output()
    }

    /// Assigns `value`.
    pub(super) fn assign(&mut self, target: &'d Target, value: Value<'d>) -> Run<()> {
        match target {
            Target::Name(slot) => {
                self.set(*slot, value);
                Ok(())
            }
            Target::Attribute(place, name, span) => {
                let namespace = self.place(*place);
                if let Value::Object(object) = &namespace
                    && let Object::Namespace(attributes) = &**object
                {
                    check_name(name).map_err(|raise| raise.at(*span))?;
                    let mut attributes = attributes.borrow_mut();
                    match attributes.iter_mut().find(|(known, _)| **known == **name) {
                        Some((_, known)) => *known = value,
                        None => attributes.push((name.as_str().into(), value)),
                    }
                    return Ok(());
                }
                let text = "cannot assign attribute on non-namespace object";
                Err(Raise::new(Exception::Runtime, text).at(*span))
            }
            Target::Tuple(targets, span) => {
                let items = self.unpack(&value, targets.len()).map_err(|raise| raise.at(*span))?;
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item)?;
                }
                Ok(())
            }
        }
    }

    fn unpack(&mut self, value: &Value<'d>, count: usize) -> Run<Vec<Value<'d>>> {
        let items = match value {
            // Python names the kind of value here, and not what it cannot do.
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => {
                let text = format!("cannot unpack non-iterable {} object", value.type_name());
                return Err(Raise::new(Exception::Type, text));
            }
            other => self.items(other)?,
        };
        match items.len().cmp(&count) {
            std::cmp::Ordering::Equal => Ok(items),
            std::cmp::Ordering::Less => {
                let text = format!("not enough values to unpack (expected {count}, got {})", items.len());
                Err(Raise::new(Exception::Value, text))
            }
            std::cmp::Ordering::Greater => {
                Err(Raise::new(Exception::Value, format!("too many values to unpack (expected {count})")))
            }
        }
    }
}

/// Namespaces take no names that begin with an underscore.
pub(crate) fn check_name(name: &str) -> Run<()> {
    if name.starts_with('_') {
        let text = format!(
            "Chat templates cannot store underscore-prefixed attributes on a namespace, but got {}. \
             Please rename the attribute.",
            repr::quoted(name)
        );
        return Err(Raise::new(Exception::Security, text));
    }
    Ok(())
}
