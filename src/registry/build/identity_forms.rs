//! The spelling of the people of identity providers in `spec.identities` of users.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::members::{GroupMember, ParsedObjects, TenantGroup};
use crate::{
    api::{ConditionReason, IdentityProvider, IdentityProviderSpec, IdentitySpec, OidcUser},
    model::{DeclaredIdentity, IdentifierForm, ProviderType},
    registry::validate::ProblemList,
};

/// The forms of the identifiers of providers, by the names of their objects.
pub(super) struct IdentityForms<'a>(HashMap<&'a str, IdentifierForm>);

impl<'a> IdentityForms<'a> {
    /// The forms of the providers that users name.
    pub(super) fn of<'u>(
        group: &'a TenantGroup<'_>,
        users: impl Iterator<Item = &'u OidcUser>,
    ) -> Self {
        let identities = users.flat_map(|user| &user.spec.identities);
        let named: HashSet<&str> = identities.map(|identity| &*identity.provider).collect();
        let providers = group.providers.iter().filter(|it| named.contains(&*it.key.name));
        let form = |provider: &GroupMember<'_, IdentityProvider>| {
            identifier_form(&ParsedObjects::of(provider).raw.spec)
        };
        Self(providers.map(|provider| (&*provider.key.name, form(provider))).collect())
    }

    /// The people whom a user declares, as their providers spell them. Warns of those that a provider cannot have.
    pub(super) fn identities_of(
        &self,
        user: &OidcUser,
        problems: &mut ProblemList,
    ) -> Vec<DeclaredIdentity> {
        let canonical = |(index, written): (usize, &IdentitySpec)| {
            let form = self.0.get(&*written.provider).copied().unwrap_or_default();
            let subject = form.canonical(&written.subject).unwrap_or_else(|| {
                let message = format!(
                    "has no effect, since {:?} is not an identifier of the provider {:?}; set {}",
                    written.subject,
                    written.provider,
                    form.expected()
                );
                let field = format!("spec.identities[{index}].subject");
                problems.warn(ConditionReason::IdentityUnknown, field, message);
                Cow::Borrowed(written.subject.as_str())
            });
            DeclaredIdentity { provider: written.provider.clone(), subject: subject.into_owned() }
        };
        user.spec.identities.iter().enumerate().map(canonical).collect()
    }
}

/// The form of a provider's identifiers, as far as it can be read.
fn identifier_form(spec: &IdentityProviderSpec) -> IdentifierForm {
    let claim = spec.subject.as_ref().and_then(|subject| subject.claim.as_deref());
    match spec.provider_type.supported() {
        Some(ProviderType::GitHub) if claim.is_none_or(|claim| claim == "id") => {
            IdentifierForm::Number
        }
        Some(ProviderType::Ldap) => {
            let of_directory = || {
                let ldap = spec.ldap.as_ref()?;
                let written = ldap.users.id.as_ref();
                match written {
                    Some(id) => id.supported(),
                    None => Some(ldap.schema.supported()?.default_id()),
                }
            };
            let Some(id) = of_directory() else { return IdentifierForm::Text };
            let is_id = claim.is_none_or(|claim| claim == "sub" || claim == id.as_str());
            if is_id { IdentifierForm::Uuid(id) } else { IdentifierForm::Text }
        }
        Some(ProviderType::GitHub | ProviderType::Oidc) | None => IdentifierForm::Text,
    }
}
