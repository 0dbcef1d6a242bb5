//! Tests of certificates of clients.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ED25519, SanType,
};
use serde_json::json;

use super::*;
use crate::{
    keys::{ClientAuthorities, ClientAuthoritiesError, PublicKeys, verify_issued_certificate},
    model::ClientCertificate,
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// The parameters of the certificate of a client, valid for long.
fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "SE");
    params.distinguished_name.push(DnType::OrganizationName, "Acme, Inc.");
    params.distinguished_name.push(DnType::CommonName, "Ledger");
    params.subject_alt_names = vec![
        SanType::DnsName("ledger.acme.test".try_into().expect("ASCII")),
        SanType::URI("spiffe://acme.test/ledger".try_into().expect("ASCII")),
        SanType::IpAddress("192.0.2.7".parse().expect("an address")),
        SanType::Rfc822Name("ledger@acme.test".try_into().expect("ASCII")),
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    params
}

fn issued(params: &CertificateParams, by: &Authority) -> ClientCertificate {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, by).expect("a certificate");
    ClientCertificate::new([certificate.der().to_vec()]).expect("one certificate")
}

fn rule(authority: &Authority, subject: CertificateSubject) -> CertificateRule {
    (subject, ClientAuthorities::parse(authority.pem().as_bytes()).expect("an authority"))
}

type CertificateRule = (CertificateSubject, ClientAuthorities);

fn check_issued(
    certificate: &ClientCertificate,
    (subject, authorities): &CertificateRule,
    now: Timestamp,
) -> Result<(), CertificateError> {
    verify_issued_certificate(certificate, (subject, authorities), now)
}

fn dns(name: &str) -> CertificateSubject {
    CertificateSubject::Dns(name.to_owned())
}

#[test]
fn each_kind_of_subject_is_compared() {
    // RFC 8705 §2.1.2
    let ca = authority("CA");
    let certificate = issued(&params(), &ca);
    let name =
        |text: &str| CertificateSubject::Name(DistinguishedName::parse(text).expect("a name"));
    let ip = |text: &str| CertificateSubject::Ip(text.parse().expect("an address"));
    let uri = |text: &str| CertificateSubject::Uri(text.to_owned());
    let email = |text: &str| CertificateSubject::Email(text.to_owned());
    for (right, wrong) in [
        (name("CN=ledger,O=Acme\\, Inc.,C=SE"), name("CN=ledger,O=Acme,C=SE")),
        (dns("Ledger.acme.test"), dns("acme.test")),
        (uri("spiffe://acme.test/ledger"), uri("spiffe://acme.test/ledger/2")),
        (ip("192.0.2.7"), ip("192.0.2.8")),
        (email("ledger@ACME.test"), email("ledger@acme.example")),
    ] {
        let verify = |subject| check_issued(&certificate, &rule(&ca, subject), NOW);
        assert_eq!(verify(right.clone()), Ok(()), "{right:?}");
        assert_eq!(verify(wrong.clone()), Err(CertificateError::OtherSubject), "{wrong:?}");
    }
    let as_dns = dns("ledger@acme.test");
    let other = check_issued(&certificate, &rule(&ca, as_dns), NOW);
    assert_eq!(other, Err(CertificateError::OtherSubject), "a name of another kind");
}

#[test]
fn only_valid_certificates_of_an_authority_count() {
    let (ca, other) = (authority("CA"), authority("CA"));
    let rule = rule(&ca, dns("ledger.acme.test"));
    let verdict = |certificate: &ClientCertificate, now| {
        check_issued(certificate, &rule, now).map_err(|error| {
            assert!(matches!(error, CertificateError::Untrusted(_)), "{error}");
        })
    };
    assert_eq!(verdict(&issued(&params(), &ca), NOW), Ok(()));
    assert_eq!(verdict(&issued(&params(), &other), NOW), Err(()), "another authority, same name");
    let late = Timestamp::from_secs(2_300_000_000);
    assert_eq!(verdict(&issued(&params(), &ca), late), Err(()), "expired");
    assert_eq!(verdict(&issued(&params(), &ca), Timestamp::from_secs(1)), Err(()), "not yet valid");
    let mut server = params();
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    assert_eq!(verdict(&issued(&server, &ca), NOW), Err(()), "a certificate of a server");
    let own = params().self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
    let own = ClientCertificate::new([own.der().to_vec()]).expect("one certificate");
    assert_eq!(verdict(&own, NOW), Err(()), "self-signed");
}

