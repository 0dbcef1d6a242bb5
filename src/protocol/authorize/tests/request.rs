//! Tests of the checks of `validate_authorization_request`, in their order.

use super::*;
use crate::{
    model::{PairwiseSubjectInputs, Secret},
    protocol::authorize::Prompt,
};
use ErrorCode::{
    InvalidAuthorizationDetails, InvalidClient, InvalidRequest, InvalidScope, InvalidTarget,
    RegistrationNotSupported, RequestNotSupported, RequestUriNotSupported, UnauthorizedClient,
    UnsupportedResponseType,
};

const IMPLICIT: [(&str, &str); 2] = [("response_type", "id_token"), ("nonce", "n1")];

fn scopes(ask: &AuthorizationRequest) -> Vec<&str> {
    ask.scopes.iter().map(String::as_str).collect()
}

#[test]
fn accepts_a_plain_request_for_a_code() {
    let ask = accepted(&[]);
    assert_eq!(ask.response_type, ResponseType::Code);
    assert_eq!(scopes(&ask), ["openid", "profile"]);
    assert_eq!(ask.redirect_uri.as_deref(), Some(REDIRECT));
    assert!(ask.prompt.is_empty() && ask.max_age.is_none() && !ask.wants_auth_time);
}

#[test]
fn shows_a_page_for_an_oversized_request() {
    let state = "x".repeat(40_000);
    assert_eq!(shown(World::new().ask(&with(&[("state", &state)]))), InvalidRequest);
}

#[test]
fn shows_a_page_for_an_unknown_client() {
    // RFC 6749 §4.1.2.1
    assert_eq!(shown(World::new().ask(&with(&[("client_id", "other")]))), InvalidClient);
    assert_eq!(shown(World::new().ask(&without("client_id"))), InvalidRequest);
}

#[test]
fn shows_a_page_for_an_unproven_redirect_uri() {
    // RFC 6749 §4.1.2.1, RFC 9700 §2.1
    for uri in ["https://rp.test/cb/", "https://rp.test/cb?x=1", "https://evil.test/cb", "/cb"] {
        assert_eq!(
            shown(World::new().ask(&with(&[("redirect_uri", uri)]))),
            InvalidRequest,
            "{uri}"
        );
    }
}

#[test]
fn shows_a_page_if_client_id_or_redirect_uri_occurs_twice() {
    // RFC 6749 §3.1
    for name in ["client_id", "redirect_uri"] {
        let query = format!("{}&{name}=https%3A%2F%2Fevil.test", with(&[]));
        assert_eq!(shown(World::new().ask(&query)), InvalidRequest, "{name}");
    }
}

#[test]
fn openid_requests_must_have_a_redirect_uri() {
    // OIDC Core §3.1.2.1
    let mut world = World::new();
    world.client.redirect_uris.truncate(1);
    assert_eq!(shown(world.ask(&without("redirect_uri"))), InvalidRequest);
}

#[test]
fn oauth_requests_may_omit_a_single_redirect_uri() {
    // RFC 6749 §3.1.2.3
    let mut world = World::new();
    let mut params = valid();
    params.remove("redirect_uri");
    params.insert("scope", "badges".into());
    assert_eq!(shown(world.ask(&query(&params))), InvalidRequest, "two are registered");
    world.client.redirect_uris.truncate(1);
    let ask = world.ask(&query(&params)).expect("one is registered");
    assert_eq!(ask.redirect_uri, None);
    assert!(redirected(ask.return_to.response(&[])).starts_with("https://rp.test/cb?"));
}

#[test]
fn rejects_other_duplicate_parameters() {
    // RFC 6749 §3.1
    for name in ["state", "scope", "nonce", "anything"] {
        let query = format!("{}&{name}=a&{name}=b", with(&[]));
        assert_eq!(error_code(World::new().ask(&query)), InvalidRequest, "{name}");
    }
}

#[test]
fn a_resource_is_the_issuer() {
    // RFC 8707 §2.1
    let ask = |resource: &str| World::new().ask(&format!("{}{resource}", with(&[])));
    let own = "&resource=https%3A%2F%2Fid.test%2Fteam%2Fshop";
    assert!(ask(own).is_ok());
    assert!(ask(&own.repeat(2)).is_ok(), "it may repeat");
    assert!(ask("&resource=").is_ok(), "empty");
    for other in ["&resource=https%3A%2F%2Fa", &format!("{own}&resource=https%3A%2F%2Fa")] {
        assert_eq!(error_code(ask(other)), InvalidTarget, "{other}");
    }
}

