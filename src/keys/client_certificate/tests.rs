//! Tests of certificates of clients.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ED25519, SanType,
};
use serde_json::json;

use super::*;
use crate::{
    keys::{ClientAuthorities, PublicKeys, verify_issued_certificate},
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

fn judge(
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
        let verify = |subject| judge(&certificate, &rule(&ca, subject), NOW);
        assert_eq!(verify(right.clone()), Ok(()), "{right:?}");
        assert_eq!(verify(wrong.clone()), Err(CertificateError::OtherSubject), "{wrong:?}");
    }
    let as_dns = dns("ledger@acme.test");
    let other = judge(&certificate, &rule(&ca, as_dns), NOW);
    assert_eq!(other, Err(CertificateError::OtherSubject), "a name of another kind");
}

#[test]
fn only_valid_certificates_of_an_authority_count() {
    let (ca, other) = (authority("CA"), authority("CA"));
    let rule = rule(&ca, dns("ledger.acme.test"));
    let verdict = |certificate: &ClientCertificate, now| {
        judge(certificate, &rule, now).map_err(|error| {
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
    assert!(judge(&own, &rule, NOW).is_err());
    let chain = [own.der().to_vec(), between.der().to_vec()];
    let whole = ClientCertificate::new(chain).expect("two certificates");
    assert_eq!(judge(&whole, &rule, NOW), Ok(()));
    let swapped = [between.der().to_vec(), own.der().to_vec()];
    let swapped = ClientCertificate::new(swapped).expect("two certificates");
    assert!(judge(&swapped, &rule, NOW).is_err(), "the first one is the client's");
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
fn an_rsa_key_has_its_thumbprint() {
    // RFC 7638 §3.1
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    assert_eq!(rsa_thumbprint("AQAB", modulus), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(without_sign(&[0, 0x80]), [0x80]);
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
    assert!(parse(&ca.repeat(33)).expect_err("too many").contains("more than 32"));
    let own = params().self_signed(&KeyPair::generate().expect("a key")).expect("made").pem();
    let mut no_signer = CertificateParams::default();
    no_signer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    no_signer.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let no_signer = no_signer.self_signed(&KeyPair::generate().expect("a key")).expect("made");
    for pem in [&own, &no_signer.pem(), &format!("{ca}{own}")] {
        let refused = parse(pem).expect_err("a certificate that is not of an authority");
        assert!(refused.contains("not of an authority"), "{refused}");
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
    assert_eq!(judge(&of_expired, &rule(&expired, subject()), earlier), Ok(()));
    assert!(judge(&of_expired, &rule(&expired, subject()), NOW).is_err());
    let both = format!("{}{}", expired.pem(), valid.pem());
    let both = (subject(), ClientAuthorities::parse(both.as_bytes()).expect("two authorities"));
    assert!(judge(&of_expired, &both, NOW).is_err());
    assert_eq!(judge(&issued(&params(), &valid), &both, NOW), Ok(()), "the other one is valid");
}

#[test]
fn a_refusal_has_fixed_words() {
    let ca = authority("CA");
    let mut other = params();
    other.extended_key_usages = (0..50)
        .map(|last| ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 99_999, last]))
        .collect();
    let refused = judge(&issued(&other, &ca), &rule(&ca, dns("ledger.acme.test")), NOW);
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
