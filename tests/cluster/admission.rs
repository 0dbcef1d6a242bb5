//! The CRDs against a real API server: for each rule one object that it accepts and one that it
//! rejects, with the error message. The registry must reach the same verdict on each object.

use std::sync::Arc;

use kube::{
    Api,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
};
use lanyard::{
    api::{ConditionReason, ConditionType},
    model::{Installation, Issuer, MutualTlsUrl},
    registry::{BuildCache, build_snapshot},
};
use serde_json::{Value, json};

use crate::support::{
    cluster::ApiServer,
    objects,
    turns::{self, Turn},
};

/// Objects of one kind in a namespace of its own.
struct Admission {
    api: Api<DynamicObject>,
    kind: &'static str,
    valid: Value,
    // Fields drop in this order: the turn must end after the server.
    _server: Arc<ApiServer>,
    _turn: Turn,
}

impl Admission {
    /// `valid` is the spec of an object that is accepted.
    async fn of(kind: &'static str, valid: Value) -> Self {
        let start = || {
            let turn = turns::of("admission");
            (turns::share(&turn, with_definitions), turn)
        };
        let (server, turn) = tokio::task::spawn_blocking(start).await.expect("it starts");
        let namespace = kind.to_lowercase();
        let _ = server.try_kubectl(&["create", "namespace", &namespace]);
        let resource =
            ApiResource::from_gvk(&GroupVersionKind::gvk("lanyard.dev", "v1alpha1", kind));
        let api = Api::namespaced_with(server.client().await, &namespace, &resource);
        Self { api, kind, valid, _server: server, _turn: turn }
    }

    fn object(&self, name: &str, spec: &Value) -> DynamicObject {
        let object = json!({
            "apiVersion": "lanyard.dev/v1alpha1", "kind": self.kind,
            "metadata": { "name": name }, "spec": spec,
        });
        serde_json::from_value(object).expect("an object")
    }

    /// Creates an object from the valid spec with these changes (JSON merge patch) on the API server.
    async fn verdict(&self, changes: &Value) -> Result<(), String> {
        let mut spec = self.valid.clone();
        merge(&mut spec, changes);
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        let object = self.object("it", &spec);
        let created = self.api.create(&dry_run, &object).await;
        let accepted = registry_accepts(serde_json::to_value(&object).expect("JSON"));
        assert_eq!(
            accepted,
            created.is_ok(),
            "{} with {changes}: the registry disagrees",
            self.kind
        );
        created.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn accepts(&self, changes: Value) {
        if let Err(error) = self.verdict(&changes).await {
            panic!("{} with {changes} is rejected: {error}", self.kind);
        }
    }

    async fn rejects(&self, changes: Value, message: &str) {
        match self.verdict(&changes).await {
            Ok(()) => panic!("{} with {changes} is accepted", self.kind),
            Err(error) => assert!(
                error.contains(message),
                "{} with {changes}: no {message:?} in {error}",
                self.kind
            ),
        }
    }

    /// Checks an accepted and a rejected value of a field.
    async fn rule(&self, field: &str, good: &[Value], bad: &[Value], message: &str) {
        for value in good {
            self.accepts(at(field, value)).await;
        }
        for value in bad {
            self.rejects(at(field, value), message).await;
        }
    }

    /// Checks that a field cannot change after it is set.
    async fn immutable(&self, name: &str, before: Value, change: Value, message: &str) {
        let mut spec = self.valid.clone();
        merge(&mut spec, &before);
        let object = self.object(name, &spec);
        self.api.create(&PostParams::default(), &object).await.expect("the first is valid");
        let patch = json!({ "spec": change });
        let changed =
            self.api.patch(name, &PatchParams::default().dry_run(), &Patch::Merge(&patch)).await;
        let error = changed.expect_err("it cannot be changed").to_string();
        assert!(error.contains(message), "{change}: no {message:?} in {error}");
    }
}

/// Whether `lanyard check` would accept the object, next to a tenant with a custom scope.
fn registry_accepts(mut object: Value) -> bool {
    object["metadata"]["namespace"] = json!("team");
    let tenant = json!({
        "apiVersion": "lanyard.dev/v1alpha1", "kind": "Tenant",
        "metadata": { "namespace": "team", "name": "main" }, "spec": { "scopes": { "read:x": {} } },
    });
    let base_url = Issuer::parse("https://lanyard.invalid").expect("canonical");
    let mutual_tls = MutualTlsUrl::parse("https://mtls.{host}");
    let installation = Installation { base_url, mutual_tls, ..objects::installation(true) };
    let objects = objects::objects([tenant, object]);
    let snapshot = build_snapshot(&objects, &installation, &BuildCache::default(), 1, objects::NOW);
    let mut judged = snapshot.verdicts().iter().filter(|it| *it.object.key.name == *"it");
    let verdict = judged.next().expect("a verdict");
    // A client has redirect URIs by the identity providers that refer to it, which the API server does not
    // know about.
    verdict.problems.iter().all(|it| {
        it.condition != ConditionType::Accepted || it.reason == ConditionReason::NoRedirectUri
    })
}

fn with_definitions() -> ApiServer {
    let server = ApiServer::start();
    let crds = concat!(env!("CARGO_MANIFEST_DIR"), "/crds");
    server.kubectl(&["apply", "-f", crds]);
    server.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]);
    server
}

/// `a.b` and a value → `{"a": {"b": value}}`.
fn at(field: &str, value: &Value) -> Value {
    field.rsplit('.').fold(value.clone(), |inner, name| json!({ name: inner }))
}

fn merge(into: &mut Value, changes: &Value) {
    let (Some(object), Some(changes)) = (into.as_object_mut(), changes.as_object()) else {
        *into = changes.clone();
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            object.remove(name);
        } else {
            merge(object.entry(name.clone()).or_insert(json!({})), change);
        }
    }
}

fn values<const N: usize>(texts: [&str; N]) -> [Value; N] {
    texts.map(Value::from)
}

