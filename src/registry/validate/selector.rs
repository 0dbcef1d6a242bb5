//! Selects namespaces by their labels, as Kubernetes does.

use std::collections::BTreeMap;

use super::ProblemList;
use crate::api::{LabelSelector, NamespaceLabels, SelectorRequirement};

/// Kubernetes sets this label on every namespace, to the namespace's name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];

/// Validates a selector, independent of any namespace.
pub fn check_selector(problems: &mut ProblemList, field: &str, selector: &LabelSelector) {
    for (index, requirement) in selector.match_expressions.iter().enumerate() {
        let at = format!("{field}.matchExpressions[{index}]");
        let lists = matches!(requirement.operator.as_str(), "In" | "NotIn");
        if !OPERATORS.contains(&requirement.operator.as_str()) {
            problems.unsupported(format!("{at}.operator"), &requirement.operator, &OPERATORS);
        } else if lists == requirement.values.is_empty() {
            let message = "In and NotIn require values; Exists and DoesNotExist must have none";
            problems.invalid(format!("{at}.values"), message);
        }
    }
}

/// Whether the selector matches a namespace; `None` if that depends on labels which may not be
/// read.
pub fn selector_matches(
    selector: &LabelSelector,
    namespace: &str,
    namespaces: &NamespaceLabels,
) -> Option<bool> {
    let nothing = BTreeMap::new();
    let labels = match namespaces {
        NamespaceLabels::Known(known) => known.get(namespace).unwrap_or(&nothing),
        NamespaceLabels::Unavailable if names_only(selector) => &nothing,
        NamespaceLabels::Unavailable => return None,
    };
    let label = |key: &str| match key {
        NAME_LABEL => Some(namespace),
        key => labels.get(key).map(String::as_str),
    };
    let listed = selector.match_labels.iter().all(|(key, value)| label(key) == Some(value));
    Some(listed && selector.match_expressions.iter().all(|it| holds(it, label(&it.key))))
}

fn names_only(selector: &LabelSelector) -> bool {
    let expressions = selector.match_expressions.iter().map(|requirement| &requirement.key);
    selector.match_labels.keys().chain(expressions).all(|key| key == NAME_LABEL)
}

fn holds(requirement: &SelectorRequirement, label: Option<&str>) -> bool {
    let listed = label.is_some_and(|label| requirement.values.iter().any(|value| value == label));
    match requirement.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => label.is_some(),
        "DoesNotExist" => label.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(text: &str) -> LabelSelector {
        serde_yaml::from_str(text).expect("a selector")
    }

    fn known() -> NamespaceLabels {
        let labels = BTreeMap::from([("sso".to_owned(), "yes".to_owned())]);
        NamespaceLabels::Known(BTreeMap::from([("apps".to_owned(), labels)]))
    }

    #[test]
    fn matches_like_kubernetes() {
        for (text, expected) in [
            ("{}", true),
            ("matchLabels: {sso: 'yes'}", true),
            ("matchLabels: {sso: 'no'}", false),
            ("matchLabels: {sso: 'yes', tier: web}", false),
            ("matchLabels: {kubernetes.io/metadata.name: apps}", true),
            ("matchExpressions: [{key: sso, operator: In, values: ['yes']}]", true),
            ("matchExpressions: [{key: sso, operator: NotIn, values: ['yes']}]", false),
            ("matchExpressions: [{key: tier, operator: NotIn, values: [web]}]", true),
            ("matchExpressions: [{key: sso, operator: Exists}]", true),
            ("matchExpressions: [{key: sso, operator: DoesNotExist}]", false),
            ("matchExpressions: [{key: sso, operator: Like, values: ['y']}]", false),
        ] {
            assert_eq!(
                selector_matches(&selector(text), "apps", &known()),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn a_namespace_without_known_labels_matches_by_name() {
        let by_name = selector("matchLabels: {kubernetes.io/metadata.name: new}");
        assert_eq!(selector_matches(&by_name, "new", &known()), Some(true));
        assert_eq!(
            selector_matches(&selector("matchLabels: {sso: 'yes'}"), "new", &known()),
            Some(false)
        );
    }

    #[test]
    fn only_names_can_be_matched_if_labels_may_not_be_read() {
        let unavailable = NamespaceLabels::Unavailable;
        let by_name = selector(
            "matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [apps]}]",
        );
        assert_eq!(selector_matches(&by_name, "apps", &unavailable), Some(true));
        assert_eq!(selector_matches(&by_name, "other", &unavailable), Some(false));
        assert_eq!(
            selector_matches(&selector("matchLabels: {sso: 'yes'}"), "apps", &unavailable),
            None
        );
    }
}
