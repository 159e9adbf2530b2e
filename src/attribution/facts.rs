//! `Facts`: what a template's generation prompt and the ends of its turns look like, learnt from small renders.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::layout::Layout;
use super::probes::{WORDS, dialogue, ending_with, probe_documents, probe_tools};
use crate::conversation::{Conversation, Fields, Node, field};
use crate::python_text::is_space;
use crate::template::{ChatTemplate, Request, Traced};

/// Who speaks: the roles that templates tell apart. Others count as the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// `system`, `developer`.
    System,
    /// `user`, and every role that is none of the others.
    User,
    /// `assistant`, `model`.
    Assistant,
    /// `tool`, and the other names of what tools answer.
    Tool,
}

impl Speaker {
    const ALL: [Speaker; 4] = [Speaker::System, Speaker::User, Speaker::Assistant, Speaker::Tool];

    /// The speaker behind the name of a role.
    pub fn of(role: &str) -> Speaker {
        match role {
            "system" | "developer" => Speaker::System,
            "assistant" | "model" => Speaker::Assistant,
            "tool" | "function" | "ipython" | "observation" => Speaker::Tool,
            _ => Speaker::User,
        }
    }
}

/// What was learnt of one template with one set of variables.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// What `add_generation_prompt` adds after a conversation that ends with each speaker; None where it fails.
    prompts: [Option<String>; 4],
    /// What follows the last value when a conversation ends with each speaker.
    end_closers: [Option<String>; 4],
    /// What stands before the content of an assistant turn amid a conversation.
    pub(super) header: Option<String>,
    /// What stands before the content of a user turn amid a conversation, without white space around it.
    pub(super) user_header: Option<String>,
    /// What the template prints behind the loop over the messages where a user spoke last, without white space around.
    pub(super) user_tail: Option<String>,
    /// A generation prompt that is printed whether asked for or not.
    pub(super) always_prompt: Option<String>,
    /// What ends an assistant turn that a user turn follows, without white space at its end.
    pub(super) mid_closer: Option<String>,
    /// Whether the template looks at the next message before it is done with one.
    pub(super) peeks: bool,
    /// What ends an assistant turn, amid a conversation and at its end, without white space around it.
    pub(super) closers: Vec<String>,
    /// The token that ends a sequence, if the template knows one.
    pub(super) eos_token: Option<String>,
}

impl Facts {
    pub(super) fn prompt_after(&self, speaker: Speaker) -> Option<&str> {
        self.prompts[speaker as usize].as_deref()
    }

    pub(super) fn end_closer(&self, speaker: Speaker) -> Option<&str> {
        self.end_closers[speaker as usize].as_deref()
    }
}

/// Facts by what they were learnt with.
#[derive(Debug, Default)]
pub struct FactsCache(Mutex<HashMap<Key, Arc<Facts>>>);

/// What of a row may change the facts.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    tools: ToolsGiven,
    documents: bool,
    forms: Forms,
    /// The variables of the row and of all rows, written down; mostly there are none.
    variables: Option<String>,
}

impl Key {
    fn of(request: Request<'_, '_>, forms: Forms) -> Key {
        let (of_row, of_all) = (&request.conversation.variables, request.variables);
        let none = of_row.is_empty() && of_all.is_empty();
        Key {
            tools: ToolsGiven::of(request.conversation.tools.as_ref()),
            documents: request.conversation.documents.is_some(),
            forms,
            variables: (!none).then(|| format!("{of_row:?}{of_all:?}")),
        }
    }
}

/// How a row gives its tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum ToolsGiven {
    None,
    Empty,
    Some,
}

impl ToolsGiven {
    fn of(tools: Option<&Node<'_>>) -> ToolsGiven {
        match tools {
            None => ToolsGiven::None,
            Some(Node::List(tools)) if tools.is_empty() => ToolsGiven::Empty,
            Some(_) => ToolsGiven::Some,
        }
    }
}

/// Sets of variables to keep facts for. A dataset has a handful; one that gives each row its own must not grow this.
const CACHED: usize = 64;

impl ChatTemplate {
    /// The facts for rows like that of `request`: with or without tools, contents as strings or as parts, with these
    /// variables.
    pub(super) fn facts(&self, request: Request<'_, '_>) -> Arc<Facts> {
        let conversation = request.conversation;
        let forms = Forms::of(conversation);
        let key = Key::of(request, forms);
        let lock = || self.facts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(facts) = lock().get(&key) {
            return Arc::clone(facts);
        }
        // Learnt outside the lock: two threads may do the same work once, and none waits for the other.
        let probe = Probe { template: self, request, forms };
        let facts = Arc::new(probe.in_form().learn());
        let mut cache = lock();
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&facts));
        facts
    }
}

/// Renders small conversations under the variables of a row.
struct Probe<'p, 'c> {
    template: &'p ChatTemplate,
    request: Request<'p, 'c>,
    forms: Forms,
}

/// Whose contents are lists of parts: templates may print other spaces around these than around strings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Forms {
    assistant_in_parts: bool,
    others_in_parts: bool,
}

impl Forms {
    fn of(conversation: &Conversation<'_>) -> Forms {
        let mut forms = Forms::default();
        for (index, message) in conversation.messages.iter().enumerate() {
            if matches!(field(message, "content"), Some(Node::List(_))) {
                let assistant = Speaker::of(conversation.role(index)) == Speaker::Assistant;
                *(if assistant { &mut forms.assistant_in_parts } else { &mut forms.others_in_parts }) = true;
            }
        }
        forms
    }

