//! The groups of a person. Groups that cannot be read are an error, never none.

use std::collections::{BTreeSet, HashSet};

use super::{
    connection::LdapConnection,
    entry::LdapEntry,
    fault::{DirectoryFault, SEARCH_OF_GROUPS},
    filter_encoding::{FilterWithValues, PlaceholderValues},
    messages::LdapSearch,
};
use crate::model::{DN_ATTRIBUTE, LdapGroups};

/// Most groups of a person, with those that contain their groups.
pub(super) const MAX_GROUPS: usize = 2000;
/// Groups whose own groups one search finds.
const BATCH: usize = 50;
/// The list of attributes that has no attribute (RFC 4511 §4.5.1.8).
const NO_ATTRIBUTES: &str = "1.1";

/// Reads the names of a person's groups, and of the groups of these to the depth of the settings.
pub(super) async fn read_groups(
    connection: &mut LdapConnection,
    settings: &LdapGroups,
    person: PlaceholderValues<'_>,
) -> Result<Vec<String>, DirectoryFault> {
    let mut names = BTreeSet::new();
    let mut seen = HashSet::new();
    let mut members = vec![person.dn.to_owned()];
    for level in 0..=settings.depth {
        let mut next = Vec::new();
        for batch in members.chunks(BATCH) {
            let username = if level == 0 { person.username } else { "" };
            let values: Vec<_> =
                batch.iter().map(|dn| PlaceholderValues { username, dn }).collect();
            let most = MAX_GROUPS - seen.len();
            for group in search_groups(connection, settings, &values, MAX_GROUPS).await? {
                // A group that contains itself, by other groups or not, is read once.
                if seen.insert(group.dn.to_lowercase()) {
                    names.insert(group_name(&group, settings)?);
                    next.push(group.dn);
                }
            }
            if next.len() > most {
                return Err(DirectoryFault::TooManyGroups { limit: MAX_GROUPS });
            }
        }
        if next.is_empty() {
            break;
        }
        members = next;
    }
    Ok(names.into_iter().collect())
}

async fn search_groups(
    connection: &mut LdapConnection,
    settings: &LdapGroups,
    values: &[PlaceholderValues<'_>],
    most: usize,
) -> Result<Vec<LdapEntry>, DirectoryFault> {
    let attributes = [if named_by_dn(settings) { NO_ATTRIBUTES } else { &settings.name }];
    let search = LdapSearch {
        base: &settings.base,
        filter: FilterWithValues { filter: &settings.filter, values },
        attributes: &attributes,
        size_limit: 0,
    };
    let found = connection.search_pages(&search, most, SEARCH_OF_GROUPS).await?;
    if found.len() > most {
        return Err(DirectoryFault::TooManyGroups { limit: MAX_GROUPS });
    }
    Ok(found)
}

fn named_by_dn(settings: &LdapGroups) -> bool {
    settings.name.eq_ignore_ascii_case(DN_ATTRIBUTE)
}

fn group_name(group: &LdapEntry, settings: &LdapGroups) -> Result<String, DirectoryFault> {
    if group.dn.is_empty() {
        return Err(DirectoryFault::NoDistinguishedName);
    }
    if named_by_dn(settings) { Ok(group.dn.clone()) } else { group.name_by(&settings.name) }
}
