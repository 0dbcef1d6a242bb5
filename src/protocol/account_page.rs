//! The sign-in to the account page. It is an authorization request of the issuer to itself, with the same sign-in
//! page, providers and limits. Its response has no code.
//!
//! The client exists only here. No other endpoint finds it, and no token is issued to it.

use std::{collections::BTreeSet, sync::Arc};

use form_urlencoded::Serializer;
use serde_json::{Map, Value};

use super::{
    account_change::MAX_AGE_OF_CHANGES,
    authorize::{
        AuthorizationRequest, AuthorizeError, TenantLookup, validate_authorization_request,
    },
    params::{RequestParams, UI_LOCALES},
};
use crate::{
    messages::LanguageTag,
    model::{
        ApplicationType, Client, ClientId, ConsentPolicy, Endpoint, GrantType, RedirectUri,
        ResourceServers, ResponseType, Tenant,
    },
};

/// The client id and object name of the account page in logs. Names of objects have no underscore.
const ACCOUNT_PAGE: &str = "_account";
/// The name of the account page in logs. Pages have it in their language.
const NAME: &str = "your account";
/// The value of `prompt` for the choice of an account (OIDC Core §3.1.2.1).
const SELECT_ACCOUNT: &str = "select_account";
/// The scope of the request, which grants nothing.
const SCOPE: &str = "openid";

/// How the person has to sign in to the account page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountPageSignIn<'a> {
    /// Any valid session suffices: the request has no `prompt` and no `max_age`.
    Visit,
    /// The person chooses the account.
    ChooseAccount,
    /// The sign-in has to be fresh, at the provider that the session is from, if it is from one.
    Confirm {
        /// The name of the provider's object; `None` for a session of the tenant itself.
        provider: Option<&'a str>,
    },
}

/// Returns the parameters of the authorization request for the account page. `locale`: the language of the pages.
pub fn account_page_params(
    tenant: &Tenant,
    sign_in: AccountPageSignIn<'_>,
    locale: Option<&LanguageTag>,
) -> RequestParams {
    let mut query = Serializer::new(String::new());
    query.extend_pairs([
        ("client_id", ACCOUNT_PAGE),
        ("redirect_uri", &Endpoint::Account.url(&tenant.issuer)),
        ("response_type", ResponseType::Code.as_str()),
        ("scope", SCOPE),
    ]);
    query.extend_pairs(locale.map(|tag| (UI_LOCALES, tag.as_str())));
    match sign_in {
        AccountPageSignIn::Visit => {}
        AccountPageSignIn::ChooseAccount => {
            query.append_pair("prompt", SELECT_ACCOUNT);
        }
        AccountPageSignIn::Confirm { provider } => {
            query.append_pair("max_age", &MAX_AGE_OF_CHANGES.as_secs().to_string());
            query.extend_pairs(provider.map(|provider| ("identity_provider", provider)));
        }
    }
    RequestParams::parse(query.finish().as_bytes())
}

/// Validates the request of a sign-in to the account page, at each of its steps.
pub fn validate_account_page_request(
    tenant: &Tenant,
    params: &RequestParams,
) -> Result<AuthorizationRequest, AuthorizeError> {
    let only = AccountPageClient(Arc::new(account_page_client(tenant)));
    validate_authorization_request(tenant, &only, params)
}

/// Returns true for the client of the account page.
pub fn is_account_page(client: &Client) -> bool {
    client.id.as_str() == ACCOUNT_PAGE
}

/// Finds the client of the account page and no other. It has no resource servers.
struct AccountPageClient(Arc<Client>);

impl TenantLookup for AccountPageClient {
    fn client(&self, id: &str) -> Option<Arc<Client>> {
        (id == self.0.id.as_str()).then(|| Arc::clone(&self.0))
    }

    fn id_token(&self, _: &str) -> Option<Map<String, Value>> {
        None
    }

    fn resource_servers(&self) -> &ResourceServers {
        ResourceServers::none()
    }
}

fn account_page_client(tenant: &Tenant) -> Client {
    let object = tenant.id.0.in_same_namespace(ACCOUNT_PAGE);
    let uri = RedirectUri::parse(&Endpoint::Account.url(&tenant.issuer), ApplicationType::Web);
    Client {
        name: NAME.to_owned(),
        redirect_uris: uri.into_iter().collect(),
        grant_types: Arc::new(BTreeSet::from([GrantType::AuthorizationCode])),
        response_types: Arc::new(BTreeSet::from([ResponseType::Code])),
        scopes: Arc::new(BTreeSet::from([SCOPE.to_owned()])),
        consent: ConsentPolicy::Implied,
        ..Client::new(ClientId::new(ACCOUNT_PAGE), object, tenant.id.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Issuer, fixtures},
        protocol::authorize::Prompt,
    };

    fn request(sign_in: AccountPageSignIn<'_>) -> AuthorizationRequest {
        let tenant = fixtures::tenant();
        validate_account_page_request(&tenant, &account_page_params(&tenant, sign_in, None))
            .expect("it is valid")
    }

    #[test]
    fn the_request_is_valid_and_returns_to_the_account_page() {
        let visit = request(AccountPageSignIn::Visit);
        assert!(visit.return_to.uri().ends_with("/account"));
        assert_eq!((visit.max_age, visit.identity_provider), (None, None));
        let confirm = request(AccountPageSignIn::Confirm { provider: Some("corp") });
        assert_eq!(confirm.max_age, Some(MAX_AGE_OF_CHANGES));
        assert_eq!(confirm.identity_provider.as_deref(), Some("corp"));
        let choose = request(AccountPageSignIn::ChooseAccount);
        assert_eq!(choose.prompt, BTreeSet::from([Prompt::SelectAccount]));
    }

    #[test]
    fn every_form_of_issuer_has_an_account_page() {
        for issuer in [
            "https://id.test",
            "https://id.test:8443/a/b",
            "http://127.0.0.1:8080/a",
            "http://id.internal",
            "https://[::1]/a",
        ] {
            let mut tenant = fixtures::tenant();
            tenant.issuer = Issuer::parse(issuer).unwrap_or_else(|_| panic!("{issuer}"));
            let params = account_page_params(&tenant, AccountPageSignIn::Visit, None);
            let found = validate_account_page_request(&tenant, &params).expect(issuer);
            assert_eq!(found.return_to.uri(), format!("{issuer}/account"));
        }
    }

    #[test]
    fn no_other_client_signs_in_to_the_account_page() {
        let tenant = fixtures::tenant();
        let params = RequestParams::parse(b"client_id=team.wiki&response_type=code");
        assert!(validate_account_page_request(&tenant, &params).is_err());
    }
}
