//! Tests of `decide_next_step`: they start with a request that is ready for a response, and change one thing.

use super::*;
use crate::model::{AcrLevel, ClientDetails, ObjectMark, RequiredFactor};
use crate::protocol::{
    access::AccessDenial,
    authentication::SignInWay,
    authorize::{
        AuthorizationState, InteractionResult, NextStep, SignInReason,
        decide_next_step as decide_state, validate_backchannel_request,
    },
    consent::extend_consent,
    records::{AccountMarks, Consent, SignInOrigin},
};
use ErrorCode::{ConsentRequired, LoginRequired};

const SIGNED_IN: InteractionResult =
    InteractionResult { signed_in: true, account_chosen: false, consented: false };

fn decide(
    request: &AuthorizationRequest,
    session: Option<&Session>,
    consent: Option<&Consent>,
    completed: InteractionResult,
    now: Timestamp,
) -> Result<NextStep, OAuthError> {
    let ways = &[SignInWay::by_password(None)];
    let state = AuthorizationState {
        session,
        consent,
        completed,
        second_factor: &[],
        wants_second_factor: false,
        ways,
        sufficient_levels: None,
        refusal: None,
    };
    decide_state(request, state, now)
}

fn some_marks() -> AccountMarks {
    let mark = ObjectMark::of("uid");
    AccountMarks { person: mark, tenant: mark, credential: None, generation: 1 }
}

fn agreed(scopes: &[&str]) -> Consent {
    extend_consent(None, &scopes.iter().map(|&scope| scope.to_owned()).collect(), some_marks(), NOW)
}