#[test]
fn certificates_between_count_if_they_are_sent_along() {
    let ca = authority("CA");
    let mut between = CertificateParams::default();
    between.distinguished_name.push(DnType::CommonName, "Between");
    between.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let key = KeyPair::generate().expect("a key");
    let between = CertifiedIssuer::signed_by(between, key, &ca).expect("an authority");
    let own = issued(&params(), &between);
    let rule = rule(&ca, dns("ledger.acme.test"));
    assert!(check_issued(&own, &rule, NOW).is_err());
    let chain = [own.der().to_vec(), between.der().to_vec()];
    let whole = ClientCertificate::new(chain).expect("two certificates");
    assert_eq!(check_issued(&whole, &rule, NOW), Ok(()));
    let swapped = [between.der().to_vec(), own.der().to_vec()];
    let swapped = ClientCertificate::new(swapped).expect("two certificates");
    assert!(check_issued(&swapped, &rule, NOW).is_err(), "the first one is the client's");
}

#[test]
fn a_registered_key_or_certificate_is_recognized() {
    // RFC 8705 §2.2.2
    let keys =
        [KeyPair::generate(), KeyPair::generate_for(&PKCS_ED25519)].map(|it| it.expect("a key"));
    for (key, other) in [(&keys[0], &keys[1]), (&keys[1], &keys[0])] {
        let certificate = params().self_signed(key).expect("a certificate");
        let renewed = params().self_signed(key).expect("a certificate");
        let other = params().self_signed(other).expect("a certificate");
        let [parsed, renewed, other] = [&certificate, &renewed, &other]
            .map(|it| ParsedCertificate::read(it.der()).expect("parses"));
        let set = |jwk: serde_json::Value| PublicKeys::parse(&json!({ "keys": [jwk] }));
        let of_key = set(jwk(&certificate, None));
        assert!(of_key.has_certificate(&parsed) && of_key.has_certificate(&renewed));
        assert!(!of_key.has_certificate(&other));
        let x5c = STANDARD.encode(certificate.der());
        let exactly = set(jwk(&certificate, Some(&x5c)));
        assert!(exactly.has_certificate(&parsed) && !exactly.has_certificate(&other));
        assert!(!set(jwk(&certificate, Some("no certificate"))).has_certificate(&parsed));
    }
}

/// The JWK with the key of a certificate.
fn jwk(certificate: &rcgen::Certificate, x5c: Option<&str>) -> serde_json::Value {
    let (_, parsed) = X509Certificate::from_der(certificate.der()).expect("parses");
    let data = parsed.public_key().subject_public_key.data.to_vec();
    let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let mut jwk = if data.len() == 32 {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(&data) })
    } else {
        let (x, y) = data[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y) })
    };
    if let Some(x5c) = x5c {
        jwk["x5c"] = json!([x5c]);
    }
    jwk
}

#[test]
fn a_number_of_der_has_no_sign_in_a_jwk() {
    // RFC 7518 §6.3.1.1
    assert_eq!(without_sign(&[0, 0x80]), [0x80]);
}

