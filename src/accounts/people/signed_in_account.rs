//! The account of a user who is signed in, at each use.

use std::sync::Arc;

use super::{
    person_records::{self, AccountReference},
    person_refresh,
    upstream_error::UpstreamSignInError,
    upstream_refresh,
};
use crate::{
    accounts::{AccountContext, AccountError},
    model::Account,
};

/// The account of a session or grant, even if disabled: of a user of the tenant, or of a person of
/// an identity provider who may still sign in.
///
/// # Errors
///
/// [`AccountError::ProviderUnavailable`] while the provider would have to be asked, and cannot;
/// [`AccountError::NotAdmitted`] while its answer gives no account.
pub(in crate::accounts) async fn find_account(
    context: AccountContext<'_>,
    person: AccountReference<'_>,
) -> Result<Option<Arc<Account>>, AccountError> {
    let declared = context.tenant.account_by_subject(person.subject);
    let Some(origin) = person.origin else {
        return Ok(declared.filter(|account| account.disabled || account.signs_in_here()).cloned());
    };
    if let Some(disabled) = declared.filter(|account| account.disabled) {
        return Ok(Some(Arc::clone(disabled)));
    }
    let Some(provider) = context.tenant.provider(&origin.provider) else {
        // A mistake in its object costs applications no refresh tokens.
        if context.tenant.reserved_names().has_provider(&origin.provider) {
            return Err(AccountError::ProviderUnavailable(origin.provider.clone()));
        }
        return Ok(None);
    };
    let claims = if let Some(settings) = provider.directory() {
        person_refresh::directory_claims(context, (provider, settings), person.subject).await?
    } else {
        upstream_refresh::upstream_claims(context, provider, person).await?
    };
    let Some(claims) = claims else { return Ok(None) };
    match person_records::admitted_account(context, provider, &claims) {
        Ok(account) if account.subject == *person.subject => Ok(Some(Arc::new(account))),
        // Another object with the provider's name can have other people, and an OidcUser may declare
        // another person since then.
        Ok(_) => Ok(None),
        Err(error) => {
            person_records::report_refused_person(
                context,
                provider,
                Some(person.subject.as_str()),
                &error,
            );
            match error {
                UpstreamSignInError::Disabled(_) => Ok(None),
                _ => Err(AccountError::NotAdmitted(provider.name().to_owned())),
            }
        }
    }
}
