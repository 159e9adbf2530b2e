//! "Did you mean ...?": the known name closest to an unknown one.

/// The name in `names` that differs from `wanted` by at most two edits, or only in case.
pub(crate) fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wanted = wanted.to_lowercase();
    let distances = names.into_iter().map(|name| (strsim::osa_distance(&wanted, &name.to_lowercase()), name));
    // A short name has too many neighbors: `id` is two edits from every name of two letters.
    distances.filter(|(distance, _)| *distance <= 2 && *distance < wanted.len()).min().map(|(_, name)| name)
}

/// "; did you mean `x`?" for the nearest name, or nothing.
pub(crate) fn did_you_mean<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    nearest(wanted, names).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_suggested() {
        for (wanted, names, expected) in [
            ("output", &["ouput", "input"][..], Some("ouput")),
            ("output", &["otuput"], Some("otuput")),
            ("output", &["Output"], Some("Output")),
            ("output", &["response"], None),
            ("id", &["a"], None),
        ] {
            assert_eq!(nearest(wanted, names.iter().copied()), expected, "{wanted}");
        }
        assert_eq!(did_you_mean("chatlm", ["chatml"]), "; did you mean `chatml`?");
        assert_eq!(did_you_mean("x", ["chatml"]), "");
    }
}
