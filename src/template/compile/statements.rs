//! Statements of the syntax tree as the program has them.

use minijinja::machinery::Span as TreeSpan;
use minijinja::machinery::ast::{Expr as Tree, ForLoop as TreeLoop, Macro as TreeMacro, Stmt as TreeStmt};

use super::expressions::{Here, arguments, expression, is_literal, span};
use super::scope::{Scopes, visit};
use super::{SyntaxError, generation_body};
use crate::template::program::{
    Autoescape, Block, CallBlock, Expr, FilterBlock, ForLoop, MacroCode, Parameter, Program, SetBlock, Slot, Stmt,
    Target, With,
};

/// Compiles the statements of a template.
pub(super) fn template<'a>(children: &'a [TreeStmt<'a>]) -> Result<Program, SyntaxError> {
    let mut scopes = Scopes::default();
    let root = scopes.function(None, false);
    let self_slot = mentions(children, "self").then(|| {
        scopes.parameter(root, "self");
        scopes.slot(root, "self")
    });
    scopes.read(root, children);
    let mut compiler = Compiler { scopes, blocks: Vec::new() };
    let body = compiler.body(Place::at(root), children)?;
    let Compiler { mut scopes, blocks } = compiler;
    let frame = scopes.frame(root);
    let exported = scopes.stored(root);
    let slots = scopes.slots(root);
    let globals = std::mem::take(&mut scopes.globals);
    Ok(Program {
        body,
        frame,
        slots,
        self_slot,
        globals,
        blocks,
        exported,
        source: String::new(),
        lines: Vec::new(),
        has_generation: false,
    })
}

struct Compiler<'a> {
    scopes: Scopes<'a>,
    blocks: Vec<Block>,
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    scope: usize,
    branch: bool,
    /// Whether `break` and `continue` have a loop to leave.
    in_loop: bool,
}

impl Place {
    fn at(scope: usize) -> Place {
        Place { scope, branch: false, in_loop: false }
    }

    /// The same place in another scope.
    fn inner(self, scope: usize) -> Place {
        Place { scope, branch: false, ..self }
    }

    fn here(self) -> Here {
        Here { scope: self.scope, branch: self.branch, folded: false }
    }
}

