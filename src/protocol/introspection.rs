//! Rules of token introspection (RFC 7662 §2, §4).

use serde_json::{Value, json};

use super::{
    authorization_details::{AUTHORIZATION_DETAILS, all_granted_details},
    claims::Claims,
    records::{Grant, SenderBinding},
    scope::{self, Scopes},
    sender_keys::BoundKey,
};
use crate::model::{Client, Issuer, ResourceServers, Timestamp};

/// The response for a token that is inactive, unknown, or not visible to the caller (RFC 7662
/// §2.2).
pub fn inactive_introspection() -> Value {
    json!({ "active": false })
}

/// Rule: a client may introspect tokens that were issued to it or have it as audience, and those for a
/// `ResourceServer` that names it. A client with `introspection: Tenant` may introspect every access
/// token of the tenant (RFC 7662 §4).
pub fn may_introspect(caller: &Client, claims: &Claims, servers: &ResourceServers) -> bool {
    let is_caller = |value: &Value| value == caller.id.as_str();
    let audience = claims.get("aud");
    caller.may_introspect_all
        || claims.get("client_id").is_some_and(is_caller)
        || audience.is_some_and(is_caller)
        || audience.and_then(Value::as_array).is_some_and(|all| all.iter().any(is_caller))
        || audience
            .and_then(Value::as_str)
            .and_then(|audience| servers.find(audience))
            .is_some_and(|server| server.introspector.as_ref() == Some(&caller.id))
}

/// The media type of a response that is a JWT (RFC 9701 §4).
pub const SIGNED_RESPONSE_TYPE: &str = "application/token-introspection+jwt";

/// Returns true if the caller gets the response as a JWT. Its profile requires that, or it accepts the media type
/// (RFC 9701 §4; FAPI 2.0 Message Signing §5.5).
pub fn needs_signed_response(caller: &Client, accept: Option<&str>) -> bool {
    let names_type = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|it| it.eq_ignore_ascii_case(SIGNED_RESPONSE_TYPE));
        let is_refused = |part: &str| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|it| it <= 0.0))
        };
        is_named && !parts.any(is_refused)
    };
    caller.fapi2.is_some_and(|rules| rules.signed_introspection)
        || accept.is_some_and(|accept| accept.split(',').any(names_type))
}

/// The claims of a response that is a JWT (RFC 9701 §5). It has neither `sub` nor `exp`, which tokens have.
pub fn signed_response_claims(
    issuer: &Issuer,
    caller: &Client,
    response: Value,
    now: Timestamp,
) -> Claims {
    Claims::from_iter([
        ("iss".to_owned(), issuer.as_str().into()),
        ("aud".to_owned(), caller.id.as_str().into()),
        ("iat".to_owned(), now.secs().into()),
        ("token_introspection".to_owned(), response),
    ])
}

/// The access token claims included in a response (RFC 7662 §2.2, RFC 8693 §4.1, RFC 9396 §9.2).
const EXPOSED_CLAIMS: [&str; 14] = [
    "scope",
    AUTHORIZATION_DETAILS,
    "client_id",
    "exp",
    "iat",
    "nbf",
    "sub",
    "aud",
    "iss",
    "jti",
    "auth_time",
    "acr",
    "cnf",
    "act",
];

/// Returns the response for an active access token. The user name is included only with the scope
/// `profile` (OIDC Core §5.4), because it would otherwise link pairwise subjects.
pub fn access_token(claims: &Claims, username: Option<&str>) -> Value {
    let token_type = BoundKey::token_type(BoundKey::of_claims(claims).as_ref());
    let mut answer = json!({ "active": true, "token_type": token_type });
    for name in EXPOSED_CLAIMS {
        if let Some(value) = claims.get(name) {
            answer[name] = value.clone();
        }
    }
    let scopes = scope::parse_scopes(claims.get("scope").and_then(Value::as_str));
    if let Some(username) = username.filter(|_| scopes.contains("profile")) {
        answer["username"] = json!(username);
    }
    answer
}

