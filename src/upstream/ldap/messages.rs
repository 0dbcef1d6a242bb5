//! The messages of LDAP (RFC 4511 §4) that a sign-in needs.

use std::fmt;

use super::{
    ber::{
        BOOLEAN, BerError, BerReader, ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE, SET,
        encode_element, encode_elements, encode_number,
    },
    entry::LdapEntry,
    filter_encoding::FilterWithValues,
};

const BIND_REQUEST: u8 = 0x60;
const BIND_RESPONSE: u8 = 0x61;
const UNBIND_REQUEST: u8 = 0x42;
const SEARCH_REQUEST: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const SEARCH_REFERENCE: u8 = 0x73;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
const CONTROLS: u8 = 0xa0;

/// The name of the operation `StartTLS` (RFC 4511 §4.14.1).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// The type of the control of simple paged results (RFC 2696 §2).
const PAGED_RESULTS: &[u8] = b"1.2.840.113556.1.4.319";

/// Longest text of a server that is kept for the log, in characters.
const MAX_MESSAGE_CHARS: usize = 300;

/// The entries that a search checks (RFC 4511 §4.5.1.2).
#[derive(Clone, Copy, Debug)]
pub(super) enum SearchScope {
    /// The entry of the base alone.
    Base = 0,
    /// The entry of the base, and the tree below it.
    Subtree = 2,
}

/// A search. Aliases are not followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct LdapSearch<'a> {
    pub(super) base: &'a str,
    pub(super) scope: SearchScope,
    pub(super) filter: FilterWithValues<'a>,
    pub(super) attributes: &'a [&'a str],
    /// Most entries that the server sends; 0 for its own limit.
    pub(super) size_limit: u32,
}

/// A page of a search's results: its size, and the server's cookie of the page before.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResultPage<'a> {
    pub(super) size: u32,
    pub(super) cookie: &'a [u8],
}

/// The result of an operation (RFC 4511 §4.1.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LdapResult {
    pub(super) code: u32,
    /// The server's text for operators.
    pub(super) message: String,
}

/// The answer of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LdapAnswer {
    Bind(LdapResult),
    Entry(LdapEntry),
    /// Entries on another server, which is never asked.
    Reference,
    /// The end of a search, with the cookie of the next page.
    Done(LdapResult, Vec<u8>),
    /// Also the server's notice that it closes the connection (RFC 4511 §4.4.1).
    Extended(LdapResult),
}

impl LdapResult {
    pub(super) const SUCCESS: u32 = 0;
    pub(super) const SIZE_LIMIT_EXCEEDED: u32 = 4;
    pub(super) const NO_SUCH_OBJECT: u32 = 32;
    pub(super) const INVALID_CREDENTIALS: u32 = 49;

    /// Returns true if the result of a bind is about the account and not about the server. Servers with
    /// password policies answer so to any password of an account that is locked or disabled: with 19 and
    /// 53 for example 389 Directory Server.
    pub(super) const fn refuses_account(&self) -> bool {
        matches!(self.code, 19 | 48 | Self::INVALID_CREDENTIALS | 50 | 53)
    }

    /// The name of the code, for those that an operator meets.
    const fn name(&self) -> &'static str {
        match self.code {
            Self::SUCCESS => "success",
            1 => "operations error",
            2 => "protocol error",
            3 => "time limit exceeded",
            Self::SIZE_LIMIT_EXCEEDED => "size limit exceeded",
            8 => "stronger authentication required",
            10 => "referral to another server",
            11 => "limit of the server exceeded",
            13 => "confidentiality required",
            17 => "undefined attribute",
            18 => "inappropriate matching",
            19 => "constraint violation",
            Self::NO_SUCH_OBJECT => "no such entry",
            34 => "invalid name",
            48 => "inappropriate authentication",
            Self::INVALID_CREDENTIALS => "invalid credentials",
            50 => "insufficient access rights",
            51 => "busy",
            52 => "unavailable",
            53 => "unwilling to perform",
            _ => "another error",
        }
    }
}

impl fmt::Display for LdapResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.code)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

/// A simple bind (RFC 4511 §4.2).
pub(super) fn bind_request(id: u32, name: &str, password: &str) -> Vec<u8> {
    let parts = [
        encode_number(INTEGER, 3),
        encode_element(OCTET_STRING, name.as_bytes()),
        encode_element(0x80, password.as_bytes()),
    ];
    message(id, encode_elements(BIND_REQUEST, &parts), None)
}

/// The end of a connection.
pub(super) fn unbind_request(id: u32) -> Vec<u8> {
    message(id, encode_element(UNBIND_REQUEST, &[]), None)
}

/// The request to go on with TLS.
pub(super) fn start_tls_request(id: u32) -> Vec<u8> {
    message(id, encode_elements(EXTENDED_REQUEST, &[encode_element(0x80, START_TLS)]), None)
}

