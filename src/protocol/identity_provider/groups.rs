//! The groups of a person: from a claim, filtered and prefixed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{MappingError, UpstreamClaims, ValueSource, sources::ClaimsEvaluation};
use crate::model::invisible_characters::find_invisible;

/// Maximum number of groups of a person.
const MAX_GROUPS: usize = 1000;
/// Maximum length of a group, in bytes.
const MAX_GROUP_LEN: usize = 256;
/// The claim that providers send groups in.
pub(super) const GROUPS_CLAIM: &str = "groups";

/// The source of a person's groups, with a filter and a prefix.
#[derive(Clone, Debug)]
pub struct GroupMapping {
    /// The value with the groups; `None`: the claim `groups`, and a person without the claim has no groups.
    pub value: Option<ValueSource>,
    /// Patterns of the groups that are taken over, with `*` for any text; empty: all groups.
    pub include: Vec<String>,
    /// The text that is put before each group; may be empty.
    pub prefix: String,
}

impl GroupMapping {
    /// The claims that the groups come from.
    pub fn claim_names(&self) -> BTreeSet<&str> {
        match &self.value {
            None => BTreeSet::from([GROUPS_CLAIM]),
            Some(ValueSource::Claim(name)) => BTreeSet::from([name.as_str()]),
            Some(ValueSource::Expression(expression)) => expression.claim_names(),
        }
    }

