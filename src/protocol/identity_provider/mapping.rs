//! Maps the claims of a provider to an account. Sign-in, refresh and every later use run the same
//! function, so an edited mapping takes effect at the next use.

use serde_json::{Map, Value};

use super::{
    ClaimRequirement, ClaimRule, IdentityProvider, MappingError, TextSource, UpstreamClaims,
    UserRule, ValueSource, identity_of, sources::ClaimsEvaluation,
};
use crate::{
    expression::{EvaluationBudgetPool, ExpressionUser, ExpressionVariables},
    model::{
        Account, AccountSource, PasswordState, invisible_characters::find_invisible,
        is_email_address, normalize_username,
    },
};

/// Maximum length of a mapped text, in bytes.
const MAX_TEXT_LEN: usize = 1024;
/// Maximum length of a username, in characters.
const MAX_USERNAME_LEN: usize = 256;
/// Standard claims that are taken over if they are texts (OIDC Core §5.1).
const COPIED: [&str; 10] = [
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "zoneinfo",
    "locale",
    "birthdate",
];

/// Maps claims to an account.
///
/// # Errors
///
/// [`MappingError`] if a part is missing or unusable, or a rule refuses the person.
pub fn map_account(
    provider: &IdentityProvider,
    claims: &UpstreamClaims,
) -> Result<Account, MappingError> {
    map_account_within(provider, claims, &EvaluationBudgetPool::new())
}

/// Maps claims to an account with the steps that all expressions share.
pub(super) fn map_account_within(
    provider: &IdentityProvider,
    claims: &UpstreamClaims,
    steps: &EvaluationBudgetPool,
) -> Result<Account, MappingError> {
    let identity = identity_of(provider, claims)?;
    let evaluation = ClaimsEvaluation { claims, steps };
    for (index, rule) in provider.claim_rules.iter().enumerate() {
        check_rule(index, rule, &evaluation)?;
    }
    let mappings = &provider.mappings;
    let username = required_text(&mappings.username, "username", &evaluation)?;
    if username.chars().count() > MAX_USERNAME_LEN {
        return Err(bad_text("username", &mappings.username.value, "has more than 256 characters"));
    }
    let mut mapped = copied(claims);
    mapped.insert("preferred_username".to_owned(), username.clone().into());
    if let Some(name) = first_text(provider, &mappings.name.value, "name", &evaluation)? {
        mapped.insert("name".to_owned(), format!("{}{name}", mappings.name.prefix).into());
    }
    email(provider, &evaluation, &mut mapped)?;
    for (name, source) in &mappings.extra {
        if let Some(value) = source.value(&evaluation)? {
            mapped.insert(name.clone(), value);
        }
    }
    let account = Account {
        source: AccountSource::Provider(provider.object.clone()),
        username: normalize_username(&username),
        subject: identity.subject,
        claims: mapped,
        groups: mappings.groups.groups(&evaluation)?,
        disabled: false,
        mark: identity.mark,
        generation: 0,
        password: PasswordState::Absent,
        sign_out_before: None,
        reset_authenticators_before: None,
        identities: Box::default(),
        invitation: None,
    };
    check_user_rules(provider, &evaluation, &account)?;
    Ok(account)
}

/// Checks the requirements on the account. An expression that cannot be evaluated refuses the person.
fn check_user_rules(
    provider: &IdentityProvider,
    of: &ClaimsEvaluation<'_>,
    account: &Account,
) -> Result<(), MappingError> {
    if provider.user_rules.is_empty() {
        return Ok(());
    }
    let text = |name: &str| account.claims.get(name).and_then(Value::as_str);
    let user = ExpressionUser {
        username: text("preferred_username").unwrap_or(&account.username),
        subject: account.subject.as_str(),
        email: text("email"),
        email_verified: account.claims.get("email_verified").and_then(Value::as_bool),
        groups: &account.groups,
        extra: &account.claims,
        provider: Some(provider.name()),
        acr: None,
        amr: &[],
    };
    let variables = ExpressionVariables { user: Some(user), ..of.variables() };
    for (index, UserRule { expression, message }) in provider.user_rules.iter().enumerate() {
        if !expression.evaluate_bool(&variables)? {
            return Err(MappingError::RefusedUser { index, message: message.clone() });
        }
    }
    Ok(())
}

