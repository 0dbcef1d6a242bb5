//! Tests of `Interaction`: its binding to browser and session, and its expiry.

use super::*;
use crate::protocol::{
    authorize::{Interaction, InteractionError, InteractionProgress, InteractionResult},
    records::{decode, encode},
};

const BEGUN: &str = "011c636c69656e745f69643d7465616d2e77696b692673746174653d7331d7e83e28a04b537e64424546b14caf9b67bad2f28dabce68116e0d372319fa00000000c0aed086e368";
const CONSENTING: &str = "011c636c69656e745f69643d7465616d2e77696b692673746174653d7331d7e83e28a04b537e64424546b14caf9b67bad2f28dabce68116e0d372319fa0001057369642d310280c0e285e36801066f70656e6964c0aed086e368";

fn begun() -> Interaction {
    Interaction::begin(&RequestParams::parse(with(&[]).as_bytes()), "cookie", None, NOW)
}

#[test]
fn decodes_what_was_encoded() {
    let interaction = begun();
    assert_eq!(decode::<Interaction>(&encode(&interaction)), Ok(interaction));
}

#[test]
fn the_format_is_stable() {
    // During a rolling update, a form rendered by one release may be submitted to the next.
    let query = "client_id=team.wiki&state=s1";
    let begun = Interaction::begin(&RequestParams::parse(query.as_bytes()), "cookie", None, NOW);
    let wishes = ["openid".to_owned()].into();
    let consenting = begun
        .clone()
        .with(&session(), InteractionProgress::SignedIn(NOW))
        .with_displayed_permissions(&wishes);
    for (interaction, expected) in [(begun, BEGUN), (consenting, CONSENTING)] {
        let bytes = encode(&interaction);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }
}

#[test]
fn contains_the_request_for_validating_it_again() {
    let ask = validate(&tenant(), &World::new(), &begun().params()).expect("still valid");
    assert_eq!(ask.redirect_uri.as_deref(), Some(REDIRECT));
}

#[test]
fn drops_unsupported_parameters() {
    let query = with(&[("utm_source", "mail"), ("state", "s1")]);
    let interaction =
        Interaction::begin(&RequestParams::parse(query.as_bytes()), "cookie", None, NOW);
    assert!(interaction.query().contains("state=s1"));
    assert!(!interaction.query().contains("utm_source"));
}

#[test]
fn is_bound_to_its_browser() {
    assert_eq!(begun().check(Some("cookie"), NOW), Ok(()));
    for other in [None, Some("other"), Some("")] {
        assert_eq!(begun().check(other, NOW), Err(InteractionError::OtherBrowser), "{other:?}");
    }
}

#[test]
fn expires_after_15_minutes_plus_clock_skew() {
    let after = |secs| begun().check(Some("cookie"), NOW.plus(Duration::from_secs(secs)));
    assert_eq!(after(959), Ok(()));
    assert_eq!(after(960), Err(InteractionError::Expired));
}

#[test]
fn a_sign_in_counts_only_for_the_session_it_created() {
    let session = session();
    let progress = InteractionProgress::SignedIn(session.authentication.auth_time);
    let interaction = begun().with(&session, progress);
    assert!(interaction.answers(Some(&session)).signed_in);

    let mut other = session.clone();
    other.sid = "sid-2".into();
    assert_eq!(interaction.answers(Some(&other)), InteractionResult::default());
    let mut earlier = session;
    earlier.authentication.auth_time = NOW.minus(Duration::from_secs(9999));
    assert!(!interaction.answers(Some(&earlier)).signed_in);
    assert_eq!(interaction.answers(None), InteractionResult::default());
}

#[test]
fn a_chosen_account_counts_only_for_its_session() {
    let interaction = begun().with(&session(), InteractionProgress::AccountChosen);
    assert!(interaction.answers(Some(&session())).account_chosen);
    assert!(!interaction.answers(Some(&session())).signed_in);
    assert_eq!(interaction.answers(None), InteractionResult::default());
}

#[test]
fn covers_the_displayed_scopes() {
    let shown = accepted(&[("scope", "openid")]).requested_permissions;
    let interaction = begun().with_displayed_permissions(&shown);
    assert!(interaction.covers(&accepted(&[("scope", "openid")])));
    assert!(!interaction.covers(&accepted(&[("scope", "openid badges")])));
    assert!(!begun().covers(&accepted(&[("scope", "openid")])));
}
