//! axolotl's `split_thinking`: reasoning inside a content becomes a field of its own.

const THOUGHTS: [(&str, &str); 3] =
    [("<think>", "</think>"), ("<reasoning>", "</reasoning>"), ("<|begin_of_thought|>", "<|end_of_thought|>")];
const SOLUTION: (&str, &str) = ("<|begin_of_solution|>", "<|end_of_solution|>");

/// What is between the first pair of tags that is there, stripped, and the rest.
pub(super) fn split(content: &str) -> Option<(String, String)> {
    let (thought, rest) = THOUGHTS.iter().find_map(|pair| inside(content, *pair))?;
    let rest = rest.trim_start();
    let answer = match inside(rest, SOLUTION) {
        Some((solution, _)) => solution.trim(),
        None => rest,
    };
    Some((thought.trim().to_owned(), answer.to_owned()))
}

/// What stands between two tags, and what behind them.
fn inside<'t>(text: &'t str, (open, close): (&str, &str)) -> Option<(&'t str, &'t str)> {
    let (start, end) = (text.find(open)? + open.len(), text.find(close)?);
    Some((text.get(start..end).unwrap_or(""), &text[end + close.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pair_is_taken_out() {
        let pair = |left: &str, right: &str| Some((left.to_owned(), right.to_owned()));
        assert_eq!(split("<think>\nR\n</think>\n\nA "), pair("R", "A "));
        let solution = "<|begin_of_thought|>a<|end_of_thought|> <|begin_of_solution|> b <|end_of_solution|>c";
        assert_eq!(split(solution), pair("a", "b"));
        assert_eq!(split("no thoughts"), None);
        assert_eq!(split("</think><think>x"), pair("", "<think>x"));
    }
}
