//! Tests of the issued grant and code.

use super::*;
use crate::protocol::authorize::{code_for, grant_for};

#[test]
fn a_grant_ends_with_its_session() {
    let grant = grant_for(&accepted(&[]), &session(), NOW);
    assert_eq!(grant.ends_at, session().ends_at);
    assert_eq!(grant.sid.as_deref(), Some("sid-1"));
}

#[test]
fn a_grant_with_offline_access_outlives_the_session() {
    // OIDC Core §11
    let grant = grant_for(&accepted(&[("scope", "openid offline_access")]), &session(), NOW);
    assert_eq!(grant.ends_at, NOW.plus(Lifetimes::default().refresh_token_absolute));
}

#[test]
fn a_code_is_bound_to_its_request() {
    // RFC 6749 §4.1.3, RFC 7636 §4.4, OIDC Core §3.1.3.7
    let ask = accepted(&[
        ("nonce", "n1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let grant = grant_for(&ask, &session(), NOW);
    let code = code_for(&ask, grant, "g1".into(), "store-1".into());
    assert_eq!(code.grant_id, "g1");
    assert_eq!(code.incarnation, "store-1");
    assert_eq!(code.redirect_uri.as_deref(), Some(REDIRECT));
    assert_eq!(code.code_challenge.as_deref(), Some(CHALLENGE));
    assert_eq!(code.grant.nonce.as_deref(), Some("n1"));
    assert_eq!(code.grant.client.as_str(), "team.wiki");
    assert_eq!(code.expires_at, NOW.plus(Duration::from_mins(1)));
}
