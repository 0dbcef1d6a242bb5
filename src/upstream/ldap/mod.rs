//! Sign-in with a directory by LDAP (RFC 4511). The search account finds the entry of a person and searches groups.
//! A bind as that entry proves the password.
//!
//! Lanyard has its own client: `docs/adr/0029-ldap-client-is-our-own.md` has the reasons. It speaks the four
//! operations that a sign-in needs, always over TLS, and every answer is bounded in size and time.

mod active_directory;
mod attempt;
mod ber;
mod connection;
mod connection_pool;
mod credentials;
mod directories;
mod entry;
mod fault;
mod filter_encoding;
mod groups;
mod messages;
mod missing_entry;
mod network;
mod person;
mod primary_group;

#[cfg(test)]
mod tests;

pub use credentials::{LdapCredentials, LdapUserEntry};
pub use directories::{DirectoryCaller, LdapDirectories};
pub use fault::{AccountRestriction, DirectoryFault, LdapError, LdapRefusal};
pub use person::DirectoryPerson;

/// Returns true if the bytes are a message of a server, without its outer tag and length.
#[cfg(fuzzing)]
pub fn can_read_message(content: &[u8]) -> bool {
    messages::read_message(content).is_ok()
}