    /// The groups of a person, without duplicates, in the provider's order.
    pub(super) fn groups(&self, of: &ClaimsEvaluation<'_>) -> Result<Vec<String>, MappingError> {
        let claims = of.claims;
        let name = match &self.value {
            Some(ValueSource::Claim(name)) => Some(name.as_str()),
            // Without this check an expression could give no groups instead of an error.
            Some(ValueSource::Expression(expression)) => {
                expression.text().contains(GROUPS_CLAIM).then_some(GROUPS_CLAIM)
            }
            None => Some(GROUPS_CLAIM),
        };
        if name.is_some_and(|name| has_overage(claims, name)) {
            return Err(MappingError::GroupOverage);
        }
        let value = match &self.value {
            Some(source) => {
                let value = source.value(of)?;
                Some(value.ok_or_else(|| MappingError::NoGroups(self.description()))?)
            }
            None => claims.get(GROUPS_CLAIM).filter(|value| !value.is_null()).cloned(),
        };
        let listed = match value {
            None => return Ok(Vec::new()),
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several
                .into_iter()
                .map(|group| match group {
                    Value::String(text) => Ok(text),
                    _ => Err(MappingError::NotGroups(self.description())),
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(MappingError::NotGroups(self.description())),
        };
        let mut groups: Vec<String> = Vec::new();
        let mut known = std::collections::HashSet::new();
        for group in listed.iter().filter(|group| self.includes(group)) {
            let named = format!("{}{group}", self.prefix);
            if group.is_empty() || named.len() > MAX_GROUP_LEN {
                return Err(MappingError::GroupLength(MAX_GROUP_LEN));
            }
            if named.chars().any(char::is_control) || find_invisible(&named).is_some() {
                return Err(MappingError::UnprintableGroup(named));
            }
            if known.insert(named.clone()) {
                groups.push(named);
            }
        }
        if groups.len() > MAX_GROUPS {
            return Err(MappingError::TooManyGroups { count: groups.len(), most: MAX_GROUPS });
        }
        Ok(groups)
    }

    fn description(&self) -> String {
        match self.value.as_ref().map(ValueSource::claim) {
            None => GROUPS_CLAIM.to_owned(),
            Some(Some(claim)) => claim.to_owned(),
            Some(None) => "groups.expression".to_owned(),
        }
    }

    fn includes(&self, group: &str) -> bool {
        self.include.is_empty() || self.include.iter().any(|pattern| is_match(pattern, group))
    }
}

/// Returns true if the provider left the groups out because they are too many: Entra then names the
/// claim in `_claim_names` (OIDC Core §5.6.2), or sends `hasgroups`.
fn has_overage(claims: &UpstreamClaims, name: &str) -> bool {
    let elsewhere = claims.get("_claim_names").and_then(|names| names.get(name)).is_some();
    let has_groups = || claims.get("hasgroups") == Some(&Value::Bool(true));
    elsewhere || (name == GROUPS_CLAIM && has_groups())
}

/// Returns true if `text` matches `pattern`, in which `*` matches any text.
fn is_match(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::expression::{EvaluationBudgetPool, Expression, ExpressionScope};

    fn groups(mapping: &GroupMapping, claims: Value) -> Result<Vec<String>, MappingError> {
        let Value::Object(claims) = claims else { panic!("an object") };
        mapping.groups(&ClaimsEvaluation { claims: &claims, steps: &EvaluationBudgetPool::new() })
    }

    fn mapping(claim: Option<&str>, include: &[&str], prefix: &str) -> GroupMapping {
        GroupMapping {
            value: claim.map(|claim| ValueSource::Claim(claim.to_owned())),
            include: include.iter().map(|it| (*it).to_owned()).collect(),
            prefix: prefix.to_owned(),
        }
    }

    #[test]
    fn groups_are_filtered_and_prefixed() {
        let claims = json!({"groups": ["k8s-users", "x", "k8s-admins", "x"]});
        let all = groups(&mapping(None, &[], ""), claims.clone());
        assert_eq!(all, Ok(vec!["k8s-users".into(), "x".into(), "k8s-admins".into()]));
        let some = groups(&mapping(Some("groups"), &["k8s-*"], "corp:"), claims);
        assert_eq!(some, Ok(vec!["corp:k8s-users".into(), "corp:k8s-admins".into()]));
        let one = groups(&mapping(Some("role"), &[], ""), json!({"role": "admin"}));
        assert_eq!(one, Ok(vec!["admin".into()]));
    }

    #[test]
    fn an_absent_claim_is_an_error_only_where_the_mapping_names_it() {
        assert_eq!(groups(&mapping(None, &[], ""), json!({})), Ok(vec![]));
        let missing = groups(&mapping(Some("groups"), &[], ""), json!({"groups": null}));
        assert_eq!(missing, Err(MappingError::NoGroups("groups".into())));
        let number = groups(&mapping(None, &[], ""), json!({"groups": [1]}));
        assert_eq!(number, Err(MappingError::NotGroups("groups".into())));
    }

    #[test]
    fn groups_that_the_provider_left_out_are_an_error() {
        for claims in [json!({"_claim_names": {"groups": "src1"}}), json!({"hasgroups": true})] {
            let by = |mapping: GroupMapping| groups(&mapping, claims.clone());
            assert_eq!(by(mapping(None, &[], "")), Err(MappingError::GroupOverage));
            assert_eq!(by(mapping(Some("groups"), &[], "")), Err(MappingError::GroupOverage));
            let expression = |text: &str| {
                let parsed = Expression::parse(text, ExpressionScope::Claims).expect("parsed");
                let value = Some(ValueSource::Expression(parsed));
                by(GroupMapping { value, ..mapping(None, &[], "") })
            };
            let found = expression("has(claims.groups) ? claims.groups : []");
            assert_eq!(found, Err(MappingError::GroupOverage));
            assert_eq!(expression("['staff']"), Ok(vec!["staff".to_owned()]));
        }
        let roles = json!({"_claim_names": {"groups": "src1"}, "hasgroups": true, "roles": ["a"]});
        let found = groups(&mapping(Some("roles"), &[], ""), roles);
        assert_eq!(found, Ok(vec!["a".to_owned()]), "roles are another claim");
    }

    #[test]
    fn groups_are_bounded_and_never_cut() {
        let many: Vec<_> = (0..2000).map(|n| format!("g{n}")).collect();
        let refused = groups(&mapping(None, &[], ""), json!({"groups": many}));
        assert_eq!(refused, Err(MappingError::TooManyGroups { count: 2000, most: 1000 }));
        let filtered = groups(&mapping(None, &["g1*"], ""), json!({"groups": many}));
        assert_eq!(
            filtered.map(|groups| groups.len()),
            Err(MappingError::TooManyGroups { count: 1111, most: 1000 })
        );
        let fewer = groups(&mapping(None, &["g11*"], ""), json!({"groups": many}));
        assert_eq!(fewer.map(|groups| groups.len()), Ok(111));
        let long = json!({"groups": ["x".repeat(257)]});
        assert_eq!(groups(&mapping(None, &[], ""), long), Err(MappingError::GroupLength(256)));
    }

    #[test]
    fn groups_have_no_unprintable_characters() {
        for group in ["a\nb", "a\r", "\u{0}", "a\tb", "a\u{85}b", "adm\u{200b}ins", "\u{202e}a"] {
            let found = groups(&mapping(None, &[], "corp:"), json!({"groups": [group]}));
            let expected = format!("corp:{group}");
            assert_eq!(found, Err(MappingError::UnprintableGroup(expected)), "{group:?}");
            let left_out = groups(&mapping(None, &["k8s-*"], ""), json!({"groups": [group]}));
            assert_eq!(left_out, Ok(vec![]), "{group:?}");
        }
        let names = json!({"groups": ["cn=staff,dc=acme", "a b", "Äpfel"]});
        assert_eq!(groups(&mapping(None, &[], ""), names).map(|it| it.len()), Ok(3));
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abd", false),
            ("a*b*c", "axbyc", true),
            ("*x", "ax", true),
            ("aa*aa", "aaa", false),
        ] {
            assert_eq!(is_match(pattern, text), expected, "{pattern} {text}");
        }
    }
}
