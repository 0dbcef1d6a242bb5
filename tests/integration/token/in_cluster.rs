//! Addresses inside the cluster (`internalHosts`): what applications call, and nothing for browsers.

use serde_json::{Value, json};
use url::Url;

use super::{
    assertions::{TYPE, claims},
    browser::{VERIFIER, form_encode, verified},
    publisher::signed,
    world::{SECRET, World, assert_error, read, text},
};

/// The address of a tenant inside the cluster, and a client that resolves it as cluster DNS does.
struct Inside {
    url: String,
    http: reqwest::Client,
    client_id: &'static str,
}

impl Inside {
    fn of(world: &World, tenant: &str) -> Self {
        let http = reqwest::Client::builder()
            .resolve("lanyard.sso.svc", world.app.address)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let port = world.app.address.port();
        let url = format!("http://lanyard.sso.svc:{port}/default/{tenant}");
        let client_id = if tenant == "other" { "default.web-elsewhere" } else { "default.web" };
        Self { url, http, client_id }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let mut request = self.http.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, _, body) = read(request).await;
        (status, body)
    }

    /// Posts a form as the client `web` or, at the tenant `other`, as `web-elsewhere`.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).form(form);
        let request = request.basic_auth(self.client_id, Some(form_encode(SECRET)));
        let (status, _, body) = read(request).await;
        (status, body)
    }
}

#[tokio::test]
async fn discovery_names_the_issuer_and_addresses_inside_the_cluster() {
    let world = World::new().await;
    let inside = Inside::of(&world, "shop");
    let issuer = world.app.issuer("shop");
    let (status, document) = inside.get("/.well-known/openid-configuration", &[]).await;
    assert_eq!(status, 200, "{document}");
    assert_eq!(document["issuer"], issuer);
    for (field, path) in [
        ("token_endpoint", "token"),
        ("jwks_uri", "jwks"),
        ("userinfo_endpoint", "userinfo"),
        ("introspection_endpoint", "introspect"),
        ("revocation_endpoint", "revoke"),
    ] {
        assert_eq!(document[field], format!("{}/oauth/{path}", inside.url), "{field}");
    }
    for (field, path) in
        [("authorization_endpoint", "authorize"), ("end_session_endpoint", "logout")]
    {
        assert_eq!(document[field], format!("{issuer}/oauth/{path}"), "{field}");
    }
    // RFC 8414 §3.1
    for form in ["openid-configuration", "oauth-authorization-server"] {
        let base = inside.url.replace("/default/shop", "");
        let url = format!("{base}/.well-known/{form}/default/shop");
        let (status, _, same) = read(inside.http.get(url)).await;
        assert_eq!((status, &same), (200, &document), "{form}");
    }
}

#[tokio::test]
async fn applications_get_and_use_tokens_inside_the_cluster() {
    let world = World::new().await;
    let inside = Inside::of(&world, "shop");
    let alice = world.alice().await;
    let code = alice.code(&alice.web, "openid email").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "https://rp.test/cb"),
        ("code_verifier", VERIFIER),
    ];
    let (status, tokens) = inside.post("/oauth/token", &form).await;
    assert_eq!(status, 200, "{tokens}");
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    let (status, person) = inside.get("/oauth/userinfo", &[("authorization", &bearer)]).await;
    assert_eq!(status, 200, "{person}");
    let (_, keys) = inside.get("/oauth/jwks", &[]).await;
    let (_, _, public) =
        read(world.http.get(format!("{}/oauth/jwks", world.app.issuer("shop")))).await;
    assert_eq!(keys, public);

    // RFC 7662, RFC 7009
    let token = [("token", text(&tokens, "access_token"))];
    let (status, active) = inside.post("/oauth/introspect", &token).await;
    assert_eq!((status, &active["active"]), (200, &json!(true)), "{active}");
    assert_eq!(active["iss"], world.app.issuer("shop"));
    assert_eq!(inside.post("/oauth/revoke", &token).await.0, 200);
    let inactive = json!({ "active": false });
    assert_eq!(inside.post("/oauth/introspect", &token).await, (200, inactive));
    assert_eq!(inside.get("/oauth/userinfo", &[("authorization", &bearer)]).await.0, 401);
}

