//! Tests of the keys of senders.

use std::sync::Arc;

use super::*;
use crate::model::{ClientAuthentication, ClientDetails, ObjectKey, fixtures};

fn key(name: &str) -> SenderBinding {
    SenderBinding::DpopKey(name.to_owned())
}

fn certificate(name: &str) -> SenderBinding {
    SenderBinding::Certificate(name.to_owned())
}

fn dpop(name: &'static str) -> SenderKeys<'static> {
    SenderKeys { dpop: Some(name), certificate: None }
}

fn tls(name: &'static str) -> SenderKeys<'static> {
    SenderKeys { dpop: None, certificate: Some(name) }
}

fn sent(name: Option<&'static str>) -> SenderKeys<'static> {
    SenderKeys { dpop: name, certificate: None }
}

const NOTHING: SenderKeys<'static> = SenderKeys { dpop: None, certificate: None };

/// The client with a registered binding of its tokens.
fn registered(client: &Client, by_dpop: bool, by_certificate: bool) -> Client {
    let details = ClientDetails {
        dpop_bound_access_tokens: by_dpop,
        tls_client_certificate_bound_access_tokens: by_certificate,
        ..ClientDetails::default()
    };
    Client { details: Arc::new(details), ..client.clone() }
}

fn public_client() -> Client {
    Client { authentication: ClientAuthentication::None, ..fixtures::client() }
}

#[test]
fn a_binding_is_never_removed() {
    // RFC 9449 §5
    let (confidential, public) = (fixtures::client(), public_client());
    let any = SenderBinding::AnyDpopKey;
    for (binding, client, name, expected) in [
        (None, &public, None, Ok(None)),
        (None, &public, Some("one"), Ok(Some(key("one")))),
        (Some(key("one")), &public, Some("one"), Ok(Some(key("one")))),
        (Some(key("one")), &public, Some("two"), Err(ErrorCode::InvalidGrant)),
        (Some(key("one")), &public, None, Err(ErrorCode::InvalidDpopProof)),
        (None, &confidential, Some("one"), Ok(Some(any.clone()))),
        (Some(key("one")), &confidential, Some("one"), Ok(Some(any.clone()))),
        (Some(key("one")), &confidential, Some("two"), Err(ErrorCode::InvalidGrant)),
        (Some(any.clone()), &confidential, Some("two"), Ok(Some(any.clone()))),
        (Some(any.clone()), &confidential, None, Err(ErrorCode::InvalidDpopProof)),
        (Some(any.clone()), &public, Some("one"), Ok(Some(key("one")))),
    ] {
        let found = bind_sender(binding.as_ref(), client, sent(name)).map_err(|error| error.code);
        assert_eq!(found, expected, "{binding:?} {name:?}");
    }
}

#[test]
fn a_grant_stays_bound_to_a_certificate() {
    // RFC 8705 §4, §7.1
    let public = registered(&public_client(), false, true);
    let confidential = registered(&fixtures::client(), false, true);
    let any = SenderBinding::AnyCertificate;
    for (binding, client, keys, expected) in [
        (None, &public_client(), tls("one"), Ok(None)),
        (None, &public, tls("one"), Ok(Some(certificate("one")))),
        (Some(certificate("one")), &public, tls("one"), Ok(Some(certificate("one")))),
        (Some(certificate("one")), &public, tls("two"), Err(ErrorCode::InvalidGrant)),
        (Some(certificate("one")), &public, NOTHING, Err(ErrorCode::InvalidRequest)),
        (Some(certificate("one")), &public, dpop("one"), Err(ErrorCode::InvalidRequest)),
        // The client no longer asks for it.
        (Some(certificate("one")), &public_client(), NOTHING, Err(ErrorCode::InvalidRequest)),
        (None, &confidential, tls("one"), Ok(Some(any.clone()))),
        (Some(any.clone()), &confidential, tls("two"), Ok(Some(any.clone()))),
        (Some(any.clone()), &confidential, dpop("two"), Err(ErrorCode::InvalidRequest)),
        (Some(key("one")), &public, tls("one"), Err(ErrorCode::InvalidDpopProof)),
    ] {
        let found = bind_sender(binding.as_ref(), client, keys).map_err(|error| error.code);
        assert_eq!(found, expected, "{binding:?} {keys:?}");
    }
}

#[test]
fn a_bound_token_is_exchanged_with_its_key_only() {
    let (one, any) = (key("one"), SenderBinding::AnyDpopKey);
    for (token, grant, name, expected) in [
        (None, None, None, Ok(())),
        (None, None, Some("two"), Ok(())),
        (Some("one"), None, Some("one"), Ok(())),
        (Some("one"), Some(&any), None, Err(ErrorCode::InvalidDpopProof)),
        (Some("one"), Some(&any), Some("two"), Err(ErrorCode::InvalidRequest)),
        (None, Some(&any), None, Err(ErrorCode::InvalidDpopProof)),
        (None, Some(&any), Some("two"), Ok(())),
        (None, Some(&one), None, Err(ErrorCode::InvalidDpopProof)),
        (None, Some(&one), Some("two"), Err(ErrorCode::InvalidRequest)),
        (None, Some(&one), Some("one"), Ok(())),
    ] {
        let bound = token.map(|name: &str| BoundKey::Dpop(name.to_owned()));
        let found =
            check_subject_key(bound.as_ref(), grant, sent(name)).map_err(|error| error.code);
        assert_eq!(found, expected, "{token:?} {grant:?} {name:?}");
    }
}

#[test]
fn a_token_of_a_certificate_is_exchanged_with_it_only() {
    let bound = BoundKey::Certificate("one".to_owned());
    let (one, any) = (certificate("one"), SenderBinding::AnyCertificate);
    let refused = Err(ErrorCode::InvalidRequest);
    for (token, grant, keys, expected) in [
        (Some(&bound), None, tls("one"), Ok(())),
        (Some(&bound), Some(&any), tls("two"), refused),
        (Some(&bound), None, dpop("one"), refused),
        (Some(&bound), None, NOTHING, refused),
        (None, Some(&one), tls("one"), Ok(())),
        (None, Some(&one), tls("two"), refused),
        (None, Some(&any), tls("two"), Ok(())),
        (None, Some(&any), NOTHING, refused),
    ] {
        let found = check_subject_key(token, grant, keys).map_err(|error| error.code);
        assert_eq!(found, expected, "{token:?} {grant:?} {keys:?}");
    }
}

#[test]
fn a_client_with_bound_tokens_sends_a_proof() {
    // RFC 8705 §3.4, RFC 9449 §5.2
    let bound = registered(&fixtures::client(), true, false);
    assert!(check_proof_is_sent(&bound, tls("one")).is_err());
    assert!(check_proof_is_sent(&bound, dpop("one")).is_ok());
    let bound = registered(&fixtures::client(), false, true);
    assert!(check_proof_is_sent(&bound, dpop("one")).is_err());
    assert!(check_proof_is_sent(&bound, tls("one")).is_ok());
    assert!(check_proof_is_sent(&fixtures::client(), NOTHING).is_ok());
}

#[test]
fn an_access_token_is_bound_as_server_and_client_require() {
    let key = ObjectKey::new("team", "api");
    let server = |token_binding| ResourceServer {
        token_binding,
        ..ResourceServer::new(key.clone(), "urn:api")
    };
    let plain = fixtures::client();
    let (by_dpop, by_tls) = (registered(&plain, true, false), registered(&plain, false, true));
    let both = SenderKeys { dpop: Some("d"), certificate: Some("c") };
    let (d, c) = (BoundKey::Dpop("d".to_owned()), BoundKey::Certificate("c".to_owned()));
    for (client, binding, keys, is_bound, expected) in [
        (&plain, None, NOTHING, false, Ok(None)),
        (&plain, None, tls("c"), false, Ok(None)),
        (&plain, None, tls("c"), true, Ok(Some(c.clone()))),
        (&plain, None, both, true, Ok(Some(d.clone()))),
        (&by_tls, None, both, false, Ok(Some(c.clone()))),
        (&plain, Some(TokenBinding::MutualTls), both, false, Ok(Some(c.clone()))),
        (&plain, Some(TokenBinding::MutualTls), dpop("d"), false, Err(ErrorCode::InvalidRequest)),
        (&by_dpop, Some(TokenBinding::MutualTls), both, false, Err(ErrorCode::InvalidTarget)),
        (&plain, Some(TokenBinding::Dpop), both, false, Ok(Some(d.clone()))),
        (&plain, Some(TokenBinding::Dpop), tls("c"), false, Err(ErrorCode::InvalidDpopProof)),
        (&by_tls, Some(TokenBinding::Dpop), both, false, Err(ErrorCode::InvalidTarget)),
        (&by_tls, Some(TokenBinding::Bearer), tls("c"), false, Ok(Some(c.clone()))),
    ] {
        let server = binding.map(server);
        let found = select_bound_key(client, server.as_ref(), keys, is_bound);
        assert_eq!(found.map_err(|error| error.code), expected, "{binding:?} {keys:?}");
    }
}
