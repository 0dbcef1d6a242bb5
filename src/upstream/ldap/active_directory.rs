//! The states of accounts that Active Directory and other servers report: in the text of a refused
//! bind, and in attributes of an entry.

use std::time::Duration;

use super::{entry::LdapEntry, fault::AccountRestriction};
use crate::model::Timestamp;

/// Attributes that show whether an account is disabled or has expired: of Active Directory, of
/// OpenLDAP's password policies, and of 389 Directory Server.
pub(super) const STATE_ATTRIBUTES: [&str; 4] =
    ["userAccountControl", "accountExpires", "pwdAccountLockedTime", "nsAccountLock"];

/// The bit `ADS_UF_ACCOUNTDISABLE` of `userAccountControl`.
const ACCOUNT_DISABLED: u64 = 2;

/// The time of `pwdAccountLockedTime` that locks until an operator unlocks.
const LOCKED_FOR_EVER: &str = "000001010000Z";

/// The restriction that a refused bind of Active Directory reports (`… data 533, v…`). The server
/// compares the password before it answers with one of these. It also says that an account is locked
/// (775), but before it compares, so that this proves no password.
pub(super) fn restriction_of_bind(message: &str) -> Option<AccountRestriction> {
    match sub_code(message)? {
        "530" => Some(AccountRestriction::LogonHours),
        "531" => Some(AccountRestriction::Workstation),
        "532" => Some(AccountRestriction::PasswordExpired),
        "533" => Some(AccountRestriction::Disabled),
        "701" => Some(AccountRestriction::Expired),
        "773" => Some(AccountRestriction::PasswordMustChange),
        _ => None,
    }
}

/// The meaning of a refused bind of Active Directory, for the log.
pub(super) fn meaning_of_bind(message: &str) -> Option<&'static str> {
    Some(match sub_code(message)? {
        "525" => "no such account",
        "52e" => "wrong password",
        "530" => "not at this time",
        "531" => "not from this computer",
        "532" => "the password has expired",
        "533" => "the account is disabled",
        "534" => "this way of signing in is not granted",
        "701" => "the account has expired",
        "773" => "the password must be changed first",
        "775" => "the account is locked",
        _ => return None,
    })
}

/// The hexadecimal code after `data` in a text such as `80090308: LdapErr: DSID-0C090447, comment:
/// AcceptSecurityContext error, data 52e, v3839`.
fn sub_code(message: &str) -> Option<&str> {
    let (_, after) = message.split_once("AcceptSecurityContext error, data ")?;
    after.split([',', ' ']).next()
}

/// The restriction in an entry's attributes.
pub(super) fn restriction_of_entry(
    entry: &LdapEntry,
    now: Timestamp,
) -> Option<AccountRestriction> {
    let number = |attribute| entry.texts(attribute).first().and_then(|text| text.parse().ok());
    let control: Option<u64> = number("userAccountControl");
    let is = |attribute: &str, text: &str| {
        entry.texts(attribute).iter().any(|value| value.eq_ignore_ascii_case(text))
    };
    if control.is_some_and(|flags| flags & ACCOUNT_DISABLED != 0)
        || is("pwdAccountLockedTime", LOCKED_FOR_EVER)
        || is("nsAccountLock", "TRUE")
    {
        return Some(AccountRestriction::Disabled);
    }
    number("accountExpires")
        .and_then(expiry)
        .filter(|expiry| *expiry <= now)
        .map(|_| AccountRestriction::Expired)
}

/// `accountExpires` counts 100 ns from the year 1601; 0 and the largest value stand for never.
fn expiry(ticks: u64) -> Option<Timestamp> {
    /// From the year 1601 to 1970.
    const EPOCH: Duration = Duration::from_secs(11_644_473_600);
    let finite = i64::try_from(ticks).is_ok_and(|ticks| ticks != 0 && ticks != i64::MAX);
    let since_1601 = Duration::from_millis(ticks / 10_000);
    finite.then(|| Timestamp::from_millis(0).plus(since_1601).minus(EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(code: &str) -> String {
        format!(
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {code}, v1db1"
        )
    }

    #[test]
    fn only_codes_behind_the_right_password_are_restrictions() {
        for (code, restriction) in [
            ("533", Some(AccountRestriction::Disabled)),
            ("532", Some(AccountRestriction::PasswordExpired)),
            ("701", Some(AccountRestriction::Expired)),
            ("773", Some(AccountRestriction::PasswordMustChange)),
            ("530", Some(AccountRestriction::LogonHours)),
            ("531", Some(AccountRestriction::Workstation)),
            ("52e", None),
            ("525", None),
            ("775", None),
            ("5330", None),
        ] {
            assert_eq!(restriction_of_bind(&message(code)), restriction, "{code}");
        }
        assert_eq!(restriction_of_bind("data 533, v1"), None, "another server's text");
        assert_eq!(meaning_of_bind(&message("775")), Some("the account is locked"));
        assert_eq!(meaning_of_bind(""), None);
    }

    #[test]
    fn the_state_of_an_account_is_read_from_its_attributes() {
        let now = Timestamp::from_secs(1_800_000_000);
        let restriction = |name: &str, value: &str| {
            let attributes = vec![(name.to_owned(), vec![value.as_bytes().to_vec()])];
            restriction_of_entry(&LdapEntry { dn: "cn=a".to_owned(), attributes }, now)
        };
        assert_eq!(restriction("useraccountcontrol", "514"), Some(AccountRestriction::Disabled));
        assert_eq!(restriction("userAccountControl", "512"), None);
        assert_eq!(restriction("nsAccountLock", "true"), Some(AccountRestriction::Disabled));
        let locked = restriction("pwdAccountLockedTime", "000001010000Z");
        assert_eq!(locked, Some(AccountRestriction::Disabled));
        assert_eq!(restriction("pwdAccountLockedTime", "20260101000000Z"), None, "for a time");
        // 2027-01-15T08:00:00Z is 1,800,000,000 s after 1970.
        let at = |secs: u64| ((secs + 11_644_473_600) * 10_000_000).to_string();
        let expired = Some(AccountRestriction::Expired);
        assert_eq!(restriction("accountExpires", &at(1_800_000_000)), expired);
        assert_eq!(restriction("accountExpires", &at(1_800_000_001)), None);
        assert_eq!(restriction("accountExpires", "0"), None);
        assert_eq!(restriction("accountExpires", "9223372036854775807"), None);
    }
}
