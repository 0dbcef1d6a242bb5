//! Levels of assurance: `acr_values`, and `acr` in the parameter `claims` (OIDC Core §3.1.2.1,
//! §5.5.1.1).

use super::super::{
    error::{ErrorCode, OAuthError},
    params::RequestParams,
};
use crate::model::{AcrLevel, Client};

/// What a request wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedAcr {
    /// Levels, the most wanted first; empty: any.
    pub values: Vec<String>,
    /// Whether the answer must have one of them.
    pub essential: bool,
}

/// What a request wants: `claims` before `acr_values` before the client's default.
pub(super) fn wish(
    params: &RequestParams,
    client: &Client,
    claimed: Option<RequestedAcr>,
) -> RequestedAcr {
    claimed.unwrap_or_else(|| {
        let named = params.get("acr_values").map(|values| {
            values.split(' ').filter(|value| !value.is_empty()).map(str::to_owned).collect()
        });
        let values = named.unwrap_or_else(|| client.details.default_acr_values.clone());
        RequestedAcr { values, essential: false }
    })
}

/// The level that a sign-in has reached: the most wanted one, or the best.
pub fn reached<'a>(levels: &'a [AcrLevel], amr: &[String], wish: &RequestedAcr) -> Option<&'a str> {
    let has = |level: &&AcrLevel| level.amr.iter().all(|method| amr.contains(method));
    let wanted = |value: &String| levels.iter().filter(has).find(|level| level.value == *value);
    let found = wish.values.iter().find_map(wanted).or_else(|| levels.iter().find(has));
    found.map(|level| level.value.as_str())
}

/// Rule: one of the levels that are essential is reached, or there is no answer (OIDC Core §5.5.1.1;
/// OpenID Connect Core Error Code `unmet_authentication_requirements`). An essential `acr` that names
/// none is a claim like any other: it may be missing (§5.5.1).
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
        "The person cannot sign in here at the level of assurance that is asked for.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_essential_level_is_one_of_those_named_and_without_names_a_claim_like_any_other() {
        // OIDC Core §5.5.1, §5.5.1.1
        let levels = [AcrLevel { value: "one".into(), amr: vec!["pwd".into()] }];
        let met = |levels: &[AcrLevel], values: &[&str], essential: bool| {
            let values = values.iter().map(|&value| value.to_owned()).collect();
            check(levels, &["pwd".to_owned()], &RequestedAcr { values, essential }).is_ok()
        };
        assert!(met(&levels, &["two", "one"], true));
        assert!(!met(&levels, &["two"], true) && !met(&[], &["one"], true));
        assert!(met(&levels, &["two"], false));
        assert!(met(&levels, &[], true) && met(&[], &[], true), "no value is demanded");
    }
}
