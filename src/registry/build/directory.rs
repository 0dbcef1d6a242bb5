//! The Secrets of a directory: its search account, and the certificates that verify its server.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::members::GroupMember;
use crate::{
    api::{IdentityProvider, LdapProviderSpec, SecretKeyRef, SecretState},
    model::{LdapAccount, ObjectKey, Secret},
    registry::{
        ValidationProblem,
        secrets::{EntryReference, invalid_secret, parsed_entry, referenced_secret, text_entry},
    },
};

/// The default entry with certificates.
const DEFAULT_CA_ENTRY: &str = "ca.crt";

/// The content of a provider's Secrets.
pub(super) enum ProviderSecrets {
    /// The client secret; `None` for a public client.
    Client(Option<Secret<String>>),
    /// The search account, and the certificates that verify the server.
    Directory(LdapAccount, Option<Arc<str>>),
}

/// Reads the Secrets. Without them the provider is not served.
pub(super) fn directory_secrets(
    member: &GroupMember<'_, IdentityProvider>,
    spec: &LdapProviderSpec,
    ca: Option<&SecretState>,
) -> Result<ProviderSecrets, ValidationProblem> {
    const FIELD: &str = "spec.ldap.bindSecretRef";
    let name = ObjectKey::new(&member.key.namespace, &spec.bind_secret_ref.name);
    let secret = referenced_secret(member.secret, &name, FIELD)?;
    let account = LdapAccount {
        name: text_entry(secret, "username", FIELD)?.trim().into(),
        password: Secret::new(text_entry(secret, "password", FIELD)?.to_owned()),
    };
    if account.name.is_empty() {
        let message = "the Secret's entry \"username\" is empty; set a value";
        return Err(invalid_secret(FIELD, message.to_owned()));
    }
    let reference = spec.ca_ref.as_ref();
    let certificates = reference.map(|reference| certificates(member.key, reference, ca));
    Ok(ProviderSecrets::Directory(account, certificates.transpose()?))
}

fn certificates(
    provider: &ObjectKey,
    reference: &SecretKeyRef,
    secret: Option<&SecretState>,
) -> Result<Arc<str>, ValidationProblem> {
    let reference = EntryReference {
        object: provider,
        reference,
        default_entry: DEFAULT_CA_ENTRY,
        field: "spec.ldap.caRef",
    };
    parsed_entry(secret, reference, |text| {
        let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        match parsed {
            Ok(certificates) if !certificates.is_empty() => Ok(text.into()),
            _ => Err("has no certificates; write them as PEM"),
        }
    })
}
