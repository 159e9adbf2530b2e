//! `Scopes`: resolves names to variables by the rules of Jinja2's compiler.
//!
//! Each scope keeps the names that it mentions. A name that is set in a scope has a slot there, whose first value comes
//! from the outer scope. A name that is only read refers to the variable of the nearest outer scope that has the name,
//! or else to a variable of the input. All statements of a scope count, also those after the name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use minijinja::machinery::ast::{CallArg, Expr, Stmt};

use super::tree::{argument, each_name, generation_body};
use crate::ir::{Binding, ScopeInit, Slot, SlotInit};

/// All scopes of a template.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    scopes: Vec<Scope<'a>>,
    calls: Vec<CallSlots>,
    pub(super) globals: Vec<String>,
    /// The places of the globals.
    places: HashMap<String, usize>,
}

/// The slots of code with its own variables: the template, a macro, a block, a recursive loop.
#[derive(Debug)]
struct CallSlots {
    depth: u32,
    slots: u32,
}

#[derive(Debug)]
struct Scope<'a> {
    parent: Option<usize>,
    /// The index in [`Scopes::calls`].
    call: usize,
    /// Whether it is inside a block: the template may have set global variables before.
    late: bool,
    names: ScopeNames<'a>,
    slots: BTreeMap<&'a str, u32>,
}

#[derive(Debug, Default)]
struct ScopeNames<'a> {
    known: BTreeMap<&'a str, FirstValue>,
    stored: BTreeSet<&'a str>,
}

/// The names of a scope while its statements are read. A branch adds names to those before it, without a copy of them.
#[derive(Debug)]
struct Names<'n, 'a> {
    own: ScopeNames<'a>,
    before: Option<&'n Names<'n, 'a>>,
}

impl<'a> Names<'_, 'a> {
    fn is_known(&self, name: &str) -> bool {
        self.own.known.contains_key(name) || self.before.is_some_and(|before| before.is_known(name))
    }

    fn is_stored(&self, name: &str) -> bool {
        self.own.stored.contains(name) || self.before.is_some_and(|before| before.is_stored(name))
    }

    /// The same names at the start of a branch.
    fn branch(&self) -> Names<'_, 'a> {
        Names { own: ScopeNames::default(), before: Some(self) }
    }
}

/// The value of a name at the start of its scope.
#[derive(Debug, Clone, Copy)]
enum FirstValue {
    Parameter,
    Undefined,
    Global,
    /// The value of the same name in an outer scope.
    Outer(usize),
}

impl<'a> Scopes<'a> {
    /// Adds a scope with its own slots.
    pub(super) fn call(&mut self, parent: Option<usize>, late: bool) -> usize {
        let depth = parent.map_or(0, |parent| self.calls[self.scopes[parent].call].depth + 1);
        let late = late || parent.is_some_and(|parent| self.scopes[parent].late);
        self.calls.push(CallSlots { depth, slots: 0 });
        self.add(parent, self.calls.len() - 1, late)
    }

    /// Adds a scope that shares the slots of its parent.
    pub(super) fn inner(&mut self, parent: usize) -> usize {
        self.add(Some(parent), self.scopes[parent].call, self.scopes[parent].late)
    }

    fn add(&mut self, parent: Option<usize>, call: usize, late: bool) -> usize {
        self.scopes.push(Scope { parent, call, late, names: ScopeNames::default(), slots: BTreeMap::new() });
        self.scopes.len() - 1
    }

    /// The number of slots that the code of a scope needs. Call it after the code is compiled.
    pub(super) fn slots(&self, scope: usize) -> usize {
        self.calls[self.scopes[scope].call].slots as usize
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
        names.known.insert(name, FirstValue::Parameter);
    }

