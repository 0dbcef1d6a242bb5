//! Rich authorization requests (RFC 9396): consent, PAR, request objects, tokens, refreshing, introspection.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use url::Url;

use super::{
    app::TestApp,
    browser::{Application, Browser, Page, claims, unescape},
    publisher::signed,
    world::{ALICE, MANIFESTS, World, assert_error, text},
};

const BANK: &str = "https://bank.test";
const ERROR: &str = "invalid_authorization_details";

const SERVERS: &str = r"
---
apiVersion: lanyard.dev/v1alpha1
kind: ResourceServer
metadata: {name: bank}
spec:
  tenantRef: {name: shop}
  displayName: Harbour Bank
  identifier: https://bank.test
  scopes: [{name: accounts}]
  introspection: {clientRef: {name: basic-only}}
  authorizationDetailsTypes:
  - type: payment
    displayName: Make a payment
    schema:
      type: object
      properties:
        type: {const: payment}
        locations: {type: array}
        amount: {type: integer, minimum: 1, maximum: 500}
        creditor:
          type: object
          properties: {name: {type: string, maxLength: 40}}
          required: [name]
      required: [amount, creditor]
      additionalProperties: false
  - type: account
    schema: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: ResourceServer
metadata: {name: plain}
spec:
  tenantRef: {name: shop}
  identifier: https://plain.test
  authorizationDetailsTypes: [{type: plain, schema: {}}]
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: pays}
spec:
  tenantRef: {name: shop}
  consent: Implied
  redirectUris: ['https://rp.test/cb']
  grantTypes: [authorization_code, refresh_token, client_credentials, implicit]
  responseTypes: [code, id_token token]
  scopes: [openid, offline_access, badges]
  secretRef: {name: app-secret}
  jwks:
    keys: [{kty: OKP, crv: Ed25519, kid: one, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]
";

fn manifests() -> String {
    MANIFESTS.to_owned() + SERVERS
}

async fn world() -> World {
    World { app: TestApp::start(&manifests()).await, http: reqwest::Client::new() }
}

fn payment(amount: i64) -> Value {
    json!({ "type": "payment", "amount": amount, "creditor": { "name": "Ada <b>& Co" } })
}

fn account() -> Value {
    json!({ "type": "account", "id": "7" })
}

/// The parameter with these details.
fn details(all: &Value) -> String {
    all.to_string()
}

/// The page after Alice signed in, or where the request ended.
async fn opened(browser: &Browser, url: &str) -> Page {
    let page = browser.open(url).await;
    if page.left_for.is_some() || !page.body.contains("/login\"") {
        return page;
    }
    let fields = [("username", ALICE.0), ("password", ALICE.1)];
    browser.submit(&page.form("/login"), &fields).await
}

/// The tokens for a request of Alice, who agrees.
async fn tokens(pays: &Application, scope: &str, all: &Value) -> Value {
    let url = pays.authorize_url(scope, &[("authorization_details", &details(all))]);
    let answer = pays.sign_in(&Browser::new(), &url, ALICE).await;
    let code = answer.get("code").unwrap_or_else(|| panic!("no code in {answer:?}"));
    granted(pays.redeem(code).await)
}

async fn refresh(pays: &Application, tokens: &Value, more: &[(&str, &str)]) -> (u16, Value) {
    let token = text(tokens, "refresh_token");
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", token)];
    pays.token(&[&parameters, more].concat()).await
}

fn granted((status, answer): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{answer}");
    answer
}

/// `aud` and the details of the access token. The response has the same details (RFC 9396 §7) and the same lifetime.
fn in_token(tokens: &Value) -> (String, Value) {
    let claims = claims(text(tokens, "access_token"));
    assert_eq!(
        tokens.get("authorization_details"),
        claims.get("authorization_details"),
        "{tokens}"
    );
    let time = |name: &str| claims[name].as_i64().expect("a time");
    assert_eq!(tokens["expires_in"], time("exp") - time("iat"), "{tokens}");
    (text(&claims, "aud").to_owned(), claims["authorization_details"].clone())
}

#[tokio::test]
async fn a_person_reads_each_member_and_is_asked_each_time() {
    // RFC 9396 §2, §7, §9.1
    let world = world().await;
    let (pays, browser) = (world.application("pays").await, Browser::new());
    let both = json!([payment(120), account()]);
    let url = pays.authorize_url("openid", &[("authorization_details", &details(&both))]);
    let mut page = opened(&browser, &url).await;
    for _ in 0..2 {
        assert!(
            page.body.contains("In your name at <strong>Harbour Bank</strong>"),
            "{}",
            page.body
        );
        let escaped = unescape(&page.body);
        for words in [
            "Make a payment",
            "amount: <bdi>120",
            "creditor.name: <bdi>Ada <b>& Co",
            "account",
            "id: <bdi>7",
        ] {
            assert!(escaped.contains(&format!(">{words}<")), "{words}: {escaped}");
        }
        assert!(!page.body.contains("Ada <b>"), "escaped: {}", page.body);
        assert!(!page.body.contains(">Use it<"), "for the details only: {}", page.body);
        let answer = browser.submit(&page.form("/consent"), &[("action", "allow")]).await.answer();
        let line = world.app.audit.last("consent_given");
        assert_eq!(line["authorization_details_types"], json!(["account", "payment"]), "{line}");
        let tokens = granted(pays.redeem(&answer["code"]).await);
        assert_eq!(in_token(&tokens), (BANK.to_owned(), both.clone()));
        assert_eq!(tokens.get("scope"), None, "no scope of the API was requested: {tokens}");
        page = browser.open(&url).await;
    }
    let silent = [("authorization_details", &*details(&both)), ("prompt", "none")];
    let answer = browser.open(&pays.authorize_url("openid", &silent)).await.answer();
    assert_eq!(answer["error"], "consent_required");
    let refused = browser.submit(&page.form("/consent"), &[("action", "deny")]).await.answer();
    assert_eq!(refused["error"], "access_denied");
    // Without details the request is as before.
    let plain = browser.open(&pays.authorize_url("openid", &[])).await.answer();
    let tokens = granted(pays.redeem(&plain["code"]).await);
    assert_eq!(in_token(&tokens), (world.app.issuer("shop"), Value::Null));
}

#[tokio::test]
async fn a_consent_to_details_does_not_last() {
    let careful = manifests().replace("consent: Implied", "consent: Required");
    assert_ne!(careful, manifests());
    let world = World { app: TestApp::start(&careful).await, http: reqwest::Client::new() };
    let (pays, browser) = (world.application("pays").await, Browser::new());
    let sent = details(&json!([payment(120)]));
    let url = pays.authorize_url("openid", &[("authorization_details", &sent)]);
    let page = opened(&browser, &url).await;
    let answer = browser.submit(&page.form("/consent"), &[("action", "allow")]).await.answer();
    granted(pays.redeem(&answer["code"]).await);
    let silent = [("resource", BANK), ("prompt", "none")];
    let answer = browser.open(&pays.authorize_url("openid", &silent)).await.answer();
    assert_eq!(
        answer["error"], "consent_required",
        "the page showed a payment, and no lasting use"
    );
}

#[tokio::test]
async fn a_request_with_wrong_details_is_refused_before_the_person_is_asked() {
    // RFC 9396 §5
    let world = world().await;
    let pays = world.application("pays").await;
    let mut elsewhere = payment(1);
    elsewhere["locations"] = json!(["https://other.test"]);
    let mut extra = payment(1);
    extra["more"] = json!(1);
    let many = vec![account(); 9];
    let long = json!([{ "type": "account", "id": "x".repeat(4096) }]);
    for wrong in [
        json!([]),
        json!({}),
        json!("payment"),
        json!([{ "amount": 1 }]),
        json!([{ "type": "unknown" }]),
        json!([{ "type": "payment", "amount": 1 }]),
        json!([payment(501)]),
        json!([payment(1), payment(0)]),
        json!([elsewhere]),
        json!([extra]),
        json!([{ "type": "account", "id": "a\u{202e}b" }]),
        json!([{ "type": "account", "amount: 5": "1" }]),
        json!(many),
        long,
    ] {
        let parameter = [("authorization_details", &*details(&wrong))];
        let page = Browser::new().open(&pays.authorize_url("openid", &parameter)).await;
        assert_eq!(page.answer()["error"], ERROR, "{wrong}");
        let parameters = [&[("grant_type", "client_credentials")][..], &parameter].concat();
        assert_error(&pays.token(&parameters).await, 400, ERROR);
    }
    let implicit = [
        ("authorization_details", &*details(&json!([account()]))),
        ("response_type", "id_token token"),
    ];
    let page = Browser::new().open(&pays.authorize_url("openid", &implicit)).await;
    assert_eq!(page.answer()["error"], "invalid_request", "only the token endpoint issues them");
}

/// A payment whose amount is there twice.
struct TwoAmounts;

impl Serialize for TwoAmounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let creditor = json!({ "name": "Ada" });
        let members = [
            ("type", json!("payment")),
            ("creditor", creditor),
            ("amount", json!(1)),
            ("amount", json!(500)),
        ];
        serializer.collect_map(members)
    }
}