impl<'a> Compiler<'a> {
    fn body(&mut self, place: Place, body: &'a [TreeStmt<'a>]) -> Result<Vec<Stmt>, SyntaxError> {
        body.iter().map(|statement| self.statement(place, statement)).collect()
    }

    fn expr(&mut self, place: Place, tree: &'a Tree<'a>) -> Result<Expr, SyntaxError> {
        expression(&mut self.scopes, place.here(), tree)
    }

    fn statement(&mut self, place: Place, statement: &'a TreeStmt<'a>) -> Result<Stmt, SyntaxError> {
        Ok(match statement {
            TreeStmt::Template(_) => return Err(SyntaxError::new("a template inside a template")),
            TreeStmt::EmitRaw(raw) => Stmt::Text(raw.raw.to_owned()),
            TreeStmt::EmitExpr(emit) => {
                let here = Here { folded: is_literal(&emit.expr), ..place.here() };
                Stmt::Print(expression(&mut self.scopes, here, &emit.expr)?)
            }
            TreeStmt::IfCond(_) => self.branches(place, statement)?,
            TreeStmt::ForLoop(each) => Stmt::For(Box::new(self.for_loop(place, each, each.span())?)),
            TreeStmt::Set(set) => {
                let value = self.expr(place, &set.expr)?;
                Stmt::Set(self.target(place, &set.target)?, value)
            }
            TreeStmt::SetBlock(set) => {
                let inner = self.scope(place, &set.body);
                let body = self.body(inner, &set.body)?;
                let filter = set.filter.as_ref().map(|tree| self.expr(inner, tree)).transpose()?;
                let target = self.target(place, &set.target)?;
                Stmt::SetBlock(Box::new(SetBlock { target, frame: self.scopes.frame(inner.scope), filter, body }))
            }
            TreeStmt::WithBlock(with) => match generation_body(with) {
                Some(body) => {
                    let inner = Place { in_loop: false, ..self.scope(place, body) };
                    let body = self.body(inner, body)?;
                    Stmt::Generation(self.scopes.frame(inner.scope), body)
                }
                None => {
                    let scope = self.scopes.inner(place.scope);
                    for (target, _) in &with.assignments {
                        self.scopes.read_target(scope, target, false);
                    }
                    self.scopes.read(scope, &with.body);
                    let inner = place.inner(scope);
                    let mut assignments = Vec::with_capacity(with.assignments.len());
                    for (target, value) in &with.assignments {
                        let value = self.expr(place, value)?;
                        assignments.push((self.target(inner, target)?, value));
                    }
                    let body = self.body(inner, &with.body)?;
                    Stmt::With(Box::new(With { frame: self.scopes.frame(scope), assignments, body }))
                }
            },
            TreeStmt::AutoEscape(escape) => {
                let inner = self.scope(place, &escape.body);
                let enabled = self.expr(place, &escape.enabled)?;
                let body = self.body(inner, &escape.body)?;
                Stmt::Autoescape(Box::new(Autoescape { frame: self.scopes.frame(inner.scope), enabled, body }))
            }
            TreeStmt::FilterBlock(block) => {
                let scope = self.scopes.inner(place.scope);
                self.scopes.read(scope, &block.body);
                self.scopes.read_expr(scope, &block.filter);
                let inner = place.inner(scope);
                let body = self.body(inner, &block.body)?;
                let filter = self.expr(inner, &block.filter)?;
                Stmt::FilterBlock(Box::new(FilterBlock { frame: self.scopes.frame(scope), filter, body }))
            }
            TreeStmt::Macro(code) => {
                let compiled = self.macro_code(place, code)?;
                Stmt::Macro(self.scopes.slot(place.scope, code.name), Box::new(compiled))
            }
            TreeStmt::CallBlock(block) => {
                let caller = self.macro_code(place, &block.macro_decl)?;
                let callee = self.expr(place, &block.call.expr)?;
                let args = arguments(&mut self.scopes, place.here(), &block.call.args)?;
                Stmt::CallBlock(Box::new(CallBlock { callee, args, caller, span: span(block.call.span()) }))
            }
            TreeStmt::Block(block) => {
                let scope = self.scopes.function(None, true);
                let self_slot = mentions(&block.body, "self").then(|| {
                    self.scopes.parameter(scope, "self");
                    self.scopes.slot(scope, "self")
                });
                self.scopes.read(scope, &block.body);
                // Room for the block is made first: blocks inside it come behind it.
                let index = self.blocks.len();
                self.blocks.push(Block {
                    name: block.name.to_owned(),
                    frame: Default::default(),
                    slots: 0,
                    self_slot,
                    body: Vec::new(),
                });
                let body = self.body(Place::at(scope), &block.body)?;
                let (frame, slots) = (self.scopes.frame(scope), self.scopes.slots(scope));
                self.blocks[index] = Block { name: block.name.to_owned(), frame, slots, self_slot, body };
                Stmt::Block(index, span(block.span()))
            }
            TreeStmt::Import(import) => Stmt::Load(span(import.span())),
            TreeStmt::FromImport(import) => Stmt::Load(span(import.span())),
            TreeStmt::Extends(extends) => Stmt::Load(span(extends.span())),
            TreeStmt::Include(include) => Stmt::Load(span(include.span())),
            TreeStmt::Continue(_) if place.in_loop => Stmt::Continue,
            TreeStmt::Break(_) if place.in_loop => Stmt::Break,
            TreeStmt::Continue(it) => return Err(no_loop("continue", it.span())),
            TreeStmt::Break(it) => return Err(no_loop("break", it.span())),
            TreeStmt::Do(it) => return Err(at("Encountered unknown tag 'do'.", it.span())),
        })
    }

    /// A scope around `body`.
    fn scope(&mut self, place: Place, body: &'a [TreeStmt<'a>]) -> Place {
        let scope = self.scopes.inner(place.scope);
        self.scopes.read(scope, body);
        place.inner(scope)
    }

    fn branches(&mut self, place: Place, statement: &'a TreeStmt<'a>) -> Result<Stmt, SyntaxError> {
        let place = Place { branch: true, ..place };
        let mut branches = Vec::new();
        let mut next = std::slice::from_ref(statement);
        while let [TreeStmt::IfCond(branch)] = next {
            branches.push((self.expr(place, &branch.expr)?, self.body(place, &branch.true_body)?));
            next = &branch.false_body;
        }
        Ok(Stmt::If(branches, self.body(place, next)?))
    }

    fn for_loop(&mut self, place: Place, each: &'a TreeLoop<'a>, at: TreeSpan) -> Result<ForLoop, SyntaxError> {
        let extended = each.recursive || mentions(&each.body, "loop");
        // A recursive loop calls itself, so each run of it needs variables of its own.
        let outer = if each.recursive { self.scopes.function(Some(place.scope), false) } else { place.scope };
        let scope = self.scopes.inner(outer);
        if extended {
            self.scopes.parameter(scope, "loop");
        }
        self.scopes.read_target(scope, &each.target, true);
        self.scopes.read(scope, &each.body);
        let else_scope = self.scopes.inner(outer);
        self.scopes.read(else_scope, &each.else_body);
        let test = match &each.filter_expr {
            None => None,
            Some(tree) => {
                let scope = self.scopes.inner(outer);
                self.scopes.read_target(scope, &each.target, true);
                self.scopes.read_expr(scope, tree);
                let target = self.target(Place::at(scope), &each.target)?;
                let test = self.expr(Place::at(scope), tree)?;
                Some((self.scopes.frame(scope), target, test))
            }
        };
        let iter = self.expr(place, &each.iter)?;
        let inner = Place { in_loop: true, ..Place::at(scope) };
        let target = self.target(inner, &each.target)?;
        let body = self.body(inner, &each.body)?;
        let else_place = Place { in_loop: place.in_loop && !each.recursive, ..Place::at(else_scope) };
        let otherwise = self.body(else_place, &each.else_body)?;
        let loop_slot = extended.then(|| self.scopes.slot(scope, "loop"));
        Ok(ForLoop {
            target,
            iter,
            test,
            frame: self.scopes.frame(scope),
            loop_slot,
            body,
            else_frame: self.scopes.frame(else_scope),
            otherwise,
            recursive: each.recursive,
            slots: if each.recursive { self.scopes.slots(outer) } else { 0 },
            span: span(at),
        })
    }

    fn macro_code(&mut self, place: Place, code: &'a TreeMacro<'a>) -> Result<MacroCode, SyntaxError> {
        let scope = self.scopes.function(Some(place.scope), false);
        for parameter in &code.args {
            self.scopes.read_target(scope, parameter, true);
        }
        let explicit = |name: &str| code.args.iter().any(|arg| matches!(arg, Tree::Var(var) if var.id == name));
        let special = |scopes: &mut Scopes<'a>, name: &'static str| -> Option<Slot> {
            (!explicit(name) && mentions(&code.body, name)).then(|| {
                scopes.parameter(scope, name);
                scopes.slot(scope, name)
            })
        };
        let caller = special(&mut self.scopes, "caller");
        let kwargs = special(&mut self.scopes, "kwargs");
        let varargs = special(&mut self.scopes, "varargs");
        for default in &code.defaults {
            self.scopes.read_expr(scope, default);
        }
        self.scopes.read(scope, &code.body);
        let inner = Place::at(scope);
        let required = code.args.len() - code.defaults.len().min(code.args.len());
        let mut parameters = Vec::with_capacity(code.args.len());
        for (index, arg) in code.args.iter().enumerate() {
            let Tree::Var(name) = arg else { return Err(SyntaxError::new("a parameter of a macro is no name")) };
            let default = index.checked_sub(required).and_then(|at| code.defaults.get(at));
            let default = default.map(|tree| self.expr(inner, tree)).transpose()?;
            let slot = self.scopes.slot(scope, name.id);
            parameters.push(Parameter { name: name.id.to_owned(), slot, default });
        }
        let body = self.body(inner, &code.body)?;
        let (frame, slots) = (self.scopes.frame(scope), self.scopes.slots(scope));
        Ok(MacroCode { name: code.name.to_owned(), parameters, caller, varargs, kwargs, frame, slots, body })
    }

    fn target(&mut self, place: Place, target: &'a Tree<'a>) -> Result<Target, SyntaxError> {
        Ok(match target {
            Tree::Var(name) => Target::Name(self.scopes.slot(place.scope, name.id)),
            Tree::GetAttr(attribute) => match &attribute.expr {
                Tree::Var(name) => {
                    let namespace = self.scopes.place(place.scope, name.id);
                    Target::Attribute(namespace, attribute.name.to_owned(), span(attribute.span()))
                }
                _ => return Err(at("only an attribute of a namespace can be assigned to", attribute.span())),
            },
            Tree::List(items) => self.targets(place, &items.items, items.span())?,
            Tree::Tuple(items) => self.targets(place, &items.items, items.span())?,
            other => return Err(at("this cannot be assigned to", other.span())),
        })
    }

    fn targets(&mut self, place: Place, items: &'a [Tree<'a>], at: TreeSpan) -> Result<Target, SyntaxError> {
        let targets = items.iter().map(|item| self.target(place, item)).collect::<Result<_, _>>()?;
        Ok(Target::Tuple(targets, span(at)))
    }
}

