//! The ways to sign in at a provider: what a sign-in can prove, and the levels to request for it.

use super::{AssuranceRule, IdentityProvider, ProviderSource};
use crate::{
    model::AcrLevel,
    protocol::authentication::{AuthenticationMethod, SignInWay},
};

/// The ways to sign in at a provider. There is one for each `acr` of its assurances, because a sign-in has one
/// `acr`.
pub fn ways_of_provider(provider: &IdentityProvider) -> Vec<SignInWay> {
    let name = provider.name();
    match &provider.source {
        ProviderSource::Ldap(_) => vec![SignInWay::by_password(Some(name))],
        // GitHub states neither `acr` nor `amr`.
        ProviderSource::GitHub(_) => vec![way(name, &[], None)],
        ProviderSource::Oidc(_) => {
            let rules = &provider.assurance;
            let stated = stated_levels(rules).into_iter().map(Some);
            stated.chain([None]).map(|acr| way(name, rules, acr)).collect()
        }
    }
}

/// The sign-ins for which a provider states this `acr`, and all methods that are accepted by themselves.
fn way(name: &str, rules: &[AssuranceRule], acr: Option<&str>) -> SignInWay {
    let counts = |rule: &&AssuranceRule| rule.acr.is_none() || rule.acr.as_deref() == acr;
    let counted = rules.iter().filter(counts).flat_map(|rule| &rule.amr);
    let counted = counted.map(|method| AuthenticationMethod::new(method));
    let methods = [AuthenticationMethod::federated()].into_iter().chain(counted).collect();
    SignInWay { provider: Some(name.to_owned()), methods }
}

/// The values of `acr` that are accepted, each once, in the order of the rules.
fn stated_levels(rules: &[AssuranceRule]) -> Vec<&str> {
    let mut levels = Vec::new();
    for acr in rules.iter().filter_map(|rule| rule.acr.as_deref()) {
        if !levels.contains(&acr) {
            levels.push(acr);
        }
    }
    levels
}

/// The `acr_values` of a request to a provider, for the wanted levels. They are the provider's names for the
/// levels, if its assurances have any, and otherwise the tenant's names.
pub fn acr_values_for_provider(
    provider: &IdentityProvider,
    levels: &[AcrLevel],
    wanted: &[String],
) -> Vec<String> {
    let rules = &provider.assurance;
    let mut values: Vec<String> = Vec::new();
    for level in wanted.iter().filter_map(|wanted| levels.iter().find(|it| it.value == *wanted)) {
        let suffices = |acr: &&str| {
            let mut of_acr = rules.iter().filter(|rule| rule.acr.as_deref() == Some(*acr));
            of_acr.any(|rule| rule.amr.iter().any(|method| level.amr.contains(method)))
                && way(provider.name(), rules, Some(*acr)).proves(&level.amr)
        };
        for value in stated_levels(rules).into_iter().filter(suffices) {
            if !values.iter().any(|it| it == value) {
                values.push(value.to_owned());
            }
        }
    }
    if values.is_empty() { wanted.to_vec() } else { values }
}

#[cfg(test)]
mod tests {
    use super::{super::fixtures::sample_provider, *};

    fn provider(rules: &[(Option<&str>, &[&str])]) -> IdentityProvider {
        let texts = |amr: &[&str]| amr.iter().map(|it| (*it).to_owned()).collect();
        let rule = |(acr, amr): &(Option<&str>, &[&str])| AssuranceRule {
            acr: acr.map(str::to_owned),
            amr: texts(amr),
        };
        let assurance = rules.iter().map(rule).collect();
        IdentityProvider { assurance, ..sample_provider() }
    }

    #[test]
    fn a_sign_in_proves_the_methods_of_one_level_and_those_that_count_by_themselves() {
        let corp = provider(&[(Some("phr"), &["hwk"]), (Some("mfa"), &["otp"]), (None, &["pwd"])]);
        let ways = ways_of_provider(&corp);
        let can = |methods: &[&str]| {
            let methods: Vec<_> = methods.iter().map(|it| (*it).to_owned()).collect();
            ways.iter().any(|way| way.proves(&methods))
        };
        assert!(can(&["fed", "hwk", "pwd"]) && can(&["otp"]) && can(&[]));
        assert!(!can(&["hwk", "otp"]), "the provider states one level");
        assert!(!can(&["mfa"]));
        assert!(ways.iter().all(|way| way.provider.as_deref() == Some("corp")));
    }

    #[test]
    fn levels_are_requested_by_their_names_at_the_provider() {
        let level = |value: &str, amr: &[&str]| AcrLevel {
            value: value.to_owned(),
            amr: amr.iter().map(|it| (*it).to_owned()).collect(),
        };
        let levels = [level("gold", &["hwk"]), level("silver", &["fed", "mfa"]), level("any", &[])];
        let corp = provider(&[(Some("phr"), &["hwk", "mfa"]), (Some("urn:mfa"), &["mfa"])]);
        let values = |provider: &IdentityProvider, wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(|it| (*it).to_owned()).collect();
            acr_values_for_provider(provider, &levels, &wanted).join(" ")
        };
        assert_eq!(values(&corp, &["gold"]), "phr");
        assert_eq!(values(&corp, &["silver", "gold"]), "phr urn:mfa", "each once");
        assert_eq!(values(&corp, &["any"]), "any", "it needs none of the provider's levels");
        assert_eq!(values(&corp, &["unknown", "any"]), "unknown any");
        assert_eq!(values(&corp, &["unknown", "gold"]), "phr", "the provider may refuse others");
        assert_eq!(values(&provider(&[(None, &["hwk"])]), &["gold"]), "gold");
        assert_eq!(values(&corp, &[]), "");
    }
}
