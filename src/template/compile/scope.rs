//! `Scopes`: which variable a name means, by the rules of Jinja2's compiler.
//!
//! Every scope keeps the names that it mentions. A name that is set in a scope has a slot there, with the outer value
//! to begin with; a name that is only read means the nearest scope outside that knows it, or else a variable given from
//! outside. All statements of a scope count, whether they come before or after the place that asks.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::machinery::ast::{CallArg, Expr, Stmt};

use super::generation_body;
use crate::template::program::{Frame, Init, Place, Slot};

/// All scopes of a template.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    scopes: Vec<Scope<'a>>,
    functions: Vec<FunctionSlots>,
    pub(super) globals: Vec<String>,
}

/// What runs in an activation of its own: the template, a macro, a block, a recursive loop.
#[derive(Debug)]
struct FunctionSlots {
    depth: u32,
    slots: u32,
}

#[derive(Debug)]
struct Scope<'a> {
    parent: Option<usize>,
    function: usize,
    /// Inside a block: variables from outside may have been set by the template.
    late: bool,
    names: Names<'a>,
    slots: BTreeMap<&'a str, u32>,
}

#[derive(Debug, Clone, Default)]
struct Names<'a> {
    known: BTreeMap<&'a str, Load>,
    stored: BTreeSet<&'a str>,
}

/// What a name has at the begin of its scope.
#[derive(Debug, Clone, Copy)]
enum Load {
    Parameter,
    Undefined,
    Global,
    /// The value of the same name in an outer scope.
    Outer(usize),
}

impl<'a> Scopes<'a> {
    /// A scope in a function of its own.
    pub(super) fn function(&mut self, parent: Option<usize>, late: bool) -> usize {
        let depth = parent.map_or(0, |parent| self.functions[self.scopes[parent].function].depth + 1);
        let late = late || parent.is_some_and(|parent| self.scopes[parent].late);
        self.functions.push(FunctionSlots { depth, slots: 0 });
        self.add(parent, self.functions.len() - 1, late)
    }

    /// A scope in the function of its parent.
    pub(super) fn inner(&mut self, parent: usize) -> usize {
        self.add(Some(parent), self.scopes[parent].function, self.scopes[parent].late)
    }

    fn add(&mut self, parent: Option<usize>, function: usize, late: bool) -> usize {
        self.scopes.push(Scope { parent, function, late, names: Names::default(), slots: BTreeMap::new() });
        self.scopes.len() - 1
    }

    /// Number of slots that the function of a scope needs. To be asked when all in it is compiled.
    pub(super) fn slots(&self, scope: usize) -> usize {
        self.functions[self.scopes[scope].function].slots as usize
    }

    fn find(&self, from: Option<usize>, name: &str) -> Option<usize> {
        let mut next = from;
        while let Some(scope) = next {
            if self.scopes[scope].names.known.contains_key(name) {
                return Some(scope);
            }
            next = self.scopes[scope].parent;
        }
        None
    }

    /// Makes `name` a parameter of the scope.
    pub(super) fn parameter(&mut self, scope: usize, name: &'a str) {
        let names = &mut self.scopes[scope].names;
        names.stored.insert(name);
        names.known.insert(name, Load::Parameter);
    }

