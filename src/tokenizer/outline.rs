//! The outline of a `tokenizer.json`: all of it except the vocabulary and the merges, which are megabytes.
//!
//! The rules that make a definition anew need the outline and a few tokens. Reading all of qwen3's definition into
//! Python values and writing it again takes 0.3 s, its outline 0.03 s.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};

/// The keys of a model that an outline leaves out.
const LARGE: [&str; 2] = ["vocab", "merges"];

/// The outline of a definition, as JSON.
pub fn outline(definition: &str) -> Result<String> {
    let mut all: Entries<'_> = parse(definition, "the `tokenizer.json`")?;
    let Some(model) = all.get("model") else { return Ok(definition.to_owned()) };
    let mut model: Entries<'_> = parse(model.get(), "the `model` of the `tokenizer.json`")?;
    model.0.retain(|(key, _)| !LARGE.contains(&&**key));
    let model = write(&model)?;
    all.set("model", parse(&model, "the `model`")?);
    write(&all)
}

/// The definition with another outline: vocabulary and merges stay as they are.
pub fn with_outline(definition: &str, outline: &str) -> Result<String> {
    let old: Entries<'_> = parse(definition, "the `tokenizer.json`")?;
    let old: Entries<'_> = parse(old.get("model").map_or("{}", |model| model.get()), "the `model`")?;
    let mut new: Entries<'_> = parse(outline, "the outline")?;
    let mut model: Entries<'_> = parse(new.get("model").map_or("{}", |model| model.get()), "the `model`")?;
    model.0.extend(old.0.into_iter().filter(|(key, _)| LARGE.contains(&&**key)));
    let model = write(&model)?;
    new.set("model", parse(&model, "the `model`")?);
    write(&new)
}

/// What a vocabulary has of some tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct VocabularyEntries {
    /// The number of tokens in the vocabulary.
    pub size: usize,
    /// For each token its id, and its score if the vocabulary has scores. None if the vocabulary does not have it.
    pub entries: Vec<Option<(u32, Option<f64>)>>,
}

/// Looks up `tokens` in the vocabulary of a definition.
pub fn vocabulary_entries(definition: &str, tokens: &[String]) -> Result<VocabularyEntries> {
    let all: Entries<'_> = parse(definition, "the `tokenizer.json`")?;
    let model: Entries<'_> = parse(all.get("model").map_or("{}", |model| model.get()), "the `model`")?;
    let wanted: HashMap<&str, usize> = tokens.iter().enumerate().map(|(index, token)| (&**token, index)).collect();
    let search = EntrySearch { wanted, size: 0, entries: vec![None; tokens.len()] };
    let vocabulary = model.get("vocab").map_or("{}", |vocabulary| vocabulary.get());
    let mut reader = serde_json::Deserializer::from_str(vocabulary);
    let found = reader.deserialize_any(search).map_err(|error| failed("the vocabulary", &error))?;
    // A token that is given twice has one entry.
    let first = |token: &String| found.wanted.get(&**token).and_then(|&index| found.entries[index]);
    Ok(VocabularyEntries { size: found.size, entries: tokens.iter().map(first).collect() })
}

/// The keys of a JSON object in their order, with the text of their values.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Entries<'a> {
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        // Of repeated keys the last one counts, as in Python.
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, value)| *value)
    }

    fn set(&mut self, key: &'static str, value: &'a RawValue) {
        match self.0.iter_mut().rev().find(|(known, _)| known == key) {
            Some(entry) => entry.1 = value,
            None => self.0.push((Cow::Borrowed(key), value)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct OutlineReader;
        impl<'de> Visitor<'de> for OutlineReader {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(OutlineKey(key)) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(OutlineReader)
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// A text that is borrowed unless it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct OutlineKey<'a>(#[serde(borrow)] Cow<'a, str>);

/// A search for tokens in a vocabulary: an object of ids, or a list of tokens with scores.
struct EntrySearch<'w> {
    wanted: HashMap<&'w str, usize>,
    size: usize,
    entries: Vec<Option<(u32, Option<f64>)>>,
}

impl<'de> Visitor<'de> for EntrySearch<'_> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of ids or a list of tokens with scores")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<Self, A::Error> {
        while let Some((OutlineKey(token), id)) = map.next_entry::<OutlineKey<'_>, u32>()? {
            self.size += 1;
            if let Some(&index) = self.wanted.get(&*token) {
                self.entries[index] = Some((id, None));
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> std::result::Result<Self, A::Error> {
        while let Some((OutlineKey(token), score)) = list.next_element::<(OutlineKey<'_>, f64)>()? {
            if let Some(&index) = self.wanted.get(&*token)
                && self.entries[index].is_none()
            {
                self.entries[index] = Some((self.size as u32, Some(score)));
            }
            self.size += 1;
        }
        Ok(self)
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str, what: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| failed(what, &error))
}

fn write(entries: &Entries<'_>) -> Result<String> {
    serde_json::to_string(entries).map_err(|error| failed("the definition", &error))
}

fn failed(what: &str, error: &serde_json::Error) -> Error {
    let text = format!("{what} cannot be read ({error}); download the file again");
    Error::new(ErrorKind::TokenizerLoad, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFINITION: &str = r#"{"version": "1.0", "model": {"type": "BPE", "vocab": {"\u00e9": 0, "b": 1}, "merges": []}, "decoder": null}"#;

    #[test]
    fn an_outline_has_neither_vocabulary_nor_merges_and_goes_back() {
        let outline = outline(DEFINITION).unwrap();
        assert_eq!(outline, r#"{"version":"1.0","model":{"type":"BPE"},"decoder":null}"#);
        let other = with_outline(DEFINITION, &outline.replace("BPE", "X")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&other).unwrap();
        assert_eq!(value["model"]["vocab"]["é"], 0);
        assert_eq!(value["model"]["type"], "X");
        assert!(outline_fails("[]") && outline_fails("{") && outline_fails(r#"{"model": 1}"#));
    }

    fn outline_fails(definition: &str) -> bool {
        outline(definition).is_err()
    }

    #[test]
    fn tokens_are_found_in_both_kinds_of_vocabularies() {
        let tokens = ["b".to_owned(), "é".to_owned(), "x".to_owned(), "b".to_owned()];
        let found = vocabulary_entries(DEFINITION, &tokens).unwrap();
        assert_eq!(found.entries, [Some((1, None)), Some((0, None)), None, Some((1, None))]);
        let list = r#"{"model": {"vocab": [["é", 0.0], ["b", -1.5], ["b", -2]]}}"#;
        let found = vocabulary_entries(list, &tokens).unwrap();
        assert_eq!((found.size, found.entries[0], found.entries[1]), (3, Some((1, Some(-1.5))), Some((0, Some(0.0)))));
        assert!(vocabulary_entries(r#"{"model": {"vocab": 1}}"#, &tokens).is_err());
    }
}
