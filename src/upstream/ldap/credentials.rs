//! The name and the password of an attempt.

use std::fmt;

use super::{fault::LdapRefusal, person::DirectoryPerson};
use crate::model::Secret;

/// Longest username, in bytes.
const MAX_USERNAME: usize = 256;

/// A name and a password, as typed.
#[derive(Clone, Copy)]
pub struct LdapCredentials<'a> {
    /// The name as it was typed.
    pub username: &'a str,
    /// The password as it was typed.
    pub password: &'a Secret<String>,
    /// Whether the password of the entry that was found may be tried now. A directory finds one
    /// entry by many spellings of a name, so limits by what was typed are not enough.
    pub may_try: &'a (dyn Fn(LdapUserEntry<'_>) -> bool + Sync),
}

/// The entry that a directory found by a name, before its password is tried.
#[derive(Clone, Copy, Debug)]
pub struct LdapUserEntry<'a> {
    /// The identifier of the entry in its canonical form.
    pub id: &'a str,
    /// The entry's person without groups, if the entry describes one.
    pub person: Option<&'a DirectoryPerson>,
}

impl fmt::Debug for LdapCredentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapCredentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Checks a name and a password before a directory is asked. Neither may be empty, and a name is short and printable.
pub(super) fn check_attempt(
    LdapCredentials { username, password, .. }: LdapCredentials<'_>,
) -> Result<(), LdapRefusal> {
    if password.expose().is_empty() {
        return Err(LdapRefusal::EmptyPassword);
    }
    let possible = !username.trim().is_empty()
        && username.len() <= MAX_USERNAME
        && !username.chars().any(char::is_control);
    if possible { Ok(()) } else { Err(LdapRefusal::ImpossibleUsername) }
}
