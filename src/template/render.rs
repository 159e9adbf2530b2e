//! Rendering: a conversation goes in, its text comes out, with what was observed on the way.

use std::ops::Range;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object};
use minijinja::{ErrorKind, Value};

use super::environment::Raised;
use super::generation::{GenerationEdge, strip_marks};
use super::messages::Messages;
use super::observe::{Event, Observer, Sink};
use super::plan::Ran;
use super::source::{GENERATION_END, GENERATION_START};
use super::values::{Dict, dict, value};
use super::{ChatTemplate, ENTRY};
use crate::conversation::{Conversation, Fields};
use crate::error::{Error, Kind, Result};

/// What is to be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r, 'c> {
    /// The conversation.
    pub conversation: &'r Conversation<'c>,
    /// Variables for every conversation; those of the conversation win.
    pub variables: &'r Fields<'r>,
    /// Whether the text shall end in the prompt for the next assistant turn.
    pub add_generation_prompt: bool,
}

/// A text with what its render showed.
#[derive(Debug)]
pub struct Observed {
    /// The rendered text.
    pub text: String,
    /// What happened to the messages, in the order it happened.
    pub events: Vec<Event>,
}

impl ChatTemplate {
    /// The text.
    pub fn text(&self, request: Request<'_, '_>) -> Result<String> {
        match self.planned(request) {
            Some(ran) => Ok(ran.text),
            None => self.text_by_engine(request, &Arc::default()),
        }
    }

    /// The text, and the bytes of it that `{% generation %}` encloses, in their order.
    pub fn render(&self, request: Request<'_, '_>) -> Result<(String, Vec<Range<usize>>)> {
        match self.planned(request) {
            Some(ran) => Ok((ran.text, ran.generation)),
            None => self.render_by_engine(request),
        }
    }

    /// The text, and what happened to the messages while it was rendered.
    pub fn observe(&self, request: Request<'_, '_>) -> Result<Observed> {
        match self.planned(request) {
            Some(ran) => Ok(Observed { text: ran.text, events: ran.events }),
            None => self.observe_by_engine(request),
        }
    }

    /// What the plan of a simple template gives; None leaves the row to the engine.
    fn planned(&self, request: Request<'_, '_>) -> Option<Ran> {
        self.plan.as_ref()?.run(request, &self.special)
    }

    fn text_by_engine(&self, request: Request<'_, '_>, observer: &Arc<Observer>) -> Result<String> {
        // The observed render fails in the same way and knows at which message. Only failing rows pay for it.
        self.run(plain_messages(request.conversation), request, observer)
            .map_err(|error| self.observe_by_engine(request).err().unwrap_or(error))
    }

    fn render_by_engine(&self, request: Request<'_, '_>) -> Result<(String, Vec<Range<usize>>)> {
        let observer = Arc::default();
        let text = self.text_by_engine(request, &observer)?;
        let generation = self.generation(&observer, &text, request)?;
        Ok((text, generation))
    }

    fn observe_by_engine(&self, request: Request<'_, '_>) -> Result<Observed> {
        let observer: Arc<Observer> = Arc::default();
        let dicts = request.conversation.messages.iter().map(dict).collect();
        let messages = Value::from_object(Messages::new(dicts, Arc::clone(&observer)));
        let text = self.run(messages, request, &observer).map_err(|error| match observer.last_message() {
            Some(message) => error.at_message(message),
            None => error,
        })?;
        Ok(Observed { text, events: observer.take_events() })
    }

    /// The text with the messages of `marked` in place of the conversation's own.
    pub fn render_marked(&self, marked: &Conversation<'_>, request: Request<'_, '_>) -> Result<String> {
        self.text(Request { conversation: marked, ..request })
    }

