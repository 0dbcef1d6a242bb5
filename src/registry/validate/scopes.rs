//! Names of scopes.

/// Scopes that every tenant has (OIDC Core §5.4, §11; design §4).
const STANDARD: [&str; 8] =
    ["openid", "profile", "email", "address", "phone", "offline_access", "groups", "tenant"];

/// What to do about a name that is no scope.
pub const TOKEN_MESSAGE: &str =
    "must be a scope: printable ASCII without spaces, quotes and backslashes";

/// Whether every tenant has the scope.
pub fn is_standard(scope: &str) -> bool {
    STANDARD.contains(&scope)
}

/// `scope-token` of RFC 6749 §3.3.
pub fn is_token(scope: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    !scope.is_empty() && scope.bytes().all(allowed)
}
