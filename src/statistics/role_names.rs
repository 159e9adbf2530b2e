//! `RoleNames`: the names of roles, each with a small number.

use crate::rows::Role;

/// Names that get a number of their own. All others share one.
const MAX_NAMES: usize = 40;
/// The longest name that is kept.
const MAX_NAME: usize = 40;
/// The name of all others.
pub(super) const OTHERS: &str = "…";

/// The names of roles in the order in which they were seen.
#[derive(Debug, Default, Clone)]
pub(super) struct RoleNames(Vec<(String, Role)>);

impl RoleNames {
    /// The number of a name, and its role; `Role::Tool` for a role that is not usual. Rows have few different names, so a search is faster than a map.
    pub(super) fn index(&mut self, name: &str) -> (u8, Role) {
        if let Some(found) = self.0.iter().position(|(known, _)| known == name) {
            return (found as u8, self.0[found].1);
        }
        // What other roles have in a row is nobody's mistake.
        let role = if Role::is_usual(name) { Role::of(name) } else { Role::Tool };
        let short = match name.char_indices().nth(MAX_NAME) {
            Some((end, _)) => &name[..end],
            None => name,
        };
        let found = self.0.iter().position(|(known, _)| known == short);
        let found = found.or_else(|| (self.0.len() > MAX_NAMES).then_some(MAX_NAMES));
        let found = found.unwrap_or_else(|| {
            let kept = if self.0.len() < MAX_NAMES { short } else { OTHERS };
            self.0.push((kept.to_owned(), role));
            self.0.len() - 1
        });
        (found as u8, role)
    }

    /// The name of a number.
    pub(super) fn name(&self, index: u8) -> &str {
        self.0.get(usize::from(index)).map_or("", |(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_names_share_a_number() {
        let mut names = RoleNames::default();
        assert_eq!(["user", "assistant", "user"].map(|name| names.index(name).0), [0, 1, 0]);
        for name in 0..100 {
            names.index(&name.to_string());
        }
        assert_eq!((names.index("x").0, names.index("model"), names.name(40)), (40, (40, Role::Assistant), OTHERS));
        assert_eq!((names.index("user"), names.name(0)), ((0, Role::User), "user"));
        let mut long = RoleNames::default();
        long.index(&"é".repeat(99));
        assert_eq!(long.name(0), "é".repeat(MAX_NAME));
    }
}