#[test]
fn ignores_unknown_and_empty_parameters() {
    // RFC 6749 §3.1
    accepted(&[("foo", "bar"), ("claims", "{}"), ("acr_values", "x"), ("nonce", "")]);
}

#[test]
fn unsupported_parameters_have_their_own_errors() {
    // OIDC Core §3.1.2.6
    assert_eq!(refused(&[("request", "e30.e30.")]), RequestNotSupported);
    assert_eq!(refused(&[("request_uri", "https://rp.test/r")]), RequestUriNotSupported);
    assert_eq!(refused(&[("registration", "{}")]), RegistrationNotSupported);
}

#[test]
fn response_type_words_may_be_in_any_order() {
    // OAuth 2.0 Multiple Response Types §3
    for text in ["id_token token", "token id_token"] {
        let ask = accepted(&[("response_type", text), ("nonce", "n1")]);
        assert_eq!(ask.response_type, ResponseType::IdTokenToken, "{text}");
    }
}

#[test]
fn rejects_unknown_response_types_and_repeated_words() {
    // RFC 6749 §4.1.2.1
    for text in ["token", "code code", "id_token id_token", "none", "CODE", "code "] {
        assert_eq!(refused(&[("response_type", text)]), UnsupportedResponseType, "{text}");
    }
    assert_eq!(error_code(World::new().ask(&without("response_type"))), InvalidRequest);
}

#[test]
fn rejects_response_types_not_registered_for_the_client() {
    // RFC 6749 §4.1.2.1
    let mut world = World::new();
    world.client.response_types = Arc::new(BTreeSet::from([ResponseType::Code]));
    assert_eq!(error_code(world.ask(&with(&IMPLICIT))), UnauthorizedClient);
}

#[test]
fn tokens_are_never_sent_in_a_query() {
    // OAuth 2.0 Multiple Response Types §5
    let [response_type, nonce] = IMPLICIT;
    assert_eq!(refused(&[response_type, nonce, ("response_mode", "query")]), InvalidRequest);
    accepted(&[response_type, nonce, ("response_mode", "fragment")]);
    accepted(&[("response_mode", "fragment")]);
    accepted(&[("response_mode", "query")]);
}

#[test]
fn rejects_unknown_response_modes() {
    for mode in ["web_message", "jwe"] {
        assert_eq!(refused(&[("response_mode", mode)]), InvalidRequest, "{mode}");
    }
}

#[test]
fn leaves_out_scopes_that_are_unknown_or_not_allowed() {
    // OIDC Core §3.1.2.1, RFC 6749 §3.3
    for scope in ["openid frobnicate badges", "openid groups badges"] {
        assert_eq!(scopes(&accepted(&[("scope", scope)])), ["badges", "openid"], "{scope}");
    }
}

#[test]
fn refuses_a_request_of_which_no_scope_is_left() {
    // RFC 6749 §3.3
    assert_eq!(refused(&[("scope", "frobnicate")]), InvalidScope);
    assert_eq!(refused(&[("scope", "groups")]), InvalidScope);
}

#[test]
fn a_request_without_scopes_gets_the_clients_own() {
    // RFC 6749 §3.3
    let mut world = World::new();
    world.client.redirect_uris.truncate(1);
    let ask = world.ask(&without("scope")).expect("valid");
    assert_eq!(scopes(&ask), ["badges", "email", "profile"]);
    world.client.scopes = Arc::new(["openid".to_owned()].into());
    assert_eq!(error_code(world.ask(&without("scope"))), InvalidScope);
}

#[test]
fn accepts_oauth_requests_without_openid() {
    assert_eq!(scopes(&accepted(&[("scope", "badges")])), ["badges"]);
}

#[test]
fn id_tokens_require_the_scope_openid() {
    // OIDC Core §3.1.2.1
    let [response_type, nonce] = IMPLICIT;
    assert_eq!(refused(&[response_type, nonce, ("scope", "profile")]), InvalidScope);
}

