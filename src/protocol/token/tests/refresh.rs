//! Tests of rotation over time.

use std::{sync::Arc, time::Duration};

use super::{
    super::refresh::{referenced_until, scopes_of_grant},
    *,
};
use crate::{
    model::{Client, ClientAuthentication, ClientId, Lifetimes, RefreshTokenRotation, fixtures},
    protocol::{claims::access_token_expiry, records::RefreshToken},
};

const HOUR: Duration = Duration::from_hours(1);

fn rotated(grant: &Grant, generation: u32, now: Timestamp) -> RefreshDecision {
    rotate_grant(grant, generation, &fixtures::client(), now)
}

#[test]
fn the_current_token_rotates() {
    let RefreshDecision::Next(next) = rotated(&grant(3, NOW), 3, NOW) else { panic!("it rotates") };
    assert_eq!(next.state, GrantState::Active { generation: 4, rotated_at: NOW });
}

/// The grant after uses of the current token at these times.
fn refreshed<const N: usize>(times: [Timestamp; N]) -> Grant {
    times.into_iter().fold(grant(1, NOW), |before, now| {
        let GrantState::Active { generation, .. } = before.state else { panic!("it is active") };
        let RefreshDecision::Next(next) = rotated(&before, generation, now) else {
            panic!("it rotates")
        };
        *next
    })
}

#[test]
fn the_two_tokens_before_the_current_one_are_answered_within_the_reuse_window() {
    // RFC 9700 §4.14.2
    let seconds = |seconds| NOW.plus(Duration::from_secs(seconds));
    let grant = refreshed([seconds(0), seconds(10), seconds(20)]);
    let at =
        |token, seconds: f64| rotated(&grant, token, NOW.plus(Duration::from_secs_f64(seconds)));
    assert_eq!(at(3, 49.9), RefreshDecision::Repeat, "superseded 29.9 s before");
    assert_eq!(at(3, 50.0), RefreshDecision::Revoke);
    assert_eq!(at(2, 39.9), RefreshDecision::Repeat);
    assert_eq!(at(2, 40.0), RefreshDecision::Revoke, "30 s after its own first use");
    assert_eq!(at(1, 20.0), RefreshDecision::Revoke, "only two times are kept");
    assert_eq!(at(5, 20.0), RefreshDecision::Revoke, "of a restored store");
    assert!(matches!(at(4, 3600.0), RefreshDecision::Next(_)), "the current token");
}

#[test]
fn the_reuse_window_can_be_set() {
    let grant = refreshed([NOW]);
    let at = |window, now| {
        let lifetimes = Lifetimes { refresh_token_reuse_window: window, ..Lifetimes::default() };
        let client = Client { lifetimes: Arc::new(lifetimes), ..fixtures::client() };
        rotate_grant(&grant, 1, &client, now)
    };
    assert_eq!(at(Duration::ZERO, NOW), RefreshDecision::Revoke, "at once");
    // The store's clock may go back a little.
    assert_eq!(at(Duration::ZERO, NOW.minus(HOUR)), RefreshDecision::Revoke);
    let five = Duration::from_mins(5);
    assert_eq!(at(five, NOW.plus(Duration::from_secs(299))), RefreshDecision::Repeat);
    assert_eq!(at(five, NOW.plus(five)), RefreshDecision::Revoke);
}

#[test]
fn uses_without_rotation_do_not_extend_the_reuse_window() {
    let rotation = RefreshTokenRotation::PublicClients;
    let client = Client { refresh_token_rotation: rotation, ..fixtures::client() };
    let later = NOW.plus(HOUR);
    let RefreshDecision::Same(grant) = rotate_grant(&refreshed([NOW]), 2, &client, later) else {
        panic!("it stays")
    };
    assert_eq!(rotate_grant(&grant, 1, &client, later), RefreshDecision::Revoke);
}

#[test]
fn a_thief_and_a_client_who_alternate_are_found_by_the_second_use() {
    // Both have token 1. The client refreshes at once, the thief after the window.
    let first = refreshed([NOW]);
    assert_eq!(rotated(&first, 1, NOW.plus(HOUR)), RefreshDecision::Revoke);
}

