//! Which `sid` a client is told of a session (OIDC Front-Channel Logout §3, Back-Channel Logout §2.1).
//!
//! The session's own id is the same for everybody, so clients that are told pairwise subjects
//! (OIDC Core §8.1) could find out by it that two of these are one person.

use super::digest;
use crate::model::Client;

/// The session's public id, or, where subjects are pairwise, one of this client's own.
pub fn sid_for_client(client: &Client, sid: &str) -> String {
    let Some(pairwise) = &client.pairwise else { return sid.to_owned() };
    // Subjects are made of a sector and what follows its NUL: no sector is empty.
    digest::salted(pairwise, &format!("\0sid\0{}\0{sid}", client.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientId, Pairwise, Secret, fixtures};

    fn pairwise(id: &str) -> Client {
        let pairwise = Pairwise { sector: "a.test".into(), salt: Secret::new(vec![1; 32]) };
        Client { id: ClientId::new(id), pairwise: Some(Box::new(pairwise)), ..fixtures::client() }
    }

    #[test]
    fn clients_with_public_subjects_are_told_the_sessions_own() {
        assert_eq!(sid_for_client(&fixtures::client(), "sid-1"), "sid-1");
    }

    #[test]
    fn clients_with_pairwise_subjects_cannot_compare_theirs() {
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
