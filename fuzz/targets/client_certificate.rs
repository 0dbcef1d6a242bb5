//! Any header of a proxy with the certificate of a client, and any certificate: no panic, only bounded chains, and no
//! certificate that another key verifies.
#![no_main]

use lanyard::{
    http::{CertificateFormat, parse_certificate_header},
    keys::{ClientAuthorities, ParsedCertificate, PublicKeys},
    model::{MAX_CHAIN_LEN, Timestamp},
};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fuzz_target!(|bytes: &[u8]| {
    if let Ok(parsed) = ParsedCertificate::read(bytes) {
        assert!(!PublicKeys::default().has_certificate(&parsed));
        let _ = parsed.check_validity(NOW);
    }
    let _ = ClientAuthorities::parse(bytes);
    let (value, chain) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
        None => (bytes, None),
    };
    for format in [CertificateFormat::Rfc9440, CertificateFormat::EscapedPem] {
        let Ok(Some(certificate)) = parse_certificate_header(format, value, chain) else {
            continue;
        };
        assert!(certificate.intermediates().count() < MAX_CHAIN_LEN);
        assert!(!certificate.der().is_empty() && certificate.thumbprint().len() == 43);
    }
});