    /// Reads the names of statements into the scope.
    pub(super) fn read(&mut self, scope: usize, body: &'a [Stmt<'a>]) {
        let mut names = std::mem::take(&mut self.scopes[scope].names);
        self.statements(scope, &mut names, body);
        self.scopes[scope].names = names;
    }

    /// Reads the names of an expression into the scope.
    pub(super) fn read_expr(&mut self, scope: usize, expr: &'a Expr<'a>) {
        let mut names = std::mem::take(&mut self.scopes[scope].names);
        self.loads(scope, &mut names, expr);
        self.scopes[scope].names = names;
    }

    /// Makes the names of a target known to the scope: as parameters of a loop, or as names that are set.
    pub(super) fn read_target(&mut self, scope: usize, target: &'a Expr<'a>, as_parameter: bool) {
        if as_parameter {
            match target {
                Expr::Var(name) => self.parameter(scope, name.id),
                Expr::List(items) => items.items.iter().for_each(|item| self.read_target(scope, item, true)),
                Expr::Tuple(items) => items.items.iter().for_each(|item| self.read_target(scope, item, true)),
                _ => {}
            }
            return;
        }
        let mut names = std::mem::take(&mut self.scopes[scope].names);
        self.target(scope, &mut names, target);
        self.scopes[scope].names = names;
    }

    fn store(&self, scope: usize, names: &mut Names<'a>, name: &'a str) {
        names.stored.insert(name);
        if !names.known.contains_key(name) {
            let load = self.find(self.scopes[scope].parent, name).map_or(Load::Undefined, Load::Outer);
            names.known.insert(name, load);
        }
    }

    fn load(&self, scope: usize, names: &mut Names<'a>, name: &'a str) {
        if !names.known.contains_key(name) && self.find(self.scopes[scope].parent, name).is_none() {
            names.known.insert(name, Load::Global);
        }
    }

    fn target(&self, scope: usize, names: &mut Names<'a>, target: &'a Expr<'a>) {
        match target {
            Expr::Var(name) => self.store(scope, names, name.id),
            Expr::List(items) => items.items.iter().for_each(|item| self.target(scope, names, item)),
            Expr::Tuple(items) => items.items.iter().for_each(|item| self.target(scope, names, item)),
            // An assignment to a namespace reads its name.
            other => self.loads(scope, names, other),
        }
    }

    fn statements(&self, scope: usize, names: &mut Names<'a>, body: &'a [Stmt<'a>]) {
        for statement in body {
            self.statement(scope, names, statement);
        }
    }

    fn statement(&self, scope: usize, names: &mut Names<'a>, statement: &'a Stmt<'a>) {
        match statement {
            Stmt::EmitExpr(emit) => self.loads(scope, names, &emit.expr),
            Stmt::IfCond(branch) => {
                self.loads(scope, names, &branch.expr);
                let before = names.stored.clone();
                let (mut yes, mut no) = (names.clone(), names.clone());
                self.statements(scope, &mut yes, &branch.true_body);
                self.statements(scope, &mut no, &branch.false_body);
                let stored: BTreeSet<&str> = yes.stored.union(&no.stored).copied().collect();
                for branch in [yes, no] {
                    names.known.extend(branch.known);
                    names.stored.extend(branch.stored);
                }
                // What only a branch sets has the outer value where the branch is not taken.
                for name in stored.difference(&before) {
                    let load = self.find(self.scopes[scope].parent, name).map_or(Load::Global, Load::Outer);
                    names.known.insert(name, load);
                }
            }
            Stmt::ForLoop(each) => self.loads(scope, names, &each.iter),
            Stmt::Set(set) => {
                self.loads(scope, names, &set.expr);
                self.target(scope, names, &set.target);
            }
            Stmt::SetBlock(set) => self.target(scope, names, &set.target),
            Stmt::WithBlock(with) if generation_body(with).is_none() => {
                with.assignments.iter().for_each(|(_, value)| self.loads(scope, names, value));
            }
            Stmt::FilterBlock(block) => self.loads(scope, names, &block.filter),
            Stmt::Macro(code) => self.store(scope, names, code.name),
            Stmt::CallBlock(block) => {
                self.loads(scope, names, &block.call.expr);
                self.arguments(scope, names, &block.call.args);
            }
            Stmt::Import(import) => {
                self.loads(scope, names, &import.expr);
                self.target(scope, names, &import.name);
            }
            Stmt::FromImport(import) => {
                self.loads(scope, names, &import.expr);
                for (name, alias) in &import.names {
                    self.target(scope, names, alias.as_ref().unwrap_or(name));
                }
            }
            Stmt::Include(include) => self.loads(scope, names, &include.name),
            Stmt::Extends(extends) => self.loads(scope, names, &extends.name),
            _ => {}
        }
    }

    fn arguments(&self, scope: usize, names: &mut Names<'a>, args: &'a [CallArg<'a>]) {
        for arg in args {
            match arg {
                CallArg::Pos(expr) | CallArg::Kwarg(_, expr) | CallArg::PosSplat(expr) | CallArg::KwargSplat(expr) => {
                    self.loads(scope, names, expr);
                }
            }
        }
    }

    fn loads(&self, scope: usize, names: &mut Names<'a>, expr: &'a Expr<'a>) {
        visit(expr, &mut |name| self.load(scope, names, name));
    }

    /// What `name` means in a scope.
    pub(super) fn place(&mut self, scope: usize, name: &'a str) -> Place {
        match self.find(Some(scope), name) {
            Some(owner) => self.place_in(owner, scope, name),
            None => self.global(scope, name),
        }
    }

    fn place_in(&mut self, owner: usize, asking: usize, name: &'a str) -> Place {
        let names = &self.scopes[owner].names;
        match names.known.get(name) {
            Some(Load::Global) if !names.stored.contains(name) => self.global(owner, name),
            _ => Place::Slot(self.slot_in(owner, asking, name)),
        }
    }

    fn global(&mut self, scope: usize, name: &str) -> Place {
        let index = self.globals.iter().position(|known| known == name).unwrap_or_else(|| {
            self.globals.push(name.to_owned());
            self.globals.len() - 1
        });
        if self.scopes[scope].late { Place::Late(index) } else { Place::Global(index) }
    }

    /// The slot of a name that is set in this scope.
    pub(super) fn slot(&mut self, scope: usize, name: &'a str) -> Slot {
        self.slot_in(scope, scope, name)
    }

    fn slot_in(&mut self, owner: usize, asking: usize, name: &'a str) -> Slot {
        let function = self.scopes[owner].function;
        let out = self.functions[self.scopes[asking].function].depth - self.functions[function].depth;
        let slots = &mut self.functions[function].slots;
        let index = *self.scopes[owner].slots.entry(name).or_insert_with(|| {
            *slots += 1;
            *slots - 1
        });
        Slot { out, index }
    }

    /// What is done where the scope begins.
    pub(super) fn frame(&mut self, scope: usize) -> Frame {
        let known: Vec<(&'a str, Load)> =
            self.scopes[scope].names.known.iter().map(|(name, load)| (*name, *load)).collect();
        let mut init = Vec::new();
        for (name, load) in known {
            let stored = self.scopes[scope].names.stored.contains(name);
            let first = match load {
                Load::Parameter => continue,
                Load::Global if !stored => continue,
                Load::Undefined => Init::Undefined(name.to_owned()),
                Load::Global => Init::From(self.global(scope, name)),
                Load::Outer(owner) => Init::From(self.place_in(owner, scope, name)),
            };
            init.push((self.slot(scope, name).index, first));
        }
        Frame { init }
    }

    /// Names that the scope sets, with their slots.
    pub(super) fn stored(&mut self, scope: usize) -> Vec<(String, usize)> {
        let names: Vec<&'a str> = self.scopes[scope].names.stored.iter().copied().collect();
        names.into_iter().map(|name| (name.to_owned(), self.slot(scope, name).index as usize)).collect()
    }
}

/// Calls `found` with every name that an expression reads.
pub(super) fn visit<'a>(expr: &'a Expr<'a>, found: &mut dyn FnMut(&'a str)) {
    let each = |args: &'a [CallArg<'a>], found: &mut dyn FnMut(&'a str)| {
        for arg in args {
            match arg {
                CallArg::Pos(expr) | CallArg::Kwarg(_, expr) | CallArg::PosSplat(expr) | CallArg::KwargSplat(expr) => {
                    visit(expr, found);
                }
            }
        }
    };
    match expr {
        Expr::Var(name) => found(name.id),
        Expr::Const(_) => {}
        Expr::Slice(slice) => {
            visit(&slice.expr, found);
            [&slice.start, &slice.stop, &slice.step].into_iter().flatten().for_each(|bound| visit(bound, found));
        }
        Expr::UnaryOp(unary) => visit(&unary.expr, found),
        Expr::BinOp(binary) => {
            visit(&binary.left, found);
            visit(&binary.right, found);
        }
        Expr::Compare(compare) => {
            visit(&compare.expr, found);
            compare.ops.iter().for_each(|with| visit(&with.expr, found));
        }
        Expr::IfExpr(choice) => {
            visit(&choice.test_expr, found);
            visit(&choice.true_expr, found);
            choice.false_expr.iter().for_each(|expr| visit(expr, found));
        }
        Expr::Filter(filter) => {
            filter.expr.iter().for_each(|expr| visit(expr, found));
            each(&filter.args, found);
        }
        Expr::Test(test) => {
            visit(&test.expr, found);
            each(&test.args, found);
        }
        Expr::GetAttr(attribute) => visit(&attribute.expr, found),
        Expr::GetItem(item) => {
            visit(&item.expr, found);
            visit(&item.subscript_expr, found);
        }
        Expr::Call(call) => {
            visit(&call.expr, found);
            each(&call.args, found);
        }
        Expr::List(list) => list.items.iter().for_each(|item| visit(item, found)),
        Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| visit(item, found)),
        Expr::Map(map) => map.keys.iter().chain(&map.values).for_each(|item| visit(item, found)),
    }
}
