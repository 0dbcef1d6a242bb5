use serde_json::{Value, json};

use super::*;
use crate::{model::RESERVED_AUTHORIZATION_PARAMETERS, registry::ValidationProblem};

/// The findings about a provider with changes to the members of its spec.
fn findings(changes: &Value) -> ProviderFindings {
    let mut spec = json!({
        "tenantRef": {"name": "main"}, "type": "OIDC", "admit": "Everyone",
        "oidc": {"issuer": "https://corp.test", "clientId": "lanyard"},
    });
    for (member, value) in changes.as_object().expect("an object") {
        spec[member] = value.clone();
    }
    let object = json!({
        "apiVersion": "lanyard.dev/v1alpha1", "kind": "IdentityProvider",
        "metadata": {"name": "corp", "namespace": "team"}, "spec": spec,
    });
    let object: api::IdentityProvider = serde_json::from_value(object).expect("a provider");
    validate_provider(&object, &ObjectKey::new("team", "corp"), None, true)
}

/// The problems of the same, as `field: message`.
fn problems_of(changes: &Value) -> Vec<String> {
    let (problems, _) = findings(changes).problems.into_parts();
    problems.iter().map(ValidationProblem::text).collect()
}

/// The fields with problems.
fn fields_of(changes: &Value) -> Vec<String> {
    let field = |text: String| text.split_once(": ").expect("a field").0.to_owned();
    problems_of(changes).into_iter().map(field).collect()
}

/// A GitHub provider with this member `organizations`.
fn github(organizations: &Value, admit: &str) -> Value {
    let mut github = json!({"clientId": "app", "clientSecretRef": {"name": "secret"}});
    if !organizations.is_null() {
        github["organizations"] = organizations.clone();
    }
    json!({"type": "GitHub", "oidc": null, "github": github, "admit": admit})
}

#[test]
fn organizations_without_an_effect_are_refused() {
    const NAMES: &str = "spec.github.organizations.names";
    for admit in ["ByRules", "Everyone"] {
        for listed in [json!({"names": ["acme"]}), json!({"policy": "Listed", "names": ["acme"]})] {
            assert_eq!(problems_of(&github(&listed, admit)), Vec::<String>::new());
        }
        let any = json!({"policy": "Any", "names": ["acme"]});
        assert_eq!(fields_of(&github(&any, admit)), [NAMES]);
        assert!(problems_of(&github(&any, admit))[0].contains("set policy: Listed"));
        for none in [json!({}), json!({"policy": "Listed"})] {
            assert_eq!(fields_of(&github(&none, admit)), [NAMES], "{none}");
        }
    }
    for open in [Value::Null, json!({"policy": "Any"})] {
        assert_eq!(problems_of(&github(&open, "Everyone")), Vec::<String>::new());
        assert_eq!(fields_of(&github(&open, "ByRules")), ["spec.admit"]);
    }
}

#[test]
fn assurances_are_those_of_openid_providers() {
    let assurance = json!([{"acr": "phr", "amr": ["mfa"]}]);
    assert_eq!(fields_of(&json!({"assurance": assurance})), Vec::<String>::new());
    let mut changes = github(&Value::Null, "Everyone");
    changes["assurance"] = assurance;
    assert_eq!(fields_of(&changes), ["spec.assurance"]);
}

#[test]
fn addresses_and_names_are_refused_as_subjects() {
    let with = |claim: &str| fields_of(&json!({"subject": {"claim": claim}}));
    let dex = |claim: &str| {
        fields_of(&json!({"subject": {"claim": claim, "strategy": "Dex", "connectorId": "ldap"}}))
    };
    for claim in ["email", "mail", "Mail", "userPrincipalName", "mailNickname", "unique_name"] {
        assert_eq!(with(claim), ["spec.subject.claim"], "{claim}");
        assert_eq!(dex(claim), ["spec.subject.claim"], "{claim}");
    }
    for claim in ["uid", "UID", "cn", "dn", "sAMAccountName"] {
        assert_eq!(with(claim), ["spec.subject.claim"], "{claim}");
        assert!(dex(claim).is_empty(), "{claim}: Dex has made subjects of it");
    }
    for claim in ["sub", "oid", "entryUUID", "objectGUID"] {
        assert!(with(claim).is_empty() && dex(claim).is_empty(), "{claim}");
    }
}

