//! The samples of Dex and Keycloak and what becomes of them. `UPDATE_GOLDEN=1` rewrites the outputs.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::*;

fn golden(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/import");
    folder.join(name).display().to_string()
}

fn sample(name: &str) -> Value {
    let text = fs::read_to_string(golden(name)).expect("a sample");
    serde_yaml::from_str(&text).expect("YAML")
}

fn written(imported: &ImportResult) -> String {
    let notes = imported.notes.iter();
    let notes = notes.map(|note| format!("# {}: {}\n", note.field(), note.message));
    let manifests = imported.manifests.iter();
    let manifests =
        manifests.map(|it| serde_yaml::to_string(&it.object).expect("YAML")).collect::<Vec<_>>();
    format!("{}---\n{}", notes.collect::<String>(), manifests.join("---\n"))
}

fn compare(name: &str, imported: &ImportResult) {
    let file = golden(name);
    let written = written(imported);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &written).expect("written");
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(written, expected, "UPDATE_GOLDEN=1 rewrites {file}");
}

fn spec_of<'i>(imported: &'i ImportResult, kind: &str, name: &str) -> &'i Value {
    let found = imported.manifests.iter().find(|it| it.kind == kind && it.name == name);
    &found.unwrap_or_else(|| panic!("no {kind} {name}")).object["spec"]
}

#[test]
fn dex_configurations_become_manifests() {
    let imported =
        import_dex(&sample("dex.yaml"), &ImportOptions::default()).expect("a configuration");
    compare("dex.out.yaml", &imported);
    let admin = spec_of(&imported, "OidcUser", "admin-example-com");
    assert_eq!(
        admin["subject"], "CiQwOGE4Njg0Yi1kYjg4LTRiNzMtOTBhOS0zY2QxNjYxZjU0NjYSBWxvY2Fs",
        "the subject that Dex gives this user"
    );
    let github = spec_of(&imported, "IdentityProvider", "github");
    assert_eq!(
        github["subject"],
        json!({ "strategy": "Dex", "connectorId": "github", "claim": "id" })
    );
    let notes: Vec<String> = imported.notes.iter().map(|note| note.message.clone()).collect();
    for secret in ["okta-client-secret", "ZXhhbXBsZS1hcHAtc2VjcmV0", "$2a$"] {
        assert!(!notes.iter().any(|note| note.contains(secret)), "{secret}");
    }
}

#[test]
fn clients_of_some_connectors_let_only_their_people_in() {
    let mut config = sample("dex.yaml");
    for (allowed, expected) in [
        (json!(["google", "local", "mock"]), Some(json!({ "providers": ["google", "Local"] }))),
        (json!(["mock"]), None),
    ] {
        config["staticClients"][0]["allowedConnectors"] = allowed;
        let imported = import_dex(&config, &ImportOptions::default()).expect("a configuration");
        let client = imported.manifests.iter().find(|it| it.name == "example-app");
        assert_eq!(client.map(|it| it.object["spec"]["access"].clone()), expected);
        let named = |it: &ImportNote| it.message.starts_with("\"mock\" is not imported");
        assert!(imported.notes.iter().any(named));
    }
}

#[test]
fn realm_exports_become_manifests() {
    let realm = sample("keycloak-realm.json");
    let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
    compare("keycloak-realm.out.yaml", &imported);
    let ada = spec_of(&imported, "OidcUser", "ada");
    assert_eq!(ada["subject"], "7a1c3d52-9a0b-4e07-8b7e-0b7a1f6c1e01");
    assert_eq!(ada["claims"], json!({ "department": "Engines" }));
    let identity = json!([{ "provider": "google", "subject": "110169484474386276334" }]);
    assert_eq!(ada["identities"], identity);
    assert_eq!(spec_of(&imported, "OidcUser", "joan")["disabled"], true);
    let wiki = spec_of(&imported, "OidcClient", "wiki");
    let uris =
        json!(["https://wiki.example.com/oauth2/callback", "https://wiki.example.com/admin/"]);
    assert_eq!(wiki["redirectUris"], uris);
}

/// The spec of Keycloak's provider `parent` with other settings, and the notes on it by their last member.
fn keycloak_parent(settings: &Value, config: &Value) -> (Value, Vec<(String, String)>) {
    let mut realm = sample("keycloak-realm.json");
    let parent = &mut realm["identityProviders"][1];
    for (name, value) in settings.as_object().into_iter().flatten() {
        parent[name] = value.clone();
    }
    for (name, value) in config.as_object().into_iter().flatten() {
        parent["config"][name] = value.clone();
    }
    let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
    let spec = spec_of(&imported, "IdentityProvider", "parent").clone();
    let about = imported.notes.iter().filter(|it| it.pointer.starts_with("/identityProviders/1/"));
    let named = about.map(|it| {
        let field = it.pointer.rsplit('/').next().unwrap_or_default();
        (field.to_owned(), it.message.clone())
    });
    (spec, named.collect())
}

