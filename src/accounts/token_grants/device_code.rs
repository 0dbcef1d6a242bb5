//! The grant type `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4). Devices poll, so nothing is
//! written until the person has answered. The answer stores the grant, so that the person sees and withdraws it at
//! once; the device's next poll takes it.

use super::token_grant::TokenGrant;
use crate::{
    accounts::{
        AccountContext, RequestError,
        device_authorizations::{admit_poll, load_device_authorization},
    },
    model::{Client, GrantType, Secret, Timestamp},
    protocol::{
        error::OAuthError,
        params::RequestParams,
        records::DeviceCode,
        token::{
            DecisionInput, PolledDevice, TokenDecision, TokenRefusal, check_device_code,
            decide_device, granted_to_device, invalid_grant, slow_down,
        },
    },
};

pub(super) struct DeviceCodeGrant(Secret<String>);

impl TokenGrant for DeviceCodeGrant {
    const GRANT_TYPE: GrantType = GrantType::DeviceCode;
    const CREDENTIAL: &'static str = "device code";
    type Credential = PolledDevice;

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
    ) -> Result<PolledDevice, RequestError<OAuthError>> {
        let unknown =
            || invalid_grant("The device code is invalid or was issued by another issuer.");
        let code: Option<DeviceCode> = context.open(self.0.expose())?;
        let code = code.ok_or_else(unknown)?;
        check_device_code(&code, client, context.now)?;
        if !admit_poll(context, &code) {
            return Err(slow_down().into());
        }
        let authorization = load_device_authorization(context, &code.user_code).await?;
        Ok(PolledDevice { code, authorization })
    }

    fn needed_grant(polled: &PolledDevice, _: Timestamp) -> Option<&str> {
        granted_to_device(polled)
    }

    fn decide(
        polled: &PolledDevice,
        input: DecisionInput<'_>,
    ) -> Result<TokenDecision, TokenRefusal> {
        decide_device(polled, input)
    }
}