/// Returns the next step for Alice, who signed in ten minutes ago and consented to everything.
fn next(
    changes: &[(&'static str, &str)],
    answers: InteractionResult,
) -> Result<NextStep, ErrorCode> {
    let consent = agreed(&["openid", "profile", "offline_access"]);
    decide(&accepted(changes), Some(&session()), Some(&consent), answers, NOW)
        .map_err(|error| error.code)
}

fn next_without_session(changes: &[(&'static str, &str)]) -> Result<NextStep, ErrorCode> {
    decide(&accepted(changes), None, None, InteractionResult::default(), NOW)
        .map_err(|error| error.code)
}

fn next_with_consent(changes: &[(&'static str, &str)], consent: Option<&Consent>) -> NextStep {
    decide(&accepted(changes), Some(&session()), consent, InteractionResult::default(), NOW)
        .expect("decides")
}

#[test]
fn issues_at_once_if_signed_in_and_consented() {
    assert_eq!(next(&[], InteractionResult::default()), Ok(NextStep::Issue));
    assert_eq!(next(&[("prompt", "none")], InteractionResult::default()), Ok(NextStep::Issue));
}

#[test]
fn requires_a_sign_in_without_a_session() {
    assert_eq!(next_without_session(&[]), Ok(NextStep::SignIn(SignInReason::NoSession)));
}

#[test]
fn shows_no_page_with_prompt_none() {
    // OIDC Core §3.1.2.6
    let none = ("prompt", "none");
    assert_eq!(next_without_session(&[none]), Err(LoginRequired));
    assert_eq!(next(&[none, ("max_age", "60")], InteractionResult::default()), Err(LoginRequired));
    let ask = accepted(&[none]);
    let error = decide(&ask, Some(&session()), None, InteractionResult::default(), NOW);
    assert_eq!(error.map_err(|error| error.code), Err(ConsentRequired));
}

#[test]
fn prompt_login_requires_a_sign_in_within_this_interaction() {
    // OIDC Core §3.1.2.1
    let login = [("prompt", "login")];
    assert_eq!(
        next(&login, InteractionResult::default()),
        Ok(NextStep::SignIn(SignInReason::Again))
    );
    let chosen = InteractionResult { account_chosen: true, ..InteractionResult::default() };
    assert_eq!(next(&login, chosen), Ok(NextStep::SignIn(SignInReason::Again)));
    assert_eq!(next(&login, SIGNED_IN), Ok(NextStep::Issue));
}

#[test]
fn requires_a_sign_in_if_the_last_is_older_than_max_age() {
    // OIDC Core §3.1.2.1; the session is 600 seconds old
    let again = Ok(NextStep::SignIn(SignInReason::Again));
    assert_eq!(next(&[("max_age", "600")], InteractionResult::default()), Ok(NextStep::Issue));
    assert_eq!(next(&[("max_age", "599")], InteractionResult::default()), again);
    assert_eq!(next(&[("max_age", "599")], SIGNED_IN), Ok(NextStep::Issue));
}

#[test]
fn requires_a_sign_in_one_moment_after_max_age() {
    // OIDC Core §3.1.2.1: "greater than this value"
    let mut fresh = session();
    fresh.authentication.events[0].at = NOW.minus(Duration::from_millis(1001));
    let consent = agreed(&["openid", "profile"]);
    let next = |seconds| {
        let ask = accepted(&[("max_age", seconds)]);
        decide(&ask, Some(&fresh), Some(&consent), InteractionResult::default(), NOW)
    };
    assert_eq!(next("1"), Ok(NextStep::SignIn(SignInReason::Again)));
    assert_eq!(next("2"), Ok(NextStep::Issue));
}

#[test]
fn accepts_any_user_in_the_values_of_sub() {
    // OIDC Core §5.5.1
    let sub = |sub: Value| json!({"id_token": {"sub": sub}}).to_string();
    let silent = |claims: &str, more: &[(&'static str, &str)]| {
        let mut changes = vec![("claims", claims), ("prompt", "none")];
        changes.extend(more);
        next(&changes, InteractionResult::default())
    };
    let (alice, bob) = (sub(json!({"value": "alice-id"})), sub(json!({"value": "bob-id"})));
    let either = sub(json!({"values": ["bob-id", "alice-id"]}));
    assert_eq!(silent(&alice, &[]), Ok(NextStep::Issue));
    assert_eq!(silent(&either, &[]), Ok(NextStep::Issue));
    assert_eq!(silent(&bob, &[]), Err(LoginRequired));
    assert_eq!(silent(&either, &[("id_token_hint", "hint")]), Ok(NextStep::Issue));
}

#[test]
fn contradicting_hints_fail_without_a_sign_in() {
    // OIDC Core §3.1.2.1: the hint is for Alice, `sub` for Bob
    let claims = json!({"id_token": {"sub": {"value": "bob-id"}}}).to_string();
    let both = [("claims", claims.as_str()), ("id_token_hint", "hint")];
    assert_eq!(next(&both, InteractionResult::default()), Err(LoginRequired));
    assert_eq!(next_without_session(&both), Err(LoginRequired));
}

#[test]
fn treats_max_age_zero_as_prompt_login() {
    // OIDC Core §3.1.2.1
    let mut fresh = session();
    fresh.authentication.events[0].at = NOW;
    let ask = accepted(&[("max_age", "0")]);
    let consent = agreed(&["openid", "profile"]);
    let next = |answers| decide(&ask, Some(&fresh), Some(&consent), answers, NOW);
    assert_eq!(next(InteractionResult::default()), Ok(NextStep::SignIn(SignInReason::Again)));
    assert_eq!(next(SIGNED_IN), Ok(NextStep::Issue));
}

#[test]
fn select_account_asks_once() {
    let select = [("prompt", "select_account")];
    assert_eq!(next(&select, InteractionResult::default()), Ok(NextStep::ChooseAccount));
    let chosen = InteractionResult { account_chosen: true, ..InteractionResult::default() };
    assert_eq!(next(&select, chosen), Ok(NextStep::Issue));
    assert_eq!(next(&select, SIGNED_IN), Ok(NextStep::Issue));
}

#[test]
fn accepts_only_the_user_of_the_hint() {
    // OIDC Core §3.1.2.1
    let mut world = World::new();
    world.hint = Some(json!({"iss": "https://id.test/team/shop", "sub": "bob-id"}));
    let decide_with = |changes: &[(&'static str, &str)], answers| {
        let ask = world.ask(&with(changes)).expect("valid");
        decide(&ask, Some(&session()), None, answers, NOW).map_err(|error| error.code)
    };
    let hint = ("id_token_hint", "hint");
    assert_eq!(
        decide_with(&[hint], InteractionResult::default()),
        Ok(NextStep::SignIn(SignInReason::OtherPerson))
    );
    assert_eq!(decide_with(&[hint], SIGNED_IN), Err(LoginRequired));
    assert_eq!(
        decide_with(&[hint, ("prompt", "none")], InteractionResult::default()),
        Err(LoginRequired)
    );
    assert_eq!(
        next(&[hint], InteractionResult::default()),
        Ok(NextStep::Issue),
        "the hint is for Alice"
    );
}

#[test]
fn consent_is_remembered_per_scope() {
    // OIDC Core §3.1.2.4
    assert_eq!(next_with_consent(&[], None), NextStep::AskConsent);
    assert_eq!(next_with_consent(&[], Some(&agreed(&["openid"]))), NextStep::AskConsent);
    let more = agreed(&["openid", "profile", "email"]);
    assert_eq!(next_with_consent(&[], Some(&more)), NextStep::Issue);
}

#[test]
fn prompt_consent_always_asks() {
    // OIDC Core §3.1.2.1
    assert_eq!(
        next(&[("prompt", "consent")], InteractionResult::default()),
        Ok(NextStep::AskConsent)
    );
    let consented = InteractionResult { consented: true, ..InteractionResult::default() };
    assert_eq!(next(&[("prompt", "consent")], consented), Ok(NextStep::Issue));
}

#[test]
fn implied_consent_never_asks() {
    let mut world = World::new();
    world.client.consent = ConsentPolicy::Implied;
    let next = |changes: &[(&'static str, &str)]| {
        let ask = world.ask(&with(changes)).expect("valid");
        decide(&ask, Some(&session()), None, InteractionResult::default(), NOW)
    };
    assert_eq!(next(&[]), Ok(NextStep::Issue));
    assert_eq!(next(&[("scope", "openid offline_access")]), Ok(NextStep::Issue));
    assert_eq!(next(&[("prompt", "consent")]), Ok(NextStep::AskConsent));
}

#[test]
fn authorization_details_need_consent_each_time() {
    let mut world = World::new();
    let details = ("authorization_details", r#"[{"type":"tickets.refund","amount":1}]"#);
    for policy in [ConsentPolicy::Required, ConsentPolicy::Implied] {
        world.client.consent = policy;
        let ask = |changes: &[(&'static str, &str)]| world.ask(&with(changes)).expect("valid");
        let request = ask(&[details]);
        let all = request.requested_permissions.iter().map(String::as_str).collect::<Vec<_>>();
        let consent = agreed(&all);
        let next = |request: &AuthorizationRequest, completed| {
            decide(request, Some(&session()), Some(&consent), completed, NOW)
        };
        assert_eq!(next(&request, InteractionResult::default()), Ok(NextStep::AskConsent));
        let consented = InteractionResult { consented: true, ..InteractionResult::default() };
        assert_eq!(next(&request, consented), Ok(NextStep::Issue));
        let silent = next(&ask(&[details, ("prompt", "none")]), InteractionResult::default());
        assert_eq!(silent.map_err(|error| error.code), Err(ConsentRequired));
    }
}

#[test]
fn offline_access_needs_consent_once() {
    // OIDC Core §11
    let offline = [("scope", "openid offline_access")];
    assert_eq!(next_with_consent(&offline, Some(&agreed(&["openid"]))), NextStep::AskConsent);
    assert_eq!(
        next_with_consent(&offline, Some(&agreed(&["openid", "offline_access"]))),
        NextStep::Issue
    );
}

#[test]
fn consent_adds_to_earlier_consent() {
    let first = agreed(&["openid"]);
    let scopes = BTreeSet::from(["email".to_owned()]);
    let both = extend_consent(Some(&first), &scopes, some_marks(), NOW);
    assert_eq!(both.scopes, BTreeSet::from(["openid".to_owned(), "email".to_owned()]));
}

/// The request of a tenant with levels, one of which access rules require, for a session of `corp`.
fn next_by_ways(ways: &[SignInWay], completed: InteractionResult) -> Result<NextStep, ErrorCode> {
    let levels = vec![AcrLevel { value: "gold".to_owned(), amr: vec!["mfa".to_owned()] }];
    let request = AuthorizationRequest { acr_levels: levels.clone(), ..accepted(&[]) };
    let origin = SignInOrigin { provider: "corp".to_owned(), upstream_session: None };
    let session = Session { origin: Some(origin), ..session() };
    let state = AuthorizationState {
        second_factor: &[],
        wants_second_factor: false,
        session: Some(&session),
        consent: None,
        completed,
        ways,
        sufficient_levels: Some(&levels),
        refusal: Some(&AccessDenial::HigherLevel { levels: vec!["gold".to_owned()] }),
    };
    decide_state(&request, state, NOW).map_err(|error| error.code)
}

#[test]
fn a_required_factor_is_proved_in_the_session_or_the_entry_is_refused() {
    // OIDC Core §3.1.2.6: login_required
    let next = |silent: bool, factor, second_factor: &[AuthenticationMethod]| {
        let request = accepted(if silent { &[("prompt", "none")] } else { &[] });
        let session = session();
        let state = AuthorizationState {
            second_factor,
            wants_second_factor: false,
            session: Some(&session),
            consent: None,
            completed: InteractionResult::default(),
            ways: &[],
            sufficient_levels: None,
            refusal: Some(&AccessDenial::MissingFactor(factor)),
        };
        decide_state(&request, state, NOW).map_err(|error| error.code)
    };
    let (app, passkey) =
        (AuthenticationMethod::of_second_factor(), AuthenticationMethod::of_passkey());
    let (second, only) = (RequiredFactor::SecondFactor, RequiredFactor::Passkey);
    assert_eq!(next(false, second, &app), Ok(NextStep::SecondFactor));
    assert_eq!(next(false, second, &[]), Ok(NextStep::RefuseEntry));
    assert_eq!(next(false, only, &app), Ok(NextStep::RefuseEntry));
    assert_eq!(next(false, only, &passkey), Ok(NextStep::SecondFactor));
    for factors in [&app[..], &[]] {
        assert_eq!(next(true, second, factors), Err(ErrorCode::LoginRequired));
    }
}

#[test]
fn a_higher_level_leads_to_a_sign_in_by_a_way_that_was_not_tried() {
    let way = |name: &str, methods: &[&str]| SignInWay {
        provider: Some(name.to_owned()),
        methods: methods.iter().map(|it| AuthenticationMethod::new(it)).collect(),
    };
    let none = InteractionResult::default();
    let (step_up, unmet) = (
        Ok(NextStep::SignIn(SignInReason::HigherLevel)),
        Err(ErrorCode::UnmetAuthenticationRequirements),
    );
    let (corp, other) = (way("corp", &["fed", "mfa"]), way("other", &["fed", "mfa"]));
    assert_eq!(next_by_ways(std::slice::from_ref(&corp), none), step_up);
    assert_eq!(
        next_by_ways(std::slice::from_ref(&corp), SIGNED_IN),
        unmet,
        "it did not raise the level"
    );
    assert_eq!(next_by_ways(&[corp, other], SIGNED_IN), step_up);
    assert_eq!(next_by_ways(&[SignInWay::by_password(None)], none), unmet);
    assert_eq!(next_by_ways(&[], none), unmet);
}

/// The next step of a request over the backchannel, by a password or by `corp` with two factors.
fn next_of_backchannel(
    query: &str,
    defaults: &[&str],
    by_corp: bool,
) -> Result<NextStep, ErrorCode> {
    let mut world = World::new();
    world.tenant.acr_levels =
        vec![AcrLevel { value: "gold".to_owned(), amr: vec!["mfa".to_owned()] }];
    let default_acr_values = defaults.iter().map(|it| (*it).to_owned()).collect();
    world.client.details =
        Arc::new(ClientDetails { default_acr_values, ..ClientDetails::default() });
    let params = RequestParams::parse(query.as_bytes());
    let request = validate_backchannel_request(&world.tenant, &world, &params, None);
    let corp = SignInWay {
        provider: Some("corp".to_owned()),
        methods: ["fed", "mfa"].map(AuthenticationMethod::new).into(),
    };
    let (ways, session) = ([SignInWay::by_password(None), corp], session());
    let state = AuthorizationState {
        second_factor: &[],
        wants_second_factor: false,
        session: Some(&session),
        consent: None,
        completed: InteractionResult::default(),
        ways: if by_corp { &ways } else { &ways[..1] },
        sufficient_levels: None,
        refusal: None,
    };
    decide_state(&request.expect("valid"), state, NOW).map_err(|error| error.code)
}

#[test]
fn a_request_over_the_backchannel_has_to_reach_its_levels() {
    // CIBA Core §7.1, `acr_values`; OIDC Registration §2, `default_acr_values`
    let plain = "client_id=team.wiki&scope=openid";
    let gold = "client_id=team.wiki&scope=openid&acr_values=gold";
    assert_eq!(next_of_backchannel(plain, &[], false), Ok(NextStep::AskConsent));
    for (query, defaults) in [(gold, &[][..]), (plain, &["gold"][..])] {
        let unmet = Err(ErrorCode::UnmetAuthenticationRequirements);
        assert_eq!(next_of_backchannel(query, defaults, false), unmet, "{query}");
        let elsewhere = Ok(NextStep::SignIn(SignInReason::HigherLevel));
        assert_eq!(next_of_backchannel(query, defaults, true), elsewhere, "{query}");
    }
}
