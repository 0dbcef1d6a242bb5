//! The Secrets of a provider: its client secret or search account, and the certificates that verify its
//! servers.

use std::sync::Arc;

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::members::{GroupMember, ParsedObjects};
use crate::{
    api::{IdentityProvider, LdapProviderSpec, SecretKeyRef, SecretState},
    model::{LdapAccount, LdapServer, LdapSettings, ObjectKey, Secret},
    protocol::identity_provider::{
        GitHubUpstream, IdentityProvider as Provider, OidcUpstream, ProviderSource,
        UpstreamCredentials,
    },
    registry::{
        ValidationProblem,
        secrets::{
            EntryReference, invalid_secret, parse_secret_entry, referenced_secret, text_entry,
            usable_secret,
        },
        validate,
    },
};

/// The default entry with a client secret.
const DEFAULT_ENTRY: &str = "client-secret";
/// The default entry with certificates, as in Secrets of cert-manager.
pub(super) const DEFAULT_CA_ENTRY: &str = "ca.crt";

/// The content of a provider's Secrets.
pub(super) struct ProviderSecrets {
    credentials: ProviderCredentials,
    /// The PEM certificates that verify its servers.
    certificates: Option<Arc<str>>,
}

enum ProviderCredentials {
    /// The client secret; `None` for a public client.
    Client(Option<Secret<String>>),
    /// The account that searches a directory.
    Directory(LdapAccount),
}

impl ProviderSecrets {
    /// Reads the Secrets. Without them the provider is not served.
    pub(super) fn read(
        provider: &ParsedObjects<'_, IdentityProvider>,
        client: Option<&SecretKeyRef>,
        ca: Option<&SecretState>,
    ) -> Result<Self, ValidationProblem> {
        let (spec, key) = (&provider.raw.spec, provider.member.key);
        let credentials = if let Some(ldap) = &spec.ldap {
            ProviderCredentials::Directory(search_account(provider.member, ldap)?)
        } else {
            let secret = client.map(|reference| {
                let reference = EntryReference {
                    object: key,
                    reference,
                    default_entry: DEFAULT_ENTRY,
                    field: validate::secret_field(spec),
                };
                parse_secret_entry(provider.member.secret, reference, usable_secret)
            });
            ProviderCredentials::Client(secret.transpose()?)
        };
        let reference = spec.ca_ref();
        let certificates = reference.map(|(field, reference)| {
            let default_entry = DEFAULT_CA_ENTRY;
            let reference = EntryReference { object: key, reference, default_entry, field };
            parse_secret_entry(ca, reference, check_certificates)
        });
        Ok(Self { credentials, certificates: certificates.transpose()? })
    }

    /// The provider with the credentials and certificates of its Secrets.
    pub(super) fn applied_to(self, checked: Provider) -> Provider {
        let certificates = self.certificates;
        let source = match (checked.source, self.credentials) {
            (ProviderSource::Oidc(oidc), ProviderCredentials::Client(Some(secret))) => {
                let credentials = UpstreamCredentials::Secret { secret, transport: None };
                ProviderSource::Oidc(OidcUpstream { credentials, certificates, ..oidc })
            }
            (ProviderSource::Oidc(oidc), _) => {
                ProviderSource::Oidc(OidcUpstream { certificates, ..oidc })
            }
            (ProviderSource::GitHub(github), ProviderCredentials::Client(Some(client_secret))) => {
                ProviderSource::GitHub(GitHubUpstream { client_secret, certificates, ..github })
            }
            (ProviderSource::Ldap(settings), ProviderCredentials::Directory(account)) => {
                let server = LdapServer { certificates, ..settings.server };
                ProviderSource::Ldap(Box::new(LdapSettings { server, account, ..*settings }))
            }
            (source, _) => source,
        };
        Provider { source, ..checked }
    }
}

fn search_account(
    member: &GroupMember<'_, IdentityProvider>,
    spec: &LdapProviderSpec,
) -> Result<LdapAccount, ValidationProblem> {
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
    Ok(account)
}

/// The reason why certificates cannot verify a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CertificatesError {
    #[error("has no certificates; write them as PEM")]
    Missing,
    #[error("has a part that is not an X.509 certificate")]
    Invalid,
}

/// Checks certificates. All must be usable, because a missing authority shows at a sign-in only.
pub(super) fn check_certificates(text: &str) -> Result<Arc<str>, CertificatesError> {
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let parsed = parsed.ok().filter(|it| !it.is_empty());
    let mut roots = RootCertStore::empty();
    for certificate in parsed.ok_or(CertificatesError::Missing)? {
        roots.add(certificate).map_err(|_| CertificatesError::Invalid)?;
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_judged_before_their_use() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(["ca.test".to_owned()]).expect("a name");
        let pem = params.self_signed(&key).expect("it is made").pem();
        let two = format!("# the authority of the company\n{pem}{pem}");
        assert_eq!(check_certificates(&two).as_deref(), Ok(two.as_str()));
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for wrong in ["", "a text", no_certificate, &format!("{pem}{no_certificate}")] {
            assert!(check_certificates(wrong).is_err(), "{wrong}");
        }
    }
}
