//! Recognizes password hashes of other systems, and hashes that were copied together with what is
//! around them. Such a text is never a plain password: its owner means the password behind it.

/// Lengths in hexadecimal digits of MD5, SHA-1, SHA-256 and SHA-512.
const DIGEST_LENGTHS: [usize; 4] = [32, 40, 64, 128];

/// First letters of the schemes that LDAP servers, Dovecot and Spring put in braces (RFC 2307).
const BRACED_SCHEMES: [&str; 17] = [
    "SHA",
    "SSHA",
    "MD5",
    "SMD5",
    "LDAP-MD5",
    "PLAIN-MD5",
    "CRAM-MD5",
    "CRYPT",
    "DES-CRYPT",
    "BLF-CRYPT",
    "ARGON2",
    "BCRYPT",
    "SCRYPT",
    "PBKDF2",
    "SCRAM-SHA",
    "HMAC-SHA",
    "X-",
];

/// Names in braces that mark a plain password.
const BRACED_PLAIN: [&str; 4] = ["PLAIN", "CLEAR", "CLEARTEXT", "NOOP"];

/// First letters of the algorithms of Django (`pbkdf2_sha256$…`) and Werkzeug (`scrypt:…$…`).
const NAMED_ALGORITHMS: [&str; 9] =
    ["pbkdf2", "argon2", "bcrypt", "scrypt", "sha1", "sha256", "sha512", "md5", "unsalted_"];

const HASH_AGAIN: &str = "put the password through `lanyard hash-password` and store its output";

/// A text that is evidently a hash, or contains one, but cannot be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignHash {
    /// A supported hash in quotes.
    #[error("the text is a hash in quotes; store it without them")]
    Quoted,
    /// A supported hash in which each `$` is doubled, as in a Compose file.
    #[error("the text is a hash with each '$' written twice; write each once")]
    Doubled,
    /// A line of htpasswd or `/etc/shadow` with a supported hash.
    #[error(
        "the text is a whole line of a password file (user:hash); store only what follows the \
         user's name and the colon"
    )]
    Account,
    /// A line of htpasswd or `/etc/shadow` with another hash.
    #[error("the text is a whole line of a password file (user:hash); {HASH_AGAIN}")]
    ForeignAccount,
    /// A plain password behind `{noop}` or the like.
    #[error("the text begins with a scheme in braces; store the password without it")]
    BracedPlain,
    /// A hash behind the name of a scheme in braces, such as `{SSHA}…`.
    #[error("the text is a hash of an unsupported scheme, as LDAP servers write it; {HASH_AGAIN}")]
    Braced,
    /// A hash behind the name of an algorithm, such as `pbkdf2_sha256$…`.
    #[error("the text is a hash of an unsupported format, as Django writes it; {HASH_AGAIN}")]
    Named,
    /// A hash of PostgreSQL or `MySQL`.
    #[error("the text is a hash of an unsupported format, as databases write it; {HASH_AGAIN}")]
    Database,
    /// A hash of `WordPress`, phpBB or Drupal.
    #[error("the text is a hash of an unsupported format, as PHP programs write it; {HASH_AGAIN}")]
    Phpass,
    /// Hexadecimal digits of the length of a digest.
    #[error(
        "the text has the form of an MD5 or SHA digest; {HASH_AGAIN}, also if the text is the \
         password itself"
    )]
    Digest,
}

/// Recognizes a text that is not a hash of a known scheme. `None` if it may be a plain password.
pub(super) fn recognize_foreign_hash(text: &str) -> Option<ForeignHash> {
    let text = text.trim();
    if let Some(inner) = unquoted(text) {
        return if looks_like_hash(inner) {
            Some(ForeignHash::Quoted)
        } else {
            recognize_foreign_hash(inner)
        };
    }
    if text.starts_with("$$") && looks_like_hash(&text.replace("$$", "$")) {
        return Some(ForeignHash::Doubled);
    }
    if let Some((_, hash)) = text.split_once(':').filter(|(user, hash)| is_account(user, hash)) {
        let supported = looks_like_hash(hash) && !hash.starts_with("$apr1$");
        return Some(if supported { ForeignHash::Account } else { ForeignHash::ForeignAccount });
    }
    if let Some((name, _)) = braced(text) {
        let name = name.to_ascii_uppercase();
        if BRACED_PLAIN.contains(&name.as_str()) {
            return Some(ForeignHash::BracedPlain);
        }
        if is_one_of(&name, &BRACED_SCHEMES) {
            return Some(ForeignHash::Braced);
        }
    }
    if has_named_algorithm(text) {
        return Some(ForeignHash::Named);
    }
    if is_database_hash(text) {
        return Some(ForeignHash::Database);
    }
    if is_phpass(text) {
        return Some(ForeignHash::Phpass);
    }
    is_digest(text).then_some(ForeignHash::Digest)
}

