//! The steps of an attempt: find an entry, prove its password, read its groups.

use serde_json::{Map, Value};

use super::{
    active_directory::{
        STATE_ATTRIBUTES, meaning_of_bind, restriction_of_bind, restriction_of_entry,
    },
    connection::LdapConnection,
    connection_pool::DirectoryPermit,
    credentials::{LdapCredentials, LdapUserEntry, check_attempt},
    entry::{LdapEntry, identifier_bytes},
    fault::{DirectoryFault, LdapError, LdapRefusal},
    filter_encoding::{FilterWithValues, PlaceholderValues},
    groups::{LdapGroupMember, read_groups},
    messages::{LdapResult, LdapSearch, SearchScope},
    missing_entry::MissingEntry,
    network::LdapNetwork,
    person::DirectoryPerson,
    primary_group::{PRIMARY_GROUP_ATTRIBUTES, PrimaryGroup},
};
use crate::model::{DN_ATTRIBUTE, LdapFilter, LdapSchema, LdapSettings, Secret, Timestamp};

/// The directory of one attempt.
#[derive(Clone, Copy)]
pub(super) struct LdapAttempt<'a> {
    pub(super) network: &'a LdapNetwork,
    pub(super) permit: &'a DirectoryPermit,
    pub(super) settings: &'a LdapSettings,
    pub(super) now: Timestamp,
}

