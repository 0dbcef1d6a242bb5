//! The reasons why a sign-in at a directory fails.

use std::fmt;

use crate::model::ErrorCause;

/// The step in which groups are searched.
pub(super) const SEARCH_OF_GROUPS: &str = "search of groups";

/// An attempt at a directory has failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LdapError {
    /// The directory has answered, and this person may not sign in.
    #[error(transparent)]
    Refused(#[from] LdapRefusal),
    /// The directory has not answered, or its answer cannot be used. An operator has to act.
    #[error(transparent)]
    Directory(#[from] DirectoryFault),
}

/// The directory refuses a person. The texts are for the log: a person learns only of a restriction,
/// which is known to stand behind the right password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LdapRefusal {
    /// Without a password, a bind proves nothing and succeeds (RFC 4513 §5.1.2).
    #[error("the password is empty")]
    EmptyPassword,
    /// The username is empty, too long, or has control characters.
    #[error("the username cannot be one of a directory")]
    ImpossibleUsername,
    /// No entry has the name, or the identifier.
    #[error("the directory has no such person")]
    UnknownPerson,
    /// The filter of the people no longer selects the entry of an earlier sign-in. It may select the entry again later.
    #[error(
        "users.base and users.filter do not select the person's entry any more, or the search account does not see it"
    )]
    NotSelected,
    /// Several entries have the name.
    #[error(
        "several entries of the directory have this name; make the filter of the people select one"
    )]
    SeveralPeople,
    /// The password of the entry may not be tried now.
    #[error("too many attempts to sign in as this person")]
    TooManyAttempts,
    /// The password is wrong, or the server does not say that it is right.
    #[error("the directory refuses name or password: {0}")]
    WrongPassword(String),
    /// The password is right, or the entry was looked up, but the account is restricted.
    #[error("{0}")]
    Restricted(AccountRestriction),
}

impl LdapRefusal {
    /// Returns true if a person who was looked up has left: the entry is gone, or an operator has disabled it. Any
    /// other refusal ends with its cause.
    pub const fn is_for_good(&self) -> bool {
        matches!(self, Self::UnknownPerson | Self::Restricted(_))
    }
}

/// A reason why an account cannot sign in although its password is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountRestriction {
    /// The account is disabled, or locked until an administrator unlocks it.
    Disabled,
    /// The account itself has expired, not only its password.
    Expired,
    /// The account's password has expired.
    PasswordExpired,
    /// The account's password has to be changed first.
    PasswordMustChange,
    /// The account may not sign in at this time.
    LogonHours,
    /// The account may not sign in from here.
    Workstation,
}

impl fmt::Display for AccountRestriction {
    /// The reason as a sentence that its person may read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "The account is disabled.",
            Self::Expired => "The account has expired.",
            Self::PasswordExpired => "The password has expired.",
            Self::PasswordMustChange => "The password must be changed first.",
            Self::LogonHours => "The account may not sign in at this time.",
            Self::Workstation => "The account may not sign in from here.",
        })
    }
}

