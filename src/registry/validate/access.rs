//! Validates `spec.access` of a tenant or client, and compiles its rules.

use std::sync::Arc;

use super::{ProblemList, visible_text};
use crate::{
    api::{self, ConditionReason},
    expression::{Expression, ExpressionScope, ExpressionType},
    model::{AccessPolicy, AccessRule, AcrLevel},
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
            problems.refuse(ConditionReason::ExpressionInvalid, field, error);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{AccessRuleSpec, AccessSpec, ConditionType};

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
