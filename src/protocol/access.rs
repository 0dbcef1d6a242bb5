//! The one rule of entry: whether a person may use an application. It stands before every token that
//! a person gets, and before every use of one (docs/access.md).

use std::collections::HashMap;

use super::{authentication::Authentication, required_factor::has_required_factor};
use crate::{
    expression::{
        EvaluationBudgetPool, EvaluationError, Expression, ExpressionClient, ExpressionUser,
        ExpressionVariables,
    },
    model::{AccessPolicy, Account, AcrLevel, Client, LOCAL_PROVIDER, RequiredFactor, Tenant},
};

/// The step budget of the rules of all clients of a namespace, as a multiple of the budget of one client.
const STEPS_OF_NAMESPACE: u32 = 5;

/// The reason that a person may not enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessDenial {
    /// The policy does not let the person in.
    Refused(DeniedAccess),
    /// The sign-in has not proved the factor that the tenant requires of everyone.
    MissingFactor(RequiredFactor),
    /// The sign-in has not reached the level that the policy requires, or a better one.
    HigherLevel {
        /// The levels that suffice, best first. Empty if the tenant has no such level.
        levels: Vec<String>,
    },
}

impl AccessDenial {
    /// The description of the refusal for the application.
    pub fn description(&self) -> String {
        match self {
            Self::Refused(refused) => refused.description(),
            Self::MissingFactor(_) => {
                "The user must sign in with the authenticator that the tenant requires.".to_owned()
            }
            Self::HigherLevel { .. } => {
                "The user must sign in at a higher level of assurance.".to_owned()
            }
        }
    }
}

/// A refused entry, with its cause for the log and its message for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeniedAccess {
    /// The object whose policy refuses.
    pub by: PolicyOwner,
    /// The field of the policy that refuses the person; its `Display` is the field's path, such as `access.rules[0]`.
    pub cause: RefusalCause,
    /// The message for the person that the refusing rule has, or else its policy. `None` if neither has one.
    pub message: Option<String>,
}

impl DeniedAccess {
    /// The description of the refusal for the application, with the policy's text where `error_description` may
    /// contain it (RFC 6749 §5.2).
    pub fn description(&self) -> String {
        let text = "The user may not use this application.";
        let is_legal = |it: &&String| it.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        match self.message.as_ref().filter(is_legal) {
            Some(message) => format!("{text} {message}"),
            None => text.to_owned(),
        }
    }
}

/// The object that a policy belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyOwner {
    /// The tenant, whose policy applies to all its clients.
    Tenant,
    /// The client, whose policy can only refuse more people than the tenant's.
    Client,
}

impl PolicyOwner {
    /// The kind of the object.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "Tenant",
            Self::Client => "OidcClient",
        }
    }
}

/// The restriction that refuses a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalCause {
    /// The person's provider is not in `access.providers`.
    Provider,
    /// The person has none of `access.groups`.
    Group,
    /// The rule at this index of `access.rules`, from 0, gives false.
    Rule(usize),
    /// The rule at this index of `access.rules`, from 0, cannot be evaluated. It refuses like one that gives false.
    FailedRule(usize, EvaluationError),
}

impl std::fmt::Display for RefusalCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Provider => f.write_str("access.providers"),
            Self::Group => f.write_str("access.groups"),
            Self::Rule(index) => write!(f, "access.rules[{index}]"),
            Self::FailedRule(index, error) => write!(f, "access.rules[{index}] failed {error}"),
        }
    }
}

/// Returns whether a person may use an application with this sign-in. Tenant and client must both
/// let the person in, so a client only narrows. A required factor that is missing is reported only if no policy
/// refuses, and a level that is missing only if nothing else refuses.
pub fn may_enter(
    account: &Account,
    client: &Client,
    tenant: &Tenant,
    authentication: &Authentication,
) -> Result<(), AccessDenial> {
    may_enter_within(account, (client, tenant), authentication, &EvaluationBudgetPool::new())
}

/// Evaluates a person's access to many clients. Clients of one namespace share a step budget, so that one
/// namespace cannot delay the others.
#[derive(Debug)]
pub struct ClientAccessEvaluator<'a> {
    account: &'a Account,
    tenant: &'a Tenant,
    authentication: &'a Authentication,
    steps: HashMap<&'a str, EvaluationBudgetPool>,
}

impl<'a> ClientAccessEvaluator<'a> {
    /// Creates an evaluator for a person with this sign-in.
    pub fn new(
        account: &'a Account,
        tenant: &'a Tenant,
        authentication: &'a Authentication,
    ) -> Self {
        Self { account, tenant, authentication, steps: HashMap::new() }
    }

    /// Returns true if the person may use the client, and its namespace has steps left for its rules.
    pub fn admits(&mut self, client: &'a Client) -> bool {
        let steps = self.steps.entry(&client.object.namespace);
        let steps = steps.or_insert_with(|| EvaluationBudgetPool::times(STEPS_OF_NAMESPACE));
        may_enter_within(self.account, (client, self.tenant), self.authentication, steps).is_ok()
    }
}

