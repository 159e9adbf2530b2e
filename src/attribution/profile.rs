//! `TemplateProfile`: the generation prompt of a template and the ends of its turns, learned by small renders.

use std::borrow::Cow;

use super::layout::Layout;
use super::probes::{WORDS, dialogue, ending_with, probe_documents, probe_tools, reasoned};
use super::shared_text::{back_to_border, common_prefix, similar};
use crate::data::{Fields, Node, field};
use crate::rows::Conversation;
use crate::rows::Role;
use crate::template::{ChatTemplate, Part, Request, Traced};
use chatjinja::is_space;

/// The text that a template prints around values, with one set of variables.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TemplateProfile {
    /// By role: the text that `add_generation_prompt` adds to a conversation that ends with this role. None if the
    /// template refuses such conversations.
    prompts: [Option<String>; 4],
    /// By role: the text after the last value of a conversation that ends with this role.
    end_closers: [Option<String>; 4],
    /// The text before the content of an assistant turn within a conversation.
    pub(super) header: Option<String>,
    /// The text before the content of a user turn within a conversation, without white space around it.
    pub(super) user_header: Option<String>,
    /// The text after the loop over the messages of a conversation that ends with a user message, without white space
    /// around it.
    pub(super) user_tail: Option<String>,
    /// A generation prompt that the template prints even if none is requested.
    pub(super) always_prompt: Option<String>,
    /// The end of an assistant turn before a user turn, without white space at its end.
    pub(super) mid_closer: Option<String>,
    /// Whether the template reads the next message before it has printed the current one.
    pub(super) looks_ahead: bool,
    /// The ends of an assistant turn, within a conversation and at its end, without white space around them.
    pub(super) closers: Vec<String>,
    /// The end-of-sequence token, if the template has one.
    pub(super) eos_token: Option<String>,
    /// The text between the reasoning and the content of a message, if the template prints both in this order.
    pub(super) reasoning_end: Option<String>,
}

impl TemplateProfile {
    /// Learns the profile of `template` for rows like that of `request`.
    pub(super) fn learn(template: &ChatTemplate, request: Request<'_, '_>, forms: ContentForms) -> TemplateProfile {
        Probe { template, request, forms }.in_form().learn()
    }

    /// The generation prompt after a message of `role`.
    pub(super) fn prompt_after(&self, role: Role) -> Option<&str> {
        self.prompts[role as usize].as_deref()
    }

    /// The text after the last value of a conversation that ends with `role`.
    pub(super) fn end_closer(&self, role: Role) -> Option<&str> {
        self.end_closers[role as usize].as_deref()
    }
}

/// Which contents of a row are lists of parts. Templates may print different white space around parts and around
/// strings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct ContentForms {
    assistant_in_parts: bool,
    others_in_parts: bool,
}

impl ContentForms {
    /// The forms of the contents of a row.
    pub(super) fn of(conversation: &Conversation<'_>) -> ContentForms {
        let mut forms = ContentForms::default();
        for (index, message) in conversation.messages.iter().enumerate() {
            if matches!(field(message, "content"), Some(Node::List(_))) {
                let assistant = Role::of(conversation.role(index)) == Role::Assistant;
                *(if assistant { &mut forms.assistant_in_parts } else { &mut forms.others_in_parts }) = true;
            }
        }
        forms
    }

    /// A message of a probe with its content in the form of the row.
    fn shape(self, mut message: Fields<'static>) -> Fields<'static> {
        let assistant = message.iter().any(|(key, value)| key == "role" && value.as_str() == Some("assistant"));
        let in_parts = if assistant { self.assistant_in_parts } else { self.others_in_parts };
        for (_, value) in message.iter_mut().filter(|(key, _)| in_parts && key == "content") {
            let text = std::mem::replace(value, Node::Null);
            let kind = Node::Str(Cow::Borrowed("text"));
            *value = Node::List(vec![Node::Map(vec![(Cow::Borrowed("type"), kind), (Cow::Borrowed("text"), text)])]);
        }
        message
    }
}

/// Renders small conversations with the variables of a row.
struct Probe<'p, 'c> {
    template: &'p ChatTemplate,
    request: Request<'p, 'c>,
    forms: ContentForms,
}

impl Probe<'_, '_> {
    /// This probe, but with contents as strings if the template does not support parts. Such a template prints the list
    /// with its brackets, and these belong to the content.
    fn in_form(self) -> Self {
        let letters = |probe: &Self| {
            let text: String = probe.text(&dialogue(), false)?.split(is_space).collect();
            Some(text).filter(|text| text.contains(WORDS[1]))
        };
        let strings = Probe { forms: ContentForms::default(), ..self };
        match (letters(&self), letters(&strings)) {
            (Some(in_parts), Some(in_strings)) if in_parts != in_strings => strings,
            (None, _) => strings,
            _ => self,
        }
    }

