//! `ProfileCache`: the profiles of a template. The key is the properties of a row that a profile depends on.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use lru::LruCache;

use super::profile::{ContentForms, TemplateProfile};
use crate::data::Node;
use crate::interrupt;
use crate::template::{ChatTemplate, Request};

/// The number of profiles to keep. A dataset needs a handful. The limit bounds the memory for data whose rows all need
/// different profiles.
const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// The profiles of a template. When the cache is full, the least recently used one is evicted.
#[derive(Debug)]
pub struct ProfileCache {
    profiles: Mutex<Profiles>,
    /// The variables that can change a profile: of the template for rows without tools, and of the one for rows with
    /// tools.
    variables: [OnceLock<Vec<String>>; 2],
}

#[derive(Debug)]
struct Profiles {
    by_key: LruCache<Key, Arc<TemplateProfile>>,
    learned: usize,
}

impl Default for ProfileCache {
    fn default() -> Self {
        let profiles = Profiles { by_key: LruCache::new(CAPACITY), learned: 0 };
        ProfileCache { profiles: Mutex::new(profiles), variables: Default::default() }
    }
}

impl ProfileCache {
    /// The number of profiles learned so far. A profile that was evicted and learned again counts twice.
    pub fn learned(&self) -> usize {
        self.lock().learned
    }

    /// The profile of `template` for rows like that of `request`. `template` must be the template for this row. Learns
    /// the profile if it is not in the cache.
    pub(super) fn get(&self, template: &ChatTemplate, request: Request<'_, '_>) -> Arc<TemplateProfile> {
        let forms = ContentForms::of(request.conversation);
        let key = Key {
            tools: ToolsGiven::of(request.conversation.tools.as_ref()),
            documents: request.conversation.documents.is_some(),
            forms,
            variables: self.variables(template, request),
        };
        if let Some(profile) = self.lock().by_key.get(&key) {
            return Arc::clone(profile);
        }
        // The lock is not held while learning. Two threads may learn the same profile, and the first one is kept. If
        // one waited for the other, a child process that is forked meanwhile would wait for ever.
        let profile = Arc::new(TemplateProfile::learn(template, request, forms));
        if interrupt::is_interrupted() {
            // A render that was stopped says nothing about the template, so this profile must not stay.
            return profile;
        }
        let mut profiles = self.lock();
        if let Some(profile) = profiles.by_key.get(&key) {
            return Arc::clone(profile);
        }
        profiles.learned += 1;
        profiles.by_key.put(key, Arc::clone(&profile));
        profile
    }

    /// The variables of `request` that `template` reads, as text. None if there are none, which is the usual case.
    fn variables(&self, template: &ChatTemplate, request: Request<'_, '_>) -> Option<String> {
        let (of_row, of_all) = (&request.conversation.variables, request.variables);
        if of_row.is_empty() && of_all.is_empty() {
            return None;
        }
        let of_template = &self.variables[usize::from(request.conversation.tools.is_some())];
        let mut text = String::new();
        for name in of_template.get_or_init(|| variables_of(template)) {
            let Some(value) = of_row.get(name).or_else(|| of_all.get(name)) else { continue };
            if text.is_empty() {
                // One allocation for most rows.
                text.reserve(128);
            }
            text.push_str(name);
            text.push('=');
            match value {
                // The value of most switches, such as `enable_thinking`, without an allocation.
                Node::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
                value => text.push_str(&value.to_json()),
            }
            text.push('\n');
        }
        (!text.is_empty()).then_some(text)
    }

    fn lock(&self) -> MutexGuard<'_, Profiles> {
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every row sets these, so a template never takes them from the variables.
const FIELDS_OF_ROWS: [&str; 4] = ["messages", "tools", "documents", "add_generation_prompt"];

/// The names of the variables that `template` can take from a row or a request.
fn variables_of(template: &ChatTemplate) -> Vec<String> {
    // A variable may replace a function.
    let names = template.variables().filter(|name| !FIELDS_OF_ROWS.contains(name)).chain(template.functions());
    names.map(str::to_owned).collect()
}

/// The properties of a row that can change a profile.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    /// Rows with tools may also have a separate template.
    tools: ToolsGiven,
    documents: bool,
    forms: ContentForms,
    /// The variables that the template reads, with their values.
    variables: Option<String>,
}

