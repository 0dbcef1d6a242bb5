use serde_json::json;

use super::*;
use crate::{
    api::{Tenant, TenantSpec},
    model::{ClientDetailKind, ClientDetails, ConsentPolicy, Issuer},
    protocol::registration::{RegistrationRequest, client_metadata},
};

fn registration_service(tenant: Value) -> RegistrationService {
    let spec: TenantSpec = serde_json::from_value(tenant).expect("a tenant");
    let key = ObjectKey::new("team", "shop");
    let issuer = Issuer::parse("https://id.test/team/shop").expect("canonical");
    let (checked, problems) =
        validate::validate_tenant(&Tenant::new("shop", spec), &key, Ok(issuer), false);
    RegistrationService::new(checked.unwrap_or_else(|| panic!("{problems:?}")), None, 0)
}

fn check(
    tenant: Value,
    change: impl FnOnce(&mut Value),
) -> Result<ValidatedRegistration, ValidationProblem> {
    let mut spec = json!({
        "redirectUris": ["https://rp.test/cb"],
        "grantTypes": ["authorization_code", "refresh_token"],
    });
    change(&mut spec);
    let Value::Object(spec) = spec else { panic!("an object") };
    registration_service(tenant).validate(&ObjectKey::new("team", "dcr-1"), spec)
}

fn field(tenant: Value, change: impl FnOnce(&mut Value)) -> String {
    check(tenant, change).expect_err("refused").field
}

const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

#[test]
fn registered_clients_have_the_default_id_and_consent() {
    let found = check(json!({}), |_| {}).expect("registrable");
    assert_eq!(found.client.id.as_str(), "team.dcr-1");
    assert_eq!(found.client.consent, ConsentPolicy::Required);
    assert!(found.client.registered.is_some());
    assert_eq!(found.spec["tenantRef"], json!({"name": "shop"}));
    let scopes: Vec<&str> = found.client.scopes.iter().map(String::as_str).collect();
    assert_eq!(scopes, ["address", "email", "offline_access", "openid", "phone", "profile"]);
}

#[test]
fn rejects_what_is_invalid_in_a_manifest() {
    let uri = |uri: &str| {
        let uri = uri.to_owned();
        field(json!({}), move |spec| spec["redirectUris"] = json!([uri]))
    };
    assert_eq!(uri("https://rp.test/cb#x"), "spec.redirectUris[0]");
    assert_eq!(uri("javascript:alert(1)"), "spec.redirectUris[0]");
    for (name, value) in [
        ("initiateLoginUri", json!("http://rp.test/login")),
        ("idTokenSignedResponseAlg", json!("HS1024")),
        ("userinfoSignedResponseAlg", json!("ES256")),
        ("authorizationSignedResponseAlg", json!("ES256")),
        ("subjectType", json!("secret")),
        ("tokenEndpointAuthMethod", json!("private_key_jwt")),
        ("clientName", json!("x".repeat(200))),
    ] {
        assert_eq!(field(json!({}), |spec| spec[name] = value), format!("spec.{name}"));
    }
    let both = field(json!({}), |spec| {
        spec["jwks"] = json!({"keys": [{"kty": "EC"}]});
        spec["jwksUri"] = "https://rp.test/jwks".into();
    });
    assert_eq!(both, "spec.jwksUri");
    for key in
        [json!({"kty": "EC"}), json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X, "use": "enc"})]
    {
        let unusable = field(json!({}), |spec| {
            spec["tokenEndpointAuthMethod"] = "private_key_jwt".into();
            spec["jwks"] = json!({ "keys": [key] });
        });
        assert_eq!(unusable, "spec.jwks");
    }
}

#[test]
fn the_tenants_bounds_apply() {
    let tenant = json!({"clients": {
        "redirectHosts": ["*.rp.test"], "scopes": ["openid", "email"],
        "grantTypes": ["authorization_code"],
    }});
    let code = |spec: &mut Value| spec["grantTypes"] = json!(["authorization_code"]);
    assert_eq!(field(tenant.clone(), |_| {}), "spec.grantTypes");
    assert_eq!(field(tenant.clone(), code), "spec.redirectUris[0]");
    let within = |spec: &mut Value| {
        code(spec);
        spec["redirectUris"] = json!(["https://a.rp.test/cb"]);
    };
    let found = check(tenant.clone(), within).expect("registrable");
    assert_eq!(
        found.spec["scopes"],
        json!(["openid", "email"]),
        "default scopes are within the bounds too"
    );
    let asking = |scopes: Value| {
        check(tenant.clone(), move |spec| {
            within(spec);
            spec["scopes"] = scopes;
        })
    };
    let found = asking(json!(["profile", "openid", "mcp:tools"])).expect("registrable");
    assert_eq!(found.spec["scopes"], json!(["openid"]), "others are left out");
    let refused = asking(json!(["profile", "phone"])).expect_err("nothing is left");
    assert_eq!(refused.field, "spec.scopes[0]");
}

