//! Certificates of clients (RFC 8705): by which a client authenticates, and to which its tokens are bound.

use crate::{
    api::{OidcClientSpec, SecretKeyRef, TlsClientAuthSpec},
    model::{AuthMethod, CertificateSubject, DistinguishedName},
    registry::validate::{CheckedTenant, ProblemList, secret_ref},
};

const FIELD: &str = "spec.tlsClientAuth";

/// The certificate of a client, except for its authorities, which are in a Secret.
#[derive(Clone, Debug)]
pub struct CheckedCertificate {
    /// The Secret with the authorities, in the namespace of the client.
    pub authorities: SecretKeyRef,
    /// The property that the certificate has.
    pub subject: CertificateSubject,
}

/// Validates `tlsClientAuth`, which the method `tls_client_auth` requires, and no other method has; and the binding of
/// tokens.
pub fn check_client_certificate(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    method: AuthMethod,
) -> Option<CheckedCertificate> {
    check_token_binding(problems, spec);
    let is_used = method == AuthMethod::TlsClientAuth;
    let Some(written) = &spec.tls_client_auth else {
        if is_used {
            let message = "must be set with tokenEndpointAuthMethod: tls_client_auth: caRef and one name of the certificate";
            problems.invalid(FIELD, message);
        }
        return None;
    };
    if !is_used {
        let message = "must only be set with tokenEndpointAuthMethod: tls_client_auth; remove it";
        problems.invalid(FIELD, message);
    }
    secret_ref(problems, "spec.tlsClientAuth.caRef", &written.ca_ref);
    let subject = subject(problems, written)?;
    Some(CheckedCertificate { authorities: written.ca_ref.clone(), subject })
}

/// The one property by which the certificate is known.
fn subject(problems: &mut ProblemList, written: &TlsClientAuthSpec) -> Option<CertificateSubject> {
    let TlsClientAuthSpec { subject_dn, san_dns, san_uri, san_ip, san_email, .. } = written;
    let all = [subject_dn, san_dns, san_uri, san_ip, san_email];
    if all.into_iter().flatten().count() != 1 {
        let message = "must have exactly one of subjectDn, sanDns, sanUri, sanIp and sanEmail";
        problems.invalid(FIELD, message);
        return None;
    }
    let name = subject_dn.as_ref().map(|text| {
        let name = DistinguishedName::parse(text).map(CertificateSubject::Name);
        name.ok_or((
            "subjectDn",
            "must be a distinguished name such as CN=ledger,O=Acme,C=SE (RFC 4514); write an attribute without a common name by its number, such as 2.5.4.3=ledger",
        ))
    });
    let ip = san_ip.as_ref().map(|text| {
        let address = text.parse().map(CertificateSubject::Ip);
        address.map_err(|_| ("sanIp", "must be an IP address such as 192.0.2.7 or 2001:db8::7"))
    });
    let others = [
        san_dns.clone().map(CertificateSubject::Dns),
        san_uri.clone().map(CertificateSubject::Uri),
        san_email.clone().map(CertificateSubject::Email),
    ];
    match name.or(ip).or_else(|| others.into_iter().flatten().next().map(Ok))? {
        Ok(subject) => Some(subject),
        Err((field, message)) => {
            problems.invalid(format!("{FIELD}.{field}"), message);
            None
        }
    }
}

/// Rule: tokens are bound to a key or to a certificate.
fn check_token_binding(problems: &mut ProblemList, spec: &OidcClientSpec) {
    let by_certificate = spec.tls_client_certificate_bound_access_tokens == Some(true);
    if by_certificate && spec.dpop_bound_access_tokens == Some(true) {
        let message = "must not be true together with dpopBoundAccessTokens; remove one";
        problems.invalid("spec.tlsClientCertificateBoundAccessTokens", message);
    }
}

/// Rule: certificates are of use only where a listener of the installation asks for them.
pub fn check_listener(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    method: AuthMethod,
    tenant: &CheckedTenant,
) {
    if tenant.tenant.mutual_tls_url.is_some() {
        return;
    }
    let field = if method.has_certificate() {
        "spec.tokenEndpointAuthMethod"
    } else if spec.tls_client_certificate_bound_access_tokens == Some(true) {
        "spec.tlsClientCertificateBoundAccessTokens"
    } else {
        return;
    };
    problems.invalid(field, NO_LISTENER);
}

/// Message for a setting that needs certificates.
pub const NO_LISTENER: &str = "needs a listener that asks clients for certificates, which the tenant does not have; set mtls.enabled in the chart of the installation (--mtls-listen), use an issuer without a port, or set another value";
