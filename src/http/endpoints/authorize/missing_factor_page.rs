//! The page for a person who has not proved the factor that the tenant requires, and cannot do so now.

use http::StatusCode;

use super::{AuthorizationContext, forms, page};
use crate::{
    http::{
        EndpointError, Reply,
        pages::{self, MissingFactorPage},
    },
    model::{Account, RequiredFactor},
    protocol::required_factor::may_see_account_page,
};

/// The page. If the sign-in suffices for the account page, it has a link there. Otherwise it says what to ask the
/// administrator for.
pub(super) fn show_missing_factor(
    authorization: &AuthorizationContext<'_>,
    account: &Account,
) -> Result<Reply, EndpointError> {
    let (context, required) = (authorization.accounts(), authorization.required_factor());
    let sealed = context.seal(&authorization.interaction)?;
    let session = authorization.session_record();
    // The session can be that of another person, whose sign-in this one would have replaced.
    let own = session.filter(|session| session.authentication.subject == account.subject);
    let can_set_up = own.is_some_and(|it| may_see_account_page(required, &it.authentication));
    let provider = account.provider_name().and_then(|it| authorization.request.tenant.provider(it));
    let html = pages::missing_factor_page(&MissingFactorPage {
        tenant: &authorization.request.tenant.tenant,
        text: authorization.request.text(),
        client: &authorization.authorization.client,
        redirect_uri: authorization.authorization.return_to.displayed_uri(),
        user: account,
        factor: required.unwrap_or(RequiredFactor::SecondFactor),
        provider: provider.map(|provider| provider.display_name.as_str()),
        can_set_up,
        offers_return: !authorization.interaction.is_for_account_page(),
        other_account: forms::start_with_other_account_url(context, &authorization.interaction),
        interaction: &sealed,
    });
    Ok(page::with_form(authorization, html).status(StatusCode::FORBIDDEN))
}
