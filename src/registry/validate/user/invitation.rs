//! Validation of `spec.invitation` of a user.

use super::time::check_time;
use crate::{api::InvitationSpec, model::Invitation, registry::validate::ProblemList};

/// The maximum number of characters of an invitation's id.
const MAX_ID_LEN: usize = 63;

/// The invitation, if it is set and valid.
pub fn check_invitation(
    problems: &mut ProblemList,
    written: Option<&InvitationSpec>,
) -> Option<Invitation> {
    let written = written?;
    let not_after = check_time(problems, "spec.invitation.notAfter", Some(&written.not_after));
    if !is_id(&written.id) {
        let message = "must have 1 to 63 letters, digits, '-', '_' and '.', and begin and end with a letter or digit";
        problems.invalid("spec.invitation.id", message);
    }
    let delivery = problems.supported("spec.invitation.delivery", written.delivery.as_ref());
    Some(Invitation { id: written.id.clone(), not_after: not_after?, delivery })
}

fn is_id(text: &str) -> bool {
    let is_edge = |it: Option<u8>| it.is_some_and(|it| it.is_ascii_alphanumeric());
    let mut bytes = text.bytes();
    text.len() <= MAX_ID_LEN
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it))
        && is_edge(text.bytes().next())
        && is_edge(bytes.next_back())
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn an_id_is_a_name() {
        for good in ["a", "welcome-1", "2026.11_x"] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "a/b", "\u{e9}", &"a".repeat(64)] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
