//! Resource indicators (RFC 8707): the resource servers that a client requests tokens for.

use super::error::{ErrorCode, OAuthError};
use crate::model::Issuer;

/// Longer values are not repeated in errors.
const MAX_ECHOED_LEN: usize = 128;

/// Rule: the only known resource is the issuer itself, at every endpoint (RFC 8707 §2).
pub fn check_resources<'a>(
    issuer: &Issuer,
    resources: impl IntoIterator<Item = &'a str>,
) -> Result<(), OAuthError> {
    match resources.into_iter().find(|resource| *resource != issuer.as_str()) {
        None => Ok(()),
        Some(resource) => Err(unknown(issuer, resource)),
    }
}

/// Returns the error for an unknown resource. Only a plain URI is repeated, because attackers could
/// put a message to users into the parameter.
fn unknown(issuer: &Issuer, resource: &str) -> OAuthError {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/".contains(&b);
    let found = if resource.len() <= MAX_ECHOED_LEN && resource.bytes().all(plain) {
        format!("The resource '{resource}' is unknown.")
    } else {
        "The resource is unknown.".to_owned()
    };
    let text = format!("{found} Omit the parameter, or send the issuer, {issuer}.");
    OAuthError::new(ErrorCode::InvalidTarget, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(resources: &[&str]) -> Result<(), OAuthError> {
        let issuer = Issuer::parse("https://id.test/team/shop").expect("canonical");
        check_resources(&issuer, resources.iter().copied())
    }

    #[test]
    fn only_the_issuer_is_known() {
        // RFC 8707 §2
        let own = "https://id.test/team/shop";
        assert_eq!(found(&[]), Ok(()));
        assert_eq!(found(&[own, own]), Ok(()));
        for other in ["https://mcp.test/", "https://id.test", "https://id.test/team/shop#a", "x"] {
            let refused = found(&[own, other]).expect_err("unknown");
            assert_eq!(refused.code, ErrorCode::InvalidTarget, "{other}");
            assert!(refused.public.ends_with(&format!("send the issuer, {own}.")), "{other}");
        }
    }

    #[test]
    fn errors_repeat_only_plain_uris() {
        let told = |resource| found(&[resource]).expect_err("unknown").public;
        assert!(told("https://mcp.test/v1").contains("'https://mcp.test/v1' is unknown"));
        for stranger in ["Your account is locked, call 1-800", &"n".repeat(MAX_ECHOED_LEN + 1)] {
            assert!(told(stranger).starts_with("The resource is unknown."), "{stranger}");
        }
    }
}