#[test]
fn a_provider_of_keycloak_lets_in_no_more_people_than_before() {
    let none = json!({});
    let filter = |value: &str| json!({ "filteredByClaim": "true", "claimFilterName": "team", "claimFilterValue": value });
    let (spec, notes) = keycloak_parent(&none, &filter("ops"));
    let rule = json!([{ "claim": "team", "requiredValue": "ops" }]);
    assert_eq!((&spec["admit"], &spec["claimValidationRules"]), (&json!("ByRules"), &rule));
    assert!(notes.iter().any(|(field, _)| field == "filteredByClaim"), "{notes:?}");
    for (settings, config, field) in [
        (none.clone(), filter("ops|dev"), "filteredByClaim"),
        (none.clone(), json!({ "filteredByClaim": "true" }), "filteredByClaim"),
        (json!({ "firstBrokerLoginFlowAlias": "deny" }), none.clone(), "firstBrokerLoginFlowAlias"),
        (json!({ "postBrokerLoginFlowAlias": "check" }), filter("ops"), "postBrokerLoginFlowAlias"),
        (json!({ "linkOnly": true, "storeToken": true }), filter("ops"), "storeToken"),
    ] {
        let (spec, notes) = keycloak_parent(&settings, &config);
        assert_eq!(spec["admit"], "Declared", "{settings} {config}");
        assert!(notes.iter().any(|(named, _)| named == field), "{notes:?}");
    }
    let usual = json!({ "firstBrokerLoginFlowAlias": "first broker login" });
    let (spec, notes) = keycloak_parent(&usual, &json!({ "filteredByClaim": "false" }));
    assert_eq!((&spec["admit"], notes.len()), (&json!("Everyone"), 0), "{notes:?}");
}

#[test]
fn settings_of_keycloak_providers_are_carried_or_named() {
    let settings = json!({ "hideOnLogin": true, "authenticateByDefault": true });
    let config = json!({
        "guiOrder": "7",
        "clientAuthMethod": "private_key_jwt",
        "disableUserInfo": "true",
        "prompt": "consent",
        "syncMode": "IMPORT",
        "organizationId": "o1",
        "claimFilterName": "team",
        "acceptsPromptNoneForwardFromClient": "true",
        "loginHint": "false",
        "pkceEnabled": "true",
    });
    let (spec, notes) = keycloak_parent(&settings, &config);
    assert_eq!(spec["signIn"], json!({ "hidden": true, "order": 7 }));
    assert_eq!(spec["oidc"]["privateKeyJwt"], json!({}));
    assert_eq!(spec["oidc"]["clientSecretRef"], Value::Null);
    assert_eq!(spec["oidc"]["userinfo"], "Never");
    let prompt = json!([{ "name": "prompt", "value": "consent" }]);
    assert_eq!(spec["oidc"]["authorizationParameters"], prompt);
    let mut named: Vec<&str> = notes.iter().map(|(field, _)| field.as_str()).collect();
    named.sort_unstable();
    let expected = [
        "acceptsPromptNoneForwardFromClient",
        "authenticateByDefault",
        "claimFilterName",
        "clientAuthMethod",
        "organizationId",
        "syncMode",
    ];
    assert_eq!(named, expected);
    let (spec, notes) = keycloak_parent(&json!({}), &json!({ "prompt": "none" }));
    assert_eq!(spec["oidc"]["authorizationParameters"], Value::Null);
    assert!(notes.iter().any(|(field, _)| field == "prompt"), "{notes:?}");
}

#[test]
fn parameters_of_authorization_requests_are_carried() {
    let parameters = |spec: &Value| {
        let listed = spec["oidc"]["authorizationParameters"].as_array().cloned();
        let text = |it: &Value| format!("{}={}", it["name"], it["value"]).replace('"', "");
        listed.unwrap_or_default().iter().map(text).collect::<Vec<_>>()
    };
    let mut realm = sample("keycloak-realm.json");
    let config = &mut realm["identityProviders"][0]["config"];
    (config["offlineAccess"], config["prompt"]) = (json!("true"), json!("select_account"));
    let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
    let google = spec_of(&imported, "IdentityProvider", "google");
    let expected = ["prompt=select_account", "access_type=offline", "hd=example.com"];
    assert_eq!(parameters(google), expected);

    let connector = |kind: &str, config: Value| {
        let connector = json!({ "type": kind, "id": "it", "config": config });
        let config = json!({ "connectors": [connector] });
        let imported = import_dex(&config, &ImportOptions::default()).expect("a configuration");
        assert!(imported.notes.iter().all(|it| !it.message.starts_with("not imported")));
        parameters(spec_of(&imported, "IdentityProvider", "it"))
    };
    let tenant = "9c7a5a54-4a1b-4c3d-9e8f-0123456789ab";
    let entra = json!({ "tenant": tenant, "promptType": "login", "domainHint": "acme.test" });
    assert_eq!(connector("microsoft", entra), ["prompt=login", "domain_hint=acme.test"]);
    let several = json!({ "hostedDomains": ["a.test", "b.test"], "promptType": "consent" });
    assert_eq!(connector("google", several), ["prompt=consent", "hd=*"]);
    let one = json!({ "issuer": "https://sso.test", "hostedDomains": ["a.test"] });
    assert_eq!(connector("oidc", one), ["hd=a.test"]);
}

