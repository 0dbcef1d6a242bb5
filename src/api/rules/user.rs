//! CEL rules of `OidcUser`: usernames, subjects, and the formats of standard claims (OIDC Core
//! §5.1).

use kube::core::Rule;

use super::rule;

/// The id of an invitation.
pub fn invitation_id() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$')",
        "must be letters, digits, '-', '_' and '.', and begin and end with a letter or digit",
    )
}

/// A single line of text without surrounding white space.
pub fn username() -> Rule {
    rule(
        "self.matches('^\\\\S(.*\\\\S)?$') && !self.matches('\\\\p{Cc}')",
        "must be visible text on one line without leading or trailing white space",
    )
}

/// A value of `sub`: ASCII (OIDC Core §2).
pub fn subject() -> Rule {
    rule("self.matches('^[!-~]+$')", "must be ASCII without spaces")
}

/// An e-mail address: RFC 5322 `addr-spec`, simplified.
pub fn email() -> Rule {
    rule(
        "self.matches('^[^@<\\\\s]+@[^@<>,;:\"\\\\s.]+([.][^@<>,;:\"\\\\s.]+)*$')",
        "must be an e-mail address, such as ada@example.com",
    )
}

/// A value of `birthdate`: `YYYY-MM-DD`, `0000-MM-DD` or `YYYY` (OIDC Core §5.1).
pub fn birthdate() -> Rule {
    rule(
        "self.matches('^[0-9]{4}(-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))?$')",
        "must be a date: YYYY-MM-DD, 0000-MM-DD without the year, or YYYY",
    )
}

/// An E.164 telephone number.
pub fn phone_number() -> Rule {
    rule(
        "self.matches('^[+][0-9 ().-]+(;ext=[0-9]+)?$')",
        "must be a telephone number that starts with + and the country code",
    )
}

/// A name in the IANA time zone database.
pub fn zone() -> Rule {
    rule(
        "self.matches('^[A-Za-z][-A-Za-z0-9/_+]*$')",
        "must be an IANA time zone, such as Europe/Paris",
    )
}

/// An RFC 5646 language tag.
pub fn locale() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9]{1,8}([-_][A-Za-z0-9]{1,8})*$')",
        "must be a language tag, such as fr-CA",
    )
}

/// An RFC 3339 time.
pub fn time() -> Rule {
    rule(
        "self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})$')",
        "must be an RFC 3339 time, such as 2026-01-31T12:00:00Z",
    )
}
