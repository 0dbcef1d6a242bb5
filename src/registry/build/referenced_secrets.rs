//! The Secrets that clients refer to: with a client secret, or with the authorities of their certificates.

use super::{members::GroupMember, provider_secrets::DEFAULT_CA_ENTRY};
use crate::{
    api::{ClientSecretKeys, OidcClient, SecretKeyRef, SecretState},
    keys::ClientAuthorities,
    model::{CertificateRule, ObjectKey, Secret},
    registry::{
        ValidationProblem,
        secrets::{EntryReference, parse_secret_entry, usable_secret},
        validate::CheckedCertificate,
    },
};

/// The requirements of a client's certificate, with the authorities of its Secret. Without them the client is not
/// served.
pub(super) fn certificate_rule(
    object: &ObjectKey,
    CheckedCertificate { authorities, subject }: CheckedCertificate,
    secret: Option<&SecretState>,
) -> Result<CertificateRule, ValidationProblem> {
    let reference = EntryReference {
        object,
        reference: &authorities,
        default_entry: DEFAULT_CA_ENTRY,
        field: "spec.tlsClientAuth.caRef",
    };
    let parse = |text: &str| ClientAuthorities::parse(text.as_bytes()).map(|_| text.into());
    let authorities = parse_secret_entry(secret, reference, parse)?;
    Ok(CertificateRule { subject, authorities })
}

/// The client secret in the Secret that `spec.secretRef` names.
pub(super) fn referenced_client_secret(
    member: &GroupMember<'_, OidcClient>,
    reference: &SecretKeyRef,
) -> Result<Secret<String>, ValidationProblem> {
    let reference = EntryReference {
        object: member.key,
        reference,
        default_entry: ClientSecretKeys::CLIENT_SECRET,
        field: "spec.secretRef",
    };
    parse_secret_entry(member.secret, reference, usable_secret)
}
