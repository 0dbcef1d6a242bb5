//! The primary group of Active Directory: an entry has its number in `primaryGroupID`, and the group
//! has no `member` for it. The group is in the domain of the entry, so its security identifier is that
//! of the entry with another last number (MS-DTYP §2.4.2.2).

use super::{entry::LdapEntry, fault::DirectoryFault};
use crate::model::LdapFilter;

const SECURITY_IDENTIFIER: &str = "objectSid";
const NUMBER: &str = "primaryGroupID";
/// Attributes of an entry that contain its primary group.
pub(super) const PRIMARY_GROUP_ATTRIBUTES: [&str; 2] = [NUMBER, SECURITY_IDENTIFIER];

/// The revision of security identifiers.
const REVISION: u8 = 1;
/// Bytes before the numbers: the revision, the count of the numbers, and the authority.
const HEAD: usize = 8;
/// Bytes of each number, which is little-endian.
const WIDTH: usize = 4;

/// The security identifier of a primary group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PrimaryGroup(Vec<u8>);

impl PrimaryGroup {
    /// The primary group of an entry; `None` for entries that are no accounts of a domain.
    pub(super) fn of(entry: &LdapEntry) -> Result<Option<Self>, DirectoryFault> {
        let Some(number) = entry.texts(NUMBER).into_iter().next() else { return Ok(None) };
        let identifier = match entry.values(SECURITY_IDENTIFIER) {
            [identifier] => sibling(identifier, &number),
            _ => None,
        };
        identifier.map(|it| Some(Self(it))).ok_or(DirectoryFault::NoPrimaryGroup)
    }

    /// A filter that finds the group.
    pub(super) fn filter(&self) -> LdapFilter {
        LdapFilter::equal_bytes(SECURITY_IDENTIFIER, self.0.clone())
    }

    /// A filter that finds the group if the filter `groups` can find it for some member.
    pub(super) fn filter_among(&self, groups: &LdapFilter) -> LdapFilter {
        LdapFilter::And(vec![groups.without_placeholders(), self.filter()])
    }
}

/// A security identifier with another last number.
fn sibling(identifier: &[u8], number: &str) -> Option<Vec<u8>> {
    let number: u32 = number.parse().ok()?;
    let count = usize::from(*identifier.get(1)?);
    let is_valid =
        identifier[0] == REVISION && count > 0 && identifier.len() == HEAD + count * WIDTH;
    let domain = identifier.len().checked_sub(WIDTH).filter(|_| is_valid)?;
    Some([&identifier[..domain], &number.to_le_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The security identifier `S-1-5-21-1-2-3-1105`.
    const ADA: &[u8] =
        &[1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0x51, 4, 0, 0];

    fn entry(attributes: &[(&str, &[u8])]) -> LdapEntry {
        let attributes =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), vec![value.to_vec()]));
        LdapEntry { dn: "cn=ada,dc=corp".to_owned(), attributes: attributes.collect() }
    }

    #[test]
    fn the_primary_group_is_in_the_domain_of_the_entry() {
        let group = PrimaryGroup::of(&entry(&[("primaryGroupID", b"513"), ("objectSid", ADA)]));
        let mut expected = ADA.to_vec();
        expected[24..].copy_from_slice(&[1, 2, 0, 0]);
        let group = group.expect("known").expect("a group");
        assert_eq!(group, PrimaryGroup(expected.clone()));
        let groups = LdapFilter::parse("(&(objectClass=group)(member={dn}))").expect("a filter");
        let any = LdapFilter::parse("(&(objectClass=group)(objectClass=*))").expect("a filter");
        let same = LdapFilter::equal_bytes("objectSid", expected);
        assert_eq!(group.filter_among(&groups), LdapFilter::And(vec![any, same]));
    }

    #[test]
    fn an_entry_without_primary_group_id_has_no_primary_group_and_a_malformed_id_is_an_error() {
        assert_eq!(PrimaryGroup::of(&entry(&[("objectSid", ADA)])), Ok(None));
        let mut long = ADA.to_vec();
        long.push(0);
        let revision = [&[2], &ADA[1..]].concat();
        for (number, identifier) in [
            (&b"513"[..], None),
            (b"513", Some(&ADA[..27])),
            (b"513", Some(&long[..])),
            (b"513", Some(&revision[..])),
            (b"513", Some(b"")),
            (b"513", Some(&[1, 0, 0, 0, 0, 0, 0, 5])),
            (b"-1", Some(ADA)),
            (b"4294967296", Some(ADA)),
            (b"Domain Users", Some(ADA)),
        ] {
            let mut attributes = vec![("primaryGroupID", number)];
            attributes.extend(identifier.map(|it| ("objectSid", it)));
            let found = PrimaryGroup::of(&entry(&attributes));
            assert_eq!(found, Err(DirectoryFault::NoPrimaryGroup), "{number:?} {identifier:?}");
        }
    }
}