#[test]
fn groups_of_keycloak_have_the_names_that_applications_know() {
    let mapper = |full_path: &str, claim: &str| {
        json!({
            "protocolMapper": "oidc-group-membership-mapper",
            "config": { "full.path": full_path, "claim.name": claim },
        })
    };
    let import = |scope: Option<Value>, client: Option<Value>| {
        let mut realm = sample("keycloak-realm.json");
        let mappers = |mapper: Option<Value>| Value::from_iter(mapper);
        realm["clientScopes"] = json!([{ "name": "team", "protocolMappers": mappers(scope) }]);
        realm["clients"][2]["protocolMappers"] = mappers(client);
        let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
        let groups = spec_of(&imported, "OidcUser", "ada")["groups"].clone();
        let about = |it: &ImportNote| {
            let of_mapper = it.pointer.ends_with("/protocolMappers/0");
            of_mapper || it.pointer == "/groups"
        };
        let notes = imported.notes.into_iter().filter(about);
        (groups, notes.map(|it| format!("{}: {}", it.field(), it.message)).collect::<Vec<_>>())
    };
    let (groups, notes) = import(None, None);
    assert_eq!(groups, json!(["staff", "staff/ops"]));
    assert!(notes[0].starts_with("groups: no mapper of the realm gives groups"), "{notes:?}");
    let (groups, notes) = import(Some(mapper("true", "groups")), None);
    assert_eq!(groups, json!(["/staff", "/staff/ops"]));
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("groups come with the scope groups"), "{notes:?}");
    let (groups, _) = import(None, Some(mapper("false", "groups")));
    assert_eq!(groups, json!(["staff", "ops"]));
    let (groups, notes) = import(Some(mapper("true", "teams")), Some(mapper("false", "groups")));
    assert_eq!(groups, json!(["/staff", "/staff/ops"]));
    for text in ["the claim \"teams\" is not imported", "this one names their last parts"] {
        assert!(notes.iter().any(|note| note.contains(text)), "{text}: {notes:?}");
    }
}

/// Adds a credential to a person.
fn add(person: &mut Value, credential: Value) {
    person["credentials"].as_array_mut().expect("a list").push(credential);
}

#[test]
fn a_password_that_is_not_enough_at_keycloak_is_not_carried() {
    let import = |change: Change| {
        let mut realm = sample("keycloak-realm.json");
        assert_eq!(realm["users"][0]["username"], "ada");
        change(&mut realm["users"][0]);
        let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
        let has_password = !spec_of(&imported, "OidcUser", "ada")["passwordSecretRef"].is_null();
        let has_secret = imported.manifests.iter().any(|it| it.name == "ada-password");
        assert_eq!(has_password, has_secret);
        let notes = notes_of(&imported).into_iter().filter(|note| note.starts_with("users[0]."));
        (has_password, notes.collect::<Vec<_>>().join("\n"))
    };
    let demanding: [(Change, &str); 7] = [
        (|ada| add(ada, json!({"type": "otp"})), "credentials[1]: the one-time password"),
        (|ada| add(ada, json!({"type": "webauthn"})), "credentials[1]: the passkey"),
        (|ada| add(ada, json!({"type": "sms"})), "credentials[1]: the credential \"sms\""),
        (|ada| ada["credentials"][0]["temporary"] = json!(true), "credentials[0]: "),
        (|ada| ada["requiredActions"] = json!(["UPDATE_PASSWORD"]), "requiredActions: "),
        (|ada| ada["requiredActions"] = json!(["VERIFY_EMAIL", "CONFIGURE_TOTP"]), "requiredAc"),
        (|ada| ada["requiredActions"] = json!(["of-an-extension"]), "requiredActions: "),
    ];
    for (change, start) in demanding {
        let (has_password, notes) = import(change);
        assert!(!has_password, "{notes}");
        assert!(notes.contains(&format!("users[0].{start}")), "{start}: {notes}");
        let invites = notes.contains("credentials[0]: the password is not imported, because ")
            && notes.contains("invite the person (invitation of the OidcUser)");
        assert!(invites, "{notes}");
    }
    let open: [Change; 3] = [
        |ada| ada["requiredActions"] = json!(["VERIFY_EMAIL", "UPDATE_PROFILE"]),
        |ada| add(ada, json!({"type": "webauthn-passwordless"})),
        |_| {},
    ];
    for change in open {
        let (has_password, notes) = import(change);
        assert!(has_password && !notes.contains("invite"), "{notes}");
    }
}

#[test]
fn a_realm_with_a_browser_flow_of_its_own_is_closed() {
    let import = |flow: Value| {
        let mut realm = sample("keycloak-realm.json");
        realm["browserFlow"] = flow;
        realm["clients"][2]["attributes"]["dpop.bound.access.tokens"] = json!("true");
        import_keycloak(&[realm], &ImportOptions::default()).expect("a realm")
    };
    let imported = import(json!("browser with otp"));
    let access = &spec_of(&imported, "Tenant", "acme")["access"];
    assert_eq!(access["rules"], json!([{"expression": "false"}]));
    let start = "browserFlow: the flow \"browser with otp\" is not imported, so all users";
    let notes = notes_of(&imported);
    assert!(notes.iter().any(|note| note.starts_with(start)), "{notes:#?}");
    for usual in [json!("browser"), Value::Null] {
        let imported = import(usual);
        assert_eq!(spec_of(&imported, "Tenant", "acme")["access"], Value::Null);
        assert_eq!(spec_of(&imported, "OidcClient", "wiki")["dpopBoundAccessTokens"], true);
        assert!(!notes_of(&imported).iter().any(|note| note.contains("dpop")));
    }
}

/// The spec of Keycloak's client `wiki` with further attributes, and the notes on its attributes.
fn keycloak_wiki(is_public: bool, attributes: &Value) -> (Value, Vec<String>) {
    let mut realm = sample("keycloak-realm.json");
    let wiki = &mut realm["clients"][2];
    wiki["publicClient"] = json!(is_public);
    for (name, value) in attributes.as_object().into_iter().flatten() {
        wiki["attributes"][name] = value.clone();
    }
    let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
    let notes = notes_of(&imported).into_iter();
    let notes = notes.filter_map(|it| it.strip_prefix("clients[2].attributes.").map(str::to_owned));
    (spec_of(&imported, "OidcClient", "wiki").clone(), notes.collect())
}

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const CIBA: &str = "urn:openid:params:grant-type:ciba";

