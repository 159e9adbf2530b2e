//! `Labels` as they are written down: a JSON object, in which everything may be left out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::policy::{Boundary, FLAGS, Labels, Method, Peer, RANGES, Roles, Stop, Turns, Unproved};
use crate::error::{Error, Kind, Result};
use crate::region::RegionKind;

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

fn option(text: impl std::fmt::Display) -> Error {
    Error::new(Kind::Option, format!("labels: {text}"))
}

impl Labels {
    /// From a JSON object; `docs/labels.md` tells its fields.
    pub fn from_json(json: &str) -> Result<Labels> {
        let written: Written = serde_json::from_str(json).map_err(|error| {
            let text = error.to_string();
            option(text.split(" at line").next().unwrap_or(&text))
        })?;
        written.read()
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
            ..defaults.clone()
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
        // Tags mark what their author would train of assistants; who asks for kinds of regions, or for other roles, asks
        // for something else.
        let asks_for_kinds = labels.weights != defaults.weights || labels.stop != Stop::Turn;
        labels.tags = self.tags.unwrap_or(!asks_for_kinds && labels.roles == defaults.roles);
        if labels.tags && asks_for_kinds && !labels.is_nothing() {
            return Err(option("tags decide for a whole turn: leave out kinds, weights and stop, or set tags: false"));
        }
        let plain = Labels { method: Method::Regions, unproved: labels.unproved, ..Labels::default() };
        if labels.method != Method::Regions && (Labels { method: Method::Regions, ..labels.clone() }) != plain {
            return Err(option("like takes the choice of another tool: only options and unproved go with it"));
        }
        if labels.weights.iter().all(|&weight| weight == 0.0) {
            labels = Labels { method: labels.method, weighted: labels.weighted, ..Labels::nothing() };
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
    fn kinds_put_tags_aside() {
        let labels = Labels::from_json(r#"{"kinds": ["reasoning"]}"#).unwrap();
        assert!(!labels.tags && !labels.weighted);
        assert!(!Labels::from_json(r#"{"roles": ["user"]}"#).unwrap().tags);
        assert!(Labels::from_json(r#"{"turns": "last"}"#).unwrap().tags);
        assert!(Labels::from_json(r#"{"kinds": []}"#).unwrap().is_nothing());
    }
}
