//! Identity providers as they are used: where the people of a tenant come from, and how the claims
//! of a provider become an account. Pure.

mod assurance;
mod error;
mod example;
#[cfg(test)]
pub(crate) mod fixtures;
mod groups;
mod issuer_template;
mod mapping;
mod provider;
mod sign_in_ways;
mod source;
mod sources;
mod subject;
mod token_claims;

pub use assurance::{AssuranceRule, counted_methods};
pub use error::MappingError;
pub use example::{ExampleFailure, MappingExample, check_examples};
pub use groups::GroupMapping;
pub use issuer_template::{IssuerTemplateError, ORGANIZATIONS, TENANT_CLAIM, TENANT_PLACEHOLDER};
pub use mapping::map_account;
pub use provider::{
    ClaimMappings, IdentityProvider, ProviderPlacement, RefreshPolicy, SubjectRule,
};
pub use sign_in_ways::{acr_values_for_provider, ways_of_provider};
pub use source::{GitHubUpstream, OidcUpstream, ProviderSource, UpstreamCredentials};
pub use sources::{ClaimRequirement, ClaimRule, TextSource, UserRule, ValueSource};
pub use subject::{
    UpstreamIdentity, can_give_subject, declared_identities, declared_identity, dex_subject,
    identity_of,
};
pub use token_claims::{is_token_claim, person_claims};

use serde_json::{Map, Value};

/// The claims of a person as a provider gave them.
pub type UpstreamClaims = Map<String, Value>;
