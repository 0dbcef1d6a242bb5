//! CEL rules of `OidcUser`: usernames, subjects, and the forms of standard claims (OIDC Core §5.1).

use kube::core::Rule;

use super::rule;

/// Visible text on one line.
pub fn username() -> Rule {
    rule(
        "self.matches('^\\\\S(.*\\\\S)?$') && !self.matches('\\\\p{Cc}')",
        "must be visible text on one line that neither begins nor ends with white space",
    )
}

/// OIDC Core §2.
pub fn subject() -> Rule {
    rule("self.matches('^[!-~]+$')", "must be ASCII without spaces")
}

/// RFC 5322 `addr-spec`, in outline.
pub fn email() -> Rule {
    rule(
        "self.matches('^[^@<\\\\s]+@[^@<>,;:\"\\\\s.]+([.][^@<>,;:\"\\\\s.]+)*$')",
        "must be an e-mail address, such as ada@example.com",
    )
}

/// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
pub fn birthdate() -> Rule {
    rule(
        "self.matches('^[0-9]{4}(-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))?$')",
        "must be a date: YYYY-MM-DD, 0000-MM-DD without the year, or YYYY",
    )
}

/// E.164.
pub fn phone_number() -> Rule {
    rule(
        "self.matches('^[+][0-9 ().-]+(;ext=[0-9]+)?$')",
        "must be a telephone number that begins with + and the country's code",
    )
}

/// A name of the IANA database.
pub fn zone() -> Rule {
    rule(
        "self.matches('^[A-Za-z][-A-Za-z0-9/_+]*$')",
        "must be a time zone of the IANA database, such as Europe/Paris",
    )
}

/// RFC 5646.
pub fn locale() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9]{1,8}([-_][A-Za-z0-9]{1,8})*$')",
        "must be a language tag, such as fr-CA",
    )
}

/// RFC 3339.
pub fn time() -> Rule {
    rule(
        "self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})$')",
        "must be a time as of RFC 3339, such as 2026-01-31T12:00:00Z",
    )
}
