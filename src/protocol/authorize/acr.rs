//! Levels of assurance: the parameter `acr_values`, and `acr` in the parameter `claims` (OIDC Core
//! §3.1.2.1, §5.5.1.1).

use super::{
    super::error::{ErrorCode, OAuthError},
    parameters::{AuthorizationParams, Parameter},
};
use crate::model::{AcrLevel, Client};

/// The levels of assurance that a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedAcr {
    /// The requested levels in order of preference. Empty if any level is acceptable.
    pub values: Vec<String>,
    /// Whether the response must have one of them.
    pub essential: bool,
}

/// Returns the requested levels from `claims`, otherwise from `acr_values`, otherwise the client's
/// default.
pub(super) fn requested_acr(
    params: AuthorizationParams<'_>,
    client: &Client,
    claimed: Option<RequestedAcr>,
) -> RequestedAcr {
    claimed.unwrap_or_else(|| {
        let named = params.get(Parameter::AcrValues).map(|values| {
            values.split(' ').filter(|value| !value.is_empty()).map(str::to_owned).collect()
        });
        let values = named.unwrap_or_else(|| client.details.default_acr_values.clone());
        RequestedAcr { values, essential: false }
    })
}

/// Returns the level that a sign-in has reached: the most preferred one, or else the best.
pub fn reached<'a>(levels: &'a [AcrLevel], amr: &[String], wish: &RequestedAcr) -> Option<&'a str> {
    let has = |level: &&AcrLevel| level.amr.iter().all(|method| amr.contains(method));
    let wanted = |value: &String| levels.iter().filter(has).find(|level| level.value == *value);
    let found = wish.values.iter().find_map(wanted).or_else(|| levels.iter().find(has));
    found.map(|level| level.value.as_str())
}

/// Rule: if `acr` is essential, one of the requested levels must be reached (OIDC Core §5.5.1.1;
/// OpenID Connect Core Error Code `unmet_authentication_requirements`). An essential `acr` without
/// values is a claim like any other and may be missing (§5.5.1).
pub(super) fn check(
    levels: &[AcrLevel],
    amr: &[String],
    wish: &RequestedAcr,
) -> Result<(), OAuthError> {
    let reached = reached(levels, amr, wish);
    let wanted = || wish.values.iter().any(|value| Some(value.as_str()) == reached);
    if !wish.essential || wish.values.is_empty() || wanted() {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::UnmetAuthenticationRequirements,
        "The user cannot sign in at the requested level of assurance.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_essential_acr_must_reach_a_requested_level_unless_it_has_no_values() {
        // OIDC Core §5.5.1, §5.5.1.1
        let levels = [AcrLevel { value: "one".into(), amr: vec!["pwd".into()] }];
        let met = |levels: &[AcrLevel], values: &[&str], essential: bool| {
            let values = values.iter().map(|&value| value.to_owned()).collect();
            check(levels, &["pwd".to_owned()], &RequestedAcr { values, essential }).is_ok()
        };
        assert!(met(&levels, &["two", "one"], true));
        assert!(!met(&levels, &["two"], true) && !met(&[], &["one"], true));
        assert!(met(&levels, &["two"], false));
        assert!(met(&levels, &[], true) && met(&[], &[], true), "no value is requested");
    }
}
