//! Browsers that users have signed in with before. Attackers cannot delay a user's attempts from
//! such a browser (OWASP, "Blocking Brute Force Attacks", device cookies). A known browser proves
//! nothing else; the password is still required.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::records::{RecordFormat, SealedRecord};
use crate::model::{SealPurpose, Timestamp, sha256_base64url};

/// How long a browser is remembered after the last sign-in.
pub const KNOWN_BROWSER_TTL: Duration = Duration::from_hours(90 * 24);
/// Maximum number of users remembered per browser.
const MAX_USERS: usize = 4;

/// A browser as stored in its sealed cookie. The seal binds it to a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBrowser {
    id: String,
    /// Hashes of user names, most recent first.
    people: Vec<String>,
    expires_at: Timestamp,
}

impl SealedRecord for KnownBrowser {
    const PURPOSE: SealPurpose = SealPurpose::Cookie;
}

impl RecordFormat for KnownBrowser {}

impl KnownBrowser {
    /// Creates a browser without users.
    pub fn new(id: String) -> Self {
        Self { id, people: Vec::new(), expires_at: Timestamp::default() }
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::encode_record;

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
    fn the_format_is_stable() {
        let browser = KnownBrowser::new("one".to_owned()).used_by("ada", NOW);
        let hex: String =
            encode_record(&browser).iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = "01036f6e65012b5f65354444554339563937717759624e6c354144505138472d516d6f67473538357563587133783955436b80c0fc84866f";
        assert_eq!(hex, expected);
    }
}