fn may_enter_within(
    account: &Account,
    (client, tenant): (&Client, &Tenant),
    authentication: &Authentication,
    steps: &EvaluationBudgetPool,
) -> Result<(), AccessDenial> {
    let policies = [
        (PolicyOwner::Tenant, tenant.access.as_deref()),
        (PolicyOwner::Client, client.access.as_deref()),
    ];
    let missing = tenant
        .authenticators
        .required()
        .filter(|factor| !has_required_factor(Some(*factor), authentication));
    let set = || policies.iter().filter_map(|(by, policy)| policy.map(|policy| (*by, policy)));
    if set().next().is_none() {
        return missing.map_or(Ok(()), |factor| Err(AccessDenial::MissingFactor(factor)));
    }
    let entry = AccessRequest { account, client, tenant, authentication, steps };
    for (by, policy) in set() {
        if let Some((cause, message)) = entry.refusal_cause(policy) {
            let message = message.or(policy.message.as_ref()).cloned();
            return Err(AccessDenial::Refused(DeniedAccess { by, cause, message }));
        }
    }
    if let Some(factor) = missing {
        return Err(AccessDenial::MissingFactor(factor));
    }
    let Some(sufficient) = sufficient_levels(client, tenant) else { return Ok(()) };
    if sufficient.iter().any(|level| entry.has_reached(level)) {
        return Ok(());
    }
    let levels = sufficient.iter().map(|level| level.value.clone()).collect();
    Err(AccessDenial::HigherLevel { levels })
}

/// The levels of the tenant that suffice for a client, best first; `None` if no policy requires one.
/// Empty if the tenant does not have the level that a policy requires.
pub fn sufficient_levels<'a>(client: &Client, tenant: &'a Tenant) -> Option<&'a [AcrLevel]> {
    let levels = &tenant.acr_levels;
    let of_policy = |policy: &AccessPolicy| {
        let acr = policy.acr.as_ref()?;
        let last = levels.iter().position(|level| level.value == *acr);
        Some(last.map_or(0, |last| last + 1))
    };
    let policies = [tenant.access.as_deref(), client.access.as_deref()].into_iter().flatten();
    // Each policy has to be met, so the stricter one decides.
    policies.filter_map(of_policy).min().map(|count| &levels[..count])
}

/// Returns true if the lists of providers admit the people of a provider to a client. `None` means people with a
/// password at the tenant itself.
pub fn admits_provider(client: &Client, tenant: &Tenant, provider: Option<&str>) -> bool {
    let from = provider.unwrap_or(LOCAL_PROVIDER);
    let policies = [tenant.access.as_deref(), client.access.as_deref()].into_iter().flatten();
    let mut lists = policies.map(|policy| &policy.providers);
    lists.all(|list| list.is_empty() || list.iter().any(|it| it == from))
}

/// The result of a condition with the variables of access rules: the person with this sign-in, and the client.
pub fn meets_condition(
    condition: &Expression,
    account: &Account,
    (client, tenant): (&Client, &Tenant),
    authentication: &Authentication,
) -> Result<bool, EvaluationError> {
    let steps = &EvaluationBudgetPool::new();
    AccessRequest { account, client, tenant, authentication, steps }.evaluate(condition)
}

/// A person's request to use an application, with the inputs of its policies.
struct AccessRequest<'a> {
    account: &'a Account,
    client: &'a Client,
    tenant: &'a Tenant,
    authentication: &'a Authentication,
    /// The steps that the rules of the tenant and of the client share.
    steps: &'a EvaluationBudgetPool,
}

impl AccessRequest<'_> {
    fn refusal_cause<'p>(
        &self,
        policy: &'p AccessPolicy,
    ) -> Option<(RefusalCause, Option<&'p String>)> {
        let provider = self.account.provider_name();
        let from = provider.unwrap_or(LOCAL_PROVIDER);
        if !policy.providers.is_empty() && !policy.providers.iter().any(|it| it == from) {
            return Some((RefusalCause::Provider, None));
        }
        let has = |group: &String| self.account.groups.contains(group);
        if !policy.groups.is_empty() && !policy.groups.iter().any(has) {
            return Some((RefusalCause::Group, None));
        }
        policy.rules.iter().enumerate().find_map(|(index, rule)| {
            let cause = match self.evaluate(&rule.expression) {
                Ok(true) => return None,
                Ok(false) => RefusalCause::Rule(index),
                Err(error) => RefusalCause::FailedRule(index, error),
            };
            Some((cause, rule.message.as_ref()))
        })
    }

    /// The result of a condition for the person and the application.
    fn evaluate(&self, condition: &Expression) -> Result<bool, EvaluationError> {
        let claims = &self.account.claims;
        let user = ExpressionUser {
            username: &self.account.username,
            subject: self.account.subject.as_str(),
            email: claims.get("email").and_then(serde_json::Value::as_str),
            email_verified: claims.get("email_verified").and_then(serde_json::Value::as_bool),
            groups: &self.account.groups,
            extra: claims,
            provider: self.account.provider_name(),
            acr: self.best_level(),
            amr: &self.authentication.amr(),
        };
        let client = ExpressionClient {
            id: self.client.id.as_str(),
            name: &self.client.name,
            namespace: &self.client.object.namespace,
        };
        let steps = Some(self.steps);
        let variables =
            ExpressionVariables { claims: None, user: Some(user), client: Some(client), steps };
        condition.evaluate_bool(&variables)
    }

    fn has_reached(&self, level: &AcrLevel) -> bool {
        level.amr.iter().all(|method| self.authentication.used(method))
    }

    fn best_level(&self) -> Option<&str> {
        let level = self.tenant.acr_levels.iter().find(|level| self.has_reached(level));
        level.map(|level| level.value.as_str())
    }
}

#[cfg(test)]
mod tests;