    /// Takes the names of the scope, to add to them.
    fn names<'n>(&mut self, scope: usize) -> Names<'n, 'a> {
        Names { own: std::mem::take(&mut self.scopes[scope].names), before: None }
    }

    /// Adds the names of statements to the scope.
    pub(super) fn read(&mut self, scope: usize, body: &'a [Stmt<'a>]) {
        let mut names = self.names(scope);
        self.statements(scope, &mut names, body);
        self.scopes[scope].names = names.own;
    }

    /// Adds the names of an expression to the scope.
    pub(super) fn read_expr(&mut self, scope: usize, expr: &'a Expr<'a>) {
        let mut names = self.names(scope);
        self.loads(scope, &mut names, expr);
        self.scopes[scope].names = names.own;
    }

    /// Adds the names of a target to the scope, as names that are set.
    pub(super) fn read_target(&mut self, scope: usize, target: &'a Expr<'a>) {
        let mut names = self.names(scope);
        self.target(scope, &mut names, target);
        self.scopes[scope].names = names.own;
    }

    /// Adds the names of a target to the scope, as parameters of a loop or a macro.
    pub(super) fn read_parameters(&mut self, scope: usize, target: &'a Expr<'a>) {
        if let Expr::Var(name) = target {
            self.parameter(scope, name.id);
        }
        for item in target_items(target) {
            self.read_parameters(scope, item);
        }
    }

    fn store(&self, scope: usize, names: &mut Names<'_, 'a>, name: &'a str) {
        names.own.stored.insert(name);
        if !names.is_known(name) {
            let first = self.find(self.scopes[scope].parent, name).map_or(FirstValue::Undefined, FirstValue::Outer);
            names.own.known.insert(name, first);
        }
    }

    fn load(&self, scope: usize, names: &mut Names<'_, 'a>, name: &'a str) {
        if !names.is_known(name) && self.find(self.scopes[scope].parent, name).is_none() {
            names.own.known.insert(name, FirstValue::Global);
        }
    }

    fn loads(&self, scope: usize, names: &mut Names<'_, 'a>, expr: &'a Expr<'a>) {
        each_name(expr, &mut |name| self.load(scope, names, name));
    }

    fn target(&self, scope: usize, names: &mut Names<'_, 'a>, target: &'a Expr<'a>) {
        if let Expr::Var(name) = target {
            self.store(scope, names, name.id);
        } else if matches!(target, Expr::List(_) | Expr::Tuple(_)) {
            target_items(target).iter().for_each(|item| self.target(scope, names, item));
        } else {
            // An assignment to an attribute of a namespace reads the name of the namespace.
            self.loads(scope, names, target);
        }
    }

    fn statements(&self, scope: usize, names: &mut Names<'_, 'a>, body: &'a [Stmt<'a>]) {
        for statement in body {
            self.statement(scope, names, statement);
        }
    }

    /// Adds the names of a statement to `names`. Bodies with their own scope are left out.
    fn statement(&self, scope: usize, names: &mut Names<'_, 'a>, statement: &'a Stmt<'a>) {
        match statement {
            Stmt::EmitExpr(emit) => self.loads(scope, names, &emit.expr),
            Stmt::IfCond(branch) => {
                self.loads(scope, names, &branch.expr);
                let (mut yes, mut no) = (names.branch(), names.branch());
                self.statements(scope, &mut yes, &branch.true_body);
                self.statements(scope, &mut no, &branch.false_body);
                let (yes, no) = (yes.own, no.own);
                let stored: BTreeSet<&str> = yes.stored.union(&no.stored).copied().collect();
                let new: Vec<&str> = stored.iter().filter(|name| !names.is_stored(name)).copied().collect();
                for branch in [yes, no] {
                    names.own.known.extend(branch.known);
                    names.own.stored.extend(branch.stored);
                }
                // A name that only a branch sets has the value of the outer scope if the branch does not run.
                for name in new {
                    let outer = self.find(self.scopes[scope].parent, name);
                    names.own.known.insert(name, outer.map_or(FirstValue::Global, FirstValue::Outer));
                }
            }
            Stmt::ForLoop(each) => self.loads(scope, names, &each.iter),
            Stmt::Set(set) => {
                self.loads(scope, names, &set.expr);
                self.target(scope, names, &set.target);
            }
            Stmt::SetBlock(set) => self.target(scope, names, &set.target),
            Stmt::WithBlock(with) => {
                if generation_body(with).is_none() {
                    with.assignments.iter().for_each(|(_, value)| self.loads(scope, names, value));
                }
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
            Stmt::Template(_)
            | Stmt::EmitRaw(_)
            | Stmt::AutoEscape(_)
            | Stmt::Block(_)
            | Stmt::Continue(_)
            | Stmt::Break(_)
            | Stmt::Do(_) => {}
        }
    }

    fn arguments(&self, scope: usize, names: &mut Names<'_, 'a>, args: &'a [CallArg<'a>]) {
        args.iter().for_each(|arg| self.loads(scope, names, argument(arg)));
    }

    /// The variable that `name` refers to in a scope.
    pub(super) fn binding(&mut self, scope: usize, name: &'a str) -> Binding {
        match self.find(Some(scope), name) {
            Some(owner) => self.binding_in(owner, scope, name),
            None => self.global(scope, name),
        }
    }

    /// The variable `name` of the scope `owner`, seen from the scope `reader`.
    fn binding_in(&mut self, owner: usize, reader: usize, name: &'a str) -> Binding {
        let names = &self.scopes[owner].names;
        match names.known.get(name) {
            Some(FirstValue::Global) if !names.stored.contains(name) => self.global(owner, name),
            _ => Binding::Local(self.slot_in(owner, reader, name)),
        }
    }

    fn global(&mut self, scope: usize, name: &str) -> Binding {
        let index = self.places.get(name).copied().unwrap_or_else(|| {
            self.places.insert(name.to_owned(), self.globals.len());
            self.globals.push(name.to_owned());
            self.globals.len() - 1
        });
        if self.scopes[scope].late { Binding::LateGlobal(index) } else { Binding::Global(index) }
    }

    /// The slot of a name that is set in this scope.
    pub(super) fn slot(&mut self, scope: usize, name: &'a str) -> Slot {
        self.slot_in(scope, scope, name)
    }

    fn slot_in(&mut self, owner: usize, reader: usize, name: &'a str) -> Slot {
        let call = self.scopes[owner].call;
        let out = self.calls[self.scopes[reader].call].depth - self.calls[call].depth;
        let slots = &mut self.calls[call].slots;
        let index = *self.scopes[owner].slots.entry(name).or_insert_with(|| {
            *slots += 1;
            *slots - 1
        });
        Slot { out, index }
    }

    /// The first values of the slots of a scope.
    pub(super) fn init(&mut self, scope: usize) -> ScopeInit {
        let known: Vec<(&'a str, FirstValue)> =
            self.scopes[scope].names.known.iter().map(|(name, first)| (*name, *first)).collect();
        let mut slots = Vec::new();
        for (name, first) in known {
            let stored = self.scopes[scope].names.stored.contains(name);
            let init = match first {
                FirstValue::Parameter => continue,
                FirstValue::Global if !stored => continue,
                FirstValue::Undefined => SlotInit::Undefined(name.to_owned()),
                FirstValue::Global => SlotInit::From(self.global(scope, name)),
                FirstValue::Outer(owner) => SlotInit::From(self.binding_in(owner, scope, name)),
            };
            slots.push((self.slot(scope, name).index, init));
        }
        ScopeInit { slots }
    }

    /// The names that the scope sets, with their slots.
    pub(super) fn stored(&mut self, scope: usize) -> Vec<(String, usize)> {
        let names: Vec<&'a str> = self.scopes[scope].names.stored.iter().copied().collect();
        names.into_iter().map(|name| (name.to_owned(), self.slot(scope, name).index as usize)).collect()
    }
}

/// The items of a target that is a list or a tuple.
fn target_items<'t, 'a>(target: &'t Expr<'a>) -> &'t [Expr<'a>] {
    match target {
        Expr::List(list) => &list.items,
        Expr::Tuple(tuple) => &tuple.items,
        Expr::Var(_)
        | Expr::Const(_)
        | Expr::Slice(_)
        | Expr::UnaryOp(_)
        | Expr::BinOp(_)
        | Expr::Compare(_)
        | Expr::IfExpr(_)
        | Expr::Filter(_)
        | Expr::Test(_)
        | Expr::GetAttr(_)
        | Expr::GetItem(_)
        | Expr::Call(_)
        | Expr::Map(_) => &[],
    }
}
