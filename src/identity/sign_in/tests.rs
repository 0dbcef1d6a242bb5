use async_trait::async_trait;

use super::*;
use crate::model::{AccountSource, ObjectKey, StoredPassword, Subject, fixtures};

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

/// A directory with one user, `ada`, and a decoy.
struct One(Arc<Account>);

#[async_trait]
impl AccountLookup for One {
    async fn by_username(&self, username: &str) -> Option<Arc<Account>> {
        (username == self.0.username).then(|| Arc::clone(&self.0))
    }

    async fn by_verified_email(&self, email: &str) -> Option<Arc<Account>> {
        (email == "ada@example.com").then(|| Arc::clone(&self.0))
    }

    async fn by_subject(&self, subject: &Subject) -> Option<Arc<Account>> {
        (*subject == self.0.subject).then(|| Arc::clone(&self.0))
    }

    async fn password(&self, _: &Subject) -> Option<StoredPassword> {
        Some(StoredPassword::Plain(Secret::new("right".to_owned())))
    }

    async fn decoy(&self, _: &str) -> Option<StoredPassword> {
        Some(StoredPassword::Plain(Secret::new("decoy".to_owned())))
    }
}

/// The directory with the user Ada, and the services that check a password.
struct World {
    directory: One,
    passwords: PasswordVerifier,
    attempts: LoginThrottle,
    tenant: TenantId,
}

impl World {
    fn new() -> Self {
        let ada = Account {
            source: AccountSource::Resource(ObjectKey::new("team", "ada")),
            username: "ada".to_owned(),
            subject: Subject::new("1"),
            ..fixtures::user()
        };
        Self {
            directory: One(Arc::new(ada)),
            passwords: PasswordVerifier::new(1, 8),
            attempts: LoginThrottle::new(1000),
            tenant: TenantId::new("team", "main"),
        }
    }

    async fn sign_in(&self, username: &str, password: &str) -> Result<String, SignInError> {
        let attempt = PasswordSignIn {
            tenant: &self.tenant,
            username,
            password: Secret::new(password.to_owned()),
            origin: AttemptSource { address: [203, 0, 113, 7].into(), known_browser: None },
            now: NOW,
        };
        let user = attempt.perform(&self.directory, &self.passwords, &self.attempts).await?;
        Ok(user.username.clone())
    }
}

#[tokio::test]
async fn the_right_password_signs_in() {
    assert_eq!(World::new().sign_in(" ADA ", "right").await, Ok("ada".to_owned()));
}

#[tokio::test]
async fn a_verified_email_address_signs_in() {
    let world = World::new();
    assert_eq!(world.sign_in("Ada@Example.com", "right").await, Ok("ada".to_owned()));
    assert_eq!(world.sign_in("ada@example.com", "wrong").await, Err(SignInError::Wrong));
    assert_eq!(world.sign_in("bob@example.com", "right").await, Err(SignInError::Wrong));
}

#[tokio::test]
async fn waiting_does_not_reveal_whose_address_was_tried() {
    let world = World::new();
    for _ in 0..5 {
        assert_eq!(world.sign_in("ada@example.com", "wrong").await, Err(SignInError::Wrong));
    }
    let limited = world.sign_in("ada@example.com", "right").await;
    assert_eq!(limited, Err(SignInError::Wait(Duration::from_secs(4))));
    assert_eq!(world.sign_in("ada", "wrong").await, Err(SignInError::Wrong));
}

#[tokio::test]
async fn all_other_attempts_fail_alike() {
    let mut world = World::new();
    for (username, password) in [("ada", "wrong"), ("bob", "right"), ("bob", "decoy"), ("", "")] {
        let outcome = world.sign_in(username, password).await;
        assert_eq!(outcome, Err(SignInError::Wrong), "{username}");
    }
    let mut disabled = (*world.directory.0).clone();
    disabled.disabled = true;
    world.directory = One(Arc::new(disabled));
    assert_eq!(world.sign_in("ada", "right").await, Err(SignInError::Wrong));
}

#[tokio::test]
async fn unknown_names_are_throttled_like_known_ones() {
    for username in ["ada", "bob"] {
        let world = World::new();
        for _ in 0..5 {
            assert_eq!(world.sign_in(username, "wrong").await, Err(SignInError::Wrong));
        }
        let limited = world.sign_in(username, "right").await;
        assert_eq!(limited, Err(SignInError::Wait(Duration::from_secs(4))), "{username}");
    }
}

#[tokio::test]
async fn other_spellings_of_a_name_share_its_limit() {
    let world = World::new();
    for username in ["ada", "ADA", "Ada", " ada", "ada "] {
        assert_eq!(world.sign_in(username, "wrong").await, Err(SignInError::Wrong));
    }
    assert!(matches!(world.sign_in("aDa", "wrong").await, Err(SignInError::Wait(_))));
}
