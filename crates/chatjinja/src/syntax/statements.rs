//! Compiles statements of the syntax tree to the intermediate representation.

use minijinja::machinery::Span as TreeSpan;
use minijinja::machinery::ast::{Expr as Tree, ForLoop as TreeLoop, Macro as TreeMacro, Stmt as TreeStmt};

use super::error::SyntaxError;
use super::expressions::{ExprContext, arguments, expression, is_literal, span};
use super::scope::Scopes;
use super::tree::{generation_body, mentions};
use crate::ir::{
    Autoescape, Block, CallBlock, Expr, FilterBlock, ForLoop, MacroCode, Parameter, Program, ScopeInit, SetBlock, Slot,
    Stmt, Target, With,
};

/// Compiles the statements of a template.
pub(super) fn template<'a>(children: &'a [TreeStmt<'a>]) -> Result<Program, SyntaxError> {
    let mut scopes = Scopes::default();
    let root = scopes.call(None, false);
    let self_slot = mentions(children, "self").then(|| {
        scopes.parameter(root, "self");
        scopes.slot(root, "self")
    });
    scopes.read(root, children);
    let mut compiler = Compiler { scopes, blocks: Vec::new() };
    let body = compiler.body(StmtContext::at(root), children)?;
    let Compiler { mut scopes, blocks } = compiler;
    let scope = scopes.init(root);
    let exported = scopes.stored(root);
    let slots = scopes.slots(root);
    let globals = std::mem::take(&mut scopes.globals);
    Ok(Program {
        body,
        scope,
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

/// The context of a statement.
#[derive(Debug, Clone, Copy)]
struct StmtContext {
    scope: usize,
    /// Inside a branch: unknown filters and tests are errors only if the branch runs.
    branch: bool,
    /// Whether `break` and `continue` have a loop to leave.
    in_loop: bool,
}

impl StmtContext {
    fn at(scope: usize) -> StmtContext {
        StmtContext { scope, branch: false, in_loop: false }
    }

    /// The same in another scope.
    fn inner(self, scope: usize) -> StmtContext {
        StmtContext { scope, branch: false, ..self }
    }

    fn expr(self) -> ExprContext {
        ExprContext { scope: self.scope, branch: self.branch, folded: false }
    }
}

impl<'a> Compiler<'a> {
    fn body(&mut self, context: StmtContext, body: &'a [TreeStmt<'a>]) -> Result<Vec<Stmt>, SyntaxError> {
        body.iter().map(|statement| self.statement(context, statement)).collect()
    }

    fn expr(&mut self, context: StmtContext, tree: &'a Tree<'a>) -> Result<Expr, SyntaxError> {
        expression(&mut self.scopes, context.expr(), tree)
    }

    fn statement(&mut self, context: StmtContext, statement: &'a TreeStmt<'a>) -> Result<Stmt, SyntaxError> {
        Ok(match statement {
            TreeStmt::Template(_) => return Err(SyntaxError::new("the parser gave a template inside a template")),
            TreeStmt::EmitRaw(raw) => Stmt::Text(raw.raw.to_owned()),
            TreeStmt::EmitExpr(emit) => {
                let here = ExprContext { folded: is_literal(&emit.expr), ..context.expr() };
                Stmt::Print(expression(&mut self.scopes, here, &emit.expr)?)
            }
            TreeStmt::IfCond(_) => self.branches(context, statement)?,
            TreeStmt::ForLoop(each) => Stmt::For(Box::new(self.for_loop(context, each, each.span())?)),
            TreeStmt::Set(set) => {
                let value = self.expr(context, &set.expr)?;
                Stmt::Set(self.target(context, &set.target)?, value)
            }
            TreeStmt::SetBlock(set) => {
                let inner = self.scope(context, &set.body);
                let body = self.body(inner, &set.body)?;
                let filter = set.filter.as_ref().map(|tree| self.expr(inner, tree)).transpose()?;
                let target = self.target(context, &set.target)?;
                Stmt::SetBlock(Box::new(SetBlock { target, scope: self.scopes.init(inner.scope), filter, body }))
            }
            TreeStmt::WithBlock(with) => match generation_body(with) {
                Some(body) => {
                    let inner = StmtContext { in_loop: false, ..self.scope(context, body) };
                    let body = self.body(inner, body)?;
                    Stmt::Generation(self.scopes.init(inner.scope), body)
                }
                None => {
                    let scope = self.scopes.inner(context.scope);
                    for (target, _) in &with.assignments {
                        self.scopes.read_target(scope, target);
                    }
                    self.scopes.read(scope, &with.body);
                    let inner = context.inner(scope);
                    let mut assignments = Vec::with_capacity(with.assignments.len());
                    for (target, value) in &with.assignments {
                        let value = self.expr(context, value)?;
                        assignments.push((self.target(inner, target)?, value));
                    }
                    let body = self.body(inner, &with.body)?;
                    Stmt::With(Box::new(With { scope: self.scopes.init(scope), assignments, body }))
                }
            },
            TreeStmt::AutoEscape(escape) => {
                let inner = self.scope(context, &escape.body);
                let enabled = self.expr(context, &escape.enabled)?;
                let body = self.body(inner, &escape.body)?;
                Stmt::Autoescape(Box::new(Autoescape { scope: self.scopes.init(inner.scope), enabled, body }))
            }
            TreeStmt::FilterBlock(block) => {
                let scope = self.scopes.inner(context.scope);
                self.scopes.read(scope, &block.body);
                self.scopes.read_expr(scope, &block.filter);
                let inner = context.inner(scope);
                let body = self.body(inner, &block.body)?;
                let filter = self.expr(inner, &block.filter)?;
                Stmt::FilterBlock(Box::new(FilterBlock { scope: self.scopes.init(scope), filter, body }))
            }
            TreeStmt::Macro(code) => {
                let compiled = self.macro_code(context, code)?;
                Stmt::Macro(self.scopes.slot(context.scope, code.name), Box::new(compiled))
            }
            TreeStmt::CallBlock(block) => {
                let caller = MacroCode { name: None, ..self.macro_code(context, &block.macro_decl)? };
                let callee = self.expr(context, &block.call.expr)?;
                let args = arguments(&mut self.scopes, context.expr(), &block.call.args)?;
                Stmt::CallBlock(Box::new(CallBlock { callee, args, caller, span: span(block.call.span()) }))
            }
            TreeStmt::Block(block) => {
                let scope = self.scopes.call(None, true);
                let self_slot = mentions(&block.body, "self").then(|| {
                    self.scopes.parameter(scope, "self");
                    self.scopes.slot(scope, "self")
                });
                self.scopes.read(scope, &block.body);
                // The block takes its index before the blocks inside it.
                let index = self.blocks.len();
                self.blocks.push(Block {
                    name: block.name.to_owned(),
                    scope: ScopeInit::default(),
                    slots: 0,
                    self_slot,
                    body: Vec::new(),
                });
                let body = self.body(StmtContext::at(scope), &block.body)?;
                let (scope, slots) = (self.scopes.init(scope), self.scopes.slots(scope));
                self.blocks[index] = Block { name: block.name.to_owned(), scope, slots, self_slot, body };
                Stmt::Block(index, span(block.span()))
            }
            TreeStmt::Import(import) => Stmt::LoadTemplate(span(import.span())),
            TreeStmt::FromImport(import) => Stmt::LoadTemplate(span(import.span())),
            TreeStmt::Extends(extends) => Stmt::LoadTemplate(span(extends.span())),
            TreeStmt::Include(include) => Stmt::LoadTemplate(span(include.span())),
            TreeStmt::Continue(_) if context.in_loop => Stmt::Continue,
            TreeStmt::Break(_) if context.in_loop => Stmt::Break,
            TreeStmt::Continue(it) => return Err(no_loop("continue", it.span())),
            TreeStmt::Break(it) => return Err(no_loop("break", it.span())),
            TreeStmt::Do(it) => return Err(at("Encountered unknown tag 'do'.", it.span())),
        })
    }

    /// A scope around `body`.
    fn scope(&mut self, context: StmtContext, body: &'a [TreeStmt<'a>]) -> StmtContext {
        let scope = self.scopes.inner(context.scope);
        self.scopes.read(scope, body);
        context.inner(scope)
    }

    fn branches(&mut self, context: StmtContext, statement: &'a TreeStmt<'a>) -> Result<Stmt, SyntaxError> {
        let context = StmtContext { branch: true, ..context };
        let mut branches = Vec::new();
        let mut next = std::slice::from_ref(statement);
        while let [TreeStmt::IfCond(branch)] = next {
            branches.push((self.expr(context, &branch.expr)?, self.body(context, &branch.true_body)?));
            next = &branch.false_body;
        }
        Ok(Stmt::If(branches, self.body(context, next)?))
    }

    fn for_loop(&mut self, context: StmtContext, each: &'a TreeLoop<'a>, at: TreeSpan) -> Result<ForLoop, SyntaxError> {
        let extended = each.recursive || mentions(&each.body, "loop");
        // A recursive loop calls itself, so each call of it needs its own variables.
        let outer = if each.recursive { self.scopes.call(Some(context.scope), false) } else { context.scope };
        let scope = self.scopes.inner(outer);
        if extended {
            self.scopes.parameter(scope, "loop");
        }
        self.scopes.read_parameters(scope, &each.target);
        self.scopes.read(scope, &each.body);
        let else_scope = self.scopes.inner(outer);
        self.scopes.read(else_scope, &each.else_body);
        let test = match &each.filter_expr {
            None => None,
            Some(tree) => {
                let scope = self.scopes.inner(outer);
                self.scopes.read_parameters(scope, &each.target);
                self.scopes.read_expr(scope, tree);
                let target = self.target(StmtContext::at(scope), &each.target)?;
                let test = self.expr(StmtContext::at(scope), tree)?;
                Some((self.scopes.init(scope), target, test))
            }
        };
        let iter = self.expr(context, &each.iter)?;
        let inner = StmtContext { in_loop: true, ..StmtContext::at(scope) };
        let target = self.target(inner, &each.target)?;
        let body = self.body(inner, &each.body)?;
        let else_context = StmtContext { in_loop: context.in_loop && !each.recursive, ..StmtContext::at(else_scope) };
        let otherwise = self.body(else_context, &each.else_body)?;
        let loop_slot = extended.then(|| self.scopes.slot(scope, "loop"));
        Ok(ForLoop {
            target,
            iter,
            test,
            scope: self.scopes.init(scope),
            loop_slot,
            body,
            else_scope: self.scopes.init(else_scope),
            otherwise,
            recursive: each.recursive,
            slots: if each.recursive { self.scopes.slots(outer) } else { 0 },
            span: span(at),
        })
    }

    fn macro_code(&mut self, context: StmtContext, code: &'a TreeMacro<'a>) -> Result<MacroCode, SyntaxError> {
        let scope = self.scopes.call(Some(context.scope), false);
        for parameter in &code.args {
            self.scopes.read_parameters(scope, parameter);
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
        let inner = StmtContext::at(scope);
        let required = code.args.len() - code.defaults.len().min(code.args.len());
        let mut parameters = Vec::with_capacity(code.args.len());
        for (index, arg) in code.args.iter().enumerate() {
            let Tree::Var(name) = arg else { return Err(SyntaxError::new("a parameter of a macro must be a name")) };
            let default = index.checked_sub(required).and_then(|at| code.defaults.get(at));
            let default = default.map(|tree| self.expr(inner, tree)).transpose()?;
            let slot = self.scopes.slot(scope, name.id);
            parameters.push(Parameter { name: name.id.to_owned(), slot, default });
        }
        let body = self.body(inner, &code.body)?;
        let (scope, slots) = (self.scopes.init(scope), self.scopes.slots(scope));
        Ok(MacroCode { name: Some(code.name.to_owned()), parameters, caller, varargs, kwargs, scope, slots, body })
    }

    fn target(&mut self, context: StmtContext, target: &'a Tree<'a>) -> Result<Target, SyntaxError> {
        match target {
            Tree::Var(name) => Ok(Target::Name(self.scopes.slot(context.scope, name.id))),
            Tree::GetAttr(attribute) => {
                let Tree::Var(name) = &attribute.expr else {
                    return Err(at("only an attribute of a namespace can be set", attribute.span()));
                };
                let namespace = self.scopes.binding(context.scope, name.id);
                Ok(Target::Attribute(namespace, attribute.name.to_owned(), span(attribute.span())))
            }
            Tree::List(items) => self.targets(context, &items.items, items.span()),
            Tree::Tuple(items) => self.targets(context, &items.items, items.span()),
            Tree::Const(_)
            | Tree::Slice(_)
            | Tree::UnaryOp(_)
            | Tree::BinOp(_)
            | Tree::Compare(_)
            | Tree::IfExpr(_)
            | Tree::Filter(_)
            | Tree::Test(_)
            | Tree::GetItem(_)
            | Tree::Call(_)
            | Tree::Map(_) => Err(at("this is no target of an assignment; set a name", target.span())),
        }
    }

    fn targets(&mut self, context: StmtContext, items: &'a [Tree<'a>], at: TreeSpan) -> Result<Target, SyntaxError> {
        let targets = items.iter().map(|item| self.target(context, item)).collect::<Result<_, _>>()?;
        Ok(Target::Tuple(targets, span(at)))
    }
}

fn at(text: &str, span: TreeSpan) -> SyntaxError {
    SyntaxError::at_line(text, span.start_line as usize)
}

fn no_loop(what: &str, span: TreeSpan) -> SyntaxError {
    at(&format!("'{what}' outside of a loop, or in a block that it cannot leave"), span)
}
