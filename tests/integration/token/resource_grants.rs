//! Access tokens about people for resource servers (RFC 8707): consent, codes, refreshing, introspection.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    app::TestApp,
    browser::{Application, Browser, VERIFIER, claims, form_encode, unescape, verified},
    world::{ALICE, MANIFESTS, World, assert_error, text},
};

const TICKETS: &str = "https://tickets.test/api";
const WIKI: &str = "https://wiki.test";

const SERVERS: &str = "
---
apiVersion: lanyard.dev/v1alpha1
kind: ResourceServer
metadata: {name: tickets}
spec:
  tenantRef: {name: shop}
  displayName: Ticket Desk
  identifier: https://tickets.test/api
  alternateIdentifiers: ['urn:tickets']
  scopes: [{name: tickets.read, description: See your tickets}, {name: tickets.write}, {name: shared}]
  accessToken: {lifetime: 1m, signingAlg: ES256, claims: [groups, badge]}
  introspection: {clientRef: {name: poster}}
---
apiVersion: lanyard.dev/v1alpha1
kind: ResourceServer
metadata: {name: wiki}
spec:
  tenantRef: {name: shop}
  identifier: https://wiki.test
  scopes: [{name: wiki.read}, {name: shared}]
  introspection: {clientRef: {name: basic-only}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: asks}
spec:
  tenantRef: {name: shop}
  redirectUris: ['https://rp.test/cb']
  grantTypes: [authorization_code, refresh_token, implicit]
  responseTypes: [code, id_token token, code token]
  scopes: [openid, email, offline_access]
  secretRef: {name: app-secret}
";

fn manifests() -> String {
    let signing = "  displayName: Harbour Works\n  signing: {algorithms: [RS256, ES256]}\n";
    MANIFESTS.replacen("  displayName: Harbour Works\n", signing, 1) + SERVERS
}

/// The manifests with one replacement.
fn changed(from: &str, to: &str) -> String {
    assert!(manifests().contains(from), "{from} is not in the manifests");
    manifests().replace(from, to)
}

async fn world() -> World {
    World { app: TestApp::start(&manifests()).await, http: reqwest::Client::new() }
}

/// An authorization request that names resources.
fn url(app: &Application, scope: &str, resources: &[&str], more: &[(&str, &str)]) -> String {
    let mut url = app.authorize_url(scope, more);
    for resource in resources {
        let _ = write!(url, "&resource={}", form_encode(resource));
    }
    url
}

/// A code for Alice, who agrees.
async fn code(app: &Application, scope: &str, resources: &[&str]) -> String {
    let url = url(app, scope, resources, &[]);
    let mut answer = app.sign_in(&Browser::new(), &url, ALICE).await;
    answer.remove("code").unwrap_or_else(|| panic!("no code in {answer:?}"))
}

/// Redeems a code with further parameters.
async fn redeem(app: &Application, code: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let redirect_uri = app.redirect_uri.clone();
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    app.token(&[&parameters, more].concat()).await
}

async fn refresh(app: &Application, tokens: &Value, more: &[(&str, &str)]) -> (u16, Value) {
    let token = text(tokens, "refresh_token");
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", token)];
    app.token(&[&parameters, more].concat()).await
}

/// The answer of a successful request.
fn granted((status, answer): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{answer}");
    answer
}

/// `aud` and `scope` of the access token. `scope` of the response is the same.
fn target(tokens: &Value) -> (String, String) {
    let claims = claims(text(tokens, "access_token"));
    assert_eq!(tokens["scope"], claims["scope"], "{tokens}");
    (text(&claims, "aud").to_owned(), text(&claims, "scope").to_owned())
}

fn at(audience: &str, scope: &str) -> (String, String) {
    (audience.to_owned(), scope.to_owned())
}