fn lists<const N: usize>(texts: [&str; N]) -> [Value; N] {
    texts.map(|text| json!([text]))
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_short_enough_for_label_values() {
    let tenants = Admission::of("Tenant", json!({})).await;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let named = |length| tenants.object(&"n".repeat(length), &json!({}));
    tenants.api.create(&dry_run, &named(63)).await.expect("63 characters");
    let error = tenants.api.create(&dry_run, &named(64)).await.expect_err("64").to_string();
    assert!(error.contains("at most 63 characters"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn issuers_are_canonical() {
    let tenants = Admission::of("Tenant", json!({})).await;
    tenants
        .rule(
            "issuer",
            &values([
                "https://id.example.com",
                "https://id.example.com:8443/team/shop.v2_~x-1",
                "http://localhost:8080/x",
                "http://127.0.0.1",
                "http://[::1]:8080",
                "https://login/x",
                // The registry decides where http is allowed.
                "http://id.home.lan",
            ]),
            &values(["id.example.com", "ftp://x"]),
            "an absolute URL with https",
        )
        .await;
    for (bad, message) in [
        ("https://id.test?x=1", "no query"),
        ("https://id.test#x", "no query"),
        ("https://me@id.test", "no user name"),
        ("https://ID.test", "canonical form"),
        ("https://id.test:443/x", "canonical form"),
        ("http://localhost:80", "canonical form"),
        ("https://id.test/", "without a trailing slash"),
        ("https://id.test/x/", "without a trailing slash"),
        ("https://id.test/x//y", "plain segments"),
        ("https://id.test/%41", "plain segments"),
        ("https://id.test/a/../b", "plain segments"),
        ("https://id.test/oauth", "name of an endpoint"),
        ("https://id.test/x/.well-known/y", "name of an endpoint"),
    ] {
        tenants.rejects(json!({ "issuer": bad }), message).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_are_consistent() {
    let tenants = Admission::of("Tenant", json!({})).await;
    let listed = |algorithms: &[&str]| json!({ "profile": "Fapi2Security", "signing": { "algorithms": algorithms } });
    tenants.accepts(listed(&["PS256", "ES256"])).await;
    tenants.accepts(listed(&[])).await;
    tenants.rejects(listed(&["ES256", "RS256"]), "must not with a profile").await;
    let signing = |profile: Option<&str>| json!({ "profile": profile, "messageSigning": { "responses": true } });
    // Whether a client meets the rules of its profile depends on many of its fields.
    tenants.accepts(signing(Some("Fapi2MessageSigning"))).await;
    tenants.accepts(json!({ "profile": "Fapi2Security" })).await;
    for objects in [tenants, clients().await] {
        for profile in [Some("Fapi2Security"), None] {
            objects.rejects(signing(profile), "messageSigning must only be set").await;
        }
        objects.rejects(json!({ "profile": "Fapi1Advanced" }), "Unsupported value").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_settings_are_consistent() {
    let tenants = Admission::of("Tenant", json!({})).await;
    let algorithms = "signing.algorithms";
    let good = [json!(["RS256"]), json!(["EdDSA", "RS256", "ES256"]), json!([])];
    tenants.rule(algorithms, &good, &[json!(["ES256"])], "must contain RS256").await;
    tenants
        .rejects(at(algorithms, &json!(["RS256", "RS256"])), "must not contain duplicates")
        .await;
    tenants.rejects(at(algorithms, &json!(["RS256", "HS256"])), "Unsupported value").await;
    for (field, good, bad) in [
        ("interval", "720h", "0s"),
        ("publishAhead", "1h30m", "99999h"),
        ("retain", "0s", "99999h"),
    ] {
        let field = format!("signing.rotation.{field}");
        tenants.rule(&field, &values([good]), &values(["1d"]), "must be a duration").await;
        tenants.rule(&field, &[], &values([bad]), "must be between").await;
    }
    tenants
        .rule(
            "signing.rotation",
            &[json!({ "interval": "3s", "publishAhead": "1s" }), json!({ "interval": "25h" })],
            &[json!({ "interval": "2h", "publishAhead": "2h" }), json!({ "interval": "24h" })],
            "must be shorter than interval",
        )
        .await;
    let name = "signing.secretRef.name";
    tenants.rule(name, &values(["my.keys-1"]), &values(["My_keys"]), "an object name").await;
    let reference = json!({ "name": "keys" });
    tenants.accepts(at("signing.secretRef", &reference)).await;
    let bad = json!({ "name": "keys", "key": "a b" });
    tenants.rejects(at("signing.secretRef", &bad), "name of a Secret's entry").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lifetimes_are_in_range() {
    let tenants = Admission::of("Tenant", json!({})).await;
    for (field, most, more) in [
        ("code", "60s", "61s"),
        ("accessToken", "24h", "24h1s"),
        ("idToken", "1440m", "1441m"),
        ("refreshTokenIdle", "8784h", "8785h"),
        ("refreshTokenAbsolute", "8784h", "8785h"),
        ("sessionIdle", "8784h", "8785h"),
        ("sessionAbsolute", "8784h", "8785h"),
    ] {
        let field = format!("lifetimes.{field}");
        let range = values([most, "1s", "0h59s999ms"]);
        tenants.rule(&field, &range, &values([more, "0s", "999ms"]), "must be between").await;
        let wrong = values(["", "1d", "-1s", "1.5h", "P1D", "100000s"]);
        tenants.rule(&field, &[], &wrong, "must be a duration").await;
    }
    for objects in [&tenants, &clients().await] {
        let field = "refreshTokenReuseWindow";
        let range = values(["0s", "5m", "300s", "4m59s999ms"]);
        objects.rule(field, &range, &values(["5m1s", "301s", "1h"]), "must be between").await;
        objects.rule(field, &[], &values(["5 m", "-1s"]), "must be a duration").await;
    }
    for pair in ["refreshToken", "session"] {
        let both = |idle: &str, absolute: &str| json!({ "lifetimes": { format!("{pair}Idle"): idle, format!("{pair}Absolute"): absolute } });
        tenants.accepts(both("1h", "60m")).await;
        tenants.rejects(both("61m", "1h"), "must not be longer than").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_scopes_client_limits_and_branding_are_valid() {
    let tenants = Admission::of("Tenant", json!({})).await;
    let scope = json!({ "claims": ["badge_number"] });
    tenants.accepts(json!({ "scopes": { "badge": scope } })).await;
    tenants.rejects(json!({ "scopes": { "email": scope } }), "standard scope").await;
    let selector = json!({ "matchLabels": { "sso": "yes" } });
    tenants
        .rule(
            "clients.namespaces",
            &[
                json!({}),
                json!({ "from": "All" }),
                json!({ "from": "Selector", "selector": selector }),
            ],
            &[json!({ "from": "Selector" }), json!({ "selector": selector })],
            "must be set with from: Selector",
        )
        .await;
    tenants.rejects(at("clients.namespaces.from", &json!("Some")), "Unsupported value").await;
    let requiring = |operator: &str, listed: Value| {
        let requirement = json!({ "key": "sso", "operator": operator, "values": listed });
        let selector = json!({ "matchExpressions": [requirement] });
        at("clients.namespaces", &json!({ "from": "Selector", "selector": selector }))
    };
    tenants.accepts(requiring("In", json!(["yes"]))).await;
    tenants.accepts(requiring("Exists", json!([]))).await;
    tenants.rejects(requiring("NotIn", json!([])), "require values").await;
    tenants.rejects(requiring("Exists", json!(["yes"])), "require values").await;
    tenants.rejects(requiring("Like", json!(["yes"])), "Unsupported value").await;
    let hosts = "clients.redirectHosts";
    let good = [json!([]), json!(["a.test", "*.a.test"])];
    tenants.rule(hosts, &good, &lists(["a.*.test", "a.test/x", "a b"]), "host names").await;
    let schemes = "clients.redirectSchemes";
    let good = [json!([]), json!(["http", "myapp", "com.example.app", "x-y+z1"])];
    let bad = lists(["MyApp", "myapp:", "1x", "", "javascript", "urn"]);
    tenants.rule(schemes, &good, &bad, "redirectSchemes").await;
    let scopes = "clients.scopes";
    tenants
        .rule(scopes, &[json!([]), json!(["read:x"])], &lists(["a b", "\"", "\\"]), "scopes")
        .await;
    for color in ["primaryColor", "backgroundColor", "dark.primaryColor", "dark.backgroundColor"] {
        let field = format!("branding.{color}");
        let bad = values(["#0f5fdg", "0f5fd70"]);
        tenants.rule(&field, &values(["#0F5fd7"]), &bad, "must be #rrggbb").await;
    }
    let logo = "branding.logoUri";
    let bad = values(["http://x.test/logo", "data:image/png,x", "https://x@y.test/l"]);
    tenants.rule(logo, &values(["https://x.test/l.svg?v=1"]), &bad, "absolute https URL").await;
    words_links_and_fonts_are_valid(&tenants).await;
}

async fn words_links_and_fonts_are_valid(tenants: &Admission) {
    let good = values(["de", "pt-BR", "zh-Hant-TW"]);
    let bad = values(["de_AT", "d", "german", "*"]);
    tenants.rule("branding.defaultLocale", &good, &bad, "language tag").await;
    let font = |families: Value, uri: &str| json!({ "families": families, "uri": uri });
    tenants
        .rule(
            "branding.font",
            &[font(json!(["Source Sans 3", "serif"]), "https://cdn.test/f.woff2")],
            &[font(json!(["a\";}"]), "https://cdn.test/f.woff2")],
            "names of fonts",
        )
        .await;
    let bad = [font(json!(["A"]), "http://cdn.test/f.woff2")];
    tenants.rule("branding.font", &[], &bad, "absolute https URL").await;
    let text = |locale: &str, text: &str| json!([{ "locale": locale, "text": text }]);
    for field in ["branding.signInHint", "branding.support"] {
        let good = [json!([]), text("de", "Mit dem Uni-Konto.")];
        tenants.rule(field, &good, &[text("de", "a\u{202e}b")], "visible text").await;
        tenants.rule(field, &[], &[text("de_AT", "a")], "language tag").await;
    }
    let link = |more: Value| {
        let mut link = json!({ "uri": "https://x.test/privacy" });
        link.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        json!([link])
    };
    tenants
        .rule(
            "branding.links",
            &[
                link(json!({ "purpose": "Privacy" })),
                link(json!({ "text": text("en", "Imprint") })),
            ],
            &[link(json!({}))],
            "must have a purpose or a text",
        )
        .await;
    let bad = [link(json!({ "uri": "javascript:alert(1)", "purpose": "Help" }))];
    tenants.rule("branding.links", &[], &bad, "absolute https URL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn display_names_have_no_invisible_characters() {
    let tenants = Admission::of("Tenant", json!({})).await;
    let clients = clients().await;
    let good = values(["Wiki", "Café Zoë", "東京", "می\u{200c}خواهم"]);
    for hidden in
        ["\u{3164}", "\u{200b}", "\u{61c}", "\u{202e}", "\u{2066}", "\u{feff}", "\u{e0041}", "\n"]
    {
        let bad = [json!(format!("Wi{hidden}ki"))];
        clients.rule("clientName", &good, &bad, "visible text").await;
        tenants.rule("displayName", &good, &bad, "visible text").await;
    }
}

/// The admission of clients, with the spec of a valid one.
async fn clients() -> Admission {
    let spec = json!({ "tenantRef": { "name": "main" }, "redirectUris": ["https://rp.test/cb"] });
    Admission::of("OidcClient", spec).await
}

#[tokio::test(flavor = "multi_thread")]
async fn redirect_uris_are_safe() {
    let clients = clients().await;
    for field in ["redirectUris", "postLogoutRedirectUris"] {
        let good = lists([
            "https://rp.test",
            "https://rp.test:8443/cb?tab=1&x=%20",
            "http://localhost:4180/cb",
            "http://127.0.0.1/cb",
            "http://[::1]:80/cb",
            "HTTPS://rp-1.example_a.test/cb?a=b,c;d&e=(x)~!'$[]",
            // The registry decides where http is allowed.
            "http://nas.home.lan:8096/cb",
            "http://app.localhost/cb",
            "oc://android.opencloud.eu",
            "kitchenowl:/signin/redirect",
        ]);
        let relative = lists(["/cb", "rp.test/cb", "https://rp.test/c b", "https://rp.test/ü"]);
        clients.rule(field, &good, &relative, "absolute URIs in plain ASCII").await;
        for (message, bad) in [
            ("no fragment", ["https://rp.test/cb#x", "https://rp.test/cb#"].as_slice()),
            (
                "must not use the schemes",
                &["javascript:alert(1)", "DATA:text/html,x", "file:///x", "view-source:https://x"],
            ),
            ("no user name", &["https://me@rp.test/cb"]),
            ("must not contain '*'", &["https://*.rp.test/cb", "https://rp.test/*", "app:/*"]),
            (
                "a host of letters",
                &[
                    "https:rp.test/cb",
                    "https:/rp.test/cb",
                    "https:\\\\rp.test/cb",
                    "https://rp.test,default-src/cb",
                    "https://rp.test;sandbox/cb",
                    "https://rp%2etest/cb",
                    "https://rp.test/<script>",
                    "https://rp.test/{x}",
                    "https://rp.test\\evil.test/cb",
                ],
            ),
        ] {
            for uri in bad {
                clients.rejects(json!({ field: [uri] }), message).await;
            }
        }
        let twice = json!({ field: ["https://rp.test/cb", "https://rp.test/cb"] });
        clients.rejects(twice, "must not contain duplicates").await;
        let native = |uri: &str| json!({ "applicationType": "native", field: [uri] });
        clients.accepts(native("com.example.app:/cb")).await;
        clients.accepts(native("http://127.0.0.1/cb")).await;
        let many = |count: usize| -> Vec<String> {
            (0..count).map(|n| format!("https://rp.test/{n}/{}", "x".repeat(490))).collect()
        };
        clients.accepts(json!({ field: many(128) })).await;
        clients.rejects(json!({ field: many(129) }), "at most 128 items").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn allowed_origins_are_origins() {
    let clients = clients().await;
    let good = lists(["https://app.test", "http://localhost:3000", "capacitor://localhost"]);
    let bad = lists(["https://app.test/", "https://App.test", "https://*.test", "null", "myapp:x"]);
    clients.rule("allowedOrigins", &good, &bad, "an origin as browsers send it").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grant_types_response_types_and_authentication_are_consistent() {
    let clients = clients().await;
    let machine = json!({ "redirectUris": null, "grantTypes": ["client_credentials"] });
    clients.accepts(machine).await;
    // An IdentityProvider may refer to the client.
    clients.accepts(json!({ "redirectUris": null })).await;
    clients.accepts(json!({ "grantTypes": ["authorization_code", "refresh_token"] })).await;
    clients
        .rejects(
            json!({ "grantTypes": ["client_credentials", "refresh_token"] }),
            "refresh_token requires one of authorization_code",
        )
        .await;
    let ciba = "urn:openid:params:grant-type:ciba";
    clients.accepts(json!({ "grantTypes": [ciba, "refresh_token"] })).await;
    let poll = json!({ "grantTypes": [ciba], "backchannelTokenDeliveryMode": "poll" });
    clients.accepts(poll).await;
    let no_grant = json!({ "backchannelTokenDeliveryMode": "poll" });
    clients.rejects(no_grant, "requires the grant type urn:openid").await;
    let no_endpoint = json!({ "grantTypes": [ciba], "backchannelTokenDeliveryMode": "ping" });
    clients.rejects(no_endpoint, "requires backchannelClientNotificationEndpoint").await;
    let no_ping = json!({
        "grantTypes": [ciba],
        "backchannelClientNotificationEndpoint": "https://app.test/ping",
    });
    clients.rejects(no_ping, "which no other mode has").await;
    let push = json!({ "grantTypes": [ciba], "backchannelTokenDeliveryMode": "push" });
    clients.rejects(push, "Unsupported value").await;
    let public = json!({ "grantTypes": [ciba], "tokenEndpointAuthMethod": "none" });
    clients.rejects(public, "requires client authentication").await;
    let local =
        |grant: &str| json!({ "grantTypes": [grant], "redirectUris": ["http://localhost/cb"] });
    clients.accepts(local("authorization_code")).await;
    clients.rejects(local("implicit"), "web clients with the grant type implicit").await;
    let method = |method: &str| json!({ "grantTypes": ["client_credentials"], "tokenEndpointAuthMethod": method });
    clients.accepts(method("client_secret_post")).await;
    clients.rejects(method("none"), "requires client authentication").await;
    clients.rejects(method("password"), "Unsupported value").await;
    clients.accepts(method("client_secret_jwt")).await;
    clients.rejects(method("private_key_jwt"), "set jwks or jwksUri").await;
    let assertion = json!({ "grantTypes": ["urn:ietf:params:oauth:grant-type:jwt-bearer"] });
    clients.rejects(assertion, "requires federatedCredentials").await;
    let response =
        |grants: &[&str], types: &[&str]| json!({ "grantTypes": grants, "responseTypes": types });
    clients
        .accepts(response(&["authorization_code", "implicit"], &["code", "token id_token"]))
        .await;
    clients.accepts(json!({ "responseTypes": ["code"] })).await;
    clients.rejects(response(&["implicit"], &["code", "id_token"]), "authorization_code").await;
    clients.rejects(response(&["authorization_code"], &["code", "id_token"]), "implicit").await;
    clients.rejects(response(&["authorization_code", "implicit"], &["code"]), "implicit").await;
    clients.rejects(json!({ "responseTypes": ["token"] }), "must be code, id_token").await;
    let both = &["authorization_code", "implicit"];
    for hybrid in ["code id_token", "token code", "id_token token code"] {
        clients.accepts(response(both, &[hybrid])).await;
        clients.rejects(response(&["authorization_code"], &[hybrid]), "grant type implicit").await;
        clients.rejects(response(&["implicit"], &[hybrid]), "authorization_code").await;
    }
    clients.rejects(response(both, &["code code"]), "must be code, id_token").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn federated_credentials_name_an_issuer_and_a_subject() {
    let clients = clients().await;
    let with = |credential: Value| {
        let mut written = json!({ "issuer": "https://ci.test" });
        merge(&mut written, &credential);
        json!({
            "tokenEndpointAuthMethod": "private_key_jwt", "federatedCredentials": [written],
        })
    };
    let good = json!({ "subject": "repo:acme/shop", "claims": { "environment": "production" } });
    clients.accepts(with(good)).await;
    clients.accepts(with(json!({ "subjectPattern": "repo:acme/*", "audience": "a" }))).await;
    let other_method = json!({
        "federatedCredentials": [{ "issuer": "https://ci.test", "subject": "a" }],
    });
    let said = "federatedCredentials requires tokenEndpointAuthMethod: private_key_jwt";
    clients.rejects(other_method, said).await;
    clients.rejects(with(json!({})), "must have subject or subjectPattern").await;
    let both = json!({ "subject": "a", "subjectPattern": "a*" });
    clients.rejects(with(both), "must have subject or subjectPattern").await;
    clients.rejects(with(json!({ "subject": "a b" })), "without spaces").await;
    clients.rejects(with(json!({ "subject": "a", "audience": "a b" })), "without spaces").await;
    for pattern in ["a", "*", "*:a", "a b*"] {
        clients.rejects(with(json!({ "subjectPattern": pattern })), "before the first '*'").await;
    }
    let issuer = with(json!({ "issuer": "ci.test", "subject": "a" }));
    clients.rejects(issuer, "must be an absolute https or http URL").await;
    let of_account = |credential: Value| {
        let mut written = json!({ "serviceAccountRef": { "name": "billing" } });
        merge(&mut written, &credential);
        json!({
            "tokenEndpointAuthMethod": "private_key_jwt", "federatedCredentials": [written],
        })
    };
    clients.accepts(of_account(json!({}))).await;
    clients
        .accepts(of_account(json!({ "serviceAccountRef": { "validate": "TokenReview" } })))
        .await;
    for more in [
        json!({ "issuer": "https://ci.test" }),
        json!({ "subject": "a" }),
        json!({ "subjectPattern": "a*" }),
        json!({ "jwks": { "keys": [] } }),
        json!({ "serviceAccountRef": null, "subject": "a" }),
    ] {
        clients.rejects(of_account(more), "or serviceAccountRef without issuer").await;
    }
    let name = of_account(json!({ "serviceAccountRef": { "name": "Billing" } }));
    clients.rejects(name, "serviceAccountRef.name").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_clients_have_one_name() {
    let clients = clients().await;
    let method = |method: &str, certificate: Value| json!({ "tokenEndpointAuthMethod": method, "tlsClientAuth": certificate });
    let named = |more: Value| {
        let mut certificate = json!({ "caRef": { "name": "ca" } });
        merge(&mut certificate, &more);
        method("tls_client_auth", certificate)
    };
    for good in [
        json!({ "subjectDn": "CN=ledger,O=Acme,C=SE" }),
        json!({ "sanDns": "ledger.acme.test" }),
        json!({ "sanUri": "spiffe://acme.test/ledger" }),
        json!({ "sanIp": "192.0.2.7" }),
        json!({ "sanEmail": "ledger@acme.test" }),
    ] {
        clients.accepts(named(good)).await;
    }
    clients.rejects(named(json!({})), "exactly one of subjectDn").await;
    let two = json!({ "sanDns": "a.test", "sanUri": "https://a.test" });
    clients.rejects(named(two), "exactly one of subjectDn").await;
    clients.rejects(method("tls_client_auth", Value::Null), "tlsClientAuth must be set").await;
    let certificate = json!({ "caRef": { "name": "ca" }, "sanDns": "a.test" });
    clients.rejects(method("client_secret_basic", certificate), "and only with it").await;
    let own = json!({ "tokenEndpointAuthMethod": "self_signed_tls_client_auth" });
    clients.rejects(own, "require the application's public keys").await;
    let url = "https://app.test/jwks";
    let own = json!({ "tokenEndpointAuthMethod": "self_signed_tls_client_auth", "jwksUri": url });
    clients.accepts(own).await;
    let bound = "tlsClientCertificateBoundAccessTokens";
    clients.accepts(json!({ bound: true })).await;
    let twice = json!({ bound: true, "dpopBoundAccessTokens": true });
    clients.rejects(twice, "must not both be true").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_keys_and_signing_algorithms_are_consistent() {
    let clients = clients().await;
    let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
    let with = |fields: Value| {
        let mut changes = json!({ "tokenEndpointAuthMethod": "private_key_jwt" });
        merge(&mut changes, &fields);
        changes
    };
    clients.accepts(with(json!({ "jwks": jwks }))).await;
    clients.accepts(with(json!({ "jwksUri": "https://app.test/jwks" }))).await;
    let twice = json!({ "jwks": jwks, "jwksUri": "https://app.test/jwks" });
    clients.rejects(with(twice), "jwksUri and jwks are mutually exclusive").await;
    let secret = json!({ "jwks": jwks, "secretRef": { "name": "mine" } });
    clients.rejects(with(secret), "have no client secret").await;
    clients.accepts(json!({ "idTokenSignedResponseAlg": "none" })).await;
    clients
        .accepts(json!({
            "idTokenSignedResponseAlg": "none",
            "grantTypes": ["authorization_code", "implicit"],
            "responseTypes": ["code", "code token"],
        }))
        .await;
    let unsigned = json!({ "idTokenSignedResponseAlg": "none", "grantTypes": ["implicit"] });
    clients.rejects(unsigned, "at the token endpoint only").await;
    for field in ["idTokenSignedResponseAlg", "userinfoSignedResponseAlg"] {
        clients.rule(field, &values(["RS256"]), &values(["HS256"]), "Unsupported value").await;
    }
    let (good, bad) = (values(["PS256", "none"]), values(["RSA1_5"]));
    clients.rule("requestObjectSigningAlg", &good, &bad, "Unsupported value").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_uris_are_absolute() {
    let clients = clients().await;
    for field in ["sectorIdentifierUri", "initiateLoginUri"] {
        let bad = values(["http://app.test/x", "/x"]);
        clients.rule(field, &values(["https://app.test/x"]), &bad, "absolute https URL").await;
    }
    let ping = |endpoint: &str| {
        json!({
            "grantTypes": ["urn:openid:params:grant-type:ciba"],
            "backchannelTokenDeliveryMode": "ping",
            "backchannelClientNotificationEndpoint": endpoint,
        })
    };
    clients.accepts(ping("https://app.test/x")).await;
    clients.rejects(ping("http://app.test/x"), "absolute https URL").await;
    let good = values(["https://app.test/x", "http://app.shop.svc/x"]);
    clients.rule("jwksUri", &good, &values(["ftp://x"]), "https or http URL").await;
    clients.rule("backchannelLogoutUri", &good, &values(["https://x/#a"]), "no fragment").await;
    let bad = lists(["relative"]);
    clients.rule("requestUris", &lists(["https://app.test/r#h"]), &bad, "absolute URIs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_acr_levels_registration_and_rotation_are_valid() {
    let tenants = Admission::of("Tenant", json!({})).await;
    let level = |value: &str| json!([{ "value": value, "amr": ["pwd"] }]);
    let field = "acrLevels";
    tenants.rule(field, &[level("urn:x:1")], &[level("a b")], "printable ASCII").await;
    let open = json!({ "mode": "Open", "maxClients": 5, "unusedLifetime": "1h" });
    let token =
        json!({ "mode": "InitialAccessToken", "initialAccessTokenSecretRef": { "name": "t" } });
    let bad = [
        json!({ "mode": "InitialAccessToken" }),
        json!({ "mode": "Open", "initialAccessTokenSecretRef": { "name": "t" } }),
    ];
    let field = "registration";
    tenants.rule(field, &[open, token], &bad, "with mode: InitialAccessToken").await;
    tenants.rejects(json!({ "registration": { "unusedLifetime": "1s" } }), "between 1m").await;
    let resources = |names: Value| json!({ "registration": { "resources": names } });
    tenants.accepts(resources(json!(["tickets", "wiki"]))).await;
    tenants.rejects(resources(json!(["tickets", "tickets"])), "must not contain duplicates").await;
    let documents = |spec: Value| json!({ "clientIdMetadataDocuments": spec });
    for good in [
        json!({}),
        json!({ "mode": "AnyHost", "redirectHosts": ["localhost", "*.a.test"] }),
        json!({ "mode": "AnyHost", "deniedHosts": ["evil.test", "*.evil.test"] }),
        json!({ "mode": "AllowedHosts", "hosts": ["*.a.test"], "scopes": ["openid", "email"] }),
    ] {
        tenants.accepts(documents(good)).await;
    }
    for (bad, message) in [
        (json!({ "mode": "AllowedHosts" }), "with mode: AllowedHosts"),
        (json!({ "mode": "AnyHost", "hosts": ["a.test"] }), "with mode: AllowedHosts"),
        (json!({ "mode": "AllowedHosts", "hosts": ["a.*.test"] }), "must be host names"),
        (
            json!({ "mode": "AllowedHosts", "hosts": ["a.test"], "deniedHosts": ["b.a.test"] }),
            "with mode: AnyHost",
        ),
        (json!({ "mode": "AnyHost", "deniedHosts": ["a.*.test"] }), "must be host names"),
        (json!({ "redirectHosts": ["https://a.test"] }), "must be host names"),
        (json!({ "scopes": ["a b"] }), "scopes"),
        (json!({ "resources": ["a", "a"] }), "must not contain duplicates"),
        (json!({ "mode": "Everyone" }), "Unsupported value"),
    ] {
        tenants.rejects(documents(bad), message).await;
    }
    tenants.rejects(json!({ "refreshTokenRotation": "Never" }), "Unsupported value").await;
    tenants
        .accepts(json!({ "authenticators": { "totp": "Optional", "passwords": "Optional" } }))
        .await;
    tenants
        .accepts(json!({ "authenticators": { "totp": "Required", "passkeys": "Required" } }))
        .await;
    tenants.rejects(json!({ "authenticators": { "totp": "Off" } }), "Unsupported value").await;
    tenants
        .rejects(json!({ "authenticators": { "passwords": "Required" } }), "Unsupported value")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_secrets_have_one_source_and_distinct_entries() {
    let clients = clients().await;
    let own = json!({ "secretRef": { "name": "mine" } });
    clients.accepts(own.clone()).await;
    clients
        .rejects(
            json!({ "secretRef": { "name": "m" }, "secret": {} }),
            "secretRef and secret are mutually exclusive",
        )
        .await;
    let public = |secret: Value| {
        let mut changes = json!({ "tokenEndpointAuthMethod": "none" });
        merge(&mut changes, &secret);
        changes
    };
    clients.accepts(public(json!({ "secret": { "extra": { "a": "b" } } }))).await;
    clients.rejects(public(own), "have no client secret").await;
    let named = json!({ "secret": { "keys": { "clientSecret": "x" } } });
    clients.accepts(named.clone()).await;
    clients.rejects(public(named), "have no client secret").await;
    let good = [json!({ "clientId": "ID", "issuer": "client-id" })];
    let bad = [json!({ "clientId": "issuer" }), json!({ "clientId": "x", "clientSecret": "x" })];
    clients.rule("secret.keys", &good, &bad, "different entries").await;
    let clash = json!({ "secret": { "extra": { "client-secret": "x" } } });
    clients.rejects(clash, "different entries").await;
    let template = json!({ "a": "$(clientId) $$(x)", "b": "${x}" });
    clients.accepts(json!({ "secret": { "template": template, "extra": { "c": "d" } } })).await;
    for clash in [
        json!({ "template": { "client-secret": "x" } }),
        json!({ "template": { "a": "x" }, "extra": { "a": "x" } }),
        json!({ "template": { "url": "x" }, "keys": { "internalUrl": "url" } }),
        json!({ "keys": { "internalUrl": "issuer" } }),
    ] {
        clients.rejects(json!({ "secret": clash }), "different entries").await;
    }
    for entry in ["clientId", "clientSecret", "issuer", "internalUrl"] {
        let field = format!("secret.keys.{entry}");
        let bad = values(["a b", "a/b", ".."]);
        clients.rule(&field, &values(["A_b-c.1"]), &bad, "name of a Secret's entry").await;
    }
    let name = "secret.name";
    clients.rule(name, &values(["shop.oidc-1"]), &values(["Shop", "a_b"]), "an object name").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_ids_scopes_links_and_lifetimes_are_valid() {
    let clients = clients().await;
    let good = values(["my.app-1_~", "https://app.example.com:8443/x", "ops@desktop"]);
    clients.rule("clientId", &good, &values(["a b", "a?b", "ü", "a%3Ab"]), "letters, digits").await;
    clients
        .rule("scopes", &[json!(["openid", "read:x"])], &lists(["a b", "\""]), "be scopes")
        .await;
    for field in ["clientUri", "policyUri", "tosUri"] {
        let bad = values(["javascript:alert(1)", "/x", "https://", "https://x@y.test"]);
        let good = values(["https://x.test/p?q#f", "http://x.test"]);
        clients.rule(field, &good, &bad, "https or http URL").await;
    }
    let bad = values(["http://x.test/l"]);
    clients.rule("logoUri", &values(["https://x.test/l"]), &bad, "absolute https URL").await;
    for field in ["accessToken", "idToken", "refreshTokenIdle", "refreshTokenAbsolute"] {
        let field = format!("lifetimes.{field}");
        clients.rule(&field, &values(["5m"]), &values(["5min"]), "must be a duration").await;
        clients.rule(&field, &[], &values(["0s"]), "must be between").await;
    }
    let bad = [json!(-1), json!(31_536_001)];
    clients.rule("defaultMaxAge", &[json!(0), json!(3600)], &bad, "should be").await;
    for (field, good) in [("applicationType", "native"), ("consent", "Implied")] {
        let bad = values(["other"]);
        clients.rule(field, &values([good]), &bad, "Unsupported value").await;
    }
    for field in ["tenantRef.name", "tenantRef.namespace"] {
        clients.rule(field, &values(["main-1"]), &values(["Main"]), "an object name").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_determine_identities_are_immutable() {
    let clients = clients().await;
    let change = json!({ "tenantRef": { "name": "other" } });
    clients.immutable("moves", json!({}), change, "tenantRef cannot be changed").await;
    let namespace = json!({ "tenantRef": { "namespace": "other" } });
    clients.immutable("emigrates", json!({}), namespace, "tenantRef cannot be changed").await;
    let id = |id: Value| json!({ "clientId": id });
    for (name, before, after) in [
        ("changes", id(json!("a")), id(json!("b"))),
        ("gains", json!({}), id(json!("a"))),
        ("loses", id(json!("a")), id(Value::Null)),
    ] {
        clients.immutable(name, before, after, "clientId cannot be changed").await;
    }
    let users = users().await;
    let change = json!({ "tenantRef": { "name": "other" } });
    users.immutable("moves", json!({}), change, "tenantRef cannot be changed").await;
    let change = json!({ "username": "Ada" });
    users.immutable("renames", json!({}), change, "username cannot be changed").await;
    let subject = |subject: Value| json!({ "subject": subject });
    for (name, before, after) in [
        ("changes", subject(json!("a")), subject(json!("b"))),
        ("gains", json!({}), subject(json!("a"))),
        ("loses", subject(json!("a")), subject(Value::Null)),
    ] {
        users.immutable(name, before, after, "subject cannot be changed").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resource_servers_have_identifiers_and_scopes() {
    let valid = json!({ "tenantRef": { "name": "main" }, "identifier": "https://api.test" });
    let servers = Admission::of("ResourceServer", valid).await;
    let change = json!({ "tenantRef": { "name": "other" } });
    servers.immutable("moves", json!({}), change, "tenantRef cannot be changed").await;
    servers
        .rule(
            "identifier",
            &values(["https://api.test/v1?a=b", "urn:api"]),
            &values(["api", "https://a b.test", "https://a.test#b", ":a", "a:"]),
            "must be an absolute URI",
        )
        .await;
    let alternates = |all: &[&str]| json!({ "alternateIdentifiers": all });
    servers.accepts(alternates(&["urn:a", "urn:b"])).await;
    for bad in [&["urn:a", "urn:a"][..], &["a"], &["urn:a#b"]] {
        servers.rejects(alternates(bad), "must be distinct absolute URIs").await;
    }
    let scope = |scope: Value| json!({ "scopes": [scope] });
    servers.accepts(scope(json!({ "name": "read:all", "description": "Read" }))).await;
    for bad in ["a b", "a\"b", "a\\b", "é"] {
        servers.rejects(scope(json!({ "name": bad })), "must be a scope").await;
    }
    let hidden = scope(json!({ "name": "a", "description": "a\u{200b}" }));
    servers.rejects(hidden, "invisible").await;
    let token = |token: Value| json!({ "accessToken": token });
    servers.accepts(token(json!({ "lifetime": "5m", "type": "JWT" }))).await;
    servers.rejects(token(json!({ "lifetime": "5" })), "must be a duration").await;
    servers.rejects(token(json!({ "lifetime": "25h" })), "must be between").await;
    servers.accepts(token(json!({ "claims": ["groups", "https://a.test/role"] }))).await;
    for bad in [json!(["a b"]), json!(["a", "a"])] {
        let message = "must be distinct names of claims";
        servers.rejects(token(json!({ "claims": bad })), message).await;
    }
    servers.accepts(json!({ "displayName": "Tickets", "tokenBinding": "Bearer" })).await;
    servers.accepts(json!({ "tokenBinding": "DPoP" })).await;
    servers.accepts(json!({ "tokenBinding": "MutualTls" })).await;
    servers.rejects(json!({ "displayName": "a\u{200b}" }), "invisible").await;
    servers.rejects(json!({ "tokenBinding": "Handshake" }), "tokenBinding").await;
    let introspection = |name: &str| json!({ "introspection": { "clientRef": { "name": name } } });
    servers.accepts(introspection("tickets")).await;
    servers.rejects(introspection("A"), "introspection.clientRef.name").await;
    exchange_rules_are_checked(&servers).await;
    details_types_are_checked(&servers).await;
    let client = |client: Value| json!({ "clients": { "names": [client] } });
    servers.accepts(client(json!({ "name": "a", "namespace": "b" }))).await;
    servers.rejects(client(json!({ "name": "A" })), "clients.names[0].name").await;
    servers
        .rejects(client(json!({ "name": "a", "namespace": "B" })), "clients.names[0].namespace")
        .await;
    let from = |from: Value| json!({ "clients": { "namespaces": from } });
    servers.accepts(from(json!({ "from": "Selector", "selector": {} }))).await;
    servers.rejects(from(json!({ "from": "Selector" })), "selector").await;
}

async fn details_types_are_checked(servers: &Admission) {
    let declared = |types: Value| json!({ "authorizationDetailsTypes": types });
    let schema = json!({ "type": "object", "properties": { "amount": { "maximum": 100 } } });
    let payment = json!({ "type": "payment", "displayName": "Pay", "schema": schema });
    let account = json!({ "type": "urn:account", "schema": {} });
    servers.accepts(declared(json!([payment, account]))).await;
    let many: Vec<Value> =
        (0..17).map(|n| json!({ "type": format!("t{n}"), "schema": {} })).collect();
    for (refused, message) in [
        (json!([account, account]), "must have each type once"),
        (json!([{ "type": "a b", "schema": {} }]), "must be printable ASCII without spaces"),
        (json!([{ "type": "a", "schema": {}, "displayName": "a\u{200b}" }]), "invisible"),
        (json!([{ "type": "a" }]), "authorizationDetailsTypes[0].schema"),
        (json!([{ "type": "a", "schema": "x" }]), "authorizationDetailsTypes[0].schema"),
        (json!(many), "authorizationDetailsTypes"),
    ] {
        servers.rejects(declared(refused), message).await;
    }
}

async fn exchange_rules_are_checked(servers: &Admission) {
    let exchange = |rule: Value| json!({ "exchange": { "allow": [rule] } });
    let allowed = json!({ "client": { "name": "a", "namespace": "b" }, "from": "https://b.test",
        "mode": "Impersonation", "rule": "true" });
    servers.accepts(exchange(allowed)).await;
    let client = json!({ "name": "a" });
    for (refused, message) in [
        (json!({ "client": { "name": "A" }, "from": "urn:a" }), "exchange.allow[0].client.name"),
        (json!({ "client": client, "from": "a b" }), "must be printable ASCII without spaces"),
        (json!({ "client": client, "from": "urn:a", "mode": "Both" }), "exchange.allow[0].mode"),
        (json!({ "client": client }), "exchange.allow[0].from"),
    ] {
        servers.rejects(exchange(refused), message).await;
    }
}

/// The admission of users, with the spec of a valid one.
async fn users() -> Admission {
    Admission::of("OidcUser", json!({ "tenantRef": { "name": "main" }, "username": "ada" })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn user_claims_have_standard_formats() {
    let users = users().await;
    let cases: [(&str, &[&str], &[&str], &str); 13] = [
        (
            "username",
            &["ada", "Ada Lovelace", "ada@x.test", "é"],
            &[" ada", "ada ", "a\tb", "a\u{7}"],
            "visible text",
        ),
        ("subject", &["a|b", "1"], &["a b", "ü"], "ASCII without spaces"),
        (
            "email",
            &["ada@x.test", "a+b@localhost"],
            &["ada", "a@b@c.test", "a b@c.test", "a@c..test"],
            "an e-mail address",
        ),
        (
            "birthdate",
            &["1815-12-10", "0000-02-29", "1815"],
            &["10.12.1815", "1815-13-01"],
            "must be a date",
        ),
        (
            "phoneNumber",
            &["+33123456789", "+1 (425) 555-1212;ext=5"],
            &["0123", "+x"],
            "a telephone number",
        ),
        (
            "zoneinfo",
            &["Europe/Paris", "Etc/GMT+1"],
            &["/etc", "Europe Paris"],
            "an IANA time zone",
        ),
        ("locale", &["fr-CA", "zh-Hant-TW"], &["fr-", "français"], "a language tag"),
        (
            "updatedAt",
            &["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+01:00"],
            &["2026-01-31 12:00:00Z", "yesterday at twelve o'clock"],
            "RFC 3339",
        ),
        (
            "resetAuthenticatorsBefore",
            &["2026-01-31T12:00:00Z"],
            &["2026-01-31 12:00:00Z"],
            "RFC 3339",
        ),
        ("profile", &["https://x.test/ada"], &["x.test"], "https or http URL"),
        ("picture", &["https://x.test/ada"], &["data:image/png,x"], "https or http URL"),
        ("website", &["http://x.test"], &["javascript:x"], "https or http URL"),
        ("tenantRef.name", &["main"], &["Main"], "an object name"),
    ];
    for (field, good, bad, message) in cases {
        let json = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect::<Vec<_>>();
        users.rule(field, &json(good), &json(bad), message).await;
    }
    let anything = json!({ "claims": { "badge": { "deep": [1, null, { "x": true }] } } });
    users.accepts(anything).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_have_an_id_and_an_end() {
    let users = users().await;
    let invitation =
        |id: &str, not_after: &str| json!({ "invitation": { "id": id, "notAfter": not_after } });
    users.accepts(invitation("welcome-1", "2026-01-31T12:00:00Z")).await;
    users.rejects(invitation("-x", "2026-01-31T12:00:00Z"), "must be letters, digits").await;
    users.rejects(invitation("x", "2026-01-31 12:00:00Z"), "RFC 3339").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_servers_are_hosts_and_accounts_are_encrypted() {
    let tenants = Admission::of("Tenant", json!({})).await;
    let mail = |host: &str, from: &str, more: serde_json::Value| {
        let mut mail = json!({ "host": host, "from": from });
        for (name, value) in more.as_object().expect("an object") {
            mail[name] = value.clone();
        }
        json!({ "mail": mail })
    };
    let good = |more| mail("smtp.harbour.test", "id@harbour.test", more);
    let (account, ca) = (json!({ "name": "smtp" }), json!({ "name": "smtp-ca", "key": "ca.crt" }));
    tenants.accepts(good(json!({ "credentialsSecretRef": account, "caRef": ca }))).await;
    tenants.accepts(good(json!({ "tls": "Disabled", "port": 2525 }))).await;
    tenants.accepts(mail("2001:db8::1", "id@harbour.test", json!({ "tls": "Implicit" }))).await;
    let message = "must be a host name or an IP address";
    tenants.rejects(mail("smtp.test:25", "id@harbour.test", json!({})), message).await;
    let message = "must be an e-mail address without a name";
    tenants.rejects(mail("smtp.test", "Id <id@harbour.test>", json!({})), message).await;
    let message = "credentialsSecretRef needs tls";
    let plain = json!({ "tls": "Disabled", "credentialsSecretRef": account });
    tenants.rejects(good(plain), message).await;
    let plain = json!({ "tls": "Disabled", "caRef": ca });
    tenants.rejects(good(plain), "caRef needs tls").await;
    let unnamed = json!({ "credentialsSecretRef": { "name": "SMTP" } });
    tenants.rejects(good(unnamed), "an object name").await;
}

/// The admission of identity providers, with the spec of a valid one.
async fn providers() -> Admission {
    let oidc = json!({ "issuer": "https://login.test", "clientId": "lanyard" });
    let spec = json!({
        "tenantRef": { "name": "main" }, "type": "OIDC", "oidc": oidc, "admit": "Everyone",
    });
    Admission::of("IdentityProvider", spec).await
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_have_one_member_and_plain_values() {
    let providers = providers().await;
    let github = json!({ "clientId": "app", "clientSecretRef": { "name": "github" } });
    let member = "must have the member that type names, and no other";
    providers.accepts(json!({ "type": "GitHub", "oidc": null, "github": github })).await;
    providers.rejects(json!({ "github": github }), member).await;
    providers.rejects(json!({ "oidc": null }), member).await;
    providers.accepts(json!({ "logout": "Upstream" })).await;
    providers
        .accepts(json!({ "type": "GitHub", "oidc": null, "github": github, "logout": "Local" }))
        .await;
    let message = "logout must be Local unless type is OIDC";
    providers
        .rejects(
            json!({ "type": "GitHub", "oidc": null, "github": github, "logout": "Upstream" }),
            message,
        )
        .await;
    let with_host = |host: &str| {
        let mut github = github.clone();
        github["host"] = json!(host);
        json!({ "type": "GitHub", "oidc": null, "github": github })
    };
    providers.accepts(with_host("git.acme.test:8443")).await;
    let message = "must be a host name in lower case, with a port if it is not 443";
    providers.rejects(with_host("https://git.acme.test"), message).await;
    let (domains, message) =
        ([json!(["acme.test"])], "must be domains in lower case, such as example.com");
    providers
        .rule("emailDomains", &domains, &[json!(["@acme.test"]), json!(["Acme"])], message)
        .await;
    let (key, message) = ([json!("https://a.test")], "must be printable ASCII without spaces");
    providers.rule("identityKey", &key, &[json!("a b"), json!("ü")], message).await;
    let message = "must have issuer and clientId";
    providers.rejects(json!({ "oidc": { "issuer": null } }), message).await;
    let both = json!({ "claim": "a", "expression": "claims.a" });
    let message = "must have claim or expression, not both";
    let (good, bad) = ([json!({ "claim": "a" }), json!({ "expression": "claims.a" })], [both]);
    providers.rule("claimMappings.username", &good, &bad, message).await;
    let (good, bad) = (
        [json!([{ "claim": "hd", "requiredValue": "a" }, { "expression": "has(claims.hd)" }])],
        [json!([{ "claim": "hd" }]), json!([{ "requiredValue": "a" }]), json!([{}])],
    );
    let message = "must have claim and requiredValue, or expression";
    providers.rule("claimValidationRules", &good, &bad, message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_a_client_by_itself_or_by_reference() {
    let providers = providers().await;
    let message = "must have issuer and clientId, or clientRef alone";
    let by_reference = |also: Value| {
        let mut oidc = json!({ "issuer": null, "clientId": null, "clientRef": { "name": "hub" } });
        merge(&mut oidc, &also);
        json!({ "oidc": oidc })
    };
    // A reference is accepted by itself; the client need not exist.
    providers.accepts(by_reference(json!({}))).await;
    for also in [
        json!({ "issuer": "https://login.test" }),
        json!({ "clientId": "lanyard" }),
        json!({ "issuer": "https://login.test", "clientId": "lanyard" }),
        json!({ "clientSecretRef": { "name": "hub" } }),
        json!({ "privateKeyJwt": {} }),
        json!({ "caRef": { "name": "ca" } }),
    ] {
        providers.rejects(by_reference(also), message).await;
    }
    let key = |also: Value| {
        let mut oidc = json!({ "privateKeyJwt": { "algorithm": "RS256", "audience": "Issuer" } });
        merge(&mut oidc, &also);
        json!({ "oidc": oidc })
    };
    providers.accepts(key(json!({}))).await;
    let both = key(json!({ "clientSecretRef": { "name": "hub" } }));
    providers.rejects(both, "must not have both clientSecretRef and privateKeyJwt").await;
    providers.rejects(json!({ "oidc": { "clientId": null } }), message).await;
    let entra = |ids: Value| {
        let issuer = "https://login.microsoftonline.com/{tenantid}/v2.0";
        json!({ "oidc": { "issuer": issuer, "tenantIds": ids } })
    };
    let id = "b9419818-09af-49c2-b0c3-653adc1f376e";
    providers.accepts(entra(json!([id]))).await;
    let message = "must have tenantIds if issuer has {tenantid}, and only then";
    for ids in [json!(null), json!([])] {
        providers.rejects(entra(ids), message).await;
    }
    providers.rejects(json!({ "oidc": { "tenantIds": [id] } }), message).await;
    let message = "must be ids of directories in lower case";
    providers.rejects(entra(json!([id, id.to_uppercase()])), message).await;
    let to = |name: &str| by_reference(json!({ "clientRef": { "name": name } }));
    providers.rejects(to("Hub"), "must be").await;
    let before = by_reference(json!({}));
    let message = "cannot be changed without identityKey";
    providers.immutable("reference", before, to("other"), message).await;
    let by_itself =
        json!({ "oidc": { "clientRef": { "name": "hub" }, "issuer": null, "clientId": null } });
    providers.immutable("itself", json!({}), by_itself, message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_of_requests_to_a_provider_leave_its_own_alone() {
    let providers = providers().await;
    let with = |name: &str, value: &str| json!([{ "name": name, "value": value }]);
    let good = [
        with("access_type", "offline"),
        with("prompt", "consent select_account"),
        with("response_mode", "form_post"),
    ];
    let bad =
        [with("client_id", "x"), with("State", "x"), with("ui_locales", "de"), with("a b", "x")];
    let field = "oidc.authorizationParameters";
    let message = "must be the name of a parameter that Lanyard does not set itself";
    providers.rule(field, &good, &bad, message).await;
    let bad = [with("prompt", "login none"), with("response_mode", "fragment")];
    let message = "must not have prompt none, with which no user could sign in";
    providers.rule(field, &good, &bad, message).await;
    let twice = json!([{ "name": "hd", "value": "a" }, { "name": "hd", "value": "b" }]);
    providers.rejects(json!({ "oidc": { "authorizationParameters": twice } }), "Duplicate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_have_a_server_and_attributes() {
    let ldap = json!({
        "url": "ldaps://ldap.acme.test", "schema": "OpenLDAP", "bindSecretRef": { "name": "acme" },
        "users": { "base": "dc=acme" }, "groups": { "base": "dc=acme" },
    });
    let spec = json!({
        "tenantRef": { "name": "main" }, "type": "LDAP", "ldap": ldap, "admit": "Everyone",
    });
    let directories = Admission::of("IdentityProvider", spec).await;
    let message = "must be ldaps://HOST[:PORT], or ldap://HOST[:PORT] for StartTLS";
    let good = [json!("ldap://10.0.0.1:3389"), json!("ldaps://[fd00::1]"), json!("ldaps://dc.a/")];
    let bad = [json!("https://dc.a"), json!("ldaps://u@dc.a"), json!("ldaps://dc.a/dc=a")];
    directories.rule("ldap.url", &good, &bad, message).await;
    let (good, bad) = ([json!("mail"), json!("0.9.2342")], [json!("a b"), json!("mail;binary")]);
    let message = "must be the name of an attribute, such as uid, or its OID";
    directories.rule("ldap.users.name", &good, &bad, message).await;
    directories.rule("ldap.groups.name", &good, &bad, message).await;
    let message = "must be names of attributes, such as mail, or their OIDs";
    let (good, bad) = ([json!(["mail", "department"])], [json!(["mail", "*"])]);
    directories.rule("ldap.users.attributes", &good, &bad, message).await;
    let schema = json!({ "ldap": { "schema": "ActiveDirectory" } });
    directories.immutable("schema", json!({}), schema, "schema cannot be changed").await;
    let id = json!({ "ldap": { "users": { "id": "objectGUID" } } });
    directories.immutable("id", json!({}), id, "id cannot be changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subjects_of_a_provider_are_stable() {
    let providers = providers().await;
    let moved = || json!({ "oidc": { "issuer": "https://new.test" } });
    let message = "cannot be changed without identityKey";
    providers.immutable("moved", json!({}), moved(), message).await;
    let (key, other) = (json!({ "identityKey": "a" }), json!({ "identityKey": "b" }));
    providers.immutable("key", key, other, "identityKey cannot be changed").await;
    let subject = json!({ "subject": { "claim": "oid" } });
    providers.immutable("subject", json!({}), subject, "subject cannot be changed").await;
    let of_another = json!({ "type": "GitHub" });
    providers.immutable("type", json!({}), of_another, "type cannot be changed").await;
}