/// A self-signed certificate with an RSA key of 1024 bits.
const RSA_1024: &str = "MIIB/DCCAWWgAwIBAgIUPnonndc1OYPIPPIlwWynF9+cCD0wDQYJKoZIhvcNAQELBQAwDzENMAsGA1UEAwwEd2VhazAgFw0yNjExMzAxMDU5MzhaGA8yMDgxMDkwMjEwNTkzOFowDzENMAsGA1UEAwwEd2VhazCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAzNXsrh4eUtboMaCBq2vl6W0/juavlBu1+ztqVt2DvrFisFy7WLXtVsgoTwb7zD+Orxtpybc5mJuxFzoE/UMFJuW6gQMIaYOHRVqdv3V2oQ2hcPbT1nt1wNNeCUWfGP8VAuk4BZZtAjmxRM6mPACqiKqBHZI2fm075q7QEOJoUkUCAwEAAaNTMFEwHQYDVR0OBBYEFBYsj8K6zMPcC8sQmyKdn34XmucLMB8GA1UdIwQYMBaAFBYsj8K6zMPcC8sQmyKdn34XmucLMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEAT+p+d0azwAlCGwgxB3LUiQU2ON/RX3oU/G+XrZOXc9zxf+7lOh6LumAQb0itw2vkEkBqI0ppOw4AGwrGxegaX7jyP9fVRq5sQWzwQYI5cJlDM+cuvNfrtomqf6z+dQjBpFNRpFDVkW7ekyNv33UwZV9j5HHt2EDysYgouLxr1Lw=";
/// One with an RSA key of 2048 bits.
const RSA_2048: &str = "MIIC+zCCAeOgAwIBAgIUa2E2+ZsqRvRnkV8P4zG8wpdDAkUwDQYJKoZIhvcNAQELBQAwDDEKMAgGA1UEAwwBdzAgFw0yNjExMzAxMDU5MzhaGA8yMDgxMDkwMjEwNTkzOFowDDEKMAgGA1UEAwwBdzCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAJpZw7PuU3YnuDOFT7nnAZLtw7A/5XOWTgOGII2zNX6nlgyzL9+UMS5zDOB0tCVglUyWFgXfD7+g0SQYPpUW4KCXhs2+wxoFabDUsmIaZQYM/vuBE2PErTxcbD/f3iXpoSi8vnGE0ZqE5ZCXJcytI4G6T7lmi4BKUo3L/sdtSwIN8vNt4Kdg3jLxnitUmWUymLOKuH11BNuWWMzp3sUWB4bM7pm0LAUIlzHRTgaOJJu6WBdajyInBNAwDFQbojYMjkK1AS+d0EQHC3gROUQqdh36ApGdCxvpoOCOa1uwojaCbqgI1/6cz2kLWGOWtHeQiXQ3cFli7zSaeK1Gx5qDIhECAwEAAaNTMFEwHQYDVR0OBBYEFGgNdK3T/RWipl+EnRWNSZ9b4U1BMB8GA1UdIwQYMBaAFGgNdK3T/RWipl+EnRWNSZ9b4U1BMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAIhG8lhJs4M3BMBAWZWWDCv2I3hI4XUaYCaA0PBsOis0ngJqqjdO51KhbkT77J6hqkxYaqJ18o5/GcuRaBlA2z5h5NRBZfHP/EhBgFDAPWtRhSbaM4JwdCGkEtIC9eezoiA1gzjvVTfQh8PVhfqn74X+d0AlB5mytesu+maU5bqdbmt4J+2yowKXyFPUzJB3RVucIPOFBsT36hjJY04egtK3UxZ0uJX9cZFFKxEzOxjGXwn53nOaVdr3JfAGNikoaHTmTDQx8etZz8KtMEemVWVrtprW3XHLPIREJrX51t5Ur9lSn4yK4STBamZ7wTK47Wt5l3eTGWaZzPK6Zuxer9k=";
/// One with a key on the curve P-192.
const P192: &str = "MIIBVDCCAQugAwIBAgIUCogPjvYGkSZcoCb4jREaon/LwlowCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEd2VhazAgFw0yNjExMzAxMDU5MzhaGA8yMDgxMDkwMjEwNTkzOFowDzENMAsGA1UEAwwEd2VhazBJMBMGByqGSM49AgEGCCqGSM49AwEBAzIABLdIJt9wgWxkwrP1dSsf/zr0+3v0uoVVpUGgcjM50kYeJ9wR6Qse4XR7soLvACGpN6NTMFEwHQYDVR0OBBYEFE4EkQlccMr/YZFHzuUnsCLDQ0C2MB8GA1UdIwQYMBaAFE4EkQlccMr/YZFHzuUnsCLDQ0C2MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDNwAwNAIYAdfXSPVNLNPlcKDYvmu6oXhBqHWtuIrQAhgIS4fKDMEDjNimb5OG+ZS8KOcQztxC4y4=";

#[test]
fn certificates_with_weak_keys_are_refused() {
    // FAPI 2.0 Security Profile §5.4.1
    let check = |der: &[u8]| ParsedCertificate::read(der).expect("parses").check_key();
    for weak in [RSA_1024, P192] {
        let der = STANDARD.decode(weak).expect("base64");
        assert_eq!(check(&der), Err(CertificateError::WeakKey));
        let certificate = ClientCertificate::new([der]).expect("one certificate");
        let rule = rule(&authority("CA"), dns("weak"));
        assert_eq!(check_issued(&certificate, &rule, NOW), Err(CertificateError::WeakKey));
    }
    assert_eq!(check(&STANDARD.decode(RSA_2048).expect("base64")), Ok(()));
    for key in [KeyPair::generate(), KeyPair::generate_for(&PKCS_ED25519)] {
        let certificate = params().self_signed(&key.expect("a key")).expect("a certificate");
        assert_eq!(check(certificate.der()), Ok(()));
    }
}