/// The text within a pair of equal quotes.
fn unquoted(text: &str) -> Option<&str> {
    ['"', '\'', '`'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

/// Whether a line is an account of htpasswd or `/etc/shadow`: a name, a colon and a hash.
fn is_account(user: &str, hash: &str) -> bool {
    let is_name =
        !user.is_empty() && !user.contains(|c: char| c.is_whitespace() || "${".contains(c));
    let braced_hash = braced(hash)
        .is_some_and(|(name, _)| is_one_of(&name.to_ascii_uppercase(), &BRACED_SCHEMES));
    // htdigest puts a realm between the name and the digest.
    let digest = hash.rsplit_once(':').map_or(hash, |(_, digest)| digest);
    is_name && (looks_like_hash(hash) || is_phpass(hash) || braced_hash || is_digest(digest))
}

/// Whether a text has the form of phpass (`$P$`, `$H$`) or of Drupal 7 (`$S$`).
fn is_phpass(text: &str) -> bool {
    let rest = ["$P$", "$H$", "$S$"].into_iter().find_map(|prefix| text.strip_prefix(prefix));
    rest.is_some_and(|rest| {
        rest.len() >= 31 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"./".contains(&b))
    })
}

fn is_digest(text: &str) -> bool {
    DIGEST_LENGTHS.contains(&text.len()) && is_hex(text)
}

/// Name and rest of `{NAME}rest`.
fn braced(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('{')?.split_once('}')?;
    let plausible = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@".contains(&b));
    (plausible && !rest.is_empty()).then_some((name, rest))
}

fn has_named_algorithm(text: &str) -> bool {
    let Some((algorithm, rest)) = text.split_once('$') else { return false };
    rest.contains('$')
        && is_one_of(algorithm, &NAMED_ALGORITHMS)
        && algorithm
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_:-".contains(&b))
}

/// Whether a text is a hash of PostgreSQL or `MySQL`.
fn is_database_hash(text: &str) -> bool {
    let digest = |prefix, length| {
        text.strip_prefix(prefix).is_some_and(|hex| hex.len() == length && is_hex(hex))
    };
    digest("md5", 32) || digest("*", 40) || text.starts_with("SCRAM-SHA-256$")
}

fn is_one_of(name: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| name.starts_with(start))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns true for `$name$…`, with the name of a known or unknown scheme. Such a text is never
/// accepted as a plain password, because other tools would mistake it for a hash.
pub(super) fn looks_like_hash(text: &str) -> bool {
    let name = text.strip_prefix('$').and_then(|rest| rest.split_once('$')).map(|(name, _)| name);
    name.is_some_and(|name| {
        !name.is_empty()
            && name.len() <= 32
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    #[test]
    fn hashes_of_other_systems_are_recognized() {
        for text in [
            "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3",
            "{ssha512}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3",
            "{CRYPT}$6$salt$hash",
            "{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG",
            "{PBKDF2-SHA256}10000$salt$hash",
            "pbkdf2_sha256$1000000$salt$yVXgqB1b0nqVrVJ7BTXU2f1J0T9Yf9yG4bm4vTtD1kY=",
            "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA",
            "bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuv",
            "pbkdf2:sha256:600000$salt$0123abcd",
            "scrypt:32768:8:1$salt$0123abcd",
            "sha1$salt$0123abcd",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
            "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
            "md55f4dcc3b5aa765d61d8327deb882cf99",
            "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
            "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy",
            "$P$B12345678abcdefghijklmnopqrstuv",
            "$H$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
            "$S$DWiyiR2NfJ2ZqMQOvpcXjYbLXHMmVLlQ6FQ7JtTqkgsSmvXgpVIU",
            "ada:5f4dcc3b5aa765d61d8327deb882cf99",
            "ada:realm:5f4dcc3b5aa765d61d8327deb882cf99",
        ] {
            let found =
                recognize_foreign_hash(text).unwrap_or_else(|| panic!("{text}")).to_string();
            assert!(found.contains("lanyard hash-password"), "{found}");
            assert!(!found.contains(text), "{found}");
        }
        assert!(recognize_foreign_hash(&"0123456789abcdef".repeat(8)).is_some());
    }

    #[test]
    fn characters_around_a_hash_are_named() {
        let found = |text: &str| recognize_foreign_hash(text).unwrap_or_else(|| panic!("{text}"));
        for quote in ['"', '\'', '`'] {
            assert_eq!(found(&format!("{quote}{BCRYPT}{quote}")), ForeignHash::Quoted);
        }
        assert_eq!(found("\"{SSHA}abc\""), ForeignHash::Braced);
        assert_eq!(found(&BCRYPT.replace('$', "$$")), ForeignHash::Doubled);
        assert_eq!(found(&format!("grace:{BCRYPT}")), ForeignHash::Account);
        assert_eq!(found("grace:$apr1$salt$hash"), ForeignHash::ForeignAccount);
        assert_eq!(found("grace:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="), ForeignHash::ForeignAccount);
        assert_eq!(found("{noop}secret"), ForeignHash::BracedPlain);
    }

    #[test]
    fn plain_passwords_stay_plain() {
        for text in [
            "correct horse battery staple",
            "{not a scheme}",
            "{SSHA}",
            "{json}",
            "sha1$",
            "md5 is weak",
            "pa$$word$",
            "user:password",
            "a:b$c$d",
            "\"quoted\"",
            "5f4dcc3b5aa765d61d8327deb882cf9",
            "5f4dcc3b5aa765d61d8327deb882cf9g",
            "$HOME$PATH",
            "$P$hort",
            "$P$1 with blanks, and as long as a hash of WordPress",
            "*secret",
        ] {
            assert_eq!(recognize_foreign_hash(text), None, "{text}");
        }
    }
}
