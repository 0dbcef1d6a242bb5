//! The members of a document that restrict its client. Each is honoured or refused, as at registration: ignoring one
//! would weaken the client's security.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{ClientDocumentError, texts};
use crate::{
    model::{
        Client, ClientDetails, IdTokenAlgorithm, JwsAlgorithm, SigningAlgorithm, Tenant, WireEnum,
    },
    protocol::registration::find_unsupported_metadata,
};

const CERTIFICATE_BOUND: &str = "tls_client_certificate_bound_access_tokens";
const UNKNOWN_ALGORITHM: &str = "it must be an algorithm that is supported";

/// The restrictions of a client in its document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientRestrictions {
    /// `dpop_bound_access_tokens`, `tls_client_certificate_bound_access_tokens`, `token_endpoint_auth_signing_alg` and
    /// `default_acr_values`.
    pub details: Arc<ClientDetails>,
    /// `require_pushed_authorization_requests` (RFC 9126 §6).
    pub require_pushed_requests: bool,
    /// `require_auth_time` (OIDC Registration §2).
    pub require_auth_time: bool,
    /// `default_max_age` (OIDC Registration §2).
    pub default_max_age: Option<Duration>,
    /// `request_object_signing_alg` (OIDC Registration §2).
    pub request_object_signing_alg: Option<JwsAlgorithm>,
    /// `id_token_signed_response_alg` (OIDC Registration §2).
    pub id_token_signed_response_alg: Option<IdTokenAlgorithm>,
    /// `authorization_signed_response_alg` (JARM §3).
    pub authorization_signed_response_alg: Option<SigningAlgorithm>,
}

impl ClientRestrictions {
    /// Reads the restrictions of a document.
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, ClientDocumentError> {
        if let Some(found) = find_unsupported_metadata(members) {
            return Err(ClientDocumentError::Unsupported(found.name, found.reason));
        }
        check_without_document(members)?;
        let details = ClientDetails {
            dpop_bound_access_tokens: flag(members, "dpop_bound_access_tokens")?,
            tls_client_certificate_bound_access_tokens: flag(members, CERTIFICATE_BOUND)?,
            token_endpoint_auth_signing_alg: assertion_algorithm(members)?,
            default_acr_values: acr_values(members)?,
            ..ClientDetails::default()
        };
        if details.dpop_bound_access_tokens && details.tls_client_certificate_bound_access_tokens {
            let text = "it must not be true together with dpop_bound_access_tokens";
            return Err(ClientDocumentError::Member(CERTIFICATE_BOUND, text));
        }
        Ok(Self {
            details: details.shared(),
            require_pushed_requests: flag(members, "require_pushed_authorization_requests")?,
            require_auth_time: flag(members, "require_auth_time")?,
            default_max_age: max_age(members)?,
            request_object_signing_alg: own_algorithm(members, "request_object_signing_alg")?,
            id_token_signed_response_alg: algorithm(members, "id_token_signed_response_alg")?,
            authorization_signed_response_alg: algorithm(
                members,
                "authorization_signed_response_alg",
            )?,
        })
    }

    /// Rule: the tenant has what the restrictions need: keys of the algorithms, and a listener that asks for
    /// certificates.
    pub fn check_tenant(&self, tenant: &Tenant) -> Result<(), ClientDocumentError> {
        if self.details.tls_client_certificate_bound_access_tokens
            && tenant.mutual_tls_url.is_none()
        {
            let text = "this issuer has no address at which clients present certificates";
            return Err(ClientDocumentError::Member(CERTIFICATE_BOUND, text));
        }
        let id_token = match self.id_token_signed_response_alg {
            Some(IdTokenAlgorithm::Signed(algorithm)) => Some(algorithm),
            Some(IdTokenAlgorithm::None) | None => None,
        };
        for (name, algorithm) in [
            ("id_token_signed_response_alg", id_token),
            ("authorization_signed_response_alg", self.authorization_signed_response_alg),
        ] {
            if algorithm.is_some_and(|it| !tenant.algorithms.contains(&it)) {
                let text = "this issuer has no key of the algorithm";
                return Err(ClientDocumentError::Member(name, text));
            }
        }
        Ok(())
    }

