//! The requested levels of assurance: the parameter `acr_values`, and `acr` in the parameter `claims` (OIDC Core
//! §3.1.2.1, §5.5.1.1).

use super::parameters::{AuthorizationParameter, AuthorizationParams};
use crate::model::{AcrLevel, Client};

/// The levels of assurance that a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedAcr {
    /// The requested levels in order of preference. Empty if any level is acceptable.
    pub values: Vec<String>,
    /// Whether the request fails unless the sign-in reaches one of them (OIDC Core §5.5.1.1).
    pub essential: bool,
}

impl RequestedAcr {
    /// The request for one of the levels that access rules accept.
    pub(super) fn by_access_rules(sufficient: Option<&[AcrLevel]>) -> Self {
        let levels = sufficient.unwrap_or_default();
        Self { values: levels.iter().map(|level| level.value.clone()).collect(), essential: true }
    }
}

/// Returns the requested levels from `claims`, otherwise from `acr_values`, otherwise the client's
/// default.
pub(super) fn requested_acr(
    params: AuthorizationParams<'_>,
    client: &Client,
    claimed: Option<RequestedAcr>,
) -> RequestedAcr {
    claimed.unwrap_or_else(|| {
        let named = params.get(AuthorizationParameter::AcrValues).map(|values| {
            values.split(' ').filter(|value| !value.is_empty()).map(str::to_owned).collect()
        });
        let values = named.unwrap_or_else(|| client.details.default_acr_values.clone());
        RequestedAcr { values, essential: false }
    })
}
