//! The parameters of a request over the backchannel (OpenID Connect CIBA Core 1.0 §7.1) that an authorization request
//! does not have.

use std::time::Duration;

use super::{
    cross_device::MAX_WAITING_TIME,
    error::{ErrorCode, OAuthError},
    params::RequestParams,
};
use crate::model::{Client, Secret, invisible_characters};

/// The shortest time that a client can have a request wait for the person.
const MIN_WAITING_TIME: Duration = Duration::from_secs(30);
/// Longest `binding_message`, in characters: a short text that people compare (CIBA Core §7.1).
const MAX_BINDING_MESSAGE: usize = 64;
/// Longest `login_hint`, in bytes.
const MAX_HINT: usize = 256;
/// Longest `client_notification_token` (CIBA Core §7.1), in bytes.
const MAX_NOTIFICATION_TOKEN: usize = 1024;

/// The hint that names the person who is asked (CIBA Core §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonHint {
    /// `login_hint`: a username, an e-mail address or a `sub`.
    Login(String),
    /// `id_token_hint`: an ID token of this issuer.
    IdToken,
}

/// The parameters of a request, apart from those of its authorization.
#[derive(Clone, Debug)]
pub struct BackchannelParams {
    /// The person who is asked.
    pub hint: PersonHint,
    /// `binding_message`, which the person compares on both devices; `None` if the client sent none.
    pub binding_message: Option<String>,
    /// How long the request waits for the person: `requested_expiry`, within bounds.
    pub waits_for: Duration,
    /// `client_notification_token`, which the client expects with its ping; `None` for a client that polls.
    pub notification_token: Option<Secret<String>>,
}

impl BackchannelParams {
    /// Checks the parameters of a client's request.
    pub fn check(params: &RequestParams, client: &Client) -> Result<Self, OAuthError> {
        if params.get("request").is_some() {
            return Err(invalid("Signed requests are not supported; send the parameters."));
        }
        Ok(Self {
            hint: person_hint(params)?,
            binding_message: params.get("binding_message").map(binding_message).transpose()?,
            waits_for: requested_expiry(params.get("requested_expiry"))?,
            notification_token: notification_token(params, client)?,
        })
    }
}

/// Rule: exactly one hint names the person (CIBA Core §7.1). This issuer has no issuers of login hint tokens.
fn person_hint(params: &RequestParams) -> Result<PersonHint, OAuthError> {
    if params.get("login_hint_token").is_some() {
        let text =
            "The parameter 'login_hint_token' is not supported; send login_hint or id_token_hint.";
        return Err(invalid(text));
    }
    match (params.get("login_hint"), params.get("id_token_hint")) {
        (Some(name), None) if name.len() <= MAX_HINT => Ok(PersonHint::Login(name.to_owned())),
        (Some(_), None) => Err(invalid("The parameter 'login_hint' must not exceed 256 bytes.")),
        (None, Some(_)) => Ok(PersonHint::IdToken),
        (None, None) | (Some(_), Some(_)) => {
            let text = "The request must name the person by either login_hint or id_token_hint.";
            Err(invalid(text))
        }
    }
}

/// Rule: a binding message is short and plain (CIBA Core §7.1, §13), so that it cannot look like a part of the page.
fn binding_message(text: &str) -> Result<String, OAuthError> {
    let is_plain = !text.trim().is_empty()
        && text.chars().count() <= MAX_BINDING_MESSAGE
        && !text.chars().any(|it| it.is_control() || matches!(it, '<' | '>'))
        && invisible_characters::find_invisible(text).is_none();
    if is_plain {
        return Ok(text.to_owned());
    }
    let text =
        "The binding message must have 1 to 64 visible characters on one line, without < and >.";
    Err(OAuthError::new(ErrorCode::InvalidBindingMessage, text))
}

/// Rule: a positive integer (CIBA Core §7.1), which is clamped to the bounds.
fn requested_expiry(text: Option<&str>) -> Result<Duration, OAuthError> {
    let Some(text) = text else { return Ok(MAX_WAITING_TIME) };
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || text.bytes().all(|byte| byte == b'0') {
        let text = "The parameter 'requested_expiry' must be a positive number of seconds.";
        return Err(invalid(text));
    }
    // A number that does not fit is longer than the longest time.
    let asked = text.parse().map_or(MAX_WAITING_TIME, Duration::from_secs);
    Ok(asked.clamp(MIN_WAITING_TIME, MAX_WAITING_TIME))
}

