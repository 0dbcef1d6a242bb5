//! CBOR as far as authenticators use it: the CTAP2 canonical form (CTAP 2.1 §8) with definite lengths, shortest
//! heads and no tags. Reading never recurses, so no nesting can exhaust the stack.

/// The bytes are not canonical CBOR, or not of the type that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CborError;

/// The major types (RFC 8949 §3.1).
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const SIMPLE: u8 = 7;

/// The items of some bytes, read one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct CborReader<'a>(&'a [u8]);

impl<'a> CborReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes that are left.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Reads the head of a map and returns the number of its entries, whose keys and values follow.
    pub(super) fn map(&mut self) -> Result<u64, CborError> {
        self.head_of(MAP)
    }

    /// Reads a byte string.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        let length = self.head_of(BYTES)?;
        self.take(length)
    }

    /// Reads a text string. One that is not UTF-8 is an error.
    pub(super) fn text(&mut self) -> Result<&'a str, CborError> {
        let length = self.head_of(TEXT)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| CborError)
    }

    /// Reads an integer. One that does not fit in 64 bits with a sign is an error.
    pub(super) fn integer(&mut self) -> Result<i64, CborError> {
        let (major, value) = self.head()?;
        let value = i64::try_from(value).map_err(|_| CborError)?;
        match major {
            UNSIGNED => Ok(value),
            NEGATIVE => Ok(-1 - value),
            _ => Err(CborError),
        }
    }

    /// Skips an item with everything in it.
    pub(super) fn skip(&mut self) -> Result<(), CborError> {
        let mut pending: u64 = 1;
        while pending > 0 {
            pending -= 1;
            let (major, value) = self.head()?;
            let inner = match major {
                UNSIGNED | NEGATIVE | SIMPLE => 0,
                BYTES | TEXT => self.take(value).map(|_| 0)?,
                ARRAY => value,
                MAP => value.checked_mul(2).ok_or(CborError)?,
                _ => return Err(CborError),
            };
            pending = pending.checked_add(inner).ok_or(CborError)?;
        }
        Ok(())
    }

    fn head_of(&mut self, expected: u8) -> Result<u64, CborError> {
        let (major, value) = self.head()?;
        if major == expected { Ok(value) } else { Err(CborError) }
    }

    /// The major type and the argument of the next item (RFC 8949 §3). The argument of a float is its bits.
    fn head(&mut self) -> Result<(u8, u64), CborError> {
        let first = *self.take(1)?.first().ok_or(CborError)?;
        let (major, info) = (first >> 5, first & 0x1f);
        let size: u64 = match info {
            0..=23 => return Ok((major, u64::from(info))),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(CborError),
        };
        let value = self.take(size)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        let smallest = match size {
            1 => 24,
            2 => 1 << 8,
            4 => 1 << 16,
            _ => 1 << 32,
        };
        let is_shortest = major == SIMPLE || value >= smallest;
        if is_shortest { Ok((major, value)) } else { Err(CborError) }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], CborError> {
        let length = usize::try_from(length).map_err(|_| CborError)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CborError)?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(bytes: &[u8]) -> Result<i64, CborError> {
        CborReader::new(bytes).integer()
    }

    #[test]
    fn integers_have_one_form() {
        // RFC 8949 Appendix A
        for (bytes, value) in [
            (&[0x00][..], 0),
            (&[0x17], 23),
            (&[0x18, 0x18], 24),
            (&[0x19, 0x03, 0xe8], 1000),
            (&[0x20], -1),
            (&[0x39, 0x01, 0x00], -257),
        ] {
            assert_eq!(integer(bytes), Ok(value));
        }
        for bytes in [&[0x18, 0x17][..], &[0x19, 0x00, 0xff], &[0x1b, 0, 0, 0, 0, 0, 0, 0, 1]] {
            assert_eq!(integer(bytes), Err(CborError), "not the shortest form");
        }
        assert_eq!(integer(&[0x1b, 0xff, 0, 0, 0, 0, 0, 0, 0]), Err(CborError), "too large");
        for bytes in [&[][..], &[0x18], &[0x1f], &[0x1c], &[0x40], &[0xc0, 0x00]] {
            assert_eq!(integer(bytes), Err(CborError), "{bytes:x?}");
        }
    }

    #[test]
    fn strings_end_within_the_bytes() {
        assert_eq!(CborReader::new(b"\x42ab").bytes(), Ok(&b"ab"[..]));
        assert_eq!(CborReader::new(b"\x63fmt").text(), Ok("fmt"));
        assert_eq!(CborReader::new(b"\x62\xff\xfe").text(), Err(CborError), "not UTF-8");
        assert_eq!(CborReader::new(b"\x43ab").bytes(), Err(CborError));
        let huge = [0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(CborReader::new(&huge).bytes(), Err(CborError));
        assert_eq!(CborReader::new(b"\x5f\x41a\xff").bytes(), Err(CborError), "indefinite");
    }

    #[test]
    fn any_item_can_be_skipped_without_recursion() {
        // {"a": [1, -2, h'00', true, 1.5], "b": {}}
        let nested = b"\xa2\x61a\x85\x01\x21\x41\x00\xf5\xf9\x3e\x00\x61b\xa0rest";
        let mut reader = CborReader::new(nested);
        assert_eq!((reader.skip(), reader.rest()), (Ok(()), &b"rest"[..]));
        let deep = vec![0x81; 100_000];
        assert_eq!(CborReader::new(&deep).skip(), Err(CborError));
        let mut whole = deep;
        whole.push(0x00);
        assert_eq!(CborReader::new(&whole).skip(), Ok(()));
        let many = [0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(CborReader::new(&many).skip(), Err(CborError));
        assert_eq!(CborReader::new(b"\xc0\x00").skip(), Err(CborError), "a tag");
    }
}
