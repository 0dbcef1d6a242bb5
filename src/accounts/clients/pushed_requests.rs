//! Pushed authorization requests (RFC 9126): sealed into their `request_uri`, or stored if they are too long
//! for a URL and a declared client has authenticated.

use crate::{
    accounts::{
        AccountContext, AccountError, RequestError,
        records::budgeted_records::{insert_within_budget, record_maker},
    },
    identity::RecordMaker,
    keys::Sealer,
    model::{Client, Subject},
    protocol::{
        authorize::{
            Interaction, OpenedPushedRequest, PushedRequest, PushedRequestId, REQUEST_URI_PREFIX,
            RepeatedRequest, SealedPushedRequest, pushed_client_and_request, sealed_reference,
        },
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        records::{decode_record, encode_record},
        session::CLOCK_SKEW,
    },
    store::{Record, RecordKind},
};

/// Longest value that a confidential client gets sealed: longer URLs fail in some software.
const MAX_SEALED_LEN: usize = 2 * 1024;
/// Longest value for a client for which nothing is stored: proxies accept request lines of 8 KiB.
const MAX_UNTRUSTED_SEALED_LEN: usize = 7 * 1024;
/// The same where people sign in at identity providers, to which the request is carried in a URL, next to the
/// provider's own parameters (`MAX_PROVIDER_URL_LEN`).
const MAX_CARRIED_SEALED_LEN: usize = 6 * 1024;
/// The parameters that providers get too, in the form of a query string.
const REPEATED_PARAMETERS: [&str; 2] = ["login_hint=", "ui_locales="];
/// No shorter query is stored.
const MIN_STORED_QUERY_LEN: usize = 1024;

/// Returns the `request_uri` of a pushed request.
pub(crate) async fn push_request(
    context: AccountContext<'_>,
    client: &Client,
    (id, request): (&PushedRequestId, PushedRequest),
) -> Result<String, RequestError<OAuthError>> {
    let whole = SealedPushedRequest::Whole(request);
    let encoded = encode_record(&whole);
    let seal_whole = || context.seal_encoded::<SealedPushedRequest>(&encoded);
    let SealedPushedRequest::Whole(request) = whole else { return Ok(request_uri(&seal_whole()?)) };
    let sealed_len = Sealer::sealed_len(encoded.len());
    // Every attacker can have the secret of a client that registered itself.
    let is_untrusted = client.is_untrusted();
    if is_untrusted {
        check_untrusted_length(context, sealed_len, &request.query)?;
    }
    if is_untrusted || sealed_len <= MAX_SEALED_LEN {
        return Ok(request_uri(&seal_whole()?));
    }
    let sealed = context.seal(&SealedPushedRequest::Stored(id.id.clone()))?;
    let record = Record {
        key: context.key(RecordKind::PushedRequest, id.id.as_str()),
        value: encode_record(&request.to_stored(id)).into(),
        expires_at: id.ends_at.plus(CLOCK_SKEW),
        owners: Vec::new(),
        due_at: None,
    };
    let budget = (&context.services.pushed_request_budget, [record_maker(client)]);
    if !insert_within_budget(context, budget, record).await? {
        return Err(AccountError::DuplicateId(RecordKind::PushedRequest).into());
    }
    Ok(request_uri(&sealed))
}

/// Refuses a request that would be too long on its way through browsers, by the length of its sealed form.
fn check_untrusted_length(
    context: AccountContext<'_>,
    sealed_len: usize,
    query: &str,
) -> Result<(), OAuthError> {
    let is_carried = context.tenant.providers().iter().any(|it| it.directory().is_none());
    let is_repeated = |pair: &&str| REPEATED_PARAMETERS.iter().any(|start| pair.starts_with(start));
    let repeated: usize = query.split('&').filter(is_repeated).map(str::len).sum();
    let (len, most) = if is_carried {
        (sealed_len + repeated, MAX_CARRIED_SEALED_LEN)
    } else {
        (sealed_len, MAX_UNTRUSTED_SEALED_LEN)
    };
    if len <= most {
        return Ok(());
    }
    let text = format!(
        "The request is too long for a client that does not authenticate, or registered itself: it has {len} bytes when it is sealed, and at most {most} are possible. Send a shorter 'state', 'claims', 'login_hint' or 'request'."
    );
    Err(OAuthError::new(ErrorCode::InvalidRequest, text))
}

/// Leaves the parameters of a stored request out of its interaction, so that the URL at a provider that carries it is
/// short.
pub(in crate::accounts) async fn omit_stored_request(
    context: AccountContext<'_>,
    interaction: Interaction,
) -> Result<Interaction, AccountError> {
    let query = interaction.authorization_query().unwrap_or_default();
    let identity =
        (query.len() >= MIN_STORED_QUERY_LEN).then(|| pushed_client_and_request(query)).flatten();
    let Some((_, id)) = identity else { return Ok(interaction) };
    let is_stored = stored_request(context, &id.id).await?.is_some_and(|it| it.query == query);
    Ok(if is_stored { interaction.without_pushed_parameters(&id) } else { interaction })
}