#[test]
fn tokens_of_impossible_generations_revoke_the_grant() {
    // RFC 9700 §4.14.2
    assert_eq!(rotated(&grant(4, NOW), 1, NOW), RefreshDecision::Revoke);
    assert_eq!(rotated(&grant(4, NOW), 5, NOW), RefreshDecision::Revoke);
}

#[test]
fn an_ended_grant_cannot_be_refreshed() {
    let ended = grant(1, NOW);
    assert_eq!(rotated(&ended, 1, ended.ends_at), RefreshDecision::Ended);
    let revoked = Grant { state: GrantState::Revoked { at: NOW }, ..ended };
    assert_eq!(rotated(&revoked, 1, NOW), RefreshDecision::Ended);
    assert_eq!(rotated(&grant(0, NOW), 0, NOW), RefreshDecision::Ended, "it has no refresh token");
}

#[test]
fn without_rotation_the_token_stays_and_its_idle_time_restarts() {
    let rotation = RefreshTokenRotation::PublicClients;
    let client = Client { refresh_token_rotation: rotation, ..fixtures::client() };
    let later = NOW.plus(HOUR);
    let RefreshDecision::Same(next) = rotate_grant(&grant(1, NOW), 1, &client, later) else {
        panic!("it stays")
    };
    assert_eq!(next.state, GrantState::Active { generation: 1, rotated_at: later });
    let soon = later.plus(Duration::from_secs(59));
    assert_eq!(
        rotate_grant(&next, 1, &client, soon),
        RefreshDecision::Same(next),
        "stored once a minute"
    );
    let idle = NOW.plus(client.lifetimes.refresh_token_idle);
    assert_eq!(
        rotate_grant(&grant(1, NOW), 1, &client, idle),
        RefreshDecision::Ended,
        "it was not used"
    );
    // Public clients always rotate (RFC 9700 §4.14.2).
    let public = Client { authentication: ClientAuthentication::None, ..client };
    let RefreshDecision::Next(next) = rotate_grant(&grant(1, NOW), 1, &public, later) else {
        panic!("rotates")
    };
    assert_eq!(next.state, GrantState::Active { generation: 2, rotated_at: later });
}

#[test]
fn shorter_lifetimes_apply_to_existing_grants() {
    let idle = Lifetimes { refresh_token_idle: HOUR, ..Lifetimes::default() };
    let absolute = Lifetimes { refresh_token_absolute: HOUR, ..Lifetimes::default() };
    let used = NOW.plus(HOUR / 2);
    for (shorter, ends) in [(idle, used.plus(HOUR)), (absolute, NOW.plus(HOUR))] {
        let client = Client { lifetimes: Arc::new(shorter), ..fixtures::client() };
        let before = ends.minus(Duration::from_millis(1));
        assert!(matches!(
            rotate_grant(&grant(2, used), 2, &client, before),
            RefreshDecision::Next(_)
        ));
        assert_eq!(rotate_grant(&grant(2, used), 2, &client, ends), RefreshDecision::Ended);
    }
}

#[test]
fn a_refresh_token_is_bound_to_its_client_and_expires() {
    // RFC 6749 §6
    let client = fixtures::client();
    let token = RefreshToken {
        grant_id: "grant-1".into(),
        generation: 1,
        client: client.id.clone(),
        expires_at: NOW.plus(HOUR),
    };
    assert_eq!(check_refresh(&token, &client, NOW), Ok(()));
    let other = Client { id: ClientId::new("team.other"), ..client.clone() };
    assert!(check_refresh(&token, &other, NOW).is_err());
    assert!(check_refresh(&token, &client, NOW.plus(HOUR)).is_err());
}

#[test]
fn a_refresh_grants_at_most_the_original_scopes() {
    // RFC 6749 §6
    let (grant, mut client) = (grant(1, NOW), fixtures::client());
    let given = |client: &Client, asked| {
        let left = scopes_of_grant(&grant, client);
        let narrowed = |left: Scopes| scope::select_scopes(asked, &left, || left.clone());
        left.and_then(narrowed).map_err(|error| error.code)
    };
    assert_eq!(given(&client, None), Ok(words("openid email")));
    assert_eq!(given(&client, Some("email")), Ok(words("email")));
    assert_eq!(given(&client, Some("email profile")), Ok(words("email")), "not granted");
    assert_eq!(given(&client, Some("profile")), Err(ErrorCode::InvalidScope));
    Arc::make_mut(&mut client.scopes).remove("email");
    assert_eq!(given(&client, None), Ok(words("openid")), "no longer allowed for the client");
    Arc::make_mut(&mut client.scopes).clear();
    assert_eq!(given(&client, None), Err(ErrorCode::InvalidGrant));
}

