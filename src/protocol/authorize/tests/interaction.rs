//! Tests of `Interaction`: its binding to browser and session, and its expiry.

use super::*;
use crate::protocol::{
    authorize::{Interaction, InteractionError, InteractionProgress, InteractionResult},
    records::{decode_record, encode_record},
};

const BEGUN: &str = "10001c636c69656e745f69643d7465616d2e77696b692673746174653d733101d7e83e28a04b537e64424546b14caf9b67bad2f28dabce68116e0d372319fa00000000c0aed086e368";
const CONSENTING: &str = "10001c636c69656e745f69643d7465616d2e77696b692673746174653d733101d7e83e28a04b537e64424546b14caf9b67bad2f28dabce68116e0d372319fa0001057369642d310280c0e285e36801066f70656e6964c0aed086e368";
/// The same in the format 0.1.
const BEGUN_V0: &str = "011c636c69656e745f69643d7465616d2e77696b692673746174653d7331d7e83e28a04b537e64424546b14caf9b67bad2f28dabce68116e0d372319fa00000000c0aed086e368";
const CONSENTING_V0: &str = "011c636c69656e745f69643d7465616d2e77696b692673746174653d7331d7e83e28a04b537e64424546b14caf9b67bad2f28dabce68116e0d372319fa0001057369642d310280c0e285e36801066f70656e6964c0aed086e368";

fn begun() -> Interaction {
    Interaction::authorize(&RequestParams::parse(with(&[]).as_bytes()), "cookie", None, NOW)
}

#[test]
fn decodes_what_was_encoded() {
    let interaction = begun();
    assert_eq!(decode_record::<Interaction>(&encode_record(&interaction)), Ok(interaction));
}

/// The interactions whose formats are frozen.
fn frozen() -> [Interaction; 2] {
    let query = "client_id=team.wiki&state=s1";
    let begun =
        Interaction::authorize(&RequestParams::parse(query.as_bytes()), "cookie", None, NOW);
    let permissions = ["openid".to_owned()].into();
    let consenting = begun
        .clone()
        .with(&session(), InteractionProgress::SignedIn(NOW))
        .with_displayed_permissions(&permissions);
    [begun, consenting]
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[test]
fn the_format_of_interactions_is_stable() {
    // During a rolling update, a form rendered by one release may be submitted to the next.
    for (interaction, expected) in frozen().iter().zip([BEGUN, CONSENTING]) {
        assert_eq!(encode_record(interaction), bytes(expected));
    }
}

#[test]
fn the_first_format_is_read() {
    for (interaction, first) in frozen().into_iter().zip([BEGUN_V0, CONSENTING_V0]) {
        assert_eq!(decode_record(&bytes(first)), Ok(interaction));
    }
}

#[test]
fn the_question_about_signing_out_needs_no_cookie_but_its_session() {
    let question = Interaction::end_session(None, &session(), NOW);
    assert_eq!(question.check(None, NOW), Ok(()));
    assert!(question.belongs_to(&session()));
    assert_eq!(question.authorization_query(), None);
}

#[test]
fn contains_the_request_for_validating_it_again() {
    let ask = validate_authorization_request(
        &tenant(),
        &World::new(),
        &begun().authorization_params().expect("it authorizes"),
    )
    .expect("still valid");
    assert_eq!(ask.redirect_uri.as_deref(), Some(REDIRECT));
}

#[test]
fn drops_unsupported_parameters() {
    let query = with(&[("utm_source", "mail"), ("state", "s1")]);
    let interaction =
        Interaction::authorize(&RequestParams::parse(query.as_bytes()), "cookie", None, NOW);
    assert!(interaction.authorization_query().expect("it authorizes").contains("state=s1"));
    assert!(!interaction.authorization_query().expect("it authorizes").contains("utm_source"));
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
    let progress = InteractionProgress::SignedIn(session.authentication.auth_time());
    let interaction = begun().with(&session, progress);
    assert!(interaction.completed(&session).signed_in);

    let mut other = session.clone();
    other.sid = "sid-2".into();
    assert_eq!(interaction.completed(&other), InteractionResult::default());
    let mut earlier = session;
    earlier.authentication.events[0].at = NOW.minus(Duration::from_secs(9999));
    assert!(!interaction.completed(&earlier).signed_in);
}

#[test]
fn a_chosen_account_counts_only_for_its_session() {
    let interaction = begun().with(&session(), InteractionProgress::AccountChosen);
    assert!(interaction.completed(&session()).account_chosen);
    assert!(!interaction.completed(&session()).signed_in);
}

#[test]
fn covers_the_displayed_scopes() {
    let shown = accepted(&[("scope", "openid")]).requested_permissions;
    let interaction = begun().with_displayed_permissions(&shown);
    assert!(interaction.covers(&accepted(&[("scope", "openid")])));
    assert!(!interaction.covers(&accepted(&[("scope", "openid badges")])));
    assert!(!begun().covers(&accepted(&[("scope", "openid")])));
}
