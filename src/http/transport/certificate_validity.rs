//! The period in which a certificate is valid.

use std::ops::RangeInclusive;

use crate::model::Timestamp;

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The tag of the optional version, `[0]`.
const VERSION: u8 = 0xa0;

/// Reads the validity of a certificate in DER (RFC 5280 §4.1).
pub(super) fn certificate_validity(certificate: &[u8]) -> Option<RangeInclusive<Timestamp>> {
    let mut certificate = Der(Der(certificate).element(SEQUENCE)?);
    let mut to_sign = Der(certificate.element(SEQUENCE)?);
    if to_sign.0.first() == Some(&VERSION) {
        to_sign.any()?;
    }
    // The serial number, the algorithm of the signature, and the issuer.
    for _ in 0..3 {
        to_sign.any()?;
    }
    let mut validity = Der(to_sign.element(SEQUENCE)?);
    Some(time(validity.any()?)?..=time(validity.any()?)?)
}

/// The rest of a sequence of elements in DER (X.690).
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, which has this tag.
    fn element(&mut self, expected: u8) -> Option<&'a [u8]> {
        self.any().filter(|(tag, _)| *tag == expected).map(|(_, content)| content)
    }

    /// The tag and content of the next element.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, length], mut rest) = self.0.split_first_chunk::<2>()?;
        let mut length = usize::from(length);
        if length >= 0x80 {
            let bytes;
            (bytes, rest) = rest.split_at_checked(length - 0x80)?;
            // Longer lengths are of no certificate.
            if bytes.len() > 4 {
                return None;
            }
            length = bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
        }
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// Reads a time: `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ` (RFC 5280 §4.1.2.5).
fn time((tag, content): (u8, &[u8])) -> Option<Timestamp> {
    let digits = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        UTC_TIME => {
            let year: i16 = digits.get(..2)?.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, digits.get(2..)?)
        }
        GENERALIZED_TIME => (digits.get(..4)?.parse().ok()?, digits.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let date =
        jiff::civil::DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0);
    let time = date.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from(time.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_validity_of_a_certificate() {
        let mut parameters =
            rcgen::CertificateParams::new(vec!["id.test".to_owned()]).expect("parameters");
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 2);
        parameters.not_after = rcgen::date_time_ymd(2055, 12, 31);
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let validity = certificate_validity(certificate.der()).expect("a validity");
        assert_eq!(validity.start().to_string(), "2026-01-02T00:00:00Z");
        assert_eq!(validity.end().to_string(), "2055-12-31T00:00:00Z");
        for length in 0..certificate.der().len() {
            let _ = super::certificate_validity(&certificate.der()[..length]);
        }
    }

    #[test]
    fn other_bytes_have_no_validity() {
        assert!(certificate_validity(b"").is_none());
        assert!(certificate_validity(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]).is_none());
        assert!(time((UTC_TIME, b"261332000000Z")).is_none());
        assert!(time((UTC_TIME, "2é1332000000Z".as_bytes())).is_none());
    }
}
