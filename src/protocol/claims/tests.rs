use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::json;

use super::{user::by_scope, *};
use crate::{
    model::{
        Account, Client, ClientId, CustomScope, GrantType, IdTokenClaimsPolicy, Subject, Timestamp,
        TokenPolicy, fixtures,
    },
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        scope::{self, Scopes},
    },
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn words(text: &str) -> Scopes {
    scope::parse_scopes(Some(text))
}

fn alice() -> Account {
    let Value::Object(claims) = json!({
        "name": "Alice Rivera",
        "preferred_username": "alice",
        "email": "alice@example.com",
        "email_verified": true,
        "phone_number": "+1 555 0100",
        "address": { "country": "PT" },
        "badge": 7,
        "shoe_size": 38,
    }) else {
        unreachable!("an object")
    };
    Account { claims, groups: vec!["staff".into()], ..fixtures::user() }
}

fn given(scopes: &str) -> Vec<String> {
    let mut tenant = fixtures::tenant();
    let badges = CustomScope { description: String::new(), claims: vec!["badge".into()] };
    tenant.scopes.insert("badges".into(), badges);
    userinfo_claims(&tenant, &fixtures::client(), &alice(), &words(scopes), &BTreeSet::new())
        .keys()
        .cloned()
        .collect()
}

#[test]
fn each_scope_includes_exactly_its_claims() {
    // OIDC Core §5.4
    assert_eq!(given("openid"), ["sub"]);
    assert_eq!(given("openid profile"), ["name", "preferred_username", "sub"]);
    assert_eq!(given("openid email"), ["email", "email_verified", "sub"]);
    assert_eq!(given("openid address phone"), ["address", "phone_number", "sub"]);
    assert_eq!(given("openid groups"), ["groups", "sub"]);
    assert_eq!(given("openid tenant"), ["sub", "tenant_name", "tenant_sub"]);
    assert_eq!(given("openid badges"), ["badge", "sub"]);
    assert_eq!(given("openid unknown"), ["sub"]);
}

#[test]
fn empty_claims_are_omitted() {
    // OIDC Core §5.3.2
    let mut user = alice();
    for (name, value) in [
        ("name", json!("")),
        ("nickname", Value::Null),
        ("address", json!({})),
        ("badge", json!([])),
        ("email_verified", json!(false)),
        ("updated_at", json!(0)),
    ] {
        user.claims.insert(name.into(), value);
    }
    let mut tenant = fixtures::tenant();
    let badges = CustomScope { description: String::new(), claims: vec!["badge".into()] };
    tenant.scopes.insert("badges".into(), badges);
    let scopes = words("openid profile email address badges");
    let told = userinfo_claims(&tenant, &fixtures::client(), &user, &scopes, &BTreeSet::new());
    let names: Vec<&str> = told.keys().map(String::as_str).collect();
    assert_eq!(names, ["email", "email_verified", "preferred_username", "sub", "updated_at"]);
    assert!(told["updated_at"].is_i64(), "a JSON number");
}

#[test]
fn groups_are_an_empty_array_for_a_user_without_groups() {
    let user = Account { groups: vec![], ..alice() };
    let mut tenant = fixtures::tenant();
    let teams = CustomScope { description: String::new(), claims: vec!["groups".into()] };
    tenant.scopes.insert("teams".into(), teams);
    for scope in ["groups", "teams"] {
        assert_eq!(by_scope(&tenant, &user, &words(scope))["groups"], json!([]), "{scope}");
        assert_eq!(by_scope(&tenant, &alice(), &words(scope))["groups"], json!(["staff"]));
    }
    assert!(by_scope(&tenant, &user, &words("openid profile")).get("groups").is_none());
}

#[test]
fn id_tokens_contain_the_claims_of_the_granted_scopes() {
    use IdTokenClaimsPolicy::{Minimal, Scopes};
    let tenant = fixtures::tenant();
    let (scopes, named) = (words("openid email"), BTreeSet::from(["name".to_owned()]));
    for (policy, with_code, with_access_token, expected) in [
        (Scopes, false, true, true),
        (Scopes, false, false, true),
        (Scopes, true, false, false),
        (Scopes, true, true, false),
        (Minimal, false, true, false),
        (Minimal, false, false, true),
        (Minimal, true, false, false),
    ] {
        let tokens = TokenPolicy { id_token_claims: policy, ..TokenPolicy::default() };
        let client = Client { tokens, ..fixtures::client() };
        let contents =
            IdTokenContents { scopes: &scopes, named: &named, with_code, with_access_token };
        let claims = id_token_user_claims(&tenant, &client, &alice(), contents);
        assert_eq!(claims.contains_key("email"), expected, "{contents:?} {policy}");
        assert_eq!(claims["name"], "Alice Rivera", "requested by name");
    }
}

