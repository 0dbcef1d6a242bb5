//! Tests of `may_enter`.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    expression::{Expression, ExpressionScope},
    model::{AccessRule, AuthenticatorPolicy, Subject, TenantAuthenticators, Timestamp, fixtures},
    protocol::authentication::{AuthenticationEvent, AuthenticationMethod},
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn rule(expression: &str, message: Option<&str>) -> AccessRule {
    let expression = Expression::parse(expression, ExpressionScope::Access).expect(expression);
    AccessRule { expression, message: message.map(str::to_owned) }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn account() -> Account {
    let mut account = fixtures::user();
    account.groups = texts(&["staff", "dev"]);
    account.claims = json!({"email": "ada@acme.test", "department": "sales"})
        .as_object()
        .expect("claims")
        .clone();
    account
}

fn signed_in(methods: &[&str]) -> Authentication {
    let password = AuthenticationMethod::password();
    let mut authentication = Authentication::by(password, Subject::new("ada"), NOW);
    authentication.events.extend(
        methods.iter().map(|method| AuthenticationEvent {
            method: AuthenticationMethod::new(method),
            at: NOW,
        }),
    );
    authentication
}

fn enter_with(
    of_tenant: Option<AccessPolicy>,
    of_client: Option<AccessPolicy>,
    methods: &[&str],
) -> Result<(), AccessDenial> {
    let level = |value: &str, amr: &[&str]| AcrLevel { value: value.into(), amr: texts(amr) };
    let levels = vec![level("gold", &["hwk"]), level("silver", &["otp"]), level("one", &["pwd"])];
    let tenant =
        Tenant { access: of_tenant.map(Arc::new), acr_levels: levels, ..fixtures::tenant() };
    let client = Client { access: of_client.map(Arc::new), ..fixtures::client() };
    may_enter(&account(), &client, &tenant, &signed_in(methods))
}

fn cause(policy: AccessPolicy) -> Option<RefusalCause> {
    match enter_with(None, Some(policy), &[]) {
        Ok(()) => None,
        Err(AccessDenial::Refused(refused)) => Some(refused.cause),
        Err(other) => panic!("nothing else is required: {other:?}"),
    }
}

#[test]
fn every_restriction_must_let_a_person_in() {
    assert_eq!(enter_with(None, None, &[]), Ok(()));
    let policy = AccessPolicy::default;
    assert_eq!(cause(policy()), None);
    assert_eq!(cause(AccessPolicy { providers: texts(&["Local"]), ..policy() }), None);
    let other = AccessPolicy { providers: texts(&["corp"]), ..policy() };
    assert_eq!(cause(other), Some(RefusalCause::Provider));
    assert_eq!(cause(AccessPolicy { groups: texts(&["x", "dev"]), ..policy() }), None);
    assert_eq!(
        cause(AccessPolicy { groups: texts(&["x"]), ..policy() }),
        Some(RefusalCause::Group)
    );
    let with = |rules: Vec<AccessRule>| AccessPolicy { rules, ..policy() };
    let sales = "user.extra.department == 'sales' && user.email.endsWith('@acme.test')";
    assert_eq!(cause(with(vec![rule(sales, None)])), None);
    assert_eq!(
        cause(with(vec![rule(sales, None), rule("'x' in user.groups", None)])),
        Some(RefusalCause::Rule(1))
    );
    let failed = cause(with(vec![rule("user.extra.absent == 'x'", None)]));
    assert!(matches!(failed, Some(RefusalCause::FailedRule(0, _))), "{failed:?}");
}

#[test]
fn a_refusal_has_the_message_of_the_rule_or_of_the_policy() {
    let message = |of_rule: Option<&str>| {
        let policy = AccessPolicy {
            rules: vec![rule("false", of_rule)],
            message: Some("Ask IT.".into()),
            ..AccessPolicy::default()
        };
        match enter_with(Some(policy), None, &[]) {
            Err(AccessDenial::Refused(refused)) => (refused.by, refused.message),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(message(None), (PolicyOwner::Tenant, Some("Ask IT.".into())));
    assert_eq!(message(Some("No.")), (PolicyOwner::Tenant, Some("No.".into())));
}

#[test]
fn a_level_or_a_better_one_must_be_reached() {
    let silver = || Some(AccessPolicy { acr: Some("silver".into()), ..AccessPolicy::default() });
    let missing = Err(AccessDenial::HigherLevel { levels: texts(&["gold", "silver"]) });
    assert_eq!(enter_with(None, silver(), &[]), missing);
    assert_eq!(enter_with(silver(), None, &[]), missing);
    assert_eq!(enter_with(silver(), silver(), &["otp"]), Ok(()));
    assert_eq!(enter_with(None, silver(), &["hwk"]), Ok(()), "a better one suffices");
    let unknown = AccessPolicy { acr: Some("lost".into()), ..AccessPolicy::default() };
    let never = Err(AccessDenial::HigherLevel { levels: Vec::new() });
    assert_eq!(enter_with(None, Some(unknown), &["hwk", "otp"]), never, "it fails closed");
    let refused = AccessPolicy { groups: texts(&["x"]), ..AccessPolicy::default() };
    let both = enter_with(silver(), Some(refused), &[]);
    assert!(matches!(both, Err(AccessDenial::Refused(_))), "no step-up for one who is refused");
}

#[test]
fn a_required_factor_is_asked_for_before_a_level_and_after_the_policies() {
    let authenticators = TenantAuthenticators {
        totp: AuthenticatorPolicy::Required,
        ..TenantAuthenticators::default()
    };
    let enter = |policy: Option<AccessPolicy>, methods: &[&str]| {
        let tenant = Tenant { authenticators, ..fixtures::tenant() };
        let client = Client { access: policy.map(Arc::new), ..fixtures::client() };
        may_enter(&account(), &client, &tenant, &signed_in(methods))
    };
    let missing = Err(AccessDenial::MissingFactor(RequiredFactor::SecondFactor));
    assert_eq!(enter(None, &["pwd"]), missing);
    assert_eq!(enter(None, &["pwd", "otp", "mfa"]), Ok(()));
    let level = AccessPolicy { acr: Some("lost".into()), ..AccessPolicy::default() };
    assert_eq!(enter(Some(level), &["pwd"]), missing);
    let refused = AccessPolicy { groups: texts(&["x"]), ..AccessPolicy::default() };
    assert!(matches!(enter(Some(refused), &["pwd"]), Err(AccessDenial::Refused(_))));
}

#[test]
fn the_stricter_level_decides_and_an_unknown_one_is_never_reached() {
    let level = |value: &str| AcrLevel { value: value.into(), amr: texts(&[value]) };
    let acr_levels = vec![level("gold"), level("silver"), level("one")];
    let policy = |acr: &str| {
        Some(Arc::new(AccessPolicy { acr: Some(acr.into()), ..AccessPolicy::default() }))
    };
    let sufficient = |of_tenant: Option<Arc<AccessPolicy>>,
                      of_client: Option<Arc<AccessPolicy>>| {
        let tenant =
            Tenant { access: of_tenant, acr_levels: acr_levels.clone(), ..fixtures::tenant() };
        let client = Client { access: of_client, ..fixtures::client() };
        let levels = sufficient_levels(&client, &tenant);
        levels.map(|levels| levels.iter().map(|it| it.value.clone()).collect::<Vec<_>>())
    };
    assert_eq!(sufficient(None, None), None);
    assert_eq!(sufficient(Some(Arc::default()), Some(Arc::default())), None);
    assert_eq!(sufficient(policy("silver"), None), Some(texts(&["gold", "silver"])));
    assert_eq!(sufficient(policy("silver"), policy("gold")), Some(texts(&["gold"])));
    assert_eq!(sufficient(policy("gold"), policy("one")), Some(texts(&["gold"])));
    assert_eq!(sufficient(policy("lost"), policy("one")), Some(vec![]));
}

#[test]
fn lists_of_providers_decide_by_which_way_people_come() {
    let list = |providers: &[&str]| {
        Some(Arc::new(AccessPolicy { providers: texts(providers), ..AccessPolicy::default() }))
    };
    let tenant = Tenant { access: list(&["corp", "Local"]), ..fixtures::tenant() };
    let client = Client { access: list(&["corp", "other"]), ..fixtures::client() };
    let free = fixtures::client();
    assert!(admits_provider(&client, &tenant, Some("corp")));
    assert!(!admits_provider(&client, &tenant, Some("other")));
    assert!(!admits_provider(&client, &tenant, None));
    assert!(admits_provider(&free, &tenant, None) && !admits_provider(&free, &tenant, Some("x")));
    assert!(admits_provider(&free, &fixtures::tenant(), Some("x")));
}

/// A namespace with many costly rules is answered for in bounded time, and hides its own clients only.
#[test]
fn the_clients_of_a_namespace_share_the_steps_of_their_rules() {
    let costly = rule("!user.extra.department.matches('1[01]{100}[23]')", None);
    let client = |namespace: &str| {
        let policy = AccessPolicy { rules: vec![costly.clone()], ..AccessPolicy::default() };
        let object = crate::model::ObjectKey::new(namespace, "app");
        Client { object, access: Some(Arc::new(policy)), ..fixtures::client() }
    };
    let mut account = account();
    account.claims.insert("department".into(), "01".repeat(2000).into());
    let (tenant, authentication) = (fixtures::tenant(), signed_in(&[]));
    let (hostile, other) = (client("hostile"), client("other"));
    let mut evaluator = ClientAccessEvaluator::new(&account, &tenant, &authentication);
    let admitted = (0..1000).filter(|_| evaluator.admits(&hostile)).count();
    assert!((5..200).contains(&admitted), "{admitted}");
    assert!(!evaluator.admits(&hostile) && evaluator.admits(&other));
}

fn policies() -> impl Strategy<Value = Option<AccessPolicy>> {
    let some_of = |words: &'static [&'static str]| {
        prop::collection::vec(prop::sample::select(words), 0..3).prop_map(|words| texts(&words))
    };
    let rules =
        ["true", "false", "'dev' in user.groups", "user.email == 'x'", "user.provider == ''"];
    let policy = (
        some_of(&["Local", "corp"]),
        some_of(&["staff", "x"]),
        prop::option::of(prop::sample::select(vec!["gold", "silver", "one", "lost"])),
        prop::collection::vec(prop::sample::select(rules.to_vec()), 0..3),
    );
    let policy = policy.prop_map(|(providers, groups, acr, rules)| AccessPolicy {
        providers,
        groups,
        acr: acr.map(str::to_owned),
        rules: rules.into_iter().map(|text| rule(text, None)).collect(),
        message: None,
    });
    prop::option::of(policy)
}

proptest! {
    #[test]
    fn a_client_only_narrows(
        tenant in policies(),
        client in policies(),
        methods in prop::collection::vec(prop::sample::select(vec!["otp", "hwk"]), 0..3),
    ) {
        let both = enter_with(tenant.clone(), client.clone(), &methods);
        let alone = enter_with(tenant, None, &methods).and(enter_with(None, client, &methods));
        prop_assert_eq!(both.is_ok(), alone.is_ok());
    }
}