    /// Where the bodies of `{% generation %}` lie. Bodies that may be captured, by a macro or a set block, are found
    /// by a second render with marks around them, which must give the same text.
    fn generation(&self, observer: &Observer, text: &str, request: Request<'_, '_>) -> Result<Vec<Range<usize>>> {
        if !observer.generation_may_be_captured() {
            return Ok(observer.take_generation());
        }
        let observer = Arc::new(Observer::marking_generation());
        let marked = self.run(plain_messages(request.conversation), request, &observer)?;
        match strip_marks(&marked) {
            Some((plain, spans)) if plain == text => Ok(spans),
            _ => Err(Error::new(
                Kind::Unproved,
                "the text inside {% generation %} is changed after its tag, so its place cannot be told; \
                 put the tag around the final output",
            )),
        }
    }

    fn run(&self, messages: Value, request: Request<'_, '_>, observer: &Arc<Observer>) -> Result<String> {
        let Conversation { tools, documents, variables, .. } = request.conversation;
        let or_none = |node: &Option<_>| node.as_ref().map_or(Value::from(()), value);
        let context = Value::from_object(Variables {
            messages,
            tools: or_none(tools),
            documents: or_none(documents),
            add_generation_prompt: Value::from(request.add_generation_prompt),
            generation_start: Value::from_object(GenerationEdge::Start(Arc::clone(observer))),
            generation_end: Value::from_object(GenerationEdge::End(Arc::clone(observer))),
            of_row: dict(variables),
            of_all: dict(request.variables),
            special: Arc::clone(&self.special),
        });
        let mut text = Vec::with_capacity(4096);
        let template = self.environment.get_template(ENTRY).map_err(|error| self.failure(&error))?;
        template
            .render_captured_to(context, Sink { text: &mut text, observer })
            .map_err(|error| self.failure(&error))?;
        if simdutf8::basic::from_utf8(&text).is_err() {
            return Err(Error::new(Kind::Internal, "the engine wrote bytes that are not UTF-8"));
        }
        // SAFETY: checked on the line before. (The standard library's own check takes 3 µs for a row of Chinese.)
        Ok(unsafe { String::from_utf8_unchecked(text) })
    }

    /// The engine's error in chatmill's terms.
    fn failure(&self, error: &minijinja::Error) -> Error {
        let raised = is_raised(error);
        let kind = if raised { Kind::TemplateRaised } else { Kind::TemplateFailed };
        let mut text = what(error);
        if error.kind() == ErrorKind::OutOfFuel {
            text = "the template did not come to an end within 200 million steps".to_owned();
        }
        if !raised && let Some(quoted) = error.line().and_then(|line| quote_line(&self.source, line)) {
            text.push_str(&quoted);
        }
        let failure = Error::new(kind, text);
        match error.line() {
            Some(line) => failure.at_template_line(line),
            None => failure,
        }
    }
}

fn plain_messages(conversation: &Conversation<'_>) -> Value {
    Value::from(conversation.messages.iter().map(|fields| Value::from_object(dict(fields))).collect::<Vec<_>>())
}

/// The variables of a template, looked up by name without building a map for each row.
#[derive(Debug)]
struct Variables {
    messages: Value,
    tools: Value,
    documents: Value,
    add_generation_prompt: Value,
    generation_start: Value,
    generation_end: Value,
    of_row: Dict,
    of_all: Dict,
    special: Arc<Dict>,
}

impl Object for Variables {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "messages" => self.messages.clone(),
            "tools" => self.tools.clone(),
            "documents" => self.documents.clone(),
            "add_generation_prompt" => self.add_generation_prompt.clone(),
            GENERATION_START => self.generation_start.clone(),
            GENERATION_END => self.generation_end.clone(),
            _ => self.of_row.get(key).or_else(|| self.of_all.get(key)).or_else(|| self.special.get(key))?.clone(),
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["messages", "tools", "documents", "add_generation_prompt"])
    }
}

fn is_raised(error: &minijinja::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.downcast_ref::<Raised>().is_some() {
            return true;
        }
        source = error.source();
    }
    false
}

/// What the engine says is wrong, without the place.
pub(super) fn what(error: &minijinja::Error) -> String {
    let mut text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<minijinja::Error>() {
            text = inner.detail().map_or_else(|| inner.kind().to_string(), str::to_owned);
        }
        source = inner.source();
    }
    text
}

