use serde_json::json;

use super::*;
use crate::{
    expression::{Expression, ExpressionScope},
    model::{
        LdapAccount, LdapAddress, LdapFilter, LdapIdAttribute, LdapPeople, LdapSchema, LdapServer,
        LdapSettings, ObjectKey, Secret,
    },
    protocol::identity_provider::{ProviderSource, fixtures::sample_provider as provider},
};

fn mapped(provider: &IdentityProvider, claims: Value) -> Result<Account, MappingError> {
    let Value::Object(claims) = claims else { panic!("an object") };
    map_account(provider, &claims)
}

#[test]
fn claims_become_an_account() {
    let claims = json!({
        "sub": "1", "preferred_username": "Ada", "name": "Ada Lovelace", "given_name": "Ada",
        "email": "ada@acme.test", "email_verified": true, "groups": ["a"], "secret": "x",
        "picture": "javascript:alert(1)",
    });
    let account = mapped(&provider(), claims).expect("an account");
    assert_eq!((account.username.as_str(), account.groups), ("ada", vec!["a".to_owned()]));
    let expected = json!({
        "preferred_username": "Ada", "name": "Ada Lovelace", "given_name": "Ada",
        "email": "ada@acme.test", "email_verified": true,
    });
    assert_eq!(Value::Object(account.claims), expected);
    assert_eq!(account.source, AccountSource::Provider(ObjectKey::new("acme", "corp")));
}

#[test]
fn an_address_outside_the_providers_domains_is_never_verified() {
    let own = IdentityProvider { email_domains: vec!["acme.test".into()], ..provider() };
    let verified = |claims: Value| {
        let account = mapped(&own, claims).expect("an account");
        account.claims.get("email_verified").cloned()
    };
    let with = |email: &str, said: Value| json!({"sub": "1", "preferred_username": "x", "email": email, "email_verified": said});
    assert_eq!(verified(with("ada@ACME.test", json!(true))), Some(json!(true)));
    assert_eq!(verified(with("ada@acme.test", json!("true"))), Some(json!(true)));
    assert_eq!(verified(with("ada@other.test", json!(true))), Some(json!(false)));
    // Applications could read what precedes the domain as the address.
    for address in [
        "a@acme.test@evil.test",
        "victim@other.test@acme.test",
        "victim@other.test,x@acme.test",
        "victim@other.test <x@acme.test",
        "x y@acme.test",
    ] {
        let refused = mapped(&own, with(address, json!(true)));
        assert!(matches!(refused, Err(MappingError::BadText { part: "email", .. })), "{address}");
    }
    assert_eq!(verified(with("ada@acme.test", json!(null))), None);
}

#[test]
fn a_person_without_a_username_is_refused() {
    let refused = mapped(&provider(), json!({"sub": "1", "preferred_username": " "}));
    assert!(matches!(refused, Err(MappingError::NoText { part: "username", .. })));
    for name in [" ada", "ada\u{a0}", "ada\u{200b}", "\u{202e}ada"] {
        let spaced = mapped(&provider(), json!({"sub": "1", "preferred_username": name}));
        assert!(matches!(spaced, Err(MappingError::BadText { part: "username", .. })), "{name:?}");
    }
    let list = mapped(&provider(), json!({"sub": "1", "preferred_username": ["a"]}));
    assert!(matches!(list, Err(MappingError::BadText { part: "username", .. })));
    let long = mapped(&provider(), json!({"sub": "1", "preferred_username": "x".repeat(257)}));
    assert!(long.is_err());
}

#[test]
fn rules_refuse_with_their_message() {
    let requirement = ClaimRequirement::Claim { name: "hd".into(), value: "acme.test".into() };
    let message = Some("Use your Acme account.".to_owned());
    let rules = vec![ClaimRule { requirement, message: message.clone() }];
    let strict = IdentityProvider { claim_rules: rules, ..provider() };
    let claims = json!({"sub": "1", "preferred_username": "ada", "hd": "acme.test"});
    assert!(mapped(&strict, claims).is_ok());
    for hd in [json!("evil.test"), json!(null), json!(["acme.test"])] {
        let claims = json!({"sub": "1", "preferred_username": "ada", "hd": hd});
        let refused = mapped(&strict, claims).expect_err("refused");
        assert_eq!(refused, MappingError::Refused { index: 0, message: message.clone() });
    }
}

