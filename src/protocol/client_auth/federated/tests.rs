use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{
    FederatedSubject, JwsAlgorithm, SubjectPattern, TokenValidation, fixtures::client,
    service_account_subject,
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const OWN: &str = "https://id.test/team/shop";
const CI: &str = "https://ci.test";
const CLUSTER: &str = "https://kubernetes.default.svc";

fn external(subject: FederatedSubject) -> FederatedCredential {
    FederatedCredential {
        issuer: FederatedIssuer::Named { issuer: CI.into(), jwks: None },
        subject,
        audience: OWN.into(),
        claims: [("environment".to_owned(), "production".to_owned())].into(),
    }
}

fn exact() -> FederatedCredential {
    external(FederatedSubject::Exact("repo:acme/shop".into()))
}

fn jwt(claims: Value) -> UnverifiedJwt {
    let Value::Object(claims) = claims else { panic!("an object") };
    UnverifiedJwt { algorithm: JwsAlgorithm::ES256, kid: None, typ: None, claims }
}

fn valid() -> UnverifiedJwt {
    jwt(json!({
        "iss": CI, "sub": "repo:acme/shop", "aud": OWN, "iat": NOW.secs(),
        "exp": NOW.secs() + 600, "environment": "production",
    }))
}

fn bearer(jwt: &UnverifiedJwt) -> FederatedAssertion<'_> {
    FederatedAssertion { form: AssertionForm::JwtBearer, jwt }
}

/// Returns true if a valid assertion with one claim changed is accepted; `Null` removes the claim.
fn with(name: &str, value: Value) -> bool {
    let mut jwt = valid();
    if value.is_null() {
        jwt.claims.remove(name);
    } else {
        jwt.claims.insert(name.to_owned(), value);
    }
    check_federated_claims(&exact(), bearer(&jwt), NOW).is_ok()
}

/// The number of credentials that an assertion may be for.
fn matching(credentials: &[FederatedCredential], form: AssertionForm, claims: Value) -> usize {
    let client = Client { federated_credentials: credentials.into(), ..client() };
    let jwt = jwt(claims);
    matching_credentials(&client, FederatedAssertion { form, jwt: &jwt }, Some(CLUSTER)).count()
}

#[test]
fn issuer_and_subject_are_those_of_a_credential() {
    // RFC 7523 §3, 1 and 2
    let of = |issuer: &str, subject: &str| {
        let credentials = [exact()];
        let claims = json!({ "iss": issuer, "sub": subject });
        matching(&credentials, AssertionForm::JwtBearer, claims)
    };
    assert_eq!(of(CI, "repo:acme/shop"), 1);
    for (issuer, subject) in [
        (CI, "repo:acme/other"),
        (CI, "repo:acme/shop "),
        ("https://ci.test/", "repo:acme/shop"),
        ("https://other.test", "repo:acme/shop"),
    ] {
        assert_eq!(of(issuer, subject), 0, "{issuer} {subject}");
    }
}

#[test]
fn the_cluster_is_the_issuer_of_service_accounts_only() {
    let subject = service_account_subject("shop", "billing");
    let exact = FederatedSubject::Exact(subject.as_str().into());
    let named = |issuer: &str| FederatedIssuer::Named { issuer: issuer.into(), jwks: None };
    let cluster = || FederatedIssuer::Cluster { validation: TokenValidation::Signature };
    let of = |issuer: FederatedIssuer, iss: &str| {
        let credential = FederatedCredential { issuer, ..external(exact.clone()) };
        let claims = json!({ "iss": iss, "sub": subject });
        matching(&[credential], AssertionForm::JwtBearer, claims)
    };
    assert_eq!(of(cluster(), CLUSTER), 1);
    assert_eq!(of(cluster(), CI), 0);
    assert_eq!(of(named(CI), CI), 1, "another cluster");
    assert_eq!(of(named(CLUSTER), CLUSTER), 0, "any namespace could name its ServiceAccounts");
    assert!(!cluster().matches_issuer(CLUSTER, None), "it is not known yet");
}

#[test]
fn patterns_match_within_parts() {
    let pattern = SubjectPattern::parse("repo:acme/*").expect("a pattern");
    let pattern = external(FederatedSubject::Pattern(pattern));
    let of = |subject: &str| {
        let claims = json!({ "iss": CI, "sub": subject });
        matching(std::slice::from_ref(&pattern), AssertionForm::JwtBearer, claims)
    };
    assert_eq!((of("repo:acme/shop"), of("repo:acme/shop:x"), of("repo:evil/shop")), (1, 0, 0));
}

#[test]
fn a_spiffe_identity_may_have_no_issuer() {
    // draft-ietf-oauth-spiffe-client-auth §4.1; JWT-SVID §3
    let credential = external(FederatedSubject::Exact("spiffe://acme.test/api".into()));
    let of = |form, claims| matching(std::slice::from_ref(&credential), form, claims);
    let (bare, named) = (
        json!({ "sub": "spiffe://acme.test/api" }),
        json!({ "sub": "spiffe://acme.test/api", "iss": CI }),
    );
    assert_eq!(of(AssertionForm::JwtSpiffe, bare.clone()), 1);
    assert_eq!(of(AssertionForm::JwtSpiffe, named), 1);
    assert_eq!(of(AssertionForm::JwtBearer, bare), 0);
    let other = json!({ "sub": "spiffe://acme.test/api", "iss": "https://other.test" });
    assert_eq!(of(AssertionForm::JwtSpiffe, other), 0);
}