    /// The client with these restrictions.
    pub(super) fn onto(&self, client: Client) -> Client {
        Client {
            details: Arc::clone(&self.details),
            require_pushed_requests: client.require_pushed_requests || self.require_pushed_requests,
            require_auth_time: self.require_auth_time,
            default_max_age: self.default_max_age,
            request_object_signing_alg: self.request_object_signing_alg,
            id_token_signed_response_alg: self.id_token_signed_response_alg,
            authorization_signed_response_alg: self.authorization_signed_response_alg,
            ..client
        }
    }
}

/// Rule: restrictions that apply where the document is not at hand are refused.
fn check_without_document(members: &Map<String, Value>) -> Result<(), ClientDocumentError> {
    if written(members, "userinfo_signed_response_alg").is_some() {
        let text = "userinfo is not signed for clients with a document";
        return Err(ClientDocumentError::Unsupported("userinfo_signed_response_alg", text));
    }
    if written(members, "id_token_signed_response_alg").is_some_and(|value| value == "none") {
        let text = "ID tokens are signed for clients with a document";
        return Err(ClientDocumentError::Member("id_token_signed_response_alg", text));
    }
    if written(members, "subject_type").is_some_and(|value| value != "public") {
        let text = "it must be public for clients with a document";
        return Err(ClientDocumentError::Member("subject_type", text));
    }
    Ok(())
}

fn written<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| !value.is_null())
}

fn flag(members: &Map<String, Value>, name: &'static str) -> Result<bool, ClientDocumentError> {
    let Some(value) = written(members, name) else { return Ok(false) };
    value.as_bool().ok_or(ClientDocumentError::Member(name, "it must be true or false"))
}

fn algorithm<T: WireEnum>(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<T>, ClientDocumentError> {
    let Some(value) = written(members, name) else { return Ok(None) };
    let known = value.as_str().and_then(T::from_name);
    known.map(Some).ok_or(ClientDocumentError::Member(name, UNKNOWN_ALGORITHM))
}

/// An algorithm that the client signs with. It has no secret to sign with.
fn own_algorithm(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<JwsAlgorithm>, ClientDocumentError> {
    let own = algorithm::<JwsAlgorithm>(members, name)?;
    if own.is_some_and(|algorithm| !algorithm.is_asymmetric()) {
        let text = "it must be an algorithm of a private key";
        return Err(ClientDocumentError::Member(name, text));
    }
    Ok(own)
}

/// The algorithm of assertions. It has no effect with a method without assertions.
fn assertion_algorithm(
    members: &Map<String, Value>,
) -> Result<Option<JwsAlgorithm>, ClientDocumentError> {
    let method = members.get("token_endpoint_auth_method").and_then(Value::as_str);
    match method {
        Some("private_key_jwt") => own_algorithm(members, "token_endpoint_auth_signing_alg"),
        _ => Ok(None),
    }
}

fn max_age(members: &Map<String, Value>) -> Result<Option<Duration>, ClientDocumentError> {
    const FIELD: &str = "default_max_age";
    let Some(value) = written(members, FIELD) else { return Ok(None) };
    let max_age = value.as_u64().and_then(Client::default_max_age_of);
    let refused = ClientDocumentError::Member(FIELD, "it must be seconds, at most a year");
    max_age.map(Some).ok_or(refused)
}

fn acr_values(members: &Map<String, Value>) -> Result<Vec<String>, ClientDocumentError> {
    const FIELD: &str = "default_acr_values";
    let values = texts(members, FIELD)?.unwrap_or_default();
    let is_word = |text: &&str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_graphic());
    if !values.iter().all(is_word) {
        let text = "each must be printable ASCII without spaces";
        return Err(ClientDocumentError::Member(FIELD, text));
    }
    Ok(values.into_iter().map(str::to_owned).collect())
}