impl LdapAttempt<'_> {
    /// A new connection, bound as the search account.
    pub(super) async fn connect_search(&self) -> Result<LdapConnection, DirectoryFault> {
        let account = &self.settings.account;
        if account.name.is_empty() || account.password.expose().is_empty() {
            let host = self.settings.server.address.host.to_string();
            let result = "name or password is empty".to_owned();
            return Err(DirectoryFault::RefusesAccount { host, result });
        }
        let mut connection = LdapConnection::open(self.network, &self.settings.server).await?;
        let result = connection.bind(&account.name, account.password.expose()).await?;
        if result.code == LdapResult::SUCCESS {
            return Ok(connection);
        }
        let host = connection.host().to_owned();
        connection.close().await;
        let meaning = meaning_of_bind(&result.message);
        let result = meaning.map_or_else(|| result.to_string(), str::to_owned);
        Err(DirectoryFault::RefusesAccount { host, result })
    }

    /// Finds one entry as the search account, on a connection that was used before if there is one.
    /// Where the server has closed that in the meantime or does not know its account any more, a new
    /// connection takes its place.
    async fn search_person(
        &self,
        filter: &LdapFilter,
        values: &[PlaceholderValues<'_>],
    ) -> Result<(LdapConnection, LdapEntry), LdapError> {
        if let Some(used) = self.permit.take().await {
            match self.search_person_on(used, filter, values).await {
                Err(LdapError::Directory(late @ DirectoryFault::Late { .. })) => {
                    self.permit.clear();
                    return Err(late.into());
                }
                Err(LdapError::Directory(_)) => {}
                found => return found,
            }
        }
        self.search_person_on(self.connect_search().await?, filter, values).await
    }

    async fn search_person_on(
        &self,
        mut connection: LdapConnection,
        filter: &LdapFilter,
        values: &[PlaceholderValues<'_>],
    ) -> Result<(LdapConnection, LdapEntry), LdapError> {
        match self.find(&mut connection, filter, values).await {
            Ok(entry) => Ok((connection, entry)),
            Err(error) => self.release(connection, Err(error)).await,
        }
    }

    /// Lets the search account's connection wait for its next use after the outcome of an attempt. A
    /// connection with a fault is not used again.
    async fn release<T>(
        &self,
        connection: LdapConnection,
        outcome: Result<T, LdapError>,
    ) -> Result<T, LdapError> {
        match outcome {
            Err(LdapError::Directory(_)) => connection.close().await,
            Ok(_) | Err(LdapError::Refused(_)) => self.permit.keep(connection).await,
        }
        outcome
    }

    /// Finds the one entry with a username, and proves its password by a bind. The bind has a connection of its
    /// own, because it changes the account of the connection.
    pub(super) async fn authenticate(
        &self,
        credentials: LdapCredentials<'_>,
    ) -> Result<DirectoryPerson, LdapError> {
        check_attempt(credentials)?;
        let LdapCredentials { username, password, may_try } = credentials;
        let values = [PlaceholderValues { username, dn: "" }];
        let found = self.search_person(&self.settings.people.filter, &values).await;
        let (mut search, entry) = match found {
            Err(LdapError::Refused(refusal)) => {
                self.spend_a_bind().await?;
                return Err(refusal.into());
            }
            found => found?,
        };
        let person = async {
            let people = &self.settings.people;
            let described = DirectoryPerson::new(&entry, people, None).ok();
            let (id, person) = (&entry.identifier(people.id)?, described.as_ref());
            if !may_try(LdapUserEntry { id, person }) {
                return Err(LdapRefusal::TooManyAttempts.into());
            }
            self.prove(&entry.dn, password).await?;
            self.describe(&mut search, &entry).await
        };
        let person = person.await;
        self.release(search, person).await
    }

    /// Finds the entry of an earlier sign-in with these claims, among those that the filter of the people
    /// can find. An entry that is not among them is looked for everywhere.
    pub(super) async fn look_up(
        &self,
        claims: &Map<String, Value>,
    ) -> Result<DirectoryPerson, LdapError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let attribute = self.settings.people.id;
        // Another attribute identified people then.
        let bytes = identifier_bytes(attribute, text("sub")).ok_or(LdapRefusal::NotSelected)?;
        let by_id = LdapFilter::equal_bytes(attribute.as_str(), bytes);
        let selected = self.settings.people.filter.without_placeholders();
        let filter = LdapFilter::And(vec![by_id.clone(), selected]);
        let (mut search, entry) = match self.search_person(&filter, &[]).await {
            Err(LdapError::Refused(LdapRefusal::UnknownPerson)) => {
                let missing = MissingEntry { by_id, dn: text(DN_ATTRIBUTE) };
                return self.refusal_of_missing(missing).await;
            }
            found => found?,
        };
        let person = self.describe(&mut search, &entry).await;
        self.release(search, person).await
    }

    async fn refusal_of_missing(
        &self,
        entry: MissingEntry<'_>,
    ) -> Result<DirectoryPerson, LdapError> {
        let mut search = match self.permit.take().await {
            Some(used) => used,
            None => self.connect_search().await?,
        };
        let refusal = entry.refusal(&mut search, self.settings, self.now).await;
        let outcome = match refusal {
            Ok(refusal) => Err(refusal.into()),
            Err(fault) => Err(fault.into()),
        };
        self.release(search, outcome).await
    }

    async fn find(
        &self,
        connection: &mut LdapConnection,
        filter: &LdapFilter,
        values: &[PlaceholderValues<'_>],
    ) -> Result<LdapEntry, LdapError> {
        let step = "search of people";
        let people = &self.settings.people;
        let mut attributes = vec![&*people.name, people.id.as_str()];
        attributes.extend(people.attributes.iter().map(|it| &**it));
        attributes.extend(STATE_ATTRIBUTES);
        if self.settings.schema == LdapSchema::ActiveDirectory {
            attributes.extend(PRIMARY_GROUP_ATTRIBUTES);
        }
        let search = LdapSearch {
            base: &people.base,
            scope: SearchScope::Subtree,
            filter: FilterWithValues { filter, values },
            attributes: &attributes,
            size_limit: 2,
        };
        let mut found = connection.search(&search, 1, step).await?;
        match (found.result.code, found.entries.len()) {
            (LdapResult::SUCCESS, 0) => return Err(LdapRefusal::UnknownPerson.into()),
            (LdapResult::SUCCESS, 1) => {}
            (LdapResult::SUCCESS | LdapResult::SIZE_LIMIT_EXCEEDED, _) => {
                return Err(LdapRefusal::SeveralPeople.into());
            }
            _ => return Err(connection.refuses(step, &found.result).into()),
        }
        let entry = found.entries.remove(0);
        // A bind without a name is anonymous and proves nothing (RFC 4513 §5.1.1).
        if entry.dn.trim().is_empty() {
            return Err(DirectoryFault::NoDistinguishedName.into());
        }
        if let Some(attribute) = entry.cut_attribute() {
            return Err(DirectoryFault::CutAttribute { attribute: attribute.to_owned() }.into());
        }
        Ok(entry)
    }

    async fn prove(&self, dn: &str, password: &Secret<String>) -> Result<(), LdapError> {
        let mut connection = LdapConnection::open(self.network, &self.settings.server).await?;
        let result = connection.bind(dn, password.expose()).await?;
        let refused = connection.refuses("bind of a person", &result);
        connection.close().await;
        if result.code == LdapResult::SUCCESS {
            return Ok(());
        }
        if !result.refuses_account() {
            return Err(refused.into());
        }
        let is_wrong = result.code == LdapResult::INVALID_CREDENTIALS;
        let restriction = restriction_of_bind(&result.message).filter(|_| is_wrong);
        Err(match restriction {
            Some(restriction) => LdapRefusal::Restricted(restriction),
            None => {
                let meaning = meaning_of_bind(&result.message);
                LdapRefusal::WrongPassword(
                    meaning.map_or_else(|| result.to_string(), str::to_owned),
                )
            }
        }
        .into())
    }

    /// Binds as an entry that does not exist, so that an unknown name takes the time of a known one.
    async fn spend_a_bind(&self) -> Result<(), DirectoryFault> {
        let dn = format!("cn=lanyard-unknown-name,{}", self.settings.people.base);
        let mut connection = LdapConnection::open(self.network, &self.settings.server).await?;
        connection.bind(&dn, "unknown").await?;
        connection.close().await;
        Ok(())
    }

    async fn describe(
        &self,
        search: &mut LdapConnection,
        entry: &LdapEntry,
    ) -> Result<DirectoryPerson, LdapError> {
        if let Some(restriction) = restriction_of_entry(entry, self.now) {
            return Err(LdapRefusal::Restricted(restriction).into());
        }
        let username = entry.name_by(&self.settings.people.name)?;
        let groups = match &self.settings.groups {
            None => None,
            Some(groups) => {
                let primary_group = match self.settings.schema {
                    LdapSchema::ActiveDirectory => PrimaryGroup::of(entry)?,
                    LdapSchema::OpenLdap => None,
                };
                let primary_group = primary_group.as_ref();
                let person = LdapGroupMember { username: &username, dn: &entry.dn, primary_group };
                Some(read_groups(search, groups, person).await?)
            }
        };
        Ok(DirectoryPerson::new(entry, &self.settings.people, groups)?)
    }
}