/// A search (RFC 4511 §4.5), of a page if one is given.
pub(super) fn search_request(id: u32, search: &LdapSearch, page: Option<ResultPage>) -> Vec<u8> {
    const NEVER_ALIASES: u32 = 0;
    /// The server's limit in seconds.
    const TIME_LIMIT: u32 = 5;
    let attributes = search.attributes.iter().map(|it| encode_element(OCTET_STRING, it.as_bytes()));
    let parts = [
        encode_element(OCTET_STRING, search.base.as_bytes()),
        encode_number(ENUMERATED, search.scope as u32),
        encode_number(ENUMERATED, NEVER_ALIASES),
        encode_number(INTEGER, search.size_limit),
        encode_number(INTEGER, TIME_LIMIT),
        encode_element(BOOLEAN, &[0]),
        search.filter.bytes(),
        encode_elements(SEQUENCE, &attributes.collect::<Vec<_>>()),
    ];
    let control = page.map(|page| {
        let parts = [encode_number(INTEGER, page.size), encode_element(OCTET_STRING, page.cookie)];
        let value = encode_element(OCTET_STRING, &encode_elements(SEQUENCE, &parts));
        encode_elements(SEQUENCE, &[encode_element(OCTET_STRING, PAGED_RESULTS), value])
    });
    message(id, encode_elements(SEARCH_REQUEST, &parts), control)
}

fn message(id: u32, operation: Vec<u8>, control: Option<Vec<u8>>) -> Vec<u8> {
    let mut parts = vec![encode_number(INTEGER, id), operation];
    parts.extend(control.map(|control| encode_elements(CONTROLS, &[control])));
    encode_elements(SEQUENCE, &parts)
}

/// Reads a message, without its outer tag and length. The number is that of the request.
pub(super) fn read_message(content: &[u8]) -> Result<(u32, LdapAnswer), BerError> {
    let mut reader = BerReader::new(content);
    let id = reader.read_number(INTEGER)?;
    let (tag, operation) = reader.read_any()?;
    let mut operation = BerReader::new(operation);
    let answer = match tag {
        BIND_RESPONSE => LdapAnswer::Bind(read_result(&mut operation)?),
        SEARCH_ENTRY => LdapAnswer::Entry(read_entry(&mut operation)?),
        SEARCH_REFERENCE => LdapAnswer::Reference,
        SEARCH_DONE => LdapAnswer::Done(read_result(&mut operation)?, read_cookie(&mut reader)?),
        EXTENDED_RESPONSE => LdapAnswer::Extended(read_result(&mut operation)?),
        _ => return Err(BerError),
    };
    Ok((id, answer))
}

fn read_result(reader: &mut BerReader) -> Result<LdapResult, BerError> {
    let code = reader.read_number(ENUMERATED)?;
    let _matched = reader.read(OCTET_STRING)?;
    let message = String::from_utf8_lossy(reader.read(OCTET_STRING)?);
    let printable = message.chars().map(|c| if c.is_control() { ' ' } else { c });
    let message: String = printable.take(MAX_MESSAGE_CHARS).collect();
    Ok(LdapResult { code, message: message.trim().to_owned() })
}

fn read_entry(reader: &mut BerReader) -> Result<LdapEntry, BerError> {
    let dn = read_text(reader)?;
    let mut list = reader.enter(SEQUENCE)?;
    let mut attributes = Vec::new();
    while !list.is_empty() {
        let mut attribute = list.enter(SEQUENCE)?;
        let name = read_text(&mut attribute)?;
        let mut set = attribute.enter(SET)?;
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.read(OCTET_STRING)?.to_vec());
        }
        attributes.push((name, values));
    }
    Ok(LdapEntry { dn, attributes })
}

fn read_text(reader: &mut BerReader) -> Result<String, BerError> {
    String::from_utf8(reader.read(OCTET_STRING)?.to_vec()).map_err(|_| BerError)
}

/// The cookie of the next page; empty after the last page and without pages.
fn read_cookie(reader: &mut BerReader) -> Result<Vec<u8>, BerError> {
    if reader.next_tag() != Some(CONTROLS) {
        return Ok(Vec::new());
    }
    let mut controls = reader.enter(CONTROLS)?;
    while !controls.is_empty() {
        let mut control = controls.enter(SEQUENCE)?;
        if control.read(OCTET_STRING)? != PAGED_RESULTS {
            continue;
        }
        if control.next_tag() == Some(BOOLEAN) {
            control.read(BOOLEAN)?;
        }
        let mut value = control.enter(OCTET_STRING)?;
        let mut value = value.enter(SEQUENCE)?;
        let _estimate = value.read(INTEGER)?;
        return Ok(value.read(OCTET_STRING)?.to_vec());
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests;
