//! The limit of token ids, checked before anything is as large as the largest id.
//!
//! Tables of tokens have one entry for each id, so a file of a few bytes with the id 4294967295 would need gigabytes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, ErrorKind, Result};

/// Ids that no token has, besides one for each token. Real vocabularies leave out far fewer: the largest of them have
/// some thousands of reserved ids.
const FREE_IDS: u64 = 1 << 20;

/// Checks that the ids of a `tokenizer.json` are not far beyond the number of its tokens.
///
/// Only this is checked. A definition that is wrong otherwise gets the error of the library that loads it.
pub(super) fn check_ids(definition: &str) -> Result<()> {
    let Ok(Json(Definition(all))) = serde_json::from_str(definition) else { return Ok(()) };
    let limit = all.tokens.saturating_mul(2).saturating_add(FREE_IDS);
    if all.largest < limit {
        return Ok(());
    }
    let text = format!(
        "the `tokenizer.json` has the token id {}, but only {} tokens, so ids up to {} are accepted; correct the id, or \
         download the file again",
        all.largest,
        all.tokens,
        limit - 1
    );
    Err(Error::new(ErrorKind::TokenizerLoad, text))
}

/// The number of tokens, and the largest of their ids.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Ids {
    tokens: u64,
    largest: u64,
}

impl Ids {
    fn push(&mut self, Id(id): Id) {
        self.tokens += 1;
        self.largest = self.largest.max(id.unwrap_or(0));
    }

    fn add(&mut self, other: Ids) {
        self.tokens += other.tokens;
        self.largest = self.largest.max(other.largest);
    }
}

/// The id of a token: a number, or the number under the key `id`. A token in a list may have none.
#[derive(Default)]
struct Id(Option<u64>);

/// All tokens of a `tokenizer.json`.
#[derive(Default)]
struct Definition(Ids);

/// The tokens of a model.
#[derive(Default)]
struct Model(Ids);

/// What is read of a JSON value. By default it is read to its end, and nothing of it is kept.
trait Found: Default {
    fn number(_number: u64) -> Self {
        Self::default()
    }

    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> std::result::Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn object<'de, A: MapAccess<'de>>(mut object: A) -> std::result::Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl Found for Id {
    fn number(number: u64) -> Self {
        Id(Some(number))
    }

    fn object<'de, A: MapAccess<'de>>(mut object: A) -> std::result::Result<Self, A::Error> {
        let mut found = Id(None);
        while let Some(key) = object.next_key::<Cow<'_, str>>()? {
            if key == "id" {
                found = object.next_value::<Json<Id>>()?.0;
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

impl Found for Ids {
    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> std::result::Result<Self, A::Error> {
        let mut found = Ids::default();
        while let Some(Json(id)) = list.next_element()? {
            found.push(id);
        }
        Ok(found)
    }

    fn object<'de, A: MapAccess<'de>>(mut object: A) -> std::result::Result<Self, A::Error> {
        let mut found = Ids::default();
        while let Some((_, Json(id))) = object.next_entry::<IgnoredAny, Json<Id>>()? {
            found.push(id);
        }
        Ok(found)
    }
}

impl Found for Model {
    fn object<'de, A: MapAccess<'de>>(mut object: A) -> std::result::Result<Self, A::Error> {
        let mut found = Ids::default();
        while let Some(key) = object.next_key::<Cow<'_, str>>()? {
            if key == "vocab" {
                found.add(object.next_value::<Json<Ids>>()?.0);
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Model(found))
    }
}

impl Found for Definition {
    // A key may be there twice. Libraries differ in which one they use, so all are read.
    fn object<'de, A: MapAccess<'de>>(mut object: A) -> std::result::Result<Self, A::Error> {
        let mut found = Ids::default();
        while let Some(key) = object.next_key::<Cow<'_, str>>()? {
            match &*key {
                "model" => found.add(object.next_value::<Json<Model>>()?.0.0),
                "added_tokens" => found.add(object.next_value::<Json<Ids>>()?.0),
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Definition(found))
    }
}

/// A JSON value of any type.
struct Json<T>(T);

impl<'de, T: Found> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData)).map(Json)
    }
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Found> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<T, E> {
        Ok(T::number(number))
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E>(self) -> std::result::Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> std::result::Result<T, A::Error> {
        T::list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> std::result::Result<T, A::Error> {
        T::object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(definition: &str) -> Option<String> {
        check_ids(definition).err().map(|error| error.text)
    }

    #[test]
    fn an_id_far_beyond_the_number_of_tokens_is_refused() {
        for definition in [
            r#"{"model": {"vocab": {"a": 4294967295}}}"#,
            r#"{"model": {"vocab": {"a": 0}, "vocab": {"b": 1048580}}}"#,
            r#"{"added_tokens": [{"id": 2147483648, "content": "x"}], "model": {"vocab": [["a", -1.5]]}}"#,
            r#"{"added_tokens": [{"content": "x", "id": 18446744073709551615}]}"#,
        ] {
            assert!(complaint(definition).is_some_and(|text| text.contains("has the token id")), "{definition}");
        }
    }

    #[test]
    fn ids_with_gaps_are_accepted() {
        assert_eq!(complaint(r#"{"model": {"vocab": {"a": 1048577}}, "added_tokens": []}"#), None);
        assert!(complaint(r#"{"model": {"vocab": {"a": 1048578}}, "added_tokens": []}"#).is_some());
    }

    #[test]
    fn other_mistakes_are_left_to_the_library_that_loads_it() {
        for definition in ["", "[]", "{", r#"{"model": [1, {"x": [null, true, -1, 2.5]}], "added_tokens": "x"}"#] {
            assert_eq!(complaint(definition), None, "{definition}");
        }
    }
}
