//! The grant types of clients that poll until a person has answered on another device. They are
//! `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4) and `urn:openid:params:grant-type:ciba` (CIBA
//! Core §10.1), with or without a notification. A poll writes nothing until the person has answered. The answer
//! stores the grant, so the person can see and withdraw it at once. The client gets it by its next poll.

use std::marker::PhantomData;

use super::token_grant::TokenGrant;
use crate::{
    accounts::{
        AccountContext, AccountError, RequestError,
        cross_device_flows::cross_device::{backchannel_key, device_key, poll_request},
    },
    model::{Client, GrantType, Secret, Timestamp},
    protocol::{
        error::OAuthError,
        params::RequestParams,
        records::{AuthReqId, DeviceCode, SealedRecord},
        token::{
            DecisionInput, PolledRequest, PollingCredential, TokenDecision, TokenRefusal,
            decide_polled, invalid_grant,
        },
    },
    store::RecordKey,
};

/// The part that differs between these grant types.
pub(super) trait PolledGrantType: Send + Sync + 'static {
    const GRANT_TYPE: GrantType;
    /// The name of the credential in errors.
    const CREDENTIAL: &'static str;
    /// The parameter with the credential.
    const PARAMETER: &'static str;
    /// The content of the credential.
    type Sealed: SealedRecord + Send + Sync;

    /// Opens the credential that was sent; `None` if this tenant did not issue it.
    fn open(
        context: AccountContext<'_>,
        sealed: &str,
    ) -> Result<Option<Self::Sealed>, AccountError> {
        context.open(sealed)
    }

    /// The credential that is checked, and the key of the request that it was issued for.
    fn request_of(
        context: AccountContext<'_>,
        opened: Self::Sealed,
    ) -> (PollingCredential, RecordKey);
}

/// The grant type `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4).
pub(super) struct DeviceCodeGrant;

impl PolledGrantType for DeviceCodeGrant {
    const GRANT_TYPE: GrantType = GrantType::DeviceCode;
    const CREDENTIAL: &'static str = "device code";
    const PARAMETER: &'static str = "device_code";
    type Sealed = DeviceCode;

    fn open(context: AccountContext<'_>, sealed: &str) -> Result<Option<DeviceCode>, AccountError> {
        let sealer = context.sealer.ok_or(AccountError::NoSealingKeys)?;
        Ok(context.services.device_code_cache.open(sealer, context.tenant_id(), sealed))
    }

    fn request_of(context: AccountContext<'_>, code: DeviceCode) -> (PollingCredential, RecordKey) {
        let key = device_key(context, &code.user_code);
        (code.into(), key)
    }
}

/// The grant type `urn:openid:params:grant-type:ciba` (CIBA Core §10.1).
pub(super) struct CibaGrant;

impl PolledGrantType for CibaGrant {
    const GRANT_TYPE: GrantType = GrantType::Ciba;
    const CREDENTIAL: &'static str = "auth_req_id";
    const PARAMETER: &'static str = "auth_req_id";
    type Sealed = AuthReqId;

    fn request_of(context: AccountContext<'_>, id: AuthReqId) -> (PollingCredential, RecordKey) {
        let key = backchannel_key(context, &id.grant_id);
        (id.into(), key)
    }
}

/// A poll with the credential that the client was given.
pub(super) struct PolledGrant<G> {
    credential: Secret<String>,
    grant_type: PhantomData<G>,
}

impl<G: PolledGrantType> TokenGrant for PolledGrant<G> {
    const GRANT_TYPE: GrantType = G::GRANT_TYPE;
    const CREDENTIAL: &'static str = G::CREDENTIAL;
    type Credential = PolledRequest;

    fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        let credential = Secret::new(params.require(G::PARAMETER)?.to_owned());
        Ok(Self { credential, grant_type: PhantomData })
    }

    fn requested_scope(&self) -> Option<&str> {
        None
    }

    async fn open(
        &self,
        context: AccountContext<'_>,
        client: &Client,
    ) -> Result<PolledRequest, RequestError<OAuthError>> {
        let opened = G::open(context, self.credential.expose())?.ok_or_else(|| {
            let name = G::CREDENTIAL;
            invalid_grant(&format!("The {name} is invalid or was issued by another issuer."))
        })?;
        let (credential, key) = G::request_of(context, opened);
        poll_request(context, (credential, &key), client).await
    }

    fn needed_grant(polled: &PolledRequest, _: Timestamp) -> Option<&str> {
        polled.granted()
    }

    fn decide(
        polled: &PolledRequest,
        input: DecisionInput<'_>,
    ) -> Result<TokenDecision, TokenRefusal> {
        decide_polled(polled, input)
    }
}
