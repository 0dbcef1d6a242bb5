//! The discovery document of an issuer of federated credentials.

use serde::Deserialize;
use url::Url;

use crate::protocol::upstream::MetadataError;

/// The members of a discovery document (OIDC Discovery §3, RFC 8414 §2) that lead to the issuer's keys.
/// Issuers of workloads have no other endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FederatedIssuerMetadata {
    /// `issuer` as it is written, for the caller to compare.
    pub issuer: String,
    /// `jwks_uri`, an absolute URL.
    pub jwks_uri: String,
}

impl FederatedIssuerMetadata {
    /// Parses a discovery document. Whether it is about the right issuer is for the caller to check.
    ///
    /// # Errors
    ///
    /// [`MetadataError`] if it is malformed, or `jwks_uri` is less protected than the issuer.
    pub fn parse(body: &[u8]) -> Result<Self, MetadataError> {
        let found: Self =
            serde_json::from_slice(body).map_err(|error| MetadataError::Json(error.to_string()))?;
        let may_be_open = found.issuer.starts_with("http://");
        let is_usable = |url: Url| {
            (url.scheme() == "https" || url.scheme() == "http" && may_be_open)
                && url.username().is_empty()
                && url.password().is_none()
        };
        if !Url::parse(&found.jwks_uri).is_ok_and(is_usable) {
            return Err(MetadataError::Url("jwks_uri"));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_as_protected_as_the_issuer() {
        let parse = |issuer: &str, keys: &str| {
            let document = format!(r#"{{"issuer": "{issuer}", "jwks_uri": "{keys}", "x": 1}}"#);
            FederatedIssuerMetadata::parse(document.as_bytes())
        };
        assert!(parse("https://ci.test", "https://keys.test/all").is_ok());
        assert!(parse("http://localhost", "http://localhost/keys").is_ok());
        for bad in ["http://ci.test/keys", "ftp://ci.test", "keys", "https://a:b@ci.test"] {
            let refused = parse("https://ci.test", bad);
            assert_eq!(refused, Err(MetadataError::Url("jwks_uri")), "{bad}");
        }
        let refused = FederatedIssuerMetadata::parse(br#"{"issuer": "https://ci.test"}"#);
        assert!(matches!(refused, Err(MetadataError::Json(_))));
    }
}
