//! Logout tokens (OIDC Back-Channel Logout §2.4).

use std::time::Duration;

use serde_json::json;

use super::claims::Claims;
use crate::model::{Client, Tenant, Timestamp};

/// How long one is valid: as long as it takes to arrive.
const LOGOUT_TOKEN_TTL: Duration = Duration::from_mins(2);
/// The one event (§2.4).
const BACKCHANNEL_LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a client is told when a session that it took part in has ended. There is never a `nonce`,
/// so that no logout token passes for an ID token.
pub fn claims(
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

/// When to try again after so many tries; `None`: it is enough. A client that is down for an hour
/// still hears of it.
pub fn next_try(tries: u32) -> Option<Duration> {
    const WAITS: [u64; 5] = [5, 30, 120, 600, 3600];
    let index = usize::try_from(tries).ok()?.checked_sub(1)?;
    WAITS.get(index).copied().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixtures;

    #[test]
    fn says_what_the_specification_asks_for() {
        // OIDC Back-Channel Logout §2.4
        let now = Timestamp::from_secs(1_800_000_000);
        let (tenant, client) = (fixtures::tenant(), fixtures::client());
        let claims = claims(&tenant, &client, ("alice", "sid-1"), "one", now);
        for name in ["iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"] {
            assert!(claims.contains_key(name), "{name}");
        }
        assert!(!claims.contains_key("nonce"));
        assert_eq!(claims["events"], json!({ BACKCHANNEL_LOGOUT_EVENT: {} }));
    }

    #[test]
    fn tries_for_more_than_an_hour_and_then_no_more() {
        let all: Duration = (1..).map_while(next_try).sum();
        assert!(all > Duration::from_hours(1) && all < Duration::from_hours(2));
        assert_eq!(next_try(0), None, "before the first try there is nothing to wait for");
    }
}