/// Returns the response for an active refresh token.
pub fn refresh_token(
    issuer: &str,
    subject: &str,
    grant: &Grant,
    scopes: &Scopes,
    expires_at: Timestamp,
) -> Value {
    let mut answer = json!({
        "active": true,
        "iss": issuer,
        "client_id": grant.client,
        "sub": subject,
        "scope": scope::join_scopes(scopes),
        "iat": grant.created_at.secs(),
        "exp": expires_at.secs(),
    });
    let details: Vec<_> = all_granted_details(grant).map(|granted| granted.detail).collect();
    if !details.is_empty() {
        answer[AUTHORIZATION_DETAILS] = json!(details);
    }
    let bound = match &grant.binding {
        Some(SenderBinding::DpopKey(jkt)) => BoundKey::Dpop(jkt.clone()),
        Some(SenderBinding::Certificate(hash)) => BoundKey::Certificate(hash.clone()),
        Some(SenderBinding::AnyDpopKey | SenderBinding::AnyCertificate) | None => return answer,
    };
    let (name, value) = bound.confirmation();
    answer["cnf"] = json!({ name: value });
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{ClientId, Fapi2Rules, ObjectKey, ResourceServer, fixtures};

    fn claims(value: Value) -> Claims {
        let Value::Object(claims) = value else { panic!("an object") };
        claims
    }

    fn may_introspect(caller: &Client, claims: &Claims) -> bool {
        super::may_introspect(caller, claims, &ResourceServers::default())
    }

    #[test]
    fn the_client_of_a_resource_server_sees_the_tokens_for_it() {
        let caller = fixtures::client();
        let server = |name: &str, introspector: &str| {
            let introspector = Some(ClientId::new(introspector));
            let key = ObjectKey::new("team", name);
            Arc::new(ResourceServer { introspector, ..ResourceServer::new(key, name) })
        };
        let servers =
            ResourceServers::new(vec![server("urn:a", "team.wiki"), server("urn:b", "team.other")]);
        let sees = |aud: &str| {
            super::may_introspect(
                &caller,
                &claims(json!({ "client_id": "x", "aud": aud })),
                &servers,
            )
        };
        assert_eq!([sees("urn:a"), sees("urn:b"), sees("urn:c")], [true, false, false]);
    }

    #[test]
    fn a_client_sees_tokens_issued_to_it_or_for_it() {
        // RFC 7662 §4
        let caller = fixtures::client();
        assert!(may_introspect(&caller, &claims(json!({ "client_id": "team.wiki" }))));
        assert!(may_introspect(
            &caller,
            &claims(json!({ "client_id": "x", "aud": ["team.wiki"] }))
        ));
        assert!(may_introspect(&caller, &claims(json!({ "client_id": "x", "aud": "team.wiki" }))));
        assert!(!may_introspect(
            &caller,
            &claims(json!({ "client_id": "x", "aud": "https://id.test" }))
        ));
        assert!(!may_introspect(&caller, &claims(json!({}))));
    }

    #[test]
    fn a_resource_server_sees_all_tokens() {
        let caller = Client { may_introspect_all: true, ..fixtures::client() };
        assert!(may_introspect(&caller, &claims(json!({ "client_id": "x" }))));
    }

    #[test]
    fn the_response_for_an_inactive_token_has_no_details() {
        // RFC 7662 §2.2
        assert_eq!(inactive_introspection().as_object().map(serde_json::Map::len), Some(1));
    }

    #[test]
    fn private_claims_stay_private() {
        let answer =
            access_token(&claims(json!({ "grant_id": "g", "sub": "a", "exp": 1 })), Some("u"));
        let expected = json!({ "active": true, "token_type": "Bearer", "sub": "a", "exp": 1 });
        assert_eq!(answer, expected);
    }

    #[test]
    fn a_response_is_signed_for_callers_that_accept_it_or_must_get_it() {
        // RFC 9701 §4
        let caller = fixtures::client();
        for (accept, is_signed) in [
            ("application/token-introspection+jwt", true),
            ("application/json, Application/Token-Introspection+JWT;q=0.5", true),
            ("application/token-introspection+jwt;q=0", false),
            ("application/token-introspection+jwt; q=0.0, */*", false),
            ("application/json", false),
            ("*/*", false),
            ("text/token-introspection+jwt", false),
            (",;,q=1", false),
        ] {
            assert_eq!(needs_signed_response(&caller, Some(accept)), is_signed, "{accept}");
        }
        assert!(!needs_signed_response(&caller, None));
        let rules = |signed_introspection| {
            Some(Fapi2Rules { signed_introspection, ..Fapi2Rules::default() })
        };
        let under = |rules| Client { fapi2: rules, ..fixtures::client() };
        assert!(needs_signed_response(&under(rules(true)), Some("application/json")));
        assert!(!needs_signed_response(&under(rules(false)), None));
    }

    #[test]
    fn the_user_name_requires_the_scope_profile() {
        for (scope, told) in [("openid profile", json!("u")), ("openid profiles", Value::Null)] {
            let answer = access_token(&claims(json!({ "scope": scope })), Some("u"));
            assert_eq!(answer["username"], told, "{scope}");
        }
    }
}
