//! The `sub` that a client gets (OIDC Core §8).

use super::digest;
use crate::model::{Client, Subject};

/// Returns the user's own subject, or one that is specific to the client's sector. The latter is an HMAC with the
/// tenant's salt, so it cannot be reversed, or computed for another sector (OIDC Core §8.1).
pub fn subject_for_client(client: &Client, local: &Subject) -> Subject {
    let Some(pairwise) = &client.pairwise else { return local.clone() };
    // A host name cannot contain NUL.
    Subject::new(digest::salted_digest(pairwise, &format!("{}\0{local}", pairwise.sector)))
}

/// Returns the URL of the document that must list the client's redirect URIs (OIDC Core §8.1). `None` if all
/// of them have the sector's host, or if the document was checked when the client registered.
pub fn sector_document(client: &Client) -> Option<&str> {
    let sector = &client.pairwise.as_ref()?.sector;
    let uri =
        client.details.sector_identifier_uri.as_deref().filter(|_| client.registered.is_none())?;
    let own = client.redirect_uris.iter().all(|it| it.host().as_ref() == Some(sector));
    (!own).then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PairwiseSubjectInputs, Secret, fixtures};

    fn client(sector: &str, salt: u8) -> Client {
        let pairwise =
            PairwiseSubjectInputs { sector: sector.into(), salt: Secret::new(vec![salt; 32]) };
        Client { pairwise: Some(Box::new(pairwise)), ..fixtures::client() }
    }

    #[test]
    fn public_subjects_are_the_users_own() {
        let alice = Subject::new("alice-id");
        assert_eq!(subject_for_client(&fixtures::client(), &alice), alice);
    }

    #[test]
    fn pairwise_subjects_are_stable_and_differ_by_sector_salt_and_user() {
        // OIDC Core §8.1
        let (alice, bob) = (Subject::new("alice-id"), Subject::new("bob-id"));
        let at = |sector: &str, salt, who: &Subject| subject_for_client(&client(sector, salt), who);
        let one = at("a.test", 1, &alice);
        assert_eq!(one, at("a.test", 1, &alice));
        for other in [at("b.test", 1, &alice), at("a.test", 2, &alice), at("a.test", 1, &bob)] {
            assert_ne!(one, other);
        }
        assert!(!one.as_str().contains("alice"));
    }
}