#[tokio::test]
async fn the_consent_page_says_which_resource_gets_which_scopes() {
    let world = world().await;
    let (asks, browser) = (world.application("asks").await, Browser::new());
    let scope = "openid email tickets.read shared wiki.read";
    let request = url(&asks, scope, &[TICKETS, WIKI], &[]);
    let page = browser.open(&request).await;
    let fields = [("username", ALICE.0), ("password", ALICE.1)];
    let page = browser.submit(&page.form("/login"), &fields).await;
    let body = unescape(&page.body);
    let parts: Vec<&str> = body.split("<p class=\"lead\">").collect();
    let [_, own, tickets, wiki] = parts[..] else { panic!("{body}") };
    assert!(own.contains("See your email address") && !own.contains("tickets"), "{own}");
    assert!(
        tickets.starts_with(&format!("In your name at <strong>Ticket Desk</strong> ({TICKETS})"))
    );
    for line in ["See your tickets", "shared", "Show your groups", "Show your badge"] {
        assert!(tickets.contains(&format!(">{line}<")), "{line}: {tickets}");
    }
    assert!(!tickets.contains("tickets.write"), "not requested: {tickets}");
    assert!(wiki.contains(">wiki.read<") && wiki.contains(">shared<"), "{wiki}");
    let answer = browser.submit(&page.form("/consent"), &[("action", "allow")]).await.answer();
    assert!(answer.contains_key("code"), "{answer:?}");
    let line = world.app.audit.last("consent_given");
    assert_eq!(line["scope"], "email openid shared tickets.read wiki.read");
    assert_eq!(line["resources"], json!([TICKETS, WIKI]));
    // The consent is remembered only for the permissions that were shown.
    assert!(browser.open(&request).await.answer().contains_key("code"));
    for (scope, resources) in [("openid", &[TICKETS][..]), ("openid tickets.read", &[TICKETS])] {
        let request = url(&asks, scope, resources, &[]);
        assert!(browser.open(&request).await.answer().contains_key("code"), "{scope}");
    }
    let silent = [("prompt", "none")];
    let more = url(&asks, "openid tickets.write", &[TICKETS], &silent);
    assert_eq!(browser.open(&more).await.answer()["error"], "consent_required");
    world.app.serve(&changed("claims: [groups, badge]", "claims: [groups, email]"));
    let same = url(&asks, "openid tickets.read", &[TICKETS], &silent);
    assert_eq!(browser.open(&same).await.answer()["error"], "consent_required", "a new claim");
    // The account page names the resource server.
    let account = browser.open(&format!("{}/account", world.app.issuer("shop"))).await;
    assert!(account.body.contains("Ticket Desk: See your tickets"), "{}", account.body);
}

#[tokio::test]
async fn a_grant_of_several_resources_gives_one_token_each() {
    // RFC 8707 §2.2
    let world = world().await;
    let asks = world.application("asks").await;
    let issuer = world.app.issuer("shop");
    let scope = "openid email tickets.read shared wiki.read";
    let code = code(&asks, scope, &[TICKETS, WIKI]).await;
    // A refusal uses up no code.
    for wrong in [&["https://unknown.test"][..], &[], &[TICKETS, WIKI]] {
        let wrong: Vec<_> = wrong.iter().map(|it| ("resource", *it)).collect();
        assert_error(&redeem(&asks, &code, &wrong).await, 400, "invalid_target");
    }
    let first = granted(redeem(&asks, &code, &[("resource", "urn:tickets")]).await);
    assert_eq!(target(&first), at(TICKETS, "shared tickets.read"));
    let line = world.app.audit.last("token_issued");
    assert_eq!((&line["resource"], &line["scope"]), (&json!(TICKETS), &first["scope"]), "{line}");
    let id_token = verified(text(&first, "id_token"), &asks.jwks().await, "default.asks");
    assert_eq!(id_token["email"], "alice@example.com", "the ID token is for the client");
    let second = granted(refresh(&asks, &first, &[("resource", WIKI)]).await);
    assert_eq!(target(&second), at(WIKI, "shared wiki.read"));
    let narrowed = [("resource", WIKI), ("scope", "wiki.read tickets.read")];
    let third = granted(refresh(&asks, &second, &narrowed).await);
    assert_eq!(target(&third), at(WIKI, "wiki.read"));
    assert_eq!(third.get("id_token"), None, "without openid");
    // Userinfo belongs to every OpenID request.
    let own = granted(refresh(&asks, &third, &[("resource", &issuer)]).await);
    assert_eq!(target(&own), at(&issuer, "email openid"));
    assert_eq!(asks.userinfo(text(&own, "access_token")).await.0, 200);
    for token in [&first, &second] {
        // RFC 9068 §4
        let (status, answer) = asks.userinfo(text(token, "access_token")).await;
        assert_eq!((status, &answer["error"]), (401, &json!("invalid_token")));
    }
    assert_error(&refresh(&asks, &own, &[]).await, 400, "invalid_target");
}