#[test]
fn scopes_that_the_tenant_does_not_have_are_left_out() {
    // RFC 7591 §3.2.1
    let tenant = json!({"scopes": {"badges": {"claims": ["badge"]}}});
    let asking = |scopes: Value| check(tenant.clone(), move |spec| spec["scopes"] = scopes);
    let found = asking(json!(["mcp:tools", "badges", "groups", "openid"])).expect("registrable");
    assert_eq!(found.spec["scopes"], json!(["badges", "groups", "openid"]));
    assert_eq!(asking(json!(["mcp:tools"])).expect_err("nothing is left").field, "spec.scopes");
}

#[test]
fn client_credentials_clients_register_only_if_the_tenant_allows_it() {
    let machine = |spec: &mut Value| {
        spec["grantTypes"] = json!(["client_credentials"]);
        spec["redirectUris"] = json!([]);
    };
    assert_eq!(field(json!({}), machine), "spec.grantTypes");
    let tenant = json!({"clients": {"grantTypes": ["client_credentials"]}});
    assert!(check(tenant, machine).is_ok());
}

#[test]
fn clients_that_ask_people_over_the_backchannel_do_not_register() {
    let grant = "urn:openid:params:grant-type:ciba";
    let tenant = json!({"clients": {"grantTypes": ["authorization_code", grant]}});
    let asking = |spec: &mut Value| spec["grantTypes"] = json!(["authorization_code", grant]);
    assert_eq!(field(tenant.clone(), asking), "spec.grantTypes");
    let code = |spec: &mut Value| spec["grantTypes"] = json!(["authorization_code"]);
    assert!(check(tenant, code).is_ok());
}

#[test]
fn implicit_and_hybrid_clients_may_register() {
    let found = check(json!({}), |spec| {
        spec["grantTypes"] = json!(["authorization_code", "implicit"]);
        spec["responseTypes"] = json!(["code id_token token"]);
    });
    assert!(found.is_ok(), "{found:?}");
}

#[test]
fn every_row_of_client_details_is_registered_and_returned() {
    // One belongs to a grant type that registered clients do not get, and the other excludes bound DPoP keys.
    const APART: [&str; 2] =
        ["backchannel_client_notification_endpoint", "tls_client_certificate_bound_access_tokens"];
    // RFC 7591 §3.2.1
    let mut sent =
        json!({ "redirect_uris": ["https://rp.test/cb"], "grant_types": ["authorization_code"] });
    for row in ClientDetails::ALL {
        if APART.contains(&row.name) {
            continue;
        }
        let url = format!("https://rp.test/{}", row.name);
        sent[row.name] = match row.kind {
            ClientDetailKind::Flag => true.into(),
            ClientDetailKind::Texts | ClientDetailKind::Words | ClientDetailKind::WebUrls => {
                json!([url])
            }
            ClientDetailKind::Text
            | ClientDetailKind::WebUrl
            | ClientDetailKind::WebUrlWithoutFragment
            | ClientDetailKind::HttpsUrl => url.into(),
        };
    }
    let request =
        RegistrationRequest::parse(sent.to_string().as_bytes(), &[], false).expect("valid");
    let object = ObjectKey::new("team", "dcr-1");
    let found =
        registration_service(json!({})).validate(&object, request.spec).expect("registrable");
    let returned = client_metadata(&found.client);
    for (name, value) in sent.as_object().expect("an object") {
        assert_eq!(returned.get(name), Some(value), "{name}");
    }
}

#[test]
fn values_of_client_details_follow_the_rule_of_their_kind() {
    for row in ClientDetails::ALL {
        let name = crate::protocol::registration::manifest_name(row.name);
        let wrong = match row.kind {
            ClientDetailKind::Text | ClientDetailKind::Texts | ClientDetailKind::Flag => continue,
            ClientDetailKind::HttpsUrl => json!("http://rp.test/x"),
            ClientDetailKind::WebUrl => json!("ftp://rp.test/x"),
            ClientDetailKind::WebUrlWithoutFragment => json!("https://rp.test/x#y"),
            ClientDetailKind::Words => json!(["a b"]),
            ClientDetailKind::WebUrls => json!(["ftp://rp.test/x"]),
        };
        let list = if wrong.is_array() { "[0]" } else { "" };
        let refused = field(json!({}), |spec| spec[&name] = wrong);
        assert_eq!(refused, format!("spec.{name}{list}"));
    }
}
