//! The mail server of a tenant, except for its Secrets.

use super::{ProblemList, object_name, secret_ref};
use crate::{
    api::MailSpec,
    model::{
        Issuer, MailServer, MailSettings, SmtpTls, is_mail_address, is_mail_host, smtp_client_name,
    },
};

/// Validates the mail settings of a tenant. Whether the host may be inside the network is known later.
pub fn check_mail(
    problems: &mut ProblemList,
    written: Option<&MailSpec>,
    issuer: Option<&Issuer>,
) -> Option<MailSettings> {
    let spec = written?;
    let before = problems.len();
    if !is_mail_host(&spec.host) {
        let message = "must be a host name or an IP address, such as smtp.example.com";
        problems.invalid("spec.mail.host", message);
    }
    if spec.port == Some(0) {
        problems.invalid("spec.mail.port", "must be between 1 and 65535");
    }
    if !is_mail_address(&spec.from) {
        let message = "must be an e-mail address without a name, such as id@example.com";
        problems.invalid("spec.mail.from", message);
    }
    let tls = problems.supported("spec.mail.tls", spec.tls.as_ref()).unwrap_or_default();
    if let Some(reference) = &spec.credentials_secret_ref {
        object_name(problems, "spec.mail.credentialsSecretRef.name", &reference.name);
    }
    if let Some(reference) = &spec.ca_ref {
        secret_ref(problems, "spec.mail.caRef", reference);
    }
    if tls == SmtpTls::Disabled {
        let of_tls = [
            ("credentialsSecretRef", spec.credentials_secret_ref.is_some()),
            ("caRef", spec.ca_ref.is_some()),
        ];
        for (name, _) in of_tls.iter().filter(|(_, is_set)| *is_set) {
            let message = "needs tls: StartTls or Implicit; remove it, or encrypt the connection";
            problems.invalid(format!("spec.mail.{name}"), message);
        }
    }
    if problems.len() > before {
        return None;
    }
    let server = MailServer {
        host: spec.host.as_str().into(),
        port: spec.port.unwrap_or(tls.default_port()),
        tls,
        certificates: None,
        inside_network: false,
        credentials: None,
        client_name: smtp_client_name(issuer?.host()),
    };
    Some(MailSettings { server, from: spec.from.as_str().into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{EnumSpec, MailCredentialsSecretRef, SecretKeyRef};

    fn checked_mail_spec(change: impl FnOnce(&mut MailSpec)) -> Result<MailSettings, Vec<String>> {
        let mut spec = MailSpec {
            host: "smtp.harbour.test".to_owned(),
            from: "id@harbour.test".to_owned(),
            ..MailSpec::default()
        };
        change(&mut spec);
        let mut problems = ProblemList::default();
        let issuer = Issuer::parse("https://id.harbour.test/team").expect("canonical");
        let settings = check_mail(&mut problems, Some(&spec), Some(&issuer));
        let (problems, _) = problems.into_parts();
        settings.ok_or(problems.iter().map(|problem| problem.field.clone()).collect())
    }

    #[expect(clippy::unnecessary_wraps, reason = "the field is optional")]
    fn tls(text: &str) -> Option<EnumSpec<SmtpTls>> {
        Some(text.to_owned().into())
    }

    #[test]
    fn the_encryption_sets_the_port() {
        for (written, port) in [("StartTls", 587), ("Implicit", 465), ("Disabled", 25)] {
            assert_eq!(
                checked_mail_spec(|spec| spec.tls = tls(written)).expect("valid").server.port,
                port
            );
        }
        let settings = checked_mail_spec(|spec| spec.port = Some(2525)).expect("valid");
        assert_eq!((settings.server.port, settings.server.tls), (2525, SmtpTls::StartTls));
        assert_eq!(&*settings.server.client_name, "id.harbour.test");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let account = || Some(MailCredentialsSecretRef { name: "smtp".to_owned() });
        let wrong = |change: fn(&mut MailSpec)| checked_mail_spec(change).expect_err("a problem");
        assert_eq!(wrong(|spec| spec.host = "smtp.test:25".to_owned()), ["spec.mail.host"]);
        assert_eq!(wrong(|spec| spec.host = "a b".to_owned()), ["spec.mail.host"]);
        assert_eq!(wrong(|spec| spec.port = Some(0)), ["spec.mail.port"]);
        assert_eq!(wrong(|spec| spec.from = "Id <id@a.test>".to_owned()), ["spec.mail.from"]);
        assert_eq!(wrong(|spec| spec.tls = tls("Plain")), ["spec.mail.tls"]);
        let found = checked_mail_spec(|spec| {
            spec.tls = tls("Disabled");
            spec.credentials_secret_ref = account();
            spec.ca_ref = Some(SecretKeyRef { name: "ca".to_owned(), key: None });
        });
        let fields = ["spec.mail.credentialsSecretRef", "spec.mail.caRef"].map(str::to_owned);
        assert_eq!(found.expect_err("problems"), fields);
        assert!(checked_mail_spec(|spec| spec.host = "2001:db8::1".to_owned()).is_ok());
    }
}