#[tokio::test]
async fn a_token_has_the_form_that_its_resource_declares() {
    let world = world().await;
    let asks = world.application("asks").await;
    let only = code(&asks, "tickets.read", &[TICKETS]).await;
    let tokens = granted(redeem(&asks, &only, &[]).await);
    assert_eq!(target(&tokens), at(TICKETS, "tickets.read"), "the only resource is the default");
    assert_eq!((tokens.get("id_token"), &tokens["expires_in"]), (None, &json!(60)));
    let header = jsonwebtoken::decode_header(text(&tokens, "access_token")).expect("a JWT");
    assert_eq!(
        (header.alg, header.typ.as_deref()),
        (jsonwebtoken::Algorithm::ES256, Some("at+jwt"))
    );
    let claims = verified(text(&tokens, "access_token"), &asks.jwks().await, TICKETS);
    assert_eq!((&claims["groups"], &claims["badge"]), (&json!(["staff"]), &json!(7)));
    assert_eq!((claims["client_id"].as_str(), claims.get("email")), (Some("default.asks"), None));
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|at| at + 60));
    // Without `scope` a request is for all scopes of the API, and nothing of the client itself.
    let all = code(&asks, "", &[WIKI]).await;
    let tokens = granted(redeem(&asks, &all, &[("resource", WIKI)]).await);
    assert_eq!(target(&tokens), at(WIKI, "shared wiki.read"));
    // A grant without resources is for the issuer.
    let issuer = world.app.issuer("shop");
    let plain = code(&asks, "openid email tickets.read", &[]).await;
    assert_error(&redeem(&asks, &plain, &[("resource", TICKETS)]).await, 400, "invalid_target");
    assert_eq!(target(&granted(redeem(&asks, &plain, &[]).await)), at(&issuer, "email openid"));
}

#[tokio::test]
async fn refreshing_never_widens_a_grant() {
    // RFC 6749 §6, RFC 8707 §2.2
    let world = world().await;
    let asks = world.application("asks").await;
    let scope = "openid offline_access tickets.read";
    let code = code(&asks, scope, &[TICKETS]).await;
    let tokens = granted(redeem(&asks, &code, &[]).await);
    for wider in [
        [("resource", WIKI), ("scope", "")],
        [("resource", WIKI), ("scope", "shared")],
        [("resource", "https://unknown.test"), ("scope", "")],
    ] {
        assert_error(&refresh(&asks, &tokens, &wider).await, 400, "invalid_target");
    }
    let scope = [("resource", TICKETS), ("scope", "tickets.write")];
    assert_error(&refresh(&asks, &tokens, &scope).await, 400, "invalid_scope");
    // The refusals did not use up the token. Claims that the API declares later are not granted.
    world.app.serve(&changed("claims: [groups, badge]", "claims: [groups, email]"));
    let tokens = granted(refresh(&asks, &tokens, &[]).await);
    assert_eq!(target(&tokens), at(TICKETS, "tickets.read"));
    let claims = claims(text(&tokens, "access_token"));
    assert_eq!((claims.get("email"), claims.get("badge")), (None, None), "{claims}");
    assert_eq!(claims["groups"], json!(["staff"]));
    // Scopes that the API no longer has are gone.
    world.app.serve(&changed("{name: tickets.read, description: See your tickets}, ", ""));
    assert_error(&refresh(&asks, &tokens, &[]).await, 400, "invalid_grant");
    // An API that is gone.
    world.app.serve(&changed("identifier: https://tickets.test/api", "identifier: urn:another"));
    assert_error(&refresh(&asks, &tokens, &[]).await, 400, "invalid_target");
    world.app.serve(&manifests());
    granted(refresh(&asks, &tokens, &[]).await);
}

