//! The `sid` that a client gets (OIDC Front-Channel Logout §3, Back-Channel Logout §2.1).
//!
//! The session's own ID is the same for all clients. Clients with pairwise subjects (OIDC Core
//! §8.1) could use it to find out that they have the same user.

use super::digest;
use crate::model::Client;

/// Returns the session's public ID, or an ID specific to the client if its subjects are pairwise.
pub fn sid_for_client(client: &Client, sid: &str) -> String {
    let Some(pairwise) = &client.pairwise else { return sid.to_owned() };
    // Inputs for subjects start with a non-empty sector, so they never start with NUL.
    digest::salted_digest(pairwise, &format!("\0sid\0{}\0{sid}", client.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientId, PairwiseSubjectInputs, Secret, fixtures};

    fn pairwise(id: &str) -> Client {
        let pairwise =
            PairwiseSubjectInputs { sector: "a.test".into(), salt: Secret::new(vec![1; 32]) };
        Client { id: ClientId::new(id), pairwise: Some(Box::new(pairwise)), ..fixtures::client() }
    }

    #[test]
    fn clients_with_public_subjects_get_the_sessions_own_id() {
        assert_eq!(sid_for_client(&fixtures::client(), "sid-1"), "sid-1");
    }

    #[test]
    fn clients_with_pairwise_subjects_get_different_ids() {
        // OIDC Core §8.1
        let one = sid_for_client(&pairwise("team.one"), "sid-1");
        assert_eq!(one, sid_for_client(&pairwise("team.one"), "sid-1"), "stable");
        assert_ne!(
            one,
            sid_for_client(&pairwise("team.two"), "sid-1"),
            "another client of the sector"
        );
        assert_ne!(one, sid_for_client(&pairwise("team.one"), "sid-2"), "another session");
        assert!(!one.contains("sid-1"));
    }
}
