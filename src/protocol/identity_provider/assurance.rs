//! The rules by which authentication methods of a provider's sign-in are accepted at this tenant.

/// A rule by which authentication methods of a provider's sign-in are accepted at this tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssuranceRule {
    /// The provider's `acr` that proves the methods in `amr`. `None`: the provider has to state each of them in its
    /// own `amr`.
    pub acr: Option<String>,
    /// The methods that the rule can give to a sign-in here, as values of `amr`.
    pub amr: Vec<String>,
}

/// Returns the methods (`amr`) of a provider's sign-in that are accepted here.
pub fn counted_methods(rules: &[AssuranceRule], acr: Option<&str>, amr: &[String]) -> Vec<String> {
    let mut counted: Vec<String> = Vec::new();
    for rule in rules {
        let of_rule = rule.amr.iter().filter(|method| match &rule.acr {
            Some(required) => acr == Some(required),
            None => amr.contains(method),
        });
        for method in of_rule {
            if !counted.contains(method) {
                counted.push(method.clone());
            }
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assurance_counts_only_where_a_rule_says_so() {
        let rule = |acr: Option<&str>, amr: &[&str]| AssuranceRule {
            acr: acr.map(str::to_owned),
            amr: amr.iter().map(|it| (*it).to_owned()).collect(),
        };
        let stated = ["pwd".to_owned(), "mfa".to_owned()];
        assert!(counted_methods(&[], Some("phr"), &stated).is_empty());
        let taken = counted_methods(&[rule(None, &["mfa", "otp"])], None, &stated);
        assert_eq!(taken, ["mfa"]);
        let by_acr = [rule(Some("phr"), &["mfa", "hwk"]), rule(None, &["mfa"])];
        assert_eq!(counted_methods(&by_acr, Some("phr"), &[]), ["mfa", "hwk"]);
        assert!(counted_methods(&by_acr, Some("other"), &[]).is_empty());
    }
}