#[test]
fn fields_of_refresh_that_are_never_read_are_refused() {
    let with = |refresh: Value| fields_of(&json!({"refresh": refresh}));
    assert!(with(json!({"mode": "Upstream", "interval": "15m", "keepFor": "15m"})).is_empty());
    assert!(with(json!({"mode": "Upstream", "interval": "24h"})).is_empty());
    assert!(with(json!({"mode": "Upstream", "unavailable": "Refuse"})).is_empty());
    assert!(with(json!({"mode": "Disabled"})).is_empty());
    let without_mode = json!({"interval": "15m", "unavailable": "KeepFor", "keepFor": "4h"});
    let fields = ["interval", "unavailable", "keepFor"].map(|it| format!("spec.refresh.{it}"));
    assert_eq!(with(without_mode.clone()), fields);
    let at_github = |refresh: &Value| {
        let mut changes = github(&Value::Null, "Everyone");
        changes["refresh"] = refresh.clone();
        fields_of(&changes)
    };
    assert_eq!(at_github(&without_mode), Vec::<String>::new(), "its default is Upstream");
    let disabled = json!({"mode": "Disabled", "interval": "15m"});
    assert_eq!(at_github(&disabled), ["spec.refresh.interval"]);
    for keep_for in [
        json!({"mode": "Upstream", "unavailable": "Refuse", "keepFor": "4h"}),
        json!({"mode": "Upstream", "keepFor": "14m"}),
        json!({"mode": "Upstream", "interval": "5h", "keepFor": "4h"}),
    ] {
        assert_eq!(with(keep_for.clone()), ["spec.refresh.keepFor"], "{keep_for}");
    }
    assert_eq!(with(json!({"mode": "Sometimes", "keepFor": "4h"})), ["spec.refresh.mode"]);
}

#[test]
fn directories_and_github_are_asked_again_by_default() {
    let ldap = json!({
        "url": "ldaps://ldap.acme.test", "schema": "OpenLDAP", "bindSecretRef": {"name": "account"},
        "users": {"base": "dc=acme,dc=test"},
    });
    let ldap = json!({"type": "LDAP", "oidc": null, "ldap": ldap});
    let mode = |changes: &Value, refresh: Value| {
        let mut changes = changes.clone();
        changes["refresh"] = refresh;
        let found = findings(&changes);
        found.checked.unwrap_or_else(|| panic!("{:?}", found.problems)).refresh.mode
    };
    let (upstream, disabled) = (RefreshMode::Upstream, RefreshMode::Disabled);
    for (changes, default) in
        [(ldap, upstream), (github(&Value::Null, "Everyone"), upstream), (json!({}), disabled)]
    {
        for refresh in [Value::Null, json!({})] {
            assert_eq!(mode(&changes, refresh), default, "{changes}");
        }
        assert_eq!(mode(&changes, json!({"mode": "Disabled"})), disabled, "{changes}");
        assert_eq!(mode(&changes, json!({"mode": "Upstream"})), upstream, "{changes}");
    }
}