#[test]
fn ignores_offline_access_if_no_refresh_token_can_be_issued() {
    // OIDC Core §11
    let scope = ("scope", "openid offline_access");
    assert_eq!(scopes(&accepted(&[scope])), ["offline_access", "openid"]);
    let [response_type, nonce] = IMPLICIT;
    assert_eq!(scopes(&accepted(&[scope, response_type, nonce])), ["openid"]);
    let mut world = World::new();
    Arc::make_mut(&mut world.client.grant_types).remove(&GrantType::RefreshToken);
    Arc::make_mut(&mut world.client.scopes).remove("offline_access");
    let ask = world.ask(&with(&[scope])).expect("valid");
    assert_eq!(scopes(&ask), ["openid"]);
}

#[test]
fn id_tokens_of_this_endpoint_require_a_nonce() {
    // OIDC Core §3.2.2.1
    assert_eq!(refused(&[("response_type", "id_token")]), InvalidRequest);
    assert_eq!(accepted(&IMPLICIT).nonce.as_deref(), Some("n1"));
}

#[test]
fn public_clients_must_use_pkce() {
    // RFC 9700 §2.1.1
    let mut world = World::new();
    world.client.authentication = ClientAuthentication::None;
    assert_eq!(error_code(world.ask(&with(&[]))), InvalidRequest);
    let s256 = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let ask = world.ask(&with(&s256)).expect("has a challenge");
    assert_eq!(ask.code_challenge.as_deref(), Some(CHALLENGE));
}

#[test]
fn rejects_plain_pkce() {
    // RFC 7636 §4.3: no method means plain
    assert_eq!(refused(&[("code_challenge", CHALLENGE)]), InvalidRequest);
    let plain = [("code_challenge", CHALLENGE), ("code_challenge_method", "plain")];
    assert_eq!(refused(&plain), InvalidRequest);
}

#[test]
fn rejects_a_challenge_that_is_not_a_sha_256_hash() {
    // RFC 7636 §4.2
    for challenge in ["short", &CHALLENGE[1..], "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"] {
        let changes = [("code_challenge", challenge), ("code_challenge_method", "S256")];
        assert_eq!(refused(&changes), InvalidRequest, "{challenge}");
    }
}

#[test]
fn requests_without_a_code_need_no_pkce() {
    let mut world = World::new();
    world.client.authentication = ClientAuthentication::None;
    assert!(world.ask(&with(&IMPLICIT)).is_ok());
}

#[test]
fn parses_prompt() {
    // OIDC Core §3.1.2.1
    let ask = accepted(&[("prompt", "consent login")]);
    assert_eq!(ask.prompt, BTreeSet::from([Prompt::Login, Prompt::Consent]));
}

#[test]
fn rejects_unknown_prompts_and_none_with_others() {
    // OIDC Core §3.1.2.1
    for prompt in ["none login", "create", "None"] {
        assert_eq!(refused(&[("prompt", prompt)]), InvalidRequest, "{prompt}");
    }
}

#[test]
fn max_age_requires_auth_time() {
    // OIDC Core §3.1.2.1
    let ask = accepted(&[("max_age", "0")]);
    assert_eq!((ask.max_age, ask.wants_auth_time), (Some(Duration::ZERO), true));
    for text in ["-1", "+1", "1.5", "soon", "99999999999999999999"] {
        assert_eq!(refused(&[("max_age", text)]), InvalidRequest, "{text}");
    }
}

#[test]
fn uses_the_clients_default_max_age() {
    // OIDC Registration §2
    let mut world = World::new();
    world.client.default_max_age = Some(Duration::from_mins(1));
    let max_age = |query: &str| world.ask(query).expect("valid").max_age;
    assert_eq!(max_age(&with(&[])), Some(Duration::from_mins(1)));
    assert_eq!(max_age(&with(&[("max_age", "5")])), Some(Duration::from_secs(5)));
}

