//! Refuses people of earlier sign-ins whose entry the filter no longer finds. Either the entry was deleted, or it
//! exists and the settings do not select it.

use super::{
    active_directory::{STATE_ATTRIBUTES, restriction_of_entry},
    connection::{LdapConnection, LdapSearchEntries},
    fault::{DirectoryFault, LdapRefusal},
    filter_encoding::FilterWithValues,
    messages::{LdapResult, LdapSearch, SearchScope},
};
use crate::model::{LdapFilter, LdapSettings, Timestamp, is_below_name};

const STEP: &str = "search of a missing entry";
/// The attribute of the server's own entry with the roots of its trees (RFC 4512 §5.1).
const NAMING_CONTEXTS: &str = "namingContexts";
/// The list of attributes that has no attribute (RFC 4511 §4.5.1.8).
const NO_ATTRIBUTES: &[&str] = &["1.1"];

/// An entry that the filter of the people does not find.
pub(super) struct MissingEntry<'a> {
    /// The filter by its identifier.
    pub(super) by_id: LdapFilter,
    /// The entry's distinguished name at the last answer.
    pub(super) dn: &'a str,
}

impl MissingEntry<'_> {
    /// Why the person is refused. The entry is treated as deleted under three conditions: the server has the tree
    /// in which it was, no entry there has its identifier, and the search account sees other people. Otherwise a
    /// changed filter or base, another server, or lost rights could be the cause.
    pub(super) async fn refusal(
        &self,
        search: &mut LdapConnection,
        settings: &LdapSettings,
        now: Timestamp,
    ) -> Result<LdapRefusal, DirectoryFault> {
        let people = &settings.people;
        let trees = self.trees(search, &people.base).await?;
        let (found, had_entry) = self.find_in(search, &trees).await?;
        if let Some(entry) = found.entries.first() {
            return Ok(restriction_of_entry(entry, now)
                .map_or(LdapRefusal::NotSelected, LdapRefusal::Restricted));
        }
        let identified = LdapFilter::Present(people.id.as_str().into());
        let others = LdapFilter::And(vec![identified, people.filter.without_placeholders()]);
        let others = (&*people.base, SearchScope::Subtree, &others);
        let sees_others = match find(search, others, NO_ATTRIBUTES).await {
            Ok(found) => !found.entries.is_empty(),
            Err(DirectoryFault::Refuses { .. }) => false,
            Err(fault) => return Err(fault),
        };
        if sees_others {
            let gone = had_entry.then_some(LdapRefusal::UnknownPerson);
            return Ok(gone.unwrap_or(LdapRefusal::NotSelected));
        }
        let any = LdapFilter::Present("objectClass".into());
        let root = (&*people.base, SearchScope::Base, &any);
        if find(search, root, NO_ATTRIBUTES).await?.entries.is_empty() {
            return Err(DirectoryFault::NothingVisible { host: search.host().to_owned() });
        }
        Ok(LdapRefusal::NotSelected)
    }

    /// The trees in which the entry may be, the widest first. The flag says whether the tree contained the entry at
    /// the last answer. The widest is the server's own tree, if the server names it and permits searches. The other
    /// one is the tree of the people.
    async fn trees(
        &self,
        search: &mut LdapConnection,
        base: &str,
    ) -> Result<Vec<(String, bool)>, DirectoryFault> {
        let any = LdapFilter::Present("objectClass".into());
        let own = ("", SearchScope::Base, &any);
        let roots: Vec<String> = match find(search, own, &[NAMING_CONTEXTS]).await {
            Ok(found) => {
                found.entries.iter().flat_map(|entry| entry.texts(NAMING_CONTEXTS)).collect()
            }
            Err(DirectoryFault::Refuses { .. }) => Vec::new(),
            Err(fault) => return Err(fault),
        };
        let had_entry = |tree: &str| !self.dn.is_empty() && is_below_name(self.dn, tree);
        let is_elsewhere = !roots.is_empty() && !roots.iter().any(|root| had_entry(root));
        let root = roots.into_iter().filter(|root| had_entry(root)).max_by_key(String::len);
        let mut trees: Vec<_> = root.map(|root| (root, true)).into_iter().collect();
        trees.push((base.to_owned(), had_entry(base) && !is_elsewhere));
        Ok(trees)
    }

    /// Finds the entry in the first tree that may be searched, and says whether the tree had it before.
    async fn find_in(
        &self,
        search: &mut LdapConnection,
        trees: &[(String, bool)],
    ) -> Result<(LdapSearchEntries, bool), DirectoryFault> {
        let mut last = None;
        for (tree, had_entry) in trees {
            let by_id = (&**tree, SearchScope::Subtree, &self.by_id);
            match find(search, by_id, &STATE_ATTRIBUTES).await {
                Ok(found) => return Ok((found, *had_entry)),
                Err(fault @ DirectoryFault::Refuses { .. }) => last = Some(fault),
                Err(fault) => return Err(fault),
            }
        }
        Err(last.expect("there is a tree"))
    }
}

/// The first entries that a filter finds at a base.
async fn find(
    search: &mut LdapConnection,
    (base, scope, filter): (&str, SearchScope, &LdapFilter),
    attributes: &[&str],
) -> Result<LdapSearchEntries, DirectoryFault> {
    let filter = FilterWithValues { filter, values: &[] };
    let request = LdapSearch { base, scope, filter, attributes, size_limit: 1 };
    let found = search.search(&request, 1, STEP).await?;
    match found.result.code {
        LdapResult::SUCCESS | LdapResult::SIZE_LIMIT_EXCEEDED => Ok(found),
        _ => Err(search.refuses(STEP, &found.result)),
    }
}