/// Whether a row has tools.
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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::attribution::Attributor;
    use crate::rows::{Conversation, TemplateVariables};

    /// An attributor of a template with `extra` before the messages.
    fn attributor(extra: &str) -> Attributor {
        let source = format!(
            "{extra}{{% for m in messages %}}<{{{{ m.role }}}}>{{{{ m.content }}}}</s>{{% endfor %}}\
             {{% if add_generation_prompt %}}<assistant>{{% endif %}}"
        );
        Attributor::new(Arc::new(ChatTemplate::new("test", &source, &[]).unwrap()))
    }

    fn variables(json: &str) -> TemplateVariables<'_> {
        TemplateVariables::read(Some(Node::parse_json(json.as_bytes()).unwrap())).unwrap()
    }

    /// Finds the regions of a row with these variables, given as JSON.
    fn run(attributor: &Attributor, of_row: &str, of_all: &str) {
        let json = br#"[{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]"#;
        let mut conversation = Conversation::new(Node::parse_json(json).unwrap()).unwrap();
        conversation.variables = variables(of_row);
        let of_all = variables(of_all);
        let (_, attributed) = attributor.regions(Request::of(&conversation, &of_all)).unwrap();
        assert_eq!(attributed.unwrap().ambiguities, []);
    }

    #[test]
    fn rows_share_a_profile_if_the_template_reads_none_of_their_variables() {
        let attributor = attributor("{% set shown = 1 %}{{ shown }}");
        for row in 0..1000 {
            run(&attributor, &format!(r#"{{"number": {row}, "shown": {row}}}"#), "{}");
            run(&attributor, "{}", &format!(r#"{{"number": "{row}"}}"#));
        }
        run(&attributor, "{}", "{}");
        assert_eq!(attributor.profiles().learned(), 1);
    }

    #[test]
    fn threads_that_need_the_same_profile_keep_one() {
        for _ in 0..20 {
            let attributor = attributor("");
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| run(&attributor, "{}", "{}"));
                }
            });
            assert_eq!(attributor.profiles().learned(), 1);
        }
    }

    #[test]
    fn rows_have_different_profiles_if_the_template_reads_their_variables() {
        let attributor = attributor("{{ date }}");
        for _ in 0..2 {
            run(&attributor, r#"{"date": "Monday", "number": 1}"#, "{}");
            run(&attributor, r#"{"number": 2, "date": "Tuesday"}"#, "{}");
            run(&attributor, "{}", r#"{"date": "Monday"}"#);
            run(&attributor, r#"{"date": "Tuesday"}"#, r#"{"date": "Monday"}"#);
        }
        assert_eq!(attributor.profiles().learned(), 2);
        // The type of a value counts, not only its text.
        for value in ["1", "1.0", "\"1\"", "true", "\"true\"", "[1]", "null"] {
            run(&attributor, &format!(r#"{{"date": {value}}}"#), "{}");
        }
        assert_eq!(attributor.profiles().learned(), 9);
        run(&attributor, "{}", "{}");
        assert_eq!(attributor.profiles().learned(), 10);
    }

    #[test]
    fn a_variable_may_replace_a_function() {
        let attributor = attributor("{% if range is string %}{{ range }}{% endif %}");
        run(&attributor, r#"{"range": "a", "joiner": 1}"#, "{}");
        run(&attributor, r#"{"range": "b", "joiner": 2}"#, "{}");
        assert_eq!(attributor.profiles().learned(), 2);
        let template = ChatTemplate::new("function", "{{ range }}{{ strftime_now }}", &[]).unwrap();
        assert_eq!(template.variables().count(), 0);
        assert_eq!(variables_of(&template), ["range", "strftime_now"]);
    }

    #[test]
    fn the_template_for_tools_has_profiles_of_its_own() {
        let template = ChatTemplate::new("test", "{% for m in messages %}{{ m.content }}{% endfor %}", &[]).unwrap();
        let for_tools = "{{ date }}{% for m in messages %}{{ m.content }}{% endfor %}";
        let attributor = Attributor::new(Arc::new(template.with_tool_use(for_tools).unwrap()));
        let none = TemplateVariables::default();
        for (tools, expected) in [(None, 1), (Some("[]"), 3), (Some(r#"[{"name": "f"}]"#), 5)] {
            for date in ["1", "2"] {
                let json = br#"[{"role": "user", "content": "Q"}]"#;
                let tools = tools.map(|tools| Node::parse_json(tools.as_bytes()).unwrap());
                let conversation = Conversation::new(Node::parse_json(json).unwrap()).unwrap();
                let mut conversation = conversation.with_tools(tools).unwrap();
                conversation.variables =
                    TemplateVariables::new(vec![(Cow::Borrowed("date"), Node::Str(Cow::Borrowed(date)))]).unwrap();
                attributor.regions(Request::of(&conversation, &none)).unwrap().1.unwrap();
            }
            assert_eq!(attributor.profiles().learned(), expected);
        }
    }

    #[test]
    fn the_least_recently_used_profile_is_evicted() {
        let attributor = attributor("{{ date }}");
        let learned = |date: usize| {
            let before = attributor.profiles().learned();
            run(&attributor, &format!(r#"{{"date": {date}}}"#), "{}");
            attributor.profiles().learned() > before
        };
        for date in 0..CAPACITY.get() {
            assert!(learned(date));
        }
        // 0 is used again, so 1 is the oldest.
        assert!(!learned(0));
        assert!(learned(1000));
        assert!(!learned(0) && learned(1));
        assert!(!learned(1000) && !learned(3) && learned(2));
    }
}