/// Rule: a client that gets notifications sends the bearer token for them (CIBA Core §7.1, RFC 6750 §2.1).
fn notification_token(
    params: &RequestParams,
    client: &Client,
) -> Result<Option<Secret<String>>, OAuthError> {
    // Other clients get no notification.
    if client.ping_endpoint().is_none() {
        return Ok(None);
    }
    let token = params.get("client_notification_token").ok_or_else(|| {
        invalid("A client in the mode 'ping' must send client_notification_token.")
    })?;
    let (start, end) = token.split_at(token.trim_end_matches('=').len());
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let is_bearer = !start.is_empty() && start.bytes().all(is_token) && end.len() <= 2;
    if token.len() <= MAX_NOTIFICATION_TOKEN && is_bearer {
        return Ok(Some(Secret::new(token.to_owned())));
    }
    let text =
        "The parameter 'client_notification_token' must be a bearer token of at most 1024 bytes.";
    Err(invalid(text))
}

fn invalid(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, text)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::model::{ClientDetails, GrantType, fixtures};

    fn check(query: &str) -> Result<BackchannelParams, ErrorCode> {
        let params = RequestParams::parse(query.as_bytes());
        BackchannelParams::check(&params, &fixtures::client()).map_err(|error| error.code)
    }

    #[test]
    fn exactly_one_hint_names_the_person() {
        // CIBA Core §7.1, §7.2
        let hint = |query| check(query).map(|it| it.hint);
        assert_eq!(hint("login_hint=ada"), Ok(PersonHint::Login("ada".to_owned())));
        assert_eq!(hint("id_token_hint=e.y.J"), Ok(PersonHint::IdToken));
        let long = format!("login_hint={}", "a".repeat(257));
        for refused in [
            "",
            "login_hint=a&id_token_hint=b",
            "login_hint_token=a",
            "login_hint=a&login_hint_token=b",
            &long,
        ] {
            assert_eq!(hint(refused), Err(ErrorCode::InvalidRequest), "{refused}");
        }
    }

    #[test]
    fn a_signed_request_is_refused() {
        assert_eq!(check("request=e.y.J").map(drop), Err(ErrorCode::InvalidRequest));
    }

    #[test]
    fn a_binding_message_is_short_and_plain() {
        // CIBA Core §13
        let longest = "ü".repeat(64);
        for plain in ["W4SCT", "Pay 10,00 € to Müller & Söhne?", &longest] {
            assert_eq!(binding_message(plain).as_deref(), Ok(plain));
        }
        let long = "a".repeat(65);
        for refused in ["", " ", "<b>", "a\nb", "a\u{202e}b", "a\u{200b}b", &long] {
            let error = binding_message(refused).map_err(|error| error.code);
            assert_eq!(error, Err(ErrorCode::InvalidBindingMessage), "{refused:?}");
        }
    }

    #[test]
    fn the_client_can_shorten_the_time() {
        // CIBA Core §7.1, `requested_expiry`
        let seconds = |text| requested_expiry(Some(text)).map(|it| it.as_secs()).ok();
        assert_eq!(requested_expiry(None), Ok(MAX_WAITING_TIME));
        assert_eq!(
            (seconds("120"), seconds("1"), seconds("86400")),
            (Some(120), Some(30), Some(600))
        );
        assert_eq!(seconds("99999999999999999999999"), Some(600));
        for refused in ["", "0", "000", "-5", "+5", "1.5", "soon"] {
            assert_eq!(seconds(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_client_that_gets_notifications_sends_a_token() {
        // CIBA Core §7.1, `client_notification_token`
        let details = ClientDetails {
            backchannel_token_delivery_mode: Some(crate::model::BackchannelTokenDeliveryMode::Ping),
            backchannel_client_notification_endpoint: Some("https://rp.test/ping".to_owned()),
            ..ClientDetails::default()
        };
        let client = Client {
            grant_types: Arc::new(BTreeSet::from([GrantType::Ciba])),
            details: Arc::new(details),
            ..fixtures::client()
        };
        let token = |query: &str| {
            let params = RequestParams::parse(query.as_bytes());
            notification_token(&params, &client).map_err(|error| error.code)
        };
        let sent = token("client_notification_token=8d67dc78-7faa-4d41%3D%3D");
        assert_eq!(
            sent.expect("a token").map(|it| it.expose().clone()).as_deref(),
            Some("8d67dc78-7faa-4d41==")
        );
        let long = format!("client_notification_token={}", "a".repeat(1025));
        for refused in [
            "",
            "client_notification_token=a%0d%0ab",
            "client_notification_token===",
            "client_notification_token=a%3Db",
            &long,
        ] {
            assert!(token(refused).is_err(), "{refused}");
        }
        assert!(check("login_hint=a").expect("valid").notification_token.is_none());
    }
}