#[test]
fn auth_time_is_included_if_requested() {
    // OIDC Core §2, §5.5.1: essential or not
    for asked in
        [r#"{"id_token":{"auth_time":null}}"#, r#"{"id_token":{"auth_time":{"essential":true}}}"#]
    {
        assert!(accepted(&[("claims", asked)]).wants_auth_time, "{asked}");
    }
}

#[test]
fn auth_time_is_included_for_clients_that_require_it() {
    // OIDC Registration §2
    let mut world = World::new();
    world.client.require_auth_time = true;
    assert!(world.ask(&with(&[])).expect("valid").wants_auth_time);
}

#[test]
fn accepts_an_expired_id_token_as_hint() {
    // OIDC Core §3.1.2.1
    let ask = accepted(&[("id_token_hint", "hint")]);
    assert_eq!(ask.allowed_subjects, Some([Subject::new("alice-id")].into()));
}

#[test]
fn rejects_hints_that_are_not_id_tokens_of_this_issuer() {
    assert_eq!(refused(&[("id_token_hint", "forged")]), InvalidRequest);
    let mut world = World::new();
    world.hint = Some(json!({"iss": "https://id.test/other", "sub": "alice-id"}));
    assert_eq!(error_code(world.ask(&with(&[("id_token_hint", "hint")]))), InvalidRequest);
}

#[test]
fn accepts_a_hint_of_another_client_with_the_same_subjects() {
    // OIDC Core §3.1.2.1, §8.1
    let hint = |audience: &str| json!({"iss": "https://id.test/team/shop", "sub": "alice-id", "aud": audience});
    let asked = |world: &World| match world.ask(&with(&[("id_token_hint", "hint")])) {
        Ok(_) => None,
        refused => Some(error_code(refused)),
    };
    let mut world = World::new();
    world.hint = Some(hint("team.gone"));
    assert_eq!(asked(&world), None, "subjects are public");
    let pairwise =
        PairwiseSubjectInputs { sector: "a.test".into(), salt: Secret::new(vec![1; 32]) };
    world.client.pairwise = Some(Box::new(pairwise));
    assert_eq!(asked(&world), Some(InvalidRequest));
    world.hint = Some(hint("team.wiki"));
    assert_eq!(asked(&world), None, "its own");
}

#[test]
fn keeps_the_login_hint() {
    assert_eq!(accepted(&[("login_hint", "alice")]).login_hint.as_deref(), Some("alice"));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_panics_and_never_redirects_elsewhere(query in ".{0,200}") {
            let world = World::new();
            let base = with(&[]);
            for text in [query.clone(), format!("{base}&{query}"), format!("{query}&{base}")] {
                if let Err(AuthorizeError::Redirect(to, error)) = world.ask(&text) {
                    prop_assert!(redirected(to.error(&error)).starts_with("https://rp.test/"));
                }
            }
        }

        #[test]
        fn returns_any_state_untouched(state in "\\PC{1,300}") {
            let ask = accepted(&[("state", &state)]);
            let url = url::Url::parse(&redirected(ask.return_to.response(&[("code", "c")]))).expect("a URL");
            let returned = url.query_pairs().find(|(name, _)| name == "state").map(|(_, v)| v);
            prop_assert_eq!(returned.as_deref(), Some(state.as_str()));
        }
    }
}

/// The granted resources with their scopes.
fn granted(ask: &AuthorizationRequest) -> Vec<(&str, String)> {
    let words = |words: &BTreeSet<String>| words.iter().cloned().collect::<Vec<_>>().join(" ");
    ask.resources.granted.iter().map(|(name, at)| (&**name, words(&at.scopes))).collect()
}

#[test]
fn scopes_are_divided_among_the_requested_resources() {
    // RFC 8707 §2.1
    let ask =
        accepted(&[("scope", "openid read tickets.write"), ("resource", "https://tickets.test")]);
    assert_eq!(scopes(&ask), ["openid"]);
    assert_eq!(granted(&ask), [("https://tickets.test", "read tickets.write".to_owned())]);
    let permissions: Vec<_> = ask.requested_permissions.iter().map(String::as_str).collect();
    let at = "resource https://tickets.test";
    let expected = [
        "openid".to_owned(),
        at.to_owned(),
        format!("{at} claim groups"),
        format!("{at} scope read"),
        format!("{at} scope tickets.write"),
    ];
    assert_eq!(permissions, expected);
    let query = format!(
        "{}&resource=https://tickets.test&resource=https://other.test",
        with(&[("scope", "read tickets.write other.write")])
    );
    let ask = World::new().ask(&query).expect("valid");
    let both = [
        ("https://other.test", "other.write read".to_owned()),
        ("https://tickets.test", "read tickets.write".to_owned()),
    ];
    assert_eq!((granted(&ask), scopes(&ask)), (both.to_vec(), vec![]));
}

