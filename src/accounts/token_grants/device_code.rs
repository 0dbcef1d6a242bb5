//! The grant type `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4). Devices poll, so nothing is
//! written until the person has answered. The answer stores the grant, so that the person sees and withdraws it at
//! once; the device's next poll takes it.

use super::token_grant::TokenGrant;
use crate::{
    accounts::{
        AccountContext, RequestError,
        cross_device::{device_key, poll_request},
    },
    model::{Client, GrantType, Secret, Timestamp},
    protocol::{
        error::OAuthError,
        params::RequestParams,
        records::DeviceCode,
        token::{
            DecisionInput, PolledRequest, TokenDecision, TokenRefusal, decide_polled, invalid_grant,
        },
    },
};

pub(super) struct DeviceCodeGrant(Secret<String>);

impl TokenGrant for DeviceCodeGrant {
    const GRANT_TYPE: GrantType = GrantType::DeviceCode;
    const CREDENTIAL: &'static str = "device code";
    type Credential = PolledRequest;

    fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        params.require("device_code").map(|code| Self(Secret::new(code.to_owned())))
    }

    fn requested_scope(&self) -> Option<&str> {
        None
    }

    async fn open(
        &self,
        context: AccountContext<'_>,
        client: &Client,
    ) -> Result<PolledRequest, RequestError<OAuthError>> {
        let code: Option<DeviceCode> = context.open(self.0.expose())?;
        let code = code.ok_or_else(|| {
            invalid_grant("The device code is invalid or was issued by another issuer.")
        })?;
        let key = device_key(context, &code.user_code);
        poll_request(context, ((&code).into(), &key), client).await
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
