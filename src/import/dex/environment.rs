//! References to environment variables in Dex's configuration.

/// Whether a text refers to the environment, which Dex expands.
pub(super) fn is_from_environment(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if rest.starts_with(|c: char| c == '{' || c == '_' || c.is_ascii_alphanumeric()) {
            return true;
        }
    }
    false
}
