//! Sign-ins by the manifests of the documentation: each provider's ID token and userinfo have the shape that
//! its own documentation describes.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::{
    app::TestApp,
    browser::{Application, Browser, Page, claims},
    upstream::Upstream,
};

/// The pages of the documentation on providers with manifests.
const PAGES: [&str; 2] = ["docs/identity-providers.md", "docs/provider-presets.md"];
/// The UUID namespace of computed subjects.
const SUBJECTS: Uuid = Uuid::from_u128(0x6c61_6e79_6172_4d64_8b65_762f_7570_7374);
const SECRET: &str = "a secret of at least thirty-two characters";
const CALLBACK: &str = "https://rp.test/cb";
const DIRECTORY: &str = "b9419818-09af-49c2-b0c3-653adc1f376e";
/// Claims that the provider of the tests sends unless they are removed.
const USUAL: [&str; 5] = ["preferred_username", "name", "email", "email_verified", "groups"];

/// A provider of the documentation, and its answers.
struct Preset {
    /// The name of the object.
    name: &'static str,
    /// The text in which the manifest is.
    manifest: String,
    /// The end of the issuer, after the host.
    path: &'static str,
    /// The ID token of a person who is admitted, without claims about the token itself.
    id_token: Value,
    /// The claims of the userinfo response; null if the provider has none.
    userinfo: Value,
    /// Claims of the application's ID token.
    expects: Value,
    /// The claim that the subject comes from.
    subject: &'static str,
    /// Changes to the ID token, or to userinfo if the claim is there, each of which makes the sign-in fail.
    refused: Vec<(Value, u16)>,
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn example(name: &str) -> String {
    read(&format!("examples/identity-providers/{name}.yaml"))
}

/// The block of the documentation with the whole object of a name.
fn block(name: &str) -> String {
    let pages = PAGES.map(read).concat();
    let blocks = pages.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let head = format!("kind: IdentityProvider\nmetadata:\n  name: {name}\n");
    let mut found = blocks.filter(|block| block.contains(&head));
    found.next().unwrap_or_else(|| panic!("{name} in {PAGES:?}")).to_owned()
}

/// The objects of a manifest with another issuer and in the namespace `default`, with their tenant,
/// an application and Secrets.
fn served(preset: &Preset, issuer: &str) -> (Vec<Value>, Value) {
    let documents = serde_yaml::Deserializer::from_str(&preset.manifest);
    let mut objects: Vec<Value> =
        documents.map(|it| Value::deserialize(it).expect("an object")).collect();
    let mut spec = Value::Null;
    for object in &mut objects {
        object["metadata"].as_object_mut().expect("metadata").remove("namespace");
        if object["kind"] == "IdentityProvider" {
            object["spec"]["oidc"]["issuer"] = json!(issuer);
            // The claims of an example have the documented issuer.
            object["spec"].as_object_mut().expect("a spec").remove("examples");
            spec = object["spec"].clone();
        }
    }
    let tenant = spec["tenantRef"]["name"].clone();
    let object = |kind: &str, name: &Value, spec: Value| {
        json!({
            "apiVersion": "lanyard.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec,
        })
    };
    if !objects.iter().any(|object| object["kind"] == "Tenant") {
        objects.push(object("Tenant", &tenant, json!({})));
    }
    let client = json!({
        "tenantRef": {"name": tenant}, "clientId": "app", "redirectUris": [CALLBACK],
        "consent": "Implied", "idTokenClaims": "Scopes", "secretRef": {"name": "app"},
    });
    objects.push(object("OidcClient", &json!("app"), client));
    for name in [&json!("app"), &spec["oidc"]["clientSecretRef"]["name"]] {
        objects.push(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "stringData": {"client-secret": SECRET},
        }));
    }
    (objects, spec)
}

/// A server with the manifest of a preset, and the provider that it names.
struct Stage<'a> {
    preset: &'a Preset,
    app: TestApp,
    upstream: Upstream,
    /// The issuer of the ID tokens.
    issuer: String,
    spec: Value,
}

impl<'a> Stage<'a> {
    async fn of(preset: &'a Preset) -> Self {
        let upstream = Upstream::start().await;
        let written = format!("{}{}", upstream.issuer, preset.path);
        let (objects, spec) = served(preset, &written);
        let texts = objects.iter().map(|it| serde_yaml::to_string(it).expect("YAML"));
        let app = TestApp::start(&texts.collect::<Vec<_>>().join("---\n")).await;
        let issuer = written.replace("{tenantid}", DIRECTORY);
        Self { preset, app, upstream, issuer, spec }
    }