#[test]
fn parameters_that_each_request_sets_are_refused() {
    const FIELD: &str = "spec.oidc.authorizationParameters";
    let with = |parameters: &[(&str, &str)]| {
        let parameters: Vec<Value> =
            parameters.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let oidc = json!({
            "issuer": "https://corp.test", "clientId": "lanyard", "authorizationParameters": parameters,
        });
        fields_of(&json!({"oidc": oidc}))
    };
    for good in [
        ("access_type", "offline"),
        ("hd", "*"),
        ("prompt", "consent select_account"),
        ("response_mode", "form_post"),
        ("claims", "{\"id_token\": {\"groups\": null}}"),
    ] {
        assert_eq!(with(&[good]), Vec::<String>::new(), "{good:?}");
    }
    for name in
        RESERVED_AUTHORIZATION_PARAMETERS.into_iter().chain(["Client_Id", "a b", "a&b", "ä"])
    {
        assert_eq!(with(&[(name, "x")]), [format!("{FIELD}[0].name")], "{name}");
    }
    for (name, value) in [
        ("prompt", "none"),
        ("prompt", "consent none"),
        ("response_mode", "fragment"),
        ("hd", "a\nb"),
        ("hd", " "),
    ] {
        assert_eq!(with(&[(name, value)]), [format!("{FIELD}[0].value")], "{name}={value}");
    }
    // Some servers ignore the case of names.
    for (name, value) in [
        ("Prompt", "none"),
        ("PROMPT", "login"),
        ("Response_Mode", "fragment"),
        ("response_modE", "query"),
    ] {
        assert_eq!(with(&[(name, value)]), [format!("{FIELD}[0].name")], "{name}={value}");
    }
    for twin in ["hd", "HD"] {
        assert_eq!(with(&[("hd", "a"), (twin, "b")]), [format!("{FIELD}[1].name")]);
    }
}

/// A rule of `AuthenticationConfiguration` about the token would refuse each person here.
#[test]
fn claims_about_the_token_cannot_be_read() {
    let rules = |rule: Value| json!({"claimValidationRules": [rule], "admit": "ByRules"});
    for (changes, field) in [
        (
            rules(json!({"claim": "acr", "requiredValue": "phr"})),
            "spec.claimValidationRules[0].claim",
        ),
        (
            rules(json!({"expression": "claims.exp - claims.nbf <= 86400"})),
            "spec.claimValidationRules[0].expression",
        ),
        (
            json!({"userValidationRules": [{"expression": "'mfa' in claims.amr"}]}),
            "spec.userValidationRules[0].expression",
        ),
        (json!({"claimMappings": {"username": {"claim": "sid"}}}), "spec.claimMappings.username"),
        (
            json!({"claimMappings": {"groups": {"expression": "claims['amr']"}}}),
            "spec.claimMappings.groups.expression",
        ),
        (
            json!({"claimMappings": {"extra": [{"key": "level", "valueExpression": "claims.acr"}]}}),
            "spec.claimMappings.extra[0].valueExpression",
        ),
        (json!({"subject": {"claim": "sid"}}), "spec.subject.claim"),
    ] {
        assert_eq!(fields_of(&changes), [field], "{changes}");
    }
    let text = problems_of(&rules(json!({"claim": "acr", "requiredValue": "phr"}))).remove(0);
    assert!(text.contains("spec.assurance") && text.contains("access.acr"), "{text}");
}

/// Claims of an example may be copied from a token.
#[test]
fn claims_of_an_example_are_those_that_are_kept() {
    let example = |expression: &str| {
        json!({
            "claimValidationRules": [{"expression": expression}],
            "examples": [{
                "claims": {"sub": "1", "preferred_username": "ada", "exp": 1, "acr": "phr"},
                "expects": {"username": "ada"},
            }],
        })
    };
    assert_eq!(fields_of(&example("size(claims) == 2")), Vec::<String>::new());
    assert_eq!(fields_of(&example("size(claims) == 4")), ["spec.examples[0]"]);
}

#[test]
fn a_provider_without_addresses_has_neither_an_expression_nor_domains_for_them() {
    let none = json!({"claimMappings": {"email": {"claim": ""}}});
    assert_eq!(fields_of(&none), Vec::<String>::new());
    let both = json!({"claimMappings": {"email": {"claim": "", "expression": "claims.mail"}}});
    assert_eq!(fields_of(&both), ["spec.claimMappings.email"]);
    let mut domains = none;
    domains["emailDomains"] = json!(["acme.test"]);
    assert_eq!(fields_of(&domains), ["spec.emailDomains"]);
}
