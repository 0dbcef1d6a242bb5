//! Finds the requested levels of assurance that a sign-in has reached or can reach (OIDC Core §5.5.1.1).

use super::{
    super::{
        authentication::{Authentication, AuthenticationMethod, SignInWay},
        error::{ErrorCode, OAuthError},
    },
    AuthorizationRequest,
    requested_acr::RequestedAcr,
};
use crate::model::AcrLevel;

/// Returns the level that a sign-in has reached: the most preferred of the requested levels, or else the best level.
pub fn reached_acr<'a>(
    levels: &'a [AcrLevel],
    authentication: &Authentication,
    requested: &RequestedAcr,
) -> Option<&'a str> {
    let has = |level: &&AcrLevel| level.amr.iter().all(|method| authentication.used(method));
    let wanted = |value: &String| levels.iter().filter(has).find(|level| level.value == *value);
    let found = requested.values.iter().find_map(wanted).or_else(|| levels.iter().find(has));
    found.map(|level| level.value.as_str())
}

/// Whether a sign-in meets the levels that a request requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AcrStatus {
    /// A requested level is reached, or none is required.
    Reached,
    /// A new sign-in can reach a requested level.
    Reachable,
    /// No way to sign in reaches a requested level.
    Unreachable,
}

/// Rule: if `acr` is essential, one of the requested levels must be reached (OIDC Core §5.5.1.1).
/// An essential `acr` without values is a claim like any other and may be missing (OIDC Core §5.5.1). A new
/// sign-in replaces the proofs of the session, so one of `ways` has to satisfy all requests.
pub(super) fn acr_status(
    levels: &[AcrLevel],
    authentication: &Authentication,
    ways: &[&SignInWay],
    requests: &[&RequestedAcr],
) -> AcrStatus {
    let reached = |amr: &[String]| amr.iter().all(|method| authentication.used(method));
    if are_met(levels, requests, reached) {
        AcrStatus::Reached
    } else if ways.iter().any(|way| are_met(levels, requests, |amr| way.proves(amr))) {
        AcrStatus::Reachable
    } else {
        AcrStatus::Unreachable
    }
}

/// Whether one sign-in by a way can reach the levels that a request and the access rules require.
/// `sufficient`: the levels that access rules accept.
pub fn can_reach_levels(
    request: &AuthorizationRequest,
    sufficient: Option<&[AcrLevel]>,
    way: &SignInWay,
) -> bool {
    let requests = [&request.acr, &RequestedAcr::by_access_rules(sufficient)];
    are_met(&request.acr_levels, &requests, |amr| way.proves(amr))
}

fn are_met(
    levels: &[AcrLevel],
    requests: &[&RequestedAcr],
    proves: impl Fn(&[String]) -> bool,
) -> bool {
    requests.iter().filter(|requested| requested.essential && !requested.values.is_empty()).all(
        |requested| {
            levels.iter().any(|level| requested.values.contains(&level.value) && proves(&level.amr))
        },
    )
}

/// The levels to request of a provider, in order of preference. Sufficient levels that the application prefers come
/// first. The other sufficient levels follow from the lowest on, because it asks least of the person. `sufficient`:
/// the levels that access rules accept, best first.
pub fn wanted_levels(requested: &RequestedAcr, sufficient: Option<&[AcrLevel]>) -> Vec<String> {
    let required = sufficient.unwrap_or_default();
    let is_sufficient = |value: &&String| required.iter().any(|level| level.value == **value);
    let preferred = requested.values.iter().filter(is_sufficient);
    let all = preferred.chain(required.iter().rev().map(|it| &it.value)).chain(&requested.values);
    let mut wanted: Vec<String> = Vec::new();
    for value in all {
        if !wanted.contains(value) {
            wanted.push(value.clone());
        }
    }
    wanted
}