    fn tenant(&self) -> &str {
        self.spec["tenantRef"]["name"].as_str().expect("a name")
    }

    /// The answers of the provider, with changes to the ID token, or to userinfo where it has the claim.
    fn answer(&self, changes: &Value) {
        let mut id_token = json!({"iss": self.issuer, "aud": self.spec["oidc"]["clientId"]});
        for name in USUAL {
            id_token[name] = Value::Null;
        }
        let mut userinfo = self.preset.userinfo.clone();
        for (name, value) in self.preset.id_token.as_object().expect("claims") {
            id_token[name] = value.clone();
        }
        for (name, value) in changes.as_object().expect("claims") {
            if userinfo.get(name).is_some() {
                userinfo[name] = value.clone();
            }
            if userinfo.get(name).is_none() || self.preset.id_token.get(name).is_some() {
                id_token[name] = value.clone();
            }
        }
        if let Some(members) = userinfo.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        let written = format!("{}{}", self.upstream.issuer, self.preset.path);
        self.upstream.answers(|script| {
            script.metadata = json!({"issuer": written});
            script.id_token = id_token;
            script.userinfo = userinfo;
        });
    }

    /// The page after a sign-in, and the parameters of the request to the provider.
    async fn sign_in(&self, changes: &Value) -> (Page, BTreeMap<String, String>) {
        self.answer(changes);
        let (application, browser) = (self.application().await, Browser::new());
        let url = application.authorize_url("openid profile email groups", &[]);
        let page = browser.open(&url).await;
        let name = self.preset.name;
        let url = page.left_for.unwrap_or_else(|| panic!("{name}: {} {}", page.status, page.body));
        assert!(url.as_str().starts_with(&self.upstream.issuer), "{name}: {url}");
        let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        self.upstream.nonce.lock().expect("whole").clone_from(&request["nonce"]);
        let callback = format!("{}/callback/{name}", self.app.issuer(self.tenant()));
        let answer = [("code", "a-code"), ("state", request["state"].as_str())];
        let url = Url::parse_with_params(&callback, answer).expect("a URL");
        (browser.open(url.as_str()).await, request)
    }

    async fn application(&self) -> Application {
        let issuer = self.app.issuer(self.tenant());
        Application::discover(&issuer, "app", Some(SECRET), CALLBACK).await
    }

    /// The request has what the manifest says.
    fn assert_request(&self, request: &BTreeMap<String, String>) {
        let (name, oidc) = (self.preset.name, &self.spec["oidc"]);
        assert_eq!(oidc["clientId"], request["client_id"], "{name}");
        if let Some(scopes) = oidc["scopes"].as_array() {
            let scopes: Vec<_> = scopes.iter().filter_map(Value::as_str).collect();
            assert_eq!(request["scope"], scopes.join(" "), "{name}");
        }
        for parameter in oidc["authorizationParameters"].as_array().into_iter().flatten() {
            let sent = &request[parameter["name"].as_str().expect("a name")];
            assert_eq!(parameter["value"], *sent, "{name}");
        }
    }

    /// The subject is computed from the issuer and the claim that the manifest names.
    fn subject(&self) -> String {
        let claim = self.preset.subject;
        let own = self.preset.id_token.get(claim).unwrap_or(&self.preset.userinfo[claim]);
        let tenant = format!("default/{}", self.tenant());
        let parts = [tenant.as_str(), &self.issuer, claim, own.as_str().expect("a text")];
        Uuid::new_v5(&SUBJECTS, parts.join("\0").as_bytes()).to_string()
    }
}

/// The profile of Ada, as most providers send it.
fn profile() -> Value {
    json!({
        "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
        "email": "ada@example.com", "email_verified": true,
    })
}

fn with(claims: Value, more: Value) -> Value {
    let (Value::Object(mut claims), Value::Object(more)) = (claims, more) else {
        panic!("objects")
    };
    claims.extend(more);
    Value::Object(claims)
}

