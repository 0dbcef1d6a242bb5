//! Rule: `client_id` occurs once and identifies a client of this tenant (RFC 6749 §4.1.1, §3.1).

use std::sync::Arc;

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        params::RequestParams,
    },
    TenantLookup, duplicates,
};
use crate::model::Client;

pub(super) fn check(
    params: &RequestParams,
    served: &dyn TenantLookup,
) -> Result<Arc<Client>, OAuthError> {
    duplicates::check_one(params, "client_id")?;
    let id = params.require("client_id")?;
    served.client(id).ok_or_else(|| {
        OAuthError::new(
            ErrorCode::InvalidClient,
            "No application with this client_id is registered.",
        )
    })
}
