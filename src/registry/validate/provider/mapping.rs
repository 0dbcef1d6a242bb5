//! Mappings and rules of a provider.

use super::ProblemList;
use crate::{
    api::{
        ClaimValidationRuleSpec, ConditionReason, GroupsMappingSpec, IdentityProviderSpec,
        TextMappingSpec, UserValidationRuleSpec,
    },
    expression::{Expression, ExpressionScope, ExpressionType},
    model::ProviderType,
    protocol::identity_provider::{
        ClaimMappings, ClaimRequirement, ClaimRule, GroupMapping, TextSource, UserRule, ValueSource,
    },
    registry::validate::claim_names,
};

/// Validates `spec.claimMappings`. A mapping that cannot be read becomes its default.
pub(super) fn claim_mappings(
    problems: &mut ProblemList,
    spec: &IdentityProviderSpec,
) -> ClaimMappings {
    let written = spec.claim_mappings.clone().unwrap_or_default();
    let is_github = spec.provider_type.supported() == Some(ProviderType::GitHub);
    let default_username = if is_github { "login" } else { "preferred_username" };
    let mut text = |field: &str, written: Option<TextMappingSpec>, default: &str| {
        let written = written.unwrap_or_default();
        let field = format!("spec.claimMappings.{field}");
        let value = value(problems, &field, written.claim, written.expression.as_deref());
        TextSource {
            value: value.unwrap_or_else(|| ValueSource::Claim(default.to_owned())),
            prefix: written.prefix.unwrap_or_default(),
        }
    };
    let username = text("username", written.username, default_username);
    let name = text("name", written.name, "name");
    let email_verified = written.email_verified.unwrap_or_default();
    let field = "spec.claimMappings.emailVerified";
    let email_verified =
        value(problems, field, email_verified.claim, email_verified.expression.as_deref());
    let email_verified =
        email_verified.unwrap_or_else(|| ValueSource::Claim("email_verified".to_owned()));
    let email = written.email.unwrap_or_default();
    let email = match &email.claim {
        Some(none) if none.is_empty() => {
            if email.expression.is_some() {
                let message = "must have claim or expression, not both; remove one";
                problems.invalid("spec.claimMappings.email", message);
            } else if !spec.email_domains.is_empty() {
                let message = "has no effect, since claimMappings.email.claim is empty and people have no e-mail address; remove one";
                problems.invalid("spec.emailDomains", message);
            }
            None
        }
        _ => {
            let field = "spec.claimMappings.email";
            let found = value(problems, field, email.claim, email.expression.as_deref());
            Some(found.unwrap_or_else(|| ValueSource::Claim("email".to_owned())))
        }
    };
    let groups = groups(problems, written.groups.unwrap_or_default());
    let mut extra = Vec::with_capacity(written.extra.len());
    for (index, mapping) in written.extra.iter().enumerate() {
        let field = format!("spec.claimMappings.extra[{index}]");
        if let Some(message) = claim_names::claim_name_refusal(&mapping.key) {
            problems.invalid(format!("{field}.key"), message);
        } else if claim_names::STANDARD_CLAIMS.contains(&mapping.key.as_str()) {
            problems.invalid(format!("{field}.key"), "is a standard claim; use another name");
        }
        if written.extra[..index].iter().any(|other| other.key == mapping.key) {
            problems.invalid(format!("{field}.key"), "is used twice; remove one");
        }
        let field = format!("{field}.valueExpression");
        if let Some(source) = expression(problems, &field, &mapping.value_expression) {
            extra.push((mapping.key.clone(), source));
        }
    }
    ClaimMappings { username, name, email, email_verified, groups, extra }
}

fn groups(problems: &mut ProblemList, written: GroupsMappingSpec) -> GroupMapping {
    let field = "spec.claimMappings.groups";
    GroupMapping {
        value: value(problems, field, written.claim, written.expression.as_deref()),
        include: written.include,
        prefix: written.prefix.unwrap_or_default(),
    }
}

