//! The errors of grants that give no tokens now.

use super::token_grant::TokenGrant;
use crate::{
    accounts::grants::grant_validity::GrantRefusal,
    protocol::{
        error::OAuthError,
        token::{self, inactive_grant},
    },
};

/// The error of a grant that gives no tokens now. Nothing is revoked.
pub(super) fn refused_grant<G: TokenGrant>(refusal: &GrantRefusal) -> OAuthError {
    let error = match refusal {
        GrantRefusal::Inactive => inactive_grant(G::CREDENTIAL),
        GrantRefusal::NotAdmitted => token::invalid_grant(
            "The user's identity provider no longer gives the required claims of the user, or its rules do not admit the user. The user can sign in again when that has changed.",
        ),
        GrantRefusal::Entry(refusal) => token::invalid_grant(&refusal.description()),
    };
    OAuthError { code: G::INVALID, ..error }
}
