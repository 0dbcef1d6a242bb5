//! The forms of tokens that tenants and clients choose: the claims in ID tokens, and the type of
//! access tokens.

use lanyard::model::Clock;
use serde_json::{Value, json};

use super::{
    browser::{Application, claims},
    world::{SignedIn, World, text},
};

const TENANT: &str = "  displayName: Harbour Works\n";
const CLIENT: &str = "  grantTypes: [authorization_code, refresh_token, client_credentials]\n  scopes: [openid, profile, email, groups, tenant, offline_access, badges]\n";

impl World {
    /// Serves the manifests with a line added to the tenant `shop`, and one to the client `web`.
    fn add(&self, tenant: &str, client: &str) {
        let changes =
            [(TENANT, format!("{TENANT}  {tenant}\n")), (CLIENT, format!("{CLIENT}  {client}\n"))];
        self.change_all(&changes.each_ref().map(|(from, to)| (*from, to.as_str())));
    }
}

async fn id_token(alice: &SignedIn, scope: &str) -> Value {
    claims(text(&alice.tokens(&alice.web, scope).await, "id_token"))
}

#[tokio::test]
async fn id_token_contains_the_claims_of_the_granted_scopes_of_that_moment() {
    let world = World::new().await;
    let alice = world.alice().await;
    let scope = "openid profile email groups tenant badges offline_access";
    let tokens = alice.tokens(&alice.web, scope).await;
    let first = claims(text(&tokens, "id_token"));
    for (name, value) in [
        ("name", json!("Alice Rivera")),
        ("preferred_username", json!("alice")),
        ("email", json!("alice@example.com")),
        ("groups", json!(["staff"])),
        ("tenant_name", json!("Harbour")),
        ("tenant_sub", json!("harbour-1")),
        ("badge", json!(7)),
    ] {
        assert_eq!(first[name], value, "{name}");
    }
    assert!(first.get("email_verified").is_none(), "the manifest says nothing about it");
    world.change_all(&[("Alice Rivera", "Alice Rivers"), ("  groups: [staff]\n", "")]);
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let (status, refreshed) = alice.web.token(&refresh).await;
    assert_eq!(status, 200, "{refreshed}");
    let second = claims(text(&refreshed, "id_token"));
    assert_eq!((&second["name"], &second["groups"]), (&json!("Alice Rivers"), &json!([])));
    let email = id_token(&alice, "openid email").await;
    assert!(email.get("name").is_none() && email.get("groups").is_none(), "{email}");
}

#[tokio::test]
async fn email_verified_is_present_where_the_manifest_says_so() {
    let world = World::new().await;
    let alice = world.alice().await;
    for verified in [true, false] {
        world.change("  disabled: false\n", &format!("  emailVerified: {verified}\n"));
        assert_eq!(id_token(&alice, "openid email").await["email_verified"], verified);
    }
}

#[tokio::test]
async fn id_token_claims_of_a_client_override_those_of_its_tenant() {
    let world = World::new().await;
    let alice = world.alice().await;
    for (tenant, client, given) in [
        ("idTokenClaims: Minimal", "", false),
        ("idTokenClaims: Minimal", "idTokenClaims: Scopes", true),
        ("idTokenClaims: Scopes", "idTokenClaims: Minimal", false),
    ] {
        world.add(tenant, client);
        let tokens = alice.tokens(&alice.web, "openid email").await;
        let id_token = claims(text(&tokens, "id_token"));
        assert_eq!(id_token.get("email").is_some(), given, "{tenant} {client}");
        let (_, person) = alice.web.userinfo(text(&tokens, "access_token")).await;
        assert_eq!(person["email"], "alice@example.com", "userinfo always contains it");
    }
}

fn typ(jwt: &str) -> Option<String> {
    jsonwebtoken::decode_header(jwt).expect("a JWT").typ
}

/// Presents a token at every endpoint that takes access tokens; returns whether each accepts it.
async fn accepted(world: &World, web: &Application, token: &str) -> [bool; 2] {
    [
        web.userinfo(token).await.0 == 200,
        world.introspect(web, token).await.1["active"] == json!(true),
    ]
}

#[tokio::test]
async fn access_tokens_have_the_type_that_tenant_and_client_choose() {
    let world = World::new().await;
    let alice = world.alice().await;
    for (tenant, client, expected) in [
        ("", "", "at+jwt"),
        ("accessTokenType: JWT", "", "JWT"),
        ("accessTokenType: JWT", "accessTokenType: at+jwt", "at+jwt"),
        ("", "accessTokenType: JWT", "JWT"),
    ] {
        world.add(tenant, client);
        let tokens = alice.tokens(&alice.web, "openid offline_access").await;
        let token = text(&tokens, "access_token");
        assert_eq!(typ(token).as_deref(), Some(expected), "{tenant} {client}");
        assert_eq!(accepted(&world, &alice.web, token).await, [true; 2], "{expected}");
        let form = [("token", token)];
        let revoked = alice.web.post("revocation_endpoint", &form).await;
        assert_eq!(revoked.status().as_u16(), 200, "{expected}");
        assert_eq!(accepted(&world, &alice.web, token).await, [false; 2], "revoked");
        let (_, own) = alice.web.token(&[("grant_type", "client_credentials")]).await;
        assert_eq!(typ(text(&own, "access_token")).as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn access_tokens_and_id_tokens_differ_in_client_id() {
    // RFC 9068 §2.2, RFC 8725 §3.12
    let world = World::new().await;
    world.add("accessTokenType: JWT", "");
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid email offline_access").await;
    let (access, id_token) = (text(&tokens, "access_token"), text(&tokens, "id_token"));
    assert_eq!(typ(access), typ(id_token), "the type does not distinguish them");
    assert!(claims(access)["client_id"].is_string() && claims(id_token)["client_id"].is_null());
    assert_ne!(claims(access)["aud"], claims(id_token)["aud"]);
    assert_eq!(accepted(&world, &alice.web, id_token).await, [false; 2]);
    let revoked = alice.web.post("revocation_endpoint", &[("token", id_token)]).await;
    assert_eq!(revoked.status().as_u16(), 200, "an unknown token");
    assert_eq!(accepted(&world, &alice.web, access).await, [true; 2], "nothing was revoked");
    let hinted = async |hint: &str| {
        let url = alice.web.authorize_url("openid", &[("id_token_hint", hint), ("prompt", "none")]);
        alice.browser.open(&url).await.answer()
    };
    assert_eq!(hinted(access).await["error"], "invalid_request");
    assert!(hinted(id_token).await.contains_key("code"));
    let end = alice.web.endpoint("end_session_endpoint");
    let page = alice.browser.open(&format!("{end}?id_token_hint={access}")).await;
    assert_eq!(page.status, 400, "{}", page.body);
    alice.sign_out(id_token).await;
}

#[tokio::test]
async fn access_tokens_are_valid_before_they_are_issued() {
    // For verifiers whose clock is behind.
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid").await;
    let (token, now) = (claims(text(&tokens, "access_token")), world.app.clock.now().secs());
    assert_eq!((token["iat"].as_i64(), token["nbf"].as_i64()), (Some(now), Some(now - 10)));
    assert_eq!(claims(text(&tokens, "id_token"))["iat"].as_i64(), Some(now));
}