#[test]
fn a_record_is_kept_until_its_last_token_expires() {
    let brief = Lifetimes { refresh_token_idle: Duration::from_mins(5), ..Lifetimes::default() };
    let access = brief.access_token;
    assert_eq!(referenced_until(&grant(0, NOW), &brief, NOW), NOW.plus(access));
    assert_eq!(referenced_until(&grant(1, NOW), &brief, NOW), NOW.plus(access));
    let usual = Lifetimes::default();
    assert_eq!(referenced_until(&grant(1, NOW), &usual, NOW), NOW.plus(usual.refresh_token_idle));
}

proptest! {
    /// An old superseded token is never accepted, regardless of how uses of tokens interleave.
    #[test]
    fn a_superseded_token_is_never_accepted_again(uses in prop::collection::vec((0_u32..6, 0_u64..40), 1..60)) {
        let (mut record, mut now) = (grant(1, NOW), NOW);
        for (back, pause) in uses {
            now = now.plus(Duration::from_secs(pause));
            let GrantState::Active { generation, .. } = record.state else { break };
            let token = generation.saturating_sub(back);
            let superseded_at = record.superseded.of(back);
            match rotated(&record, token, now) {
                RefreshDecision::Next(next) => { prop_assert_eq!(token, generation); record = *next; }
                RefreshDecision::Same(_) => prop_assert!(false, "it rotates"),
                RefreshDecision::Repeat => prop_assert!(
                    superseded_at.is_some_and(|at| now < at.plus(Duration::from_secs(30)))
                ),
                RefreshDecision::Revoke | RefreshDecision::Ended => break,
            }
        }
    }
    /// However a client uses its refresh tokens, and whatever its lifetimes become in the meantime.
    #[test]
    fn no_token_outlives_its_grant(
        (left, always) in (0_u64..200_000, any::<bool>()),
        uses in prop::collection::vec((1_u64..50_000, 60_u64..100_000, 60_u64..300_000), 1..12),
    ) {
        let rotation = [RefreshTokenRotation::PublicClients, RefreshTokenRotation::Always];
        let refresh_token_rotation = rotation[usize::from(always)];
        let ends_at = NOW.plus(Duration::from_secs(left));
        let (mut record, mut now) = (Grant { ends_at, ..grant(1, NOW) }, NOW);
        for (pause, idle, absolute) in uses {
            now = now.plus(Duration::from_secs(pause));
            let lifetimes = Lifetimes {
                refresh_token_idle: Duration::from_secs(idle),
                refresh_token_absolute: Duration::from_secs(absolute),
                ..Lifetimes::default()
            };
            let lifetimes = Arc::new(lifetimes);
            let client = Client {
                lifetimes: Arc::clone(&lifetimes), refresh_token_rotation, ..fixtures::client()
            };
            let GrantState::Active { generation, .. } = record.state else { break };
            match rotate_grant(&record, generation, &client, now) {
                RefreshDecision::Next(next) | RefreshDecision::Same(next) => {
                    prop_assert!(now < ends_at, "used after the end");
                    prop_assert_eq!((next.created_at, next.ends_at), (NOW, ends_at));
                    record = *next;
                }
                RefreshDecision::Ended => {}
                RefreshDecision::Repeat | RefreshDecision::Revoke => {
                    prop_assert!(false, "it is the current token");
                }
            }
            let absolute = token_until(&record, &lifetimes);
            let until = refresh_until(&record, &lifetimes).expect("it has a refresh token");
            prop_assert!(until <= absolute && absolute <= ends_at);
            let kept_until = referenced_until(&record, &lifetimes, now);
            prop_assert!(kept_until <= ends_at);
            let not_after = Some(access_token_end(&record, None));
            let expires_at = access_token_expiry(&client, None, not_after, now);
            prop_assert!(expires_at <= ends_at);
            prop_assert!(expires_at == ends_at || expires_at == now.plus(lifetimes.access_token));
        }
    }
}
