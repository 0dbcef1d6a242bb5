//! Authorities and certificates of clients.

use lanyard::http::TlsConfig;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};
use serde_json::{Value, json};

/// A certificate authority with a name.
pub struct NamedAuthority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, as PEM.
    pub certificate: String,
    /// The key, as PEM.
    pub key: String,
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// The public key, as a JWK.
    pub jwk: Value,
}

impl NamedAuthority {
    /// Makes an authority with this common name and a new key.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    /// The certificate of the authority, as PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate for a DNS name.
    pub fn issue(&self, dns: &str) -> Identity {
        self.issue_with(&params(dns))
    }

    /// Issues a certificate with these parameters for a new key.
    pub fn issue_with(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        identity(&certificate, &key)
    }

    /// The TLS configuration of a server at `localhost`.
    pub fn server_tls(&self) -> TlsConfig {
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let identity = self.issue("localhost");
        std::fs::write(&certificate, identity.certificate).expect("written");
        std::fs::write(&key, identity.key).expect("written");
        TlsConfig::load(&certificate, &key).expect("a pair")
    }

    /// An HTTP client that trusts the servers of this authority. It presents the certificate, if one is given.
    pub fn http_client(&self, identity: Option<&Identity>) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.pem().as_bytes()).expect("PEM");
        let builder = reqwest::Client::builder().tls_certs_only([root]).http1_only();
        let builder = match identity {
            Some(identity) => builder.identity(identity.tls()),
            None => builder,
        };
        builder.build().expect("a client")
    }
}

impl Identity {
    /// A certificate for a DNS name that its own key has signed.
    pub fn self_signed(dns: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(dns).self_signed(&key).expect("a certificate");
        identity(&certificate, &key)
    }

    /// The identity with this certificate (PEM), so many times, after its own.
    pub fn followed_by(&self, count: usize, pem: &str) -> Self {
        Self { certificate: format!("{}{}", self.certificate, pem.repeat(count)), ..self.clone() }
    }

    /// The SHA-256 thumbprint of the certificate in base64url (`x5t#S256`, RFC 8705 §3.1).
    pub fn thumbprint(&self) -> String {
        lanyard::model::sha256_base64url(&self.der)
    }

    /// The identity of a client of `reqwest`.
    pub fn tls(&self) -> reqwest::Identity {
        let pem = format!("{}{}", self.key, self.certificate);
        reqwest::Identity::from_pem(pem.as_bytes()).expect("a pair")
    }
}

/// The parameters of a certificate for a DNS name, of a client or a server, valid for long.
pub fn params(dns: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Acme");
    params.distinguished_name.push(DnType::CommonName, dns);
    params.subject_alt_names = vec![SanType::DnsName(dns.try_into().expect("ASCII"))];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2099, 1, 1);
    params
}

/// The parameters of a certificate that has more than this many bytes.
pub fn long_params(dns: &str, bytes: usize) -> CertificateParams {
    let mut params = params(dns);
    let long = format!("https://acme.test/{}", "a".repeat(bytes));
    params.subject_alt_names.push(SanType::URI(long.try_into().expect("ASCII")));
    params
}

fn identity(certificate: &rcgen::Certificate, key: &KeyPair) -> Identity {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    // An uncompressed point of P-256.
    let point = key.public_key_raw();
    let coordinate = |at: usize| URL_SAFE_NO_PAD.encode(&point[at..at + 32]);
    Identity {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        der: certificate.der().to_vec(),
        jwk: json!({ "kty": "EC", "crv": "P-256", "x": coordinate(1), "y": coordinate(33) }),
    }
}
