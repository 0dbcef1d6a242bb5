//! The names that a provider gives, as far as they can be read.

use super::source::GITHUB;
use crate::{
    api::IdentityProviderSpec,
    model::ProviderType,
    protocol::identity_provider::{ClaimMappings, ProviderSource, SubjectRule, TENANT_PLACEHOLDER},
};

/// The names that a provider gives to people, as far as they can be read. They are known for an invalid object too, so
/// that a mistake in it does not pass its names on to a younger provider.
#[derive(Clone, Debug)]
pub struct ProviderNaming {
    /// The parts of accounts. Those that cannot be read are the defaults.
    pub mappings: ClaimMappings,
    /// The domains of its e-mail addresses.
    pub email_domains: Vec<String>,
    /// The domains of names that lead to it.
    pub sign_in_domains: Vec<String>,
    /// Whether it is a directory, whose users type their password on Lanyard's sign-in page.
    pub is_directory: bool,
    /// The rule by which the provider makes subjects.
    pub subject: SubjectRule,
    /// The name from which subjects are computed: `identityKey`, or the default of the source. `None` if it is unknown.
    pub identity_key: Option<String>,
    /// The authorities that identify the provider's users.
    pub authorities: Vec<NamingAuthority>,
    /// Whether it is a directory for names of every domain.
    pub takes_every_name: bool,
}

/// An authority that identifies users: an issuer, a host or a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamingAuthority {
    /// The issuer or host. `None` for a directory, which has no name, and for a `clientRef` that does not resolve.
    pub name: Option<String>,
    /// The id that stands in a template of the identity key.
    pub tenant_id: Option<String>,
}

impl ProviderNaming {
    /// The names of a key, each with the authority.
    pub fn keyed_authorities<'a>(
        &'a self,
        key: &'a str,
    ) -> impl Iterator<Item = (String, Option<String>)> + 'a {
        self.authorities.iter().map(move |authority| {
            let key = match &authority.tenant_id {
                Some(id) => key.replace(TENANT_PLACEHOLDER, id),
                None => key.to_owned(),
            };
            (key, authority.name.clone())
        })
    }
}

/// The names that a provider gives. `identity_key`: the name from which subjects are computed.
pub(super) fn provider_naming(
    spec: &IdentityProviderSpec,
    source: Option<&ProviderSource>,
    (mappings, subject, identity_key): (&ClaimMappings, &SubjectRule, Option<String>),
) -> ProviderNaming {
    let domains = spec.sign_in.as_ref().map(|sign_in| &*sign_in.domains).unwrap_or_default();
    ProviderNaming {
        mappings: mappings.clone(),
        email_domains: spec.email_domains.clone(),
        subject: subject.clone(),
        authorities: naming_authorities(spec, source),
        sign_in_domains: domains.iter().map(|domain| domain.to_ascii_lowercase()).collect(),
        is_directory: spec.ldap.is_some(),
        takes_every_name: spec.ldap.is_some() && domains.is_empty(),
        identity_key,
    }
}

/// The authorities of a source, or those of the manifest if the source is invalid.
fn naming_authorities(
    spec: &IdentityProviderSpec,
    source: Option<&ProviderSource>,
) -> Vec<NamingAuthority> {
    let one = |name| vec![NamingAuthority { name, tenant_id: None }];
    let oidc = |issuer: Option<&str>, tenant_ids: &[String]| {
        if tenant_ids.is_empty() {
            return one(issuer.map(str::to_owned));
        }
        let of = |id: &String| NamingAuthority {
            name: issuer.map(|issuer| issuer.replace(TENANT_PLACEHOLDER, id)),
            tenant_id: Some(id.clone()),
        };
        tenant_ids.iter().map(of).collect()
    };
    match source {
        Some(ProviderSource::Oidc(source)) => oidc(Some(&source.issuer), &source.tenant_ids),
        Some(ProviderSource::GitHub(source)) => one(Some(source.host.clone())),
        Some(ProviderSource::Ldap(_)) => one(None),
        None => match spec.provider_type.supported() {
            Some(ProviderType::Oidc) => {
                let written = spec.oidc.as_ref();
                let issuer = written.and_then(|written| written.issuer.as_deref());
                let tenant_ids = written.map(|written| &*written.tenant_ids).unwrap_or_default();
                oidc(issuer, tenant_ids)
            }
            Some(ProviderType::GitHub) => {
                let host = spec.github.as_ref().and_then(|github| github.host.clone());
                one(Some(host.unwrap_or_else(|| GITHUB.to_owned())))
            }
            Some(ProviderType::Ldap) | None => one(None),
        },
    }
}

/// The default identity key of a provider whose source is invalid.
pub(super) fn written_identity_key(spec: &IdentityProviderSpec, name: &str) -> Option<String> {
    match spec.provider_type.supported()? {
        ProviderType::Oidc => {
            let oidc = spec.oidc.as_ref().filter(|oidc| oidc.client_ref.is_none())?;
            oidc.issuer.clone()
        }
        ProviderType::GitHub => {
            let host = spec.github.as_ref()?.host.clone();
            Some(host.unwrap_or_else(|| GITHUB.to_owned()))
        }
        ProviderType::Ldap => Some(name.to_owned()),
    }
}
