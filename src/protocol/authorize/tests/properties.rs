//! Properties of grants and of signed responses, whatever is requested.

use proptest::{prelude::*, sample::select};

use super::*;
use crate::protocol::{
    authorize::grant_for,
    scope::{self, Scopes},
};

const RESPONSE_TYPES: &[&str] = &[
    "code",
    "id_token",
    "id_token token",
    "code id_token",
    "code token",
    "code id_token token",
    "token",
    "unknown",
];
const RESPONSE_MODES: &[&str] = &[
    "query",
    "fragment",
    "form_post",
    "jwt",
    "query.jwt",
    "fragment.jwt",
    "form_post.jwt",
    "unknown",
];
const SCOPES: &[&str] =
    &["openid", "profile", "offline_access", "badges", "read", "tickets.write", "other.write"];
const RESOURCES: &[&str] =
    &["https://tickets.test", "https://other.test", "https://id.test/team/shop"];

fn some_scopes() -> impl Strategy<Value = Scopes> {
    prop::sample::subsequence(SCOPES, 0..=SCOPES.len())
        .prop_map(|words| words.into_iter().map(str::to_owned).collect())
}

proptest! {
    /// RFC 6749 §3.3, RFC 8707 §2.1
    #[test]
    fn a_grant_has_at_most_what_is_asked_for_and_allowed(
        (allowed, asked) in (some_scopes(), some_scopes()),
        resources in prop::sample::subsequence(RESOURCES, 0..=RESOURCES.len()),
        response_type in select(RESPONSE_TYPES),
    ) {
        let mut world = World::new();
        world.client.scopes = Arc::new(allowed.clone());
        let asked_text = scope::join_scopes(&asked);
        let plain = with(&[
            ("response_type", response_type),
            ("nonce", "n1"),
            ("scope", &asked_text),
        ]);
        let named = resources.iter().map(|name| ("resource", *name));
        let named = form_urlencoded::Serializer::new(plain).extend_pairs(named).finish();
        let Ok(ask) = world.ask(&named) else { return Ok(()) };
        let grant = grant_for(&ask, &session(), NOW);
        prop_assert!(grant.scopes.is_subset(&allowed));
        prop_assert!(asked.is_empty() || grant.all_scopes().is_subset(&asked));
        let is_offline = grant.scopes.contains("offline_access");
        prop_assert!(!is_offline || ask.response_type.has_code());
        for (name, granted) in &grant.resources {
            prop_assert!(resources.contains(&name.as_str()), "{name}");
            let Some(server) = world.servers.find(name) else {
                prop_assert!(granted.scopes.is_empty() && granted.claims.is_empty());
                continue;
            };
            prop_assert!(granted.scopes.is_subset(&server.scopes));
            prop_assert!(granted.claims.is_subset(&server.claims));
        }
    }

    /// JARM §2: nothing leaves unsigned, and no token is in a query.
    #[test]
    fn a_response_that_is_a_jwt_has_no_other_parameters(
        (response_type, response_mode) in (select(RESPONSE_TYPES), select(RESPONSE_MODES)),
        prompt in select(&["login", "none login", "unknown"][..]),
        (nonce, state) in (any::<bool>(), "\\PC{0,40}"),
        more in "\\PC{0,60}",
    ) {
        let mut changes = vec![
            ("response_type", response_type),
            ("response_mode", response_mode),
            ("prompt", prompt),
            ("state", state.as_str()),
        ];
        if nonce {
            changes.push(("nonce", "n1"));
        }
        let world = World::new();
        let (response, has_tokens) = match world.ask(&format!("{}&{more}", with(&changes))) {
            Ok(ask) => {
                let has_tokens = ask.response_type.has_id_token() || ask.response_type.has_token();
                (ask.return_to.response(&[("code", "c1")]), has_tokens)
            }
            Err(AuthorizeError::Redirect(to, error)) => (to.error(&error), false),
            Err(AuthorizeError::Page(_)) => return Ok(()),
        };
        let Some(signing) = response.signing() else {
            prop_assert!(!response_mode.ends_with("jwt"), "{response_mode}");
            return Ok(());
        };
        prop_assert!(response_mode.ends_with("jwt"), "{response_mode}");
        let claims = response.claims(signing, NOW);
        prop_assert_eq!(claims["iss"].as_str(), Some(world.tenant.issuer.as_str()));
        prop_assert_eq!(claims["aud"].as_str(), Some(world.client.id.as_str()));
        let exp = claims["exp"].as_i64().expect("a time");
        prop_assert!((NOW.secs() + 1..=NOW.secs() + 600).contains(&exp), "JARM §2.1");
        prop_assert!(!claims.contains_key("sub") && !claims.contains_key("client_id"));
        let unsigned = response.clone().encode();
        match response.signed("a.jwt.b".to_owned()).encode() {
            EncodedResponse::Redirect(url) => {
                prop_assert!(url.starts_with("https://rp.test/cb"), "{url}");
                prop_assert!(url.ends_with("response=a.jwt.b"), "{url}");
                prop_assert!(!has_tokens || url.contains("#response="), "{url}");
                let EncodedResponse::Redirect(unsigned) = unsigned else { panic!("a redirect") };
                let (code, error) = (unsigned.contains("code="), unsigned.contains("error="));
                prop_assert!(!code && !error, "{unsigned}");
            }
            EncodedResponse::Post(fields) => {
                prop_assert_eq!(fields, [("response".to_owned(), "a.jwt.b".to_owned())]);
                prop_assert_eq!(unsigned, EncodedResponse::Post(Vec::new()));
            }
        }
    }
}
