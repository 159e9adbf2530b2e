//! `Labels`: what is to be trained, as users say it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::attribution::Speaker;
use crate::error::{Error, Kind, Result};
use crate::region::RegionKind;

/// Whose messages are trained.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "RolesText")]
pub enum Roles {
    /// Everybody's, and what is nobody's as far as it has a weight.
    All,
    /// Those of these roles.
    Named(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RolesText {
    One(String),
    Many(Vec<String>),
}

impl From<RolesText> for Roles {
    fn from(text: RolesText) -> Roles {
        match text {
            RolesText::One(name) if name == "all" => Roles::All,
            RolesText::One(name) => Roles::Named(vec![name]),
            RolesText::Many(names) => Roles::Named(names),
        }
    }
}

impl Roles {
    /// Whether messages of `role` are meant. `assistant` and `model` are one role, and so are the names of tools.
    pub fn contain(&self, role: &str) -> bool {
        let known = |name: &str| match Speaker::of(name) {
            Speaker::User if !matches!(name, "user" | "human") => None,
            speaker => Some(speaker),
        };
        match self {
            Roles::All => true,
            Roles::Named(names) => {
                names.iter().any(|name| name == role || (known(name).is_some() && known(name) == known(role)))
            }
        }
    }
}

/// Which turns of these roles are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TurnsText")]
pub enum Turns {
    /// Every one.
    All,
    /// The last one.
    Last,
    /// The first so many.
    First(usize),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TurnsText {
    First(usize),
    Name(String),
}

impl TryFrom<TurnsText> for Turns {
    type Error = String;

    fn try_from(text: TurnsText) -> std::result::Result<Turns, String> {
        match text {
            TurnsText::First(count) => Ok(Turns::First(count)),
            TurnsText::Name(name) if name == "all" => Ok(Turns::All),
            TurnsText::Name(name) if name == "last" => Ok(Turns::Last),
            TurnsText::Name(name) => {
                Err(format!("turns must be \"all\", \"last\" or a number of first turns, not {name:?}"))
            }
        }
    }
}

/// Whose stop tokens are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stop {
    /// Those of trained turns.
    Turn,
    /// Those of all turns, also where the rest of the turn is not trained.
    All,
    /// That of the last trained turn.
    Last,
    /// None.
    None,
}

/// What becomes of a token that lies across the edge of what is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Boundary {
    /// It is trained.
    Overlap,
    /// It is not trained.
    Contained,
    /// Its first byte decides.
    First,
    /// There is none: the text is cut at the edges before it is tokenized.
    Split,
}

/// What becomes of a row with a trained turn whose labels are not proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unproved {
    /// It fails, as other rows fail.
    Reject,
    /// The whole run ends.
    Raise,
    /// The turn is not trained, and the row is counted.
    Mask,
}

/// The trained fields of a message that say whether and how much it is trained.
const FLAGS: [&str; 3] = ["train", "training", "weight"];
/// The field of a message that lists ranges of its characters.
const RANGES: &str = "train_detail";

/// How spans are found.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// By the regions of the text.
    Regions,
    /// As another tool does it.
    Like(Peer),
}

/// Tools whose labels can be asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Peer {
    /// transformers' `return_assistant_tokens_mask`, with its faults.
    Transformers,
    /// TRL's `assistant_only_loss`: the same, where a template without tags is an error.
    Trl,
    /// axolotl's `chat_template` strategy.
    Axolotl(crate::peers::AxolotlOptions),
    /// unsloth's `train_on_responses_only`.
    Unsloth {
        /// Train the last response only.
        last_response_only: bool,
    },
    /// open-instruct's prefixes of the rendered text.
    OpenInstruct,
    /// TRL's prompt and completion: all that follows the prompt of the last turn.
    Completion,
}

/// What is trained.
///
/// ```
/// use chatmill::label::{Labels, Turns};
///
/// let labels = Labels::from_json(r#"{"turns": "last", "weights": {"reasoning": 0.5}}"#)?;
/// assert_eq!(labels.turns, Turns::Last);
/// assert!(labels.weighted);
/// # Ok::<(), chatmill::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// How spans are found.
    pub method: Method,
    /// Whose messages are trained.
    pub roles: Roles,
    /// Which of their turns.
    pub turns: Turns,
    /// Fields of a message that decide for it alone: a truth value, or a number that is its weight.
    pub flags: Vec<String>,
    /// The field of a message that lists ranges of its characters.
    pub ranges: Option<String>,
    /// The weight of each kind of region, by [`RegionKind`]; 0 is not trained.
    pub weights: [f32; RegionKind::ALL.len()],
    /// Whether weights other than 0 and 1 are wanted, as a column.
    pub weighted: bool,
    /// Whose stop tokens are trained.
    pub stop: Stop,
    /// The tokens that end a turn; empty for those that the template and the tokenizer show.
    pub stop_tokens: Vec<String>,
    /// Whether a turn without a stop token of its own may take the one that the next turn begins with.
    pub borrow_stop: bool,
    /// Whether `{% generation %}` decides in templates that have it.
    pub tags: bool,
    /// What becomes of tokens across an edge.
    pub boundary: Boundary,
    /// What becomes of rows whose labels are not proved.
    pub unproved: Unproved,
}