#[test]
fn expressions_map_and_judge() {
    let parse = |text: &str, scope| Expression::parse(text, scope).expect("an expression");
    let claims = |text: &str| parse(text, ExpressionScope::Claims);
    let mut provider = provider();
    provider.mappings.username.value =
        ValueSource::Expression(claims("claims.email.split('@')[0]"));
    provider.mappings.groups.value =
        Some(ValueSource::Expression(claims("claims.roles.map(role, 'r-' + role)")));
    provider.mappings.extra = vec![(
        "department".to_owned(),
        ValueSource::Expression(claims("claims.?dept.orValue('none')")),
    )];
    provider.user_rules = vec![UserRule {
        expression: parse("'r-staff' in user.groups", ExpressionScope::User),
        message: Some("Ask IT.".to_owned()),
    }];
    let person = json!({"sub": "1", "email": "ada@acme.test", "roles": ["staff"]});
    let account = mapped(&provider, person).expect("an account");
    assert_eq!((account.username.as_str(), account.groups), ("ada", vec!["r-staff".to_owned()]));
    assert_eq!(account.claims["department"], "none");
    let stranger = json!({"sub": "1", "email": "ada@acme.test", "roles": []});
    let refused = mapped(&provider, stranger).expect_err("refused");
    assert_eq!(refused.message_for_person(), Some("Ask IT."));
    // An expression that cannot be evaluated refuses, and names the missing claim.
    let lacking = mapped(&provider, json!({"sub": "1", "email": "ada@acme.test"}));
    assert!(lacking.is_err_and(|error| error.to_string().contains("roles")));
}

#[test]
fn rules_about_people_read_the_username_as_mapped_and_all_claims() {
    let rule = "user.username == 'Ada' && user.extra.preferred_username == 'Ada' && user.extra.email == 'ada@acme.test'";
    let expression = Expression::parse(rule, ExpressionScope::User).expect("an expression");
    let user_rules = vec![UserRule { expression, message: None }];
    let provider = IdentityProvider { user_rules, ..provider() };
    let claims = json!({"sub": "1", "preferred_username": "Ada", "email": "ada@acme.test"});
    let account = mapped(&provider, claims).expect("an account");
    assert_eq!(account.username, "ada", "rules of applications read the normalized name");
}

#[test]
fn of_several_values_of_an_attribute_the_first_counts_unless_it_identifies() {
    let settings = LdapSettings {
        schema: LdapSchema::OpenLdap,
        server: LdapServer {
            address: LdapAddress::parse("ldaps://ldap.acme.test").expect("an address"),
            certificates: None,
            inside_network: false,
        },
        account: LdapAccount { name: "cn=search".into(), password: Secret::new("x".into()) },
        people: LdapPeople {
            base: "dc=acme".into(),
            filter: LdapFilter::parse("(uid={username})").expect("a filter"),
            name: "uid".into(),
            id: LdapIdAttribute::EntryUuid,
            attributes: vec!["mail".into()],
        },
        groups: None,
    };
    let mut directory = provider();
    directory.source = ProviderSource::Ldap(Box::new(settings));
    directory.mappings.email = Some(ValueSource::Claim("mail".into()));
    let mails = json!(["ada@acme.test", "ada.lovelace@acme.test"]);
    let claims =
        json!({"sub": "1", "preferred_username": "ada", "name": ["Ada", "A"], "mail": mails});
    let account = mapped(&directory, claims.clone()).expect("an account");
    assert_eq!(account.claims["email"], "ada@acme.test");
    assert_eq!(account.claims["name"], "Ada");
    let names = json!({"sub": "1", "preferred_username": ["ada", "bob"]});
    assert!(matches!(
        mapped(&directory, names),
        Err(MappingError::BadText { part: "username", .. })
    ));
    // Claims of other providers have one value.
    directory.source = provider().source;
    assert!(matches!(mapped(&directory, claims), Err(MappingError::BadText { part: "name", .. })));
}

#[test]
fn many_costly_expressions_of_one_provider_are_bounded_together() {
    let rule = |message: &str| ClaimRule {
        requirement: ClaimRequirement::Expression(
            Expression::parse("!claims.x.matches('1[01]{100}[23]')", ExpressionScope::Claims)
                .expect("parsed"),
        ),
        message: Some(message.to_owned()),
    };
    let of = |rules: usize, len: usize| {
        let claim_rules = (0..rules).map(|_| rule("no")).collect();
        let provider = IdentityProvider { claim_rules, ..provider() };
        let text: String = (0..len).map(|n| if n * n % 7 < 3 { '0' } else { '1' }).collect();
        mapped(&provider, json!({"sub": "1", "preferred_username": "ada", "x": text})).map(|_| ())
    };
    assert_eq!(of(32, 64), Ok(()));
    let failed = of(32, 4000).expect_err("too many steps together");
    assert!(failed.to_string().contains("evaluated together take too many steps"), "{failed}");
}
