//! The checked settings of the mail server that a tenant sends by.

use std::{fmt, net::IpAddr, sync::Arc};

use super::{Secret, wire_enum::wire_enum};

/// Longest address: a path of RFC 5321 §4.5.3.1.3 without its brackets.
const MAX_ADDRESS_LEN: usize = 254;
/// Longest part before the `@` (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_PART_LEN: usize = 64;

wire_enum!(
    /// How a connection to a mail server is encrypted.
    #[derive(Default)]
    SmtpTls {
        /// The connection begins in plain text and goes on with TLS (RFC 3207). A server that does not offer
        /// it gets no mail.
        #[default]
        StartTls = "StartTls",
        /// The connection begins with TLS (RFC 8314 §3.3).
        Implicit = "Implicit",
        /// The connection is not encrypted.
        Disabled = "Disabled",
    }
);

impl SmtpTls {
    /// The port of servers by default.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Implicit => 465,
            Self::Disabled => 25,
        }
    }
}

/// The mail server and the sender of a tenant's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// The server that takes the mail.
    pub server: MailServer,
    /// The address of the sender, for which [`is_mail_address`] is true.
    pub from: Box<str>,
}

/// A mail server that accepts messages from Lanyard (SMTP, RFC 5321).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// The host name or IP address, which the certificate names.
    pub host: Box<str>,
    /// The TCP port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// The PEM certificates that its certificate is verified with; `None` for the system's.
    pub certificates: Option<Arc<str>>,
    /// Whether the installation allows the host inside the network.
    pub inside_network: bool,
    /// The account that sends; `None` for a server that asks for none.
    pub credentials: Option<MailCredentials>,
    /// The name that the client gives (`EHLO`).
    pub client_name: Box<str>,
}

impl fmt::Display for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The account at a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailCredentials {
    /// The username of the account.
    pub username: Box<str>,
    /// The password, not empty.
    pub password: Secret<String>,
}

/// Returns true for an address that mail can be sent to: the plain form of RFC 5321, without quotes, comments
/// and letters beyond ASCII. No such text adds a command or a header to a message.
pub fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_atom = |atom: &str| {
        let special = |byte: u8| b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        !atom.is_empty() && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || special(byte))
    };
    let is_label = |label: &str| {
        let is_word = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len())
            && is_word
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= MAX_ADDRESS_LEN
        && local.len() <= MAX_LOCAL_PART_LEN
        && local.split('.').all(is_atom)
        && domain.split('.').all(is_label)
}

/// Returns true for the name or the IP address of a mail server, without a port.
pub fn is_mail_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_mail_address(&format!("a@{text}"))
}

/// The name that Lanyard gives to mail servers (`EHLO`) for a host of a URL: the host, or its address (RFC 5321
/// §4.1.3).
pub fn smtp_client_name(host: &str) -> Box<str> {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => format!("[{address}]").into(),
        Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]").into(),
        Err(_) => host.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_no_character_that_ends_a_command_or_header() {
        for good in ["ada@example.com", "a.b+c@mail.example.co.uk", "o'hara@localhost", "1@1.test"]
        {
            assert!(is_mail_address(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example..com",
            "a..b@example.com",
            ".a@example.com",
            "ada@-example.com",
            "ada@example.com\r\nRCPT TO:<eve@evil.test>",
            "ada@example.com>",
            "<ada@example.com>",
            "Ada <ada@example.com>",
            "\"ada\"@example.com",
            "ada@example.com,eve@evil.test",
            "ada eve@example.com",
            "b\u{fc}ro@example.com",
            &long,
        ] {
            assert!(!is_mail_address(bad), "{bad}");
        }
    }
}
