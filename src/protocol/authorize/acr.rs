//! Levels of assurance: the parameter `acr_values`, and `acr` in the parameter `claims` (OIDC Core
//! §3.1.2.1, §5.5.1.1).

use super::{
    super::{
        authentication::{Authentication, AuthenticationMethod},
        error::{ErrorCode, OAuthError},
    },
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
pub fn reached_acr<'a>(
    levels: &'a [AcrLevel],
    authentication: &Authentication,
    wish: &RequestedAcr,
) -> Option<&'a str> {
    let has = |level: &&AcrLevel| level.amr.iter().all(|method| authentication.used(method));
    let wanted = |value: &String| levels.iter().filter(has).find(|level| level.value == *value);
    let found = wish.values.iter().find_map(wanted).or_else(|| levels.iter().find(has));
    found.map(|level| level.value.as_str())
}

/// Whether a sign-in meets the levels that a request requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AcrStatus {
    /// A requested level is reached, or none is required.
    Reached,
    /// The user has methods left that reach a requested level.
    Reachable,
    /// No method of the user reaches a requested level.
    Unreachable,
}

/// Rule: if `acr` is essential, one of the requested levels must be reached (OIDC Core §5.5.1.1).
/// An essential `acr` without values is a claim like any other and may be missing (§5.5.1).
pub(super) fn acr_status(
    levels: &[AcrLevel],
    authentication: &Authentication,
    available: &[AuthenticationMethod],
    wish: &RequestedAcr,
) -> AcrStatus {
    let reached = reached_acr(levels, authentication, wish);
    let wanted = |level: &str| wish.values.iter().any(|value| value == level);
    if !wish.essential || wish.values.is_empty() || reached.is_some_and(wanted) {
        return AcrStatus::Reached;
    }
    let usable = |method: &String| {
        authentication.used(method) || available.iter().any(|it| it.as_str() == method)
    };
    let mut wanted = levels.iter().filter(|level| wanted(&level.value));
    if wanted.any(|level| level.amr.iter().all(usable)) {
        AcrStatus::Reachable
    } else {
        AcrStatus::Unreachable
    }
}

/// The error if a required level is not reached (OpenID Connect Core Error Code
/// `unmet_authentication_requirements`).
pub(super) fn unmet_acr_error() -> OAuthError {
    OAuthError::new(
        ErrorCode::UnmetAuthenticationRequirements,
        "The user cannot sign in at the requested level of assurance.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Subject, Timestamp};

    fn level(value: &str, amr: &[&str]) -> AcrLevel {
        AcrLevel { value: value.into(), amr: amr.iter().map(|&method| method.into()).collect() }
    }

    fn status_of(
        levels: &[AcrLevel],
        (values, essential): (&[&str], bool),
        available: &[&str],
    ) -> AcrStatus {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        let (password, now) = (AuthenticationMethod::password(), Timestamp::from_secs(0));
        let authentication = Authentication::by(password, Subject::new("ada"), now);
        let available: Vec<_> =
            available.iter().map(|amr| AuthenticationMethod::new(amr)).collect();
        acr_status(levels, &authentication, &available, &RequestedAcr { values, essential })
    }

    #[test]
    fn an_essential_acr_must_reach_a_requested_level_unless_it_has_no_values() {
        // OIDC Core §5.5.1, §5.5.1.1
        let levels = [level("one", &["pwd"])];
        let met = |levels: &[AcrLevel], values: &[&str], essential: bool| {
            status_of(levels, (values, essential), &["pwd"]) == AcrStatus::Reached
        };
        assert!(met(&levels, &["two", "one"], true));
        assert!(!met(&levels, &["two"], true) && !met(&[], &["one"], true));
        assert!(met(&levels, &["two"], false));
        assert!(met(&levels, &[], true) && met(&[], &[], true), "no value is requested");
    }

    #[test]
    fn a_level_is_reachable_with_the_methods_that_are_left() {
        let levels = [level("gold", &["pwd", "otp"])];
        let gold = (&["gold"][..], true);
        assert_eq!(status_of(&levels, gold, &["otp"]), AcrStatus::Reachable);
        assert_eq!(status_of(&levels, gold, &["pwd"]), AcrStatus::Unreachable);
        assert_eq!(status_of(&levels, (&["silver"], true), &["otp"]), AcrStatus::Unreachable);
    }
}
