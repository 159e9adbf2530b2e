//! Lists of names in error messages: all valid names, and the valid name that is nearest to an invalid one.

/// The names as a list with commas, each in backticks.
pub(crate) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The end of an error message about the unknown name `given`: the name that was probably meant, and all `known` names.
pub(crate) fn advice<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let hint = nearest(given, &known).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    let remedy = match known.as_slice() {
        [] => "remove it".to_owned(),
        [only] => format!("use `{only}`"),
        _ => format!("use one of {}", list(known)),
    };
    hint + &remedy
}

/// The name that is nearest to `given`, if no more than a third of its letters differ.
fn nearest<'n>(given: &str, known: &[&'n str]) -> Option<&'n str> {
    let distances = known.iter().map(|name| (distance(given, name), *name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance * 3 <= name.chars().count().max(3)).then_some(name)
}

/// The edit distance: how many letters must be inserted, removed, replaced or swapped with the next one.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
    for row in 0..=left.len() {
        for column in 0..=right.len() {
            table[row][column] = if row == 0 || column == 0 {
                row + column
            } else {
                let replaced = table[row - 1][column - 1] + usize::from(left[row - 1] != right[column - 1]);
                replaced.min(table[row - 1][column] + 1).min(table[row][column - 1] + 1)
            };
            if row > 1 && column > 1 && left[row - 2..row] == [right[column - 1], right[column - 2]] {
                table[row][column] = table[row][column].min(table[row - 2][column - 2] + 1);
            }
        }
    }
    table[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_changed_letters() {
        for (left, right, expected) in [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("fats", "fast", 1)] {
            assert_eq!((distance(left, right), distance(right, left)), (expected, expected), "{left} {right}");
        }
    }

    #[test]
    fn only_a_near_name_is_offered() {
        let known = ["roles", "turns", "stop"];
        assert_eq!(advice("rols", known), "did you mean `roles`? use one of `roles`, `turns`, `stop`");
        assert_eq!(advice("x", known), "use one of `roles`, `turns`, `stop`");
        assert_eq!((advice("x", ["roles"]), advice("x", [])), ("use `roles`".into(), "remove it".into()));
    }
}
