//! Validates `spec.exchange` of a resource server, except for the clients and audiences that it names.

use super::{ProblemList, object_name};
use crate::{
    api::{ConditionReason, ExchangeRuleSpec},
    expression::{Expression, ExpressionScope, ExpressionType},
    model::{ExchangeMode, ObjectKey},
};

/// A valid rule whose client and audience were not looked up.
#[derive(Clone, Debug)]
pub struct CheckedExchangeRule {
    /// The client that may exchange tokens.
    pub client: ObjectKey,
    /// The audience of the tokens that it exchanges.
    pub from: Box<str>,
    /// How the new token names the client.
    pub mode: ExchangeMode,
    /// The condition that the person has to meet.
    pub condition: Option<Expression>,
}

/// Validates the rules of a resource server in `namespace`.
pub(super) fn check_exchange_rules(
    problems: &mut ProblemList,
    written: &[ExchangeRuleSpec],
    namespace: &str,
) -> Vec<CheckedExchangeRule> {
    let rules = written.iter().enumerate().map(|(index, rule)| {
        let field = format!("spec.exchange.allow[{index}]");
        let own = rule.client.namespace.as_deref().unwrap_or(namespace);
        object_name(problems, &format!("{field}.client.name"), &rule.client.name);
        object_name(problems, &format!("{field}.client.namespace"), own);
        if rule.from.is_empty() || !rule.from.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "must be printable ASCII without spaces";
            problems.invalid(format!("{field}.from"), message);
        }
        let mode = problems.supported(format!("{field}.mode"), rule.mode.as_ref());
        CheckedExchangeRule {
            client: ObjectKey::new(own, &rule.client.name),
            from: rule.from.as_str().into(),
            mode: mode.unwrap_or_default(),
            condition: rule.rule.as_deref().and_then(|text| condition(problems, &field, text)),
        }
    });
    rules.collect()
}

/// A condition. One that cannot be used refuses the object, so no rule loses it.
fn condition(problems: &mut ProblemList, field: &str, text: &str) -> Option<Expression> {
    let parsed = Expression::parse(text, ExpressionScope::Access)
        .and_then(|parsed| parsed.require_result(&[ExpressionType::Boolean]).map(|()| parsed));
    match parsed {
        Ok(expression) => Some(expression),
        Err(error) => {
            problems.add_refusal(
                ConditionReason::ExpressionInvalid,
                format!("{field}.rule"),
                error,
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{EnumSpec, ResourceClientRef};

    fn rule() -> ExchangeRuleSpec {
        ExchangeRuleSpec {
            client: ResourceClientRef { namespace: None, name: "gateway".into() },
            from: "https://gateway.test".into(),
            mode: None,
            rule: Some("'staff' in user.groups && client.namespace == 'team'".into()),
        }
    }

    fn checked_rule(rule: ExchangeRuleSpec) -> (Vec<CheckedExchangeRule>, Vec<String>) {
        let mut problems = ProblemList::default();
        let rules = check_exchange_rules(&mut problems, &[rule], "team");
        let (problems, _) = problems.into_parts();
        (rules, problems.iter().map(|it| format!("{}: {}", it.field, it.message)).collect())
    }

    #[test]
    fn a_rule_has_its_defaults() {
        let (rules, problems) = checked_rule(rule());
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(rules[0].client, ObjectKey::new("team", "gateway"));
        assert_eq!(rules[0].mode, ExchangeMode::Delegation);
        assert!(rules[0].condition.is_some());
    }

    #[test]
    fn wrong_rules_refuse_the_object() {
        let named = |name: &str| ResourceClientRef { namespace: None, name: name.into() };
        for (changed, expected) in [
            (
                ExchangeRuleSpec { client: named("A"), ..rule() },
                "spec.exchange.allow[0].client.name: ",
            ),
            (
                ExchangeRuleSpec { from: "a b".into(), ..rule() },
                "spec.exchange.allow[0].from: must be printable ASCII without spaces",
            ),
            (
                ExchangeRuleSpec { mode: Some(EnumSpec::Unsupported("Both".into())), ..rule() },
                "spec.exchange.allow[0].mode: \"Both\" is not supported; use one of: Delegation, Impersonation",
            ),
            (
                ExchangeRuleSpec { rule: Some("user.username".into()), ..rule() },
                "spec.exchange.allow[0].rule: at position 1: the result is text, and must be true or false",
            ),
            (
                ExchangeRuleSpec { rule: Some("claims.sub == 'a'".into()), ..rule() },
                "spec.exchange.allow[0].rule: ",
            ),
        ] {
            let (_, problems) = checked_rule(changed);
            assert!(problems.len() == 1 && problems[0].starts_with(expected), "{problems:?}");
        }
    }
}
