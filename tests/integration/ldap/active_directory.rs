//! Sign-in with Active Directory, which Samba stands for.

use lanyard::{
    model::MEMBER_IN_CHAIN,
    upstream::ldap::{AccountRestriction, LdapRefusal},
};

use super::*;
use crate::support::directories::samba;

const SEARCH: [&str; 2] = ["svc-lanyard@corp.test", "Search-Passw0rd"];

fn corp() -> Option<LdapSettings> {
    Some(settings(samba()?, LdapSchema::ActiveDirectory, "DC=corp,DC=test", SEARCH))
}

fn refusal(outcome: Result<DirectoryPerson, LdapError>) -> LdapRefusal {
    match outcome {
        Err(LdapError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_person_signs_in_by_either_name() {
    let Some(mut settings) = corp() else { return };
    let mut people = Vec::new();
    for (typed, port, start_tls) in [
        ("ada", settings.server.address.port, false),
        ("ada@corp.test", settings.server.address.port, false),
        ("ADA", samba().expect("started").plain_port, true),
    ] {
        settings.server.address = LdapAddress { host: "localhost".into(), port, start_tls };
        let ada = sign_in(&settings, typed, "Ada-Passw0rd").await.expect("she may");
        assert_eq!(ada.username, "ada");
        assert_eq!(ada.claims["userPrincipalName"], "ada@corp.test");
        assert_eq!(ada.claims["mail"], "ada@corp.test");
        assert_eq!(ada.claims["dn"], "CN=Ada Lovelace,OU=Staff,DC=corp,DC=test");
        assert_eq!(groups_of(&ada), ["Domain Users", "staff"]);
        people.push(ada);
    }
    assert!(people.iter().all(|ada| ada.id == people[0].id), "{people:?}");
    let ada = &people[0].claims;
    let found = directories().look_up(&settings, ada, &caller()).await.expect("found by its bytes");
    assert_eq!(found.username, "ada");
}

#[tokio::test]
async fn names_may_have_any_character() {
    let Some(settings) = corp() else { return };
    let star = sign_in(&settings, "star(x)", "Star-Passw0rd").await.expect("he may");
    assert_eq!(star.claims["dn"], "CN=St*r (x) \\\\ y\\, z,OU=Staff,DC=corp,DC=test");
    assert_eq!(groups_of(&star), ["Domain Users", "staff"]);
    let jörg = sign_in(&settings, "jörg", "Jörg-Passw0rd").await.expect("he may");
    assert_eq!(jörg.username, "jörg");
    for hostile in ["*", "a*", "ada)(cn=*", "*)(objectClass=*"] {
        let refused = refusal(sign_in(&settings, hostile, "Ada-Passw0rd").await);
        assert_eq!(refused, LdapRefusal::UnknownPerson, "{hostile}");
    }
}

#[tokio::test]
async fn a_restriction_is_reported_only_with_the_right_password() {
    let Some(settings) = corp() else { return };
    for (name, password, restriction) in [
        ("dora", "Dora-Passw0rd", AccountRestriction::Disabled),
        ("erik", "Erik-Passw0rd", AccountRestriction::Expired),
        ("mia", "Mia-Passw0rd", AccountRestriction::PasswordMustChange),
    ] {
        let told = refusal(sign_in(&settings, name, password).await);
        assert_eq!(told, LdapRefusal::Restricted(restriction), "{name}");
        let wrong = refusal(sign_in(&settings, name, "wrong").await);
        assert_eq!(wrong, LdapRefusal::WrongPassword("wrong password".to_owned()), "{name}");
    }
    assert_eq!(refusal(sign_in(&settings, "ada", "").await), LdapRefusal::EmptyPassword);
}

#[tokio::test]
async fn a_locked_account_is_for_the_log() {
    let Some(settings) = corp() else { return };
    for _ in 0..6 {
        sign_in(&settings, "lou", "wrong").await.expect_err("refused");
    }
    // The server says so to right and wrong passwords.
    for password in ["Lou-Passw0rd", "wrong"] {
        let locked = refusal(sign_in(&settings, "lou", password).await);
        assert_eq!(locked, LdapRefusal::WrongPassword("the account is locked".to_owned()));
    }
}

#[tokio::test]
async fn nested_groups_are_read_by_the_server_or_by_searches() {
    let Some(mut settings) = corp() else { return };
    let all = ["Domain Users", "Users", "employees", "everyone", "staff"];
    let groups = settings.groups.as_mut().expect("groups");
    groups.depth = 10;
    let ada = sign_in(&settings, "ada", "Ada-Passw0rd").await.expect("she may");
    assert_eq!(groups_of(&ada), all);
    let groups = settings.groups.as_mut().expect("groups");
    groups.depth = 0;
    let entries = filter("(objectClass=group)");
    groups.filter = LdapSchema::ActiveDirectory.membership_filter(entries, true);
    assert!(format!("{:?}", groups.filter).contains(MEMBER_IN_CHAIN));
    let ada = sign_in(&settings, "ada", "Ada-Passw0rd").await.expect("she may");
    assert_eq!(groups_of(&ada), all);
}

#[tokio::test]
async fn the_primary_group_counts_like_the_others() {
    let Some(mut settings) = corp() else { return };
    let nora = async |settings: &LdapSettings| {
        let nora = sign_in(settings, "nora", "Nora-Passw0rd").await.expect("she may");
        groups_of(&nora).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    // No group has her as a member of its guests.
    assert_eq!(nora(&settings).await, ["Domain Guests", "Domain Users"]);
    let groups = settings.groups.as_mut().expect("groups");
    groups.depth = 10;
    let all = ["Domain Guests", "Domain Users", "Guests", "Users", "visitors"];
    assert_eq!(nora(&settings).await, all);
    let groups = settings.groups.as_mut().expect("groups");
    groups.depth = 0;
    let entries = filter("(objectClass=group)");
    groups.filter = LdapSchema::ActiveDirectory.membership_filter(entries, true);
    assert_eq!(nora(&settings).await, all);
    // Elsewhere it does not count itself, and the server finds the groups that contain it.
    let groups = settings.groups.as_mut().expect("groups");
    groups.base = "OU=Groups,DC=corp,DC=test".into();
    assert_eq!(nora(&settings).await, ["visitors"]);
    // A filter that compares the member itself also says which groups count.
    for (own, expected) in [
        ("(&(objectClass=group)(member={dn}))", &["Domain Guests", "Domain Users"][..]),
        ("(&(cn=Domain G*)(member={dn}))", &["Domain Guests"]),
        ("(&(cn=x)(member={dn}))", &[]),
    ] {
        let groups = settings.groups.as_mut().expect("groups");
        groups.base = "DC=corp,DC=test".into();
        groups.filter = filter(own);
        assert_eq!(nora(&settings).await, expected, "{own}");
    }
    // The other schema knows no primary groups.
    settings.schema = LdapSchema::OpenLdap;
    settings.groups.as_mut().expect("groups").filter = filter("(member={dn})");
    assert_eq!(nora(&settings).await, ["Domain Users"]);
}

#[tokio::test]
async fn two_entries_with_one_name_are_refused() {
    let Some(mut settings) = corp() else { return };
    settings.people.filter = filter("(displayName={username})");
    let both = refusal(sign_in(&settings, "Tom", "Tom-Passw0rd").await);
    assert_eq!(both, LdapRefusal::SeveralPeople);
}

#[tokio::test]
async fn a_look_up_sees_that_a_person_has_left() {
    let Some(settings) = corp() else { return };
    let leaver = sign_in(&settings, "leaver", "Leaver-Passw0rd").await.expect("still here");
    let look_up = async || directories().look_up(&settings, &leaver.claims, &caller()).await;
    assert_eq!(look_up().await, Ok(leaver.clone()));
    let change = async |ldif: &'static str| {
        let samba = samba().expect("started");
        tokio::task::spawn_blocking(move || samba.modify(ldif)).await.expect("changed");
    };
    change(
        "dn: CN=Leaver,OU=Staff,DC=corp,DC=test\nchangetype: modify\n\
         replace: userAccountControl\nuserAccountControl: 514\n",
    )
    .await;
    let disabled = LdapRefusal::Restricted(AccountRestriction::Disabled);
    assert_eq!(refusal(look_up().await), disabled);
    change("dn: CN=Leaver,OU=Staff,DC=corp,DC=test\nchangetype: delete\n").await;
    assert_eq!(refusal(look_up().await), LdapRefusal::UnknownPerson);
}