/// <https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload>
fn google() -> Preset {
    let id_token = with(
        profile(),
        json!({
            "sub": "110169484474386276334", "hd": "example.com",
            "azp": "407408718192-0123456789abcdef.apps.googleusercontent.com",
            "picture": "https://lh3.googleusercontent.com/a/ada",
        }),
    );
    Preset {
        name: "google",
        manifest: example("google"),
        path: "",
        userinfo: id_token.clone(),
        id_token,
        expects: json!({
            "preferred_username": "ada@example.com", "email": "ada@example.com",
            "email_verified": true, "name": "Ada Lovelace",
        }),
        subject: "sub",
        refused: vec![(json!({"hd": null}), 403), (json!({"hd": "evil.example"}), 403)],
    }
}

/// <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>
fn entra_token() -> Value {
    json!({
        "ver": "2.0", "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "tid": DIRECTORY,
        "name": "Ada Lovelace", "preferred_username": "ada@example.com", "email": "ada@example.com",
        "groups": ["0c9ff2b5-9d67-4c04-9a3a-8d1b6ee7cb0e"],
        "rh": "0.ARoAGJhBua8JwkmwwxlTrcHzNg", "uti": "FZkNlYQPcEygYwJFLqEFAA",
    })
}

/// The token cannot hold so many groups, so it says where they can be read.
fn overage() -> Value {
    let sources =
        json!({"src1": {"endpoint": "https://graph.windows.net/x/users/y/getMemberObjects"}});
    json!({"groups": null, "_claim_names": {"groups": "src1"}, "_claim_sources": sources})
}

fn entra() -> Preset {
    let guest = json!({"idp": "https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/"});
    Preset {
        name: "entra",
        manifest: example("entra"),
        path: "/b9419818-09af-49c2-b0c3-653adc1f376e/v2.0",
        userinfo: json!({"sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ"}),
        id_token: entra_token(),
        expects: json!({
            "preferred_username": "ada@example.com", "email": "ada@example.com",
            "email_verified": true, "groups": ["0c9ff2b5-9d67-4c04-9a3a-8d1b6ee7cb0e"],
        }),
        subject: "oid",
        refused: vec![
            (overage(), 502),
            (json!({"hasgroups": true, "groups": null}), 502),
            (guest, 403),
        ],
    }
}

fn several_directories() -> Preset {
    Preset {
        name: "entra",
        manifest: block("entra"),
        path: "/{tenantid}/v2.0",
        userinfo: json!({"sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ"}),
        id_token: entra_token(),
        expects: json!({
            "preferred_username": "ada@example.com", "email": null,
            "groups": ["0c9ff2b5-9d67-4c04-9a3a-8d1b6ee7cb0e"],
        }),
        subject: "oid",
        refused: vec![
            (json!({"tid": "9188040d-6c67-4c5b-b112-36a304b66dad"}), 403),
            (overage(), 502),
        ],
    }
}

/// <https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/>: an ID token that comes with an
/// access token has no claims of the profile.
fn okta() -> Preset {
    Preset {
        name: "okta",
        manifest: example("okta"),
        path: "",
        id_token: json!({
            "ver": 1, "sub": "00uid4BxXw6I6TV4m0g3", "idp": "00o1gjh63g214q0Hq0g4",
            "amr": ["pwd", "mfa", "otp"], "auth_time": 1_700_000_000,
            "groups": ["Everyone", "k8s-users"],
        }),
        userinfo: with(
            profile(),
            json!({
                "sub": "00uid4BxXw6I6TV4m0g3", "preferred_username": "ada@example.com",
                "zoneinfo": "Europe/London", "locale": "en-GB", "updated_at": 1_764_380_000,
            }),
        ),
        expects: json!({
            "preferred_username": "ada@example.com", "email": "ada@example.com",
            "email_verified": true, "name": "Ada Lovelace", "groups": ["k8s-users"],
        }),
        subject: "sub",
        refused: vec![(json!({"groups": null}), 502)],
    }
}