/// A directory cannot be used. No text has a secret or a name of a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum DirectoryFault {
    /// The host name does not resolve.
    #[error("the host {0} cannot be found")]
    UnknownHost(String),
    /// The host has only addresses inside the network.
    #[error(
        "{0} is inside the network, which upstreamHosts of the installation has to allow for this namespace"
    )]
    ForbiddenAddress(String),
    /// No address that was tried took a TCP connection. The cause is that of the last one.
    #[error("no connection to {0}: {1}")]
    Unreachable(String, #[source] ErrorCause),
    /// The TLS handshake failed.
    #[error("no TLS with {0}: {1}")]
    Tls(String, #[source] ErrorCause),
    /// The certificates of the settings cannot be used.
    #[error("the certificates that verify {0} cannot be used: {1}")]
    Certificates(String, &'static str),
    /// The server does not answer within the limit.
    #[error("{host} did not answer in time ({step})")]
    Late { host: String, step: &'static str },
    /// The server closed the connection.
    #[error("{host} closed the connection ({step})")]
    Closed { host: String, step: &'static str },
    /// The answer is not LDAP or not an answer to what was asked.
    #[error("{host} sent something that is not an LDAP answer ({step})")]
    Malformed { host: String, step: &'static str },
    /// The answer exceeds the limits.
    #[error("{host} sent more than {limit} bytes ({step})")]
    TooLarge { host: String, step: &'static str, limit: usize },
    /// The answer has more pages than are read.
    #[error(
        "{host} sent more than {limit} pages of entries ({step}); let the server send larger pages, or make base or filter of the groups select fewer entries"
    )]
    TooManyPages { host: String, step: &'static str, limit: usize },
    /// The server refuses an operation.
    #[error("{host} refuses ({step}): {result}")]
    Refuses { host: String, step: &'static str, result: String },
    /// The search account cannot sign in.
    #[error("{host} refuses the search account; check name and password in its Secret: {result}")]
    RefusesAccount { host: String, result: String },
    /// A person has more groups than are read.
    #[error(
        "a person has more than {limit} groups; make base or filter of the groups select those that applications need"
    )]
    TooManyGroups { limit: usize },
    /// The server sent only a part of the values of an attribute.
    #[error("the server sends only a part of the attribute {attribute}; do not read it")]
    CutAttribute { attribute: String },
    /// An entry lacks its name.
    #[error(
        "an entry has no attribute {attribute}, which is its name, or the search account may not read it"
    )]
    NoName { attribute: String },
    /// An entry has several names.
    #[error(
        "an entry has several values of the attribute {attribute}, and its distinguished name has none of them; choose another attribute for the name"
    )]
    AmbiguousName { attribute: String },
    /// An entry lacks its identifier.
    #[error(
        "an entry has no usable attribute {attribute}, which identifies people, or the search account may not read it"
    )]
    NoIdentifier { attribute: &'static str },
    /// The primary group of an entry cannot be computed.
    #[error(
        "an entry has a primaryGroupID and no usable objectSid with it, or the search account may not read it"
    )]
    NoPrimaryGroup,
    /// An entry has no distinguished name.
    #[error("an entry has no distinguished name")]
    NoDistinguishedName,
    /// The search account does not even see the base of the people.
    #[error("{host} shows the search account no entry at users.base; check its rights there")]
    NothingVisible { host: String },
    /// The limit of concurrent attempts is reached.
    #[error("too many attempts at {0} at once")]
    Busy(String),
}

impl DirectoryFault {
    /// Returns true if the entries of a person cannot be used, while the directory can.
    pub const fn is_about_person(&self) -> bool {
        matches!(
            self,
            Self::TooLarge { .. }
                | Self::TooManyPages { .. }
                | Self::TooManyGroups { .. }
                | Self::CutAttribute { .. }
                | Self::NoName { .. }
                | Self::AmbiguousName { .. }
                | Self::NoIdentifier { .. }
                | Self::NoPrimaryGroup
                | Self::NoDistinguishedName
        )
    }

    /// Returns true if the directory has the person, but does not give their entries or groups.
    pub fn leaves_claims_incomplete(&self) -> bool {
        let refuses_groups =
            matches!(self, Self::Refuses { step, .. } if *step == SEARCH_OF_GROUPS);
        self.is_about_person() || refuses_groups
    }

    /// Returns true if others ask the directory now, and the attempt found no place among them.
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy(_))
    }

    /// Returns true if a later attempt may succeed without a change of settings or entries.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::UnknownHost(_)
            | Self::Unreachable(..)
            | Self::Tls(..)
            | Self::Late { .. }
            | Self::Closed { .. }
            | Self::Malformed { .. }
            | Self::Refuses { .. }
            | Self::RefusesAccount { .. }
            | Self::NothingVisible { .. }
            | Self::Busy(_) => true,
            Self::ForbiddenAddress(_)
            | Self::Certificates(..)
            | Self::TooLarge { .. }
            | Self::TooManyPages { .. }
            | Self::TooManyGroups { .. }
            | Self::CutAttribute { .. }
            | Self::NoName { .. }
            | Self::AmbiguousName { .. }
            | Self::NoIdentifier { .. }
            | Self::NoPrimaryGroup
            | Self::NoDistinguishedName => false,
        }
    }
}