/// A claim or an expression; `None` if neither is written.
fn value(
    problems: &mut ProblemList,
    field: &str,
    claim: Option<String>,
    written: Option<&str>,
) -> Option<ValueSource> {
    match (claim, written) {
        (Some(_), Some(_)) => {
            problems.invalid(field, "must have claim or expression, not both; remove one");
            None
        }
        (Some(claim), None) => Some(ValueSource::Claim(claim)),
        (None, Some(text)) => expression(problems, &format!("{field}.expression"), text),
        (None, None) => None,
    }
}

fn expression(problems: &mut ProblemList, field: &str, text: &str) -> Option<ValueSource> {
    parsed(problems, field, text, ExpressionScope::Claims).map(ValueSource::Expression)
}

fn parsed(
    problems: &mut ProblemList,
    field: &str,
    text: &str,
    scope: ExpressionScope,
) -> Option<Expression> {
    let parsed = Expression::parse(text, scope);
    parsed
        .map_err(|error| problems.add_refusal(ConditionReason::ExpressionInvalid, field, error))
        .ok()
}

/// An expression that gives true or false.
fn condition(
    problems: &mut ProblemList,
    field: &str,
    text: &str,
    scope: ExpressionScope,
) -> Option<Expression> {
    let parsed = parsed(problems, field, text, scope)?;
    let is_bool = parsed.require_result(&[ExpressionType::Boolean]);
    is_bool
        .map_err(|error| problems.add_refusal(ConditionReason::ExpressionInvalid, field, error))
        .ok()?;
    Some(parsed)
}

/// Validates the rules about accounts (`spec.userValidationRules`).
pub(super) fn user_rules(
    problems: &mut ProblemList,
    written: &[UserValidationRuleSpec],
) -> Vec<UserRule> {
    let mut rules = Vec::with_capacity(written.len());
    for (index, rule) in written.iter().enumerate() {
        let field = format!("spec.userValidationRules[{index}].expression");
        let found = condition(problems, &field, &rule.expression, ExpressionScope::User);
        let message = rule.message.clone();
        rules.extend(found.map(|expression| UserRule { expression, message }));
    }
    rules
}

/// Validates the rules about claims (`spec.claimValidationRules`).
pub(super) fn claim_rules(
    problems: &mut ProblemList,
    written: &[ClaimValidationRuleSpec],
) -> Vec<ClaimRule> {
    let mut rules = Vec::with_capacity(written.len());
    for (index, rule) in written.iter().enumerate() {
        let field = format!("spec.claimValidationRules[{index}]");
        let requirement = match (&rule.claim, &rule.required_value, &rule.expression) {
            (Some(name), Some(value), None) => {
                Some(ClaimRequirement::Claim { name: name.clone(), value: value.clone() })
            }
            (None, None, Some(text)) => {
                let field = format!("{field}.expression");
                condition(problems, &field, text, ExpressionScope::Claims)
                    .map(ClaimRequirement::Expression)
            }
            _ => {
                problems.invalid(field, "must have claim and requiredValue, or expression");
                None
            }
        };
        let message = rule.message.clone();
        rules.extend(requirement.map(|requirement| ClaimRule { requirement, message }));
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ConditionType;

    #[test]
    fn a_claim_rule_is_a_value_or_an_expression_that_gives_true_or_false() {
        let with_value = ClaimValidationRuleSpec {
            claim: Some("hd".into()),
            required_value: Some("acme.test".into()),
            ..ClaimValidationRuleSpec::default()
        };
        let with_expression = |text: &str| ClaimValidationRuleSpec {
            expression: Some(text.into()),
            ..ClaimValidationRuleSpec::default()
        };
        let mut problems = ProblemList::default();
        let rules = claim_rules(&mut problems, &[with_value, with_expression("claims.a == 'b'")]);
        assert_eq!(problems.len(), 0, "{problems:?}");
        assert!(matches!(&rules[0].requirement, ClaimRequirement::Claim { name, value }
            if name == "hd" && value == "acme.test"));
        assert!(matches!(&rules[1].requirement, ClaimRequirement::Expression(_)));
        assert!(claim_rules(&mut problems, &[with_expression("size('text')")]).is_empty());
        let problem = problems.find(ConditionType::Accepted).expect("one");
        assert_eq!(problem.field, "spec.claimValidationRules[0].expression");
    }
}
