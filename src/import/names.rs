//! Names of objects, made from names of the source.

use std::collections::BTreeSet;

/// Length of a name without the number that makes it unique. Names of Secrets add a suffix.
const MAX_STEM_LEN: usize = 48;

/// Names that are in use, by kind.
#[derive(Debug, Default)]
pub(super) struct ObjectNames(BTreeSet<(&'static str, String)>);

impl ObjectNames {
    /// Returns a valid name of a kind that resembles the proposed one and that no other object has. The order
    /// of calls decides which object gets a number.
    pub(super) fn unique_name(&mut self, kind: &'static str, proposed_name: &str) -> String {
        let stem = object_name_of(proposed_name);
        let stem = if stem.is_empty() { kind.to_ascii_lowercase() } else { stem };
        let mut name = stem.clone();
        let mut number = 1;
        while !self.0.insert((kind, name.clone())) {
            number += 1;
            name = format!("{stem}-{number}");
        }
        name
    }
}

/// A text as the name of an object: lower-case letters, digits and hyphens.
fn object_name_of(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        if name.len() >= MAX_STEM_LEN {
            break;
        }
    }
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_do_not_collide() {
        let mut names = ObjectNames::default();
        assert_eq!(names.unique_name("OidcUser", "Ada.L@Example.com"), "ada-l-example-com");
        assert_eq!(names.unique_name("OidcUser", "ada_l@example-com"), "ada-l-example-com-2");
        assert_eq!(names.unique_name("OidcClient", "ada-l-example-com"), "ada-l-example-com");
        assert_eq!(names.unique_name("OidcUser", "Żółć"), "oidcuser");
        assert_eq!(names.unique_name("OidcUser", "---"), "oidcuser-2");
        let long = names.unique_name("OidcUser", &"x.".repeat(100));
        assert!(long.len() <= MAX_STEM_LEN && !long.ends_with('-'), "{long}");
        assert_ne!(names.unique_name("OidcUser", &"x.".repeat(101)), long);
    }
}
