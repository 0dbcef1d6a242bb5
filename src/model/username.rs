//! Sign-in names, as they are compared.

use unicode_normalization::UnicodeNormalization;

/// Maximum length of a typed user name, in characters. Names in manifests have at most 256.
const MAX_USERNAME_LEN: usize = 512;

/// Normalizes a sign-in name for comparison: NFKC, lower case, without surrounding white space.
/// Long names are truncated. The function is idempotent.
pub fn normalize_username(text: &str) -> String {
    let composed: String = text.trim().chars().take(MAX_USERNAME_LEN).nfkc().collect();
    let lower: String = composed.to_lowercase().nfkc().collect();
    lower.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_look_the_same_are_equal() {
        for typed in ["ada", " Ada ", "ADA", "ＡＤＡ", "\u{a0}ada\n", "ada\u{3000}"] {
            assert_eq!(normalize_username(typed), "ada", "{typed:?}");
        }
        assert_eq!(normalize_username("Zoe\u{308}"), normalize_username("ZOË"));
        assert_eq!(normalize_username("ΟΔΥΣΣΕΥΣ"), normalize_username("οδυσσευς"));
    }

    #[test]
    fn different_names_stay_different() {
        assert_ne!(normalize_username("ada"), normalize_username("a da"));
        assert_ne!(normalize_username("ada"), normalize_username("\u{430}da"), "Cyrillic a");
        assert_eq!(normalize_username("  "), "");
    }

    #[test]
    fn long_names_are_truncated() {
        assert!(normalize_username(&"a".repeat(100_000)).len() <= MAX_USERNAME_LEN);
    }

    proptest! {
        #[test]
        fn normalizing_is_idempotent(text in "\\PC{0,40}") {
            let once = normalize_username(&text);
            prop_assert_eq!(normalize_username(&once), once);
        }
    }
}