/// The same as it is written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    like: Option<String>,
    options: serde_json::Map<String, serde_json::Value>,
    roles: Roles,
    train_on_inputs: bool,
    turns: Turns,
    flags: Vec<String>,
    ranges: Option<String>,
    kinds: Option<Vec<String>>,
    weights: BTreeMap<String, f32>,
    weighted: Option<bool>,
    stop: Stop,
    stop_tokens: Vec<String>,
    borrow_stop: bool,
    tags: Option<bool>,
    boundary: Boundary,
    unproved: Unproved,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            like: None,
            options: serde_json::Map::new(),
            roles: Roles::Named(vec!["assistant".to_owned()]),
            train_on_inputs: false,
            turns: Turns::All,
            flags: FLAGS.map(str::to_owned).to_vec(),
            ranges: Some(RANGES.to_owned()),
            kinds: None,
            weights: BTreeMap::new(),
            weighted: None,
            stop: Stop::Turn,
            stop_tokens: Vec::new(),
            borrow_stop: true,
            tags: None,
            boundary: Boundary::Overlap,
            unproved: Unproved::Reject,
        }
    }
}

impl Default for Labels {
    /// What the assistant would have to generate: every turn after its generation prompt, through its stop token.
    fn default() -> Self {
        Labels {
            method: Method::Regions,
            roles: Roles::Named(vec!["assistant".to_owned()]),
            turns: Turns::All,
            flags: FLAGS.map(str::to_owned).to_vec(),
            ranges: Some(RANGES.to_owned()),
            weights: RegionKind::ALL.map(|kind| f32::from(u8::from(trains(kind)))),
            weighted: false,
            stop: Stop::Turn,
            stop_tokens: Vec::new(),
            borrow_stop: true,
            tags: true,
            boundary: Boundary::Overlap,
            unproved: Unproved::Reject,
        }
    }
}

/// The kinds that are trained unless the user says otherwise.
fn trains(kind: RegionKind) -> bool {
    kind.is_generated() || kind == RegionKind::ToolResult
}

fn option(text: impl std::fmt::Display) -> Error {
    Error::new(Kind::Option, format!("labels: {text}"))
}

impl Labels {
    /// Every token.
    pub fn everything() -> Labels {
        Labels {
            roles: Roles::All,
            flags: Vec::new(),
            ranges: None,
            weights: [1.0; RegionKind::ALL.len()],
            tags: false,
            ..Labels::default()
        }
    }

    /// No token.
    pub fn nothing() -> Labels {
        Labels { weights: [0.0; RegionKind::ALL.len()], tags: false, stop: Stop::None, ..Labels::default() }
    }

    /// From a JSON object; `docs/labels.md` tells its fields.
    pub fn from_json(json: &str) -> Result<Labels> {
        let written: Written = serde_json::from_str(json).map_err(|error| {
            let text = error.to_string();
            option(text.split(" at line").next().unwrap_or(&text))
        })?;
        written.read()
    }

    /// Whether every token is trained, whatever put it there.
    pub fn is_everything(&self) -> bool {
        self.method == Method::Regions
            && self.roles == Roles::All
            && self.turns == Turns::All
            && self.flags.is_empty()
            && self.ranges.is_none()
            && self.weights.iter().all(|&weight| weight == 1.0)
            && matches!(self.stop, Stop::Turn | Stop::All)
            && !self.tags
    }

    /// Whether no token is trained.
    pub fn is_nothing(&self) -> bool {
        self.method == Method::Regions && self.weights.iter().all(|&weight| weight == 0.0) && !self.tags
    }

    /// The weight of a kind of region.
    pub fn weight(&self, kind: RegionKind) -> f32 {
        self.weights[kind as usize]
    }

    /// Whether trained turns are to end in a stop token.
    pub fn trains_stops(&self) -> bool {
        matches!(self.stop, Stop::Turn | Stop::All) && self.weight(RegionKind::Closer) > 0.0
    }
}