#[tokio::test]
async fn resources_are_judged_before_the_person_is_asked() {
    let world = world().await;
    let asks = world.application("asks").await;
    let stranger = "https://unknown.test";
    let implicit = [("response_type", "id_token token")];
    for (resources, more) in [
        (&[stranger][..], &[][..]),
        (&[TICKETS, stranger], &[]),
        (&["https://tickets.test/api/"], &[]),
        (&[TICKETS, WIKI], &implicit),
    ] {
        let page = Browser::new().open(&url(&asks, "openid", resources, more)).await;
        let answer = page.answer();
        assert_eq!(answer["error"], "invalid_target", "{resources:?}");
        assert!(page.left_for.is_some_and(|to| to.as_str().starts_with("https://rp.test/cb")));
    }
    let none = url(&asks, "profile", &[TICKETS], &[]);
    assert_eq!(Browser::new().open(&none).await.answer()["error"], "invalid_scope");
}

#[tokio::test]
async fn the_authorization_endpoint_issues_a_token_for_its_resource() {
    // OIDC Core §3.2, RFC 8707 §2.1
    let world = world().await;
    let asks = world.application("asks").await;
    let issuer = world.app.issuer("shop");
    let scope = "openid email tickets.read";
    for (response_type, resources, audience, granted_scope) in [
        ("id_token token", &[TICKETS][..], TICKETS, "tickets.read"),
        ("code token", &[TICKETS], TICKETS, "tickets.read"),
        ("id_token token", &[], &issuer, "email openid"),
        ("id_token token", &[TICKETS, &issuer], &issuer, "email openid"),
    ] {
        let url = url(&asks, scope, resources, &[("response_type", response_type)]);
        let answer = asks.sign_in(&Browser::new(), &url, ALICE).await;
        let claims = claims(&answer["access_token"]);
        assert_eq!((text(&claims, "aud"), text(&claims, "scope")), (audience, granted_scope));
        assert_eq!(answer["scope"], granted_scope);
        let lifetime = if audience == TICKETS { "60" } else { "600" };
        assert_eq!(answer["expires_in"], lifetime, "{response_type}");
    }
}

#[tokio::test]
async fn a_resource_server_introspects_its_own_tokens_only() {
    // RFC 7662 §4
    let world = world().await;
    let (asks, own) = (world.application("asks").await, world.application("poster").await);
    let other = world.application("basic-only").await;
    let code = code(&asks, "openid tickets.read wiki.read", &[TICKETS, WIKI]).await;
    let tickets = granted(redeem(&asks, &code, &[("resource", TICKETS)]).await);
    let wiki = granted(refresh(&asks, &tickets, &[("resource", WIKI)]).await);
    let issuer = world.app.issuer("shop");
    let plain = granted(refresh(&asks, &wiki, &[("resource", &issuer)]).await);
    let introspect = async |caller: &Application, tokens: &Value| {
        let token = text(tokens, "access_token").to_owned();
        // `poster` authenticates in the body.
        let (id, secret) = (caller.client_id.clone(), caller.client_secret.clone().expect("one"));
        let url = caller.endpoint("introspection_endpoint");
        let form = [("token", &*token), ("client_id", &id), ("client_secret", &secret)];
        let request = if id == "default.poster" {
            world.http.post(url).form(&form)
        } else {
            let (id, secret) = (form_encode(&id), form_encode(&secret));
            world.http.post(url).basic_auth(id, Some(secret)).form(&form[..1])
        };
        let response = request.send().await.expect("an answer");
        response.json::<Value>().await.expect("JSON")
    };
    let told = introspect(&own, &tickets).await;
    let expected = json!({
        "active": true, "aud": TICKETS, "scope": "tickets.read", "client_id": "default.asks",
        "sub": world.app.subject("shop", "alice"), "iss": issuer, "token_type": "Bearer",
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(told[name], *value, "{told}");
    }
    let silent = json!({ "active": false });
    assert_eq!(introspect(&own, &wiki).await, silent);
    assert_eq!(introspect(&own, &plain).await, silent);
    assert_eq!(introspect(&other, &tickets).await, silent);
    assert_eq!(introspect(&other, &wiki).await["aud"], WIKI);
    world.wait(61);
    assert_eq!(introspect(&own, &tickets).await, silent, "expired");
}
