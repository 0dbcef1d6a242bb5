mod code;
mod refresh;

use std::{collections::BTreeSet, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    model::{ClientAuthentication, Timestamp, fixtures},
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        records::{Grant, GrantState, RequestedClaims},
    },
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn words(text: &str) -> Scopes {
    scope::parse(Some(text))
}

/// Returns a grant of the sample client with a refresh token of this generation.
fn grant(generation: u32, rotated_at: Timestamp) -> Grant {
    let client = fixtures::client();
    Grant {
        client: client.id.clone(),
        authentication: Authentication::by(
            AuthenticationMethod::password(),
            fixtures::user().subject,
            NOW,
        ),
        acr: None,
        sid: Some("sid-1".into()),
        scopes: BTreeSet::from(["openid".to_owned(), "email".to_owned()]),
        nonce: None,
        wants_auth_time: false,
        created_at: NOW,
        ends_at: NOW.plus(client.lifetimes.refresh_token_absolute),
        state: GrantState::Active { generation, rotated_at },
        claims: RequestedClaims::default(),
    }
}

fn ask(text: &str) -> Result<TokenRequest, ErrorCode> {
    TokenRequest::parse(&RequestParams::parse(text.as_bytes())).map_err(|error| error.code)
}

#[test]
fn parses_the_grant_type() {
    // RFC 6749 §5.2
    assert_eq!(ask("x=1").err(), Some(ErrorCode::InvalidRequest));
    assert_eq!(ask("grant_type=password").err(), Some(ErrorCode::UnsupportedGrantType));
    assert_eq!(ask("grant_type=implicit").err(), Some(ErrorCode::UnsupportedGrantType));
    assert_eq!(ask("grant_type=authorization_code").err(), Some(ErrorCode::InvalidRequest));
    assert_eq!(
        ask("grant_type=refresh_token&refresh_token=").err(),
        Some(ErrorCode::InvalidRequest)
    );
    assert!(ask("grant_type=client_credentials&scope=a").is_ok());
}

#[test]
fn a_client_may_use_only_its_registered_grant_types() {
    // RFC 6749 §5.2
    let refresh = ask("grant_type=refresh_token&refresh_token=x").expect("valid");
    let mut client = fixtures::client();
    assert_eq!(check_grant_type(&client, &refresh), Ok(()));
    Arc::make_mut(&mut client.grant_types).remove(&GrantType::RefreshToken);
    let refused = check_grant_type(&client, &refresh).expect_err("refused");
    assert_eq!(refused.code, ErrorCode::UnauthorizedClient);
}

#[test]
fn a_public_client_cannot_use_client_credentials() {
    // RFC 6749 §4.4: client_credentials is for confidential clients only.
    let client = Client { authentication: ClientAuthentication::None, ..fixtures::client() };
    let own = ask("grant_type=client_credentials").expect("valid");
    let refused = check_grant_type(&client, &own).expect_err("refused");
    assert_eq!(refused.code, ErrorCode::UnauthorizedClient);
}

#[test]
fn the_issuer_is_the_only_resource() {
    // RFC 8707 §2
    let check =
        |text: &str| check_resources("https://id.test", &RequestParams::parse(text.as_bytes()));
    assert_eq!(check(""), Ok(()));
    assert_eq!(check("resource=https://id.test"), Ok(()));
    let refused = check("resource=https://id.test&resource=https://api.test").expect_err("refused");
    assert_eq!(refused.code, ErrorCode::InvalidTarget);
}

#[test]
fn client_credentials_exclude_scopes_of_user_sign_ins() {
    let client = fixtures::client();
    assert_eq!(client_scopes(&client, None), Ok(words("badges email profile")));
    assert_eq!(client_scopes(&client, Some("badges")), Ok(words("badges")));
    for asked in ["openid", "offline_access", "badges groups"] {
        let refused = client_scopes(&client, Some(asked)).expect_err("refused");
        assert_eq!(refused.code, ErrorCode::InvalidScope, "{asked}");
    }
}

proptest! {
    #[test]
    fn parsing_any_request_never_panics(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = TokenRequest::parse(&RequestParams::parse(&body));
    }
}
