//! Browsers that users have signed in with before. Attackers cannot delay a user's attempts from
//! such a browser (OWASP, "Blocking Brute Force Attacks", device cookies). A known browser proves
//! nothing else; the password and the second factor are still required.
//!
//! A browser becomes known when a sign-in is complete. It is known for the second factor only to
//! users who have proved theirs with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::records::{DecodeError, FormatVersion, RecordFormat, SealedRecord};
use crate::model::{SealPurpose, Subject, Timestamp, sha256_base64url};

/// Time for which a browser is remembered after the last sign-in with it.
pub const KNOWN_BROWSER_TTL: Duration = Duration::from_hours(90 * 24);
/// Maximum number of users remembered per browser.
const MAX_USERS: usize = 4;

/// A browser as stored in its sealed cookie. The seal binds it to a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBrowser {
    id: String,
    /// SHA-256 hashes, in base64url, of the normalized names of users who have signed in, most recent first.
    people: Vec<String>,
    expires_at: Timestamp,
    /// The proofs of second factors with this browser: at most one for each user, most recent first.
    factor_proofs: Vec<FactorProof>,
}

/// The last proof of a user's second factor with a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FactorProof {
    /// The SHA-256 hash of the user's subject, in base64url.
    user: String,
    /// The time of the proof, by the store's clock.
    at: Timestamp,
}

impl SealedRecord for KnownBrowser {
    const PURPOSE: SealPurpose = SealPurpose::Cookie;
}

impl RecordFormat for KnownBrowser {
    const VERSION: FormatVersion = FormatVersion { major: 0, minor: 2 };

    fn upgrade(version: FormatVersion, fields: &[u8]) -> Result<Self, DecodeError> {
        if version != (FormatVersion { major: 0, minor: 1 }) {
            return Err(DecodeError);
        }
        let (id, people, expires_at) = postcard::from_bytes(fields).map_err(|_| DecodeError)?;
        Ok(Self { id, people, expires_at, factor_proofs: Vec::new() })
    }
}

impl KnownBrowser {
    /// Creates a browser without users.
    pub fn new(id: String) -> Self {
        let (people, factor_proofs) = (Vec::new(), Vec::new());
        Self { id, people, expires_at: Timestamp::default(), factor_proofs }
    }

    /// Returns the ID under which password attempts are counted, if the user has signed in with
    /// this browser recently. `username` is normalized.
    pub fn known_to(&self, username: &str, now: Timestamp) -> Option<&str> {
        let known = now < self.expires_at && self.people.contains(&sha256_base64url(username));
        known.then_some(self.id.as_str())
    }

    /// Returns the browser with a user added who has just signed in.
    #[must_use]
    pub fn used_by(mut self, username: &str, now: Timestamp) -> Self {
        let person = sha256_base64url(username);
        self.people.retain(|other| *other != person);
        self.people.insert(0, person);
        self.people.truncate(MAX_USERS);
        Self { expires_at: now.plus(KNOWN_BROWSER_TTL), ..self }
    }

    /// Returns the ID under which attempts to use a second factor are counted, if the user has proved
    /// the factor that was set up at `set_up_at` with this browser recently.
    pub fn knows_factor_of(
        &self,
        subject: &Subject,
        set_up_at: Timestamp,
        now: Timestamp,
    ) -> Option<&str> {
        let user = sha256_base64url(subject.as_str());
        let proof = self.factor_proofs.iter().find(|proof| proof.user == user)?;
        let is_recent = proof.at >= set_up_at && now < proof.at.plus(KNOWN_BROWSER_TTL);
        is_recent.then_some(self.id.as_str())
    }

    /// Returns the browser after a user has proved the second factor. Its ID is new, so earlier wrong codes are no
    /// longer counted for it. A copy of the old cookie keeps the old ID with its count.
    #[must_use]
    pub fn with_factor_of(mut self, subject: &Subject, new_id: String, now: Timestamp) -> Self {
        let user = sha256_base64url(subject.as_str());
        self.factor_proofs.retain(|other| other.user != user);
        self.factor_proofs.insert(0, FactorProof { user, at: now });
        self.factor_proofs.truncate(MAX_USERS);
        Self { id: new_id, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{decode_record, encode_record};

    const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

    #[test]
    fn knows_only_users_who_signed_in_with_it() {
        let browser = KnownBrowser::new("one".to_owned());
        assert_eq!(browser.known_to("ada", NOW), None);
        let browser = browser.used_by("ada", NOW);
        assert_eq!(browser.known_to("ada", NOW), Some("one"));
        assert_eq!(browser.known_to("bob", NOW), None);
        assert_eq!(browser.known_to("ada", NOW.plus(KNOWN_BROWSER_TTL)), None, "too long ago");
    }

    #[test]
    fn remembers_a_limited_number_of_users() {
        let names = ["ada", "bob", "cy", "dan"];
        let share = |browser: KnownBrowser, name: &&str| browser.used_by(name, NOW);
        let browser = names.iter().fold(KnownBrowser::new("one".to_owned()), share);
        assert!(names.iter().all(|name| browser.known_to(name, NOW).is_some()));
        let browser = browser.used_by("eve", NOW);
        assert_eq!(browser.known_to("ada", NOW), None, "the least recent user is dropped");
        assert!(browser.known_to("bob", NOW).is_some());
    }

    #[test]
    fn the_factor_is_known_to_those_who_proved_the_present_one() {
        let (ada, bob) = (Subject::new("ada"), Subject::new("bob"));
        let browser = KnownBrowser::new("one".to_owned()).used_by("ada", NOW);
        assert_eq!(browser.knows_factor_of(&ada, NOW, NOW), None, "a password is not the factor");
        let browser = browser.with_factor_of(&ada, "two".to_owned(), NOW);
        assert_eq!(browser.knows_factor_of(&ada, NOW, NOW), Some("two"));
        assert_eq!(browser.known_to("ada", NOW), Some("two"));
        assert_eq!(browser.knows_factor_of(&bob, NOW, NOW), None);
        let later = NOW.plus(Duration::from_millis(1));
        assert_eq!(browser.knows_factor_of(&ada, later, later), None, "another app was set up");
        assert_eq!(browser.knows_factor_of(&ada, NOW, NOW.plus(KNOWN_BROWSER_TTL)), None);
        let share = |browser: KnownBrowser, n: i32| {
            browser.with_factor_of(&Subject::new(n.to_string()), n.to_string(), NOW)
        };
        let browser = (0..4).fold(browser, share);
        assert_eq!(browser.knows_factor_of(&ada, NOW, NOW), None, "the least recent is dropped");
    }

    #[test]
    fn the_formats_of_known_browsers_are_stable() {
        let browser = KnownBrowser::new("one".to_owned()).used_by("ada", NOW);
        let hex: String =
            encode_record(&browser).iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = "02036f6e65012b5f65354444554339563937717759624e6c354144505138472d516d6f67473538357563587133783955436b80c0fc84866f00";
        assert_eq!(hex, expected);
        let mut first = encode_record(&browser);
        first.pop();
        first[0] = 1;
        assert_eq!(decode_record(&first), Ok(browser));
    }
}
