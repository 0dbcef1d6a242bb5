//! Loops of tenants whose people come from each other: the youngest reference of a loop is refused.

use std::collections::HashMap;

use crate::model::TenantId;

/// A reference of a tenant's provider to a client of another tenant.
#[derive(Clone, Copy, Debug)]
pub(super) struct CrossTenantReference<'a> {
    /// The tenant that the provider belongs to.
    pub(super) tenant: &'a TenantId,
    /// The tenant of the client, where people sign in.
    pub(super) upstream: &'a TenantId,
}

/// Checks references in the order of their precedence. A reference that closes a loop with earlier ones is refused,
/// and later ones are checked without it. Its result is the way from its upstream tenant back to its own.
pub(super) fn find_closing_edges<'a>(
    edges: &[CrossTenantReference<'a>],
) -> Vec<Option<Vec<&'a TenantId>>> {
    let mut onward: HashMap<&TenantId, Vec<&'a TenantId>> = HashMap::new();
    let check = |edge: &CrossTenantReference<'a>| {
        let back = find_path(&onward, edge.upstream, edge.tenant);
        if back.is_none() {
            onward.entry(edge.tenant).or_default().push(edge.upstream);
        }
        back
    };
    edges.iter().map(check).collect()
}

/// A way from one tenant to another, with both.
fn find_path<'a>(
    onward: &HashMap<&TenantId, Vec<&'a TenantId>>,
    from: &'a TenantId,
    to: &TenantId,
) -> Option<Vec<&'a TenantId>> {
    // The tenant that each one was reached from.
    let mut reached: HashMap<&TenantId, Option<&'a TenantId>> = HashMap::from([(from, None)]);
    let mut open = vec![from];
    while let Some(tenant) = open.pop() {
        if tenant == to {
            let mut path = vec![tenant];
            let mut last = tenant;
            while let Some(Some(before)) = reached.get(last) {
                path.push(before);
                last = before;
            }
            path.reverse();
            return Some(path);
        }
        for next in onward.get(tenant).into_iter().flatten() {
            if !reached.contains_key(next) {
                reached.insert(next, Some(tenant));
                open.push(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The refused ones of references such as `ab`, with the way back.
    fn refused(edges: &[&str]) -> Vec<(usize, String)> {
        let id = |name: &str| TenantId::new("team", name);
        let tenants: Vec<(TenantId, TenantId)> =
            edges.iter().map(|edge| (id(&edge[..1]), id(&edge[1..]))).collect();
        let edges: Vec<CrossTenantReference<'_>> = tenants
            .iter()
            .map(|(tenant, upstream)| CrossTenantReference { tenant, upstream })
            .collect();
        let found = find_closing_edges(&edges).into_iter().enumerate();
        let named = |path: Vec<&TenantId>| path.iter().map(|id| &*id.0.name).collect::<String>();
        found.filter_map(|(index, path)| Some((index, named(path?)))).collect()
    }

    #[test]
    fn the_youngest_reference_of_a_loop_is_refused() {
        assert_eq!(refused(&["aa"]), [(0, "a".to_owned())]);
        assert_eq!(refused(&["ab", "ba"]), [(1, "ab".to_owned())]);
        assert_eq!(refused(&["ab", "bc", "ca"]), [(2, "abc".to_owned())]);
        assert_eq!(refused(&["bc", "ca", "ab"]), [(2, "bca".to_owned())]);
    }

    #[test]
    fn references_without_a_loop_are_all_kept() {
        assert_eq!(refused(&["ab", "ac", "bd", "cd", "ad", "ab"]), []);
        let chain: Vec<String> =
            ('a'..='y').zip('b'..='z').map(|(one, next)| format!("{one}{next}")).collect();
        assert_eq!(refused(&chain.iter().map(String::as_str).collect::<Vec<_>>()), []);
    }

    #[test]
    fn a_refused_reference_does_not_count_for_younger_ones() {
        // `ca` is refused, so `cd` and `da` are checked without it.
        let found = refused(&["ab", "bc", "ca", "cd", "da", "ae"]);
        assert_eq!(found, [(2, "abc".to_owned()), (4, "abcd".to_owned())]);
    }
}