/// The template's line to show after an error, shortened.
pub(super) fn quote_line(source: &str, line: usize) -> Option<String> {
    let text = source.lines().nth(line.checked_sub(1)?)?.trim();
    let mut short: String = text.chars().take(120).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    (!short.is_empty()).then(|| format!(" (in the template: {short})"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conversation::Node;
    use crate::template::{self, Happening};

    const SOURCES: [&str; 4] = [
        "{% for m in messages %}<{{ m['role'] }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}\
         {% elif loop.first %}{{ m.content|trim ~ '!' }}{% else %}{{ m.content + eos_token }}{% endif %}\n{% endfor %}\
         {% if add_generation_prompt %}>{% endif %}",
        "{{ bos_token }}{% for m in messages %}{% if loop.last and not m.name %}{{ '[' + m.content|trim + ']' }}\
         {% elif m.name is defined %}{{ m.name }}{% endif %}{% endfor %}{% if tools %}T{% endif %}",
        "{% if messages[0].role != 'system' %}S{% endif %}{% for m in messages %}{% generation %}{{ m.x }}{% endgeneration %}{% endfor %}",
        "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no ' + m.content) }}{% endif %}{{ m.content }}{% endfor %}",
    ];

    fn node() -> impl Strategy<Value = Node<'static>> {
        prop_oneof![
            4 => "[ a\u{1c}\n中]{0,4}".prop_map(|text| Node::Str(text.into())),
            1 => Just(Node::Null),
            1 => any::<bool>().prop_map(Node::Bool),
            1 => (-1i64..2).prop_map(Node::Int),
            1 => Just(Node::Float(0.0)),
            1 => Just(Node::List(vec![Node::Int(1)])),
            1 => Just(Node::Map(Vec::new())),
        ]
    }

    fn message() -> impl Strategy<Value = Node<'static>> {
        let role = prop::sample::select(vec!["system", "user", "assistant", "tool"]);
        let extra = prop::option::of((prop::sample::select(vec!["name", "x", "tool_calls"]), node()));
        (role, prop::option::weighted(0.9, node()), extra).prop_map(|(role, content, extra)| {
            let mut fields: Fields<'static> = vec![("role".into(), Node::Str(role.into()))];
            fields.extend(content.map(|content| ("content".into(), content)));
            fields.extend(extra.map(|(name, value)| (name.into(), value)));
            Node::Map(fields)
        })
    }

    proptest! {
        #[test]
        fn plans_print_what_the_engine_prints(
            messages in prop::collection::vec(message(), 1..5),
            add_generation_prompt: bool,
            tools in prop::option::of(prop::collection::vec(node(), 0..2)),
            token in prop::option::of(node()),
        ) {
            let mut conversation = Conversation::new(Node::List(messages)).unwrap();
            conversation.tools = tools.map(Node::List);
            conversation.variables = token.map(|token| ("eos_token".into(), token)).into_iter().collect();
            let request = Request { conversation: &conversation, variables: &Vec::new(), add_generation_prompt };
            let mut templates: Vec<ChatTemplate> =
                SOURCES.iter().map(|source| ChatTemplate::new("t", source, &[("bos_token".into(), "<s>".into())]).unwrap()).collect();
            prop_assert!(templates.iter().all(|template| template.plan.is_some()));
            templates.extend(template::names().map(|name| template::named(name, &[]).unwrap()));
            for template in &templates {
                let planned = template.render(request);
                let by_engine = template.render_by_engine(request);
                prop_assert_eq!(planned, by_engine, "{}", template.source());
                if let (Ok(planned), Ok(mut by_engine)) = (template.observe(request), template.observe_by_engine(request)) {
                    if planned.events.iter().all(|event| !matches!(event.what, Happening::Read(_))) {
                        by_engine.events.retain(|event| !matches!(event.what, Happening::Read(_)));
                    }
                    prop_assert_eq!(planned.events, by_engine.events, "{}", template.source());
                }
            }
        }
    }

    #[test]
    fn simple_named_templates_have_plans() {
        let planned: Vec<&str> =
            template::names().filter(|name| template::named(name, &[]).unwrap().plan.is_some()).collect();
        assert!(planned.contains(&"chatml"), "{planned:?}");
    }
}