#[test]
fn an_expired_or_malformed_certificate_is_refused() {
    let certificate = params().self_signed(&KeyPair::generate().expect("a key")).expect("made");
    let parsed = ParsedCertificate::read(certificate.der()).expect("parses");
    assert_eq!(parsed.check_validity(NOW), Ok(()));
    let late = Timestamp::from_secs(2_300_000_000);
    assert_eq!(parsed.check_validity(late), Err(CertificateError::Expired));
    for len in 0..certificate.der().len() {
        assert!(ParsedCertificate::read(&certificate.der()[..len]).is_err());
    }
}

#[test]
fn only_a_bounded_number_of_authorities_counts() {
    let parse = |pem: &str| ClientAuthorities::parse(pem.as_bytes()).map(|_| ());
    let ca = authority("CA").pem();
    assert_eq!(parse(&format!("# the authority\n{}", ca.repeat(32))), Ok(()));
    assert_eq!(parse(&ca.repeat(33)), Err(ClientAuthoritiesError::TooMany));
    assert!(ClientAuthoritiesError::TooMany.to_string().contains("more than 32"));
    let own = params().self_signed(&KeyPair::generate().expect("a key")).expect("made").pem();
    let mut no_signer = CertificateParams::default();
    no_signer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    no_signer.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let no_signer = no_signer.self_signed(&KeyPair::generate().expect("a key")).expect("made");
    for pem in [&own, &no_signer.pem(), &format!("{ca}{own}")] {
        assert_eq!(parse(pem), Err(ClientAuthoritiesError::NotAuthority));
    }
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for wrong in ["", "a text", no_certificate, &format!("{ca}{no_certificate}")] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_authority_counts_in_its_period_only() {
    let (valid, mut expired) = (authority("CA"), CertificateParams::default());
    expired.distinguished_name.push(DnType::CommonName, "Expired");
    expired.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    expired.not_before = rcgen::date_time_ymd(2020, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2026, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let expired = CertifiedIssuer::self_signed(expired, key).expect("an authority");
    let subject = || dns("ledger.acme.test");
    let earlier = Timestamp::from_secs(1_700_000_000);
    let of_expired = issued(&params(), &expired);
    assert_eq!(check_issued(&of_expired, &rule(&expired, subject()), earlier), Ok(()));
    assert!(check_issued(&of_expired, &rule(&expired, subject()), NOW).is_err());
    let both = format!("{}{}", expired.pem(), valid.pem());
    let both = (subject(), ClientAuthorities::parse(both.as_bytes()).expect("two authorities"));
    assert!(check_issued(&of_expired, &both, NOW).is_err());
    assert_eq!(
        check_issued(&issued(&params(), &valid), &both, NOW),
        Ok(()),
        "the other one is valid"
    );
}

#[test]
fn a_refusal_has_fixed_words() {
    let ca = authority("CA");
    let mut other = params();
    other.extended_key_usages = (0..50)
        .map(|last| ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 99_999, last]))
        .collect();
    let refused = check_issued(&issued(&other, &ca), &rule(&ca, dns("ledger.acme.test")), NOW);
    let text = refused.expect_err("no usage of clients").to_string();
    assert!(text.ends_with(": its usages are not those of a client"), "{text}");
}

#[test]
fn the_same_numbers_on_another_curve_are_another_key() {
    const P256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let certificate = params().self_signed(&KeyPair::generate().expect("a key")).expect("made");
    let registered = PublicKeys::parse(&json!({ "keys": [jwk(&certificate, None)] }));
    let mut der = certificate.der().to_vec();
    let at = der.windows(P256.len()).position(|window| window == P256).expect("a curve");
    let is_registered =
        |der: &[u8]| registered.has_certificate(&ParsedCertificate::read(der).expect("parses"));
    assert!(is_registered(&der));
    // prime239v3, with the point of P-256.
    der[at + 7] = 6;
    assert!(!is_registered(&der));
}
