//! Claims about the ID token itself, which mappings and rules cannot read.

use super::ProblemList;
use crate::{
    api::ConditionReason,
    expression::Expression,
    protocol::identity_provider::{
        ClaimMappings, ClaimRequirement, IdentityProvider, ProviderSource, ValueSource,
        is_token_claim,
    },
};

/// Refuses mappings and rules of an OpenID provider that read such claims: they would find nothing.
pub(super) fn check_read_claims(problems: &mut ProblemList, provider: &IdentityProvider) {
    if !matches!(provider.source, ProviderSource::Oidc(_)) {
        return;
    }
    check_claim(problems, "spec.subject.claim", &provider.subject.claim);
    let ClaimMappings { username, name, email, email_verified, groups, extra } = &provider.mappings;
    for (field, source) in [
        ("username", Some(&username.value)),
        ("name", Some(&name.value)),
        ("email", email.as_ref()),
        ("emailVerified", Some(email_verified)),
        ("groups", groups.value.as_ref()),
    ] {
        let field = format!("spec.claimMappings.{field}");
        match source {
            Some(ValueSource::Claim(name)) => check_claim(problems, &field, name),
            Some(ValueSource::Expression(expression)) => {
                check_expression(problems, &format!("{field}.expression"), expression);
            }
            None => {}
        }
    }
    for (index, (_, source)) in extra.iter().enumerate() {
        if let ValueSource::Expression(expression) = source {
            let field = format!("spec.claimMappings.extra[{index}].valueExpression");
            check_expression(problems, &field, expression);
        }
    }
    for (index, rule) in provider.claim_rules.iter().enumerate() {
        let field = format!("spec.claimValidationRules[{index}]");
        match &rule.requirement {
            ClaimRequirement::Claim { name, .. } => {
                check_claim(problems, &format!("{field}.claim"), name);
            }
            ClaimRequirement::Expression(expression) => {
                check_expression(problems, &format!("{field}.expression"), expression);
            }
        }
    }
    for (index, rule) in provider.user_rules.iter().enumerate() {
        let field = format!("spec.userValidationRules[{index}].expression");
        check_expression(problems, &field, &rule.expression);
    }
}

fn check_claim(problems: &mut ProblemList, field: &str, name: &str) {
    if is_token_claim(name) {
        problems.invalid(field, refusal(name));
    }
}

fn check_expression(problems: &mut ProblemList, field: &str, expression: &Expression) {
    if let Some(name) = expression.claim_names().into_iter().find(|name| is_token_claim(name)) {
        problems.add_refusal(ConditionReason::ExpressionInvalid, field, refusal(name));
    }
}

fn refusal(name: &str) -> String {
    let instead = match name {
        "acr" | "amr" => "map it in spec.assurance, and require a level in access.acr instead",
        "auth_time" => "an application asks for it by max_age; remove it",
        _ => "Lanyard itself verifies such claims; remove it",
    };
    format!(
        "reads {name:?}, which is about the token and not about the person, and is not kept: {instead}"
    )
}
