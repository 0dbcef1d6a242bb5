//! The Basic Encoding Rules as far as LDAP uses them (RFC 4511 §5.1): definite lengths, tags of one
//! byte. Reading never recurses, so no nesting can exhaust the stack.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The bytes are not what LDAP sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BerError;

/// An element: its tag, the length of its content, and the content.
pub(super) fn encode_element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let mut bytes = Vec::with_capacity(content.len() + 6);
    bytes.push(tag);
    match content.len() {
        short @ 0..=127 => bytes.push(u8::try_from(short).unwrap_or_default()),
        _ => {
            let digits = &length[length.iter().take_while(|byte| **byte == 0).count()..];
            bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            bytes.extend(digits);
        }
    }
    bytes.extend(content);
    bytes
}

/// An element that consists of elements.
pub(super) fn encode_elements(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    encode_element(tag, &parts.concat())
}

/// An `INTEGER` or `ENUMERATED` that is not negative.
pub(super) fn encode_number(tag: u8, value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take(3).take_while(|byte| **byte == 0).count();
    let digits = &bytes[zeros..];
    if digits[0] < 0x80 {
        return encode_element(tag, digits);
    }
    encode_element(tag, &[&[0], digits].concat())
}

/// The elements of some bytes, read one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct BerReader<'a>(&'a [u8]);

impl<'a> BerReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next element.
    pub(super) fn next_tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element's tag and content.
    pub(super) fn read_any(&mut self) -> Result<(u8, &'a [u8]), BerError> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>().ok_or(BerError)?;
        let (length, rest) = match first {
            0..=127 => (usize::from(first), rest),
            _ => {
                let count = length_bytes(first).ok_or(BerError)?;
                let (digits, rest) = rest.split_at_checked(count).ok_or(BerError)?;
                (long_length(digits), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(BerError)?;
        self.0 = rest;
        Ok((tag, content))
    }

    /// The content of the next element, which has this tag.
    pub(super) fn read(&mut self, tag: u8) -> Result<&'a [u8], BerError> {
        match self.read_any()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(BerError),
        }
    }

    /// The elements inside the next element, which has this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Result<Self, BerError> {
        self.read(tag).map(Self)
    }

    /// A number that is not negative and below 2^31, as all of LDAP's are.
    pub(super) fn read_number(&mut self, tag: u8) -> Result<u32, BerError> {
        let content = self.read(tag)?;
        if content.is_empty() || content.len() > 4 || content[0] >= 0x80 {
            return Err(BerError);
        }
        Ok(content.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }
}

/// The number of bytes that follow the first byte of a long length; `None` for other forms.
pub(super) fn length_bytes(first: u8) -> Option<usize> {
    (0x81..=0x84).contains(&first).then(|| usize::from(first & 0x7f))
}

/// Decodes a long length from its bytes, of which there are at most four.
pub(super) fn long_length(digits: &[u8]) -> usize {
    digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_read_as_they_were_written() {
        for length in [0, 1, 127, 128, 255, 256, 65_536] {
            let content = vec![7; length];
            let bytes = encode_element(OCTET_STRING, &content);
            let mut reader = BerReader::new(&bytes);
            assert_eq!(reader.read(OCTET_STRING), Ok(&content[..]), "{length}");
            assert!(reader.is_empty());
        }
        assert_eq!(encode_element(OCTET_STRING, &[0; 128])[..3], [0x04, 0x81, 0x80]);
        for value in [0, 1, 127, 128, 255, 256, 0x7fff_ffff] {
            let bytes = encode_number(INTEGER, value);
            assert_eq!(BerReader::new(&bytes).read_number(INTEGER), Ok(value));
        }
        assert_eq!(encode_number(INTEGER, 128), [0x02, 0x02, 0x00, 0x80]);
    }

    #[test]
    fn other_forms_are_refused() {
        for wrong in [
            &[][..],
            &[0x04],
            &[0x04, 0x01],
            &[0x04, 0x80, 0x00, 0x00], // indefinite length
            &[0x04, 0x85, 0x00, 0x00, 0x00, 0x00, 0x00], // too long a length
            &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00], // more than there is
        ] {
            assert_eq!(BerReader::new(wrong).read(OCTET_STRING), Err(BerError), "{wrong:?}");
        }
        assert_eq!(BerReader::new(&[0x02, 0x01, 0x80]).read_number(INTEGER), Err(BerError));
        assert_eq!(BerReader::new(&[0x02, 0x00]).read_number(INTEGER), Err(BerError));
        assert_eq!(BerReader::new(&[0x04, 0x01, 0x61]).read(INTEGER), Err(BerError));
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes: Vec<u8>) {
            let mut reader = BerReader::new(&bytes);
            while reader.read_any().is_ok() {}
        }
    }
}