#[test]
fn an_assertion_of_the_client_itself_is_not_federated() {
    let own = jwt(json!({ "iss": "team.wiki", "sub": "team.wiki" }));
    assert!(!is_federated(AssertionForm::JwtBearer, &own));
    assert!(is_federated(AssertionForm::JwtBearer, &valid()));
    assert!(is_federated(AssertionForm::JwtSpiffe, &own));
    // Unsigned, or signed with a secret: the client's own at best.
    for algorithm in [JwsAlgorithm::None, JwsAlgorithm::HS256] {
        let jwt = UnverifiedJwt { algorithm, ..valid() };
        assert!(!is_federated(AssertionForm::JwtBearer, &jwt));
        assert!(check_federated_assertion(AssertionForm::JwtBearer, &jwt).is_err());
    }
    assert!(check_federated_assertion(AssertionForm::JwtBearer, &valid()).is_ok());
    assert!(check_federated_assertion(AssertionForm::JwtSpiffe, &valid()).is_err(), "no SPIFFE ID");
}

#[test]
fn a_valid_assertion_is_accepted_again_and_again() {
    // Unlike RFC 7523 §3, 7: a Pod presents one token until the kubelet renews it.
    let jwt = valid();
    for _ in 0..3 {
        assert_eq!(check_federated_claims(&exact(), bearer(&jwt), NOW), Ok(()));
    }
}

#[test]
fn the_audience_is_exact_and_alone() {
    for (aud, good) in [
        (json!(OWN), true),
        (json!([OWN]), true),
        (json!([OWN, OWN]), false),
        (json!([OWN, "https://other.test"]), false),
        (json!([]), false),
        (json!([[OWN]]), false),
        (json!(format!("{OWN}/")), false),
        (json!(CI), false),
        (Value::Null, false),
    ] {
        assert_eq!(with("aud", aud.clone()), good, "{aud}");
    }
    let mut jwt = valid();
    jwt.claims.insert("aud".to_owned(), json!(["https://a.test", OWN]));
    let refused = check_federated_claims(&exact(), bearer(&jwt), NOW).expect_err("refused");
    let said = "'aud' of the client assertion is ['https://a.test','https://id.test/team/shop']; \
                it must be 'https://id.test/team/shop' alone.";
    assert_eq!(refused.public, said);
}

#[test]
fn it_expires_within_a_day_of_its_issue() {
    let now = NOW.secs();
    let issued = |iat: Value, exp: i64| {
        let mut jwt = valid();
        jwt.claims.insert("exp".to_owned(), json!(exp));
        if iat.is_null() {
            jwt.claims.remove("iat");
        } else {
            jwt.claims.insert("iat".to_owned(), iat);
        }
        check_federated_claims(&exact(), bearer(&jwt), NOW).is_ok()
    };
    assert!(issued(json!(now), now + 86_400) && !issued(json!(now), now + 86_401));
    assert!(issued(json!(now - 86_000), now + 400) && !issued(json!(now - 86_000), now + 401));
    assert!(issued(Value::Null, now + 86_400) && !issued(Value::Null, now + 86_401));
    assert!(!issued(json!(now - 60), now), "expired");
    assert!(!issued(json!(i64::MIN), i64::MAX), "no overflow");
    for bad in [Value::Null, json!("soon")] {
        assert!(!with("exp", bad.clone()), "{bad}");
    }
    for name in ["nbf", "iat"] {
        assert!(with(name, json!(now + 60)), "clocks differ");
        assert!(!with(name, json!(now + 61)) && !with(name, json!("now")));
    }
}

#[test]
fn all_required_claims_are_equal() {
    assert!(!with("environment", json!("staging")) && !with("environment", Value::Null));
    assert!(!with("environment", json!(["production"])));
    let mut credential = exact();
    credential.claims = [("protected", "true"), ("run", "7")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut jwt = valid();
    jwt.claims.insert("protected".to_owned(), json!(true));
    assert!(check_federated_claims(&credential, bearer(&jwt), NOW).is_err());
    jwt.claims.insert("run".to_owned(), json!(7));
    assert!(check_federated_claims(&credential, bearer(&jwt), NOW).is_ok());
}

#[test]
fn the_token_of_a_person_is_refused() {
    // OIDC Core §2
    for name in CLAIMS_OF_PEOPLE {
        assert!(!with(name, json!("x")), "{name}");
    }
}

#[test]
fn other_types_of_jwt_are_refused() {
    // RFC 8725 §3.11
    let typed = |form, typ: Option<&str>| {
        let jwt = UnverifiedJwt { typ: typ.map(str::to_owned), ..valid() };
        check_federated_claims(&exact(), FederatedAssertion { form, jwt: &jwt }, NOW).is_ok()
    };
    for typ in [None, Some("JWT"), Some("client-authentication+jwt")] {
        assert!(typed(AssertionForm::JwtBearer, typ), "{typ:?}");
    }
    for typ in ["at+jwt", "logout+jwt", "oauth-authz-req+jwt", "JOSE"] {
        assert!(!typed(AssertionForm::JwtBearer, Some(typ)), "{typ}");
    }
    assert!(typed(AssertionForm::JwtSpiffe, Some("JOSE")), "JWT-SVID §2.3");
}

proptest! {
    #[test]
    fn checking_any_claims_never_panics(
        iat: i64, exp: i64, nbf: f64, aud in ".{0,40}", sub in ".{0,40}", iss in ".{0,20}",
    ) {
        let jwt = jwt(json!({
            "iss": iss, "sub": sub, "aud": [aud], "exp": exp, "iat": iat, "nbf": nbf,
        }));
        for form in [AssertionForm::JwtBearer, AssertionForm::JwtSpiffe] {
            let _ = check_federated_assertion(form, &jwt);
            let _ = check_federated_claims(&exact(), FederatedAssertion { form, jwt: &jwt }, NOW);
        }
    }
}
