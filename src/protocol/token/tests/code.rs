//! Tests start with a valid redemption and change one thing.

use std::time::Duration;

use super::{
    super::code::{activate_grant, check_age},
    *,
};
use crate::{
    model::ClientId,
    protocol::{records::AuthorizationCode, sender_keys::SenderKeys},
};

// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Redemption {
    code: AuthorizationCode,
    client: Client,
    redirect_uri: Option<&'static str>,
    verifier: Option<&'static str>,
    incarnation: &'static str,
    now: Timestamp,
}

/// Returns the error code of a redemption with one thing changed. `None` if it is accepted.
fn with(change: impl FnOnce(&mut Redemption)) -> Option<ErrorCode> {
    let mut it = Redemption {
        code: AuthorizationCode {
            grant_id: "grant-1".into(),
            incarnation: "store-1".into(),
            grant: grant(0, NOW),
            redirect_uri: Some(fixtures::REDIRECT.into()),
            code_challenge: Some(CHALLENGE.into()),
            expires_at: NOW.plus(Duration::from_mins(1)),
            grant_stored: false,
        },
        client: fixtures::client(),
        redirect_uri: Some(fixtures::REDIRECT),
        verifier: Some(VERIFIER),
        incarnation: "store-1",
        now: NOW,
    };
    change(&mut it);
    let request = CodeRequest {
        code: Secret::new("sealed".into()),
        redirect_uri: it.redirect_uri.map(str::to_owned),
        verifier: it.verifier.map(|it| Secret::new(it.to_owned())),
    };
    let checked = check_code(&it.code, &it.client, &request, it.incarnation);
    checked.and_then(|()| check_age(&it.code, it.now)).err().map(|error| error.code)
}

const REFUSED: Option<ErrorCode> = Some(ErrorCode::InvalidGrant);

#[test]
fn accepts_a_valid_code() {
    assert_eq!(with(|_| ()), None);
}

#[test]
fn rejects_the_code_of_another_client() {
    // RFC 6749 §4.1.3
    assert_eq!(with(|it| it.client.id = ClientId::new("team.other")), REFUSED);
}

#[test]
fn rejects_a_different_or_missing_redirect_uri() {
    // RFC 6749 §4.1.3: it must be identical to that of the authorization request.
    for other in [None, Some("https://rp.test/other?tab=1"), Some("https://rp.test/cb/")] {
        assert_eq!(with(|it| it.redirect_uri = other), REFUSED, "{other:?}");
    }
    assert_eq!(with(|it| it.code.redirect_uri = None), REFUSED, "the request had none");
}

#[test]
fn needs_no_redirect_uri_if_the_request_had_none() {
    let without = |it: &mut Redemption| {
        it.code.redirect_uri = None;
        it.redirect_uri = None;
    };
    assert_eq!(with(without), None);
}

#[test]
fn rejects_a_verifier_that_does_not_match_the_challenge() {
    // RFC 7636 §4.6; a verifier without a challenge: RFC 9700 §2.1.1
    assert_eq!(with(|it| it.verifier = None), REFUSED);
    assert_eq!(with(|it| it.verifier = Some(CHALLENGE)), REFUSED);
    assert_eq!(with(|it| it.code.code_challenge = None), REFUSED);
}

#[test]
fn expires_without_clock_skew() {
    // RFC 6749 §4.1.2
    assert_eq!(with(|it| it.now = NOW.plus(Duration::from_millis(59_999))), None);
    assert_eq!(with(|it| it.now = NOW.plus(Duration::from_mins(1))), REFUSED);
}

#[test]
fn rejects_codes_of_a_lost_store() {
    assert_eq!(with(|it| it.incarnation = "store-2"), REFUSED);
}

#[test]
fn a_grant_has_a_refresh_token_only_if_the_client_may_have_one() {
    let code = |scopes: &str| AuthorizationCode {
        grant_id: "grant-1".into(),
        incarnation: "store-1".into(),
        grant: Grant { scopes: words(scopes), ..grant(0, NOW) },
        redirect_uri: None,
        code_challenge: None,
        expires_at: NOW,
        grant_stored: false,
    };
    let mut client = fixtures::client();
    let opened = activate_grant(&code("openid").grant, &client, NOW).expect("it lasts");
    assert_eq!(opened.state, GrantState::Active { generation: 1, rotated_at: NOW });
    Arc::make_mut(&mut client.grant_types).remove(&GrantType::RefreshToken);
    let opened = activate_grant(&code("openid offline_access").grant, &client, NOW);
    let opened = opened.expect("it lasts");
    assert_eq!(opened.state, GrantState::Active { generation: 0, rotated_at: NOW });
}

#[test]
fn an_ended_grant_has_no_tokens() {
    let (client, ended) = (fixtures::client(), Grant { ends_at: NOW, ..grant(0, NOW) });
    let refused = activate_grant(&ended, &client, NOW).map_err(|error| error.code);
    assert_eq!(refused, Err(ErrorCode::InvalidGrant));
    let before = NOW.minus(Duration::from_millis(1));
    assert!(activate_grant(&ended, &client, before).is_ok());
}

/// The decision about a valid code of a hybrid response or not, given the state of the stored grant.
fn decided(
    grant_stored: bool,
    stored: Option<GrantState>,
    now: Timestamp,
) -> Result<GrantWrite, bool> {
    let code = AuthorizationCode {
        grant_id: "grant-1".into(),
        incarnation: "store-1".into(),
        grant: grant(0, NOW),
        redirect_uri: None,
        code_challenge: None,
        expires_at: NOW.plus(Duration::from_mins(1)),
        grant_stored,
    };
    let stored = stored.map(|state| Grant { state, ..grant(0, NOW) });
    let client = fixtures::client();
    let input = DecisionInput {
        client: &client,
        stored: stored.as_ref(),
        keys: SenderKeys::default(),
        now,
        store_now: now,
    };
    let decision = decide_code(&code, input).map_err(|refusal| refusal.replayed.is_some());
    decision.map(|it| it.user.expect("a user's").gate)
}

#[test]
fn a_code_is_redeemed_once_and_a_replay_revokes_its_grant() {
    // RFC 6749 §4.1.2
    let (active, expired) =
        (GrantState::Active { generation: 1, rotated_at: NOW }, NOW.plus(Duration::from_mins(1)));
    assert_eq!(decided(false, None, NOW), Ok(GrantWrite::Insert));
    assert_eq!(decided(true, Some(GrantState::PendingRedemption), NOW), Ok(GrantWrite::Swap));
    for stored in [active, GrantState::Revoked { at: NOW }] {
        assert_eq!(decided(false, Some(stored.clone()), NOW), Err(true), "{stored:?}");
        assert_eq!(decided(false, Some(stored), expired), Err(true), "also after it expired");
    }
    assert_eq!(decided(true, None, NOW), Err(true), "the record was lost");
    assert_eq!(decided(false, None, expired), Err(false), "it was not redeemed");
    assert_eq!(decided(true, Some(GrantState::PendingRedemption), expired), Err(false));
}
