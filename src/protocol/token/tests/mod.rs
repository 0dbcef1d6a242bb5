mod code;
mod details;
mod exchange;
mod refresh;
mod target;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::prelude::*;

use super::*;
use crate::{
    model::{ClientAuthentication, Timestamp, fixtures},
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        records::{Grant, GrantState, RequestedClaims, SupersededTimes},
        scope::{self, Scopes},
    },
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn words(text: &str) -> Scopes {
    scope::parse_scopes(Some(text))
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
        superseded: SupersededTimes::default(),
        client_object: None,
        marks: None,
        origin: None,
        binding: None,
        resources: BTreeMap::new(),
        authorization_details: BTreeMap::new(),
    }
}

#[test]
fn codes_and_refresh_tokens_are_required() {
    // RFC 6749 §5.2
    let code = CodeRequest::parse(&RequestParams::parse(b"grant_type=authorization_code"));
    assert_eq!(code.expect_err("no code").code, ErrorCode::InvalidRequest);
    let refresh = RefreshRequest::parse(&RequestParams::parse(b"refresh_token="));
    assert_eq!(refresh.expect_err("no token").code, ErrorCode::InvalidRequest);
}

#[test]
fn a_client_may_use_only_its_registered_grant_types() {
    // RFC 6749 §5.2
    let refresh = GrantType::RefreshToken;
    let mut client = fixtures::client();
    assert_eq!(check_grant_type(&client, refresh), Ok(()));
    Arc::make_mut(&mut client.grant_types).remove(&GrantType::RefreshToken);
    let refused = check_grant_type(&client, refresh).expect_err("refused");
    assert_eq!(refused.code, ErrorCode::UnauthorizedClient);
}

#[test]
fn a_public_client_cannot_use_client_credentials() {
    // RFC 6749 §4.4: client_credentials is for confidential clients only.
    let client = Client { authentication: ClientAuthentication::None, ..fixtures::client() };
    let refused = check_grant_type(&client, GrantType::ClientCredentials).expect_err("refused");
    assert_eq!(refused.code, ErrorCode::UnauthorizedClient);
}

#[test]
fn client_credentials_exclude_scopes_of_user_sign_ins() {
    let client = fixtures::client();
    let client_scopes = |client: &Client, asked: Option<&str>| {
        let allowed = decide_client_credentials(client).scopes;
        scope::select_scopes(asked, &allowed, || allowed.clone())
    };
    assert_eq!(client_scopes(&client, None), Ok(words("badges email profile")));
    for asked in ["badges", "badges openid", "badges groups"] {
        assert_eq!(client_scopes(&client, Some(asked)), Ok(words("badges")), "{asked}");
    }
    for asked in ["openid", "offline_access", "openid groups"] {
        let refused = client_scopes(&client, Some(asked)).expect_err("refused");
        assert_eq!(refused.code, ErrorCode::InvalidScope, "{asked}");
    }
}

proptest! {
    #[test]
    fn parsing_any_request_never_panics(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let params = RequestParams::parse(&body);
        let _ = (CodeRequest::parse(&params), RefreshRequest::parse(&params));
    }
}