/// Gives an interaction that comes back from a provider its stored request again.
pub(crate) async fn restore_stored_request(
    context: AccountContext<'_>,
    interaction: Interaction,
) -> Result<Interaction, RequestError<OAuthError>> {
    let Some(id) = interaction.omitted_request() else { return Ok(interaction) };
    let Some(request) = stored_request(context, &id.id).await? else {
        let text = "The sign-in has expired. Go back to the application and sign in from there.";
        return Err(OAuthError::new(ErrorCode::InvalidRequestUri, text).into());
    };
    Ok(interaction.with_pushed_parameters(request))
}

async fn stored_request(
    context: AccountContext<'_>,
    id: &str,
) -> Result<Option<PushedRequest>, AccountError> {
    let stored = context.get(&context.key(RecordKind::PushedRequest, id)).await?;
    Ok(stored.and_then(|stored| decode_record(&stored.record.value).ok()))
}

/// Returns a `request_uri` that opens the request of an interaction once more, for a link on its page. `None` if
/// the interaction has ended.
pub(crate) fn reissue_request_uri(
    context: AccountContext<'_>,
    query: String,
    id: &PushedRequestId,
) -> Option<String> {
    let (again, is_over) = if id.is_stored {
        let link = RepeatedRequest::new(query, id, context.now);
        let is_over = link.is_over(context.now);
        (SealedPushedRequest::Repeated(link), is_over)
    } else {
        let request = PushedRequest::again(query, id, context.now);
        let is_over = context.now >= request.expires_at;
        (SealedPushedRequest::Whole(request), is_over)
    };
    let sealed = context.seal(&again).ok()?;
    (!is_over).then(|| request_uri(&sealed))
}

fn request_uri(sealed: &str) -> String {
    format!("{REQUEST_URI_PREFIX}{sealed}")
}

/// Opens the request of a `request_uri`, for the client that the browser names. `opened`: the cookie by which a
/// browser shows that it has opened the request before.
pub(crate) async fn open_pushed_request(
    context: AccountContext<'_>,
    (request_uri, client_id): (&str, &str),
    opened: Option<&str>,
) -> Result<(RequestParams, PushedRequestId), RequestError<OAuthError>> {
    let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidRequestUri, text);
    let sealed = sealed_reference(request_uri).unwrap_or_default();
    let request = match context.open(sealed)? {
        Some(SealedPushedRequest::Whole(request)) => Some(request),
        Some(SealedPushedRequest::Stored(id)) => stored_request(context, &id).await?,
        Some(SealedPushedRequest::Repeated(link)) => {
            let stored = stored_request(context, &link.id).await?;
            stored.map(|stored| link.repeat(&stored))
        }
        None => None,
    };
    let request = request
        .ok_or_else(|| invalid("The request_uri has expired, or was not issued by this issuer."))?;
    let (params, id) = request
        .open(client_id)
        .ok_or_else(|| invalid("The request_uri was issued to another application."))?;
    let opened: Option<OpenedPushedRequest> =
        opened.map(|cookie| context.open(cookie)).transpose()?.flatten();
    if !request.is_current(&id, opened.as_ref(), context.now) {
        let text =
            "The request_uri has expired. Go back to the application and sign in from there.";
        return Err(invalid(text).into());
    }
    if context.get(&used_key(context, &id)).await?.is_some() {
        let text =
            "The request_uri was used already. Go back to the application and sign in from there.";
        return Err(invalid(text).into());
    }
    Ok((params, id))
}

/// Uses up a request before it is answered with a code or tokens: once. The browser may submit
/// the page of the same sign-in (`interaction`, a hash of it and of the browser) a second time. Its user has signed in.
pub(crate) async fn use_pushed_request(
    context: AccountContext<'_>,
    (id, subject): (&PushedRequestId, &Subject),
    (interaction, by_form): ([u8; 32], bool),
) -> Result<bool, AccountError> {
    let key = used_key(context, id);
    let record = Record {
        key: key.clone(),
        value: interaction.to_vec().into(),
        expires_at: id.ends_at.plus(2 * CLOCK_SKEW),
        owners: Vec::new(),
        due_at: None,
    };
    let maker = RecordMaker::Person(subject.as_str());
    let budget = (&context.services.used_request_budget, [maker]);
    if insert_within_budget(context, budget, record).await? {
        return Ok(true);
    }
    let used = context.get(&key).await?;
    Ok(by_form && used.is_some_and(|used| used.record.value == interaction.as_slice()))
}

fn used_key(context: AccountContext<'_>, id: &PushedRequestId) -> crate::store::RecordKey {
    context.key(RecordKind::UsedPushedRequest, id.id.as_str())
}