#[test]
fn a_request_without_scopes_is_for_those_of_its_resources() {
    let plain = without("scope");
    let issuer = tenant().issuer.as_str().to_owned();
    let ask = World::new().ask(&format!("{plain}&resource=https://tickets.test")).expect("valid");
    assert_eq!((scopes(&ask), granted(&ask)[0].1.as_str()), (vec![], "read tickets.write"));
    let ask = World::new().ask(&format!("{plain}&resource={issuer}")).expect("valid");
    assert_eq!((scopes(&ask).contains(&"openid"), granted(&ask)[0].1.as_str()), (false, ""));
    assert!(!ask.scopes.is_empty());
}

#[test]
fn scopes_of_resources_that_are_not_requested_are_left_out() {
    assert_eq!(refused(&[("scope", "tickets.write")]), InvalidScope);
    let changes = [("scope", "other.write"), ("resource", "https://tickets.test")];
    assert_eq!(refused(&changes), InvalidScope);
}

const REFUND: &str = r#"[{"type":"tickets.refund","amount":1}]"#;

#[test]
fn authorization_details_name_their_resource() {
    // RFC 9396 §2
    let ask = accepted(&[("authorization_details", REFUND)]);
    assert_eq!(scopes(&ask), ["openid", "profile"]);
    assert_eq!(granted(&ask), [("https://tickets.test", String::new())]);
    assert_eq!(
        json!(ask.resources.details),
        json!({ "https://tickets.test": [
            { "type": "tickets.refund", "amount": 1 },
        ]})
    );
    assert!(!ask.requested_permissions.iter().any(|it| it.contains("refund")), "not remembered");
    // A request that says what it is for gets no scopes by default.
    let plain = without("scope");
    let query = |more: &[(&str, &str)]| {
        let more = form_urlencoded::Serializer::new(String::new()).extend_pairs(more).finish();
        World::new().ask(&format!("{plain}&{more}")).expect("valid")
    };
    let tickets = ("resource", "https://tickets.test");
    let ask = query(&[("authorization_details", REFUND), tickets]);
    assert_eq!((scopes(&ask), granted(&ask)[0].1.as_str()), (vec![], ""));
    let ask = query(&[("authorization_details", REFUND), ("resource", "https://other.test")]);
    let both = [
        ("https://other.test", "other.write read".to_owned()),
        ("https://tickets.test", String::new()),
    ];
    assert_eq!(granted(&ask), both);
    let scope = ("scope", "tickets.write");
    let ask = query(&[("authorization_details", REFUND), scope]);
    assert_eq!(granted(&ask)[0].1, "tickets.write");
}

#[test]
fn wrong_authorization_details_are_refused() {
    // RFC 9396 §5
    for text in [
        "[]",
        "x",
        r#"{"type":"tickets.refund","amount":1}"#,
        r#"[{"type":"unknown"}]"#,
        r#"[{"type":"tickets.refund"}]"#,
        r#"[{"type":"tickets.refund","amount":1},{"type":"unknown"}]"#,
        r#"[{"type":"tickets.refund","amount":1,"locations":["https://other.test"]}]"#,
    ] {
        assert_eq!(
            refused(&[("authorization_details", text)]),
            InvalidAuthorizationDetails,
            "{text}"
        );
    }
    let mut world = World::new();
    let closed = ResourceServer {
        clients: BTreeSet::new(),
        ..ResourceServer::clone(world.servers.find("https://tickets.test").expect("a server"))
    };
    world.servers = ResourceServers::new(vec![Arc::new(closed)]);
    let answer = world.ask(&with(&[("authorization_details", REFUND)]));
    assert_eq!(error_code(answer), InvalidAuthorizationDetails, "of a closed API");
    // Only the token endpoint answers with the details that were granted (RFC 9396 §7).
    for response_type in ["id_token token", "code token"] {
        let changes =
            [("response_type", response_type), ("nonce", "n"), ("authorization_details", REFUND)];
        assert_eq!(refused(&changes), InvalidRequest, "{response_type}");
    }
}