#[derive(Serialize)]
struct ObjectWithTwoAmounts {
    iss: &'static str,
    aud: String,
    authorization_details: [TwoAmounts; 1],
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_refused() {
    // RFC 8259 §4
    let world = world().await;
    let pays = world.application("pays").await;
    let twice = serde_json::to_string(&[TwoAmounts]).expect("JSON");
    let object = signed(&ObjectWithTwoAmounts {
        iss: "default.pays",
        aud: world.app.issuer("shop"),
        authorization_details: [TwoAmounts],
    });
    for parameter in [("authorization_details", &*twice), ("request", &*object)] {
        let page = Browser::new().open(&pays.authorize_url("openid", &[parameter])).await;
        let answer = page.answer();
        assert_eq!(answer["error"], ERROR, "{}", parameter.0);
        let words = &answer["error_description"];
        assert!(words.contains("the member 'amount' twice"), "{}: {words}", parameter.0);
    }
    let own = [("grant_type", "client_credentials"), ("authorization_details", &*twice)];
    assert_error(&pays.token(&own).await, 400, ERROR);
}

#[tokio::test]
async fn details_may_be_pushed_and_signed() {
    // RFC 9396 §4
    let world = world().await;
    let pays = world.application("pays").await;
    let both = json!([payment(120), account()]);
    let object = signed(&json!({
        "iss": "default.pays", "aud": world.app.issuer("shop"), "authorization_details": both,
    }));
    let text_of_both = details(&both);
    for parameter in [("authorization_details", &*text_of_both), ("request", &object)] {
        let direct = pays.authorize_url("openid", &[parameter]);
        let direct_url = Url::parse(&direct).expect("a URL");
        let all: Vec<_> = direct_url.query_pairs().into_owned().collect();
        let all: Vec<_> = all.iter().map(|(name, value)| (&**name, &**value)).collect();
        let response = pays.post("pushed_authorization_request_endpoint", &all).await;
        assert_eq!(response.status(), 201, "{}", parameter.0);
        let pushed: Value = response.json().await.expect("JSON");
        let mut url = Url::parse(pays.endpoint("authorization_endpoint")).expect("a URL");
        let reference =
            [("client_id", &*pays.client_id), ("request_uri", text(&pushed, "request_uri"))];
        url.query_pairs_mut().extend_pairs(reference);
        for url in [direct, url.into()] {
            let answer = pays.sign_in(&Browser::new(), &url, ALICE).await;
            let tokens = granted(pays.redeem(&answer["code"]).await);
            assert_eq!(in_token(&tokens), (BANK.to_owned(), both.clone()), "{}", parameter.0);
        }
    }
    let wrong = [
        ("client_id", &*pays.client_id),
        ("response_type", "code"),
        ("redirect_uri", "https://rp.test/cb"),
        ("authorization_details", "[{\"type\":\"unknown\"}]"),
    ];
    let response = pays.post("pushed_authorization_request_endpoint", &wrong).await;
    assert_eq!(response.json::<Value>().await.expect("JSON")["error"], ERROR);
}

#[tokio::test]
async fn refreshing_only_narrows_details() {
    // RFC 9396 §6
    let world = world().await;
    let pays = world.application("pays").await;
    let both = json!([payment(120), account()]);
    let first = tokens(&pays, "openid offline_access accounts", &both).await;
    assert_eq!(in_token(&first), (BANK.to_owned(), both.clone()));
    assert_eq!(first["scope"], "accounts");
    for wider in
        [json!([payment(121)]), json!([payment(120), payment(1)]), json!([{ "type": "account" }])]
    {
        let more = [("authorization_details", &*details(&wider))];
        assert_error(&refresh(&pays, &first, &more).await, 400, ERROR);
    }
    // A refusal uses up no refresh token.
    let one = json!([account()]);
    let more = [("authorization_details", &*details(&one))];
    let second = granted(refresh(&pays, &first, &more).await);
    assert_eq!(in_token(&second), (BANK.to_owned(), one.clone()));
    let third = granted(refresh(&pays, &second, &[]).await);
    assert_eq!(in_token(&third), (BANK.to_owned(), both), "the grant has both");
    let issuer = world.app.issuer("shop");
    let own = granted(refresh(&pays, &third, &[("resource", &issuer)]).await);
    assert_eq!(in_token(&own), (issuer.clone(), Value::Null), "userinfo");
    let mixed = [("resource", &*issuer), ("authorization_details", &*details(&one))];
    assert_error(&refresh(&pays, &own, &mixed).await, 400, "invalid_target");
    // Details that the API no longer allows are left out.
    let lowered = manifests().replace("maximum: 500", "maximum: 100");
    world.app.serve(&lowered);
    let fourth = granted(refresh(&pays, &own, &[("resource", BANK)]).await);
    assert_eq!(in_token(&fourth), (BANK.to_owned(), one));
    world.app.serve(&lowered.replace("  - type: account\n    schema: {}\n", ""));
    assert_error(&refresh(&pays, &fourth, &[("resource", BANK)]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn the_account_page_shows_the_details_of_grants() {
    let world = world().await;
    let (pays, browser) = (world.application("pays").await, Browser::new());
    let sent = details(&json!([payment(120)]));
    let url = pays.authorize_url("openid offline_access", &[("authorization_details", &sent)]);
    let answer = pays.sign_in(&browser, &url, ALICE).await;
    granted(pays.redeem(&answer["code"]).await);
    let page = browser.open(&format!("{}/account", world.app.issuer("shop"))).await;
    let escaped = unescape(&page.body);
    for words in [
        "<strong>Harbour Bank</strong>",
        ">Make a payment<",
        ">amount: <bdi>120<",
        ">creditor.name: <bdi>Ada <b>& Co<",
    ] {
        assert!(escaped.contains(words), "{words}: {escaped}");
    }
    assert!(!page.body.contains("Ada <b>"), "escaped: {}", page.body);
}

#[tokio::test]
async fn introspection_shows_the_details_to_the_api() {
    // RFC 9396 §9.2
    let world = world().await;
    let (pays, bank) = (world.application("pays").await, world.application("basic-only").await);
    let both = json!([payment(120), account()]);
    let tokens = tokens(&pays, "openid offline_access", &both).await;
    for (caller, name, active) in [
        (&bank, "access_token", true),
        (&pays, "refresh_token", true),
        (&bank, "refresh_token", false),
    ] {
        let token = [("token", text(&tokens, name))];
        let response = caller.post("introspection_endpoint", &token).await;
        let told: Value = response.json().await.expect("JSON");
        assert_eq!(told["active"], active, "{name}");
        let expected = if active { both.clone() } else { Value::Null };
        assert_eq!(told["authorization_details"], expected, "{name}");
    }
}

#[tokio::test]
async fn a_client_gets_a_token_for_details_of_its_own() {
    // RFC 9396 §6
    let world = world().await;
    let pays = world.application("pays").await;
    let ask = async |all: &Value, more: &[(&str, &str)]| {
        let parameter = details(all);
        let parameters =
            [("grant_type", "client_credentials"), ("authorization_details", &*parameter)];
        pays.token(&[&parameters, more].concat()).await
    };
    let both = json!([payment(120), account()]);
    let tokens = granted(ask(&both, &[]).await);
    assert_eq!(in_token(&tokens), (BANK.to_owned(), both.clone()));
    assert_eq!(tokens.get("scope"), None, "no scope that it does not name");
    let scoped = granted(ask(&both, &[("scope", "accounts"), ("resource", BANK)]).await);
    assert_eq!((in_token(&scoped).1, &scoped["scope"]), (both, &json!("accounts")));
    let two = json!([account(), { "type": "plain" }]);
    assert_error(&ask(&two, &[]).await, 400, "invalid_target");
    let other = [("resource", "https://plain.test")];
    assert_error(&ask(&json!([account()]), &other).await, 400, "invalid_target");
}

#[tokio::test]
async fn metadata_lists_the_types() {
    // RFC 9396 §10
    let world = world().await;
    let pays = world.application("pays").await;
    let types = &pays.metadata["authorization_details_types_supported"];
    assert_eq!(*types, json!(["account", "payment", "plain"]));
    world.app.serve(MANIFESTS);
    let web = world.application("web").await;
    assert_eq!(web.metadata.get("authorization_details_types_supported"), None);
}

#[tokio::test]
async fn a_type_belongs_to_one_resource_server() {
    use lanyard::model::{ManagedKind, ObjectKey, ObjectRef};
    let world = world().await;
    let problems = |manifests: &str, name: &str| {
        world.app.serve_with_problems(manifests);
        let snapshot = world.app.app.registry.snapshot();
        let object = ObjectRef::new(ManagedKind::ResourceServer, ObjectKey::new("default", name));
        let verdict = snapshot.verdicts().get(&object).expect("judged");
        verdict
            .problems
            .iter()
            .map(|it| (it.reason.as_str().to_owned(), it.field.clone()))
            .collect()
    };
    // Names decide in `dev`: `plain` comes after `bank`.
    let twice = manifests().replace("{type: plain, schema: {}}", "{type: payment, schema: {}}");
    let found: Vec<(String, String)> = problems(&twice, "plain");
    let field = "spec.authorizationDetailsTypes[0].type".to_owned();
    assert_eq!(found, [("IdentifierConflict".to_owned(), field)]);
    assert!(problems(&twice, "bank").is_empty());
    let pattern = manifests().replace("maxLength: 40", "pattern: (a+)+");
    let found = problems(&pattern, "bank");
    let field =
        "spec.authorizationDetailsTypes[0].schema.properties.creditor.properties.name.pattern";
    assert_eq!(found, [("Invalid".to_owned(), field.to_owned())]);
}
