//! Parts of the record of a grant. They belong to its format.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// When the refresh tokens before the current one were superseded: by the first use of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupersededTimes {
    /// The time for the token before the current one, if there is one.
    pub previous: Option<Timestamp>,
    /// The time for the token before the previous one.
    pub second_previous: Option<Timestamp>,
}

impl SupersededTimes {
    /// The times after the current token was superseded too.
    #[must_use]
    pub fn followed_by(self, now: Timestamp) -> Self {
        Self { previous: Some(now), second_previous: self.previous }
    }

    /// The time for the token that is `age` generations older than the current one. `None` if it is
    /// not remembered.
    pub fn of(self, age: u32) -> Option<Timestamp> {
        match age {
            1 => self.previous,
            2 => self.second_previous,
            _ => None,
        }
    }
}

/// Individually requested claims, by destination (OIDC Core §5.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedClaims {
    /// The names of the claims in the member `userinfo` of the parameter `claims`.
    pub userinfo: BTreeSet<String>,
    /// The names of the claims in the member `id_token` of the parameter `claims`.
    pub id_token: BTreeSet<String>,
}

/// The permissions of a grant at a resource server. Tokens have those of them that the resource server still has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedResource {
    /// The granted scopes of the resource server.
    pub scopes: BTreeSet<String>,
    /// The names of the claims about the user in tokens for the resource server.
    pub claims: BTreeSet<String>,
}