/// <https://docs.gitlab.com/integration/openid_connect_provider/#shared-information>: the ID token has the direct
/// groups, and userinfo has all.
fn gitlab() -> Preset {
    Preset {
        name: "gitlab",
        manifest: example("gitlab"),
        path: "",
        id_token: json!({
            "sub": "1234567", "sub_legacy": "5a1b8e4f3c9d2b7a6e8f1c4d5b3a2e9f",
            "auth_time": 1_700_000_000, "email": "ada@example.com", "email_verified": true,
            "groups_direct": ["acme/platform", "gitlab-community"],
        }),
        userinfo: json!({
            "sub": "1234567", "sub_legacy": "5a1b8e4f3c9d2b7a6e8f1c4d5b3a2e9f",
            "name": "Ada Lovelace", "nickname": "ada", "preferred_username": "ada",
            "email": "ada@example.com", "email_verified": true,
            "profile": "https://gitlab.com/ada", "picture": "https://gitlab.com/ada/avatar.png",
            "groups": ["acme", "acme/platform", "gitlab-community"],
            "https://gitlab.org/claims/groups/developer": ["acme/platform"],
        }),
        expects: json!({
            "preferred_username": "ada", "email": "ada@example.com", "email_verified": true,
            "name": "Ada Lovelace", "groups": ["acme", "acme/platform"],
        }),
        subject: "sub",
        refused: vec![(json!({"groups": ["acmeology"]}), 403), (json!({"groups": null}), 502)],
    }
}

/// The ID token of Keycloak 26 with a mapper of the type "Group Membership".
fn keycloak() -> Preset {
    let id_token = with(
        profile(),
        json!({
            "sub": "7a1c3d52-9a0b-4e07-8b7e-0b7a1f6c1e01", "typ": "ID", "azp": "lanyard",
            "sid": "0f5d2b1c-8e9a-4c37-b6d4-3a2f1e0d9c8b", "acr": "1",
            "auth_time": 1_700_000_000, "jti": "2d7c9f3e-5a41-4f0b-8c7e-6a1b5d9e0f21",
            "preferred_username": "ada", "groups": ["/staff", "/staff/ops"],
        }),
    );
    Preset {
        name: "keycloak",
        manifest: example("keycloak"),
        path: "",
        userinfo: json!({"sub": "7a1c3d52-9a0b-4e07-8b7e-0b7a1f6c1e01"}),
        id_token,
        expects: json!({
            "preferred_username": "ada", "email": "ada@example.com", "email_verified": true,
            "name": "Ada Lovelace", "groups": ["/staff", "/staff/ops"],
        }),
        subject: "sub",
        refused: vec![(json!({"groups": null}), 502)],
    }
}

/// <https://dexidp.io/docs/configuration/custom-scopes-claims-clients/>
fn dex() -> Preset {
    Preset {
        name: "dex",
        manifest: example("dex"),
        path: "",
        id_token: json!({
            "sub": "Cg0wLTM4NS0yODA4OS0wEgRtb2Nr", "email": "kilgore@kilgore.trout",
            "email_verified": true, "groups": ["authors"], "name": "Kilgore Trout",
            "federated_claims": {"connector_id": "mock", "user_id": "0-385-28089-0"},
        }),
        userinfo: json!({"sub": "Cg0wLTM4NS0yODA4OS0wEgRtb2Nr"}),
        expects: json!({
            "preferred_username": "kilgore@kilgore.trout", "email": "kilgore@kilgore.trout",
            "email_verified": true, "name": "Kilgore Trout", "groups": ["authors"],
        }),
        subject: "sub",
        refused: vec![(json!({"email": null}), 502)],
    }
}

/// <https://zitadel.com/docs/apis/openidoauth/claims>: the audience has the project too.
fn zitadel() -> Preset {
    let roles = json!({
        "admin": {"170079991923474689": "acme.example.zitadel.cloud"},
        "user": {"170079991923474689": "acme.example.zitadel.cloud"},
    });
    Preset {
        name: "zitadel",
        manifest: example("zitadel"),
        path: "",
        id_token: json!({
            "sub": "170848145649959169", "azp": "170086824411201793",
            "aud": ["170086824411201793", "170079991923474689"], "client_id": "170086824411201793",
            "amr": ["pwd"], "auth_time": 1_700_000_000,
        }),
        userinfo: with(
            profile(),
            json!({
                "sub": "170848145649959169", "locale": "en", "updated_at": 1_764_380_000,
                "preferred_username": "ada@acme.example.zitadel.cloud",
                "urn:zitadel:iam:org:project:roles": roles,
                "urn:zitadel:iam:org:project:170079991923474689:roles": roles,
            }),
        ),
        expects: json!({
            "preferred_username": "ada@acme.example.zitadel.cloud", "email": "ada@example.com",
            "email_verified": true, "name": "Ada Lovelace", "groups": ["admin", "user"],
        }),
        subject: "sub",
        refused: vec![(json!({"urn:zitadel:iam:org:project:roles": null}), 403)],
    }
}