/// The logout of an identity provider is called there by
/// `upstream::backchannel_logout::a_logout_token_may_come_to_the_address_inside_the_cluster`.
#[tokio::test]
async fn applications_ask_for_sign_ins_inside_the_cluster() {
    // RFC 9126 §2, RFC 8628 §3, CIBA Core §7
    const GRANTS: &str = "grantTypes: [authorization_code, refresh_token, client_credentials]\n  scopes: [openid, profile, email, groups";
    let (device, ciba) =
        ("urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba");
    let world = World::new().await;
    let more = format!("client_credentials, '{device}', '{ciba}']");
    world.change(GRANTS, &GRANTS.replace("client_credentials]", &more));
    let (inside, alice) = (Inside::of(&world, "shop"), world.alice().await);
    let (_, document) = inside.get("/.well-known/openid-configuration", &[]).await;
    for (field, path) in [
        ("pushed_authorization_request_endpoint", "par"),
        ("device_authorization_endpoint", "device_authorization"),
        ("backchannel_authentication_endpoint", "backchannel_authentication"),
    ] {
        assert_eq!(document[field], format!("{}/oauth/{path}", inside.url), "{field}");
    }

    let url = Url::parse(&alice.web.authorize_url("openid", &[("prompt", "none")])).expect("a URL");
    let parameters: Vec<_> = url.query_pairs().collect();
    let form: Vec<_> = parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
    let (status, pushed) = inside.post("/oauth/par", &form).await;
    assert_eq!(status, 201, "{pushed}");
    let query =
        [("client_id", &*alice.web.client_id), ("request_uri", text(&pushed, "request_uri"))];
    let endpoint = alice.web.endpoint("authorization_endpoint");
    let url = Url::parse_with_params(endpoint, query).expect("a URL");
    let answer = alice.browser.open(url.as_str()).await.answer();
    assert!(answer.contains_key("code"), "{answer:?}");

    for (path, grant_type, id, hint) in [
        ("device_authorization", device, "device_code", None),
        ("backchannel_authentication", ciba, "auth_req_id", Some(("login_hint", "alice"))),
    ] {
        let mut form = vec![("scope", "openid")];
        form.extend(hint);
        let (status, asked) = inside.post(&format!("/oauth/{path}"), &form).await;
        assert_eq!(status, 200, "{path}: {asked}");
        // The field of the token request has the name of that of the response.
        let form = [("grant_type", grant_type), (id, text(&asked, id))];
        assert_error(&inside.post("/oauth/token", &form).await, 400, "authorization_pending");
    }
}

#[tokio::test]
async fn a_tenant_is_found_by_its_name_whatever_host_and_path_its_issuer_has() {
    const ISSUER: &str = "https://id.elsewhere.test/people";
    let world = World::new().await;
    let signing = "spec: {signing:";
    world.change(signing, &format!("spec: {{issuer: {ISSUER}, signing:"));
    let inside = Inside::of(&world, "other");
    let (status, document) = inside.get("/.well-known/openid-configuration", &[]).await;
    assert_eq!((status, &document["issuer"]), (200, &json!(ISSUER)), "{document}");
    assert_eq!(document["authorization_endpoint"], format!("{ISSUER}/oauth/authorize"));
    assert_eq!(document["token_endpoint"], format!("{}/oauth/token", inside.url));

    let own = [("grant_type", "client_credentials")];
    let (status, tokens) = inside.post("/oauth/token", &own).await;
    assert_eq!(status, 200, "{tokens}");
    let (status, keys) = inside.get("/oauth/jwks", &[]).await;
    assert_eq!(status, 200, "{keys}");
    let token = text(&tokens, "access_token");
    assert_eq!(verified(token, &keys, ISSUER)["iss"], ISSUER);
    let token = [("token", token)];
    let (status, active) = inside.post("/oauth/introspect", &token).await;
    assert_eq!((status, &active["active"], &active["iss"]), (200, &json!(true), &json!(ISSUER)));
    assert_eq!(inside.post("/oauth/revoke", &token).await.0, 200);
    let inactive = json!({ "active": false });
    assert_eq!(inside.post("/oauth/introspect", &token).await, (200, inactive));

    // The Service does not know the path of the issuer.
    let base = inside.url.replace("/default/other", "");
    for path in ["/people/oauth/jwks", "/people/.well-known/openid-configuration"] {
        assert_eq!(read(inside.http.get(format!("{base}{path}"))).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn assertions_may_be_meant_for_the_address_inside_the_cluster() {
    let world = World::new().await;
    let inside = Inside::of(&world, "shop");
    for audience in [inside.url.clone(), format!("{}/oauth/token", inside.url)] {
        let mut claims = claims(&world, "default.signs-with-key");
        claims["aud"] = json!(audience);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", &signed(&claims)),
        ];
        let url = format!("{}/oauth/token", inside.url);
        let (status, _, answer) = read(inside.http.post(url).form(&form)).await;
        assert_eq!(status, 200, "{audience}: {answer}");
    }
}

#[tokio::test]
async fn no_page_and_nothing_from_a_proxy_is_served_inside_the_cluster() {
    let world = World::new().await;
    let inside = Inside::of(&world, "shop");
    let html = [("accept", "text/html")];
    for path in [
        "",
        "/",
        "/login",
        "/consent",
        "/logged-out",
        "/oauth/authorize",
        "/oauth/logout",
        "/oauth/register",
        "/oauth/check-session",
        "/_lanyard/lanyard.css",
    ] {
        let (status, answer) = inside.get(path, &html).await;
        assert_eq!((status, answer["error"].is_string()), (404, true), "{path}: {answer}");
    }
    let discovery = "/.well-known/openid-configuration";
    for header in [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-host", "lanyard.sso.svc"),
        ("forwarded", "for=203.0.113.7"),
        ("via", "1.1 proxy"),
        ("x-real-ip", "203.0.113.7"),
    ] {
        assert_eq!(inside.get(discovery, &[header]).await.0, 404, "{header:?}");
    }
    // The sidecar of a service mesh.
    assert_eq!(inside.get(discovery, &[("x-forwarded-proto", "http")]).await.0, 200);
    assert_eq!(Inside::of(&world, "nobody").get(discovery, &[]).await.0, 404);
}
