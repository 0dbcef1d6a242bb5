//! Logout tokens (OIDC Back-Channel Logout §2.4).

use std::time::Duration;

use serde_json::json;

use super::claims::Claims;
use crate::model::{Client, Tenant, Timestamp};

/// How long a logout token is valid: enough time for delivery.
const LOGOUT_TOKEN_TTL: Duration = Duration::from_mins(2);
/// The event type of a logout token (OIDC Back-Channel Logout §2.4).
pub(super) const BACKCHANNEL_LOGOUT_EVENT: &str =
    "http://schemas.openid.net/event/backchannel-logout";

/// Returns the claims of the logout token sent to a client when its session has ended. It never has
/// a `nonce`, so that it cannot be used as an ID token.
pub fn logout_token_claims(
    tenant: &Tenant,
    client: &Client,
    (subject, sid): (&str, &str),
    jti: &str,
    now: Timestamp,
) -> Claims {
    let mut claims = Claims::new();
    claims.insert("iss".into(), json!(tenant.issuer.as_str()));
    claims.insert("aud".into(), json!(client.id));
    claims.insert("iat".into(), json!(now.secs()));
    claims.insert("exp".into(), json!(now.plus(LOGOUT_TOKEN_TTL).secs()));
    claims.insert("jti".into(), json!(jti));
    claims.insert("sub".into(), json!(subject));
    claims.insert("sid".into(), json!(sid));
    claims.insert("events".into(), json!({ BACKCHANNEL_LOGOUT_EVENT: {} }));
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixtures;

    #[test]
    fn has_the_claims_the_specification_requires() {
        // OIDC Back-Channel Logout §2.4
        let now = Timestamp::from_secs(1_800_000_000);
        let (tenant, client) = (fixtures::tenant(), fixtures::client());
        let claims = logout_token_claims(&tenant, &client, ("alice", "sid-1"), "one", now);
        for name in ["iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"] {
            assert!(claims.contains_key(name), "{name}");
        }
        assert!(!claims.contains_key("nonce"));
        assert_eq!(claims["events"], json!({ BACKCHANNEL_LOGOUT_EVENT: {} }));
    }
}