impl Written {
    fn read(self) -> Result<Labels> {
        let defaults = Labels::default();
        let mut labels = Labels {
            method: self.method()?,
            roles: if self.train_on_inputs { Roles::All } else { self.roles },
            turns: self.turns,
            flags: self.flags,
            ranges: self.ranges,
            stop: self.stop,
            stop_tokens: self.stop_tokens,
            borrow_stop: self.borrow_stop,
            boundary: self.boundary,
            unproved: self.unproved,
            ..defaults
        };
        if let Some(kinds) = &self.kinds {
            labels.weights = [0.0; RegionKind::ALL.len()];
            for name in kinds {
                labels.weights[kind(name)? as usize] = 1.0;
            }
        }
        for (name, weight) in &self.weights {
            if !(weight.is_finite() && *weight >= 0.0) {
                return Err(option(format!("the weight of {name} must be a number from 0 on, not {weight}")));
            }
            labels.weights[kind(name)? as usize] = *weight;
        }
        if labels.turns == Turns::First(0) {
            return Err(option("turns must be at least 1"));
        }
        let fractions = labels.weights.iter().any(|&weight| weight != 0.0 && weight != 1.0);
        labels.weighted = self.weighted.unwrap_or(fractions);
        if fractions && !labels.weighted {
            return Err(option("weights other than 0 and 1 need weighted: true"));
        }
        // Tags mark what their author would train; who asks for kinds of regions asks for something else.
        let asks_for_kinds = labels.weights != Labels::default().weights || labels.stop != Stop::Turn;
        labels.tags = self.tags.unwrap_or(!asks_for_kinds);
        if labels.tags && asks_for_kinds && !labels.is_nothing() {
            return Err(option("tags decide for a whole turn: leave out kinds, weights and stop, or set tags: false"));
        }
        let plain = Labels { method: Method::Regions, unproved: labels.unproved, ..Labels::default() };
        if labels.method != Method::Regions && (Labels { method: Method::Regions, ..labels.clone() }) != plain {
            return Err(option("like takes the choice of another tool: only options and unproved go with it"));
        }
        if labels.weights.iter().all(|&weight| weight == 0.0) {
            labels = Labels { method: labels.method, ..Labels::nothing() };
        }
        Ok(labels)
    }

    fn method(&self) -> Result<Method> {
        let Some(like) = &self.like else {
            return if self.options.is_empty() {
                Ok(Method::Regions)
            } else {
                Err(option("options belong to like, which names a tool"))
            };
        };
        let options = serde_json::Value::Object(self.options.clone());
        let none = |peer: Peer| match self.options.keys().next() {
            None => Ok(peer),
            Some(name) => Err(option(format!("{like} has no option {name}"))),
        };
        let peer = match like.as_str() {
            "hf" => none(Peer::Transformers)?,
            "trl" => none(Peer::Trl)?,
            "open-instruct" => none(Peer::OpenInstruct)?,
            "completion" => none(Peer::Completion)?,
            "axolotl" => Peer::Axolotl(
                serde_json::from_value(options).map_err(|error| option(format!("options of axolotl: {error}")))?,
            ),
            "unsloth" => {
                #[derive(Deserialize, Default)]
                #[serde(deny_unknown_fields, default)]
                struct Unsloth {
                    last_response_only: bool,
                }
                let Unsloth { last_response_only } =
                    serde_json::from_value(options).map_err(|error| option(format!("options of unsloth: {error}")))?;
                Peer::Unsloth { last_response_only }
            }
            other => {
                let known = "hf, trl, axolotl, unsloth, open-instruct, completion";
                return Err(option(format!("like must be one of {known}, not {other:?}")));
            }
        };
        Ok(Method::Like(peer))
    }
}

fn kind(name: &str) -> Result<RegionKind> {
    RegionKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let known: Vec<&str> = RegionKind::ALL.iter().map(|kind| kind.name()).collect();
        option(format!("{name:?} is no kind of region; there are {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_written_is_the_default() {
        assert_eq!(Labels::from_json("{}").unwrap(), Labels::default());
        assert!(!Labels::default().is_everything() && !Labels::default().is_nothing());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, expected) in [
            (r#"{"rols": "all"}"#, "unknown field `rols`"),
            (r#"{"turns": "some"}"#, "turns must be"),
            (r#"{"turns": 0}"#, "at least 1"),
            (r#"{"kinds": ["answer"]}"#, "there are scaffold, header"),
            (r#"{"weights": {"content": -1}}"#, "from 0 on"),
            (r#"{"weights": {"content": 0.5}, "weighted": false}"#, "need weighted"),
            (r#"{"tags": true, "kinds": ["content"]}"#, "tags decide"),
            (r#"{"like": "nemo"}"#, "like must be one of"),
            (r#"{"like": "hf", "options": {"x": 1}}"#, "hf has no option x"),
            (r#"{"like": "hf", "turns": "last"}"#, "only options and unproved"),
            (r#"{"options": {"x": 1}}"#, "belong to like"),
            (r#"{"stop": "often"}"#, "unknown variant `often`"),
        ] {
            let error = Labels::from_json(json).unwrap_err();
            assert!(error.text.contains(expected), "{json}: {error}");
            assert_eq!(error.kind, Kind::Option);
        }
    }

    #[test]
    fn roles_go_by_all_their_names() {
        let roles = Roles::Named(vec!["assistant".into(), "critic".into()]);
        assert!(roles.contain("model") && roles.contain("critic"));
        assert!(!roles.contain("user") && !roles.contain("judge"));
        assert!(Roles::Named(vec!["user".into()]).contain("human"));
        assert!(!Roles::Named(vec!["user".into()]).contain("critic"));
    }

    #[test]
    fn kinds_put_tags_aside() {
        let labels = Labels::from_json(r#"{"kinds": ["reasoning"]}"#).unwrap();
        assert!(!labels.tags && !labels.weighted);
        assert!(Labels::from_json(r#"{"turns": "last"}"#).unwrap().tags);
        assert!(Labels::from_json(r#"{"kinds": []}"#).unwrap().is_nothing());
    }
}
