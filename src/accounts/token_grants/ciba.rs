//! The grant type `urn:openid:params:grant-type:ciba` (CIBA Core §10.1), of clients that poll and of those that were
//! notified. As with devices, the answer of the person has stored the grant, which the client's next request takes.

use super::token_grant::TokenGrant;
use crate::{
    accounts::{
        AccountContext, RequestError,
        cross_device::{backchannel_key, poll_request},
    },
    model::{Client, GrantType, Secret, Timestamp},
    protocol::{
        error::OAuthError,
        params::RequestParams,
        records::AuthReqId,
        token::{
            DecisionInput, PolledRequest, TokenDecision, TokenRefusal, decide_polled, invalid_grant,
        },
    },
};

pub(super) struct CibaGrant(Secret<String>);

impl TokenGrant for CibaGrant {
    const GRANT_TYPE: GrantType = GrantType::Ciba;
    const CREDENTIAL: &'static str = "auth_req_id";
    type Credential = PolledRequest;

    fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        params.require("auth_req_id").map(|id| Self(Secret::new(id.to_owned())))
    }

    fn requested_scope(&self) -> Option<&str> {
        None
    }

    async fn open(
        &self,
        context: AccountContext<'_>,
        client: &Client,
    ) -> Result<PolledRequest, RequestError<OAuthError>> {
        let id: Option<AuthReqId> = context.open(self.0.expose())?;
        let id = id.ok_or_else(|| {
            invalid_grant("The auth_req_id is invalid or was issued by another issuer.")
        })?;
        let key = backchannel_key(context, &id.grant_id);
        poll_request(context, ((&id).into(), &key), client).await
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