#[test]
fn a_client_keeps_the_grant_for_devices() {
    let device = "oauth2.device.authorization.grant.enabled";
    for (is_on, is_public, grants) in [
        ("true", true, json!(["authorization_code", "refresh_token", DEVICE_CODE])),
        ("true", false, json!(["authorization_code", "refresh_token", DEVICE_CODE])),
        ("false", false, json!(["authorization_code", "refresh_token"])),
    ] {
        let (spec, notes) = keycloak_wiki(is_public, &json!({ device: is_on }));
        assert_eq!((&spec["grantTypes"], notes), (&grants, vec![]));
    }
}

#[test]
fn a_client_that_asks_people_over_the_backchannel_keeps_grant_and_delivery_mode() {
    let (grant, mode, endpoint) = (
        "oidc.ciba.grant.enabled",
        "ciba.backchannel.token.delivery.mode",
        "ciba.backchannel.client.notification.endpoint",
    );
    let url = "https://wiki.example.com/ciba";
    let ping = json!({ grant: "true", mode: "ping", endpoint: url });
    let (spec, notes) = keycloak_wiki(false, &ping);
    assert_eq!(spec["grantTypes"], json!(["authorization_code", "refresh_token", CIBA]));
    let delivery =
        (&spec["backchannelTokenDeliveryMode"], &spec["backchannelClientNotificationEndpoint"]);
    assert_eq!(delivery, (&json!("ping"), &json!(url)));
    assert!(notes.len() == 1 && notes[0].starts_with("oidc.ciba.grant.enabled: people answer"));

    for (attributes, note) in [
        (json!({ grant: "true" }), None),
        (json!({ grant: "true", mode: "poll" }), None),
        (json!({ grant: "true", mode: "ping" }), Some("not imported: the client has no")),
        (
            json!({ grant: "true", mode: "ping", endpoint: "http://wiki.example.com/ciba" }),
            Some("not imported: the client has no"),
        ),
        (json!({ grant: "true", mode: "push" }), Some("push is not imported")),
    ] {
        let (spec, notes) = keycloak_wiki(false, &attributes);
        assert_eq!(spec["grantTypes"][2], CIBA, "{attributes}");
        for field in ["backchannelTokenDeliveryMode", "backchannelClientNotificationEndpoint"] {
            assert_eq!(spec[field], Value::Null, "{attributes}");
        }
        let found = notes.iter().find_map(|it| it.strip_prefix(&format!("{mode}: ")));
        assert_eq!(found.is_some(), note.is_some(), "{notes:?}");
        assert!(note.is_none_or(|note| found.is_some_and(|it| it.starts_with(note))), "{notes:?}");
    }
}

#[test]
fn a_client_without_a_delivery_mode_takes_that_of_the_realm() {
    let mode = "ciba.backchannel.token.delivery.mode";
    let url = "https://wiki.example.com/ciba";
    let import = |of_realm: &str, of_client: Option<&str>, has_endpoint: bool| {
        let mut realm = sample("keycloak-realm.json");
        realm["attributes"]["cibaBackchannelTokenDeliveryMode"] = json!(of_realm);
        let wiki = &mut realm["clients"][2];
        wiki["publicClient"] = json!(false);
        let attributes = &mut wiki["attributes"];
        attributes["oidc.ciba.grant.enabled"] = json!("true");
        if let Some(of_client) = of_client {
            attributes[mode] = json!(of_client);
        }
        if has_endpoint {
            attributes["ciba.backchannel.client.notification.endpoint"] = json!(url);
        }
        let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
        let start = format!("clients[2].attributes.{mode}: ");
        let has_note = notes_of(&imported).iter().any(|note| note.starts_with(&start));
        let mode = spec_of(&imported, "OidcClient", "wiki")["backchannelTokenDeliveryMode"].clone();
        (mode, has_note)
    };
    assert_eq!(import("ping", None, true), (json!("ping"), false));
    assert_eq!(import("ping", Some(""), true), (json!("ping"), false));
    assert_eq!(import("ping", Some("poll"), true), (Value::Null, false));
    assert_eq!(import("poll", None, true), (Value::Null, false));
    assert_eq!(import("poll", Some("ping"), true), (json!("ping"), false));
    assert_eq!(import("ping", None, false), (Value::Null, true), "it has to poll");
}

