//! Tests of the keys of senders.

use std::sync::Arc;

use proptest::{collection::vec, prelude::*, sample::select};

use super::{super::bound_key::select_bound_key, *};
use crate::model::{
    ClientAuthentication, ClientDetails, ObjectKey, ResourceServer, TokenBinding, fixtures,
};

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
        (&plain, None, NOTHING, true, Err(ErrorCode::InvalidDpopProof)),
        (&plain, Some(TokenBinding::Bearer), NOTHING, true, Err(ErrorCode::InvalidDpopProof)),
        (&by_tls, None, NOTHING, false, Err(ErrorCode::InvalidRequest)),
        (&by_tls, None, dpop("d"), true, Err(ErrorCode::InvalidRequest)),
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

/// A token request: whether it exchanges a token, its keys, the registration of the client at that time,
/// and the binding that the resource server requires.
type BindingRequest = (bool, SenderKeys<'static>, (bool, bool), Option<TokenBinding>);

fn binding_request() -> impl Strategy<Value = BindingRequest> {
    let name = || select(vec![None, Some("one"), Some("two")]);
    let keys = (name(), name()).prop_map(|(dpop, certificate)| SenderKeys { dpop, certificate });
    let registration = select(vec![(false, false), (true, false), (false, true)]);
    let bindings = [TokenBinding::Bearer, TokenBinding::Dpop, TokenBinding::MutualTls];
    let servers: Vec<_> = bindings.into_iter().map(Some).chain([None]).collect();
    (any::<bool>(), keys, registration, select(servers))
}

/// The binding of the grant and the key of the access token after a request; `None` if it is refused.
fn after_request(
    client: &Client,
    (binding, token): (Option<&SenderBinding>, Option<&BoundKey>),
    (exchanges, keys, (by_dpop, by_certificate), server): BindingRequest,
) -> Option<(Option<SenderBinding>, Option<BoundKey>)> {
    let client = registered(client, by_dpop, by_certificate);
    check_proof_is_sent(&client, keys).ok()?;
    let next = if exchanges {
        check_subject_key(token, binding, keys).ok()?;
        binding.cloned()
    } else {
        bind_sender(binding, &client, keys).ok()?
    };
    let is_bound = next.is_some() || (exchanges && token.is_some());
    let server = server.map(|token_binding| ResourceServer {
        token_binding,
        ..ResourceServer::new(ObjectKey::new("team", "api"), "urn:api")
    });
    Some((next, select_bound_key(&client, server.as_ref(), keys, is_bound).ok()?))
}

fn has_key(keys: SenderKeys<'_>, bound: &BoundKey) -> bool {
    match bound {
        BoundKey::Dpop(key) => keys.dpop == Some(key.as_str()),
        BoundKey::Certificate(hash) => keys.certificate == Some(hash.as_str()),
    }
}

fn is_of_holder(keys: SenderKeys<'_>, binding: &SenderBinding) -> bool {
    match binding {
        SenderBinding::DpopKey(key) => keys.dpop == Some(key.as_str()),
        SenderBinding::AnyDpopKey => keys.dpop.is_some(),
        SenderBinding::Certificate(hash) => keys.certificate == Some(hash.as_str()),
        SenderBinding::AnyCertificate => keys.certificate.is_some(),
    }
}

fn is_by_certificate(binding: &SenderBinding) -> bool {
    matches!(binding, SenderBinding::Certificate(_) | SenderBinding::AnyCertificate)
}

proptest! {
    /// From the code through refreshes and exchanges, whatever keys are sent and however the client is edited.
    #[test]
    fn no_request_loses_or_changes_a_binding(
        is_public in any::<bool>(),
        code in select(vec![None, Some("one")]),
        requests in vec(binding_request(), 1..12),
    ) {
        let client = if is_public { public_client() } else { fixtures::client() };
        let (mut binding, mut token): (_, Option<BoundKey>) = (code.map(key), None);
        let mut is_redeemed = false;
        for (exchanges, keys, registration, server) in requests {
            let exchanges = exchanges && is_redeemed;
            let request = (exchanges, keys, registration, server);
            let before = (binding.as_ref(), token.as_ref());
            let Some((next, key)) = after_request(&client, before, request) else { continue };
            if let Some(before) = &binding {
                // The holder of a token exchanges it, whatever key the grant is bound to.
                let is_judged_by_token = exchanges && token.is_some();
                let is_allowed = is_judged_by_token || is_of_holder(keys, before);
                prop_assert!(is_allowed, "{before:?} by {keys:?}");
                let next = next.as_ref().expect("the grant stays bound");
                prop_assert_eq!(is_by_certificate(next), is_by_certificate(before));
                prop_assert!(!is_public || next == before, "{before:?} became {next:?}");
                prop_assert!(key.is_some(), "a token of a bound grant is bound");
            }
            if let Some(subject) = token.as_ref().filter(|_| exchanges) {
                prop_assert!(has_key(keys, subject), "{subject:?} by {keys:?}");
                prop_assert!(key.is_some(), "a bound token gives a bound one");
            }
            prop_assert!(key.iter().all(|key| has_key(keys, key)), "{key:?} by {keys:?}");
            (binding, token, is_redeemed) = (next, key, true);
        }
        // Nothing keeps the holder of the key out.
        let (dpop, certificate) = match &binding {
            Some(SenderBinding::DpopKey(key)) => (key.as_str(), "one"),
            Some(SenderBinding::Certificate(hash)) => ("one", hash.as_str()),
            _ => ("one", "one"),
        };
        let holder = SenderKeys { dpop: Some(dpop), certificate: Some(certificate) };
        prop_assert!(bind_sender(binding.as_ref(), &client, holder).is_ok());
    }
}