fn at(text: &str, place: TreeSpan) -> SyntaxError {
    SyntaxError { text: text.to_owned(), line: Some(place.start_line as usize), columns: None }
}

fn no_loop(what: &str, place: TreeSpan) -> SyntaxError {
    at(&format!("'{what}' outside of a loop, or in a block that it cannot leave"), place)
}

/// Whether a name is read anywhere in these statements.
fn mentions<'a>(body: &'a [TreeStmt<'a>], name: &str) -> bool {
    let mut found = false;
    for statement in body {
        each_expression(statement, &mut |tree| visit(tree, &mut |known| found |= known == name));
    }
    found
}

fn each_expression<'a>(statement: &'a TreeStmt<'a>, found: &mut dyn FnMut(&'a Tree<'a>)) {
    let all = |body: &'a [TreeStmt<'a>], found: &mut dyn FnMut(&'a Tree<'a>)| {
        body.iter().for_each(|statement| each_expression(statement, found));
    };
    match statement {
        TreeStmt::EmitExpr(emit) => found(&emit.expr),
        TreeStmt::ForLoop(each) => {
            found(&each.iter);
            each.filter_expr.iter().for_each(&mut *found);
            all(&each.body, found);
            all(&each.else_body, found);
        }
        TreeStmt::IfCond(branch) => {
            found(&branch.expr);
            all(&branch.true_body, found);
            all(&branch.false_body, found);
        }
        TreeStmt::WithBlock(with) => {
            with.assignments.iter().for_each(|(_, value)| found(value));
            all(&with.body, found);
        }
        TreeStmt::Set(set) => {
            found(&set.expr);
            if !matches!(set.target, Tree::Var(_)) {
                found(&set.target);
            }
        }
        TreeStmt::SetBlock(set) => {
            set.filter.iter().for_each(&mut *found);
            all(&set.body, found);
        }
        TreeStmt::AutoEscape(escape) => {
            found(&escape.enabled);
            all(&escape.body, found);
        }
        TreeStmt::FilterBlock(block) => {
            found(&block.filter);
            all(&block.body, found);
        }
        TreeStmt::Macro(code) => {
            code.defaults.iter().for_each(&mut *found);
            all(&code.body, found);
        }
        TreeStmt::CallBlock(block) => {
            found(&block.call.expr);
            for arg in &block.call.args {
                use minijinja::machinery::ast::CallArg;
                match arg {
                    CallArg::Pos(tree)
                    | CallArg::Kwarg(_, tree)
                    | CallArg::PosSplat(tree)
                    | CallArg::KwargSplat(tree) => {
                        found(tree);
                    }
                }
            }
            all(&block.macro_decl.body, found);
        }
        _ => {}
    }
}