#[test]
fn a_client_without_a_secret_or_the_grant_gets_no_backchannel_grant() {
    for (is_public, is_on, note) in [(true, "true", Some("not imported")), (false, "false", None)] {
        let attributes = json!({
            "oidc.ciba.grant.enabled": is_on,
            "ciba.backchannel.token.delivery.mode": "ping",
            "ciba.backchannel.client.notification.endpoint": "https://wiki.example.com/ciba",
        });
        let (spec, notes) = keycloak_wiki(is_public, &attributes);
        assert_eq!(spec["grantTypes"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(spec["backchannelTokenDeliveryMode"], Value::Null);
        let found = notes.iter().find_map(|it| it.strip_prefix("oidc.ciba.grant.enabled: "));
        assert_eq!(found.map(|it| it.split(':').next()), note.map(Some), "{notes:?}");
    }
}

#[test]
fn tokens_that_are_bound_to_certificates_stay_so() {
    let attributes = json!({ "tls.client.certificate.bound.access.tokens": "true" });
    let (spec, notes) = keycloak_wiki(false, &attributes);
    assert_eq!((&spec["tlsClientCertificateBoundAccessTokens"], notes), (&json!(true), vec![]));
}

/// The spec of a connector of Dex, and the notes on its configuration.
fn dex_connector(kind: &str, config: &Value) -> (Value, Vec<String>) {
    let connector = json!({ "type": kind, "id": "it", "config": config });
    let config = json!({ "connectors": [connector] });
    let imported = import_dex(&config, &ImportOptions::default()).expect("a configuration");
    (spec_of(&imported, "IdentityProvider", "it").clone(), notes_of(&imported))
}

#[test]
fn groups_are_limited_to_those_that_the_source_gave() {
    let none = json!({ "expression": "[]" });
    let teams = json!([{ "name": "Acme", "teams": ["core", "a*"] }, { "name": "lab" }]);
    for (config, groups, note) in [
        (json!({}), none.clone(), "config: Dex gives no groups"),
        (json!({ "loadAllGroups": true }), Value::Null, "loadAllGroups: becomes the teams"),
        (json!({ "orgs": [{ "name": "acme" }] }), Value::Null, ""),
        (json!({ "orgs": [{ "name": "Acme" }] }), Value::Null, "orgs: names of organizations"),
        (json!({ "org": "acme" }), Value::Null, "org: groups begin with the organization"),
        (json!({ "orgs": teams }), json!({ "include": ["acme:core", "lab:*"] }), "orgs[0].teams: "),
        (json!({ "orgs": [{ "name": "a", "teams": ["*"] }] }), none.clone(), "orgs[0].teams: "),
    ] {
        let (spec, notes) = dex_connector("github", &config);
        assert_eq!(spec["claimMappings"]["groups"], groups, "{config}");
        assert!(notes.iter().any(|it| it.contains(note)), "{config}: {notes:#?}");
        let about_groups = |note: &String| note.contains("groups");
        assert!(!note.is_empty() || !notes.iter().any(about_groups), "{notes:#?}");
        assert!(!notes.iter().any(|note| note.contains("loadAllGroups: is not")), "{notes:#?}");
    }
    let realm = sample("keycloak-realm.json");
    let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
    for name in ["google", "parent", "github"] {
        let mapping = &spec_of(&imported, "IdentityProvider", name)["claimMappings"]["groups"];
        assert_eq!(mapping["expression"], "[]", "{name}");
    }
}

#[test]
fn people_without_preferred_username_have_a_username() {
    let username = |mut config: Value| {
        config["issuer"] = json!("https://sso.test");
        let (spec, _) = dex_connector("oidc", &config);
        spec["claimMappings"]["username"].clone()
    };
    let first = |claims: &[&str]| {
        let (last, others) = claims.split_last().expect("a claim");
        let others = others.iter().map(|it| format!("has(claims.{it}) ? claims.{it} : "));
        json!({ "expression": format!("{}claims.{last}", others.collect::<String>()) })
    };
    let usual = first(&["preferred_username", "email", "sub"]);
    assert_eq!(username(json!({})), usual);
    let mapped = |claim: &str| json!({ "claimMapping": { "preferred_username": claim } });
    let login = first(&["preferred_username", "login", "email", "sub"]);
    assert_eq!(username(mapped("login")), login);
    assert_eq!(username(mapped("preferred_username")), usual);
    assert_eq!(username(mapped("email")), usual);
    assert_eq!(username(mapped("a-b")), json!({ "claim": "a-b" }));
    let mut overriding = mapped("login");
    overriding["overrideClaimMapping"] = json!(true);
    let login = first(&["login", "preferred_username", "email", "sub"]);
    assert_eq!(username(overriding), login);
    assert_eq!(
        keycloak_parent(&json!({}), &json!({})).0["claimMappings"]["username"]["expression"],
        usual["expression"]
    );
}

#[test]
fn providers_are_asked_again_or_a_note_says_why_not() {
    let entra = json!({ "tenant": "9c7a5a54-4a1b-4c3d-9e8f-0123456789ab" });
    let directory = json!({ "host": "ldap.test", "userSearch": { "idAttr": "entryUUID" } });
    let oidc = |scopes: Value| json!({ "issuer": "https://sso.test", "scopes": scopes });
    for (kind, config, is_asked) in [
        ("ldap", directory, true),
        ("github", json!({}), true),
        ("gitlab", json!({}), true),
        ("microsoft", entra, true),
        ("oidc", oidc(json!(["email", "offline_access"])), true),
        ("oidc", oidc(json!(["email"])), false),
        ("oidc", oidc(json!([])), false),
        ("google", json!({}), false),
    ] {
        let (spec, notes) = dex_connector(kind, &config);
        let expected = if is_asked { json!({ "mode": "Upstream" }) } else { Value::Null };
        assert_eq!(spec["refresh"], expected, "{kind} {config}");
        let noted = notes.iter().any(|note| note.contains("set refresh.mode: Upstream"));
        assert_eq!(noted, !is_asked, "{kind} {config}: {notes:#?}");
        let unverified = notes.iter().any(|note| note.contains("addresses are not verified"));
        assert_eq!(unverified, kind == "microsoft");
    }
}

#[test]
fn users_in_files_of_their_own_belong_to_the_realm() {
    let mut realm = sample("keycloak-realm.json");
    let users = realm["users"].take();
    let users = json!({ "realm": "acme", "users": users });
    let other = json!({ "realm": "other", "users": [{ "id": "1", "username": "eve" }] });
    let imported = import_keycloak(&[users, realm, other], &ImportOptions::default());
    let imported = imported.expect("a realm");
    let people = imported.manifests.iter().filter(|it| it.kind == "OidcUser");
    assert_eq!(people.count(), 4);
    let note = imported.notes.iter().find(|note| note.pointer == "/users/1/credentials/1");
    assert_eq!(note.map(|note| note.file), Some(0));
}

#[test]
fn choices_of_the_importer_win() {
    let options = ImportOptions {
        tenant: Some("staff".to_owned()),
        namespace: Some("sso".to_owned()),
        issuer: Some("https://id.example.com".to_owned()),
    };
    let imported = import_dex(&sample("dex.yaml"), &options).expect("a configuration");
    for manifest in &imported.manifests {
        assert_eq!(manifest.object["metadata"]["namespace"], "sso");
    }
    assert_eq!(spec_of(&imported, "Tenant", "staff")["issuer"], "https://id.example.com");
    let client = spec_of(&imported, "OidcClient", "argo-cd");
    assert_eq!(client["tenantRef"]["name"], "staff");
}

#[test]
fn other_files_are_refused() {
    let options = ImportOptions::default();
    for other in [json!(null), json!([]), json!({"apiVersion": "v1"}), json!("text")] {
        assert_eq!(import_dex(&other, &options).err(), Some(ImportSourceError::NotDex), "{other}");
        let refused = import_keycloak(std::slice::from_ref(&other), &options).err();
        assert_eq!(refused, Some(ImportSourceError::NotRealm), "{other}");
    }
}

#[test]
fn restrictions_are_carried_or_let_only_declared_people_in() {
    let google = |config: Value| {
        let connector = json!({ "type": "google", "id": "google", "config": config });
        let config = json!({ "connectors": [connector] });
        let imported = import_dex(&config, &ImportOptions::default()).expect("a configuration");
        spec_of(&imported, "IdentityProvider", "google").clone()
    };
    let several = google(json!({ "hostedDomains": ["a.test", "b.test"] }));
    assert_eq!(several["admit"], "ByRules");
    assert_eq!(
        several["claimValidationRules"],
        json!([{ "expression": "claims.hd in ['a.test', 'b.test']" }])
    );
    assert_eq!(google(json!({ "hostedDomains": ["a'.test", "b"] }))["admit"], "Declared");
    assert_eq!(google(json!({ "groups": ["staff@a.test"] }))["admit"], "Declared");
    assert_eq!(google(json!({}))["admit"], "Everyone");
}

#[test]
fn authorities_of_connectors_are_carried() {
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
    for (kind, member, config, is_there) in [
        ("oidc", "oidc", json!({ "issuer": "https://a.test", "rootCAs": ["/a", "/b"] }), false),
        ("gitlab", "oidc", json!({ "rootCAData": data }), true),
        ("github", "github", json!({ "hostName": "git.test", "rootCA": "/a" }), false),
        ("ldap", "ldap", json!({ "host": "ldap.test", "rootCAData": data }), true),
        ("oidc", "oidc", json!({ "issuer": "https://a.test", "rootCAs": [] }), false),
    ] {
        let names = !matches!(config.get("rootCAs"), Some(Value::Array(list)) if list.is_empty());
        let connector = json!({ "type": kind, "id": "it", "config": config });
        let config = json!({ "connectors": [connector] });
        let imported = import_dex(&config, &ImportOptions::default()).expect("a configuration");
        let spec = spec_of(&imported, "IdentityProvider", "it");
        let expected = if names { json!({ "name": "it-ca" }) } else { Value::Null };
        assert_eq!(spec[member]["caRef"], expected, "{kind}");
        let secret = imported.manifests.iter().find(|it| it.name == "it-ca");
        let written = secret.map(|it| it.object["stringData"]["ca.crt"].clone());
        assert_eq!(written, is_there.then(|| json!(pem)), "{kind}");
        let asked =
            imported.notes.iter().any(|it| it.message.contains("create the Secret \"it-ca\""));
        assert_eq!(asked, names && !is_there, "{kind}: {:?}", imported.notes);
        assert!(
            !imported
                .notes
                .iter()
                .any(|it| it.field().contains("rootCA") && it.message == "not imported")
        );
    }
}

#[test]
fn directories_keep_their_subjects() {
    let config = json!({ "connectors": [{ "type": "ldap", "id": "ldap", "name": "Acme", "config": {
        "host": "ldap.acme.test:636",
        "bindDN": "cn=dex,dc=acme,dc=test",
        "bindPW": "secret",
        "userSearch": {
            "baseDN": "ou=people,dc=acme,dc=test", "filter": "(objectClass=person)",
            "username": "uid", "idAttr": "DN", "emailAttr": "mail", "nameAttr": "cn",
        },
        "groupSearch": {
            "baseDN": "ou=groups,dc=acme,dc=test", "filter": "(objectClass=groupOfNames)",
            "userMatchers": [{ "userAttr": "DN", "groupAttr": "member" }], "nameAttr": "cn",
        },
    } }] });
    let imported = import_dex(&config, &ImportOptions::default()).expect("a configuration");
    let spec = spec_of(&imported, "IdentityProvider", "ldap");
    assert_eq!(spec["subject"]["claim"], "dn");
    assert_eq!(spec["ldap"]["url"], "ldaps://ldap.acme.test:636");
    assert_eq!(spec["ldap"]["groups"]["filter"], "(&(objectClass=groupOfNames)(member={dn}))");
    let secret = imported.manifests.iter().find(|it| it.kind == "Secret").expect("a Secret");
    assert_eq!(secret.object["stringData"]["username"], "cn=dex,dc=acme,dc=test");
}

#[test]
fn a_search_of_one_level_admits_declared_people_only() {
    let import = |search: &str, scope: &str| {
        let mut config = json!({ "connectors": [{ "type": "ldap", "id": "ldap", "name": "Acme", "config": {
            "host": "ldap.acme.test", "bindDN": "cn=dex", "bindPW": "secret",
            "userSearch": { "baseDN": "dc=acme,dc=test", "username": "uid", "idAttr": "uid" },
            "groupSearch": { "baseDN": "dc=acme,dc=test", "nameAttr": "cn" },
        } }] });
        config["connectors"][0]["config"][search]["scope"] = json!(scope);
        import_dex(&config, &ImportOptions::default()).expect("a configuration")
    };
    for search in ["userSearch", "groupSearch"] {
        let imported = import(search, "one");
        assert_eq!(spec_of(&imported, "IdentityProvider", "ldap")["admit"], "Declared");
        let start = format!("connectors[0].config.{search}.scope: not imported, so only people");
        let notes = notes_of(&imported);
        assert!(notes.iter().any(|note| note.starts_with(&start)), "{notes:#?}");
        let imported = import(search, "sub");
        assert_eq!(spec_of(&imported, "IdentityProvider", "ldap")["admit"], "Everyone");
        assert!(!notes_of(&imported).iter().any(|note| note.contains("scope: ")));
    }
}

/// A change of a part of a configuration.
type Change = fn(&mut Value);

#[test]
fn a_client_whose_restrictions_are_not_carried_is_closed() {
    let import = |change: Change| {
        let mut realm = sample("keycloak-realm.json");
        assert_eq!(realm["clients"][2]["clientId"], "wiki");
        change(&mut realm["clients"][2]);
        import_keycloak(&[realm], &ImportOptions::default()).expect("a realm")
    };
    let restricted: [(Change, &str); 2] = [
        (
            |client| client["authenticationFlowBindingOverrides"] = json!({"browser": "4d5e"}),
            "clients[2].authenticationFlowBindingOverrides.browser: not imported, so all users",
        ),
        (
            |client| client["attributes"]["minimum.acr.value"] = json!("2"),
            "clients[2].attributes.minimum.acr.value: not imported, so all users",
        ),
    ];
    for (change, start) in restricted {
        let imported = import(change);
        let access = &spec_of(&imported, "OidcClient", "wiki")["access"];
        assert_eq!(access["rules"], json!([{"expression": "false"}]), "{start}");
        let notes = notes_of(&imported);
        assert!(notes.iter().any(|note| note.starts_with(start)), "{notes:#?}");
    }
    let open: [fn(&mut Value); 2] = [
        |client| client["authenticationFlowBindingOverrides"] = json!({"direct_grant": "4d5e"}),
        |client| client["authenticationFlowBindingOverrides"] = json!({"browser": ""}),
    ];
    for change in open {
        let imported = import(change);
        assert_eq!(spec_of(&imported, "OidcClient", "wiki")["access"], Value::Null);
    }
}

#[test]
fn a_directory_that_identifies_people_by_address_is_not_carried() {
    let import = |id_attribute: &str| {
        let config = json!({ "connectors": [{ "type": "ldap", "id": "ldap", "name": "Acme", "config": {
            "host": "ldap.acme.test", "bindDN": "cn=dex", "bindPW": "secret",
            "userSearch": { "baseDN": "dc=acme,dc=test", "username": "uid", "idAttr": id_attribute },
        } }] });
        let imported = import_dex(&config, &ImportOptions::default()).expect("a configuration");
        let carried = imported.manifests.iter().any(|it| it.kind == "IdentityProvider");
        (
            carried,
            imported.notes.iter().map(|it| it.message.as_str()).collect::<Vec<_>>().join("\n"),
        )
    };
    for attribute in ["mail", "Mail", "userPrincipalName"] {
        let (carried, notes) = import(attribute);
        assert!(!carried, "{attribute}");
        assert!(notes.contains("no subject is made of it"), "{notes}");
    }
    for attribute in ["uid", "DN"] {
        let (carried, notes) = import(attribute);
        assert!(carried, "{attribute}");
        assert!(notes.contains("never give one to a second person"), "{notes}");
    }
    let (carried, notes) = import("entryUUID");
    assert!(carried && !notes.contains("never give"), "{notes}");
}

/// The notes of an import, as `field: message`.
fn notes_of(imported: &ImportResult) -> Vec<String> {
    imported.notes.iter().map(|note| format!("{}: {}", note.field(), note.message)).collect()
}

#[test]
fn a_connector_without_sign_ins_is_not_carried() {
    let import = |grants: Value| {
        let mut config = sample("dex.yaml");
        config["connectors"] = json!([{
            "type": "oidc", "id": "ci", "name": "CI", "grantTypes": grants,
            "config": {"issuer": "https://ci.test", "clientID": "a", "clientSecret": "b"},
        }]);
        import_dex(&config, &ImportOptions::default()).expect("a configuration")
    };
    let carried =
        |imported: &ImportResult| imported.manifests.iter().any(|it| it.kind == "IdentityProvider");
    let exchange = import(json!(["urn:ietf:params:oauth:grant-type:token-exchange"]));
    assert!(!carried(&exchange));
    let noted = |imported: &ImportResult, field: &str| {
        notes_of(imported).iter().any(|note| note.starts_with(&format!("connectors[0].{field}: ")))
    };
    assert!(noted(&exchange, "grantTypes"), "{:?}", notes_of(&exchange));
    let code = import(json!(["authorization_code"]));
    assert!(carried(&code) && noted(&code, "grantTypes"));
    assert!(noted(&code, "config"), "groups that Dex did not give: {:?}", notes_of(&code));
    assert!(carried(&import(json!([]))) && !noted(&import(json!([])), "grantTypes"));
}

/// The lists of scopes of the client `wiki`, and of its realm: default and optional ones.
type ScopeLists = [Option<[Value; 2]>; 2];

/// The client `wiki` of a realm with these lists, and whether a note says that it had offline access by default.
fn wiki_with_scopes([of_client, of_realm]: ScopeLists) -> (Value, bool) {
    let mut realm = sample("keycloak-realm.json");
    let client = realm["clients"][2].as_object_mut().expect("a client");
    assert_eq!(client["clientId"], "wiki");
    client.retain(|name, _| !name.ends_with("ClientScopes"));
    if let Some([default, optional]) = of_client {
        client.insert("defaultClientScopes".to_owned(), default);
        client.insert("optionalClientScopes".to_owned(), optional);
    }
    if let Some([default, optional]) = of_realm {
        realm["defaultDefaultClientScopes"] = default;
        realm["defaultOptionalClientScopes"] = optional;
    }
    let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
    let start = "clients[2].defaultClientScopes: offline_access is not imported as a default scope";
    let is_named = notes_of(&imported).iter().any(|note| note.starts_with(start));
    (spec_of(&imported, "OidcClient", "wiki").clone(), is_named)
}

#[test]
fn clients_of_keycloak_keep_their_offline_access() {
    let by_default = || Some([json!(["profile", "department", "offline_access"]), json!([])]);
    let on_request = || Some([json!(["profile", "department"]), json!(["offline_access"])]);
    let none = || Some([json!(["profile", "department"]), json!([])]);
    for (lists, has_it, is_named) in [
        ([on_request(), None], true, false),
        ([by_default(), None], true, true),
        ([none(), by_default()], false, false),
        // The realm's lists are those of clients without lists.
        ([None, on_request()], true, false),
        ([None, by_default()], true, true),
        ([None, none()], false, false),
    ] {
        let case = format!("{lists:?}");
        let (client, named) = wiki_with_scopes(lists);
        let scopes: Vec<&str> = if has_it {
            vec!["openid", "department", "offline_access", "profile", "groups"]
        } else {
            vec!["openid", "department", "profile", "groups"]
        };
        assert_eq!(client["scopes"], json!(scopes), "{case}");
        assert_eq!(named, is_named, "{case}");
        let grants = client["grantTypes"].as_array().expect("grants");
        assert!(grants.contains(&json!("refresh_token")), "{case}");
    }
    let (client, _) = wiki_with_scopes([None, None]);
    assert_eq!(client["scopes"], Value::Null, "the default has offline_access");
    let (client, _) = wiki_with_scopes([Some([json!([]), json!([])]), on_request()]);
    assert_eq!(client["scopes"], json!(["openid", "groups"]), "lists without scopes give none");
}

#[test]
fn changes_of_clients_and_realms_are_named() {
    let mut realm = sample("keycloak-realm.json");
    realm["defaultSignatureAlgorithm"] = json!("ES512");
    realm["bruteForceProtected"] = json!(true);
    let wiki = &mut realm["clients"][2];
    assert_eq!(wiki["clientId"], "wiki");
    wiki["protocolMappers"] = json!([{"protocolMapper": "oidc-sha256-pairwise-sub-mapper"}]);
    wiki["frontchannelLogout"] = json!(true);
    wiki["newSetting"] = json!("on");
    wiki["attributes"]["frontchannel.logout.url"] = json!("https://wiki.example.com/frame");
    wiki["attributes"]["minimum.acr.value"] = json!("2");
    wiki["attributes"]["require.pushed.authorization.requests"] = json!("true");
    wiki["attributes"]["use.jwks.string"] = json!("false");
    let providers = realm["identityProviders"].as_array_mut().expect("a list");
    let github = providers.iter_mut().find(|it| it["providerId"] == "github").expect("one");
    github["config"]["baseUrl"] = json!("https://git.acme.test/");
    let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
    let notes = notes_of(&imported);
    for start in [
        "clients[2].protocolMappers[0]: the application gets a different sub",
        "clients[2].newSetting: ",
        "clients[2].attributes.minimum.acr.value: ",
        "clients[2].attributes.require.pushed.authorization.requests: ",
        "defaultSignatureAlgorithm: ",
        "bruteForceProtected: ",
    ] {
        assert!(notes.iter().any(|note| note.starts_with(start)), "{start}: {notes:#?}");
    }
    assert!(!notes.iter().any(|note| note.contains("use.jwks.string")), "{notes:#?}");
    let client = spec_of(&imported, "OidcClient", "wiki");
    assert_eq!(client["frontchannelLogoutUri"], "https://wiki.example.com/frame");
    assert_eq!(spec_of(&imported, "IdentityProvider", "github")["github"]["host"], "git.acme.test");
}
