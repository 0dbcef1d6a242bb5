//! Identity providers as they are used: where the people of a tenant come from, and how the claims
//! of a provider become an account. Pure.

mod error;
mod example;
#[cfg(test)]
pub(crate) mod fixtures;
mod groups;
mod mapping;
mod source;
mod subject;

pub use error::MappingError;
pub use example::{Example, ExampleFailure, check_example};
pub use groups::GroupMapping;
pub use mapping::map_account;
pub use source::{GitHubUpstream, OidcUpstream, ProviderSource, UpstreamCredentials};
pub use subject::{SubjectRule, UpstreamIdentity, dex_subject, identity_of};

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    expression::{Expression, ExpressionVariables},
    model::{AdmissionPolicy, LdapSettings, ObjectKey, RefreshMode, TenantId, UnavailablePolicy},
};

/// The claims of a person as a provider gave them.
pub type UpstreamClaims = Map<String, Value>;

/// A source of people, with all defaults applied.
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    /// The object that declares it.
    pub object: ObjectKey,
    /// The tenant whose people come from it.
    pub tenant: TenantId,
    /// The name on the sign-in page.
    pub display_name: String,
    /// How the provider is asked.
    pub source: ProviderSource,
    /// The name under which subjects are computed.
    pub identity_key: String,
    /// How subjects are made.
    pub subject: SubjectRule,
    /// Where the parts of an account come from.
    pub mappings: ClaimMappings,
    /// Domains of verified e-mail addresses; empty: every domain.
    pub email_domains: Vec<String>,
    /// Requirements on the claims.
    pub claim_rules: Vec<ClaimRule>,
    /// Requirements on the account.
    pub user_rules: Vec<UserRule>,
    /// The people who may sign in.
    pub admission: AdmissionPolicy,
    /// When it is asked again about signed-in people.
    pub refresh: RefreshPolicy,
    /// Its assurances that count here.
    pub assurance: Vec<AssuranceRule>,
    /// Its place on the sign-in page.
    pub sign_in: ProviderPlacement,
}

impl IdentityProvider {
    /// The object's name, which is unique within the tenant and part of the redirect URI.
    pub fn name(&self) -> &str {
        &self.object.name
    }

    /// The directory, if the provider is one.
    pub fn directory(&self) -> Option<&LdapSettings> {
        match &self.source {
            ProviderSource::Ldap(settings) => Some(settings),
            ProviderSource::Oidc(_) | ProviderSource::GitHub(_) => None,
        }
    }

    /// The provider's claims that mappings and rules read.
    pub fn mapped_claims(&self) -> impl Iterator<Item = &str> {
        let ClaimMappings { username, name, email, email_verified, groups, .. } = &self.mappings;
        let values = [Some(&username.value), Some(&name.value), email.as_ref()];
        let verified = email.as_ref().map(|_| email_verified);
        let groups = groups.value.as_ref();
        let mapped = values.into_iter().chain([verified, groups]).flatten();
        let required = self.claim_rules.iter().filter_map(|rule| match &rule.requirement {
            Requirement::Claim { name, .. } => Some(name.as_str()),
            Requirement::Expression(_) => None,
        });
        mapped.filter_map(ValueSource::claim).chain(required).chain([self.subject.claim.as_str()])
    }
}

/// Where the parts of an account come from.
#[derive(Clone, Debug)]
pub struct ClaimMappings {
    /// The username.
    pub username: TextSource,
    /// The full name.
    pub name: TextSource,
    /// The e-mail address; `None`: accounts have none.
    pub email: Option<ValueSource>,
    /// Whether the address is verified.
    pub email_verified: ValueSource,
    /// The groups.
    pub groups: GroupMapping,
    /// Further claims, by name.
    pub extra: Vec<(String, ValueSource)>,
}

/// A text with a prefix.
#[derive(Clone, Debug)]
pub struct TextSource {
    /// The value.
    pub value: ValueSource,
    /// The text before it.
    pub prefix: String,
}

/// A value of the provider's claims.
#[derive(Clone, Debug)]
pub enum ValueSource {
    /// The value of a claim.
    Claim(String),
    /// The result of an expression over `claims`.
    Expression(Expression),
}

impl ValueSource {
    /// The value; `None` if the claim is absent or null.
    ///
    /// # Errors
    ///
    /// The reason if an expression cannot be evaluated.
    pub fn value(&self, claims: &UpstreamClaims) -> Result<Option<Value>, String> {
        match self {
            Self::Claim(name) => Ok(claims.get(name).filter(|value| !value.is_null()).cloned()),
            Self::Expression(expression) => {
                let variables =
                    ExpressionVariables { claims: Some(claims), ..ExpressionVariables::default() };
                let value = expression.evaluate(&variables).map_err(|error| error.to_string())?;
                Ok(Some(value).filter(|value| !value.is_null()))
            }
        }
    }

    /// The claim that is read, if it is one.
    pub fn claim(&self) -> Option<&str> {
        match self {
            Self::Claim(name) => Some(name),
            Self::Expression(_) => None,
        }
    }
}

/// A requirement on the claims of a provider.
#[derive(Clone, Debug)]
pub struct ClaimRule {
    /// The requirement.
    pub requirement: Requirement,
    /// Shown to a person who does not meet it.
    pub message: Option<String>,
}

/// The requirement of a [`ClaimRule`].
#[derive(Clone, Debug)]
pub enum Requirement {
    /// A claim has this text.
    Claim {
        /// The name of the claim.
        name: String,
        /// The text.
        value: String,
    },
    /// An expression over `claims` is true.
    Expression(Expression),
}

/// A requirement on the account that the claims were mapped to.
#[derive(Clone, Debug)]
pub struct UserRule {
    /// An expression over `claims` and `user` that must be true.
    pub expression: Expression,
    /// Shown to a person who does not meet it.
    pub message: Option<String>,
}

/// When a provider is asked again about signed-in people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Whether it is asked.
    pub mode: RefreshMode,
    /// The age of claims from which it is asked.
    pub interval: Duration,
    /// The rule while it cannot be asked.
    pub unavailable: UnavailablePolicy,
    /// How long claims count while it cannot be asked.
    pub keep_for: Duration,
}

/// An assurance of a provider that counts here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssuranceRule {
    /// The provider's `acr` for which `amr` counts; `None`: those of `amr` that the provider states.
    pub acr: Option<String>,
    /// The methods.
    pub amr: Vec<String>,
}

/// The place of a provider on the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderPlacement {
    /// The position.
    pub order: u32,
    /// Domains of e-mail addresses whose owners are sent there.
    pub domains: Vec<String>,
    /// Whether there is no button.
    pub hidden: bool,
}

/// Returns the methods (`amr`) of a provider's sign-in that count here.
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
