use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{
    model::{ClientId, Subject, Timestamp},
    protocol::records::{Authentication, Grant, GrantState},
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn grant(generation: u32, rotated_at: Timestamp) -> Grant {
    Grant {
        client: ClientId::new("team.app"),
        authentication: Authentication {
            subject: Subject::new("me"),
            auth_time: NOW,
            amr: vec!["pwd".into()],
            acr: None,
        },
        sid: None,
        scopes: BTreeSet::from(["openid".to_owned()]),
        nonce: None,
        wants_auth_time: false,
        created_at: NOW,
        ends_at: NOW.plus(Duration::from_secs(3600)),
        state: GrantState::Active { generation, rotated_at },
    }
}

#[test]
fn the_current_token_rotates() {
    let Rotation::Next(next) = rotate(&grant(3, NOW), 3, NOW) else { panic!("it rotates") };
    assert_eq!(next.state, GrantState::Active { generation: 4, rotated_at: NOW });
}

#[test]
fn a_token_works_until_its_successor_is_used_and_ten_seconds_more() {
    let later = NOW.plus(Duration::from_secs(1800));
    assert_eq!(rotate(&grant(3, NOW), 2, later), Rotation::Repeat, "its successor was not used");
    assert_eq!(rotate(&grant(3, later), 1, later), Rotation::Repeat, "within the grace");
    let after = later.plus(GRACE);
    assert!(matches!(rotate(&grant(3, later), 1, after), Rotation::Revoke(_)), "after the grace");
}

#[test]
fn what_is_older_or_newer_than_can_be_revokes() {
    assert!(matches!(rotate(&grant(4, NOW), 1, NOW), Rotation::Revoke(_)));
    assert!(matches!(rotate(&grant(4, NOW), 5, NOW), Rotation::Revoke(_)));
}

#[test]
fn a_grant_that_has_ended_gives_nothing() {
    let ended = grant(1, NOW);
    assert_eq!(rotate(&ended, 1, ended.ends_at), Rotation::Ended);
    let revoked = Grant { state: GrantState::Revoked { at: NOW }, ..ended };
    assert_eq!(rotate(&revoked, 1, NOW), Rotation::Ended);
}

#[test]
fn a_client_says_which_grant_type_it_wants() {
    // RFC 6749 §5.2
    let parse =
        |text: &str| Ask::parse(&Params::parse(text.as_bytes())).map_err(|error| error.code);
    assert_eq!(parse("x=1").err(), Some(ErrorCode::InvalidRequest));
    assert_eq!(parse("grant_type=password").err(), Some(ErrorCode::UnsupportedGrantType));
    assert_eq!(parse("grant_type=authorization_code").err(), Some(ErrorCode::InvalidRequest));
    assert!(parse("grant_type=client_credentials&scope=a").is_ok());
}

proptest! {
    /// However uses of tokens interleave, one that was superseded long ago never gives a token.
    #[test]
    fn an_old_token_never_comes_back(uses in prop::collection::vec((0_u32..6, 0_u64..30), 1..60)) {
        let (mut record, mut now) = (grant(1, NOW), NOW);
        for (back, pause) in uses {
            now = now.plus(Duration::from_secs(pause));
            let GrantState::Active { generation, rotated_at } = record.state else { break };
            let token = generation.saturating_sub(back);
            match rotate(&record, token, now) {
                Rotation::Next(next) => { prop_assert_eq!(token, generation); record = *next; }
                Rotation::Repeat => prop_assert!(
                    generation - token == 1 || (generation - token == 2 && now < rotated_at.plus(GRACE))
                ),
                Rotation::Revoke(revoked) => record = *revoked,
                Rotation::Ended => break,
            }
        }
    }
}
