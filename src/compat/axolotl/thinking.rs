//! The `split_thinking` of axolotl: moves reasoning out of a content into a field.

use crate::template::think_tags::{REASONING, THINK, Tags};

/// The tags of axolotl, which differ from those of [`think_tags`](crate::template::think_tags).
const THOUGHTS: [Tags; 3] = [THINK, REASONING, ("<|begin_of_thought|>", "<|end_of_thought|>")];
const SOLUTION: Tags = ("<|begin_of_solution|>", "<|end_of_solution|>");

/// The text between the first pair of tags in `content`, stripped, and the rest. None if there are no tags.
pub(super) fn split(content: &str) -> Option<(String, String)> {
    let (thought, rest) = THOUGHTS.iter().find_map(|tags| between(content, *tags))?;
    let rest = rest.trim_start();
    let answer = match between(rest, SOLUTION) {
        Some((solution, _)) => solution.trim(),
        None => rest,
    };
    Some((thought.trim().to_owned(), answer.to_owned()))
}

/// The text between two tags, and the text after them.
fn between(text: &str, (open, close): Tags) -> Option<(&str, &str)> {
    let (start, end) = (text.find(open)? + open.len(), text.find(close)?);
    Some((text.get(start..end).unwrap_or(""), &text[end + close.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pair_is_split_off() {
        let pair = |left: &str, right: &str| Some((left.to_owned(), right.to_owned()));
        assert_eq!(split("<think>\nR\n</think>\n\nA "), pair("R", "A "));
        let solution = "<|begin_of_thought|>a<|end_of_thought|> <|begin_of_solution|> b <|end_of_solution|>c";
        assert_eq!(split(solution), pair("a", "b"));
        assert_eq!(split("no thoughts"), None);
        assert_eq!(split("</think><think>x"), pair("", "<think>x"));
    }
}
