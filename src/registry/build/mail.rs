//! The Secrets of a tenant's mail server: the account, and the certificates that verify it.

use std::sync::Arc;

use super::{
    members::TenantGroup,
    provider_secrets::{DEFAULT_CA_ENTRY, check_certificates},
};
use crate::{
    api::{MailCredentialsSecretRef, MailSpec},
    model::{Installation, MailCredentials, MailServer, MailSettings, Secret},
    registry::{
        ValidationProblem,
        secrets::{
            EntryReference, invalid_secret, parse_secret_entry, referenced_secret, text_entry,
        },
        validate::ProblemList,
    },
};

/// The mail settings with their Secrets. Without one of them no mail is sent and the tenant's conditions report
/// it; the tenant stays served.
pub(super) fn mail_settings(
    problems: &mut ProblemList,
    group: &TenantGroup<'_>,
    (spec, checked): (&MailSpec, &MailSettings),
    installation: &Installation,
) -> Option<Arc<MailSettings>> {
    let before = problems.len();
    let account = spec.credentials_secret_ref.as_ref().map(|it| credentials(group, it));
    let credentials =
        account.and_then(|found| found.map_err(|problem| problems.append([problem])).ok());
    let pem = spec.ca_ref.as_ref().map(|reference| {
        let (object, field) = (&group.id.0, "spec.mail.caRef");
        let default_entry = DEFAULT_CA_ENTRY;
        let reference = EntryReference { object, reference, default_entry, field };
        parse_secret_entry(group.mail.1, reference, check_certificates)
    });
    let certificates =
        pem.and_then(|found| found.map_err(|problem| problems.append([problem])).ok());
    if problems.len() > before {
        return None;
    }
    let server = &checked.server;
    let inside_network = installation.allows_upstream_host(&server.host, &group.id.0.namespace);
    let server = MailServer { certificates, inside_network, credentials, ..server.clone() };
    Some(Arc::new(MailSettings { server, from: checked.from.clone() }))
}

fn credentials(
    group: &TenantGroup<'_>,
    reference: &MailCredentialsSecretRef,
) -> Result<MailCredentials, ValidationProblem> {
    const FIELD: &str = "spec.mail.credentialsSecretRef";
    let secret =
        referenced_secret(group.mail.0, &group.id.0.in_same_namespace(&reference.name), FIELD)?;
    let username = text_entry(secret, "username", FIELD)?.trim();
    let password = text_entry(secret, "password", FIELD)?.trim_end_matches(['\r', '\n']);
    for (name, text) in [("username", username), ("password", password)] {
        if text.is_empty() || text.contains('\0') {
            let message = format!("the Secret's entry {name:?} is empty or has a NUL; set a value");
            return Err(invalid_secret(FIELD, message));
        }
    }
    let password = Secret::new(password.to_owned());
    Ok(MailCredentials { username: username.into(), password })
}
