//! The groups of a person. Groups that cannot be read are an error, never none.

use std::collections::{BTreeSet, HashSet};

use super::{
    connection::LdapConnection,
    entry::LdapEntry,
    fault::{DirectoryFault, SEARCH_OF_GROUPS},
    filter_encoding::{FilterWithValues, PlaceholderValues},
    messages::{LdapResult, LdapSearch, SearchScope},
    primary_group::PrimaryGroup,
};
use crate::model::{DN_ATTRIBUTE, LdapFilter, LdapGroups, MEMBER_IN_CHAIN, domain_suffix};

/// Most groups of a person, with those that contain their groups.
pub(super) const MAX_GROUPS: usize = 2000;
/// Groups whose own groups one search finds.
const BATCH: usize = 50;
/// The list of attributes that has no attribute (RFC 4511 §4.5.1.8).
const NO_ATTRIBUTES: &str = "1.1";

/// A member whose groups are read.
#[derive(Clone, Copy)]
pub(super) struct LdapGroupMember<'a> {
    pub(super) username: &'a str,
    pub(super) dn: &'a str,
    /// The group that does not name them as a member although they are one.
    pub(super) primary_group: Option<&'a PrimaryGroup>,
}

/// Reads the names of a person's groups, and of the groups of these to the depth of the settings.
pub(super) async fn read_groups(
    connection: &mut LdapConnection,
    settings: &LdapGroups,
    person: LdapGroupMember<'_>,
) -> Result<Vec<String>, DirectoryFault> {
    let mut names = BTreeSet::new();
    let mut seen = HashSet::new();
    let mut members = vec![person.dn.to_owned()];
    members.extend(primary_group_in_chain(connection, settings, person).await?);
    let mut filter = match person.primary_group {
        None => settings.filter.clone(),
        Some(group) => {
            LdapFilter::Or(vec![settings.filter.clone(), group.filter_among(&settings.filter)])
        }
    };
    for level in 0..=settings.depth {
        let mut next = Vec::new();
        for batch in members.chunks(BATCH) {
            let username = if level == 0 { person.username } else { "" };
            let values: Vec<_> =
                batch.iter().map(|dn| PlaceholderValues { username, dn }).collect();
            let most = MAX_GROUPS - seen.len();
            let filter = FilterWithValues { filter: &filter, values: &values };
            for group in search_groups(connection, settings, filter).await? {
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
        filter = settings.filter.clone();
    }
    Ok(names.into_iter().collect())
}

/// Finds the distinguished name of the primary group, which may be anywhere in the domain. It is needed if the
/// server follows the chain of groups, because the server does not begin with the primary group.
async fn primary_group_in_chain(
    connection: &mut LdapConnection,
    settings: &LdapGroups,
    person: LdapGroupMember<'_>,
) -> Result<Option<String>, DirectoryFault> {
    let Some(group) = person.primary_group else { return Ok(None) };
    if !settings.filter.uses_rule(MEMBER_IN_CHAIN) {
        return Ok(None);
    }
    let filter = group.filter();
    let search = LdapSearch {
        base: domain_suffix(person.dn).unwrap_or(&settings.base),
        scope: SearchScope::Subtree,
        filter: FilterWithValues { filter: &filter, values: &[] },
        attributes: &[NO_ATTRIBUTES],
        size_limit: 2,
    };
    let found = connection.search(&search, 1, SEARCH_OF_GROUPS).await?;
    if found.result.code != LdapResult::SUCCESS {
        return Err(connection.refuses(SEARCH_OF_GROUPS, &found.result));
    }
    Ok(found.entries.into_iter().next().map(|group| group.dn))
}

async fn search_groups(
    connection: &mut LdapConnection,
    settings: &LdapGroups,
    filter: FilterWithValues<'_>,
) -> Result<Vec<LdapEntry>, DirectoryFault> {
    let attributes = [if named_by_dn(settings) { NO_ATTRIBUTES } else { &settings.name }];
    let (base, scope) = (&settings.base, SearchScope::Subtree);
    let search = LdapSearch { base, scope, filter, attributes: &attributes, size_limit: 0 };
    let found = connection.search_pages(&search, MAX_GROUPS, SEARCH_OF_GROUPS).await?;
    if found.len() > MAX_GROUPS {
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