fn check_rule(
    index: usize,
    rule: &ClaimRule,
    of: &ClaimsEvaluation<'_>,
) -> Result<(), MappingError> {
    let is_met = match &rule.requirement {
        ClaimRequirement::Claim { name, value } => match of.claims.get(name) {
            Some(Value::String(text)) => text == value,
            Some(Value::Bool(found)) => *value == if *found { "true" } else { "false" },
            Some(Value::Number(found)) => found.to_string() == *value,
            _ => false,
        },
        ClaimRequirement::Expression(expression) => expression.evaluate_bool(&of.variables())?,
    };
    if is_met {
        Ok(())
    } else {
        Err(MappingError::Refused { index, message: rule.message.clone() })
    }
}

/// Maps the e-mail address, and whether it is verified.
fn email(
    provider: &IdentityProvider,
    of: &ClaimsEvaluation<'_>,
    mapped: &mut Map<String, Value>,
) -> Result<(), MappingError> {
    let Some(source) = &provider.mappings.email else { return Ok(()) };
    let Some(address) = first_text(provider, source, "email", of)? else { return Ok(()) };
    // The domain decides about trust, so the text is one address: neither a list nor a name with an address.
    let domain = address.rsplit_once('@').filter(|_| is_email_address(&address));
    let Some(domain) = domain.map(|(_, domain)| domain.to_ascii_lowercase()) else {
        return Err(bad_text("email", source, "is not an e-mail address"));
    };
    let verified = &provider.mappings.email_verified;
    let said = match verified.value(of)? {
        None => None,
        Some(Value::Bool(said)) => Some(said),
        // Some providers send texts.
        Some(Value::String(text)) if text == "true" || text == "false" => Some(text == "true"),
        Some(_) => return Err(bad_text("emailVerified", verified, "is neither true nor false")),
    };
    let domains = &provider.email_domains;
    let vouched = domains.is_empty() || domains.contains(&domain);
    mapped.insert("email".to_owned(), address.into());
    if let Some(said) = if vouched { said } else { Some(false) } {
        mapped.insert("email_verified".to_owned(), said.into());
    }
    Ok(())
}

/// The standard claims that are taken over as they are.
fn copied(claims: &UpstreamClaims) -> Map<String, Value> {
    let usable = |name: &str| {
        let text = claims.get(name).and_then(Value::as_str);
        let is_url = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        let url = matches!(name, "profile" | "picture" | "website");
        text.is_some_and(|text| {
            !text.is_empty()
                && text.len() <= MAX_TEXT_LEN
                && !text.chars().any(char::is_control)
                && (!url || is_url(text))
        })
    };
    let names = COPIED.iter().filter(|name| usable(name));
    names.map(|name| ((*name).to_owned(), claims[*name].clone())).collect()
}

fn required_text(
    source: &TextSource,
    part: &'static str,
    of: &ClaimsEvaluation<'_>,
) -> Result<String, MappingError> {
    let missing = || MappingError::NoText { part, source_name: source_name(&source.value) };
    let value = source.value.value(of)?;
    // Otherwise two people of the provider would have one name.
    let is_padded = |text: &str| !text.trim().is_empty() && text.trim() != text;
    if value.as_ref().and_then(Value::as_str).is_some_and(is_padded) {
        return Err(bad_text(part, &source.value, "begins or ends with a space"));
    }
    let text = plain_text(&source.value, part, value)?.ok_or_else(missing)?;
    // Otherwise the person would look like another one, also a user of the tenant.
    if find_invisible(&text).is_some() {
        return Err(bad_text(part, &source.value, "has invisible characters"));
    }
    Ok(format!("{}{text}", source.prefix))
}

/// The text of a part that does not identify people; `None` if it is absent or empty. An attribute of
/// a directory may have several values, of which the first is used.
fn first_text(
    provider: &IdentityProvider,
    source: &ValueSource,
    part: &'static str,
    of: &ClaimsEvaluation<'_>,
) -> Result<Option<String>, MappingError> {
    let is_attribute = provider.directory().is_some() && source.claim().is_some();
    let value = match source.value(of)? {
        Some(Value::Array(values)) if is_attribute => values.into_iter().next(),
        value => value,
    };
    plain_text(source, part, value)
}

fn plain_text(
    source: &ValueSource,
    part: &'static str,
    value: Option<Value>,
) -> Result<Option<String>, MappingError> {
    let text = match value {
        None => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(bad_text(part, source, "is not a text")),
    };
    if text.len() > MAX_TEXT_LEN {
        return Err(bad_text(part, source, "has more than 1024 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(bad_text(part, source, "has control characters"));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn bad_text(part: &'static str, source: &ValueSource, problem: &'static str) -> MappingError {
    MappingError::BadText { part, source_name: source_name(source), problem }
}

fn source_name(source: &ValueSource) -> String {
    match source.claim() {
        Some(claim) => format!("the claim {claim:?}"),
        None => "the expression".to_owned(),
    }
}

#[cfg(test)]
mod tests;