/// Returns true if the second factor reaches a requested level that the sign-in does not reach, and no essential
/// level is left out. It is asked for voluntary levels too, because that is a small step.
pub(super) fn second_factor_raises(
    levels: &[AcrLevel],
    authentication: &Authentication,
    second_factor: &[AuthenticationMethod],
    requests: &[&RequestedAcr],
) -> bool {
    let meets = |requested: &RequestedAcr, has: &dyn Fn(&String) -> bool| {
        let mut wanted = levels.iter().filter(|level| requested.values.contains(&level.value));
        requested.values.is_empty() || wanted.any(|level| level.amr.iter().all(has))
    };
    let now = |method: &String| authentication.used(method);
    let then = |method: &String| {
        now(method) || second_factor.iter().any(|proved| proved.as_str() == method)
    };
    requests.iter().any(|requested| !meets(requested, &now) && meets(requested, &then))
        && requests
            .iter()
            .filter(|requested| requested.essential)
            .all(|requested| meets(requested, &then))
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

    fn way(methods: &[&str]) -> SignInWay {
        let methods = methods.iter().map(|amr| AuthenticationMethod::new(amr)).collect();
        SignInWay { provider: Some("corp".to_owned()), methods }
    }

    fn requested((values, essential): (&[&str], bool)) -> RequestedAcr {
        RequestedAcr { values: values.iter().map(|&value| value.to_owned()).collect(), essential }
    }

    fn status_of(
        levels: &[AcrLevel],
        requests: &[(&[&str], bool)],
        ways: &[&SignInWay],
    ) -> AcrStatus {
        let (password, now) = (AuthenticationMethod::password(), Timestamp::from_secs(0));
        let authentication = Authentication::by(password, Subject::new("ada"), now);
        let requests: Vec<_> = requests.iter().map(|it| requested(*it)).collect();
        acr_status(levels, &authentication, ways, &requests.iter().collect::<Vec<_>>())
    }

    #[test]
    fn an_essential_acr_must_reach_a_requested_level_unless_it_has_no_values() {
        // OIDC Core §5.5.1, §5.5.1.1
        let levels = [level("one", &["pwd"])];
        let met = |levels: &[AcrLevel], values: &[&str], essential: bool| {
            status_of(levels, &[(values, essential)], &[]) == AcrStatus::Reached
        };
        assert!(met(&levels, &["two", "one"], true));
        assert!(!met(&levels, &["two"], true) && !met(&[], &["one"], true));
        assert!(met(&levels, &["two"], false));
        assert!(met(&levels, &[], true) && met(&[], &[], true), "no value is requested");
    }

    #[test]
    fn a_level_is_reachable_by_a_way_that_proves_all_its_methods() {
        use AcrStatus::{Reachable, Reached, Unreachable};
        let levels = [level("gold", &["fed", "hwk"]), level("silver", &["otp"])];
        let (gold, silver) = ((&["gold"][..], true), (&["silver"][..], true));
        let (key, code, both) =
            (way(&["fed", "hwk"]), way(&["fed", "otp"]), way(&["fed", "hwk", "otp"]));
        assert_eq!(status_of(&levels, &[gold], &[&code, &key]), Reachable);
        assert_eq!(status_of(&levels, &[gold], &[&code, &way(&["hwk"])]), Unreachable);
        assert_eq!(status_of(&levels, &[(&["bronze"], true)], &[&both]), Unreachable);
        assert_eq!(status_of(&levels, &[gold, silver], &[&code, &key]), Unreachable, "one sign-in");
        assert_eq!(status_of(&levels, &[gold, silver], &[&both]), Reachable);
        assert_eq!(status_of(&levels, &[(&["gold"], false)], &[]), Reached);
    }

    #[test]
    fn the_lowest_sufficient_level_is_requested_unless_the_application_prefers_another() {
        let levels = [level("gold", &["hwk"]), level("silver", &["otp"])];
        let wanted = |values: &[&str], sufficient: Option<&[AcrLevel]>| {
            wanted_levels(&requested((values, false)), sufficient).join(" ")
        };
        assert_eq!(wanted(&["x", "gold"], None), "x gold");
        assert_eq!(wanted(&[], Some(&levels)), "silver gold");
        assert_eq!(wanted(&["x", "gold"], Some(&levels)), "gold silver x");
        assert_eq!(wanted(&["x"], Some(&[])), "x");
    }

    #[test]
    fn the_second_factor_raises_a_sign_in_to_a_requested_level() {
        let levels = [level("gold", &["pwd", "otp"]), level("silver", &["pwd"])];
        let password = AuthenticationMethod::password();
        let ada = Authentication::by(password, Subject::new("ada"), Timestamp::from_secs(0));
        let raises = |requests: &[(&str, bool)], factor: &[AuthenticationMethod]| {
            let requested = |(value, essential): &(&str, bool)| RequestedAcr {
                values: vec![(*value).to_owned()],
                essential: *essential,
            };
            let requests: Vec<_> = requests.iter().map(requested).collect();
            second_factor_raises(&levels, &ada, factor, &requests.iter().collect::<Vec<_>>())
        };
        let factor = AuthenticationMethod::of_second_factor();
        assert!(raises(&[("gold", true)], &factor) && raises(&[("gold", false)], &factor));
        assert!(!raises(&[("gold", true)], &[]), "the user has none");
        assert!(!raises(&[("silver", true)], &factor), "reached");
        assert!(!raises(&[("other", true)], &factor) && !raises(&[], &factor));
        assert!(!raises(&[("gold", false), ("other", true)], &factor), "it would not suffice");
    }
}
