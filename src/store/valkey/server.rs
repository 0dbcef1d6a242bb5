//! Checks from its `INFO` whether a server is suitable for a store.
//!
//! Must not: send commands; `connection` does.

use std::{collections::HashMap, fmt};

use crate::store::StoreSpace;

/// The reason why a server is not suitable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnsuitableServer {
    /// The server is a node of a cluster: a script's keys would be on several nodes.
    Cluster,
    /// The server is a replica: it refuses writes, and its reads are delayed.
    Replica,
    /// The server evicts records that have not expired.
    Evicts,
    /// The server loses acknowledged records when it stops.
    Forgets,
}

impl UnsuitableServer {
    /// Returns true if `--valkey-allow-loss` accepts it.
    fn is_loss(self) -> bool {
        matches!(self, Self::Evicts | Self::Forgets)
    }
}

impl fmt::Display for UnsuitableServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cluster => "the server is a node of a cluster; name a single server",
            Self::Replica => "the server is a replica of another; name the primary",
            Self::Evicts => {
                "the server may delete records to make room; set `maxmemory-policy noeviction`, or \
                 accept with --valkey-allow-loss that people have to sign in again"
            }
            Self::Forgets => {
                "the server forgets at a restart what it acknowledged; set `appendonly yes`, or \
                 accept with --valkey-allow-loss that people have to sign in again"
            }
        })
    }
}

/// Returns true if the server is still loading its journal. Until then `INFO` reports that it has
/// none.
pub(super) fn is_loading(info: &str) -> bool {
    info.lines().any(|line| line.trim_end() == "loading:1")
}

/// Checks a response to `INFO`. Missing values count as unsuitable, except that a server that does
/// not mention clusters is not a node of one.
pub(super) fn check_server(info: &str, allow_loss: bool) -> Result<(), UnsuitableServer> {
    let values: HashMap<&str, &str> =
        info.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
    let has = |name: &str, value: &str| values.get(name).is_some_and(|it| *it == value);
    // Policies `volatile-..` evict only keys with an expiry of the server's, which no record has.
    // Without a memory limit the server evicts no keys.
    let keeps_records =
        values.get("maxmemory_policy").is_some_and(|policy| !policy.starts_with("allkeys"))
            || has("maxmemory", "0");
    let checks = [
        (has("cluster_enabled", "1"), UnsuitableServer::Cluster),
        (!has("role", "master"), UnsuitableServer::Replica),
        (!keeps_records, UnsuitableServer::Evicts),
        (!has("aof_enabled", "1"), UnsuitableServer::Forgets),
    ];
    match checks.into_iter().find(|(fails, why)| *fails && !(allow_loss && why.is_loss())) {
        Some((_, why)) => Err(why),
        None => Ok(()),
    }
}

/// Reads the server's memory limit and the memory in use; `None` if there is no limit.
pub(super) fn memory_space(info: &str) -> Option<StoreSpace> {
    let number = |name: &str| {
        let value =
            info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'));
        value?.parse::<u64>().ok()
    };
    let capacity = number("maxmemory").filter(|limit| *limit > 0)?;
    Some(StoreSpace { capacity, used: number("used_memory")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Memory\r\nmaxmemory:1000\r\nmaxmemory_policy:noeviction\r\n\
                        aof_enabled:1\r\nrole:master\r\ncluster_enabled:0\r\n";

    fn judged(from: &str, to: &str) -> Result<(), UnsuitableServer> {
        assert!(GOOD.contains(from));
        check_server(&GOOD.replace(from, to), false)
    }

    #[test]
    fn a_durable_server_is_suitable() {
        assert_eq!(check_server(GOOD, false), Ok(()));
        assert_eq!(judged("noeviction", "volatile-lru"), Ok(()));
        assert_eq!(judged("cluster_enabled:0\r\n", ""), Ok(()));
    }

    #[test]
    fn a_loading_server_differs_from_one_without_journal() {
        let loads = "# Persistence\r\nloading:1\r\nasync_loading:0\r\naof_enabled:0\r\n";
        assert!(is_loading(loads));
        assert!(!is_loading(&loads.replace("loading:1", "loading:0")) && !is_loading(GOOD));
    }

    #[test]
    fn an_evicting_server_is_unsuitable() {
        assert_eq!(judged("noeviction", "allkeys-lru"), Err(UnsuitableServer::Evicts));
        let unbounded = GOOD.replace("noeviction", "allkeys-lru").replace(":1000", ":0");
        assert_eq!(check_server(&unbounded, false), Ok(()));
    }

    #[test]
    fn a_server_without_journal_is_unsuitable() {
        assert_eq!(judged("aof_enabled:1", "aof_enabled:0"), Err(UnsuitableServer::Forgets));
    }

    #[test]
    fn replicas_and_cluster_nodes_are_unsuitable_even_if_loss_is_accepted() {
        assert_eq!(judged("role:master", "role:slave"), Err(UnsuitableServer::Replica));
        assert_eq!(
            judged("cluster_enabled:0", "cluster_enabled:1"),
            Err(UnsuitableServer::Cluster)
        );
        assert_eq!(check_server("cluster_enabled:1", true), Err(UnsuitableServer::Cluster));
        assert_eq!(check_server("role:slave", true), Err(UnsuitableServer::Replica));
    }

    #[test]
    fn a_memory_limit_is_the_size_of_the_store() {
        let info = "# Memory\r\nused_memory_human:2K\r\nused_memory:2048\r\nmaxmemory:4096\r\n\
                    maxmemory_human:4K\r\nmaxmemory_policy:noeviction\r\n";
        assert_eq!(memory_space(info), Some(StoreSpace { capacity: 4096, used: 2048 }));
        assert_eq!(memory_space(&info.replace(":4096", ":0")), None);
        assert_eq!(memory_space(""), None);
    }

    #[test]
    fn loss_can_be_accepted() {
        assert_eq!(check_server("role:master", true), Ok(()));
        assert_eq!(
            check_server("role:master", false),
            Err(UnsuitableServer::Evicts),
            "missing values are unsuitable"
        );
    }
}
