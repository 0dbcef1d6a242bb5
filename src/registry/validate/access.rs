//! Validates `spec.access` of a tenant or client, and compiles its rules.

use std::{collections::HashSet, sync::Arc};

use super::{ProblemList, visible_text};
use crate::{
    api::{self, ConditionReason, ConditionType},
    expression::{Expression, ExpressionScope, ExpressionType},
    model::{AccessPolicy, AccessRule, AcrLevel, LOCAL_PROVIDER, TenantId},
};

/// Validates a policy; `levels` are those of the tenant, if it is known.
pub fn check_access(
    problems: &mut ProblemList,
    written: Option<&api::AccessSpec>,
    levels: Option<&[AcrLevel]>,
) -> Option<Arc<AccessPolicy>> {
    let written = written?;
    if let (Some(acr), Some(levels)) = (&written.acr, levels)
        && !levels.iter().any(|level| level.value == *acr)
    {
        let known: Vec<&str> = levels.iter().map(|level| level.value.as_str()).collect();
        let message = format!(
            "{acr:?} is not a level of the tenant; use one of its spec.acrLevels: {}",
            if known.is_empty() { "it has none".to_owned() } else { known.join(", ") }
        );
        problems.invalid("spec.access.acr", message);
    }
    if let Some(message) = &written.message {
        visible_text(problems, "spec.access.message", message);
    }
    let rules = written.rules.iter().enumerate();
    let rules = rules.filter_map(|(index, rule)| check_rule(problems, index, rule)).collect();
    Some(Arc::new(AccessPolicy {
        providers: written.providers.clone(),
        groups: written.groups.clone(),
        acr: written.acr.clone(),
        rules,
        message: written.message.clone(),
    }))
}

/// Reports providers that the tenant does not have. The policy refuses their people, as it would if
/// the providers were there, and nothing else changes.
pub fn check_access_providers(
    problems: &mut ProblemList,
    written: Option<&api::AccessSpec>,
    (tenant, known): (&TenantId, &HashSet<&str>),
) {
    let names = written.map_or(&[][..], |access| &access.providers);
    for (index, name) in names.iter().enumerate() {
        if name != LOCAL_PROVIDER && !known.contains(name.as_str()) {
            let message = format!(
                "IdentityProvider {name:?} not found in namespace {:?}; create it, or correct the name (its people are refused until then)",
                tenant.0.namespace
            );
            let field = format!("spec.access.providers[{index}]");
            let condition = ConditionType::ResolvedRefs;
            problems.add(condition, ConditionReason::ProviderNotFound, field, message);
        }
    }
}

fn check_rule(
    problems: &mut ProblemList,
    index: usize,
    written: &api::AccessRuleSpec,
) -> Option<AccessRule> {
    let field = format!("spec.access.rules[{index}]");
    if let Some(message) = &written.message {
        visible_text(problems, &format!("{field}.message"), message);
    }
    let parsed = Expression::parse(&written.expression, ExpressionScope::Access)
        .and_then(|parsed| parsed.require_result(&[ExpressionType::Boolean]).map(|()| parsed));
    match parsed {
        Ok(expression) => Some(AccessRule { expression, message: written.message.clone() }),
        Err(error) => {
            let field = format!("{field}.expression");
            problems.add_refusal(ConditionReason::ExpressionInvalid, field, error);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{AccessRuleSpec, AccessSpec};

    fn problems_of(spec: &AccessSpec) -> Vec<String> {
        let mut problems = ProblemList::default();
        let levels = [AcrLevel { value: "gold".into(), amr: vec!["otp".into()] }];
        let policy = check_access(&mut problems, Some(spec), Some(&levels));
        assert!(policy.is_some());
        assert_eq!(problems.refused(), problems.find(ConditionType::Accepted).is_some());
        let (problems, _) = problems.into_parts();
        problems.into_iter().map(|it| format!("{}: {}", it.field, it.message)).collect()
    }

    fn with_rule(expression: &str) -> AccessSpec {
        let rule = AccessRuleSpec { expression: expression.into(), message: None };
        AccessSpec { rules: vec![rule], ..AccessSpec::default() }
    }

    #[test]
    fn an_unknown_provider_is_a_reference_to_resolve() {
        let mut problems = ProblemList::default();
        let access = AccessSpec {
            providers: vec!["Local".into(), "corp".into(), "crop".into()],
            ..AccessSpec::default()
        };
        let (tenant, known) = (TenantId::new("acme", "main"), HashSet::from(["corp"]));
        check_access_providers(&mut problems, Some(&access), (&tenant, &known));
        check_access_providers(&mut problems, None, (&tenant, &known));
        assert!(!problems.refused());
        let (problems, _) = problems.into_parts();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].reason, ConditionReason::ProviderNotFound);
        assert_eq!(
            problems[0].text(),
            "spec.access.providers[2]: IdentityProvider \"crop\" not found in namespace \"acme\"; create it, or correct the name (its people are refused until then)"
        );
    }

    #[test]
    fn rules_are_compiled_and_levels_are_those_of_the_tenant() {
        let good = AccessSpec {
            acr: Some("gold".into()),
            groups: vec!["admins".into()],
            message: Some("Ask IT.".into()),
            ..with_rule("'admins' in user.groups && client.namespace == 'team'")
        };
        assert!(problems_of(&good).is_empty());
        for (spec, expected) in [
            (
                with_rule("user.group == 'a'"),
                "spec.access.rules[0].expression: at position 6: the field of user \"group\" does not exist",
            ),
            (
                with_rule("user.username"),
                "expression: at position 1: the result is text, and must be true or false",
            ),
            (with_rule("claims.hd == 'a'"), "allowed: user, client"),
            (
                AccessSpec { acr: Some("silver".into()), ..AccessSpec::default() },
                "spec.access.acr: \"silver\" is not a level of the tenant; use one of its spec.acrLevels: gold",
            ),
            (
                AccessSpec { message: Some("a\nb".into()), ..AccessSpec::default() },
                "spec.access.message: must be visible text",
            ),
        ] {
            let found = problems_of(&spec);
            assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
        }
    }
}