/// <https://auth0.com/docs/secure/tokens/id-tokens/id-token-structure>, with a claim of an Action.
fn auth0() -> Preset {
    let id_token = json!({
        "sub": "auth0|5f7c8ec7c33c6c004bbafe82", "sid": "8n0Lq7sR3x2VbKc1TdYwZfGh5JpEaMuo",
        "nickname": "ada", "name": "ada@example.com", "email": "ada@example.com",
        "email_verified": true, "picture": "https://s.gravatar.com/avatar/0.png",
        "updated_at": "2026-11-29T03:00:00.000Z", "https://example.com/groups": ["editor"],
    });
    Preset {
        name: "auth0",
        manifest: example("auth0"),
        path: "/",
        userinfo: json!({"sub": "auth0|5f7c8ec7c33c6c004bbafe82", "email": "ada@example.com"}),
        id_token,
        expects: json!({
            "preferred_username": "ada@example.com", "email": "ada@example.com",
            "email_verified": true, "groups": ["editor"],
        }),
        subject: "sub",
        refused: vec![
            (json!({"email_verified": false}), 403),
            (json!({"https://example.com/groups": null}), 502),
        ],
    }
}

/// The first manifest of the page.
fn corp() -> Preset {
    let id_token = with(
        profile(),
        json!({
            "sub": "1", "preferred_username": "ada", "hd": "example.com",
            "groups": ["k8s-users", "other"],
        }),
    );
    Preset {
        name: "corp",
        manifest: block("corp"),
        path: "",
        userinfo: json!({"sub": "1"}),
        id_token,
        expects: json!({
            "preferred_username": "ada", "email": "ada@example.com", "email_verified": true,
            "groups": ["corp:k8s-users"],
        }),
        subject: "sub",
        refused: vec![(json!({"hd": "other.example"}), 403)],
    }
}

fn presets() -> [Preset; 10] {
    [
        google(),
        entra(),
        several_directories(),
        okta(),
        gitlab(),
        keycloak(),
        dex(),
        zitadel(),
        auth0(),
        corp(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_by_the_manifests_of_the_documentation() {
    for preset in presets() {
        let stage = Stage::of(&preset).await;
        let name = preset.name;
        let (page, request) = stage.sign_in(&json!({})).await;
        stage.assert_request(&request);
        assert!(page.left_for.is_some(), "{name}: {} {}", page.status, page.body);
        let (status, tokens) = stage.application().await.redeem(&page.answer()["code"]).await;
        assert_eq!(status, 200, "{name}: {tokens}");
        let token = claims(tokens["id_token"].as_str().expect("an ID token"));
        for (claim, expected) in preset.expects.as_object().expect("claims") {
            let found = token.get(claim).unwrap_or(&Value::Null);
            assert_eq!(found, expected, "{name}: {claim}: {token}");
        }
        assert_eq!(token["sub"], stage.subject(), "{name}: {token}");
        for (change, status) in &preset.refused {
            let (page, _) = stage.sign_in(change).await;
            let found = (page.status, page.left_for.is_none());
            assert_eq!(found, (*status, true), "{name}: {change}: {}", page.body);
        }
    }
}

/// The table of the page names a manifest for each provider. The tests above sign in with every one.
#[test]
fn every_manifest_of_the_table_is_signed_in_by() {
    let pages = PAGES.map(read).concat();
    let rows = pages.lines().filter(|line| line.starts_with("| "));
    let files = rows.filter_map(|row| row.split("(`").nth(1)?.split(".yaml`)").next());
    let mut files: Vec<_> = files.filter(|name| !name.contains(' ')).collect();
    files.sort_unstable();
    let presets = presets();
    let mut tested: Vec<_> =
        presets.iter().filter(|it| it.manifest == example_or_empty(it.name)).collect();
    tested.sort_unstable_by_key(|it| it.name);
    assert_eq!(tested.iter().map(|it| it.name).collect::<Vec<_>>(), files);
}

fn example_or_empty(name: &str) -> String {
    let path = format!("examples/identity-providers/{name}.yaml");
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}