#[test]
fn the_scope_tenant_includes_the_organization() {
    let claims = userinfo_claims(
        &fixtures::tenant(),
        &fixtures::client(),
        &alice(),
        &words("openid tenant"),
        &BTreeSet::new(),
    );
    assert_eq!(
        (&claims["tenant_name"], &claims["tenant_sub"]),
        (&json!("Shop"), &json!("team/shop"))
    );
}

#[test]
fn an_access_token_has_the_claims_of_the_jwt_profile() {
    // RFC 9068 §2.2
    let (tenant, client) = (fixtures::tenant(), fixtures::client());
    let scopes = words("openid email");
    let token = AccessToken {
        key: None,
        tenant: &tenant,
        client: &client,
        subject: "alice-id",
        scopes: &scopes,
        details: &[],
        grant_id: Some("grant-1"),
        jti: "token-1",
        server: None,
        not_after: None,
        actors: None,
    };
    let expected = json!({
        "iss": "https://id.test/team/shop",
        "aud": "https://id.test/team/shop",
        "sub": "alice-id",
        "client_id": "team.wiki",
        "iat": NOW.secs(),
        "nbf": NOW.secs() - 10,
        "exp": NOW.secs() + 600,
        "jti": "token-1",
        "scope": "email openid",
        "scopes": ["email", "openid"],
        "grant_id": "grant-1",
    });
    assert_eq!(json!(token.claims(NOW)), expected);
    let renamed = Client { id: ClientId::new("wiki"), ..client.clone() };
    let of_renamed = json!(AccessToken { client: &renamed, ..token }.claims(NOW));
    assert_eq!(of_renamed["client_object"], "team/wiki", "the ID does not name it");
    let own = AccessToken { grant_id: None, subject: "team.wiki", ..token };
    assert!(
        json!(own.claims(NOW)).get(GRANT_ID_CLAIM).is_none(),
        "a client_credentials token has no grant"
    );
}

#[test]
fn an_id_token_has_the_requested_claims_and_no_client_id() {
    // OIDC Core §2, §5.4
    let (tenant, user) = (fixtures::tenant(), alice());
    let grant_types = Arc::new([GrantType::AuthorizationCode].into());
    let client = Client { grant_types, ..fixtures::client() };
    let authentication = Authentication::by(
        AuthenticationMethod::password(),
        Subject::new("alice-id"),
        NOW.minus(Duration::from_mins(1)),
    );
    let least = IdToken {
        tenant: &tenant,
        client: &client,
        authentication: &authentication,
        acr: None,
        with_auth_time: false,
        sid: None,
        nonce: None,
        at_hash: None,
        c_hash: None,
        grant_id: "grant-1",
        person: Claims::new(),
    };
    let expected = json!({
        "iss": "https://id.test/team/shop",
        "aud": "team.wiki",
        "sub": "alice-id",
        "iat": NOW.secs(),
        "exp": NOW.secs() + 3600,
        "amr": ["pwd"],
    });
    assert_eq!(Value::Object(least.claims(NOW)), expected);
    let scopes = words("openid email");
    let most = IdToken {
        with_auth_time: true,
        sid: Some("sid-1"),
        nonce: Some("n"),
        at_hash: Some("h"),
        person: by_scope(&tenant, &user, &scopes),
        ..least.clone()
    };
    let claims = most.claims(NOW);
    assert_eq!(claims["auth_time"], NOW.secs() - 60);
    assert_eq!((&claims["sid"], &claims["nonce"]), (&json!("sid-1"), &json!("n")));
    assert_eq!(claims["at_hash"], "h");
    assert_eq!(claims["email"], "alice@example.com");
    assert!(!claims.contains_key("name"), "its scope was not granted");
    assert!(!claims.contains_key("client_id"), "only access tokens have it");
    assert!(!claims.contains_key(GRANT_ID_CLAIM), "the client cannot exchange the token");
    let exchanging =
        Client { grant_types: Arc::new([GrantType::TokenExchange].into()), ..client.clone() };
    let token = IdToken { client: &exchanging, ..least };
    assert_eq!(token.claims(NOW)[GRANT_ID_CLAIM], "grant-1");
}