    /// A message of a probe, its content as those of the row.
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

impl Probe<'_, '_> {
    /// The same, with contents as strings where the template does not know parts and prints the lists as they are:
    /// their brackets belong to the content.
    fn in_form(self) -> Self {
        let letters = |probe: &Self| {
            let text: String = probe.text(&dialogue(), false)?.split(is_space).collect();
            Some(text).filter(|text| text.contains(WORDS[1]))
        };
        let strings = Probe { forms: Forms::default(), ..self };
        match (letters(&self), letters(&strings)) {
            (Some(in_parts), Some(in_strings)) if in_parts != in_strings => strings,
            (None, _) => strings,
            _ => self,
        }
    }

    fn learn(&self) -> Facts {
        let mut facts = Facts {
            peeks: self.template.source().contains("nextitem"),
            eos_token: self.special_token("eos_token"),
            ..Facts::default()
        };
        for speaker in Speaker::ALL {
            let Some(messages) = self.ending_with(speaker) else { continue };
            facts.prompts[speaker as usize] = self.prompt(&messages);
            facts.end_closers[speaker as usize] = self.layout(&messages).and_then(|(traced, layout)| {
                let from = layout.cores(layout.turns.len().checked_sub(1)?).last()?.span.end;
                let in_loop = traced.text.get(from..layout.end.unwrap_or(traced.text.len()))?;
                // Where the loop prints nothing after a message, the closer comes with what follows.
                let blank = in_loop.trim_matches(is_space).is_empty();
                let closer = traced.text.get(from..).filter(|_| blank).or(Some(in_loop));
                closer.filter(|closer| !closer.trim_matches(is_space).is_empty()).map(str::to_owned)
            });
        }
        let of_user = self.ending_with(Speaker::User);
        if let Some((traced, layout)) = of_user.and_then(|messages| self.layout(&messages)) {
            let tail = layout.end.and_then(|end| traced.text.get(end..));
            facts.user_tail = tail.map(|tail| tail.trim_matches(is_space).to_owned());
        }
        if let Some((traced, layout)) = self.layout(&dialogue()) {
            let text = &traced.text;
            let turn = &layout.turns[1];
            if let Some(core) = layout.cores(1).first() {
                facts.header = text.get(turn.start..core.span.start).map(str::to_owned);
                let closer = text.get(core.span.end..layout.turns[2].start);
                facts.mid_closer = closer.map(|closer| closer.trim_end_matches(is_space).to_owned());
            }
            let user = &layout.turns[2];
            facts.user_header = layout.cores(2).first().and_then(|core| {
                let header = text.get(user.start..core.span.start)?.trim_matches(is_space);
                (!header.is_empty()).then(|| header.to_owned())
            });
            let tail = layout.end.and_then(|end| text.get(end..));
            if let (Some(tail), Some(header)) = (tail, &facts.header)
                && alike(tail.trim_matches(is_space), header.trim_matches(is_space))
            {
                facts.always_prompt = Some(tail.to_owned());
            }
        }
        let closers = [facts.mid_closer.as_deref(), facts.end_closer(Speaker::Assistant)];
        let closers = closers.into_iter().flatten().map(|closer| closer.trim_matches(is_space));
        facts.closers = closers.filter(|closer| !closer.is_empty()).map(str::to_owned).collect();
        facts.closers.dedup();
        facts
    }

    /// The first conversation with `speaker` at its end that the template takes.
    fn ending_with(&self, speaker: Speaker) -> Option<Vec<Fields<'static>>> {
        ending_with(speaker).into_iter().find(|messages| self.text(messages, false).is_some())
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
        conversation.variables = of_row
            .variables
            .iter()
            .map(|(name, value)| (Cow::Owned(name.to_string()), value.clone().into_owned()))
            .collect();
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

    fn prompt(&self, messages: &[Fields<'static>]) -> Option<String> {
        let (off, on) = (self.text(messages, false)?, self.text(messages, true)?);
        let common = if on.starts_with(&off) { off.len() } else { back_to_border(&on, common_prefix(&on, &off)) };
        Some(on[common..].to_owned())
    }
}

/// Whether two texts begin or end alike over at least half of each.
fn alike(left: &str, right: &str) -> bool {
    let shared = common_prefix(left, right).max(common_suffix(left, right));
    shared > 0 && shared * 2 >= left.len() && shared * 2 >= right.len()
}

/// Bytes that two texts begin with alike, whole characters only.
pub(super) fn common_prefix(left: &str, right: &str) -> usize {
    left.chars().zip(right.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// Bytes that two texts end with alike, whole characters only.
pub(super) fn common_suffix(left: &str, right: &str) -> usize {
    left.chars().rev().zip(right.chars().rev()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// `at`, or the start of the `<...>` or `[...]` that it would cut: `</s>` and `<|assistant|>` share a `<` only.
pub(super) fn back_to_border(text: &str, at: usize) -> usize {
    [('<', '>'), ('[', ']')].into_iter().fold(at, |at, (open, close)| match text[..at].rfind(open) {
        Some(start) if !text[start..at].contains(close) && text[at..].contains(close) => start,
        _ => at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_cut_at_tokens() {
        assert_eq!(back_to_border("a<|user|>", 3), 1);
        assert_eq!(back_to_border("a<b>c", 4), 4);
        assert_eq!(back_to_border("1 < 2", 4), 4);
        assert_eq!((common_prefix("aéb", "aéc"), common_suffix("xéb", "éb")), (3, 3));
    }
}
