//! Names in error messages: the list of valid names, and the valid name nearest to an unknown one.

/// The names in backticks, with `separator` between them.
pub(crate) fn joined(names: impl IntoIterator<Item: AsRef<str>>, separator: &str) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    quoted.join(separator)
}

/// The names in backticks, with commas between them; "nothing" if there are none.
pub(crate) fn list(names: impl IntoIterator<Item: AsRef<str>>) -> String {
    let list = joined(names, ", ");
    if list.is_empty() { "nothing".to_owned() } else { list }
}

/// A list of more names is left out if one of them is near to the unknown name.
const LONG_LIST: usize = 20;

/// The end of an error message about the unknown name `given`: the nearest known name, if any, and all `known` names.
pub(crate) fn advice<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let hint = nearest(given, known.iter().copied());
    if let (Some(near), true) = (hint, known.len() > LONG_LIST) {
        return format!("did you mean `{near}`?");
    }
    let hint = hint.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    let remedy = match known.as_slice() {
        [] => "remove it".to_owned(),
        [only] => format!("use `{only}`"),
        _ => format!("use one of {}", list(known)),
    };
    hint + &remedy
}

/// "; did you mean `x`?" for the known name that is nearest to `given`, or nothing.
pub(crate) fn did_you_mean<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    nearest(given, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// The known name that differs from `given` by at most two edits, or only in case.
pub(crate) fn nearest<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let given = given.to_lowercase();
    let distances = known.into_iter().map(|name| (strsim::osa_distance(&given, &name.to_lowercase()), name));
    // A short name has too many neighbors: `id` is two edits from every name of two letters.
    distances.filter(|(distance, _)| *distance <= 2 && *distance < given.len()).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_suggested() {
        for (given, known, expected) in [
            ("output", &["ouput", "input"][..], Some("ouput")),
            ("output", &["otuput"], Some("otuput")),
            ("output", &["Output"], Some("Output")),
            ("output", &["response"], None),
            ("id", &["a"], None),
        ] {
            assert_eq!(nearest(given, known.iter().copied()), expected, "{given}");
        }
        assert_eq!(did_you_mean("chatlm", ["chatml"]), "; did you mean `chatml`?");
        assert_eq!(did_you_mean("x", ["chatml"]), "");
    }

    #[test]
    fn lists_have_backticks() {
        assert_eq!((list(["a", "b"]), list([""; 0])), ("`a`, `b`".into(), "nothing".into()));
        assert_eq!((joined(["a", "b"], " or "), joined([""; 0], " or ")), ("`a` or `b`".into(), String::new()));
    }

    #[test]
    fn advice_lists_all_names() {
        let known = ["roles", "turns", "stop"];
        assert_eq!(advice("rols", known), "did you mean `roles`? use one of `roles`, `turns`, `stop`");
        assert_eq!(advice("x", known), "use one of `roles`, `turns`, `stop`");
        let many: Vec<String> = (0..30).map(|number| format!("name{number}")).collect();
        assert_eq!(advice("nome7", many.iter().map(String::as_str)), "did you mean `name7`?");
        assert!(advice("x", many.iter().map(String::as_str)).ends_with("`name29`"));
        assert_eq!((advice("x", ["roles"]), advice("x", [])), ("use `roles`".into(), "remove it".into()));
    }
}
