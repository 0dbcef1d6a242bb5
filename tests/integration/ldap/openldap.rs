//! Sign-in with OpenLDAP.

use lanyard::upstream::ldap::{AccountRestriction, DirectoryFault, LdapRefusal};

use super::*;
use crate::support::directories::slapd;

const SEARCH: [&str; 2] = ["cn=search,dc=acme,dc=test", "search-password"];

fn acme() -> LdapSettings {
    settings(slapd(), LdapSchema::OpenLdap, "dc=acme,dc=test", SEARCH)
}

fn refusal(outcome: Result<DirectoryPerson, LdapError>) -> LdapRefusal {
    match outcome {
        Err(LdapError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn fault(outcome: Result<DirectoryPerson, LdapError>) -> DirectoryFault {
    match outcome {
        Err(LdapError::Directory(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_person_signs_in_with_attributes_and_groups() {
    for start_tls in [false, true] {
        let mut settings = acme();
        if start_tls {
            let (port, host) = (slapd().plain_port, "localhost".into());
            settings.server.address = LdapAddress { host, port, start_tls };
        }
        let person = sign_in(&settings, "ada", "ada-password").await.expect("she may");
        assert_eq!(person.username, "ada");
        assert_eq!(person.claims["dn"], "uid=ada,ou=people,dc=acme,dc=test");
        assert_eq!(person.claims["cn"], "Ada Lovelace");
        let mails = serde_json::json!(["ada@acme.test", "ada.lovelace@acme.test"]);
        assert_eq!(person.claims["mail"], mails);
        assert_eq!(person.claims["entryUUID"], person.id);
        assert!(!person.claims.contains_key("displayName"), "she has none");
        assert_eq!(groups_of(&person), ["staff", "unique"]);
    }
}

#[tokio::test]
async fn the_username_is_the_directorys() {
    let typed = sign_in(&acme(), "ADA", "ada-password").await.expect("she may");
    assert_eq!(typed.username, "ada");
    assert_eq!(typed.id, sign_in(&acme(), "ada", "ada-password").await.expect("she may").id);
}

#[tokio::test]
async fn names_and_passwords_may_have_any_character() {
    let star = sign_in(&acme(), "st*r(x)\\y", "star-password").await.expect("he may");
    assert_eq!(star.claims["cn"], "St*r (x) \\ y, z");
    assert_eq!(groups_of(&star), ["staff"], "his name needs escapes in filters");
    let jörg = sign_in(&acme(), "jörg", "jörg-pässword").await.expect("he may");
    assert_eq!((jörg.username.as_str(), &jörg.claims["sn"]), ("jörg", &"Müßig".into()));
    for hostile in
        ["*", "a*", "ada)(uid=*", "*)(objectClass=*", "ada)(|(uid=*", "\\61da", "ada\\00"]
    {
        let refused = refusal(sign_in(&acme(), hostile, "ada-password").await);
        assert_eq!(refused, LdapRefusal::UnknownPerson, "{hostile}");
    }
}

#[tokio::test]
async fn wrong_and_empty_passwords_are_refused() {
    let wrong = refusal(sign_in(&acme(), "ada", "grace-password").await);
    assert!(matches!(wrong, LdapRefusal::WrongPassword(_)), "{wrong:?}");
    // A bind without a password would succeed.
    assert_eq!(refusal(sign_in(&acme(), "ada", "").await), LdapRefusal::EmptyPassword);
    let unknown = refusal(sign_in(&acme(), "eve", "ada-password").await);
    assert_eq!(unknown, LdapRefusal::UnknownPerson);
    let hidden = refusal(sign_in(&acme(), "ghost", "ghost-password").await);
    assert_eq!(hidden, LdapRefusal::UnknownPerson, "the search account may not read the entry");
}

#[tokio::test]
async fn two_entries_with_one_name_are_refused() {
    let both = refusal(sign_in(&acme(), "twin", "twin-password").await);
    assert_eq!(both, LdapRefusal::SeveralPeople);
    let mut people = acme();
    people.people.base = "ou=people,dc=acme,dc=test".into();
    let one = sign_in(&people, "twin", "twin-password").await.expect("one is there");
    assert_eq!(one.claims["sn"], "One");
}

#[tokio::test]
async fn an_entry_with_two_usernames_is_a_fault() {
    let fault = fault(sign_in(&acme(), "alias1", "alias-password").await);
    assert_eq!(fault, DirectoryFault::AmbiguousName { attribute: "uid".to_owned() });
}

#[tokio::test]
async fn nested_groups_are_read_to_the_depth() {
    let mut settings = acme();
    // staff is in employees, that is in everyone, and everyone is in staff.
    for (depth, expected) in [
        (0, &["staff", "unique"][..]),
        (1, &["employees", "staff", "unique"]),
        (2, &["employees", "everyone", "staff", "unique"]),
        (10, &["employees", "everyone", "staff", "unique"]),
    ] {
        settings.groups.as_mut().expect("groups").depth = depth;
        let ada = sign_in(&settings, "ada", "ada-password").await.expect("she may");
        assert_eq!(groups_of(&ada), expected, "{depth}");
    }
    let grace = sign_in(&settings, "grace", "grace-password").await.expect("she may");
    assert!(groups_of(&grace).is_empty());
}

#[tokio::test]
async fn groups_are_named_and_filtered_by_the_settings() {
    let mut settings = acme();
    let groups = settings.groups.as_mut().expect("groups");
    groups.name = "dn".into();
    groups.filter = filter("(&(objectClass=groupOfNames)(member={dn}))");
    let ada = sign_in(&settings, "ada", "ada-password").await.expect("she may");
    assert_eq!(groups_of(&ada), ["cn=staff,ou=groups,dc=acme,dc=test"]);
    let groups = settings.groups.as_mut().expect("groups");
    (groups.name, groups.filter) = ("cn".into(), filter("(memberUid={username})"));
    let ada = sign_in(&settings, "ADA", "ada-password").await.expect("she may");
    assert_eq!(groups_of(&ada), ["shell"], "the directory's username, not the typed one");
    settings.people.filter =
        filter("(&(mail={username})(memberOf=cn=staff,ou=groups,dc=acme,dc=test))");
    assert!(sign_in(&settings, "ada.lovelace@acme.test", "ada-password").await.is_ok());
    let outside = refusal(sign_in(&settings, "grace@acme.test", "grace-password").await);
    assert_eq!(outside, LdapRefusal::UnknownPerson);
    settings.groups = None;
    let ada = sign_in(&settings, "ada@acme.test", "ada-password").await.expect("she may");
    assert!(!ada.claims.contains_key("groups"));
}

#[tokio::test]
async fn groups_that_cannot_be_read_refuse() {
    let mut settings = acme();
    settings.groups.as_mut().expect("groups").base = "ou=missing,dc=acme,dc=test".into();
    let missing = fault(sign_in(&settings, "ada", "ada-password").await);
    assert!(missing.to_string().contains("no such entry (32)"), "{missing}");
    let mut small = acme();
    small.account.name = "cn=small,dc=acme,dc=test".into();
    small.account.password = Secret::new("small-password".to_owned());
    small.groups.as_mut().expect("groups").filter =
        filter("(|(objectClass=groupOfNames)(member={dn}))");
    let limited = fault(sign_in(&small, "ada", "ada-password").await);
    assert!(limited.to_string().contains("size limit exceeded (4)"), "{limited}");
}

#[tokio::test]
async fn many_groups_come_in_pages() {
    let settings = acme();
    let groups: String = (0..1200)
        .map(|n| {
            format!(
                "dn: cn=many-{n},ou=groups,dc=acme,dc=test\nchangetype: add\n\
                 objectClass: groupOfNames\ncn: many-{n}\n\
                 member: uid=many,ou=people,dc=acme,dc=test\n\n"
            )
        })
        .collect();
    tokio::task::spawn_blocking(move || slapd().modify(&groups)).await.expect("added");
    let many = sign_in(&settings, "many", "many-password").await.expect("he may");
    assert_eq!(groups_of(&many).len(), 1200);
}

#[tokio::test]
async fn the_search_account_and_the_server_are_checked() {
    assert_eq!(directories().check_account(&acme()).await, Ok(()));
    let mut wrong = acme();
    wrong.account.password = Secret::new("wrong".to_owned());
    let refused = directories().check_account(&wrong).await.expect_err("refused");
    assert!(matches!(refused, DirectoryFault::RefusesAccount { .. }), "{refused}");
    assert_eq!(fault(sign_in(&wrong, "ada", "ada-password").await), refused);
    let mut other_name = acme();
    other_name.server.address.host = "127.0.0.1".into();
    let unverified = fault(sign_in(&other_name, "ada", "ada-password").await);
    assert!(matches!(unverified, DirectoryFault::Tls(..)), "{unverified}");
    let mut system = acme();
    system.server.certificates = None;
    assert!(sign_in(&system, "ada", "ada-password").await.is_err());
}

#[tokio::test]
async fn a_look_up_sees_what_has_changed() {
    let settings = acme();
    let leaver = sign_in(&settings, "leaver", "leaver-password").await.expect("still here");
    let look_up = async || directories().look_up(&settings, &leaver.claims, &caller()).await;
    assert_eq!(look_up().await, Ok(leaver.clone()));
    let change = async |ldif: &'static str| {
        tokio::task::spawn_blocking(move || slapd().modify(ldif)).await.expect("changed");
    };
    change(
        "dn: uid=leaver,ou=people,dc=acme,dc=test\nchangetype: modrdn\nnewrdn: uid=renamed\n\
         deleteoldrdn: 1\nnewsuperior: ou=contractors,dc=acme,dc=test\n",
    )
    .await;
    let renamed = look_up().await.expect("renamed");
    assert_eq!((renamed.id.as_str(), renamed.username.as_str()), (leaver.id.as_str(), "renamed"));
    change(
        "dn: cn=unique,ou=groups,dc=acme,dc=test\nchangetype: modify\nadd: uniqueMember\n\
         uniqueMember: uid=renamed,ou=contractors,dc=acme,dc=test\n",
    )
    .await;
    assert_eq!(groups_of(&look_up().await.expect("in a group")), ["unique"]);
    change(
        "dn: uid=renamed,ou=contractors,dc=acme,dc=test\nchangetype: modify\n\
         add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n",
    )
    .await;
    let disabled = LdapRefusal::Restricted(AccountRestriction::Disabled);
    assert_eq!(refusal(look_up().await), disabled);
    change("dn: uid=renamed,ou=contractors,dc=acme,dc=test\nchangetype: delete\n").await;
    assert_eq!(refusal(look_up().await), LdapRefusal::UnknownPerson);
    let mut unknown = leaver.claims.clone();
    unknown["sub"] = "not an id".into();
    let other = directories().look_up(&settings, &unknown, &caller()).await;
    assert_eq!(refusal(other), LdapRefusal::NotSelected);
}

async fn looked_up(
    settings: &LdapSettings,
    claims: &serde_json::Map<String, serde_json::Value>,
) -> Result<DirectoryPerson, LdapError> {
    directories().look_up(settings, claims, &caller()).await
}

/// Settings that do not select a person say nothing about the person.
#[tokio::test]
async fn an_entry_outside_of_the_settings_is_not_taken_for_deleted() {
    let settings = acme();
    let grace = sign_in(&settings, "grace", "grace-password").await.expect("she may");
    let mut typo = acme();
    typo.people.filter = filter("(&(uid={username})(memberOf=cn=missing,dc=acme,dc=test))");
    assert_eq!(refusal(looked_up(&typo, &grace.claims).await), LdapRefusal::NotSelected);
    let mut elsewhere = acme();
    elsewhere.people.base = "ou=contractors,dc=acme,dc=test".into();
    assert_eq!(refusal(looked_up(&elsewhere, &grace.claims).await), LdapRefusal::NotSelected);
    let mut missing = acme();
    missing.people.base = "ou=missing,dc=acme,dc=test".into();
    assert!(fault(looked_up(&missing, &grace.claims).await).is_transient());
    // The server never had the tree in which the entry was.
    let mut other_server = grace.claims.clone();
    other_server["dn"] = "uid=grace,ou=people,dc=corp,dc=test".into();
    other_server["sub"] = "00112233-4455-6677-8899-aabbccddeeff".into();
    assert_eq!(refusal(looked_up(&settings, &other_server).await), LdapRefusal::NotSelected);
    other_server["dn"] = grace.claims["dn"].clone();
    assert_eq!(refusal(looked_up(&settings, &other_server).await), LdapRefusal::UnknownPerson);
}

#[tokio::test]
async fn a_disabled_person_does_not_sign_in() {
    // Without a default policy the server itself does not refuse.
    let disabled = LdapRefusal::Restricted(AccountRestriction::Disabled);
    assert_eq!(refusal(sign_in(&acme(), "dora", "dora-password").await), disabled);
    let wrong = refusal(sign_in(&acme(), "dora", "wrong").await);
    assert!(matches!(wrong, LdapRefusal::WrongPassword(_)), "{wrong:?}");
}
