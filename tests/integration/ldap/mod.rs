//! Sign-in with real directories: OpenLDAP, and Samba as Active Directory.

mod active_directory;
mod connections;
mod openldap;
mod pages;
mod stopping;

use lanyard::{
    fetch::FetchOwner,
    model::{
        LdapAccount, LdapAddress, LdapFilter, LdapGroups, LdapPeople, LdapSchema, LdapServer,
        LdapSettings, Secret, Timestamp, person_filter,
    },
    upstream::ldap::{
        DirectoryCaller, DirectoryPerson, LdapCredentials, LdapDirectories, LdapError,
    },
};

use crate::support::{app::local_directories, directories::TestDirectory};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn directories() -> LdapDirectories {
    local_directories()
}

/// A caller of a tenant, from an address.
fn caller() -> DirectoryCaller {
    let owner = FetchOwner { tenant: "default/shop".into(), address: Some([192, 0, 2, 1].into()) };
    DirectoryCaller { owner, now: NOW }
}

fn filter(text: &str) -> LdapFilter {
    LdapFilter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The settings that the schema gives, for people and groups below a base.
fn settings(
    server: &TestDirectory,
    schema: LdapSchema,
    base: &str,
    account: [&str; 2],
) -> LdapSettings {
    let [name, password] = account;
    let groups = filter(schema.default_groups_filter());
    LdapSettings {
        schema,
        server: LdapServer {
            address: LdapAddress {
                host: "localhost".into(),
                port: server.secure_port,
                start_tls: false,
            },
            certificates: Some(server.ca.as_str().into()),
            inside_network: true,
        },
        account: LdapAccount { name: name.into(), password: Secret::new(password.to_owned()) },
        people: LdapPeople {
            base: base.into(),
            filter: person_filter(filter(schema.default_people_filter()), schema.default_name()),
            name: schema.default_name().into(),
            id: schema.default_id(),
            attributes: schema.default_attributes().iter().map(|&name| name.into()).collect(),
        },
        groups: Some(LdapGroups {
            base: base.into(),
            filter: schema.membership_filter(groups, false),
            name: "cn".into(),
            depth: 0,
        }),
    }
}

async fn sign_in(
    settings: &LdapSettings,
    username: &str,
    password: &str,
) -> Result<DirectoryPerson, LdapError> {
    sign_in_at(&directories(), settings, (username, password)).await
}

/// A sign-in with directories that other sign-ins use too.
async fn sign_in_at(
    directories: &LdapDirectories,
    settings: &LdapSettings,
    (username, password): (&str, &str),
) -> Result<DirectoryPerson, LdapError> {
    let password = Secret::new(password.to_owned());
    let credentials = LdapCredentials { username, password: &password, may_try: &|_| true };
    directories.authenticate(settings, credentials, &caller()).await
}

/// The groups of a person.
fn groups_of(person: &DirectoryPerson) -> Vec<&str> {
    let groups = person.claims["groups"].as_array().expect("a list");
    groups.iter().map(|group| group.as_str().expect("a text")).collect()
}
