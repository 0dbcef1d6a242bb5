//! Whether an access token is bound to a key or a certificate as its client and its resource server require now. A
//! token that was issued before they required that may not be.

use std::slice;

use serde_json::Value;

use super::{claims::Claims, sender_keys::BoundKey};
use crate::model::{Client, ResourceServers, TokenBinding};

/// Rule: an access token is bound if its client must bind tokens, and in the way that its resource server requires.
/// Everything that accepts access tokens applies it. `client`: the client in the claim `client_id`.
pub fn is_bound_as_required(
    claims: &Claims,
    client: Option<&Client>,
    servers: &ResourceServers,
) -> bool {
    is_bound_for_client(claims, client) && is_bound_for_server(claims, servers)
}

fn is_bound_for_client(claims: &Claims, client: Option<&Client>) -> bool {
    claims.contains_key("cnf") || client.is_none_or(|client| !client.details.binds_access_tokens())
}

fn is_bound_for_server(claims: &Claims, servers: &ResourceServers) -> bool {
    let audiences = match claims.get("aud") {
        Some(Value::Array(audiences)) => &**audiences,
        Some(audience) => slice::from_ref(audience),
        None => &[],
    };
    let mut servers =
        audiences.iter().filter_map(Value::as_str).filter_map(|aud| servers.find(aud));
    servers.all(|server| match server.token_binding {
        TokenBinding::Dpop => matches!(BoundKey::of_claims(claims), Some(BoundKey::Dpop(_))),
        TokenBinding::MutualTls => {
            matches!(BoundKey::of_claims(claims), Some(BoundKey::Certificate(_)))
        }
        TokenBinding::Bearer => true,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::model::{ClientDetails, ObjectKey, ResourceServer, fixtures};

    const API: &str = "https://api.test";

    fn claims(cnf: &Value) -> Claims {
        let Value::Object(mut claims) = json!({ "aud": API, "cnf": cnf }) else {
            unreachable!("an object")
        };
        claims.retain(|_, value| !value.is_null());
        claims
    }

    fn servers(token_binding: TokenBinding) -> ResourceServers {
        let server = ResourceServer::new(ObjectKey::new("team", "api"), API);
        ResourceServers::new(vec![Arc::new(ResourceServer { token_binding, ..server })])
    }

    #[test]
    fn a_resource_server_requires_one_kind_of_key() {
        let (none, dpop) = (claims(&Value::Null), claims(&json!({ "jkt": "a" })));
        let certificate = claims(&json!({ "x5t#S256": "a" }));
        for (binding, expected) in [
            (TokenBinding::Bearer, [true, true, true]),
            (TokenBinding::Dpop, [false, true, false]),
            (TokenBinding::MutualTls, [false, false, true]),
        ] {
            let servers = servers(binding);
            let found =
                [&none, &dpop, &certificate].map(|it| is_bound_as_required(it, None, &servers));
            assert_eq!(found, expected, "{binding:?}");
            let mut several = none.clone();
            several.insert("aud".to_owned(), json!(["https://other.test", API]));
            assert_eq!(is_bound_as_required(&several, None, &servers), expected[0], "{binding:?}");
        }
    }

    #[test]
    fn tokens_of_a_client_that_must_bind_them_are_bound() {
        let (none, dpop) = (claims(&Value::Null), claims(&json!({ "jkt": "a" })));
        let servers = ResourceServers::default();
        let plain = fixtures::client();
        let details = ClientDetails { dpop_bound_access_tokens: true, ..ClientDetails::default() };
        let binding = Client { details: details.shared(), ..fixtures::client() };
        assert!(is_bound_as_required(&none, Some(&plain), &servers));
        assert!(is_bound_as_required(&dpop, Some(&binding), &servers));
        assert!(!is_bound_as_required(&none, Some(&binding), &servers));
    }
}
