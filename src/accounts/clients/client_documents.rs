//! Clients that a metadata document describes: the document is fetched when such a client asks for something
//! (draft-ietf-oauth-client-id-metadata-document §5). Nothing is written.

use std::{sync::Arc, time::Duration};

use crate::{
    accounts::AccountContext,
    fetch::FetchError,
    identity::RateLimitClass,
    model::{AuditEvent, Client, ClientId, ThrottledAttempt, throttle_prefix},
    protocol::{
        client_document::{ClientDocument, DocumentUrl, DocumentUrlError, client_of_document},
        error::{ErrorCode, OAuthError},
    },
    remote::RemoteDocumentError,
};

/// Documents that one address makes the server fetch per minute.
const MAX_FETCHES_PER_MINUTE: u32 = 30;

/// The reason why a client with a document is not known.
#[derive(Clone, Debug)]
pub(crate) enum DocumentClientError {
    /// The document cannot be used.
    Refused(OAuthError),
    /// The address has made the server fetch too many documents. Contains the URL of the document that was not fetched,
    /// and the time to wait.
    Throttled(OAuthError, ClientId, Duration),
}

impl DocumentClientError {
    /// Reports that too many documents were fetched, and returns the error for a page.
    pub(crate) fn report(self, context: AccountContext<'_>) -> OAuthError {
        match self {
            Self::Refused(error) => error,
            Self::Throttled(error, url, wait) => {
                let (attempt, client_id) = (ThrottledAttempt::ClientDocument, Some(url.as_str()));
                context.audit(AuditEvent::throttled_attempt(attempt, client_id, wait));
                error
            }
        }
    }
}

/// The client that the document at a client ID describes; `None` if the ID is that of an object, or unknown.
///
/// # Errors
///
/// `invalid_client` if the ID can only be a URL and the tenant accepts documents, but not this document;
/// `temporarily_unavailable` if a later request may succeed.
pub(crate) async fn load_document_client(
    context: AccountContext<'_>,
    client_id: &str,
) -> Result<Option<Arc<Client>>, DocumentClientError> {
    let served = context.tenant;
    let Some(url) = served.document_url(client_id) else {
        return refused_id(context, client_id)
            .map_or(Ok(None), |error| Err(DocumentClientError::Refused(error.because(client_id))));
    };
    let document = load_document(context, &url).await?;
    document.restrictions.check_tenant(&served.tenant).map_err(|error| {
        let text = format!("The client metadata document at {} {error}.", url.authority());
        DocumentClientError::Refused(OAuthError::new(ErrorCode::InvalidClient, text))
    })?;
    let client = client_of_document((&served.tenant, &served.resource_servers), &url, &document);
    let client = client.filter(|client| !client.redirect_uris.is_empty()).ok_or_else(|| {
        let text = format!(
            "None of the redirect_uris in the client metadata document is accepted by this issuer: see clientIdMetadataDocuments.redirectHosts of the tenant. The document is at {}.",
            url.authority()
        );
        DocumentClientError::Refused(OAuthError::new(ErrorCode::InvalidClient, text))
    })?;
    Ok(Some(Arc::new(client)))
}

/// The error for an ID that can only be a URL, of a tenant that accepts some documents.
fn refused_id(context: AccountContext<'_>, client_id: &str) -> Option<OAuthError> {
    let served = context.tenant;
    let is_of_document = served.tenant.client_documents.is_enabled()
        && DocumentUrl::is_like(client_id)
        && served.client(client_id).is_none()
        && !served.reserved_names().has_client_id(client_id);
    let text = match DocumentUrl::parse(client_id) {
        _ if !is_of_document => return None,
        Err(DocumentUrlError) => DocumentUrlError.to_string(),
        Ok(_) => "This issuer accepts no client metadata documents of this host.".to_owned(),
    };
    Some(OAuthError::new(ErrorCode::InvalidClient, text))
}

async fn load_document(
    context: AccountContext<'_>,
    url: &DocumentUrl,
) -> Result<Arc<ClientDocument>, DocumentClientError> {
    let (services, tenant) = (context.services, context.tenant_id());
    let address = throttle_prefix(context.origin.address);
    let fetch = services.http_client.for_owner(&tenant.to_string(), Some(address));
    let cache = &services.client_documents;
    if let Some(document) = cache.fresh(&fetch, (tenant, url), context.now) {
        return Ok(document);
    }
    // A URL that had a document is fetched four times a minute at most, and strangers must not use up the fetches of
    // its people.
    if !cache.had_document(&fetch, (tenant, url)) {
        admit_fetch(context, url)?;
    }
    let found = cache.find(&fetch, (tenant, url), context.now).await;
    found.map_err(|error| DocumentClientError::Refused(unusable_document(url, &error)))
}

fn admit_fetch(context: AccountContext<'_>, url: &DocumentUrl) -> Result<(), DocumentClientError> {
    let limited = (context.tenant_id(), RateLimitClass::New);
    let limiter = &context.services.document_fetches;
    let admitted =
        limiter.admit(limited, context.origin.address, MAX_FETCHES_PER_MINUTE, context.now);
    admitted.map_err(|wait| {
        let text = format!(
            "Too many client metadata documents had to be fetched. Try again in {} seconds.",
            wait.as_secs().max(1)
        );
        let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
        DocumentClientError::Throttled(error.because(url.as_str()), url.client_id(), wait)
    })
}

/// The error for a document that cannot be used. It names the host only: the rest of the URL is text that a
/// stranger chooses.
fn unusable_document(url: &DocumentUrl, error: &RemoteDocumentError) -> OAuthError {
    let what = match error {
        RemoteDocumentError::ClientDocument(error) => error.to_string(),
        RemoteDocumentError::Fetch(error) => unfetched(error).to_owned(),
        _ => "could not be fetched".to_owned(),
    };
    let is_transient = match error {
        RemoteDocumentError::Fetch(error) => error.is_transient(),
        RemoteDocumentError::Aborted => true,
        _ => false,
    };
    let code =
        if is_transient { ErrorCode::TemporarilyUnavailable } else { ErrorCode::InvalidClient };
    let text = format!("The client metadata document at {} {what}.", url.authority());
    OAuthError::new(code, text).because(format!("{}: {error}", url.as_str()))
}

/// Why a document was not fetched, without what the server answered.
fn unfetched(error: &FetchError) -> &'static str {
    match error {
        FetchError::Url(_) => "has no URL that can be fetched",
        FetchError::Forbidden(_) | FetchError::Unencrypted(_) => {
            "has an address that this service does not call"
        }
        FetchError::Unknown(_) => "could not be fetched: its host is not found",
        FetchError::Broken(..) => "could not be fetched: there is no connection to its host",
        FetchError::Late(_) => "was not delivered in time",
        FetchError::Busy => "could not be fetched: too many others are being fetched",
        FetchError::TooLarge(..) => "is larger than 5 KiB",
        FetchError::Status(..) => "must be delivered with status 200, without a redirect",
    }
}