    fn learn(&self) -> TemplateProfile {
        let mut profile = TemplateProfile {
            looks_ahead: self.template.looks_ahead(),
            eos_token: self.special_token("eos_token"),
            ..TemplateProfile::default()
        };
        for role in Role::ALL {
            let Some(messages) = self.ending_with(role) else { continue };
            profile.prompts[role as usize] = self.prompt(&messages);
            profile.end_closers[role as usize] = self.end_closer(&messages);
        }
        let of_user = self.ending_with(Role::User);
        if let Some((traced, layout)) = of_user.and_then(|messages| self.layout(&messages)) {
            let tail = layout.end.and_then(|end| traced.text.get(end..));
            profile.user_tail = tail.map(|tail| tail.trim_matches(is_space).to_owned());
        }
        if let Some((traced, layout)) = self.layout(&dialogue()) {
            profile.learn_from_dialogue(&traced.text, &layout);
        }
        profile.reasoning_end = self.reasoning_end();
        let closers = [profile.mid_closer.as_deref(), profile.end_closer(Role::Assistant)];
        let closers = closers.into_iter().flatten().map(|closer| closer.trim_matches(is_space));
        profile.closers = closers.filter(|closer| !closer.is_empty()).map(str::to_owned).collect();
        profile.closers.dedup();
        profile
    }

    /// The text after the last value of a conversation.
    fn end_closer(&self, messages: &[Fields<'static>]) -> Option<String> {
        let (traced, layout) = self.layout(messages)?;
        let from = layout.values(layout.turns.len().checked_sub(1)?).last()?.span.end;
        let in_loop = traced.text.get(from..layout.end.unwrap_or(traced.text.len()))?;
        // If the loop prints nothing after a message, the closer comes after the loop.
        let blank = in_loop.trim_matches(is_space).is_empty();
        let closer = traced.text.get(from..).filter(|_| blank).or(Some(in_loop));
        closer.filter(|closer| !closer.trim_matches(is_space).is_empty()).map(str::to_owned)
    }

    /// The text between the reasoning and the content of a message.
    fn reasoning_end(&self) -> Option<String> {
        let (traced, layout) = self.layout(&reasoned())?;
        let parts = layout.values(1).windows(2);
        let mut pairs = parts.filter(|pair| pair[0].part == Part::Reasoning && pair[1].part == Part::Content);
        let pair = pairs.next()?;
        traced.text.get(pair[0].span.end..pair[1].span.start).map(str::to_owned)
    }

    /// The first conversation with `role` at its end that the template accepts.
    fn ending_with(&self, role: Role) -> Option<Vec<Fields<'static>>> {
        ending_with(role).into_iter().find(|messages| self.text(messages, false).is_some())
    }

    fn special_token(&self, name: &str) -> Option<String> {
        let tokens = self.template.special_tokens();
        tokens.iter().find(|(known, _)| known == name).map(|(_, token)| token.clone()).filter(|token| !token.is_empty())
    }

    fn conversation(&self, messages: &[Fields<'static>]) -> Option<Conversation<'static>> {
        let of_row = self.request.conversation;
        let tools = probe_tools(of_row.tools.as_ref());
        let shaped = messages.iter().map(|message| Node::Map(self.forms.shape(message.clone())));
        let messages = Node::List(shaped.collect());
        let documents = of_row.documents.as_ref().map(|_| probe_documents());
        let conversation = Conversation::new(messages).ok()?.with_tools(tools).ok()?;
        let mut conversation = conversation.with_documents(documents).ok()?;
        conversation.variables = of_row.variables.to_owned();
        Some(conversation)
    }

    fn text(&self, messages: &[Fields<'static>], add_generation_prompt: bool) -> Option<String> {
        let conversation = self.conversation(messages)?;
        let request = Request { conversation: &conversation, add_generation_prompt, ..self.request };
        self.template.text(request).ok()
    }

    fn layout(&self, messages: &[Fields<'static>]) -> Option<(Traced, Layout)> {
        let conversation = self.conversation(messages)?;
        let request = Request { conversation: &conversation, add_generation_prompt: false, ..self.request };
        let traced = self.template.trace(request).ok()?;
        let layout = Layout::of(&traced);
        Some((traced, layout))
    }

    /// The text that a generation prompt adds to a conversation.
    fn prompt(&self, messages: &[Fields<'static>]) -> Option<String> {
        let (off, on) = (self.text(messages, false)?, self.text(messages, true)?);
        let common = if on.starts_with(&off) { off.len() } else { back_to_border(&on, common_prefix(&on, &off)) };
        Some(on[common..].to_owned())
    }
}

impl TemplateProfile {
    /// Learns headers and closers from the text of [`dialogue`].
    fn learn_from_dialogue(&mut self, text: &str, layout: &Layout) {
        let turn = &layout.turns[1];
        if let Some(value) = layout.values(1).first() {
            self.header = text.get(turn.start..value.span.start).map(str::to_owned);
            let closer = text.get(value.span.end..layout.turns[2].start);
            self.mid_closer = closer.map(|closer| closer.trim_end_matches(is_space).to_owned());
        }
        let user = &layout.turns[2];
        self.user_header = layout.values(2).first().and_then(|value| {
            let header = text.get(user.start..value.span.start)?.trim_matches(is_space);
            (!header.is_empty()).then(|| header.to_owned())
        });
        let tail = layout.end.and_then(|end| text.get(end..));
        if let (Some(tail), Some(header)) = (tail, &self.header)
            && similar(tail.trim_matches(is_space), header.trim_matches(is_space))
        {
            self.always_prompt = Some(tail.to_owned());
        }
    }
}
